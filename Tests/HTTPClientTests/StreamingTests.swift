// Bodies that are read while they come, and transfers that end before they are complete.
import Glibc
import HTTPClient
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StreamingTests {
    /// Answers with streams that the test writes.
    private struct StreamingServer {
        let streams = Mailbox<HTTPStream>()
        var bufferedBytesMax = 64 << 20

        var handler: HTTPServer.Handler {
            { [self] _ in
                let stream = HTTPStream(bufferedBytesMax: bufferedBytesMax)
                streams.send(stream)
                return .stream(200, stream, contentType: "text/plain")
            }
        }
    }

    @Test func `the response is there before the body, and chunks as they come`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url))
            #expect(response.status == 200)
            #expect(response.header("content-type") == "text/plain")
            let stream = try #require(await streaming.streams.next().first)
            var chunks = response.body.makeAsyncIterator()
            for text in ["one", "two", "three"] {
                stream.write(Array(text.utf8))
                #expect(try await chunks.next() == Array(text.utf8))
            }
            stream.close()
            #expect(try await chunks.next() == nil)
            #expect(try await chunks.next() == nil)
        }
    }

    @Test func `a reader that does not read holds the sender up, and loses nothing`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url, idleTimeout: .seconds(60)))
            let stream = try #require(await streaming.streams.next().first)
            let total = 32 << 20
            for index in 0..<(total >> 16) {
                stream.write([UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1 << 16))
            }
            stream.close()
            // What the kernel and the client hold is far less: the rest waits at the server until it is read.
            try await eventually("the kernel has taken what it can") { stream.bufferedBytes < total }
            #expect(stream.bufferedBytes > total / 4)

            var received = 0
            var isInOrder = true
            for try await chunk in response.body {
                isInOrder = isInOrder && chunk.first == UInt8(truncatingIfNeeded: received >> 16)
                received += chunk.count
                isInOrder = isInOrder && chunk.last == UInt8(truncatingIfNeeded: (received - 1) >> 16)
            }
            #expect(received == total)
            #expect(isInOrder)
            try await eventually("the server knows that all is sent") { stream.bufferedBytes == 0 }
        }
    }

    @Test func `dropping a response ends the transfer`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            let ends = Mailbox<HTTPStreamEnd>()
            do {
                let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url))
                try #require(await streaming.streams.next().first).onClose { ends.send($0) }
                #expect(response.status == 200)
            }
            #expect(await ends.next() == [.peerClosed])
        }
    }

    @Test func `cancelling the reader ends the transfer`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url))
            let ends = Mailbox<HTTPStreamEnd>()
            try #require(await streaming.streams.next().first).onClose { ends.send($0) }
            let reader = Task { () -> HTTPClientError? in
                var chunks = response.body.makeAsyncIterator()
                do throws(HTTPClientError) {
                    while try await chunks.next() != nil {}
                    return nil
                } catch {
                    return error
                }
            }
            reader.cancel()
            #expect(await reader.value == .cancelled)
            #expect(await ends.next() == [.peerClosed])
        }
    }

    @Test func `cancelling a caller that waits for the response wakes it`() async throws {
        let isHandling = Mailbox<Void>()
        let release = Mailbox<Void>()
        let handler: HTTPServer.Handler = { _ in
            isHandling.send(())
            _ = await release.next()
            return .text(200, "too late")
        }
        try await withServer(handler: handler) { url in
            let caller = Task { try await HTTPClient.shared.fetch(HTTPClientRequest(url: url)) }
            _ = await isHandling.next()
            caller.cancel()
            await #expect(throws: HTTPClientError.cancelled) { try await caller.value }
            release.finish()
        }
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        let caller = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await HTTPClient.shared.fetch(HTTPClientRequest(url: "http://127.0.0.1:1"))
        }
        await #expect(throws: HTTPClientError.cancelled) { try await caller.value }
    }

    @Test func `a client that goes away ends its transfers`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            var client: HTTPClient? = HTTPClient()
            let response = try #require(try await client?.execute(HTTPClientRequest(url: url)))
            let ends = Mailbox<HTTPStreamEnd>()
            try #require(await streaming.streams.next().first).onClose { ends.send($0) }
            client = nil
            await #expect(throws: HTTPClientError.cancelled) { for try await _ in response.body {} }
            #expect(await ends.next() == [.peerClosed])
        }
    }

    @Test func `an idle timeout counts silence, not length`() async throws {
        let streaming = StreamingServer()
        try await withServer(handler: streaming.handler) { url in
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url, idleTimeout: .seconds(4)))
            let stream = try #require(await streaming.streams.next().first)
            // Not a task: on a pool that is busy with other tests its pauses would become silence.
            DedicatedThread.start(named: "writer") {
                for _ in 0..<6 {
                    stream.write([1])
                    usleep(800_000)
                }
            }
            var received = 0
            let error = await #expect(throws: HTTPClientError.self) {
                for try await chunk in response.body { received += chunk.count }
            }
            #expect(received == 6)
            if case .timedOut = error {} else { Issue.record("not a timeout: \(String(describing: error))") }
        }
    }
}
