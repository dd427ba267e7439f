// What a caller learns when things go wrong.
import Glibc
import HTTPClient
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FailureTests {
    private func failure(_ request: HTTPClientRequest, bodyMax: Int = 1 << 20) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            _ = try await HTTPClient.shared.fetch(request, bodyMax: bodyMax)
            return nil
        } catch {
            return error
        }
    }

    @Test func `nobody listens`() async throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)  // Bound and not listening: the port is ours.
        defer { close(socket) }
        #expect(bindSocket(socket, loopback(port: 0)) == 0)
        let error = await failure(HTTPClientRequest(url: "http://127.0.0.1:\(boundPort(socket))"))
        guard case .couldNotConnect = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a unix socket is missing`() async throws {
        let error = await failure(HTTPClientRequest(url: "http://localhost/", unixSocketPath: "/tmp/no-such-socket"))
        guard case .couldNotConnect = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ])
    func `the peer closes too early`(answer: String) async throws {
        let server = try CannedServer(answers: [answer, answer])  // A request without any answer may be sent again.
        let error = await failure(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(error == .closedEarly)
    }

    @Test func `bytes that came before the failure are still read`() async throws {
        let server = try CannedServer(answers: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"])
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)"))
        var received: [UInt8] = []
        await #expect(throws: HTTPClientError.closedEarly) {
            for try await chunk in response.body { received += chunk }
        }
        #expect(received == Array("short".utf8))
    }

    @Test func `the answer is not HTTP`() async throws {
        let server = try CannedServer(answers: ["SSH-2.0-OpenSSH_9.2\r\n"])
        #expect(await failure(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)")) != nil)
    }

    @Test func `the body is larger than the caller takes`() async throws {
        try await withServer(handler: { _ in .text(200, "0123456789") }) { url in
            #expect(await failure(HTTPClientRequest(url: url), bodyMax: 9) == .bodyTooLarge)
            #expect(await failure(HTTPClientRequest(url: url), bodyMax: 10) == nil)
        }
    }

    @Test func `the total time is up`() async throws {
        // Two requests hang at it together: the server does not cancel the handler of a client that has gone.
        let release = Gate()
        let handler: HTTPServer.Handler = { _ in
            await release.wait()
            return .empty(200)
        }
        try await withServer(handler: handler) { url in
            let error = await failure(HTTPClientRequest(url: url, totalTimeout: .milliseconds(100)))
            if case .timedOut = error {} else { Issue.record("\(String(describing: error))") }
            let idle = await failure(HTTPClientRequest(url: url, idleTimeout: .milliseconds(100)))
            if case .timedOut = idle {} else { Issue.record("\(String(describing: idle))") }
            release.open()
        }
    }

    @Test func `a host does not answer the connection`() async throws {
        // A listener that never accepts, its queue filled: the kernel drops further attempts, like a host that is away.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(bindSocket(listener, loopback(port: 0)) == 0)
        #expect(listen(listener, 0) == 0)
        let port = boundPort(listener)
        var fillers: [Int32] = []
        defer { for filler in fillers { close(filler) } }
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            fillers.append(filler)
            var address = loopback(port: port)
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        let error = await failure(
            HTTPClientRequest(url: "http://127.0.0.1:\(port)", connectTimeout: .milliseconds(200)))
        if case .timedOut = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test(arguments: [
        HTTPClientRequest(url: ""), HTTPClientRequest(url: "http://"), HTTPClientRequest(url: "ftp://127.0.0.1/x"),
        HTTPClientRequest(url: "file:///etc/passwd"), HTTPClientRequest(url: "http://127.0.0.1:1/\r\nX: y"),
        HTTPClientRequest(method: "GET /x HTTP/1.1\r\nX:", url: "http://127.0.0.1:1/"),
        HTTPClientRequest(method: "", url: "http://127.0.0.1:1/"),
        HTTPClientRequest(url: "http://127.0.0.1:1/", headers: [("X", "a\r\nY: b")]),
        HTTPClientRequest(url: "http://127.0.0.1:1/", headers: [("X: y\r\nZ", "a")]),
        HTTPClientRequest(url: "http://127.0.0.1:1/", headers: [("", "a")]),
    ])
    func `a request that makes no sense is not sent`(request: HTTPClientRequest) async throws {
        #expect(await failure(request) == .invalidURL)
    }
}
