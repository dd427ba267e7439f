// The whole master as one value: leadership on the outside, the cluster of the current term inside.
import Allocator
import MesosProtocol
import Resources

/// A master without its sockets: the state machine that the shell drives with real events and a simulation with
/// invented ones.
///
/// `step` is the only way in. It reads no clock, draws no chance beyond the seed it was given, and does nothing itself:
/// everything it wants done comes back as effects, to be started in order. Timers are not cancelled; they carry numbers
/// and are ignored when stale. Every request event is answered by exactly one `.answer`, except that
/// `.closeEverything` also ends requests that are still open.
///
/// What survives a crash is in the registry only: a restarted master is a new value with a new master id.
package struct MasterCore: Sendable {
    package let settings: MasterSettings
    /// How this master presents itself; `id` prefixes every id it hands out.
    package let selfInfo: V1MasterInfo
    package private(set) var startedAt: WallTime
    package private(set) var leadership: Leadership
    /// Nil whenever this master is not serving.
    package private(set) var cluster: Cluster?
    /// The numbers, while no cluster holds them.
    private var idleNumbers: Continuity
    private var fetchTimer: UInt64 = 0
    /// Counts the steps that may have changed what the state documents show. Two looks at one number see one state.
    package private(set) var stateVersion: UInt64 = 0
    /// The only hosts whose resources are offered. Nil: all.
    private var whitelist: Set<String>?

    /// - Parameters:
    ///   - selfInfo: Complete, with a fresh UUID as its id: a restarted master must not reuse the ids of the last one.
    ///   - seed: For the order in which agents are offered.
    package init(settings: MasterSettings, selfInfo: V1MasterInfo, seed: UInt64, startedAt: WallTime) {
        self.settings = settings
        whitelist = settings.waitsForWhitelist ? [] : nil
        self.selfInfo = selfInfo
        self.startedAt = startedAt
        leadership = Leadership(settings: settings, selfInfo: selfInfo)
        idleNumbers = Continuity(masterID: selfInfo.id, seed: seed)
    }

    /// What a request for the cluster's state gets from this master.
    package var availability: Leadership.Availability { leadership.availability }

    package var counters: MasterCounters { cluster?.counters ?? idleNumbers.counters }

    /// Takes one event and says what is to be done.
    package mutating func step(_ event: MasterEvent, at now: Moment) -> [MasterEffect] {
        var effects: [MasterEffect] = []
        // Before anything else: a leader that slept through its session must not act on what waited in its inbox. Only
        // proof that the session lived on may come first.
        if case .ensembleHeard(let number, let instant) = event {
            leadership.heard(number, at: min(instant, now.instant))
        }
        if leadership.term != nil, leadership.isFenced(at: now) {
            effects += lead(at: now) { $0.checkFence(&$1, at: now) }
        }
        effects += take(event, at: now)
        if cluster != nil { effects += cluster!.finishStep() }
        if !(event.isRoutine && effects.allSatisfy(\.isRoutine)) { stateVersion += 1 }
        return effects
    }

    // MARK: Events

    private mutating func take(_ event: MasterEvent, at now: Moment) -> [MasterEffect] {
        switch event {
        case .started:
            return lead(at: now) { $0.start(&$1, at: now) }
        case .timerFired(let timer):
            return fire(timer, at: now)

        case .sessionConnected(let number, let timeout):
            return lead(at: now) { $0.connected(number, timeout: timeout, &$1, at: now) }
        case .sessionInterrupted(let number):
            leadership.interrupted(number)
            return []
        case .sessionExpired(let number):
            return lead(at: now) { $0.expired(number, &$1, at: now) }
        case .sessionFailed(let number, let reason):
            return lead(at: now) { $0.failed(number, reason: reason, &$1, at: now) }
        case .sessionRefused(let number, let reason):
            guard number == leadership.sessionNumber else { return [] }
            return [.exit(reason: "ZooKeeper refused the session: \(reason)")]
        case .ensembleHeard: return []
        case .electionJoined(let number, let candidate):
            return lead(at: now) { $0.joined(number, candidate, &$1, at: now) }
        case .electionJoinFailed(let number, let reason):
            return lead(at: now) { $0.joinFailed(number, reason: reason, &$1) }
        case .electionChanged(let number, let members):
            return lead(at: now) { $0.changed(number, members, &$1, at: now) }
        case .electionRefused(let number, let reason):
            return lead(at: now) { $0.joinRefused(number, reason: reason, &$1, at: now) }
        case .candidateRead(let number, let candidate, let info, let isForeign):
            let document = info.map { Leadership.Document(info: $0, isForeign: isForeign) }
            return lead(at: now) { $0.read(number, candidate, document, &$1, at: now) }

        case .registryRecovered(let term, let state):
            return recovered(term, state, at: now)
        case .registryWritten(let term, let number):
            guard term == leadership.term else { return [] }
            onCluster(at: now) { $0.registryWritten(number) }
            return []
        case .registryFailed(let term, let failure):
            return lead(at: now) { $0.registryFailed(term, failure, &$1, at: now) }

        case .schedulerCalled(let request, let incoming):
            return serve(request, at: now) { $0.receive(request, incoming) }
        case .streamClosed(let stream):
            onCluster(at: now) { $0.streamClosed(stream) }
            return []
        case .agentCalled(let request, let incoming):
            return serve(request, at: now) { $0.receive(request, incoming) }
        case .linkClosed(let link):
            onCluster(at: now) { $0.linkClosed(link) }
            return []
        case .whitelistRead(let hostnames):
            whitelist = hostnames
            onCluster(at: now) { $0.useWhitelist(hostnames) }
            return []
        case .operatorCalled(let request, let incoming):
            return serve(request, at: now) { $0.receive(request, incoming) }
        case .operatorStreamClosed(let stream):
            onCluster(at: now) { $0.operatorStreamClosed(stream) }
            return []
        case .roleExplained(let role):
            onCluster(at: now) { $0.allocator.watch(role, at: now.instant) }
            return []
        }
    }

    private mutating func fire(_ timer: MasterTimer, at now: Moment) -> [MasterEffect] {
        if case .registryPatience(let number) = timer, let term = leadership.term {
            let isFetching = number == fetchTimer && cluster == nil
            guard isFetching || cluster?.isRegistryStuck(number) == true else { return [] }
            let failure = RegistryFailure.unavailable(isFetching ? "reading it took too long" : "a write took too long")
            return lead(at: now) { $0.registryFailed(term, failure, &$1, at: now) }
        }
        onCluster(at: now) { $0.fire(timer) }
        return lead(at: now) { $0.fire(timer, &$1, at: now) }
    }

    private mutating func recovered(_ term: Term, _ state: RegistryState, at now: Moment) -> [MasterEffect] {
        guard leadership.recovered(term) else { return [] }
        if let reason = MasterCapabilities.refusal(of: state) { return [.exit(reason: reason)] }
        cluster = Cluster(
            settings: settings, selfInfo: selfInfo, term: term, recovered: state, numbers: idleNumbers, at: now)
        cluster?.useWhitelist(whitelist)
        let text = "leading as \(term): \(state.agents.count) agents and \(state.frameworks.count) frameworks recovered"
        return [.note(MasterNote(.info, text))]
    }

    // MARK: Leadership

    private mutating func follow(_ directives: [Leadership.Directive], at now: Moment) -> [MasterEffect] {
        var effects: [MasterEffect] = []
        for directive in directives {
            switch directive {
            case .perform(let effect): effects.append(effect)
            case .take(let term):
                fetchTimer = idleNumbers.nextTimerNumber()
                effects.append(.note(MasterNote(.info, "elected as \(term): reading the registry")))
                effects.append(.recoverRegistry(term, claim: selfInfo))
                effects.append(
                    .scheduleTimer(.registryPatience(fetchTimer), after: settings.registryFetchTimeout))
            case .stepDown(let reason):
                // Effects gathered for the old term in this very step are dropped with it.
                if let cluster { idleNumbers = cluster.numbers }
                cluster = nil
                effects.append(.note(MasterNote(.warning, "no longer leading: \(reason)")))
                effects.append(.closeEverything(reason: reason))
            }
        }
        return effects
    }

    /// Lets leadership take a step, with the numbers wherever they are kept just now, and does what it says.
    private mutating func lead(
        at now: Moment, _ body: (inout Leadership, inout Continuity) -> [Leadership.Directive]
    ) -> [MasterEffect] {
        if cluster != nil { return follow(body(&leadership, &cluster!.numbers), at: now) }
        return follow(body(&leadership, &idleNumbers), at: now)
    }

    private mutating func onCluster(at now: Moment, _ body: (inout Cluster) -> Void) {
        guard cluster != nil else { return }
        cluster!.now = now
        body(&cluster!)
    }

    /// Lets the cluster answer a request, or answers for it when this master does not lead.
    private mutating func serve(
        _ request: RequestNumber, at now: Moment, _ body: (inout Cluster) -> Void
    ) -> [MasterEffect] {
        if cluster != nil {
            onCluster(at: now, body)
            return []
        }
        switch availability {
        case .following(let leader): return [.answer(request, .redirected(leader))]
        case .unavailable(let reason): return [.answer(request, .refused(status: 503, reason: reason))]
        case .leading, .recovering:
            return [.answer(request, .refused(status: 503, reason: "Master has not finished recovery"))]
        }
    }
}
