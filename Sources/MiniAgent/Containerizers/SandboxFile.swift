// A file in a sandbox that the agent opens for writing: only added to, and never through a link.

import Glibc

/// A file in a sandbox that is only added to. The task owns the directory, so a link put there is not followed.
final class SandboxFile: Sendable {
    let descriptor: Int32

    init?(_ path: String, owner: (user: uid_t, group: gid_t)? = nil) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard descriptor >= 0, isRegular else { return nil }
        if let owner { fchown(descriptor, owner.user, owner.group) }
    }

    /// Also after an `init` that has failed.
    deinit { if descriptor >= 0 { close(descriptor) } }

    private var status: stat {
        var status = stat()
        fstat(descriptor, &status)
        return status
    }

    var size: Int { Int(status.st_size) }
    var inode: UInt { UInt(status.st_ino) }
    private var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }

    /// Output that the disk does not take is lost; the task goes on.
    ///
    /// - Returns: How many bytes were taken.
    @discardableResult
    func append(_ bytes: ArraySlice<UInt8>) -> Int {
        var done = 0
        bytes.withUnsafeBytes { buffer in
            while done < buffer.count {
                let count = write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                done += count
            }
        }
        return done
    }
}
