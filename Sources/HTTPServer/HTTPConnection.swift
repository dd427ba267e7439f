// One client connection: reads requests, has them answered one after another, and gives up on those who dawdle.
import NIOCore
import NIOHTTP1

/// The last handler of a connection's pipeline. Confined to the connection's event loop.
///
/// One request is answered at a time and the next one is not read before the answer is with the kernel, so a connection
/// holds at most one body, one answer and what one read brought of pipelined requests.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// Between requests or in the middle of one.
        case receiving
        /// The handler works on an answer.
        case handling(ReceivedRequest)
        /// The answer's body is being written over time.
        case streaming(HTTPStream, keepsAlive: Bool)
        /// The answer is complete; the kernel has not taken all of it.
        case flushing(keepsAlive: Bool)
        /// We have closed our side and wait for the client's, dropping what it sends. Closing at once would reset the
        /// connection and could destroy our last answer before it is read.
        case lingering
        case closed
    }

    /// What is answered, in the order it came.
    private enum Turn {
        case request(ReceivedRequest)
        case refusal(Refusal)
    }

    private static let lingerMax = TimeAmount.seconds(5)
    /// NIO's own choice.
    private static let readBuffers: UInt = 4
    /// The reader's speed below which a response is given up, on top of the idle timeout.
    private static let responseBytesPerSecondMin: Int64 = 16 * 1024

    private let limits: HTTPServerLimits
    private let handler: @Sendable (HTTPRequest) async -> HTTPResponse
    private let onClosed: () -> Void

    private var phase = Phase.receiving
    private var reader: RequestReader
    // Nearly always empty: the default room would take 3 KiB in each of ten thousand connections.
    private var turns = CircularBuffer<Turn>(initialCapacity: 1)
    /// The request body that its handler reads while it comes in.
    private var inbound: HTTPBodyStream?
    private var context: ChannelHandlerContext?
    private var handle: ConnectionHandle?
    /// After a refusal: nothing that follows is looked at.
    private(set) var discardsInput = false
    private var isInputClosed = false
    private var readBuffers = HTTPConnection.readBuffers
    private var isStopping = false
    /// The channel asked to read while we did not want more.
    private var holdsRead = false
    private var roomClaim: BodyRoomClaim
    /// When the first byte of the request that is coming in arrived.
    private var requestStart: NIODeadline?
    private var deadline: NIODeadline?
    private var alarm: (task: Scheduled<Void>, at: NIODeadline)?

    init(
        limits: HTTPServerLimits, room: BodyRoom, remoteAddress: String, admission: @escaping HTTPServer.Admission,
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse, onClosed: @escaping () -> Void
    ) {
        self.limits = limits
        roomClaim = BodyRoomClaim(room)
        self.handler = handler
        self.onClosed = onClosed
        reader = RequestReader(limits: limits, remoteAddress: remoteAddress, admission: admission)
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        handle = ConnectionHandle(self, eventLoop: context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        handle = nil  // Breaks the cycle of handler and handle.
        onClosed()  // Here, because a connection that dies at birth never becomes active or inactive.
    }

    func channelActive(context: ChannelHandlerContext) {
        rearm()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .streaming(let stream, _) = phase { stream.finish(.peerClosed) }
        endInbound(.truncated)
        phase = .closed
        turns.removeAll()
        reader.abandon()
        roomClaim.end()
        alarm?.task.cancel()
        alarm = nil
        context.fireChannelInactive()
    }

    /// Bytes have arrived that the parser has not seen yet.
    func bytesArrived() {
        guard case .receiving = phase, requestStart == nil, turns.isEmpty else { return }
        requestStart = .now()
        rearm()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if discardsInput { return }
        do throws(Refusal) {
            switch Self.unwrapInboundIn(data) {
            case .head(let head):
                try reader.begin(head)
                let streamed = reader.takeStreamed()
                if streamed == nil { makeRoom(for: head) }
                sendOwedContinue()
                guard let streamed else { return }
                requestStart = nil
                takeInbound(streamed)
            case .body(let part):
                if let inbound { return inbound.deliver(Array(buffer: part)) }
                try reader.append(part)
            case .end:
                requestStart = nil
                if inbound != nil {
                    endInbound(nil)
                    discardsInput = true
                    return
                }
                guard let received = reader.end() else { return }
                turns.append(.request(received))
                if !received.keepsAlive { discardsInput = true }
                takeTurn()
            }
        } catch {
            refuse(error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if inbound != nil, error is HTTPParserError {
            endInbound(.truncated)  // Its handler answers.
            discardsInput = true
            return
        }
        switch error {
        case HTTPParserError.headerOverflow:
            refuse(.headerTooLarge)
        case is HTTPParserError:
            refuse(.malformed)
        case ChannelError.inputClosed, ChannelError.outputClosed, is ByteToMessageDecoderError:
            break
        default:
            context.close(promise: nil)  // The socket failed.
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent {
            isInputClosed = true
            switch phase {
            case .handling, .flushing, .closed: break  // A client may close its side and still wait for the answer.
            case .receiving where !turns.isEmpty: break
            case .receiving, .lingering: context.close(promise: nil)
            case .streaming: context.close(promise: nil)  // A dead client looks just like this; nobody else does it.
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func read(context: ChannelHandlerContext) {
        switch phase {
        case .receiving where turns.isEmpty && !roomClaim.isWaiting, .lingering: context.read()
        case _ where inbound?.wantsMore == true: context.read()
        default: holdsRead = true  // The end of the client's side is still noticed: epoll tells it apart.
        }
    }

    // MARK: A body that is streamed in

    private func takeInbound(_ received: ReceivedRequest) {
        guard let stream = received.request.bodyStream, let handle else { return }
        inbound = stream
        stream.attach { handle.run { $0.resumeInbound() } }
        turns.append(.request(received))
        takeTurn()
    }

    private func resumeInbound() {
        if inbound?.wantsMore == true { releaseRead() }
    }

    private func endInbound(_ failure: HTTPBodyStream.Failure?) {
        inbound?.end(failure)
        inbound = nil
    }

    // MARK: One answer after another

    private func refuse(_ refusal: Refusal) {
        if discardsInput { return }
        discardsInput = true
        reader.abandon()
        roomClaim.end()
        requestStart = nil
        turns.append(.refusal(refusal))
        takeTurn()
    }

    private func takeTurn() {
        guard case .receiving = phase, let context, let handle else { return }
        guard let turn = turns.popFirst() else {
            if isInputClosed || isStopping || discardsInput {
                context.close(promise: nil)
                return
            }
            if reader.isInRequest { requestStart = .now() }  // Its time starts when we listen.
            sendOwedContinue()
            rearm()
            releaseRead()
            return
        }
        switch turn {
        case .refusal(let refusal):
            let received = ReceivedRequest(
                request: HTTPRequest(method: "", target: "", path: ""), version: .http1_1, keepsAlive: false)
            phase = .handling(received)
            respond(refusal.response, through: handle)
        case .request(let received):
            phase = .handling(received)
            rearm()
            if let verdict = received.verdict { return respond(verdict, through: handle) }
            // Not cancelled if the client goes: a request that has arrived is carried out, whoever waits for the answer.
            Task { [handler] in
                let answer = await RequestID.$current.withValue(received.request.id) { await handler(received.request) }
                let response = ContentCoding.coded(answer, for: received.request)
                handle.run { $0.respond(response, through: handle) }
            }
        }
    }

    /// - Parameter handle: Ours, which is gone from `self.handle` when the client is.
    private func respond(_ response: HTTPResponse, through handle: ConnectionHandle) {
        guard case .handling(let received) = phase, let context else {
            if case .stream(let stream) = response.body { stream.end(unsentThrough: handle) }
            return
        }
        guard ResponseHead.isSendable(response) else {
            if case .stream(let stream) = response.body { stream.end(unsentThrough: handle) }
            return respond(.text(500, "The answer has an impossible status or header field"), through: handle)
        }
        if turns.isEmpty, !reader.isInRequest { roomClaim.end() }
        let mayHaveBody = HTTPResponseStatus(statusCode: response.status).mayHaveResponseBody && received.wantsBody
        let keepsAlive = received.keepsAlive && !isStopping && !isInputClosed
        let head = ResponseHead.make(response, for: received, keepsAlive: keepsAlive)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        switch response.body {
        case .stream(let stream) where mayHaveBody && !isInputClosed:
            phase = .streaming(stream, keepsAlive: keepsAlive && received.speaksHTTP11)
            rearm()
            keepReadBuffers(1)
            context.flush()
            stream.attach(to: handle)
            if isStopping { stream.close() }
        case .stream(let stream):
            finishResponse(bodyBytes: 0, keepsAlive: keepsAlive)
            stream.end(unsentThrough: handle)
        case .bytes(let bytes):
            if mayHaveBody && !bytes.isEmpty {
                let body = context.channel.allocator.buffer(bytes: bytes)
                context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            }
            finishResponse(bodyBytes: bytes.count, keepsAlive: keepsAlive)
        case .none:
            finishResponse(bodyBytes: 0, keepsAlive: keepsAlive)
        }
    }

    /// Writes what the stream has; called on its behalf and for its late observers.
    fileprivate func drain(_ stream: HTTPStream) {
        guard case .streaming(let current, let keepsAlive) = phase, current === stream, let context else {
            stream.finish(.peerClosed)
            return
        }
        guard let batch = stream.takeBatch() else {
            context.close(promise: nil)  // Too slow. What waits for it is dropped.
            return
        }
        for chunk in batch.chunks {
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { _ in stream.confirm(bytes: chunk.count) }
            let part = context.channel.allocator.buffer(bytes: chunk)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(part))), promise: written)
        }
        if batch.isLast {
            finishResponse(bodyBytes: stream.bufferedBytes, keepsAlive: keepsAlive) { isSent in
                stream.finish(isSent ? .closedByUs : .peerClosed)
            }
        } else {
            context.flush()
        }
    }

    private func finishResponse(
        bodyBytes: Int, keepsAlive: Bool, _ onFlushed: @escaping @Sendable (_ isSent: Bool) -> Void = { _ in }
    ) {
        guard let context, let handle else { return }
        phase = .flushing(keepsAlive: keepsAlive)
        rearm(bodyBytes: bodyBytes)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { result in
            switch result {
            case .success:
                onFlushed(true)
                handle.onLoop { $0.responseFlushed() }
            case .failure:
                onFlushed(false)
            }
        }
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: promise)
    }

    private func responseFlushed() {
        guard case .flushing(let keepsAlive) = phase else { return }
        if keepsAlive && !isStopping {
            phase = .receiving
            keepReadBuffers(Self.readBuffers)
            takeTurn()
        } else {
            linger()
        }
    }

    /// The channel keeps as many buffers as it may read at one go, each as large as what it has read: after the large
    /// request that opens a stream, up to 60 KiB, for hours, in each of ten thousand connections.
    private func keepReadBuffers(_ count: UInt) {
        guard count != readBuffers, let context else { return }
        readBuffers = count
        // Cannot fail on the event loop, and is about memory only.
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: count)
    }

    private func linger() {
        guard let context else { return }
        discardsInput = true
        endInbound(.truncated)
        turns.removeAll()
        if isInputClosed || isStopping {
            context.close(promise: nil)
            return
        }
        phase = .lingering
        deadline = .now() + Self.lingerMax
        setAlarm()
        context.close(mode: .output, promise: nil)
        releaseRead()
    }

    private func releaseRead() {
        guard holdsRead, let context else { return }
        holdsRead = false
        context.read()
    }

    private func sendOwedContinue() {
        guard !roomClaim.isWaiting, reader.owesContinue, case .receiving = phase, turns.isEmpty, let context else {
            return
        }
        reader.continueWasSent()
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
    }

    // MARK: Room for bodies

    /// A large body is read when the others leave room for it, or after a moment.
    private func makeRoom(for head: HTTPRequestHead) {
        guard let context, let handle else { return }
        let bytes = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let ticket = roomClaim.claim(bytes) { ticket in handle.run { $0.readOn(ticket) } }
        guard let ticket else { return }
        context.eventLoop.scheduleTask(in: BodyRoom.waitMax) { handle.onLoop { $0.readOn(ticket) } }
    }

    private func readOn(_ ticket: UInt64) {
        guard roomClaim.proceed(ticket), case .receiving = phase, turns.isEmpty else { return }
        requestStart = .now()  // Its time starts when we listen.
        rearm()
        sendOwedContinue()
        releaseRead()
    }

    // MARK: Stopping

    /// Finishes what is being answered and closes.
    func stop() {
        isStopping = true
        switch phase {
        case .receiving, .lingering: context?.close(promise: nil)
        case .streaming(let stream, _): stream.close()
        case .handling, .flushing, .closed: break
        }
    }

    func closeNow() { context?.close(promise: nil) }

    // MARK: Deadlines

    /// Sets the deadline that the present phase has.
    private func rearm(bodyBytes: Int = 0) {
        switch phase {
        case .receiving:
            if let requestStart {
                deadline = requestStart + TimeAmount(limits.requestTimeout)
            } else {
                deadline = .now() + TimeAmount(limits.idleTimeout)
            }
        case .handling, .streaming, .closed:
            deadline = nil  // The handler's own affair; a stream is bounded by what may wait for its reader.
        case .flushing:
            let transfer = TimeAmount.seconds(Int64(bodyBytes) / Self.responseBytesPerSecondMin)
            deadline = .now() + TimeAmount(limits.idleTimeout) + transfer
        case .lingering:
            break  // Set once.
        }
        setAlarm()
    }

    /// Deadlines move with every request, mostly into the future; the alarm is set anew only when it would come too late,
    /// and otherwise looks again when it goes off.
    private func setAlarm() {
        guard let deadline, let context, let handle else { return }
        if let alarm {
            if alarm.at <= deadline { return }
            alarm.task.cancel()
        }
        let task = context.eventLoop.scheduleTask(deadline: deadline) { handle.onLoop { $0.alarmWentOff() } }
        alarm = (task, deadline)
    }

    private func alarmWentOff() {
        alarm = nil
        guard let deadline else { return }
        if deadline > .now() { return setAlarm() }
        self.deadline = nil
        switch phase {
        case .receiving where requestStart != nil: refuse(.timedOut)
        case .receiving, .flushing, .lingering: context?.close(promise: nil)
        case .handling, .streaming, .closed: break
        }
    }
}

/// A connection as other threads may hold it.
struct ConnectionHandle: HTTPStreamConnection {
    private let connection: NIOLoopBound<HTTPConnection>
    private let eventLoop: any EventLoop

    init(_ connection: HTTPConnection, eventLoop: any EventLoop) {
        self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
        self.eventLoop = eventLoop
    }

    /// Runs `body` on the connection's event loop, soon.
    func run(_ body: @escaping @Sendable (HTTPConnection) -> Void) {
        eventLoop.execute { body(connection.value) }
    }

    /// Runs `body` now; the caller is on the event loop.
    func onLoop(_ body: (HTTPConnection) -> Void) { body(connection.value) }

    func requestDrain(of stream: HTTPStream) { run { $0.drain(stream) } }
}
