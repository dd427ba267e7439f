// The status file that a supervisor leaves: how the task's process ended.

/// Reads one line: `exited N`, `signaled N`, `signaled N core`, or `failed REASON`.
enum SupervisorStatus {
    static func parse(_ bytes: [UInt8]) -> ContainerExit? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let line = text.split(whereSeparator: \.isNewline).first else { return nil }
        let words = line.split(separator: " ")
        switch words.first {
        case "exited":
            guard words.count == 2, let status = Int(words[1]), (0...255).contains(status) else { return nil }
            return .exited(status: status)
        case "signaled":
            guard words.count >= 2, let signal = Int(words[1]), (1...64).contains(signal) else { return nil }
            return .signaled(signal: signal, coreDumped: words.dropFirst(2).first == "core")
        case "failed":
            return .unknown(String(line.dropFirst("failed ".count)))
        default:
            return nil
        }
    }
}
