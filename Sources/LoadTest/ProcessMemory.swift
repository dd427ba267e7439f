// How much memory a process of this host holds, from /proc.
import Glibc

/// Resident memory of a process, in bytes.
public struct ProcessMemory: Hashable, Sendable {
    public var resident: Int
    /// The largest `resident` since the process started, or since `resetPeak`.
    public var peak: Int
    /// Without files that are mapped, such as the program itself.
    public var anonymous: Int

    /// - Returns: `nil` if there is no such process.
    public static func of(_ pid: Int32) -> ProcessMemory? {
        guard let status = text("/proc/\(pid)/status") else { return nil }
        var found: [Substring: Int] = [:]
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == ":" || $0 == " " || $0 == "\t" })
            if words.count >= 2, let kibibytes = Int(words[1]) { found[words[0]] = kibibytes << 10 }
        }
        guard let resident = found["VmRSS"], let peak = found["VmHWM"] else { return nil }
        return ProcessMemory(resident: resident, peak: peak, anonymous: found["RssAnon"] ?? 0)
    }

    /// Starts the search for the peak anew. Needs the right to write to the process's `clear_refs`.
    public static func resetPeak(of pid: Int32) {
        guard let file = fopen("/proc/\(pid)/clear_refs", "we") else { return }
        fputs("5\n", file)
        fclose(file)
    }

    /// Seconds of processor time that the process has used.
    public static func processorSeconds(of pid: Int32) -> Double { seconds(of: pid, fields: 2) }

    /// Seconds of processor time that the process has used, and what it has waited for, and what that had waited for.
    public static func processorSecondsWithChildren(of pid: Int32) -> Double { seconds(of: pid, fields: 4) }

    /// User, system, user of ended children, system of ended children: so many of them.
    private static func seconds(of pid: Int32, fields count: Int) -> Double {
        guard let stat = text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        let ticks = fields.dropFirst(11).prefix(count).compactMap { Double($0) }
        return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
