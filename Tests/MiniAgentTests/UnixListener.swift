// A unix socket of its own for each engine that a test plays.

import Foundation
import Glibc
import Mailbox

/// Listens in the folder for temporary files until it is let go of; whoever accepts then gets an error.
final class UnixListener: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("e-\(UUID().uuidString.prefix(8))").path
    private let descriptor: Int32

    init?(backlog: Int32 = 8) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound, listen(descriptor, backlog) == 0 else { return nil }
    }

    /// Starts a thread that accepts connections. Its descriptor is its own: the number of ours may mean another socket by the
    /// time it accepts again.
    ///
    /// - Parameter serve: Called with what takes the next connection, which is negative once the listener is gone.
    func onThread(_ name: String, _ serve: @escaping @Sendable (_ next: () -> Int32) -> Void) {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        DedicatedThread.start(named: name) {
            defer { close(own) }
            serve { accept(own, nil, nil) }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        unlink(path)
    }
}
