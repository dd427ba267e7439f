// The framework's place in the cluster: one registration for as long as it runs, or one for each spell of work.
import HTTPClient
import Logging
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

/// Registered all the time, or, with `onDemandRegistration`, while builds wait or agents live: it is torn down when nothing
/// has been needed for the linger, and gets a new id the next time.
final class ClusterLink: Sendable {
    private struct State {
        var client: SchedulerClient?
        var isStopping = false
        var isNeeded = false
        var idleSince = ContinuousClock.now
    }

    /// How often the wish is looked at on demand. Registering takes longer.
    private static let lookInterval = Duration.milliseconds(100)
    private static let teardownTimeout = Duration.seconds(5)

    private let identity: FrameworkIdentity
    private let linger: Duration?
    private let logger: Logger
    private let http: HTTPClient
    private let state: Locked<State>
    private let stream: (stream: AsyncStream<SchedulerEvent>, continuation: AsyncStream<SchedulerEvent>.Continuation)

    init(_ identity: FrameworkIdentity, _ record: PlannerRecord, logger: Logger) {
        let cluster = identity.configuration.mesos
        self.identity = identity
        self.logger = logger
        linger = cluster.onDemandLinger
        http = cluster.caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared
        stream = AsyncStream.makeStream(of: SchedulerEvent.self)
        // An id whose agents are all gone was torn down on purpose.
        let id = linger != nil && record.agents.isEmpty ? nil : record.frameworkID
        let client = SchedulerClient(identity.client(id), logger: logger, http: http)
        state = Locked(State(client: client))
    }

    /// Everything that happens, for one reader, across registrations.
    var events: AsyncStream<SchedulerEvent> { stream.stream }

    /// Whether anything waits or lives.
    var isNeeded: Bool {
        get { state.withLock { $0.isNeeded } }
        set {
            state.withLock { state in
                if state.isNeeded, !newValue { state.idleSince = .now }
                state.isNeeded = newValue
            }
        }
    }

    func submit(_ call: V1SchedulerCall, completion: @escaping @Sendable (SchedulerCallError?) -> Void) {
        guard let client = state.withLock({ $0.isStopping ? nil : $0.client }) else { return completion(.stopped) }
        client.submit(call, completion: completion)
    }

    func stop() {
        let client = state.withLock { state in
            state.isStopping = true
            return state.client
        }
        client?.stop()
        stream.continuation.finish()
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    func run() async {
        guard let linger else {
            if let client = state.withLock({ $0.client }) { await serve(client) }
            return stop()
        }
        while !isStopping {
            await wait { $0.isNeeded }
            guard !isStopping else { break }
            let client = state.withLock { state in
                let client = state.client ?? SchedulerClient(identity.client(nil), logger: logger, http: http)
                state.client = client
                return client
            }
            let watch = Task {
                await self.wait { !$0.isNeeded && $0.idleSince.duration(to: .now) >= linger }
                if !self.isStopping { await self.tearDown(client) }
            }
            await serve(client)
            watch.cancel()
            state.withLock { $0.client = nil }
            stream.continuation.yield(.disconnected("nothing to do"))
        }
        stop()
    }

    private func serve(_ client: SchedulerClient) async {
        let events = client.events
        let forwarding = Task { [continuation = stream.continuation] in
            for await event in events { continuation.yield(event) }
        }
        await client.run()
        await forwarding.value
    }

    private func tearDown(_ client: SchedulerClient) async {
        logger.info("nothing waits and no agent is left: the framework is torn down until there is work")
        let done = Mailbox<Bool>()
        client.submit(Calls.teardown()) { _ in done.send(true) }
        let timer = Timers.shared.scheduleOnce(after: Self.teardownTimeout) { done.send(false) }
        _ = await done.next()
        timer.cancel()
        client.stop()
    }

    private func wait(until isReached: (State) -> Bool) async {
        while !Task.isCancelled, !isStopping, !state.withLock({ isReached($0) }) {
            try? await Task.sleep(for: Self.lookInterval)
        }
    }
}
