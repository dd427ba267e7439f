// Short calls on connections that are kept: what the life of a task is made of, to an engine and to the master.

import CLinux
import Glibc
import Mailbox

/// What becomes of a call whose answer lasts. Called by the thread that reads, except for an end that somebody else makes, and
/// without locks held; nothing here may block.
protocol HTTPCallSink: Sendable {
    /// The head of an answer of status 200; any other answer comes whole, and nothing of it through ``take(_:)``.
    func begin(_ reply: HTTPCallReply)
    func take(_ bytes: [UInt8])
    /// - Parameter error: nil if the server has ended its answer.
    func end(_ error: HTTPCallError?)
}

/// Calls servers. The caller writes its request itself, one thread reads all answers, and the caller is woken once for each:
/// for a task an agent calls a dozen times, and each time it has slept long enough for everything that it touches to be cold.
///
/// A kept connection that turns out to be dead is replaced and the request sent again, as HTTP allows as long as no byte of
/// an answer has come.
package final class HTTPCalls: Sendable {
    /// For those who call now and then. Its thread lives as long as the process.
    package static let shared = HTTPCalls()

    typealias Waiter = CheckedContinuation<Result<HTTPCallReply, HTTPCallError>, Never>

    private enum Receiver: Sendable {
        case waiter(Waiter)
        case sink(any HTTPCallSink)

        func take(_ result: Result<HTTPCallReply, HTTPCallError>) {
            switch (self, result) {
            case (.waiter(let waiter), _): waiter.resume(returning: result)
            case (.sink(let sink), .success(let reply)):
                sink.begin(reply)
                sink.end(nil)
            case (.sink(let sink), .failure(let error)): sink.end(error)
            }
        }
    }

    private struct Call {
        let id: UInt64
        let endpoint: CallEndpoint
        /// What is to be sent: of a request that goes on, what has not been.
        var request: [UInt8]
        let receiver: Receiver
        var reader: HTTPReplyReader
        var sentBytes = 0
        /// More of the request may follow.
        var goesOn = false
        /// The socket took less than all of it.
        var isWaitingToSend = false
        /// The connection has carried calls before.
        var isReused = false
        /// Of a lasting answer: taken back once it has begun.
        var deadline: TimerToken?
    }

    private struct State {
        var lastID: UInt64 = 0
        /// By their connections.
        var calls: [Int32: Call] = [:]
        var connections: [UInt64: Int32] = [:]
        var idle: [CallEndpoint: [Int32]] = [:]
        var isRunning = false
    }

    /// What remains to be done about a call without the lock.
    private enum Outcome {
        case end(Receiver, Result<HTTPCallReply, HTTPCallError>)
        case repeated(Call)
        case piece(any HTTPCallSink, begun: HTTPCallReply?, [UInt8], isOver: Bool)
    }

    private static let bufferBytes = 16 << 10
    /// Of one server. More are opened in a rush and closed again: on one host that costs little.
    private static let idleMax = 6
    /// Of a request that lasts.
    private static let unsentMax = 64 << 20

    private let state = Locked(State())
    private let poller: Int32
    private let thread: AgentThread?

    /// - Parameter thread: Who reads the answers, besides what else it does; nil: a thread for nothing else, for ever.
    init(on thread: AgentThread? = nil) {
        self.thread = thread
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(poller >= 0, "no descriptors left for calls: error \(errno)")
    }

    deinit {
        // Nobody waits: who does holds it.
        thread?.forget(poller)
        state.withLock { state in
            for sockets in state.idle.values { for socket in sockets { Glibc.close(socket) } }
            for socket in state.calls.keys { Glibc.close(socket) }
        }
        Glibc.close(poller)
    }

    /// - Parameters:
    ///   - request: Everything from the request line to the end of the body.
    ///   - timeout: Until the last byte of the answer.
    /// - Throws: `.unreachable`, `.malformed` or `.cancelled`; what the server refuses is an answer.
    package func fetch(
        _ endpoint: CallEndpoint, request: [UInt8], timeout: Duration, bodyMax: Int
    ) async throws(HTTPCallError) -> HTTPCallReply {
        let id = nextID()
        let timer = Timers.shared.scheduleOnce(after: timeout) { [self] in end(id, .unreachable("timed out")) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                start(
                    Call(
                        id: id, endpoint: endpoint, request: request, receiver: .waiter(waiter),
                        reader: HTTPReplyReader(bodyMax: bodyMax)))
                if Task.isCancelled { end(id, .cancelled) }  // It was before there was anything to end.
            }
        } onCancel: {
            end(id, .cancelled)
        }
        timer.cancel()
        return try result.get()
    }

    /// Starts a call whose answer lasts.
    ///
    /// - Parameters:
    ///   - timeout: Until the head of the answer has come.
    ///   - bodyMax: Of an answer of another status than 200.
    /// - Returns: What to close it with.
    func open(
        _ endpoint: CallEndpoint, request: [UInt8], timeout: Duration, bodyMax: Int, into sink: any HTTPCallSink
    ) -> UInt64 {
        let id = nextID()
        var call = Call(
            id: id, endpoint: endpoint, request: request, receiver: .sink(sink),
            reader: HTTPReplyReader(bodyMax: bodyMax, handsOn: true))
        call.deadline = Timers.shared.scheduleOnce(after: timeout) { [weak self] in
            self?.end(id, .unreachable("timed out"))
        }
        start(call)
        return id
    }

    /// Starts a call whose request lasts, on a connection of its own; what it says goes through ``send(_:on:)``. However long
    /// it lasts, an answer ends it.
    ///
    /// - Parameters:
    ///   - request: From the request line on, as far as it is known.
    ///   - bodyMax: Of the answer.
    /// - Returns: What to go on with, and to close it with.
    func openRequest(
        _ endpoint: CallEndpoint, _ request: [UInt8], bodyMax: Int, into sink: any HTTPCallSink
    ) -> UInt64 {
        let id = nextID()
        var call = Call(
            id: id, endpoint: endpoint, request: request, receiver: .sink(sink),
            reader: HTTPReplyReader(bodyMax: bodyMax))
        call.goesOn = true
        if let outcome = startOnNew(call) { settle(outcome) }
        return id
    }

    /// Goes on with a request that lasts. After its end, or the call's, nothing is sent. A server that leaves too much of it
    /// waiting is given up.
    ///
    /// - Parameter isLast: Whether this is its end.
    func send(_ bytes: [UInt8], on id: UInt64, isLast: Bool = false) {
        let outcome = state.withLock { state -> Outcome? in
            guard let socket = state.connections[id], var call = state.calls[socket], call.goesOn else { return nil }
            state.calls[socket] = nil  // So that the bytes below have one owner and grow in place.
            call.request.removeSubrange(..<call.sentBytes)
            call.sentBytes = 0
            call.request += bytes
            call.goesOn = !isLast
            state.calls[socket] = call
            guard call.request.count <= Self.unsentMax else {
                return fail(socket, .unreachable("it takes nothing more"), &state)
            }
            // Until there is room for what waits, there is none for this.
            return call.isWaitingToSend ? nil : send(on: socket, &state)
        }
        if let outcome { settle(outcome) }
    }

    /// Ends a call, if it has not ended.
    func close(call id: UInt64) { end(id, .cancelled) }

    // MARK: The caller's side

    private func nextID() -> UInt64 {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    private func start(_ call: Call) {
        var outcome: Outcome?
        let isStarted = state.withLock { state in
            guard let socket = state.idle[call.endpoint]?.popLast() else { return false }
            var call = call
            call.isReused = true
            outcome = begin(call, on: socket, &state)
            return true
        }
        if !isStarted { outcome = startOnNew(call) }
        if let outcome { settle(outcome) }
    }

    /// - Returns: What remains to be done, if the call has failed already.
    private func startOnNew(_ call: Call) -> Outcome? {
        let socket: Int32
        do throws(HTTPCallError) { socket = try call.endpoint.connect() } catch {
            call.deadline?.cancel()
            return .end(call.receiver, .failure(error))
        }
        return state.withLock { state -> Outcome? in
            // Hosts without an engine have no thread for it.
            if !state.isRunning {
                state.isRunning = true
                beginReading()
            }
            watch(socket, for: EPOLLIN.rawValue, EPOLL_CTL_ADD)
            return begin(call, on: socket, &state)
        }
    }

    private func begin(_ call: Call, on socket: Int32, _ state: inout State) -> Outcome? {
        state.calls[socket] = call
        state.connections[call.id] = socket
        return send(on: socket, &state)
    }

    /// Sends as much of the request as the socket takes.
    private func send(on socket: Int32, _ state: inout State) -> Outcome? {
        guard let call = state.calls[socket] else { return nil }
        var sent = call.sentBytes
        while sent < call.request.count {
            // A socket that is closed is an error here, not a signal.
            let count = call.request.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                return fail(socket, .unreachable(String(cString: strerror(errno))), &state)
            }
        }
        let isPartial = sent < call.request.count
        // A connection that is still being made takes nothing yet.
        if isPartial || call.isWaitingToSend {
            watch(socket, for: EPOLLIN.rawValue | (isPartial ? EPOLLOUT.rawValue : 0), EPOLL_CTL_MOD)
        }
        state.calls[socket]?.sentBytes = sent
        state.calls[socket]?.isWaitingToSend = isPartial
        return nil
    }

    /// Ends a call early, if it has not ended.
    private func end(_ id: UInt64, _ error: HTTPCallError) {
        let call = state.withLock { state -> Call? in
            guard let socket = state.connections[id] else { return nil }
            return give(up: socket, &state)
        }
        call?.deadline?.cancel()
        call?.receiver.take(.failure(error))
    }

    private func settle(_ outcome: Outcome) {
        switch outcome {
        case .end(let receiver, let result): receiver.take(result)
        case .repeated(let call):
            if let outcome = startOnNew(call) { settle(outcome) }
        case .piece(let sink, let head, let bytes, let isOver):
            if let head { sink.begin(head) }
            if !bytes.isEmpty { sink.take(bytes) }
            if isOver { sink.end(nil) }
        }
    }

    // MARK: Connections

    /// A broken connection. One that was kept may have been dead before.
    private func fail(_ socket: Int32, _ error: HTTPCallError, _ state: inout State) -> Outcome? {
        guard var call = give(up: socket, &state) else { return nil }
        guard call.isReused, !call.reader.hasBegun else {
            call.deadline?.cancel()
            return .end(call.receiver, .failure(error))
        }
        call.isReused = false
        call.sentBytes = 0
        call.isWaitingToSend = false
        return .repeated(call)
    }

    /// Takes the call off its connection, which the thread then closes: nobody else may, or its number could come to mean
    /// another connection under the thread's hands.
    private func give(up socket: Int32, _ state: inout State) -> Call? {
        guard let call = state.calls.removeValue(forKey: socket) else { return nil }
        state.connections[call.id] = nil
        shutdown(socket, Int32(SHUT_RDWR))
        return call
    }

    private func watch(_ socket: Int32, for events: UInt32, _ operation: Int32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = socket
        epoll_ctl(poller, operation, socket, &event)
    }

    // MARK: Reading

    private func beginReading() {
        if let thread {
            thread.serve(poller) { [weak self] in self?.serveReady(within: 0) }
        } else {
            DedicatedThread.start(named: "calls") { [self] in while true { serveReady(within: -1) } }
        }
    }

    private func serveReady(within milliseconds: Int32) {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 32) { events in
            let count = epoll_wait(poller, events.baseAddress, Int32(events.count), milliseconds)
            for event in events.prefix(Int(max(count, 0))) {
                let outcome = state.withLock { state in serve(event, &state) }
                if let outcome { settle(outcome) }
            }
        }
    }

    private func serve(_ event: epoll_event, _ state: inout State) -> Outcome? {
        let socket = event.data.fd
        guard let call = state.calls[socket] else {
            // Given up, or closed by the server while nobody used it.
            for endpoint in state.idle.keys { state.idle[endpoint]?.removeAll { $0 == socket } }
            dispose(of: socket)
            return nil
        }
        if event.events & EPOLLOUT.rawValue != 0, call.sentBytes < call.request.count {
            return send(on: socket, &state)
        }
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.bufferBytes) { buffer, initialized in
            count = read(socket, buffer.baseAddress, buffer.count)
            initialized = max(0, count)
        }
        if count < 0, errno == EINTR || errno == EAGAIN { return nil }
        guard count >= 0 else { return fail(socket, .unreachable(String(cString: strerror(errno))), &state) }
        do throws(HTTPCallError) {
            let progress =
                count == 0 ? try state.calls[socket]?.reader.end() : try state.calls[socket]?.reader.take(bytes[...])
            switch progress {
            case .incomplete, nil: return nil
            case .whole(let reply):
                let receiver = end(socket, mayBeKept: count > 0, &state)
                return receiver.map { .end($0, .success(reply)) }
            case .more(let begun, let bytes, let isOver):
                if begun != nil { state.calls[socket]?.deadline?.cancel() }
                guard case .sink(let sink) = call.receiver else { return nil }
                if isOver { _ = end(socket, mayBeKept: count > 0, &state) }
                return .piece(sink, begun: begun, bytes, isOver: isOver)
            }
        } catch { return fail(socket, error, &state) }
    }

    /// Takes a finished call off its connection.
    private func end(_ socket: Int32, mayBeKept: Bool, _ state: inout State) -> Receiver? {
        guard let call = state.calls.removeValue(forKey: socket) else { return nil }
        state.connections[call.id] = nil
        call.deadline?.cancel()
        if mayBeKept, !call.reader.isLast, !call.goesOn, call.sentBytes == call.request.count,
            state.idle[call.endpoint, default: []].count < Self.idleMax
        {
            state.idle[call.endpoint, default: []].append(socket)
        } else {
            dispose(of: socket)
        }
        return call.receiver
    }

    /// The kernel takes a socket out of the poller only with its last copy, and a process that is just being started has one
    /// until it runs its program. Left in, the socket would go on being reported, by a number that may be somebody else's.
    private func dispose(of socket: Int32) {
        epoll_ctl(poller, EPOLL_CTL_DEL, socket, nil)
        Glibc.close(socket)
    }
}
