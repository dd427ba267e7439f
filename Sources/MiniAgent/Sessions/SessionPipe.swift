// The standard streams of a command in a container, between the descriptors and the tasks that read and write them.

import CLinux
import Glibc
import Mailbox

/// Reads what a command prints and writes what it is told. One thread waits on its descriptors, because they may be pipes,
/// a terminal or a socket.
final class SessionPipe: Sendable {
    enum Stream: Hashable, Sendable {
        case output
        case error
    }

    /// A descriptor that is read, and what comes out of it.
    struct Source: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case plain(Stream)
            /// The engine's frames of both streams.
            case framed
        }
        var descriptor: Int32
        var kind: Kind
    }

    /// How a command is told that no more input comes.
    enum InputEnd: Hashable, Sendable {
        /// A pipe of its own.
        case close
        /// One direction of a socket.
        case shutdown
        /// A terminal knows no such thing: whoever attaches next types on.
        case silence
    }

    struct Piece: Hashable, Sendable {
        var stream: Stream
        var bytes: [UInt8]
    }

    private typealias Reader = CheckedContinuation<Piece?, Never>
    private typealias Writer = CheckedContinuation<Bool, Never>

    private struct State {
        var output: [Piece] = []
        var outputBytes = 0
        var hasOutputEnded = false
        var reader: Reader?
        var input: [[UInt8]] = []
        var inputBytes = 0
        var isInputClosed = false
        /// Nobody reads what is written.
        var isInputBroken = false
        var writer: Writer?
        var isClosed = false
    }

    /// At this many bytes nothing more is read from the command, or taken from whoever writes to it.
    private static let waitingBytesMax = 256 << 10

    private let state = Locked(State())
    private let wakeup: Int32
    fileprivate let inputEnd: InputEnd

    /// Takes the descriptors over and closes them at the end.
    ///
    /// - Parameters:
    ///   - sources: What is read.
    ///   - sink: What is written to; may be one of the sources. Nil: the command has no input.
    ///   - received: What was read from the first source already.
    init(
        sources: [Source], sink: Int32?, inputEnd: InputEnd, received: [UInt8] = []
    ) {
        self.inputEnd = inputEnd
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        if sink == nil {
            state.withLock { $0.isInputBroken = true }
        }
        DedicatedThread.start(named: "session") { [self] in
            var pump = SessionPump(pipe: self, sources: sources, sink: sink)
            pump.run(received: received)
        }
    }

    deinit { Glibc.close(wakeup) }

    // MARK: The tasks' side

    /// What the command printed next. One caller at a time.
    ///
    /// - Returns: Nil when it will print no more.
    func next() async -> Piece? {
        let piece = await withCheckedContinuation { (reader: Reader) in
            let (isReady, piece) = state.withLock { state -> (Bool, Piece?) in
                if let piece = state.output.first {
                    state.output.removeFirst()
                    state.outputBytes -= piece.bytes.count
                    return (true, piece)
                }
                if state.hasOutputEnded { return (true, nil) }
                precondition(state.reader == nil, "a session's output has one reader, and it is already waiting")
                state.reader = reader
                return (false, nil)
            }
            if isReady { reader.resume(returning: piece) }
        }
        wake()
        return piece
    }

    /// Types something. Waits while too much of what came before has not been taken.
    ///
    /// - Returns: Whether the command can still be told something.
    func write(_ bytes: [UInt8]) async -> Bool {
        if bytes.isEmpty { return true }
        let isOpen = await withCheckedContinuation { (writer: Writer) in
            let answer = state.withLock { state -> Bool? in
                if state.isInputBroken || state.isInputClosed || state.isClosed || state.writer != nil { return false }
                if state.inputBytes < Self.waitingBytesMax { return true }
                state.writer = writer
                return nil
            }
            if let answer { writer.resume(returning: answer) }
        }
        guard isOpen else { return false }
        state.withLock { state in
            state.input.append(bytes)
            state.inputBytes += bytes.count
        }
        wake()
        return true
    }

    /// No more input will come.
    func endInput() {
        if inputEnd == .silence { return }
        state.withLock { $0.isInputClosed = true }
        wake()
    }

    /// Gives everything up.
    func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    private func wake() { eventfd_write(wakeup, 1) }

    // MARK: The thread's side

    fileprivate struct Wishes {
        var readsOutput: Bool
        var input: [UInt8]?
        var endsInput: Bool
        var isClosed: Bool
    }

    fileprivate var wakeupDescriptor: Int32 { wakeup }

    fileprivate func wishes() -> Wishes {
        state.withLock { state in
            Wishes(
                readsOutput: state.outputBytes < Self.waitingBytesMax, input: state.input.first,
                endsInput: state.isInputClosed && state.input.isEmpty, isClosed: state.isClosed)
        }
    }

    fileprivate func deliver(_ piece: Piece) {
        let reader = state.withLock { state -> Reader? in
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.output.append(piece)
            state.outputBytes += piece.bytes.count
            return nil
        }
        reader?.resume(returning: piece)
    }

    fileprivate func endOutput() {
        let reader = state.withLock { state -> Reader? in
            state.hasOutputEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// The first waiting piece of input was written up to here.
    fileprivate func wrote(_ count: Int) {
        let writer = state.withLock { state -> Writer? in
            guard let first = state.input.first else { return nil }
            if count >= first.count { state.input.removeFirst() } else { state.input[0] = Array(first[count...]) }
            state.inputBytes -= min(count, first.count)
            guard state.inputBytes < Self.waitingBytesMax else { return nil }
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume(returning: true)
    }

    fileprivate func breakInput() {
        let writer = state.withLock { state -> Writer? in
            state.isInputBroken = true
            state.input = []
            state.inputBytes = 0
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume(returning: false)
    }
}

/// The loop on the session's thread.
private struct SessionPump {
    private let pipe: SessionPipe
    private var sources: [SessionPipe.Source]
    private var sink: Int32?
    private var frames = DockerFrames()
    private let descriptors: Set<Int32>

    init(pipe: SessionPipe, sources: [SessionPipe.Source], sink: Int32?) {
        self.pipe = pipe
        self.sources = sources
        self.sink = sink
        descriptors = Set(sources.map(\.descriptor) + (sink.map { [$0] } ?? []))
        for descriptor in descriptors {
            let flags = fcntl(descriptor, F_GETFL)
            _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        }
    }

    mutating func run(received: [UInt8]) {
        if let first = sources.first, !received.isEmpty { take(received, from: first) }
        var open = descriptors
        while !sources.isEmpty || sink != nil {
            let wishes = pipe.wishes()
            if wishes.isClosed { break }
            if wishes.endsInput, let sink {
                switch pipe.inputEnd {
                case .close:
                    close(sink)
                    open.remove(sink)
                case .shutdown: _ = shutdown(sink, Int32(SHUT_WR))
                case .silence: break
                }
                self.sink = nil
                continue
            }
            step(wishes)
        }
        pipe.breakInput()
        pipe.endOutput()
        for descriptor in open { close(descriptor) }
    }

    private mutating func step(_ wishes: SessionPipe.Wishes) {
        var polled = [pollfd(fd: pipe.wakeupDescriptor, events: Int16(POLLIN), revents: 0)]
        if wishes.readsOutput { polled += sources.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) } }
        // Without a wish to write, it is still noticed when nobody reads any more.
        if let sink { polled.append(pollfd(fd: sink, events: wishes.input == nil ? 0 : Int16(POLLOUT), revents: 0)) }
        guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
        if polled[0].revents != 0 {
            var ignored: eventfd_t = 0
            eventfd_read(pipe.wakeupDescriptor, &ignored)
        }
        for entry in polled.dropFirst() where entry.revents != 0 {
            if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0,
                let source = sources.first(where: { $0.descriptor == entry.fd }), wishes.readsOutput
            {
                read(source)
            }
            guard entry.fd == sink, entry.events & Int16(POLLIN) == 0 else { continue }
            if entry.revents & Int16(POLLOUT) != 0, let input = wishes.input {
                write(input, to: entry.fd)
            } else if entry.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 {
                abandonInput()
            }
        }
    }

    private mutating func read(_ source: SessionPipe.Source) {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 32 << 10) { buffer, initialized in
            count = Glibc.read(source.descriptor, buffer.baseAddress, buffer.count)
            initialized = max(0, count)
        }
        if count > 0 { return take(bytes, from: source) }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        // A terminal whose last program has gone says EIO.
        sources.removeAll { $0 == source }
        if sources.isEmpty {
            pipe.endOutput()
            if sink == source.descriptor { abandonInput() }
        }
    }

    private mutating func take(_ bytes: [UInt8], from source: SessionPipe.Source) {
        switch source.kind {
        case .plain(let stream): pipe.deliver(SessionPipe.Piece(stream: stream, bytes: bytes))
        case .framed:
            for (stream, bytes) in frames.append(bytes) {
                pipe.deliver(SessionPipe.Piece(stream: stream, bytes: Array(bytes)))
            }
            if frames.isMalformed { sources.removeAll { $0 == source } }
        }
    }

    private mutating func write(_ bytes: [UInt8], to descriptor: Int32) {
        let count = Glibc.write(descriptor, bytes, bytes.count)
        if count >= 0 { return pipe.wrote(count) }
        if errno != EAGAIN && errno != EINTR { abandonInput() }
    }

    private mutating func abandonInput() {
        sink = nil
        pipe.breakInput()
    }
}
