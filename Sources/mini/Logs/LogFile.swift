// A file that lines are appended to, and that never grows beyond a bound: full ones are numbered and the oldest removed.

import Foundation
import Mailbox

/// How much of a log is kept.
struct LogRotation: Equatable {
    /// A file as large as this is full.
    var bytesMax = 100 << 20
    /// Full ones that are kept: `mini-master.log.1` is the youngest.
    var keptMax = 5
}

/// `DIR/mini-master.log` and the full ones beside it: together at most `bytesMax` times one more than `keptMax`.
final class LogFile: Sendable {
    private struct State {
        var descriptor: Int32
        var bytes: Int
    }
    private let state: Locked<State>
    private let path: String
    private let rotation: LogRotation

    /// - Throws: ``CommandFailure`` if the file cannot be written.
    init(directory: String, name: String, rotation: LogRotation = LogRotation()) throws {
        path = "\(directory)/\(name)"
        self.rotation = rotation
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        guard let state = Self.open(path) else {
            throw CommandFailure(description: "--log_dir: cannot write \(path): \(String(cString: strerror(errno)))")
        }
        self.state = Locked(state)
    }

    deinit { close(state.withLock { $0.descriptor }) }

    private static func open(_ path: String) -> State? {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        return State(descriptor: descriptor, bytes: fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0)
    }

    /// One write call a line, so that lines of several threads do not mix. A full disk loses the line, nothing else.
    func append(_ line: String) {
        // A line longer than a file may be would never fit.
        let bytes = Array(line.utf8.prefix(rotation.bytesMax))
        state.withLock { state in
            if state.bytes > 0, state.bytes + bytes.count > rotation.bytesMax { rotate(&state) }
            let written = write(state.descriptor, bytes, bytes.count)
            if written > 0 { state.bytes += written }
        }
    }

    private func rotate(_ state: inout State) {
        for number in stride(from: rotation.keptMax - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        if rotation.keptMax > 0 { rename(path, "\(path).1") } else { unlink(path) }
        guard let next = Self.open(path) else {
            // The folder is gone or closed to us. The bound holds all the same.
            if ftruncate(state.descriptor, 0) == 0 { state.bytes = 0 }
            return
        }
        close(state.descriptor)
        state = next
        // Renaming failed, and this is the full one again.
        if state.bytes > 0, ftruncate(state.descriptor, 0) == 0 { state.bytes = 0 }
    }
}
