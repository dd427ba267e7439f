// How requests become answers.
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct AnswerTests {
    @Test func `a body with a content length is echoed`() async throws {
        try await withServer(handler: echo) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello")
                return try client.read(through: "hello")
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nContent-Type: a/b\r\n"))
            #expect(answer.contains("\r\nContent-Length: 5\r\n"))
            #expect(answer.contains("\r\nDate: "))
        }
    }

    @Test func `a chunked body is put together`() async throws {
        try await withServer(handler: echo) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
                return try client.read(through: "hello")
            }
            #expect(answer.contains("\r\nContent-Length: 5\r\n"))
        }
    }

    @Test func `pipelined requests are answered in the order they came`() async throws {
        let handler: HTTPServer.Handler = { request in
            if request.path == "/1" { try? await Task.sleep(for: .milliseconds(30)) }
            return .text(200, "<\(request.path)>")
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answers = try await offPool {
                let client = try RawClient(port: port)
                client.send((1...50).map { "GET /\($0) HTTP/1.1\r\n\r\n" }.joined())
                return try (1...50).map { _ in
                    String(try client.read(through: ">").split(separator: "<").last ?? "")
                }
            }
            #expect(answers == (1...50).map { "/\($0)>" })
        }
    }

    @Test func `an answer without a body has a length of zero and no type`() async throws {
        try await withServer(handler: { _ in .empty(202) }) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
                return try client.read(through: "\r\n\r\n")
            }
            #expect(answer.hasPrefix("HTTP/1.1 202 Accepted\r\n"))
            #expect(answer.contains("\r\nContent-Length: 0\r\n"))
            #expect(!answer.lowercased().contains("content-type"))
        }
    }

    @Test func `path, query and header fields are taken apart`() async throws {
        let handler: HTTPServer.Handler = { request in
            let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
            let fields = "\(request.header("mesos-STREAM-id") ?? "-") \(request.headers(named: "x"))"
            return .text(200, "\(request.method) \(request.path) \(query) \(fields) \(request.target)#")
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send(
                    "GET /a%20b/c?k=v%26w&e&p=1+2 HTTP/1.1\r\nMesos-Stream-Id: 7\r\nX: 1\r\nx: 2\r\n\r\n")
                return try client.read(through: "#")
            }
            #expect(
                answer.hasSuffix("\r\n\r\nGET /a b/c k=v&w;e=;p=1 2 7 [\"1\", \"2\"] /a%20b/c?k=v%26w&e&p=1+2#")
            )
        }
    }

    @Test func `HEAD gets the head of the answer only`() async throws {
        try await withServer(handler: { _ in .text(200, "twelve bytes") }) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                return try client.readToEnd()
            }
            let parts = answer.split(separator: "HTTP/1.1 ")
            try #require(parts.count == 2)
            #expect(parts[0].contains("Content-Length: 12\r\n"))
            #expect(parts[0].hasSuffix("\r\n\r\n"))
            #expect(parts[1].hasSuffix("\r\n\r\ntwelve bytes"))
            #expect(parts[1].contains("Connection: close\r\n"))
        }
    }

    @Test func `a client that expects 100 Continue gets it before it sends`() async throws {
        try await withServer(handler: echo) { server in
            let port = server.port
            let (first, second) = try await offPool {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
                let first = try client.read(through: "\r\n\r\n")
                client.send("ok")
                return (first, try client.read(through: "\r\n\r\nok"))
            }
            #expect(first == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(second.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func `a client that has closed its side still gets its answer`() async throws {
        let handler: HTTPServer.Handler = { request in
            try? await Task.sleep(for: .milliseconds(30))
            return .text(200, request.path)
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET /last HTTP/1.1\r\n\r\n")
                client.closeSendingSide()
                return try client.readToEnd()
            }
            #expect(answer.hasSuffix("\r\n\r\n/last"))
            try await eventually("the connection is closed") { server.connectionCount == 0 }
        }
    }

    @Test func `an HTTP 1.0 client gets no chunks and the connection closes`() async throws {
        let handler: HTTPServer.Handler = { _ in
            let stream = HTTPStream(bufferedBytesMax: 1000)
            stream.write(Array("one ".utf8))
            stream.write(Array("two".utf8))
            stream.close()
            return .stream(200, stream, contentType: "text/plain")
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.0\r\n\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n"))
            #expect(answer.hasSuffix("\r\n\r\none two"))
            #expect(!answer.contains("chunked"))
        }
    }

    @Test func `a handler's header field with a line break does not reach the client`() async throws {
        let handler: HTTPServer.Handler = { _ in .text(200, "x", headers: [("X", "a\r\nSet-Cookie: b")]) }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 500 "))
            #expect(!answer.contains("Set-Cookie"))
        }
    }

    @Test func `an address in use is named in the error`() async throws {
        try await withServer(handler: echo) { server in
            let error = await #expect(throws: HTTPServerError.self) {
                try await HTTPServer.start(host: "127.0.0.1", port: server.port, handler: echo)
            }
            #expect(error?.description == "cannot listen on 127.0.0.1:\(server.port): Address already in use")
        }
    }
}
