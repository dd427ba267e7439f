// A connection to the engine that has stopped to be HTTP: bytes in both directions, for a program's input and output.

import CLinux
import Glibc
import Mailbox

/// What the engine makes of a connection when somebody attaches to a container or starts a program in one.
///
/// What comes is as the engine sends it: framed (``DockerLogDecoder`` takes it apart) unless there is a terminal. A reader
/// that is slow holds the program up, and a program that does not read holds the writer up. Letting go of the stream ends it.
package final class DockerStream: Sendable {
    private let connection: HijackedConnection

    private init(_ connection: HijackedConnection) { self.connection = connection }

    deinit { connection.close() }

    /// Sends a request and waits until the engine hands the connection over.
    ///
    /// - Parameter timeout: For the engine's answer; after it the stream may last.
    static func open(
        socketPath: String, request: [UInt8], timeout: Duration
    ) async throws(DockerError) -> DockerStream {
        let connection = HijackedConnection()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.start(socketPath: socketPath, request: request, timeout: timeout, continuation)
            }
        } onCancel: {
            connection.close()
        }
        if case .failure(let error) = result {
            connection.close()
            throw Task.isCancelled ? .cancelled : error
        }
        return DockerStream(connection)
    }

    /// - Returns: The next bytes; `nil` when the other side has said everything.
    package func read() async throws(DockerError) -> [UInt8]? { try await connection.read() }

    /// Returns when the bytes are on their way or can wait their turn.
    package func write(_ bytes: [UInt8]) async throws(DockerError) { try await connection.write(bytes) }

    /// The program reads the end of its input. Its output still comes.
    package func closeInput() { connection.closeInput() }

    package func close() { connection.close() }
}

/// The socket and the thread that serves it.
private final class HijackedConnection: Sendable {
    typealias Opened = CheckedContinuation<Result<Void, DockerError>, Never>

    /// A reader or a writer waits once so much has come together.
    private static let bufferBytesMax = 256 << 10
    private static let headBytesMax = 64 << 10

    private struct State {
        var incoming: [UInt8] = []
        var outgoing: [UInt8] = []
        var isInputOver = false
        var mustClose = false
        /// How it ended; nil while it has not.
        var end: Result<Void, DockerError>?
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let state = Locked(State())
    private let wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    deinit { Glibc.close(wakeup) }

    func start(socketPath: String, request: [UInt8], timeout: Duration, _ opened: Opened) {
        DedicatedThread.start(named: "docker-stream") { [self] in
            let deadline = ContinuousClock.now + timeout
            let socket: Int32
            do throws(DockerError) {
                socket = try connect(to: socketPath)
                do throws(DockerError) { try open(socket, request, until: deadline) } catch {
                    Glibc.close(socket)
                    throw error
                }
            } catch {
                return opened.resume(returning: .failure(error))
            }
            opened.resume(returning: .success(()))
            finish(serve(socket))
            Glibc.close(socket)
        }
    }

    // MARK: What callers do

    func read() async throws(DockerError) -> [UInt8]? {
        while true {
            let (bytes, end) = state.withLock { state -> ([UInt8], Result<Void, DockerError>?) in
                defer { state.incoming = [] }
                return (state.incoming, state.end)
            }
            if !bytes.isEmpty {
                wake()
                return bytes
            }
            if let end {
                try end.get()
                return nil
            }
            await suspend(\.reader) { $0.incoming.isEmpty }
        }
    }

    func write(_ bytes: [UInt8]) async throws(DockerError) {
        while true {
            let isTaken = try state.withLock { state throws(DockerError) -> Bool in
                if state.mustClose || state.end != nil || state.isInputOver {
                    throw .unreachable("the stream is closed")
                }
                guard state.outgoing.isEmpty || state.outgoing.count + bytes.count <= Self.bufferBytesMax else {
                    return false
                }
                state.outgoing += bytes
                return true
            }
            if isTaken { return wake() }
            await suspend(\.writer) { !$0.outgoing.isEmpty }
        }
    }

    func closeInput() {
        state.withLock { $0.isInputOver = true }
        wake()
    }

    func close() {
        state.withLock { $0.mustClose = true }
        wake()
    }

    /// Waits until something has changed, unless `condition` no longer holds. Cancelling closes the stream.
    private func suspend(
        _ place: any WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
        while condition: @Sendable (borrowing State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (resumed, isOver) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
                    guard condition(state), state.end == nil, !state.mustClose else { return (nil, true) }
                    // One reader and one writer at a time; a second one takes the place of the first, which looks again.
                    defer { state[keyPath: place] = continuation }
                    return (state[keyPath: place], false)
                }
                resumed?.resume()
                if isOver { continuation.resume() }
            }
        } onCancel: {
            close()
        }
        if state.withLock({ $0.mustClose && $0.end == nil }) { finish(.failure(.cancelled)) }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = Glibc.write(wakeup, &one, 8)
    }

    private func finish(_ end: Result<Void, DockerError>) {
        let waiting = state.withLock { state in
            if state.end == nil { state.end = end }
            state.outgoing = []
            defer { (state.reader, state.writer) = (nil, nil) }
            return [state.reader, state.writer]
        }
        for waiter in waiting { waiter?.resume() }
    }

    // MARK: On the thread

    private func connect(to path: String) throws(DockerError) -> Int32 {
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard socket >= 0 else { throw .unreachable("no socket: \(String(cString: strerror(errno)))") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            Glibc.close(socket)
            throw .unreachable("the socket's path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, length) }
        }
        // EAGAIN: its backlog is full, so it accepts nobody.
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            Glibc.close(socket)
            throw .unreachable("could not connect: \(reason)")
        }
        return socket
    }

    private func open(
        _ socket: Int32, _ request: [UInt8], until deadline: ContinuousClock.Instant
    ) throws(DockerError) {
        var rest = request[...]
        while !rest.isEmpty {
            try waitFor(socket, POLLOUT, until: deadline)
            let count = rest.withUnsafeBytes { Glibc.write(socket, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else { try check(count) }
        }
        var received: [UInt8] = []
        while true {
            if let (status, headEnd) = Self.head(of: received) {
                let body = Array(received[headEnd...])
                guard status == 101 || status == 200 else {
                    throw .refused(status: status, message: try reason(socket, body, until: deadline))
                }
                return state.withLock { $0.incoming = body }
            }
            guard received.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
            guard let chunk = try receive(socket, until: deadline) else {
                throw .unreachable("it closed the connection")
            }
            received += chunk
        }
    }

    /// The status and where the body begins; nil as long as the head is not complete.
    static func head(of bytes: [UInt8]) -> (status: Int, headEnd: Int)? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4,
            let end = (0...(bytes.count - 4)).first(where: { bytes[$0..<($0 + 4)].elementsEqual(mark) })
        else { return nil }
        let line = bytes.prefix { $0 != 13 }
        let status = line.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap {
            Int(String(decoding: $0, as: UTF8.self))
        }
        return (status ?? 0, end + 4)
    }

    /// The engine's error text: an object, whatever surrounds it.
    private func reason(
        _ socket: Int32, _ start: [UInt8], until deadline: ContinuousClock.Instant
    ) throws(DockerError) -> String {
        var body = start
        while body.count < Self.headBytesMax, body.last(where: { $0 > 0x20 }) != UInt8(ascii: "}") {
            guard let chunk = try? receive(socket, until: min(deadline, .now + .seconds(1))) else { break }
            body += chunk
        }
        if let from = body.firstIndex(of: UInt8(ascii: "{")), let to = body.lastIndex(of: UInt8(ascii: "}")), from < to
        {
            body = Array(body[from...to])
        }
        return DockerAnswers.message(body)
    }

    private func receive(_ socket: Int32, until deadline: ContinuousClock.Instant) throws(DockerError) -> [UInt8]? {
        while true {
            try waitFor(socket, POLLIN, until: deadline)
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            let count = Glibc.read(socket, &buffer, buffer.count)
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 { return nil }
            try check(count)
        }
    }

    private func waitFor(
        _ socket: Int32, _ event: Int32, until deadline: ContinuousClock.Instant
    ) throws(DockerError) {
        while true {
            if state.withLock({ $0.mustClose }) { throw .cancelled }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .unreachable("timed out") }
            var polled = [
                pollfd(fd: socket, events: Int16(event), revents: 0),
                pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up))))
            if polled[0].revents != 0 { return }
        }
    }

    private func check(_ count: Int) throws(DockerError) {
        guard count < 0, errno == EINTR || errno == EAGAIN else {
            throw .unreachable(count == 0 ? "it closed the connection" : String(cString: strerror(errno)))
        }
    }

    /// Moves bytes both ways until the end.
    private func serve(_ socket: Int32) -> Result<Void, DockerError> {
        var isInputClosed = false
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            let (isRoom, isOutgoing, mustClose, endsInput) = state.withLock { state in
                (
                    state.incoming.count < Self.bufferBytesMax, !state.outgoing.isEmpty, state.mustClose,
                    state.isInputOver && state.outgoing.isEmpty
                )
            }
            if mustClose { return .failure(.cancelled) }
            if endsInput && !isInputClosed {
                isInputClosed = true
                shutdown(socket, Int32(SHUT_WR))
            }
            let events = (isRoom ? POLLIN : 0) | (isOutgoing ? POLLOUT : 0)
            var polled = [
                pollfd(fd: events == 0 ? -1 : socket, events: Int16(events), revents: 0),
                pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, -1)
            var count: UInt64 = 0
            if polled[1].revents != 0 { _ = Glibc.read(wakeup, &count, 8) }
            do throws(DockerError) {
                if polled[0].revents & Int16(POLLOUT) != 0 { try send(socket) }
                // Of a closed socket what is left is taken even without room: it is a buffer's worth.
                let isOver = polled[0].revents & Int16(POLLHUP | POLLERR) != 0
                if isOver || isRoom && polled[0].revents & Int16(POLLIN) != 0 {
                    let count = Glibc.read(socket, &buffer, buffer.count)
                    if count == 0 { return .success(()) }
                    if count < 0 { try check(count) } else { deliver(buffer.prefix(count)) }
                }
            } catch {
                return .failure(error)
            }
        }
    }

    private func send(_ socket: Int32) throws(DockerError) {
        let bytes = state.withLock { $0.outgoing }
        // This thread has SIGPIPE blocked: a closed peer is an error code.
        let count = bytes.withUnsafeBytes { Glibc.write(socket, $0.baseAddress, $0.count) }
        guard count > 0 else { return try check(count) }
        let writer = state.withLock { state in
            state.outgoing.removeFirst(count)
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
    }

    private func deliver(_ bytes: ArraySlice<UInt8>) {
        let reader = state.withLock { state in
            state.incoming += bytes
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }
}
