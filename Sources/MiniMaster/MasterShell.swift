// Owns the core: one loop that takes events from a mailbox, steps, and starts the effects.
import HTTPAccess
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Resources

/// The running master. Nothing here decides; everything that waits does so elsewhere and comes back as an event.
final class MasterShell: Sendable {
    enum Inbound: Sendable {
        /// With the request that it came with.
        case event(MasterEvent, RequestID? = nil)
        /// Somebody wants to see the state after everything that was sent before.
        case look(UInt64)
    }

    /// A request that waits for the core's answer.
    private struct Waiting: Sendable {
        /// How an event stream opened in answer to it is encoded.
        var media: MediaType
        /// What to ask of the leader if this is not it.
        var path: String
        var answer: @Sendable (HTTPResponse) -> Void
    }

    private struct Open {
        var stream: HTTPStream
        var media: MediaType
    }

    private struct Table {
        var lastRequest: UInt64 = 0
        var waiting: [RequestNumber: Waiting] = [:]
        var streams: [StreamID: Open] = [:]
        var links: [LinkID: HTTPStream] = [:]
        /// The requests whose bodies are the calls of a link.
        var linkCalls: [LinkID: HTTPBodyStream] = [:]
        var registryWork: Task<Void, Never>?
        var looks: [UInt64: @Sendable (MasterCore?, Moment) -> Void] = [:]
        var exitReason: String?
        var isStopped = false
        var allocationWantedAt: ContinuousClock.Instant?
        /// Those who asked to RECONCILE and read too slowly to be waited for.
        var givenUp: Set<StreamID> = []
        var availability = Leadership.Availability.unavailable("The master is starting")
    }

    /// A reader that is further behind than this is cut off: 100 offers' events of the largest size would not fit.
    static let streamBytesMax = 64 << 20
    /// What all readers together may be behind; beyond, the one that is the furthest is cut off.
    static let allStreamsBytesMax = 256 << 20

    private let inbox = Mailbox<Inbound>()
    private let table = Locked(Table())
    let streamBudget = HTTPStreamBudget(bytesMax: MasterShell.allStreamsBytesMax)
    private let registry: any RegistryStore
    private let election: ElectionShell?
    let clock: MasterClock
    private let logger: Logger
    private let facts: MasterFacts
    private let operators: OperatorBroadcast
    let timers = MasterTimers()
    private let recorder: AllocatorRecorder?
    private let trail: TaskTrail

    /// - Parameter makeElection: Given the way to post events; nil for a standalone master.
    init(
        clock: MasterClock, logger: Logger, facts: MasterFacts,
        election: ((@escaping @Sendable (MasterEvent) -> Void) -> ElectionShell)?,
        registry: (ElectionShell?) -> any RegistryStore, recorder: AllocatorRecorder? = nil
    ) {
        self.recorder = recorder
        self.clock = clock
        self.logger = logger
        trail = TaskTrail(logger: logger)
        self.facts = facts
        operators = OperatorBroadcast(logger: logger, budget: streamBudget)
        let post: @Sendable (MasterEvent) -> Void = { [inbox] in inbox.send(.event($0)) }
        let shell = election.map { $0(post) }
        self.election = shell
        self.registry = registry(shell)
    }

    /// Why the core gave up, if it did.
    var exitReason: String? { table.withLock { $0.exitReason } }

    /// Events that wait for the loop: a gauge for metrics.
    var inboxDepth: Int { inbox.depth }

    /// Who leads, as of the last step.
    var availability: Leadership.Availability { table.withLock { $0.availability } }

    /// Operators' event streams that are open.
    var operatorStreamCount: Int { operators.count }

    func post(_ event: MasterEvent) { inbox.send(.event(event)) }

    // MARK: The loop

    /// Runs until `stop`.
    func run(_ initial: MasterCore) async {
        var core = initial
        let encoding = Task { [operators] in await operators.run() }
        let recording = Task { [recorder] in await recorder?.run() }
        defer { encoding.cancel() }
        post(.started)
        while true {
            let batch = await inbox.next()
            if batch.isEmpty { break }
            if let heard = election?.lastHeard { step(&core, heard) }
            for inbound in batch {
                switch inbound {
                case .event(let event, nil): step(&core, event)
                case .event(let event, let request): RequestID.$current.withValue(request) { step(&core, event) }
                case .look(let number):
                    let look = table.withLock { $0.looks.removeValue(forKey: number) }
                    look?(core, clock.now)
                }
            }
        }
        let looks = table.withLock { table in
            table.isStopped = true
            defer { table.looks = [:] }
            return table.looks
        }
        for look in looks.values { look(nil, clock.now) }
        closeEverything()
        operators.finish()
        recorder?.stop()
        await recording.value
    }

    private func step(_ core: inout MasterCore, _ event: MasterEvent) {
        let now = clock.now
        let began = ContinuousClock.now
        let effects = core.step(event, at: now)
        if event.allocates { timers.allocationRun.record(began.duration(to: .now)) }
        if case .timerFired(.allocate) = event,
            let wanted = table.withLock({ $0.allocationWantedAt.take() })
        {
            timers.allocationLatency.record(wanted.duration(to: began))
        }
        let availability = core.availability
        table.withLock { $0.availability = availability }
        for effect in effects { perform(effect, core, now) }
    }

    func stop() async {
        inbox.finish()
        await election?.stop()
    }

    /// The state after everything that was sent before; nil once the master has stopped.
    ///
    /// Let go of it soon: while it is held, the core's next change of a large book copies the book first.
    func snapshot() async -> MasterSnapshot? { await look { MasterSnapshot(core: $0, now: $1) } }

    /// Counts the changes of the state, including everything that was sent before.
    func stateVersion() async -> UInt64? { await look { core, _ in core.stateVersion } }

    /// Where this master stands; nil once it has stopped.
    func position() async -> MasterPosition? { await look { core, _ in MasterPosition(core) } }

    /// Takes something from the core, in its loop; nil once the master has stopped.
    private func look<Value: Sendable>(_ body: @escaping @Sendable (MasterCore, Moment) -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            let number: UInt64? = table.withLock { table in
                if table.isStopped { return nil }
                table.lastRequest += 1
                table.looks[table.lastRequest] = { core, now in
                    continuation.resume(returning: core.map { body($0, now) })
                }
                return table.lastRequest
            }
            guard let number else { return continuation.resume(returning: nil) }
            inbox.send(.look(number))
        }
    }

    // MARK: Requests

    /// Sends a request's event to the core and waits for its answer.
    ///
    /// - Parameters:
    ///   - media: How an event stream opened in answer to it is encoded.
    ///   - path: Where the leader answers the same request.
    func request(
        _ media: MediaType, path: String, _ event: (RequestNumber) -> MasterEvent
    ) async -> HTTPResponse {
        await withCheckedContinuation { continuation in
            submit(media, path: path, event) { continuation.resume(returning: $0) }
        }
    }

    /// Sends a request's event to the core, after those that were sent before.
    ///
    /// - Parameter answer: Called once, on any thread: it must not wait.
    func submit(
        _ media: MediaType, path: String, _ event: (RequestNumber) -> MasterEvent,
        answer: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let number: RequestNumber? = table.withLock { table in
            if table.isStopped { return nil }
            table.lastRequest += 1
            let number = RequestNumber(table.lastRequest)
            table.waiting[number] = Waiting(media: media, path: path, answer: answer)
            return number
        }
        guard let number else { return answer(MasterAPI.stopping) }
        inbox.send(.event(event(number), RequestID.current))
    }

    private func answer(_ number: RequestNumber, _ answer: MasterAnswer) {
        guard let waiting = table.withLock({ $0.waiting.removeValue(forKey: number) }) else { return }
        waiting.answer(response(to: answer, waiting))
    }

    private func response(to answer: MasterAnswer, _ waiting: Waiting) -> HTTPResponse {
        switch answer {
        case .accepted: .empty(202)
        case .done: .empty(200)
        case .refused(let status, let reason): .text(status, reason)
        case .redirected(let leader): Redirection.response(to: leader, pathAndQuery: waiting.path)
        case .stream(let id): open(id, waiting.media)
        case .link(let id): open(id)
        case .operatorStream(let id):
            operators.open(id, waiting.media) { [self] end in
                note(end, of: "operator", ["stream": "\(id)"])
                post(.operatorStreamClosed(id))
            }
        }
    }

    // MARK: Streams

    private func open(_ id: StreamID, _ media: MediaType) -> HTTPResponse {
        let stream = HTTPStream(bufferedBytesMax: Self.streamBytesMax, budget: streamBudget)
        table.withLock { $0.streams[id] = Open(stream: stream, media: media) }
        stream.onClose { [self] end in
            table.withLock { _ = $0.streams.removeValue(forKey: id) }
            note(end, of: "scheduler", ["stream": "\(id)"])
            post(.streamClosed(id))
        }
        return .stream(200, stream, contentType: media.rawValue, headers: [("Mesos-Stream-Id", id.value)])
    }

    private func open(_ id: LinkID) -> HTTPResponse {
        let stream = HTTPStream(bufferedBytesMax: Self.streamBytesMax, budget: streamBudget)
        let takesCallStream = table.withLock { table in
            table.links[id] = stream
            return table.links.count <= facts.configuration.callStreamsMax
        }
        stream.onClose { [self] end in
            let calls = table.withLock { table in
                table.links[id] = nil
                return table.linkCalls.removeValue(forKey: id)
            }
            calls?.abandon()
            note(end, of: "agent", ["link": "\(id)"])
            post(.linkClosed(id))
        }
        return .stream(
            200, stream, contentType: MediaType.protobuf.rawValue,
            headers: [("Mini-Link-Stream-Id", id.value)]
                + (takesCallStream ? [("Accept-Post", StreamHeaders.recordIO)] : []))
    }

    /// Has a request's body end with the link whose calls it is. Of two such requests the later one counts.
    ///
    /// - Returns: Whether there is such a link.
    func attach(_ calls: HTTPBodyStream, to id: LinkID) -> Bool {
        let (isOpen, replaced) = table.withLock { table in
            guard table.links[id] != nil else { return (false, nil as HTTPBodyStream?) }
            return (true, table.linkCalls.updateValue(calls, forKey: id))
        }
        replaced?.abandon()
        return isOpen
    }

    /// Says why a reader was cut off, if it was.
    private func note(_ end: HTTPStreamEnd, of reader: String, _ metadata: Logger.Metadata) {
        switch end {
        case .tooSlow:
            let bound = Self.streamBytesMax >> 20
            logger.warning(
                "cut off: this \(reader) reads too slowly, over \(bound) MiB waited for it", metadata: metadata)
        case .crowdedOut:
            let bound = Self.allStreamsBytesMax >> 20
            logger.warning(
                "cut off: this \(reader) reads slowest of all, and over \(bound) MiB waited for all of them",
                metadata: metadata)
        case .peerClosed, .closedByUs: break
        }
    }

    private func closeEverything() {
        let (waiting, streams, links) = table.withLock { table in
            defer {
                table.waiting = [:]
                table.streams = [:]
                table.links = [:]
                table.registryWork?.cancel()
            }
            return (table.waiting, table.streams, table.links)
        }
        for request in waiting.values { request.answer(.text(503, "No leader elected")) }
        for open in streams.values { open.stream.close() }
        for link in links.values { link.close() }
        operators.closeAll()
    }

    /// So many bytes may wait for a framework before more of its questions are answered. A hundred thousand answers at
    /// once are more than a stream may hold.
    static let reconciliationBytesMax = 4 << 20
    /// How often room is looked for, 20 ms apart, before a slow reader's answers are made all the same: others wait
    /// behind them. Then it is not waited for again before it has caught up.
    static let reconciliationPatience = 250

    /// Lets the core go on answering RECONCILE once those who asked have read most of what they were told.
    private func proceed(_ timer: MasterTimer, for streams: Set<StreamID>, patience: Int) {
        let isCrowded = table.withLock { table in
            let slow = streams.filter { id in
                table.streams[id].map { $0.stream.bufferedBytes > Self.reconciliationBytesMax } ?? false
            }
            table.givenUp.formIntersection(slow)
            if patience == 0 { table.givenUp.formUnion(slow) }
            return !slow.isSubset(of: table.givenUp)
        }
        guard isCrowded else { return post(.timerFired(timer)) }
        Timers.shared.scheduleOnce(after: .milliseconds(20)) { [weak self] in
            self?.proceed(timer, for: streams, patience: patience - 1)
        }
    }

    // MARK: Effects

    /// - Parameter core: As it is after the step that asks for the effect.
    private func perform(_ effect: MasterEffect, _ core: MasterCore, _ now: Moment) {
        switch effect {
        case .answer(let number, let answer): self.answer(number, answer)
        case .sendEvent(let id, let event):
            guard let open = table.withLock({ $0.streams[id] }) else { return }
            open.stream.write(RecordIO.encode(open.media.encode(event)))
            trail.sent(event)
        case .closeStream(let id):
            table.withLock { $0.streams.removeValue(forKey: id) }?.stream.close()
        case .sendCommand(let id, let command):
            guard let link = table.withLock({ $0.links[id] }) else { return }
            link.write(RecordIO.encode(MediaType.protobuf.encode(command)))
            trail.sent(command)
        case .closeLink(let id):
            table.withLock { $0.links.removeValue(forKey: id) }?.close()
        case .sendOperatorState(let id):
            guard let cluster = core.cluster else { return }
            let viewer = Viewer(principal: cluster.operatorStreams.principal(of: id), acls: cluster.settings.acls)
            operators.begin(id) { [facts] media in
                OperatorAnswers(viewer.visible(cluster), facts, for: viewer).subscribed(
                    heartbeat: cluster.settings.heartbeatInterval, in: media)
            }
        case .sendOperatorEvent(let ids, let event): operators.broadcast(ids, event)
        case .closeOperatorStream(let id, let reason): operators.close(id, reason: reason)
        case .closeEverything: closeEverything()

        case .scheduleTimer(let timer, let delay):
            if case .allocate = timer { table.withLock { $0.allocationWantedAt = .now } }
            if case .reconcile = timer {
                let streams = core.cluster?.reconciliations.streams ?? []
                return proceed(timer, for: streams, patience: Self.reconciliationPatience)
            }
            if delay <= .zero { return post(.timerFired(timer)) }
            Timers.shared.scheduleOnce(after: delay) { [inbox] in inbox.send(.event(.timerFired(timer))) }

        case .openSession(let number): election?.open(number)
        case .closeSession(let number): election?.close(number)
        case .joinElection(let number): election?.join(number)
        case .readCandidate(let number, let candidate): election?.read(number, candidate)

        case .recoverRegistry(let term, let claim): recover(term, claim)
        case .writeRegistry(let term, let write): self.write(term, write)

        case .recordAllocator(let calls): recorder?.record(calls)
        case .exit(let reason):
            logger.critical("\(reason)")
            table.withLock { $0.exitReason = reason }
            inbox.finish()
        case .note(let note): log(note)
        }
    }

    private func log(_ note: MasterNote) {
        switch note.level {
        case .info: logger.info("\(note.text)")
        case .warning: logger.warning("\(note.text)")
        case .error: logger.error("\(note.text)")
        }
    }

    // MARK: Registry

    private func recover(_ term: Term, _ claim: V1MasterInfo) {
        work { [self] in
            do throws(RegistryStoreError) {
                let began = ContinuousClock.now
                let contents = try await registry.recover(term, claim: claim)
                timers.stateFetch.record(began.duration(to: .now))
                for entry in contents.unreadable { logger.error("unreadable registry entry: \(entry)") }
                post(.registryRecovered(term, contents.state))
            } catch {
                post(.registryFailed(term, error.failure))
            }
        }
    }

    private func write(_ term: Term, _ write: RegistryWrite) {
        work { [self] in
            do throws(RegistryStoreError) {
                let began = ContinuousClock.now
                try await registry.write(term, write)
                timers.stateStore.record(began.duration(to: .now))
                post(.registryWritten(term, number: write.number))
            } catch {
                post(.registryFailed(term, error.failure))
            }
        }
    }

    /// One piece of registry work at a time: an earlier term's, which nobody waits for any more, ends first.
    private func work(_ body: @escaping @Sendable () async -> Void) {
        table.withLock { table in
            let earlier = table.registryWork
            table.registryWork = Task {
                await earlier?.value
                await body()
            }
        }
    }
}

/// The core at one moment, to be read without disturbing it.
struct MasterSnapshot: Sendable {
    let core: MasterCore
    let now: Moment
}

extension MasterEvent {
    /// The step for it hands out resources, and little else.
    fileprivate var allocates: Bool {
        switch self {
        case .timerFired(.allocate), .timerFired(.filterExpiry): true
        default: false
        }
    }
}
