// Long-lived answers of the engine: what of them arrives, and how they end.

import Foundation
import Glibc
import Mailbox
import Testing

@testable import MiniAgent

/// A unix socket whose one connection a test answers by hand.
private final class Answering: Sendable {
    private let listener: UnixListener
    var path: String { listener.path }

    init?() {
        guard let listener = UnixListener() else { return nil }
        self.listener = listener
    }

    /// Takes a connection and writes the parts, a moment apart, so that they arrive one by one.
    func answer(_ parts: [String], closes: Bool = true) {
        listener.onThread("answering") { next in
            let connection = next()
            guard connection >= 0 else { return }
            var buffer = [UInt8](repeating: 0, count: 8192)
            _ = read(connection, &buffer, buffer.count)
            for part in parts {
                _ = part.withCString { write(connection, $0, strlen($0)) }
                usleep(2000)
            }
            // Otherwise the other side ends it.
            if !closes { _ = read(connection, &buffer, buffer.count) }
            close(connection)
        }
    }
}

private final class Collecting: EngineStreamSink {
    private let state = Locked((text: "", isFinished: false))
    var text: String { state.withLock { $0.text } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    func take(_ bytes: [UInt8]) { state.withLock { $0.text += String(decoding: bytes, as: UTF8.self) } }
    func finish() { state.withLock { $0.isFinished = true } }
}

@Suite(.timeLimit(.minutes(1))) struct EngineStreamTests {
    private let streams = EngineStreams()
    private let sink = Collecting()

    private func open(_ engine: Answering, timeout: Duration = .seconds(10)) async throws(DockerError) -> EngineStream {
        try await streams.open(
            socketPath: engine.path, request: Array("GET / HTTP/1.1\r\nHost: docker\r\n\r\n".utf8), timeout: timeout,
            into: sink)
    }

    @Test func `a connection that is handed over lasts until the engine closes it`() async throws {
        let engine = try #require(Answering())
        engine.answer(["HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-str", "eam\r\n\r\none ", "two"])
        try await open(engine).end()
        #expect(sink.text == "one two")
        #expect(sink.isFinished)
    }

    @Test func `chunks wherever they are cut, with extensions and trailers`() async throws {
        let engine = try #require(Answering())
        let body = "4;x=y\r\nabcd\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
        engine.answer(
            ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] + body.map { String($0) }, closes: false)
        try await open(engine).end()
        #expect(sink.text == "abcd0123456789")
        #expect(sink.isFinished)
    }

    @Test func `a body of a known length, and one that is cut off`() async throws {
        let whole = try #require(Answering())
        whole.answer(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], closes: false)
        try await open(whole).end()
        #expect(sink.text == "hello")
        for head in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
            let cut = try #require(Answering())
            cut.answer(["HTTP/1.1 200 OK\r\n\(head)\r\n\r\n5\r\nxy"])
            let stream = try await open(cut)
            await #expect(throws: DockerError.unreachable("it closed the connection")) { try await stream.end() }
        }
    }

    @Test func `a refusal is told with the engine's reason`() async throws {
        let engine = try #require(Answering())
        engine.answer(
            ["HTTP/1.1 404 Not Found\r\nContent-Length: 27\r\n\r\n", #"{"message":"no such thing"}"#], closes: false)
        await #expect(throws: DockerError.refused(status: 404, message: "no such thing")) { try await open(engine) }
        let endless = try #require(Answering())
        endless.answer(["HTTP/1.1 500 X\r\n\r\n{\"message\":\"ill\"}"], closes: false)
        await #expect(throws: DockerError.refused(status: 500, message: "ill")) { try await open(endless) }
    }

    @Test func `silence, nobody there and no HTTP are errors`() async throws {
        let silent = try #require(Answering())
        await #expect(throws: DockerError.unreachable("timed out")) {
            try await open(silent, timeout: .milliseconds(50))
        }
        let garbage = try #require(Answering())
        garbage.answer([String(repeating: "x", count: 70_000)])
        await #expect(throws: DockerError.malformed("a response head without an end")) { try await open(garbage) }
        await #expect(throws: DockerError.self) {
            try await streams.open(socketPath: "/nowhere/at/all", request: [], timeout: .seconds(1), into: sink)
        }
    }

    @Test func `whoever asks to be told of its end is told, before and after`() async throws {
        let engine = try #require(Answering())
        engine.answer(["HTTP/1.1 200 OK\r\n\r\nhello"], closes: false)
        let stream = try await open(engine)
        let calls = Mailbox<Int>()
        stream.whenEnded { calls.send(1) }
        #expect(calls.depth == 0)
        stream.close()
        #expect(await calls.next() == [1])
        stream.whenEnded { calls.send(2) }
        #expect(await calls.next() == [2])
        await #expect(throws: DockerError.cancelled) { try await stream.end() }
    }

    @Test func `closing it, or cancelling who waits, ends it`() async throws {
        let engine = try #require(Answering())
        engine.answer(["HTTP/1.1 200 OK\r\n\r\nhello"], closes: false)
        let stream = try await open(engine)
        stream.close()
        await #expect(throws: DockerError.cancelled) { try await stream.end() }
        let other = try #require(Answering())
        other.answer(["HTTP/1.1 200 OK\r\n\r\n"], closes: false)
        let second = try await open(other)
        let waiting = Task { () -> DockerError? in
            do throws(DockerError) {
                try await second.end()
                return nil
            } catch { return error }
        }
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        #expect(!sink.isFinished)
    }
}

struct StartTurnTests {
    @Test func `as many have a turn as there are, the others follow in order`() async throws {
        let turns = StartTurns(2)
        let first = try #require(await turns.take())
        let second = try #require(await turns.take())
        let order = Locked<[Int]>([])
        let third = Task { await turns.take().map { _ in order.withLock { $0.append(3) } } }
        while turns.waitingCount < 1 { await Task.yield() }
        let fourth = Task { await turns.take().map { _ in order.withLock { $0.append(4) } } }
        while turns.waitingCount < 2 { await Task.yield() }
        #expect(order.withLock { $0 }.isEmpty)
        first.giveBack()
        first.giveBack()  // Counts once.
        await third.value
        await fourth.value  // The third has dropped its turn.
        #expect(order.withLock { $0 } == [3, 4])
        withExtendedLifetime(second) {}
    }

    @Test func `who is cancelled while waiting leaves the turn to the next`() async throws {
        let turns = StartTurns(1)
        let first = try #require(await turns.take())
        let cancelled = Task { await turns.take() == nil }
        while turns.waitingCount < 1 { await Task.yield() }
        cancelled.cancel()
        #expect(await cancelled.value)
        first.giveBack()
        #expect(await turns.take() != nil)
    }
}
