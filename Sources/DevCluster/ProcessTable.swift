// A look at the processes of this host, through /proc: enough to find everything that belongs to one cluster.

import Glibc

/// One running process, as /proc showed it.
struct RunningProcess: Equatable, Sendable {
    var pid: Int32
    var parent: Int32
    /// Clock ticks since boot; with the pid it names a process for ever, since pids come round again.
    var startTime: UInt64
    /// Arguments joined by spaces.
    var commandLine: String
    /// `NAME=value` entries joined by newlines; empty for another user's process.
    var environment: String
    var isZombie: Bool
}

/// The processes of this host at one moment.
struct ProcessTable: Sendable {
    var processes: [RunningProcess]

    /// Reads /proc. Processes that end meanwhile are left out.
    static func read() -> ProcessTable {
        guard let directory = opendir("/proc") else { return ProcessTable(processes: []) }
        defer { closedir(directory) }
        var processes: [RunningProcess] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int32(name), let process = read(pid: pid) else { continue }
            processes.append(process)
        }
        return ProcessTable(processes: processes)
    }

    /// One process, or `nil` if there is none with this pid.
    static func read(pid: Int32) -> RunningProcess? {
        guard let stat = text(ofFile: "/proc/\(pid)/stat"), let nameEnd = stat.lastIndex(of: ")") else { return nil }
        // The command name, in parentheses, may hold anything; what follows it is fields 3 and up.
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let startTime = UInt64(fields[19]) else { return nil }
        return RunningProcess(
            pid: pid, parent: parent, startTime: startTime,
            commandLine: text(ofFile: "/proc/\(pid)/cmdline") ?? "",
            environment: text(ofFile: "/proc/\(pid)/environ") ?? "",
            isZombie: fields[0] == "Z")
    }

    /// Every live process for which `predicate` holds, and all their descendants, lowest pid first.
    func trees(where predicate: (RunningProcess) -> Bool) -> [RunningProcess] {
        var children: [Int32: [RunningProcess]] = [:]
        for process in processes { children[process.parent, default: []].append(process) }
        var found: [Int32: RunningProcess] = [:]
        var pending = processes.filter(predicate)
        while let process = pending.popLast() {
            guard found[process.pid] == nil else { continue }
            found[process.pid] = process
            pending.append(contentsOf: children[process.pid] ?? [])
        }
        return found.values.filter { !$0.isZombie }.sorted { $0.pid < $1.pid }
    }

    /// A small file's content with NUL bytes as newlines, at most 64 KiB of it.
    private static func text(ofFile path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while bytes.count < 65_536 {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[0..<count])
        }
        for index in bytes.indices where bytes[index] == 0 { bytes[index] = 0x0A }
        return String(decoding: bytes, as: UTF8.self)
    }
}
