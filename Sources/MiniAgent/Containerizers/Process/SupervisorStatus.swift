// The status file that a supervisor leaves: how the task's process ended.

import Glibc
import Processes

/// Reads one line: the wait status of the task as a number, or `failed STAGE ERRNO TEXT` if it could not be started.
enum SupervisorStatus {
    /// - Parameter program: For the message.
    static func parse(_ bytes: [UInt8], program: String) -> ContainerExit? {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
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
        guard words.count == 1, let status = Int32(words[0]) else { return nil }
        let signal = Int(status & 0x7F)
        if signal == 0 { return .exited(status: Int(status >> 8 & 0xFF)) }
        return .signaled(signal: signal, coreDumped: status & 0x80 != 0)
    }
}
