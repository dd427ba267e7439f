// A client made of a socket, for everything a well-behaved client does not do.
import Glibc
import HTTPServer
import Mailbox
import Testing

struct SocketError: Error { var what: String }

/// Talks to a port of this host with blocking calls, each with a deadline. Use it inside `offPool`.
///
/// @unchecked: handed from thread to thread, and used by one at a time.
final class RawClient: @unchecked Sendable {
    private let socket: Int32
    private(set) var received: [UInt8] = []

    init(port: Int, receiveBufferBytes: Int32? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBufferBytes {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 { throw SocketError(what: "connect: \(errno)") }
    }

    deinit { close(socket) }

    /// - Returns: `false` once the server no longer takes bytes.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    func closeSendingSide() { shutdown(socket, Int32(SHUT_WR)) }

    /// Ends the connection with a reset, as the kernel does for a process that is killed with bytes unread.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        // Connecting to nowhere dissolves the connection at once, whoever still holds the descriptor.
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        connect(socket, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Reads until `text` has come, and takes everything up to and including it.
    func read(through text: String) throws -> String {
        let wanted = Array(text.utf8)
        while true {
            if let end = firstEnd(of: wanted) {
                let taken = received[..<end]
                received.removeSubrange(..<end)
                return String(decoding: taken, as: UTF8.self)
            }
            guard try readMore() else {
                throw SocketError(what: "closed before '\(text)', after: \(String(decoding: received, as: UTF8.self))")
            }
        }
    }

    /// Reads until the server closes.
    func readToEnd() throws -> String {
        while try readMore() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    private func readMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count < 0 && errno == ECONNRESET { return false }
        if count < 0 { throw SocketError(what: "nothing to read: error \(errno)") }
        received += buffer[..<count]
        return count > 0
    }

    private func firstEnd(of wanted: [UInt8]) -> Int? {
        guard received.count >= wanted.count else { return nil }
        for start in 0...(received.count - wanted.count) where received[start...].starts(with: wanted) {
            return start + wanted.count
        }
        return nil
    }
}

/// Runs blocking code on a thread of its own: the servers under test need the cooperative pool.
func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DedicatedThread.start(named: "test") { continuation.resume(with: .init(catching: body)) }
    }
}

/// Waits for a condition, with a deadline.
///
/// - Throws: When it is over: whatever the test would wait for next may never come.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            throw SocketError(what: "waited \(limit)")
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Runs a server for the length of `body`.
func withServer<Result>(
    limits: HTTPServerLimits = HTTPServerLimits(), handler: @escaping HTTPServer.Handler,
    _ body: (HTTPServer) async throws -> Result
) async throws -> Result {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, limits: limits, handler: handler)
    do {
        let result = try await body(server)
        await server.stop(within: .seconds(1))
        return result
    } catch {
        await server.stop(within: .zero)
        throw error
    }
}

/// Answers with what it was sent.
let echo: HTTPServer.Handler = { request in
    .bytes(200, request.body, contentType: request.header("content-type") ?? "application/octet-stream")
}
