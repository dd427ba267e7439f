// Looks at this host: /proc, file systems, limits, the port and the name. Nothing here changes anything: what is written to
// time a flush has no name, and is gone when it is closed.

import Foundation
import Glibc

enum HostLook {
    /// A small file of the kernel's, without the newline; nil if it is not there.
    static func text(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(decoding: data.prefix(64 << 10), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static var kernel: String { text("/proc/sys/kernel/osrelease") ?? "" }

    static var forwardsIP: Bool? { text("/proc/sys/net/ipv4/ip_forward").map { $0 == "1" } }

    static var controlGroups: HostFacts.ControlGroups {
        let types = (text("/proc/self/mounts") ?? "").split(separator: "\n").compactMap { line -> String? in
            let words = line.split(separator: " ")
            return words.count > 2 ? String(words[2]) : nil
        }
        // Systemd mounts version 2 for itself beside version 1; it has no controllers then.
        let controllers = text("/sys/fs/cgroup/cgroup.controllers") ?? text("/sys/fs/cgroup/unified/cgroup.controllers")
        let hasV2 = types.contains("cgroup2") && controllers?.isEmpty == false
        switch (types.contains("cgroup"), hasV2) {
        case (true, true): return .hybrid
        case (true, false): return .v1
        case (false, true): return .v2
        case (false, false): return .none
        }
    }

    static func user(switchesUser: Bool, runsProcesses: Bool) -> HostFacts.User {
        let id = geteuid()
        let name = getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)"
        return HostFacts.User(id: id, name: name, switchesUser: switchesUser, runsProcesses: runsProcesses)
    }

    static var limits: HostFacts.Limits {
        var limits = HostFacts.Limits()
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 {
            limits.files = UInt64(files.rlim_cur)
            limits.filesMax = UInt64(files.rlim_max)
        }
        limits.pids = text("/proc/sys/kernel/pid_max").flatMap { UInt64($0) }
        limits.groupPids = groupPids
        return limits
    }

    /// What the control group of this process allows, in either version; nil for no limit.
    private static var groupPids: UInt64? {
        for line in (text("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains("pids") else {
                continue
            }
            let root = parts[1].isEmpty ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids"
            if let value = text("\(root)\(parts[2])/pids.max").flatMap({ UInt64($0) }) { return value }
        }
        return nil
    }

    // MARK: Folders

    static func folder(_ use: HostFacts.Folder.Use, _ path: String, mustBeWritable: Bool) -> HostFacts.Folder {
        var folder = HostFacts.Folder(use: use, path: path)
        let existing = nearest(path)
        var status = statvfs()
        guard statvfs(existing, &status) == 0 else {
            folder.fault = String(cString: strerror(errno))
            return folder
        }
        let block = UInt64(status.f_frsize)
        folder.freeBytes = UInt64(status.f_bavail) * block
        folder.totalBytes = UInt64(status.f_blocks) * block
        folder.freeFiles = UInt64(status.f_favail)
        folder.totalFiles = UInt64(status.f_files)
        if let mount = mount(holding: existing) {
            folder.allowsPrograms = !mount.options.contains("noexec")
            folder.isInMemory = ["tmpfs", "ramfs"].contains(mount.type)
        }
        if mustBeWritable, access(existing, W_OK | X_OK) != 0 {
            folder.fault = existing == path ? "not writable" : "it is not there, and cannot be made"
        }
        if use != .temporary { folder.flush = flush(in: existing) }
        return folder
    }

    /// Appends to a file as checkpoints do, and times the flushes; for a second at most, however slow the disk.
    ///
    /// - Returns: The median; nil where no file can be made.
    static func flush(in directory: String) -> Duration? {
        // `O_TMPFILE`, which Swift does not see.
        let file = open(directory, O_WRONLY | O_CLOEXEC | O_DIRECTORY | 0o20_000_000, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let record = [UInt8](repeating: 0x20, count: 512)
        var times: [Duration] = []
        let start = ContinuousClock.now
        while times.count < 15, times.isEmpty || ContinuousClock.now - start < .seconds(1) {
            guard record.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == record.count else { return nil }
            let began = ContinuousClock.now
            guard fdatasync(file) == 0 else { return nil }
            times.append(ContinuousClock.now - began)
        }
        return times.sorted()[times.count / 2]
    }

    /// The folder itself, or the one in which it would be made.
    private static func nearest(_ path: String) -> String {
        var path = path
        while path != "/", !path.isEmpty, !FileManager.default.fileExists(atPath: path) {
            path = (path as NSString).deletingLastPathComponent
        }
        return path.isEmpty ? "." : path
    }

    /// The file system that a path is on: the last of the longest mount points above it.
    private static func mount(holding path: String) -> (type: String, options: Set<String>)? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let target = String(cString: real)
        var best: (point: String, type: String, options: Set<String>)?
        for line in (text("/proc/self/mounts") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 3 else { continue }
            let point = words[1].replacing("\\040", with: " ")
            guard point == "/" || target == point || target.hasPrefix(point + "/") else { continue }
            if point.utf8.count >= best?.point.utf8.count ?? 0 {
                best = (point, words[2], Set(words[3].split(separator: ",").map(String.init)))
            }
        }
        return best.map { ($0.type, $0.options) }
    }

    // MARK: Port and name

    /// Whether the agent could listen there.
    static func canListen(on port: Int, at address: String?) -> HostFacts.Port.Condition {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return .denied }
        defer { close(socket) }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(clamping: port).bigEndian
        if let address { inet_pton(AF_INET, address, &name.sin_addr) }
        let result = withUnsafeBytes(of: name) { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return EINVAL }
            return bind(socket, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0 ? 0 : errno
        }
        if result == 0 { return listen(socket, 1) == 0 ? .free : .taken }
        return result == EACCES ? .denied : .taken
    }

    static func name(_ given: String?) -> HostFacts.Name {
        let name = given ?? ProcessInfo.processInfo.hostName
        return HostFacts.Name(name: name, addresses: AddressLookup.addresses(of: name))
    }
}

enum AddressLookup {
    /// Numbers, each once, in the resolver's order. May take as long as the resolver does.
    static func addresses(of name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
            {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !found.contains(address) { found.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}
