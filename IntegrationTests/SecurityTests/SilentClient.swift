// A connection that sends what it likes and then nothing, to see when the server has had enough of it.

import Glibc
import Mailbox

struct ConnectionFailure: Error { var errno: Int32 }

/// One socket to a port of this host.
final class SilentClient: Sendable {
    private let socket: Int32

    init(port: Int, sending bytes: [UInt8] = []) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw ConnectionFailure(errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let socket = socket
        let result = withUnsafeBytes(of: address) { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return -1 }
            return connect(socket, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard result == 0 else { throw ConnectionFailure(errno: errno) }
        if !bytes.isEmpty { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    deinit { close(socket) }

    /// Whether the server ends the connection within that time.
    func isClosed(withinSeconds seconds: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            DedicatedThread.start(named: "silent") { [self] in
                var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else { return continuation.resume(returning: false) }
                var byte: UInt8 = 0
                // What comes first may be a TLS alert.
                while true {
                    let count = recv(socket, &byte, 1, 0)
                    if count <= 0 { return continuation.resume(returning: true) }
                }
            }
        }
    }
}
