// Whole requests and whole replies.
import Glibc
import HTTPClient
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FetchTests {
    /// Tells the client what arrived: method, target, the fields it asks about, and the body.
    private let mirror: HTTPServer.Handler = { request in
        let fields = ["content-length", "content-type", "expect", "x-one", "x-empty"]
            .map { "\($0)=\(request.header($0) ?? "-")" }
        let body = String(decoding: request.body, as: UTF8.self)
        return .text(
            200, "\(request.method) \(request.target) \(fields.joined(separator: " ")) body=\(body)",
            headers: [("X-Method", request.method)])
    }

    @Test(arguments: [
        ("GET", nil, "content-length=- content-type=-"), ("POST", "", "content-length=0 content-type=-"),
        ("POST", nil, "content-length=0 content-type=-"), ("PUT", nil, "content-length=0 content-type=-"),
        ("POST", "hello", "content-length=5 content-type=-"), ("PUT", "hello", "content-length=5 content-type=-"),
        ("DELETE", nil, "content-length=- content-type=-"), ("DELETE", "x", "content-length=1 content-type=-"),
        ("GET", "x", "content-length=1 content-type=-"), ("OPTIONS", nil, "content-length=- content-type=-"),
    ])
    func `every method arrives with or without a body`(method: String, body: String?, fields: String) async throws {
        try await withServer(handler: mirror) { url in
            let request = HTTPClientRequest(method: method, url: url + "/a?b=c", body: body.map { Array($0.utf8) })
            let reply = try await HTTPClient.shared.fetch(request)
            #expect(reply.status == 200)
            #expect(reply.text == "\(method) /a?b=c \(fields) expect=- x-one=- x-empty=- body=\(body ?? "")")
        }
    }

    @Test func `header fields arrive in both directions and are found in any case`() async throws {
        try await withServer(handler: mirror) { url in
            let request = HTTPClientRequest(
                method: "POST", url: url, headers: [("X-One", "1: 2"), ("X-Empty", ""), ("Content-Type", "a/b")],
                body: Array("x".utf8))
            let reply = try await HTTPClient.shared.fetch(request)
            #expect(reply.text.contains("content-type=a/b expect=- x-one=1: 2 x-empty= body=x"))
            #expect(reply.header("x-METHOD") == "POST")
            #expect(reply.header("Content-Type") == "text/plain; charset=utf-8")
            #expect(reply.header("missing") == nil)
        }
    }

    @Test func `HEAD has a head and no body`() async throws {
        try await withServer(handler: mirror) { url in
            let reply = try await HTTPClient.shared.fetch(HTTPClientRequest(method: "HEAD", url: url))
            #expect(reply.status == 200)
            #expect(reply.header("X-Method") == "HEAD")
            #expect(reply.body.isEmpty)
        }
    }

    @Test func `large bodies arrive whole in both directions`() async throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        let echo: HTTPServer.Handler = { .bytes(200, $0.body, contentType: "a/b") }
        try await withServer(handler: echo) { url in
            let reply = try await HTTPClient.shared.fetch(HTTPClientRequest(method: "POST", url: url, body: body))
            #expect(reply.body == body)
        }
    }

    @Test func `many requests at once each get their own reply`() async throws {
        try await withServer(handler: { .text(200, $0.path) }) { url in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await HTTPClient.shared.fetch(HTTPClientRequest(url: "\(url)/\(number)")).text
                            == "/\(number)"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func `a unix socket is spoken to`() async throws {
        let path = "/tmp/http-client-test-\(getpid()).sock"
        unlink(path)
        defer { unlink(path) }
        let server = try CannedServer(
            unixPath: path,
            answers: ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\n\r\n"])
        var request = HTTPClientRequest(url: "http://localhost/v1.41/info", unixSocketPath: path)
        #expect(try await HTTPClient.shared.fetch(request).text == "ok")
        #expect(
            await server.requests.next().first?.hasPrefix("GET /v1.41/info HTTP/1.1\r\nHost: localhost\r\n") == true)
        request.method = "DELETE"
        #expect(try await HTTPClient.shared.fetch(request).status == 204)
    }

    @Test func `an interim response is not the response`() async throws {
        let server = try CannedServer(answers: [
            "HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\nHTTP/1.1 201 Created\r\nX: late\r\nContent-Length: 1\r\n\r\n!"
        ])
        let reply = try await HTTPClient.shared.fetch(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(reply.status == 201)
        #expect(reply.header("x") == "late")
        #expect(reply.text == "!")
    }

    @Test func `trailers of a chunked body are not header fields`() async throws {
        let server = try CannedServer(answers: [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: trailer\r\n\r\n"
        ])
        let reply = try await HTTPClient.shared.fetch(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(reply.text == "ok")
        #expect(reply.header("x") == nil)
    }

    @Test func `a redirect is returned, or followed with method and body when asked`() async throws {
        let handler: HTTPServer.Handler = { request in
            if request.path == "/old" { return .empty(307, headers: [("Location", "/new?x=1")]) }
            if request.path == "/loop" { return .empty(307, headers: [("Location", "/loop")]) }
            return .text(200, "\(request.method) \(request.target) \(String(decoding: request.body, as: UTF8.self))")
        }
        try await withServer(handler: handler) { url in
            var request = HTTPClientRequest(method: "POST", url: url + "/old", body: Array("b".utf8))
            let reply = try await HTTPClient.shared.fetch(request)
            #expect(reply.status == 307)
            #expect(reply.header("Location") == "/new?x=1")
            request.followRedirects = true
            #expect(try await HTTPClient.shared.fetch(request).text == "POST /new?x=1 b")
            request.url = url + "/loop"
            await #expect(throws: HTTPClientError.self) { try await HTTPClient.shared.fetch(request) }
        }
    }
}
