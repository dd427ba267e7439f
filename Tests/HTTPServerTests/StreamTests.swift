// Bodies that are written over time.
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StreamTests {
    /// Answers every request with a new stream and hands it to the test.
    private struct StreamingServer {
        let streams = Mailbox<HTTPStream>()
        var bufferedBytesMax = 1 << 20

        func handler() -> HTTPServer.Handler {
            { [self] request in
                if request.path == "/plain" { return .text(200, "plain") }
                let stream = HTTPStream(bufferedBytesMax: bufferedBytesMax)
                streams.send(stream)
                return .stream(200, stream, contentType: "application/json", headers: [("Mesos-Stream-Id", "id-1")])
            }
        }

        func next() async throws -> HTTPStream { try #require(await streams.next().first) }
    }

    @Test func `the head arrives before anything is written, and each write is a chunk`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port) }
            let head = try await offPool {
                client.send("POST / HTTP/1.1\r\nConnection: close\r\n\r\n")
                return try client.read(through: "\r\n\r\n")
            }
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.contains("\r\nTransfer-Encoding: chunked\r\n"))
            #expect(head.contains("\r\nMesos-Stream-Id: id-1\r\n"))
            #expect(!head.contains("Content-Length"))

            let stream = try await streaming.next()
            stream.write(Array("2\n{}".utf8))
            #expect(try await offPool { try client.read(through: "{}\r\n") } == "4\r\n2\n{}\r\n")
            stream.write(Array("3\n{ }".utf8))
            stream.write([UInt8](repeating: 0x2E, count: 16))
            #expect(
                try await offPool { try client.read(through: "................\r\n") }
                    == "5\r\n3\n{ }\r\n10\r\n................\r\n")
            stream.close()
            #expect(try await offPool { try client.readToEnd() } == "0\r\n\r\n")
        }
    }

    @Test func `what was written before the response was sent comes first`() async throws {
        let ends = Mailbox<HTTPStreamEnd>()
        let handler: HTTPServer.Handler = { _ in
            let stream = HTTPStream(bufferedBytesMax: 1000)
            stream.onClose { ends.send($0) }
            for number in 1...9 { stream.write(Array("\(number)".utf8)) }
            stream.close()
            stream.write(Array("never".utf8))
            return .stream(200, stream, contentType: "text/plain")
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let answer = try await offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\n\r\n")
                return try client.read(through: "\r\n0\r\n\r\n")
            }
            let chunks = answer.split(separator: "\r\n\r\n", maxSplits: 1).last?.split(separator: "\r\n")
            #expect(chunks == (1...9).flatMap { ["1", "\($0)"] } + ["0"])
            #expect(await ends.next() == [.closedByUs])
        }
    }

    @Test func `the connection serves the next request after a stream has ended`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            async let answer = offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\n\r\nGET /plain HTTP/1.1\r\n\r\n")
                return try client.read(through: "plain")
            }
            let stream = try await streaming.next()
            stream.write(Array("x".utf8))
            stream.close()
            #expect(try await answer.contains("\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    @Test(arguments: [false, true])
    func `the stream ends when the client goes`(afterUnreadBytes: Bool) async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port) }
            _ = try await offPool {
                client.send("GET / HTTP/1.1\r\n\r\n")
                return try client.read(through: "\r\n\r\n")
            }
            let stream = try await streaming.next()
            let ends = Mailbox<HTTPStreamEnd>()
            stream.onClose { ends.send($0) }
            if afterUnreadBytes { client.send("GET /never-read HTTP/1.1\r\n\r\n") }
            client.closeSendingSide()
            #expect(await ends.next() == [.peerClosed])
            stream.write([1])  // Too late, and harmless.

            let late = Mailbox<HTTPStreamEnd>()
            stream.onClose { late.send($0) }
            #expect(await late.next() == [.peerClosed])
        }
    }

    @Test func `a large body passes through a small buffer, at the reader's pace`() async throws {
        let streaming = StreamingServer(bufferedBytesMax: 64 * 1024)
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port, receiveBufferBytes: 4096) }
            client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            let stream = try await streaming.next()
            async let whole = offPool { try client.readToEnd() }
            let chunk = [UInt8](repeating: 0x61, count: 16 * 1024)
            var bufferedMost = 0
            for _ in 0..<100 {
                #expect(await stream.send(chunk))
                bufferedMost = max(bufferedMost, stream.bufferedBytes)
            }
            stream.close()
            #expect(try await whole.count > 100 * chunk.count)
            #expect(bufferedMost <= 64 * 1024)
        }
    }

    @Test func `whoever waits for a reader hears that it has gone, or that it reads nothing`() async throws {
        let streaming = StreamingServer(bufferedBytesMax: 64 * 1024)
        let chunk = [UInt8](repeating: 0x61, count: 256 * 1024)
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port, receiveBufferBytes: 4096) }
            client.send("GET / HTTP/1.1\r\n\r\n")
            let first = try await streaming.next()
            async let isOpen = sendUntilClosed(first, chunk, patience: .seconds(60))
            try await eventually("the buffer is full") { first.bufferedBytes > 0 }
            client.closeSendingSide()
            #expect(await isOpen == false)

            let idler = try await offPool { try RawClient(port: port, receiveBufferBytes: 4096) }
            idler.send("GET / HTTP/1.1\r\n\r\n")
            let second = try await streaming.next()
            let ends = Mailbox<HTTPStreamEnd>()
            second.onClose { ends.send($0) }
            #expect(await sendUntilClosed(second, chunk, patience: .milliseconds(50)) == false)
            #expect(await ends.next() == [.tooSlow])
        }
    }

    private func sendUntilClosed(_ stream: HTTPStream, _ chunk: [UInt8], patience: Duration) async -> Bool {
        for _ in 0..<1_000 where await !stream.send(chunk, patience: patience) { return false }
        return true
    }

    @Test func `a reader that is too slow is cut off, and its bytes are bounded`() async throws {
        let streaming = StreamingServer(bufferedBytesMax: 256 * 1024)
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port, receiveBufferBytes: 4096) }
            client.send("GET / HTTP/1.1\r\n\r\n")
            let stream = try await streaming.next()
            let ends = Mailbox<HTTPStreamEnd>()
            let isCut = Locked(false)
            stream.onClose { end in
                isCut.withLock { $0 = true }
                ends.send(end)
            }
            let chunk = [UInt8](repeating: 0x61, count: 16 * 1024)
            var bufferedMost = 0
            // The kernel takes megabytes first.
            try await eventually("the reader is cut off") {
                for _ in 0..<16 {
                    stream.write(chunk)
                    bufferedMost = max(bufferedMost, stream.bufferedBytes)
                }
                return isCut.withLock { $0 }
            }
            #expect(bufferedMost <= 256 * 1024)
            #expect(await ends.next() == [.tooSlow])
            try await eventually("the connection is closed") { server.connectionCount == 0 }
            #expect(stream.bufferedBytes == 0)
        }
    }

    @Test func `one chunk may be larger than the bound`() async throws {
        let streaming = StreamingServer(bufferedBytesMax: 10)
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            async let answer = offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\n\r\n")
                return try client.read(through: "\r\n0\r\n\r\n").utf8.count
            }
            let stream = try await streaming.next()
            stream.write([UInt8](repeating: 0x61, count: 300_000))
            stream.close()
            #expect(try await answer > 300_000)
        }
    }

    @Test func `bytes of many writers arrive whole and in each writer's order`() async throws {
        let streaming = StreamingServer(bufferedBytesMax: 64 << 20)
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            async let answer = offPool {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\n\r\n")
                return try client.readToEnd()
            }
            let stream = try await streaming.next()
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<500 { stream.write(Array("\(writer):\(number)".utf8)) }
                    }
                }
            }
            await server.stop()
            let records = try await answer.split(separator: "\r\n").filter { $0.contains(":") && !$0.contains(" ") }
            #expect(records.count == 2000)
            for writer in 0..<4 {
                let numbers = records.filter { $0.hasPrefix("\(writer):") }.map { $0.dropFirst(2) }
                #expect(numbers == (0..<500).map { "\($0)" })
            }
        }
    }

    @Test func `a response that cannot have a body ends its stream`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler()) { server in
            let port = server.port
            async let answer = offPool {
                let client = try RawClient(port: port)
                client.send("HEAD / HTTP/1.1\r\n\r\nGET /plain HTTP/1.1\r\n\r\n")
                return try client.read(through: "plain")
            }
            let stream = try await streaming.next()
            let ends = Mailbox<HTTPStreamEnd>()
            stream.onClose { ends.send($0) }
            #expect(await ends.next() == [.peerClosed])
            #expect(try await answer.split(separator: "HTTP/1.1 200 OK").count == 2)
        }
    }

    @Test func `a stream for a client that has gone ends, whenever one asks`() async throws {
        let streaming = StreamingServer()
        let isHandling = Mailbox<Void>()
        let release = Mailbox<Void>()
        let handler: HTTPServer.Handler = { request in
            isHandling.send(())
            _ = await release.next()
            return await streaming.handler()(request)
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let client = try await offPool { try RawClient(port: port) }
            client.send("GET / HTTP/1.1\r\n\r\n")
            _ = await isHandling.next()
            client.reset()
            try await eventually("the connection is closed") { server.connectionCount == 0 }
            release.send(())
            let stream = try await streaming.next()
            for _ in 1...2 {
                let ends = Mailbox<HTTPStreamEnd>()
                stream.onClose { ends.send($0) }
                #expect(await ends.next() == [.peerClosed])
            }
        }
    }
}
