// What a supervisor leaves in a file: which process it has started, how that ended, and what it had used.

import Glibc
import Processes
import Resources

/// Reads the file of a supervisor: lines of which the last one is the end, once there is one.
///
/// ```
/// PID START_TIME
/// WAIT_STATUS USER_MICROSECONDS SYSTEM_MICROSECONDS PEAK_KIBIBYTES
/// ```
///
/// Or `failed STAGE ERRNO TEXT`, if the program was never run. Earlier supervisors wrote the end as a single number, in a
/// file of its own.
enum SupervisorStatus {
    /// - Parameter program: For the message.
    /// - Returns: `nil` if it has not ended, or the file says something else.
    static func parse(_ bytes: [UInt8], program: String) -> ContainerExit? {
        let words = lastLine(of: bytes)
        if words.count >= 3, words[0] == "failed" {
            guard let stage = Int32(words[1]).flatMap(SpawnError.Stage.init), let code = Int32(words[2]) else {
                return nil
            }
            let step =
                switch stage {
                case .execute: "execute \(program)"
                case .directory: "enter the sandbox of \(program)"
                case .identity: "change to the user of \(program)"
                case .fork, .session, .cgroup, .limit, .standardStreams, .deathSignal: "start \(program)"
                }
            return .notStarted("cannot \(step): \(String(cString: strerror(code)))")
        }
        guard words.count == 1 || words.count == 4, let status = Int32(words[0]) else { return nil }
        let signal = Int(status & 0x7F)
        if signal == 0 { return .exited(status: Int(status >> 8 & 0xFF)) }
        return .signaled(signal: signal, coreDumped: status & 0x80 != 0)
    }

    static func hasEnded(_ bytes: [UInt8]) -> Bool { parse(bytes, program: "") != nil }

    /// What the task and all it had started used. The peak is that of the largest process.
    ///
    /// - Returns: `nil` before the end, and from a supervisor that does not say.
    static func usage(_ bytes: [UInt8], at now: WallTime) -> ContainerUsage? {
        let words = lastLine(of: bytes)
        guard words.count == 4, let user = UInt64(words[1]), let system = UInt64(words[2]),
            let peak = UInt64(words[3]), peak < 1 << 50
        else { return nil }
        var usage = ContainerUsage(at: now)
        usage.cpu = ContainerUsage.CPU(userSeconds: Double(user) / 1e6, systemSeconds: Double(system) / 1e6)
        usage.memory.peakBytes = peak << 10
        return usage
    }

    /// The words of the last line that is whole.
    private static func lastLine(of bytes: [UInt8]) -> [Substring] {
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { return [] }
        let start = bytes[..<end].lastIndex(of: newline).map { $0 + 1 } ?? 0
        return String(decoding: bytes[start..<end], as: UTF8.self).split(whereSeparator: \.isWhitespace)
    }
}
