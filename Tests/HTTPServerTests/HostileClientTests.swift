// Clients that send garbage, too much, too slowly, or stop in the middle.
import Glibc
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct HostileClientTests {
    private func expectAlive(_ server: HTTPServer, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let port = server.port
        let answer = try await offPool {
            let client = try RawClient(port: port)
            client.send("POST /ok HTTP/1.1\r\nContent-Length: 5\r\n\r\nalive")
            return try client.read(through: "alive")
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), sourceLocation: sourceLocation)
    }

    private func converse(_ server: HTTPServer, _ bytes: [UInt8], closing: Bool = true) async throws -> String {
        let port = server.port
        return try await offPool {
            let client = try RawClient(port: port)
            client.send(bytes)
            if closing { client.closeSendingSide() }
            return try client.readToEnd()
        }
    }

    @Test(arguments: 1...20)
    func `random bytes get 400 or a closed connection`(seed: UInt64) async throws {
        try await withServer(handler: echo) { server in
            var state = seed &* 0x9E37_79B9_7F4A_7C15
            let bytes = (0..<4096).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            }
            let answer = try await converse(server, bytes)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            try await expectAlive(server)
        }
    }

    @Test(arguments: [
        "GET / HTTP/2.0\r\n\r\n", "GET /\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "GET /%zz HTTP/1.1\r\n\r\n",
        "GET /%ff HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nshort",
    ])
    func `a malformed request gets 400`(request: String) async throws {
        try await withServer(handler: echo) { server in
            let answer = try await converse(server, Array(request.utf8))
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
            #expect(answer.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            try await expectAlive(server)
        }
    }

    @Test func `good requests before the garbage are answered first`() async throws {
        try await withServer(handler: { .text(200, $0.path) }) { server in
            let requests = "GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n\u{01}\u{02}\u{03} garbage\r\n\r\n"
            let answer = try await converse(server, Array(requests.utf8), closing: false)
            let answers = answer.split(separator: "HTTP/1.1 ")
            try #require(answers.count == 3)
            #expect(answers[0].hasSuffix("/one"))
            #expect(answers[1].hasSuffix("/two"))
            #expect(answers[2].hasPrefix("400 "))
        }
    }

    @Test func `a body that is announced as too large gets 413 before it is sent`() async throws {
        let limits = HTTPServerLimits(bodyBytesMax: { $0 == "/large" ? 1000 : 10 })
        try await withServer(limits: limits, handler: echo) { server in
            let small = try await converse(
                server, Array("POST /small HTTP/1.1\r\nContent-Length: 11\r\n\r\n".utf8), closing: false)
            #expect(small.hasPrefix("HTTP/1.1 413 "))
            #expect(small.hasSuffix("The request's body is larger than 10 bytes"))
            let large = try await converse(
                server, Array("POST /large HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world".utf8))
            #expect(large.hasSuffix("\r\n\r\nhello world"))
        }
    }

    @Test(arguments: [true, false])
    func `a body of 100 MB gets 413 while it is being sent`(isChunked: Bool) async throws {
        let limits = HTTPServerLimits(bodyBytesMax: { _ in 1 << 20 })
        try await withServer(limits: limits, handler: echo) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 104857600"
                client.send("POST / HTTP/1.1\r\n\(framing)\r\n\r\n")
                let chunk = [UInt8](repeating: 0x61, count: 1 << 20)
                for _ in 0..<100 {
                    let isTaken =
                        isChunked ? client.send("100000\r\n") && client.send(chunk + [13, 10]) : client.send(chunk)
                    if !isTaken { break }
                }
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            try await expectAlive(server)
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nX-Ha", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf", "\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ])
    func `a request that does not arrive in time gets 408`(beginning: String) async throws {
        let limits = HTTPServerLimits(requestTimeout: .milliseconds(200))
        try await withServer(limits: limits, handler: echo) { server in
            let answer = try await converse(server, Array(beginning.utf8), closing: false)
            #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"), "\(answer)")
            #expect(answer.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test func `a byte now and then does not keep a request alive`() async throws {
        let limits = HTTPServerLimits(requestTimeout: .milliseconds(300))
        try await withServer(limits: limits, handler: echo) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\n")
                for _ in 0..<1000 {
                    guard client.send("X: y\r\n") else { break }
                    usleep(20_000)
                }
                return try client.readToEnd()
            }
            // The answer may be lost: bytes that arrive after the close reset the connection.
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 408 "))
            try await eventually("the connection is closed") { server.connectionCount == 0 }
        }
    }

    @Test func `a connection without requests is closed`() async throws {
        let limits = HTTPServerLimits(idleTimeout: .seconds(3))
        try await withServer(limits: limits, handler: echo) { server in
            #expect(try await converse(server, [], closing: false) == "")
            let once = try await converse(server, Array("GET / HTTP/1.1\r\n\r\n".utf8), closing: false)
            #expect(once.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func `clients that vanish in the middle of a request leave nothing behind`() async throws {
        try await withServer(handler: echo) { server in
            let port = server.port
            try await offPool {
                for beginning in ["", "PO", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"] {
                    for _ in 0..<5 { try RawClient(port: port).send(beginning) }
                }
            }
            try await eventually("no connection is left") { server.connectionCount == 0 }
            try await expectAlive(server)
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n" + String(repeating: "X: yyyyyyyyyyyyyyyy\r\n", count: 2000) + "\r\n",
        "GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 20_000) + "\r\n\r\n",
        "GET /" + String(repeating: "y", count: 20_000) + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "X: " + String(repeating: "y", count: 900) + "\r\n", count: 10)
            + "\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            + String(repeating: "X: yyyyyyyyyyyyyyyy\r\n", count: 2000),
    ])
    func `too many header fields get 431`(request: String) async throws {
        try await withServer(limits: HTTPServerLimits(headerBytesMax: 8192), handler: echo) { server in
            let answer = try await converse(server, Array(request.utf8), closing: false)
            #expect(answer.hasPrefix("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "\(answer)")
            try await expectAlive(server)
        }
    }

    @Test func `connections beyond the limit are closed and the others live on`() async throws {
        try await withServer(limits: HTTPServerLimits(connectionsMax: 3), handler: echo) { server in
            let port = server.port
            try await offPool {
                let first = try (0..<3).map { _ in try RawClient(port: port) }
                for client in first {
                    client.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
                    _ = try client.read(through: "hi")
                }
                let refused = try RawClient(port: port)
                #expect(try refused.readToEnd() == "")
                for client in first {
                    client.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nho")
                    _ = try client.read(through: "ho")
                }
            }
            try await eventually("all are gone") { server.connectionCount == 0 }
            try await expectAlive(server)
        }
    }

    @Test func `an answer nobody reads does not keep the server from stopping`() async throws {
        let body = [UInt8](repeating: 0x61, count: 32 << 20)
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0) { _ in
            .bytes(200, body, contentType: "text/plain")
        }
        let port = server.port
        let client = try await offPool { try RawClient(port: port, receiveBufferBytes: 4096) }
        client.send("GET / HTTP/1.1\r\n\r\n")
        _ = try await offPool { try client.read(through: "\r\n\r\n") }
        await server.stop(within: .milliseconds(100))
        #expect(server.connectionCount == 0)
    }

    @Test func `CONNECT and upgrades do not confuse the connection`() async throws {
        try await withServer(handler: echo) { server in
            let connect = try await converse(server, Array("CONNECT a:1 HTTP/1.1\r\n\r\n".utf8), closing: false)
            #expect(connect.hasPrefix("HTTP/1.1 405 "))
            let upgrade = try await converse(
                server, Array("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".utf8), closing: false)
            #expect(upgrade.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(upgrade.contains("\r\nConnection: close\r\n"))
        }
    }
}
