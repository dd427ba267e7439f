// Keeps a state directory to one process: two frameworks that share an id would fight over every agent.
import Glibc

/// Held as long as the object lives; the kernel gives it up with the process, however that ends.
final class StateLock: Sendable {
    private let descriptor: Int32

    /// - Throws: If another process, or another framework of this one, holds it.
    init(directory: String) throws(StateFileError) {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw .unwritable(path: path, reason: "another framework uses this state directory")
        }
    }

    /// Also after an `init` that has thrown.
    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Looks whether a framework could take the directory now.
    ///
    /// Nothing is left behind: whoever looks may be root, and the framework must be able to open its own lock later.
    ///
    /// - Throws: As ``init(directory:)``.
    static func probe(directory: String) throws(StateFileError) {
        let path = directory + "/lock"
        let isThere = access(path, F_OK) == 0
        let lock = try StateLock(directory: directory)
        withExtendedLifetime(lock) { if !isThere { unlink(path) } }
    }
}
