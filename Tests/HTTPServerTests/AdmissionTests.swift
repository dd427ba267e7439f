// Requests that are judged by their head, and peers that are too many.
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AdmissionTests {
    private static let unauthorized = HTTPResponse.text(
        401, "who are you?", headers: [("WWW-Authenticate", "Basic realm=\"r\"")])

    private func withGuardedServer<Result>(
        limits: HTTPServerLimits = HTTPServerLimits(), seen: Locked<[String]> = Locked([]),
        _ body: (HTTPServer) async throws -> Result
    ) async throws -> Result {
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, limits: limits,
            admission: { request in
                if request.path == "/open" { return .admitted(identity: nil) }
                guard let name = request.header("X-Name") else { return .refused(Self.unauthorized) }
                return .admitted(identity: name)
            },
            handler: { request in
                seen.withLock { $0.append(request.path) }
                return .text(200, "hello \(request.identity ?? "stranger"), \(request.body.count) bytes")
            })
        do {
            let result = try await body(server)
            await server.stop(within: .seconds(1))
            return result
        } catch {
            await server.stop(within: .zero)
            throw error
        }
    }

    @Test func `the handler learns who was admitted`() async throws {
        try await withGuardedServer { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST /a HTTP/1.1\r\nX-Name: ann\r\nContent-Length: 2\r\n\r\nhi")
                _ = try client.read(through: "hello ann, 2 bytes")
                client.send("GET /open HTTP/1.1\r\n\r\n")
                return try client.read(through: "hello stranger, 0 bytes")
            }
            #expect(answer.contains("HTTP/1.1 200 OK"))
        }
    }

    @Test func `a refused request with a small body leaves the connection usable`() async throws {
        let seen = Locked<[String]>([])
        try await withGuardedServer(seen: seen) { server in
            let port = server.port
            let text = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
                var text = try client.read(through: "who are you?")
                client.send("GET /b HTTP/1.1\r\nX-Name: ann\r\n\r\n")
                text += try client.read(through: "hello ann, 0 bytes")
                return text
            }
            #expect(text.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
            #expect(text.contains("\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"))
            #expect(seen.withLock { $0 } == ["/b"])
        }
    }

    @Test(arguments: ["Content-Length: 268435456", "Content-Length: 5\r\nExpect: 100-continue"])
    func `a refused request with a large or a withheld body is answered before it comes`(header: String) async throws {
        let limits = HTTPServerLimits(bodyBytesMax: { _ in 1 << 30 })
        try await withGuardedServer(limits: limits) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST /a HTTP/1.1\r\n\(header)\r\n\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test func `a refused body without a length is read to a bound and then cut off`() async throws {
        let limits = HTTPServerLimits(bodyBytesMax: { _ in 1 << 30 })
        try await withGuardedServer(limits: limits) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = "8000\r\n" + String(repeating: "x", count: 0x8000) + "\r\n"
                for _ in 0..<4 { if !client.send(chunk) { break } }
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
        }
    }

    @Test func `a thousand header fields are refused`() async throws {
        try await withGuardedServer { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET /open HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 1000) + "\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 431 Request Header Fields Too Large\r\n"))
        }
    }
}
