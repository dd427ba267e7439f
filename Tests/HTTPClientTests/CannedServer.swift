// A server that says exactly what a test wants, on a TCP port or a unix socket.
import Glibc
import HTTPServer
import Mailbox
import Testing

struct SocketError: Error { var what: String }

/// Accepts connections one after another, reads one request head from each and answers with fixed bytes.
final class CannedServer: Sendable {
    let port: Int
    let requests = Mailbox<String>()
    private let listener: Int32

    /// - Parameters:
    ///   - unixPath: Listens there instead of on a free port of 127.0.0.1.
    ///   - answers: One for each connection, which is closed after it. After the last one it stops accepting.
    init(unixPath: String? = nil, answers: [String]) throws {
        let listener = socket(
            unixPath == nil ? AF_INET : AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        let code: Int32
        if let unixPath {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: unixPath.utf8.prefix($0.count - 1)) }
            code = bindSocket(listener, address)
        } else {
            code = bindSocket(listener, loopback(port: 0))
        }
        guard code == 0, listen(listener, 16) == 0 else { throw SocketError(what: "listen: \(errno)") }
        port = unixPath == nil ? boundPort(listener) : 0
        // The thread's own: by the time it accepts again the number of ours may mean another socket.
        let own = fcntl(listener, F_DUPFD_CLOEXEC, 0)
        DedicatedThread.start(named: "canned-server") { [requests] in
            defer { close(own) }
            for answer in answers {
                let connection = accept(own, nil, nil)
                if connection < 0 { return }
                requests.send(readHead(connection))
                let bytes = Array(answer.utf8)
                _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}

func bindSocket<Address>(_ socket: Int32, _ address: Address) -> Int32 {
    var address = address
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<Address>.size)) }
    }
}

func boundPort(_ socket: Int32) -> Int {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(socket, $0, &length) }
    }
    return Int(in_port_t(bigEndian: address.sin_port))
}

private func readHead(_ connection: Int32) -> String {
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while head.suffix(4) != [13, 10, 13, 10], recv(connection, &byte, 1, 0) == 1 { head.append(byte) }
    return String(decoding: head, as: UTF8.self)
}

/// Waits for a condition, with a deadline.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Runs a server for the length of `body`, which gets its base URL.
func withServer<Result>(
    handler: @escaping HTTPServer.Handler, _ body: (_ url: String) async throws -> Result
) async throws -> Result {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, handler: handler)
    do {
        let result = try await body("http://127.0.0.1:\(server.port)")
        await server.stop(within: .zero)
        return result
    } catch {
        await server.stop(within: .zero)
        throw error
    }
}
