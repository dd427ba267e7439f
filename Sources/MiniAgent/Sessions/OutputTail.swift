// What a task prints from now on, read from the files in its sandbox.

import Glibc
import HTTPServer
import MesosProtocol
import Resources

/// Follows `stdout` and `stderr` of a task for one watcher.
struct OutputTail: Sendable {
    private static let pause = Duration.milliseconds(100)
    private static let pieceBytesMax = 64 << 10

    let run: RunPaths

    /// Returns when the task has ended and all is sent, or the watcher has gone.
    func follow(until hasEnded: @Sendable () async -> Bool, to watcher: ProcessIOWriter) async {
        var offsets = [size(of: run.standardOutput), size(of: run.standardError)]
        watcher.writeHeartbeat()
        var sinceBeat = Duration.zero
        while !Task.isCancelled {
            // Asked first: what is printed before the end is read after it.
            let isLast = await hasEnded()
            for (index, stream) in [SessionPipe.Stream.output, .error].enumerated() {
                let path = index == 0 ? run.standardOutput : run.standardError
                while let bytes = read(path, &offsets[index]) {
                    guard await watcher.send(SessionPipe.Piece(stream: stream, bytes: bytes)) else { return }
                }
            }
            if isLast { break }
            try? await Task.sleep(for: Self.pause)
            sinceBeat += Self.pause
            if sinceBeat >= watcher.heartbeatInterval {
                watcher.writeHeartbeat()
                sinceBeat = .zero
            }
        }
        watcher.stream.close()
    }

    private func size(of path: String) -> Int64 {
        var status = stat()
        return lstat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// The next piece; nil if there is none. A file that became shorter was begun anew.
    private func read(_ path: String, _ offset: inout Int64) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        if Int64(status.st_size) < offset { offset = 0 }
        let start = offset
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.pieceBytesMax) { buffer, count in
            count = max(0, pread(file, buffer.baseAddress, buffer.count, off_t(start)))
        }
        offset += Int64(bytes.count)
        return bytes.isEmpty ? nil : bytes
    }
}
