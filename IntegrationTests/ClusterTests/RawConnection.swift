// A client made of a socket, for everything that a well-behaved client does not do.

import Glibc
import Mailbox

struct SocketFailure: Error {
    var what: String
    var errno: Int32
}

/// What came of bytes sent to a port.
enum RawOutcome: Equatable, Sendable {
    /// The first status line's code.
    case status(Int)
    case closed
    /// Neither within the deadline.
    case silence
}

/// Bytes for a port, and what to do after them.
struct RawMessage: Sendable {
    var parts: [[UInt8]]
    /// How often `parts` are sent: a large body without the memory for it.
    var repetitions = 1
    /// Sent once, before `parts`.
    var head: [UInt8] = []
    /// Whether the client closes its side, or goes on waiting as one that was stopped does.
    var endsSending = true

    init(_ text: String, endsSending: Bool = true) {
        parts = [Array(text.utf8)]
        self.endsSending = endsSending
    }

    init(head: String, body: [UInt8], repetitions: Int = 1) {
        self.head = Array(head.utf8)
        parts = [body]
        self.repetitions = repetitions
    }

    /// Sends it and waits for a status line or the end of the connection.
    func send(to port: Int, within limit: Duration) async throws -> RawOutcome {
        try await withCheckedThrowingContinuation { continuation in
            // Blocking calls have no place on the cooperative pool.
            DedicatedThread.start(named: "raw") {
                continuation.resume(with: Result { try self.exchange(port, deadline: .now + limit) })
            }
        }
    }

    private func exchange(_ port: Int, deadline: ContinuousClock.Instant) throws -> RawOutcome {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw SocketFailure(what: "socket", errno: errno) }
        defer { close(socket) }
        var second = timeval(tv_sec: 1, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &second, socklen_t(MemoryLayout<timeval>.size))
        }
        guard withLoopback(port, { connect(socket, $0, $1) }) == 0 else {
            throw SocketFailure(what: "connect to port \(port)", errno: errno)
        }
        var takes = sendAll(head, socket, deadline)
        for _ in 0..<repetitions where takes {
            for part in parts where takes { takes = sendAll(part, socket, deadline) }
        }
        if endsSending { shutdown(socket, Int32(SHUT_WR)) }
        return receive(socket, deadline)
    }

    /// - Returns: `false` once the peer takes no more.
    private func sendAll(_ bytes: [UInt8], _ socket: Int32, _ deadline: ContinuousClock.Instant) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN || errno == EINTR, .now < deadline { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func receive(_ socket: Int32, _ deadline: ContinuousClock.Instant) -> RawOutcome {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while ContinuousClock.now < deadline {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return .closed }
            received += buffer[..<count]
            let line = String(decoding: received.prefix(64), as: UTF8.self)
            if line.hasPrefix("HTTP/1."), received.count >= 12, let code = Int(line.dropFirst(9).prefix(3)) {
                return .status(code)
            }
        }
        return .silence
    }
}

/// A listening socket of this process on a free port of the loopback address.
final class Listener: Sendable {
    let port: Int
    private let socket: Int32

    init() throws {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let bound = withLoopback(0) { bind(descriptor, $0, $1) }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        (socket, port) = (descriptor, Int(UInt16(bigEndian: address.sin_port)))
        guard bound == 0, named == 0, listen(descriptor, 1) == 0 else {
            throw SocketFailure(what: "listen", errno: errno)
        }
    }

    deinit { close(socket) }
}

private func withLoopback(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
