// Secrets in files, which may be replaced while they are in use.
import FoundationEssentials
import Mailbox
import Resources

/// A secret in a file, read again when a few seconds have passed: a rotated token is picked up without a restart.
final class SecretFile: Sendable {
    let path: String
    private let bytesMax: Int
    private let cached = Locked<(text: String, readAt: ContinuousClock.Instant)?>(nil)

    init(path: String, bytesMax: Int = 4_096) {
        self.path = path
        self.bytesMax = bytesMax
    }

    func read() throws -> String {
        let now = ContinuousClock.now
        if let known = cached.withLock({ $0 }), known.readAt.duration(to: now) < .seconds(5) { return known.text }
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)).prefix(bytesMax), as: UTF8.self)
            .trimmingBlanks
        cached.withLock { $0 = (text, now) }
        return text
    }
}
