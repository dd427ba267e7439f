// Calls on connections that are kept: what comes back, and what becomes of broken ones.

import Foundation
import Glibc
import Mailbox
import Testing

@testable import MiniAgent

/// A unix socket that answers request after request, on as many connections as somebody makes.
private final class Keeping: Sendable {
    enum Answer: Sendable {
        case text(String)
        /// Then it closes the connection.
        case last(String)
        /// Never answered: the connection stays until the other side ends it.
        case none
        /// The length of what was asked.
        case length
    }

    private struct State {
        var answers: [Answer] = []
        var connections = 0
    }

    private let listener: UnixListener
    private let state: Locked<State>

    init?(_ answers: Answer...) {
        guard let listener = UnixListener() else { return nil }
        self.listener = listener
        state = Locked(State(answers: answers))
        listener.onThread("keeping") { [state] next in
            while true {
                let connection = next()
                guard connection >= 0 else { return }
                state.withLock { $0.connections += 1 }
                DedicatedThread.start(named: "kept") { Self.serve(connection, state) }
            }
        }
    }

    var path: String { listener.path }
    var connections: Int { state.withLock { $0.connections } }

    private static func serve(_ connection: Int32, _ state: Locked<State>) {
        defer { close(connection) }
        while let count = readRequest(connection) {
            let answer = state.withLock { $0.answers.isEmpty ? .last("") : $0.answers.removeFirst() }
            switch answer {
            case .text(let text): _ = text.withCString { write(connection, $0, strlen($0)) }
            case .last(let text):
                _ = text.withCString { write(connection, $0, strlen($0)) }
                return
            case .none: break
            case .length:
                let text = "HTTP/1.1 200 OK\r\nContent-Length: \(String(count).utf8.count)\r\n\r\n\(count)"
                _ = text.withCString { write(connection, $0, strlen($0)) }
            }
        }
    }

    /// - Returns: How long its body was; nil at the connection's end.
    private static func readRequest(_ connection: Int32) -> Int? {
        var received: [UInt8] = []
        while true {
            if let (_, headEnd) = HTTPHead.find(in: received) {
                let head = String(decoding: received[..<headEnd], as: UTF8.self)
                let length = head.split(separator: "Content-Length: ").dropFirst().first
                    .flatMap { Int($0.prefix { $0.isNumber }) }
                if received.count - headEnd >= length ?? 0 { return received.count - headEnd }
            }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return nil }
            received += buffer.prefix(count)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct HTTPCallTests {
    /// Read by a thread of their own, and by an agent's.
    private static let readers = [HTTPCalls.shared, HTTPCalls(on: AgentThread.start())]

    private func call(
        _ engine: Keeping, by calls: HTTPCalls = .shared, body: [UInt8] = [], timeout: Duration = .seconds(30),
        bodyMax: Int = 1 << 20
    ) async throws(HTTPCallError) -> HTTPCallReply {
        let head = "POST /x HTTP/1.1\r\nHost: docker\r\nContent-Length: \(body.count)\r\n\r\n"
        return try await calls.fetch(
            .unix(engine.path), request: Array(head.utf8) + body, timeout: timeout, bodyMax: bodyMax)
    }

    @Test(arguments: [0, 1]) func `calls one after another share a connection, whatever their answers look like`(
        _ reader: Int
    ) async throws {
        let engine = try #require(
            Keeping(
                .text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), .text("HTTP/1.1 204 No Content\r\n\r\n"),
                .text("HTTP/1.1 304 Not Modified\r\n\r\n"),
                .text("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"),
                .text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nCONTENT-LENGTH: 1\r\n\r\n?")))
        var replies: [HTTPCallReply] = []
        for _ in 0..<5 { replies.append(try await call(engine, by: Self.readers[reader])) }
        #expect(replies.map(\.status) == [200, 204, 304, 200, 404])
        #expect(replies.map { String(decoding: $0.body, as: UTF8.self) } == ["ab", "", "", "abcd", "?"])
        #expect(engine.connections == 1)
    }

    @Test func `a connection that has died while nobody used it is replaced`() async throws {
        let fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        let engine = try #require(Keeping(.last(fine), .text(fine), .last(""), .text(fine)))
        _ = try await call(engine)
        _ = try await call(engine)
        // The engine takes the request and closes: on a kept connection it may not have seen it.
        #expect(try await call(engine).status == 200)
        #expect(engine.connections == 3)
    }

    @Test func `a fresh connection that is closed without an answer is an error, and so is half an answer`()
        async throws
    {
        for text in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200"] {
            let engine = try #require(Keeping(.last(text)))
            await #expect(throws: HTTPCallError.unreachable("it closed the connection")) { try await call(engine) }
        }
    }

    @Test func `an answer without a length ends with the connection`() async throws {
        let engine = try #require(Keeping(.last("HTTP/1.1 200 OK\r\n\r\nall of it"), .length))
        #expect(String(decoding: try await call(engine).body, as: UTF8.self) == "all of it")
        #expect(try await call(engine).status == 200)
        #expect(engine.connections == 2)
    }

    @Test func `a request larger than the socket's buffer arrives whole`() async throws {
        let engine = try #require(Keeping(.length, .length))
        for size in [3_000_000, 10] {
            let reply = try await call(engine, body: [UInt8](repeating: 65, count: size))
            #expect(String(decoding: reply.body, as: UTF8.self) == "\(size)")
        }
        #expect(engine.connections == 1)
    }

    @Test func `silence, an answer that is too large, no HTTP and nobody there are errors`() async throws {
        let silent = try #require(Keeping(.none))
        await #expect(throws: HTTPCallError.unreachable("timed out")) {
            try await call(silent, timeout: .milliseconds(30))
        }
        let large = try #require(Keeping(.text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")))
        await #expect(throws: HTTPCallError.malformed("the answer is too large")) { try await call(large, bodyMax: 8) }
        let other = try #require(Keeping(.text("SSH-2.0 hello\r\n\r\n")))
        await #expect(throws: HTTPCallError.malformed("no HTTP status")) { try await call(other) }
        let error = await #expect(throws: HTTPCallError.self) {
            try await HTTPCalls.shared.fetch(
                .unix("/nobody/there"), request: [65], timeout: .seconds(1), bodyMax: 1)
        }
        #expect(error?.description.contains("could not connect") == true)
    }

    @Test func `a cancelled call ends at once, also one that was cancelled before`() async throws {
        let silent = try #require(Keeping(.none, .none))
        let caller = Task { try await call(silent) }
        while silent.connections == 0 { await Task.yield() }
        caller.cancel()
        await #expect(throws: HTTPCallError.cancelled) { try await caller.value }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await call(silent)
        }
        await #expect(throws: HTTPCallError.cancelled) { try await late.value }
    }

    @Test func `many calls at the same time each get their own answer`() async throws {
        let engine = try #require(Keeping(.length, .length, .length, .length, .length, .length, .length, .length))
        let lengths = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for size in 1...8 {
                group.addTask {
                    let reply = try await call(engine, body: [UInt8](repeating: 65, count: size))
                    return (size, String(decoding: reply.body, as: UTF8.self))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(lengths.allSatisfy { "\($0.0)" == $0.1 })
    }

    // MARK: Answers that last

    private final class Collected: HTTPCallSink {
        let text = Locked("")
        let end = Latch<HTTPCallError?>()

        func begin(_ reply: HTTPCallReply) {
            text.withLock {
                $0 +=
                    "\(reply.status) \(reply.value(of: "x-name") ?? "-")|" + String(decoding: reply.body, as: UTF8.self)
            }
        }
        func take(_ bytes: [UInt8]) { text.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
        func end(_ error: HTTPCallError?) { end.open(error) }
    }

    private func listen(
        _ engine: Keeping, _ calls: HTTPCalls, timeout: Duration = .seconds(30)
    ) async -> (text: String, error: HTTPCallError?) {
        let sink = Collected()
        let request = Array("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".utf8)
        _ = calls.open(.unix(engine.path), request: request, timeout: timeout, bodyMax: 100, into: sink)
        let error = await sink.end.wait() ?? nil
        return (sink.text.withLock { $0 }, error)
    }

    @Test(arguments: [0, 1])
    func `an answer that lasts is handed on as it comes, and its connection serves again`(_ reader: Int) async throws {
        let chunked =
            "HTTP/1.1 200 OK\r\nX-Name:  a b \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
        let engine = try #require(
            Keeping(
                .text(chunked), .text("HTTP/1.1 307 Elsewhere\r\nx-name: y\r\nContent-Length: 2\r\n\r\nno"),
                .last("HTTP/1.1 200 OK\r\n\r\nto the end"), .last("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")))
        let calls = Self.readers[reader]
        #expect(await listen(engine, calls) == ("200 a b|abcd", nil))
        #expect(await listen(engine, calls) == ("307 y|no", nil))
        #expect(engine.connections == 1)
        #expect(await listen(engine, calls) == ("200 -|to the end", nil))
        #expect(await listen(engine, calls) == ("200 -|half", .unreachable("it closed the connection")))
    }

    @Test
    func `an answer that does not begin in time is an error, one that has begun may last, and both can be closed`()
        async throws
    {
        let engine = try #require(Keeping(.none, .text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), .none))
        #expect(await listen(engine, .shared, timeout: .milliseconds(30)) == ("", .unreachable("timed out")))
        let sink = Collected()
        let call = HTTPCalls.shared.open(
            .unix(engine.path), request: [10], timeout: .seconds(30), bodyMax: 9, into: sink)
        HTTPCalls.shared.close(call: call)
        #expect(await sink.end.wait() == .cancelled)
    }

    @Test func `who is let go of frees its descriptors and the thread that read for it`() async throws {
        let engine = try #require(Keeping(.length, .length))
        weak var held: AgentThread?
        do {
            let thread = AgentThread.start()
            held = thread
            let calls = HTTPCalls(on: thread)
            _ = try await call(engine, by: calls)
        }
        while held != nil { await Task.yield() }
    }

    // MARK: Descriptors

    /// The client's end of a connection to a listener with this path.
    private func client(of path: String) -> Int32? {
        (3..<4096).first { descriptor in
            var address = sockaddr_un()
            var length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let code = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
            }
            return code == 0
                && withUnsafeBytes(of: address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                    == path
        }
    }

    @Test func `whoever gets the number of an ended connection keeps it, also while a new process has a copy`()
        async throws
    {
        let fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        // A number that is free may be taken by another test first: then it is tried again.
        for _ in 0..<20 {
            let engine = try #require(
                Keeping(
                    .text(fine), .last(fine.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")), .text(fine)))
            _ = try await call(engine)
            let number = try #require(client(of: engine.path))
            // As a child has it between its birth and its program.
            let copy = dup(number)
            defer { close(copy) }
            _ = try await call(engine)
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            defer { close(null) }
            let taken = fcntl(null, F_DUPFD_CLOEXEC, number)
            defer { close(taken) }
            // An answer on another connection: the thread that reads has looked at everything once more.
            _ = try await call(engine)
            guard taken == number else { continue }
            #expect(fcntl(taken, F_GETFD) == FD_CLOEXEC)
            return
        }
        Issue.record("the number was never free")
    }

    // MARK: Endpoints

    @Test func `only what needs no look-up and no TLS is called plainly`() {
        #expect(CallEndpoint(url: "http://127.0.0.1:5050/x") == .address("127.0.0.1", port: 5050))
        #expect(CallEndpoint(url: "http://127.0.0.1")?.host == "127.0.0.1:80")
        #expect(CallEndpoint(url: "http://[::1]:5050/x") == .address("::1", port: 5050))
        #expect(CallEndpoint(url: "http://[::1]:5050")?.host == "[::1]:5050")
        #expect(CallEndpoint(url: "http://[::1]") == .address("::1", port: 80))
        for url in [
            "https://127.0.0.1:5050", "http://master.example:5050", "http://127.0.0.1:x", "http://127.0.0.1:99999",
            "http://", "127.0.0.1:5050", "http://u@127.0.0.1:5050",
        ] { #expect(CallEndpoint(url: url) == nil, "\(url)") }
    }
}
