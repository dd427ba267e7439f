// One agent for one work directory: a lock that the kernel gives back whatever way the holder ends.

import Glibc
import Mailbox

/// Held until released, or for as long as it lives.
package final class WorkDirectoryLock: Sendable {
    private let file: Locked<Int32?>

    private init(file: Int32) { self.file = Locked(file) }

    deinit { release() }

    /// Gives the lock up, also on behalf of a child that is just being started and still holds a copy of our descriptor.
    package func release() {
        file.withLock { file in
            guard let descriptor = file else { return }
            flock(descriptor, LOCK_UN)
            close(descriptor)
            file = nil
        }
    }

    package enum Refusal: Error, Hashable, Sendable {
        case heldBy(pid: String)
        case failed(FileError)
    }

    /// Takes the lock without waiting.
    package static func acquire(_ path: String) throws(Refusal) -> WorkDirectoryLock {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw .failed(FileError("create", path)) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            var buffer = [UInt8](repeating: 0, count: 32)
            let count = max(0, read(file, &buffer, buffer.count))
            close(file)
            guard code == EWOULDBLOCK else { throw .failed(FileError("lock", path, code: code)) }
            throw .heldBy(pid: String(decoding: buffer[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
        }
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(file, 0) == 0 { _ = write(file, text, text.count) }  // Only for people to read.
        return WorkDirectoryLock(file: file)
    }
}
