// Writes what the allocator was told and decided to a file, for `mini allocator replay`.
import Allocator
import Foundation
import Logging
import Mailbox

/// A file with one JSON document a line. Bounded: when the file is full, or the disk too slow, recording ends with a
/// warning, and what was recorded until then can be played.
final class AllocatorRecorder: Sendable {
    static let bytesMax = 256 << 20
    /// Batches that wait for the disk.
    private static let waitingMax = 10_000

    private let path: String
    private let logger: Logger
    private let inbox = Mailbox<[AllocatorCall]>()
    private let isOver = Locked(false)

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// Called in order, by the master's loop.
    func record(_ calls: [AllocatorCall]) {
        if isOver.withLock({ $0 }) { return }
        if inbox.depth > Self.waitingMax { return end("the disk is too slow") }
        inbox.send(calls)
    }

    /// Writes until `stop`.
    func run() async {
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { return end("cannot write the file") }
        defer { try? file.close() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var bytes = 0
        while true {
            let batches = await inbox.next()
            if batches.isEmpty { return }
            do {
                var lines = Data()
                for call in batches.joined() {
                    lines += try encoder.encode(call)
                    lines.append(UInt8(ascii: "\n"))
                }
                if bytes + lines.count > Self.bytesMax { return end("the file is full") }
                bytes += lines.count
                try file.write(contentsOf: lines)
            } catch {
                return end("\(error)")
            }
        }
    }

    func stop() { inbox.finish() }

    private func end(_ reason: String) {
        isOver.withLock { $0 = true }
        inbox.finish()
        logger.warning("the allocator is no longer recorded to \(path): \(reason)")
    }
}
