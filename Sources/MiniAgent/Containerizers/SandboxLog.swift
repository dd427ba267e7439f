// The output of a task as the agent writes it into the sandbox: bounded, and known byte by byte over restarts.

import Glibc
import Mailbox

/// How large one of a task's output files may become, and how many older pieces stay beside it.
package struct OutputLimit: Hashable, Sendable {
    /// A file that would grow beyond this is renamed to `stdout.1`, its predecessor to `stdout.2`, and so on.
    package var bytesMax: Int
    /// Pieces that stay beside the newest. The oldest beyond that is removed.
    package var keptMax: Int

    /// - Precondition: Both are at least 1.
    package init(bytesMax: Int, keptMax: Int) {
        precondition(bytesMax >= 1 && keptMax >= 1, "an output limit of \(bytesMax) bytes and \(keptMax) pieces")
        self.bytesMax = bytesMax
        self.keptMax = keptMax
    }
}

/// The limits of a task's two output files; `nil`: they grow as long as the task writes.
package struct OutputLimits: Hashable, Sendable {
    package var standardOutput: OutputLimit?
    package var standardError: OutputLimit?

    package init(standardOutput: OutputLimit? = nil, standardError: OutputLimit? = nil) {
        self.standardOutput = standardOutput
        self.standardError = standardError
    }

    package static let none = OutputLimits()

    package subscript(stream: SandboxLog.Stream) -> OutputLimit? {
        stream == .standardOutput ? standardOutput : standardError
    }
}

/// Appends to `stdout` or `stderr` in a sandbox, and knows how much of the task's stream is there already, whatever was
/// rotated away or stands before it.
///
/// The size of the file tells that as long as the file holds the stream from its start. Otherwise a small record among
/// the agent's own files, where no task can change it, says which file begins at which byte of the stream.
package final class SandboxLog: Sendable {
    package enum Stream: String, Hashable, Sendable, CaseIterable {
        case standardOutput = "stdout"
        case standardError = "stderr"
    }

    private struct State {
        var file: SandboxFile
        var size: Int
        /// Position in the task's stream of the file's first byte; negative if something stands before the stream.
        var offset: Int
    }

    private let path: String
    private let recordPath: String
    private let limit: OutputLimit?
    private let owner: (user: uid_t, group: gid_t)?
    private let state: Locked<State>

    /// - Returns: `nil` if the file cannot be written: no directory, or something else of that name.
    package init?(
        _ run: RunPaths, _ stream: Stream, limit: OutputLimit?, owner: (user: uid_t, group: gid_t)? = nil
    ) {
        path = "\(run.sandbox)/\(stream.rawValue)"
        recordPath = run.beginning(of: stream)
        self.limit = limit
        self.owner = owner
        let record = LogRecord.read(recordPath)
        Self.finishRotation(of: path, record, limit)
        guard let file = SandboxFile(path, owner: owner) else { return nil }
        state = Locked(State(file: file, size: file.size, offset: record?.offset ?? 0))
    }

    /// How many bytes of the task's stream have been written, in this life of the agent and in earlier ones.
    package var streamBytes: Int { state.withLock { max(0, $0.offset + $0.file.size) } }

    package func append(_ bytes: [UInt8]) {
        state.withLock { state in
            var rest = bytes[...]
            while !rest.isEmpty {
                if let limit, state.size >= limit.bytesMax { rotate(&state, limit) }
                let room = limit.map { max(1, $0.bytesMax - state.size) } ?? rest.count
                let part = rest.prefix(room)
                let taken = state.file.append(part)
                state.size += taken
                guard taken == part.count else { return }
                rest = rest.dropFirst(taken)
            }
        }
    }

    /// Says that what is in the file so far is the agent's, not the task's: the task's stream begins here.
    package func beginStream() {
        state.withLock { state in
            guard state.size > 0 else { return }
            state.offset = -state.size
            LogRecord(offset: state.offset, inode: state.file.inode).write(recordPath)
        }
    }

    /// The new file is recorded before it gets its name, so that a crash in between is seen and finished.
    private func rotate(_ state: inout State, _ limit: OutputLimit) {
        let next = Self.nextPath(path)
        unlink(next)
        guard let file = SandboxFile(next, owner: owner) else { return start(&state) }
        let offset = state.offset + state.size
        LogRecord(offset: offset, inode: file.inode).write(recordPath)
        Self.shift(path, limit)
        guard rename(next, path) == 0 else { return start(&state) }
        state = State(file: file, size: 0, offset: offset)
    }

    /// The task stands in the way of a rotation, with a directory of that name for example. The limit still holds.
    private func start(_ state: inout State) {
        guard ftruncate(state.file.descriptor, 0) == 0 else { return }
        state.offset += state.size
        state.size = 0
        LogRecord(offset: state.offset, inode: state.file.inode).write(recordPath)
    }

    private static func shift(_ path: String, _ limit: OutputLimit) {
        unlink("\(path).\(limit.keptMax)")
        for number in stride(from: limit.keptMax - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
    }

    private static func nextPath(_ path: String) -> String { "\(path).next" }

    private static func finishRotation(of path: String, _ record: LogRecord?, _ limit: OutputLimit?) {
        let next = nextPath(path)
        guard let record, let limit, let waiting = inode(of: next) else { return }
        guard waiting == record.inode, inode(of: path) != record.inode else {
            unlink(next)
            return
        }
        if inode(of: path) != nil { shift(path, limit) }
        rename(next, path)
    }

    private static func inode(of path: String) -> UInt? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt(status.st_ino)
    }
}

/// Which file begins at which byte of a task's stream: one line of text, `OFFSET INODE`.
private struct LogRecord {
    var offset: Int
    var inode: UInt

    static func read(_ path: String) -> LogRecord? {
        guard let bytes = try? DurableFile.read(path, bytesMax: 100) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let offset = Int(words[0]), let inode = UInt(words[1]) else { return nil }
        return LogRecord(offset: offset, inode: inode)
    }

    /// Without the record some output may be copied twice after a restart; the task is not held up for that.
    func write(_ path: String) { try? DurableFile.replace(path, with: Array("\(offset) \(inode)\n".utf8)) }
}
