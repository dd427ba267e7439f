// All processes of this host at one moment, with what each has used: the measure of tasks without a control group.

import Glibc

package struct ProcessTable: Sendable {
    package struct Entry: Hashable, Sendable {
        package var pid: pid_t
        package var parent: pid_t
        package var session: pid_t
        /// Of the process and of those children that it has waited for.
        package var userTicks: UInt64
        package var systemTicks: UInt64
        package var threads: Int
        package var startTicks: UInt64
        package var rssPages: UInt64

        /// - Returns: Nil for what is no line of `/proc/PID/stat`, and for a process that only waits to be reaped.
        package init?(stat: [UInt8]) {
            // The name in parentheses may hold anything, parentheses and line ends included.
            guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")),
                open < close, let pid = pid_t(String(decoding: stat[..<open].filter { $0 != 0x20 }, as: UTF8.self))
            else { return nil }
            // Of every process of the host: as bytes, which takes a tenth of the time that text does.
            let fields = stat[(close + 1)...].split { $0 <= 0x20 }
            // Field 3 of the manual page is the first here.
            guard fields.count >= 22, let state = fields[0].first, state != UInt8(ascii: "Z"),
                state != UInt8(ascii: "X")
            else { return nil }
            func number(_ field: Int) -> UInt64 { UInt64(String(decoding: fields[field - 3], as: UTF8.self)) ?? 0 }
            self.pid = pid
            parent = pid_t(String(decoding: fields[1], as: UTF8.self)) ?? 0
            session = pid_t(String(decoding: fields[3], as: UTF8.self)) ?? 0
            userTicks = number(14) &+ number(16)
            systemTicks = number(15) &+ number(17)
            threads = Int(clamping: number(20))
            startTicks = number(22)
            rssPages = number(24)
        }
    }

    private let entries: [pid_t: Entry]
    private let children: [pid_t: [pid_t]]

    package init(_ list: [Entry]) {
        entries = Dictionary(list.map { ($0.pid, $0) }) { first, _ in first }
        children = Dictionary(grouping: list.map(\.pid).sorted()) { [entries] in entries[$0]?.parent ?? 0 }
    }

    /// Reads `/proc` once. Processes that end meanwhile are left out.
    package static func read(_ file: KernelFile = KernelFiles.read) -> ProcessTable {
        ProcessTable(
            KernelFiles.pids().compactMap { pid in file("/proc/\(pid)/stat").flatMap { Entry(stat: $0) } })
    }

    package subscript(pid: pid_t) -> Entry? { entries[pid] }

    /// A process and everything below it; parents before children.
    package func tree(of root: pid_t) -> [Entry] {
        guard let top = entries[root] else { return [] }
        var result = [top]
        var next = 0
        while next < result.count, result.count <= entries.count {
            result += (children[result[next].pid] ?? []).compactMap { entries[$0] }
            next += 1
        }
        return result
    }

    /// Reads what a tree has used so far. The root is the task's supervisor, to which everything that its tree leaves
    /// behind is handed over, so that no time is lost.
    func measure(_ root: pid_t, into usage: inout ContainerUsage, file: KernelFile) {
        let tree = tree(of: root)
        guard !tree.isEmpty else { return }
        let ticks = CgroupFigures.ticksPerSecond
        usage.cpu = ContainerUsage.CPU(
            userSeconds: Double(tree.reduce(0) { $0 &+ $1.userTicks }) / ticks,
            systemSeconds: Double(tree.reduce(0) { $0 &+ $1.systemTicks }) / ticks)
        // The supervisor belongs to the agent's side, not to the task.
        let task = tree.dropFirst()
        usage.processes = task.count
        usage.threads = task.reduce(0) { $0 + $1.threads }
        usage.memory.rssBytes = task.reduce(0) { $0 &+ $1.rssPages } &* KernelFiles.pageBytes
        var io = ContainerUsage.IO()
        var isKnown = false
        for entry in tree {
            guard let content = file("/proc/\(entry.pid)/io") else { continue }
            isKnown = true
            for line in CgroupFigures.lines(content) {
                let parts = line.split(separator: " ")
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                if parts[0] == "read_bytes:" { io.readBytes &+= value }
                if parts[0] == "write_bytes:" { io.writtenBytes &+= value }
            }
        }
        if isKnown { usage.io = io }
    }
}

/// The files below `/proc` and `/sys`, which are small and never on a disk.
package enum KernelFiles {
    private static let bytesMax = 256 << 10
    package static let pageBytes = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))

    package static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var content: [UInt8] = []
        while content.count < bytesMax {
            let piece = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { break }
            content += piece
        }
        return content
    }

    package static func pids() -> [pid_t] { DurableFile.names(in: "/proc").compactMap { pid_t($0) } }

    /// Which namespace a process is in: `net:[4026531840]`.
    static func namespace(_ kind: String, of process: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/\(process)/ns/\(kind)", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}

enum NetworkFigures {
    /// Adds up the lines of `/proc/PID/net/dev`, loopback left out.
    static func read(_ content: [UInt8]) -> ContainerUsage.Network {
        var network = ContainerUsage.Network()
        for line in CgroupFigures.lines(content) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].drop { $0 == " " }
            let fields = line[line.index(after: colon)...].split(separator: " ").compactMap { UInt64($0) }
            guard name != "lo", fields.count >= 12 else { continue }
            network.received.bytes &+= fields[0]
            network.received.packets &+= fields[1]
            network.received.errors &+= fields[2]
            network.received.dropped &+= fields[3]
            network.sent.bytes &+= fields[8]
            network.sent.packets &+= fields[9]
            network.sent.errors &+= fields[10]
            network.sent.dropped &+= fields[11]
        }
        return network
    }
}
