// Long-lived answers of the engine, the output of containers above all: one thread reads them all.

import CLinux
import Glibc
import Mailbox

/// Where the bytes of a stream go. Called on the streams' thread, never twice at a time.
protocol EngineStreamSink: Sendable {
    func take(_ bytes: [UInt8])
    /// The stream has ended as its sender wanted; nothing more comes.
    func finish()
}

/// An answer whose head has come, and whose body goes to a sink until it ends. Dropping this closes the connection.
final class EngineStream: Sendable {
    fileprivate let life: EngineStreamLife
    private let streams: EngineStreams

    fileprivate init(_ life: EngineStreamLife, _ streams: EngineStreams) {
        self.life = life
        self.streams = streams
    }

    deinit { close() }

    /// Ends it now; whoever waits for its end gets `.cancelled`.
    func close() { if !life.hasEnded { streams.post(.close(life.id)) } }

    /// Calls once it has ended, from any thread. The task that then waits for the end need not wait.
    func whenEnded(_ call: @escaping @Sendable () -> Void) { life.ended.whenOpen { _ in call() } }

    /// Waits for the end. Everything that came before is with the sink by then.
    func end() async throws(DockerError) {
        guard let result = await life.ended.wait() else { throw .cancelled }
        try result.get()
    }
}

/// What becomes of one stream, from its request to its end.
final class EngineStreamLife: Sendable {
    let id: UInt64
    let sink: any EngineStreamSink
    let opened = Latch<Result<Void, DockerError>>()
    let ended = Latch<Result<Void, DockerError>>()
    private let isOver = Locked(false)

    init(id: UInt64, sink: any EngineStreamSink) {
        self.id = id
        self.sink = sink
    }

    var hasEnded: Bool { isOver.withLock { $0 } }

    func end(_ result: Result<Void, DockerError>) {
        isOver.withLock { $0 = true }
        opened.open(result)  // Changes nothing once it is open.
        ended.open(result)
    }
}

/// Reads any number of streams with one thread and one buffer. An HTTP client would keep tens of kilobytes for each, and
/// containers live long.
package final class EngineStreams: Sendable {
    enum Command: Sendable {
        case open(EngineStreamLife, socketPath: String, request: [UInt8], until: ContinuousClock.Instant)
        case close(UInt64)
        case stop
    }

    private struct State {
        var lastID: UInt64 = 0
        var isRunning = false
    }

    private let state = Locked(State())
    private let mailbox: EngineStreamMailbox

    package init() { mailbox = EngineStreamMailbox() }

    deinit { if state.withLock({ $0.isRunning }) { mailbox.post(.stop) } }

    /// Sends a request and waits for the head of its answer.
    ///
    /// - Parameter timeout: For the head; the body may last.
    func open(
        socketPath: String, request: [UInt8], timeout: Duration, into sink: any EngineStreamSink
    ) async throws(DockerError) -> EngineStream {
        let (id, isFirst) = state.withLock { state in
            state.lastID += 1
            defer { state.isRunning = true }
            return (state.lastID, !state.isRunning)
        }
        // Hosts without an engine have no thread for it.
        if isFirst {
            DedicatedThread.start(named: "engine-streams") { [mailbox] in EngineStreamPoller(mailbox).run() }
        }
        let life = EngineStreamLife(id: id, sink: sink)
        let stream = EngineStream(life, self)
        post(.open(life, socketPath: socketPath, request: request, until: .now + timeout))
        guard let result = await life.opened.wait() else { throw .cancelled }
        try result.get()
        return stream
    }

    func post(_ command: Command) { mailbox.post(command) }
}

/// What others want of the thread.
final class EngineStreamMailbox: Sendable {
    private let commands = Locked<[EngineStreams.Command]>([])
    /// Turns readable when there are commands.
    let wakeup: Int32

    init() {
        wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(wakeup >= 0, "no descriptors left for the streams of an engine: error \(errno)")
    }

    deinit { Glibc.close(wakeup) }

    func post(_ command: EngineStreams.Command) {
        commands.withLock { $0.append(command) }
        eventfd_write(wakeup, 1)
    }

    func take() -> [EngineStreams.Command] {
        var ignored: eventfd_t = 0
        eventfd_read(wakeup, &ignored)
        return commands.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }
}

/// Lives on the thread only.
private final class EngineStreamPoller {
    private static let bufferBytes = 64 << 10

    private let mailbox: EngineStreamMailbox
    private let poller: Int32
    private var connections: [Int32: EngineConnection] = [:]
    private var descriptors: [UInt64: Int32] = [:]
    private var buffer = [UInt8](repeating: 0, count: bufferBytes)
    /// No answer's head is late before this.
    private var nextDeadline: ContinuousClock.Instant?
    private var isStopped = false

    init(_ mailbox: EngineStreamMailbox) {
        self.mailbox = mailbox
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(poller >= 0, "no descriptors left for the streams of an engine: error \(errno)")
    }

    deinit { Glibc.close(poller) }

    func run() {
        watch(mailbox.wakeup, for: EPOLLIN.rawValue, EPOLL_CTL_ADD)
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !isStopped {
            let count = epoll_wait(poller, &events, Int32(events.count), waitMilliseconds())
            for event in events.prefix(Int(max(count, 0))) where event.data.fd != mailbox.wakeup {
                serve(event.data.fd)
            }
            for command in mailbox.take() { perform(command) }
            endLate()
        }
        for connection in connections.values { end(connection, .failure(.cancelled)) }
    }

    private func perform(_ command: EngineStreams.Command) {
        switch command {
        case .open(let life, let socketPath, let request, let deadline):
            do throws(DockerError) {
                let socket = try DockerOpening.connect(to: socketPath)
                let connection = EngineConnection(life, socket: socket, request: request, until: deadline)
                connections[socket] = connection
                descriptors[life.id] = socket
                noteDeadline(of: connection)
                watch(socket, for: EPOLLIN.rawValue, EPOLL_CTL_ADD)
                send(connection)
            } catch { life.end(.failure(error)) }
        case .close(let id):
            if let connection = descriptors[id].flatMap({ connections[$0] }) { end(connection, .failure(.cancelled)) }
        case .stop:
            isStopped = true
        }
    }

    private func serve(_ socket: Int32) {
        guard let connection = connections[socket] else { return }
        if !connection.unsent.isEmpty { return send(connection) }
        let count = read(socket, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        do throws(DockerError) {
            guard count >= 0 else { throw .unreachable(String(cString: strerror(errno))) }
            let isOver = count == 0 ? try connection.receiveEnd() : try connection.receive(buffer[..<count])
            if isOver {
                connection.life.sink.finish()
                end(connection, .success(()))
            } else {
                noteDeadline(of: connection)
            }
        } catch { end(connection, .failure(error)) }
    }

    private func send(_ connection: EngineConnection) {
        while !connection.unsent.isEmpty {
            let count = connection.unsent.withUnsafeBytes { write(connection.socket, $0.baseAddress, $0.count) }
            if count > 0 {
                connection.unsent = connection.unsent.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                return watch(connection.socket, for: EPOLLOUT.rawValue, EPOLL_CTL_MOD)
            } else if count == 0 || errno != EINTR {
                return end(connection, .failure(.unreachable(String(cString: strerror(errno)))))
            }
        }
        connection.unsent = []
        watch(connection.socket, for: EPOLLIN.rawValue, EPOLL_CTL_MOD)
    }

    private func end(_ connection: EngineConnection, _ result: Result<Void, DockerError>) {
        connections[connection.socket] = nil
        descriptors[connection.life.id] = nil
        // Closing takes it out only if no process that is just being started has a copy.
        epoll_ctl(poller, EPOLL_CTL_DEL, connection.socket, nil)
        Glibc.close(connection.socket)
        connection.life.end(result)
    }

    private func watch(_ socket: Int32, for events: UInt32, _ operation: Int32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = socket
        epoll_ctl(poller, operation, socket, &event)
    }

    // MARK: Time

    private func waitMilliseconds() -> Int32 {
        guard let nextDeadline else { return -1 }
        let left = ContinuousClock.now.duration(to: nextDeadline)
        return left <= .zero ? 0 : Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
    }

    private func noteDeadline(of connection: EngineConnection) {
        guard let deadline = connection.deadline else { return }
        nextDeadline = min(deadline, nextDeadline ?? deadline)
    }

    private func endLate() {
        guard let due = nextDeadline, due <= .now else { return }
        nextDeadline = nil
        for connection in Array(connections.values) {
            if let deadline = connection.deadline, deadline <= .now {
                end(connection, .failure(connection.lateness))
            } else {
                noteDeadline(of: connection)
            }
        }
    }
}
