// Short calls to an engine on connections that are kept: what the life of a container is made of.

import CLinux
import Glibc
import Mailbox

/// What an engine answers to a call.
package struct EngineReply: Hashable, Sendable {
    package var status: Int
    package var body: [UInt8]
}

/// Calls engines over unix sockets. The caller writes its request itself, one thread reads all answers, and the caller is
/// woken once for each: for a container an agent calls five times, and each time it has slept long enough for everything
/// that it touches to be cold.
///
/// A kept connection that turns out to be dead is replaced and the request sent again, as HTTP allows as long as no byte of
/// an answer has come.
package final class EngineCalls: Sendable {
    /// The one everybody uses: it is one thread, which lives as long as the process.
    package static let shared = EngineCalls()

    private typealias Waiter = CheckedContinuation<Result<EngineReply, DockerError>, Never>

    private struct Call {
        let id: UInt64
        let socketPath: String
        let request: [UInt8]
        let waiter: Waiter
        var reader: EngineReplyReader
        var sentBytes = 0
        /// The connection has carried calls before.
        var isReused = false
    }

    private struct State {
        var lastID: UInt64 = 0
        /// By their connections.
        var calls: [Int32: Call] = [:]
        var connections: [UInt64: Int32] = [:]
        var idle: [String: [Int32]] = [:]
        var isRunning = false
    }

    /// What remains to be done about a call without the lock.
    private enum Outcome {
        case end(Waiter, Result<EngineReply, DockerError>)
        case repeated(Call)
    }

    private static let bufferBytes = 32 << 10
    /// Of one engine. More are opened in a rush and closed again: on a unix socket that costs little.
    private static let idleMax = 6

    private let state = Locked(State())
    private let poller: Int32

    private init() {
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(poller >= 0, "no descriptors left for calls to an engine: error \(errno)")
    }

    /// - Parameters:
    ///   - request: Everything from the request line to the end of the body.
    ///   - timeout: Until the last byte of the answer.
    /// - Throws: `.unreachable`, `.malformed` or `.cancelled`; what the engine refuses is an answer.
    package func fetch(
        socketPath: String, request: [UInt8], timeout: Duration, bodyMax: Int
    ) async throws(DockerError) -> EngineReply {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let timer = Timers.shared.scheduleOnce(after: timeout) { [self] in end(id, .unreachable("timed out")) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                start(
                    Call(
                        id: id, socketPath: socketPath, request: request, waiter: waiter,
                        reader: EngineReplyReader(bodyMax: bodyMax)))
                if Task.isCancelled { end(id, .cancelled) }  // It was before there was anything to end.
            }
        } onCancel: {
            end(id, .cancelled)
        }
        timer.cancel()
        return try result.get()
    }

    // MARK: The caller's side

    private func start(_ call: Call) {
        var outcome: Outcome?
        let isStarted = state.withLock { state in
            guard let socket = state.idle[call.socketPath]?.popLast() else { return false }
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
        do throws(DockerError) { socket = try DockerOpening.connect(to: call.socketPath) } catch {
            return .end(call.waiter, .failure(error))
        }
        return state.withLock { state -> Outcome? in
            // Hosts without an engine have no thread for it.
            if !state.isRunning {
                state.isRunning = true
                DedicatedThread.start(named: "engine-calls") { [self] in run() }
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
        if isPartial || call.sentBytes > 0 {
            watch(socket, for: EPOLLIN.rawValue | (isPartial ? EPOLLOUT.rawValue : 0), EPOLL_CTL_MOD)
        }
        state.calls[socket]?.sentBytes = sent
        return nil
    }

    /// Ends a call early, if it has not ended.
    private func end(_ id: UInt64, _ error: DockerError) {
        let waiter = state.withLock { state -> Waiter? in
            guard let socket = state.connections[id] else { return nil }
            return give(up: socket, &state)?.waiter
        }
        waiter?.resume(returning: .failure(error))
    }

    private func settle(_ outcome: Outcome) {
        switch outcome {
        case .end(let waiter, let result): waiter.resume(returning: result)
        case .repeated(let call):
            if let outcome = startOnNew(call) { settle(outcome) }
        }
    }

    // MARK: Connections

    /// A broken connection. One that was kept may have been dead before.
    private func fail(_ socket: Int32, _ error: DockerError, _ state: inout State) -> Outcome? {
        guard var call = give(up: socket, &state) else { return nil }
        guard call.isReused, !call.reader.hasBegun else { return .end(call.waiter, .failure(error)) }
        call.isReused = false
        call.sentBytes = 0
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

    // MARK: The thread

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        var buffer = [UInt8](repeating: 0, count: Self.bufferBytes)
        while true {
            let count = epoll_wait(poller, &events, Int32(events.count), -1)
            for event in events.prefix(Int(max(count, 0))) {
                let outcome = state.withLock { state in serve(event, &buffer, &state) }
                if let outcome { settle(outcome) }
            }
        }
    }

    private func serve(_ event: epoll_event, _ buffer: inout [UInt8], _ state: inout State) -> Outcome? {
        let socket = event.data.fd
        guard let call = state.calls[socket] else {
            // Given up, or closed by the engine while nobody used it.
            for path in state.idle.keys { state.idle[path]?.removeAll { $0 == socket } }
            close(socket)
            return nil
        }
        if event.events & EPOLLOUT.rawValue != 0, call.sentBytes < call.request.count {
            return send(on: socket, &state)
        }
        let count = read(socket, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return nil }
        guard count >= 0 else { return fail(socket, .unreachable(String(cString: strerror(errno))), &state) }
        do throws(DockerError) {
            let reply: EngineReply?
            if count == 0 {
                reply = try state.calls[socket]?.reader.end()
            } else {
                reply = try state.calls[socket]?.reader.take(buffer[..<count])
            }
            guard let reply else { return nil }
            return end(socket, reply, mayBeKept: count > 0 && state.calls[socket]?.reader.isLast == false, &state)
        } catch { return fail(socket, error, &state) }
    }

    private func end(_ socket: Int32, _ reply: EngineReply, mayBeKept: Bool, _ state: inout State) -> Outcome? {
        guard let call = state.calls.removeValue(forKey: socket) else { return nil }
        state.connections[call.id] = nil
        if mayBeKept, call.sentBytes == call.request.count,
            state.idle[call.socketPath, default: []].count < Self.idleMax
        {
            state.idle[call.socketPath, default: []].append(socket)
        } else {
            close(socket)
        }
        return .end(call.waiter, .success(reply))
    }
}

/// One answer as its bytes come.
struct EngineReplyReader: Sendable {
    private static let headBytesMax = 64 << 10

    let bodyMax: Int
    private var head: [UInt8] = []
    private var status = 0
    private var framing: HTTPBodyFraming?
    private var body: [UInt8] = []

    init(bodyMax: Int) { self.bodyMax = bodyMax }

    var hasBegun: Bool { framing != nil || !head.isEmpty }

    /// Whether the connection ends with this answer.
    var isLast: Bool { framing?.isLast ?? true }

    /// - Returns: The answer, once it is whole.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(DockerError) -> EngineReply? {
        guard framing == nil else { return try takeBody(bytes) }
        head += bytes
        while let (status, headEnd) = DockerOpening.head(of: head) {
            guard (100...999).contains(status) else { throw .malformed("no HTTP status") }
            let rest = head[headEnd...]
            if (100..<200).contains(status), status != 101 {
                head = Array(rest)  // Only a sign of life.
                continue
            }
            self.status = status
            framing = HTTPBodyFraming(status: status, head: head[..<headEnd])
            head = []
            return try takeBody(rest)
        }
        guard head.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
        return nil
    }

    private mutating func takeBody(_ bytes: ArraySlice<UInt8>) throws(DockerError) -> EngineReply? {
        guard let payload = try framing?.take(bytes) else { return nil }
        guard body.count + payload.count <= bodyMax else { throw .malformed("the answer is too large") }
        if body.isEmpty { body = payload } else { body += payload }
        return framing?.isOver == true ? EngineReply(status: status, body: body) : nil
    }

    /// The engine has closed the connection.
    func end() throws(DockerError) -> EngineReply {
        guard framing?.endsWithConnection == true else { throw .unreachable("it closed the connection") }
        return EngineReply(status: status, body: body)
    }
}
