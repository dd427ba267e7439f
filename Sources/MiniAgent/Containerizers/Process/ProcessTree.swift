// A look into /proc: who descends from whom, and which supervisors run.

import Glibc

/// Processes of this host at one moment, as far as /proc shows them.
struct ProcessTree: Sendable {
    private var parents: [pid_t: pid_t] = [:]

    /// Reads /proc once. Processes that end meanwhile are left out.
    init() {
        for pid in Self.pids() {
            if let parent = Self.parent(of: pid) { parents[pid] = parent }
        }
    }

    /// Everything below `root`, without it; parents before children.
    func descendants(of root: pid_t) -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for (pid, parent) in parents { children[parent, default: []].append(pid) }
        var result: [pid_t] = []
        var pending = children[root, default: []].sorted()
        while let pid = pending.first {
            pending.removeFirst()
            guard !result.contains(pid) else { continue }
            result.append(pid)
            pending += children[pid, default: []].sorted()
        }
        return result
    }

    /// Processes one of whose arguments begins with `prefix`, with all their arguments.
    static func processes(withArgumentPrefix prefix: String) -> [(pid: pid_t, arguments: [String])] {
        pids().compactMap { pid in
            let arguments = arguments(of: pid)
            return arguments.contains { $0.hasPrefix(prefix) } ? (pid, arguments) : nil
        }
    }

    /// Whether the process is in a control group whose path has `name` in it, as a container's id is.
    static func isInControlGroup(_ pid: pid_t, named name: String) -> Bool {
        guard let bytes = small("/proc/\(pid)/cgroup") else { return false }
        return String(decoding: bytes, as: UTF8.self).contains(name)
    }

    private static func pids() -> [pid_t] { DurableFile.names(in: "/proc").compactMap { pid_t($0) }.sorted() }

    static func arguments(of pid: pid_t) -> [String] {
        guard let bytes = small("/proc/\(pid)/cmdline") else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func parent(of pid: pid_t) -> pid_t? {
        guard let bytes = small("/proc/\(pid)/stat") else { return nil }
        // The name in parentheses may hold anything; what follows the last one is: state, parent, ...
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[bytes.index(after: end)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, fields[0] != [UInt8(ascii: "Z")] else { return nil }
        return pid_t(String(decoding: fields[1], as: UTF8.self))
    }

    private static func small(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while content.count < 256 << 10 {
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            content += buffer[..<count]
        }
        return content
    }
}
