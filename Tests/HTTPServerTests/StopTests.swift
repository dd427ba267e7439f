// How a server ends.
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StopTests {
    @Test func `stopping finishes answers, ends streams in good order and closes the rest`() async throws {
        let streams = Mailbox<HTTPStream>()
        let isHandling = Mailbox<Void>()
        let release = Mailbox<Void>()
        let handler: HTTPServer.Handler = { request in
            if request.path == "/stream" {
                let stream = HTTPStream(bufferedBytesMax: 1000)
                streams.send(stream)
                return .stream(200, stream, contentType: "text/plain")
            }
            isHandling.send(())
            _ = await release.next()
            return .text(200, "finished")
        }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, handler: handler)
        let port = server.port
        async let idle = offPool { try RawClient(port: port).readToEnd() }
        async let streamed = offPool {
            let client = try RawClient(port: port)
            client.send("GET /stream HTTP/1.1\r\n\r\n")
            return try client.readToEnd()
        }
        async let answered = offPool {
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\n\r\n")
            return try client.readToEnd()
        }
        let stream = try #require(await streams.next().first)
        stream.write(Array("last words".utf8))
        _ = await isHandling.next()
        try await eventually("all three are connected") { server.connectionCount == 3 }

        async let stopped: Void = server.stop(within: .seconds(20))
        #expect(try await streamed.hasSuffix("a\r\nlast words\r\n0\r\n\r\n"))
        #expect(try await idle == "")
        release.send(())
        #expect(try await answered.hasSuffix("finished"))
        await stopped
        #expect(server.connectionCount == 0)
        await #expect(throws: SocketError.self) { try await offPool { _ = try RawClient(port: port) } }
    }

    @Test func `stopping cuts off at its deadline what does not end`() async throws {
        let isHandling = Mailbox<Void>()
        let release = Mailbox<Void>()
        let handler: HTTPServer.Handler = { _ in
            isHandling.send(())
            _ = await release.next()
            return .text(200, "too late")
        }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, handler: handler)
        let port = server.port
        async let answer = offPool {
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\n\r\n")
            return try client.readToEnd()
        }
        _ = await isHandling.next()
        await server.stop(within: .milliseconds(50))
        #expect(server.connectionCount == 0)
        #expect(try await answer == "")
        release.finish()
    }

    @Test func `a process may open as many files as it is allowed to`() {
        #expect(FileLimits.raise() == FileLimits.raise())
        #expect(FileLimits.raise() >= 1024)
    }
}
