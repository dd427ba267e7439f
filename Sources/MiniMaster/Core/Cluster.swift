// Everything a leading master knows about its cluster, and the steps its flows are made of.
import Allocator
import MesosProtocol
import Resources

/// The state of one term of leadership. It is built from the registry when the term begins and thrown away whole when
/// it ends, so nothing of it can leak into a time when somebody else leads.
///
/// The books hold the nouns; the files in `Flows/` hold what happens to several of them at once.
package struct Cluster: Sendable {
    let settings: MasterSettings
    package let selfInfo: V1MasterInfo
    package let term: Term
    package let electedAt: WallTime
    var numbers: Continuity
    var now: Moment
    var registrar: Registrar
    package internal(set) var agents = AgentRoster()
    package internal(set) var frameworks: FrameworkBook
    package internal(set) var tasks = TaskBook()
    package internal(set) var offers = OfferBook()
    package internal(set) var inverseOffers = InverseOfferBook()
    var maintenance = MaintenanceBook()
    var quotaHold: QuotaHold?
    /// Agents that drain and may still have something left.
    var drainsUnderWay: Set<AgentID> = []
    package internal(set) var operatorStreams = OperatorStreams()
    package internal(set) var frameworkMetrics = FrameworkMetricsBook()
    package internal(set) var operations = OperationBook()
    package internal(set) var executors = ExecutorBook()
    var reconciliations = ReconciliationBacklog()
    var allocator: Allocator
    package internal(set) var removals: RemovalBook
    /// How many agents the registry had when this term began.
    let recoveredAgentCount: Int
    /// Whether the agents that have not come back are kept because they are too many.
    package internal(set) var isRecoveryRemovalHeld = false
    var removalTimer: UInt64 = 0
    var brakeTimer: UInt64 = 0
    var brakeSaidAt = Instant.zero
    /// What this step asks of the world, in order.
    var effects: [MasterEffect] = []
    private var allocateTimer: UInt64?
    private var pace: AllocationPace
    var offerDeadlines = OfferDeadlines()
    private var filterTimer: (number: UInt64, due: Instant)?
    private var registryTimer: UInt64 = 0
    var recoveryTimer: UInt64 = 0
    private var collectionTimer: UInt64 = 0

    init(
        settings: MasterSettings, selfInfo: V1MasterInfo, term: Term, recovered: RegistryState, numbers: Continuity,
        at now: Moment
    ) {
        self.settings = settings
        self.selfInfo = selfInfo
        self.term = term
        electedAt = now.wall
        self.numbers = numbers
        self.now = now
        registrar = Registrar(recovered: recovered)
        frameworks = FrameworkBook(completedMax: settings.completedFrameworksMax)
        allocator = Allocator(settings: settings.allocator)
        if settings.recordsAllocator { allocator.startRecording() }
        pace = AllocationPace(intervalMax: settings.allocator.allocationInterval)
        removals = RemovalBook(settings: settings)
        recoveredAgentCount = recovered.agents.count
        recover(recovered)
    }

    /// Registry contents that are durable.
    package var registry: RegistryState { registrar.state }

    package var counters: MasterCounters { numbers.counters }

    /// Changes to the registry that are not durable yet.
    package var registryWritesPending: Int { registrar.pendingCount }

    // MARK: Recovery

    private mutating func recover(_ state: RegistryState) {
        for (id, info) in state.agents {
            agents.put(Agent(id: id, info: info, total: Resources(), phase: .recovered))
        }
        for (id, record) in state.frameworks.sorted(by: { $0.key < $1.key }) {
            switch record.phase {
            case .removed: continue
            case .connected: recoverFramework(id, record.info, failoverAfter: nil)
            case .disconnected(let since):
                let away = Duration.nanoseconds(max(0, now.wall.nanoseconds - since.nanoseconds))
                recoverFramework(id, record.info, failoverAfter: away)
            }
        }
        adoptOperatorChanges(state)
        if state.cluster == nil { persist([.nameCluster(settings.clusterID ?? selfInfo.id)], then: .nothing) }
        recoveryTimer = scheduleNumbered(after: settings.agentReregisterTimeout) { .recoveryDeadline($0) }
        collectionTimer = scheduleNumbered(after: settings.registryCollectionInterval) { .registryCollection($0) }
    }

    /// A framework has this long to come back to a new leader, whatever the clocks say: two masters' clocks may differ
    /// by more than what is left of its timeout, and while nobody led it could not come back.
    static let frameworkReturnMin = Duration.seconds(10)

    /// Adds a framework that is known but not here.
    ///
    /// - Parameter away: How much of its failover timeout has already passed. Nil: it was connected to the last leader,
    ///   and gets the agents' whole window before its own begins. (Apache Mesos starts no timer at all here, and keeps
    ///   the tasks of a framework that never returns for ever.)
    mutating func recoverFramework(_ id: FrameworkID, _ info: V1FrameworkInfo, failoverAfter away: Duration?) {
        var framework = Framework(
            id: id, info: info, connection: .recovered(failoverTimer: 0), registeredAt: now.wall)
        let rest =
            away.map { max(min(Self.frameworkReturnMin, framework.failoverTimeout), framework.failoverTimeout - $0) }
            ?? settings.agentReregisterTimeout + framework.failoverTimeout
        let timer = scheduleNumbered(after: rest) { .frameworkFailover(id, $0) }
        framework.connection = .recovered(failoverTimer: timer)
        framework.isKnownBefore = true
        // Its offer constraints come with its next subscription.
        framework.wishes = (try? OfferWishes(info, nil)) ?? OfferWishes()
        frameworks.put(framework)
        allocate(to: framework, active: false)
    }

    // MARK: Effects

    mutating func emit(_ effect: MasterEffect) {
        if case .sendEvent(let stream, let event) = effect, let id = frameworks.id(on: stream) {
            frameworkMetrics.update(id) { $0.count(event) }
        }
        effects.append(effect)
    }

    mutating func note(_ level: MasterNote.Level, _ text: String) { emit(.note(MasterNote(level, text))) }

    mutating func answer(_ request: RequestNumber, _ answer: MasterAnswer) { emit(.answer(request, answer)) }

    mutating func scheduleNumbered(after delay: Duration, _ timer: (UInt64) -> MasterTimer) -> UInt64 {
        let number = numbers.nextTimerNumber()
        emit(.scheduleTimer(timer(number), after: delay))
        return number
    }

    /// Sends an event to a framework if it is there to hear it.
    mutating func tell(_ framework: FrameworkID, _ event: V1SchedulerEvent) {
        guard let stream = frameworks[framework]?.stream else { return }
        emit(.sendEvent(stream, event))
    }

    mutating func tell(_ framework: FrameworkID, update status: V1TaskStatus) {
        tell(framework, .update(status))
    }

    /// Sends a command to an agent if its link is up.
    mutating func command(_ agent: AgentID, _ command: LinkCommand) {
        guard let link = agents[agent]?.link else { return }
        emit(.sendCommand(link, command))
    }

    // MARK: Registry

    /// Asks for a change to be made durable. Only `continuation` may tell anybody about it.
    mutating func persist(_ operations: [RegistryOperation], then continuation: Registrar.Continuation) {
        registrar.submit(withCapabilities(operations), then: continuation)
    }

    mutating func registryWritten(_ number: UInt64) {
        for continuation in registrar.written(number) {
            switch continuation {
            case .acknowledgeAgent(let id): acknowledgeAgent(id)
            case .declareUnreachable(let id): declareUnreachable(id)
            case .finishRemoval(let id, let message): finishRemoval(id, message: message)
            case .announceSubscription(let id, let stream): announceSubscription(id, on: stream)
            case .removeFramework(let id): removeFramework(id)
            case .operatorChange(let change): apply(change)
            case .nothing: break
            }
        }
    }

    /// What every step ends with: the next registry write, and an allocation if something is to be given out.
    mutating func finishStep() -> [MasterEffect] {
        settleDrains()
        if let write = registrar.nextWrite(number: { numbers.nextWriteNumber() }) {
            emit(.writeRegistry(term, write))
            registryTimer = scheduleNumbered(after: settings.registryStoreTimeout) { .registryPatience($0) }
        }
        scheduleFilterExpiry()
        scheduleOfferExpiry()
        if allocator.isRecording { recordAllocator() }
        tellOperators()
        defer { effects = [] }
        return effects
    }

    /// Whether the timer says that a write has been in flight for too long.
    func isRegistryStuck(_ number: UInt64) -> Bool { number == registryTimer && registrar.inFlightNumber != nil }

    // MARK: Allocation

    /// Something could be offered that was not before. The allocation runs after what is already in the inbox, so a
    /// burst of declines costs one round; there is no waiting beyond that unless rounds follow one another too fast.
    mutating func wantAllocation() {
        guard allocateTimer == nil else { return }
        allocateTimer = scheduleNumbered(after: pace.delay(at: now.instant)) { .allocate($0) }
    }

    /// Offers only agents on these hosts from now on; nil: all.
    mutating func useWhitelist(_ hostnames: Set<String>?) {
        allocator.setWhitelist(hostnames)
        wantAllocation()
    }

    private mutating func recordAllocator() {
        let calls = allocator.takeRecord()
        if !calls.isEmpty { emit(.recordAllocator(calls)) }
    }

    private mutating func scheduleFilterExpiry() {
        guard let due = allocator.nextFilterExpiry else { return }
        // The allocation that is coming ends these filters itself.
        if allocateTimer != nil, due <= now.instant { return }
        // A timer that is due but has not fired yet counts: replacing it would make it stale, and so on for ever.
        if let filterTimer, filterTimer.due <= due { return }
        let delay = max(.zero, now.instant.duration(to: due))
        filterTimer = (scheduleNumbered(after: delay) { .filterExpiry($0) }, due)
    }

    private mutating func allocate() {
        let allocations = allocator.allocate(at: now.instant, seed: numbers.nextAllocationSeed())
        pace.ran(offers: allocations.count, at: now.instant)
        numbers.counters.count("allocator/mesos/allocation_runs")
        makeOffers(allocations)
        makeInverseOffers()
    }

    // MARK: Timers

    mutating func fire(_ timer: MasterTimer) {
        switch timer {
        case .allocate(let number):
            guard allocateTimer == number else { return }
            allocateTimer = nil
            allocate()
        case .filterExpiry(let number):
            guard filterTimer?.number == number else { return }
            filterTimer = nil
            wantAllocation()
        case .offerExpiry(let number): expireOffers(number)
        case .inverseOfferExpiry(let id): expireInverseOffer(id)
        case .heartbeat(let id, let number): heartbeat(id, number)
        case .operatorHeartbeat(let stream): operatorHeartbeat(stream)
        case .frameworkFailover(let id, let number): failoverTimedOut(id, number)
        case .ping(let id, let number): ping(id, number)
        case .agentReturn(let id, let number): agentReturnTimedOut(id, number)
        case .reconcile(let number): continueReconciling(number)
        case .recoveryDeadline(recoveryTimer): recoveryDeadlinePassed()
        case .registryCollection(collectionTimer):
            collectRegistry()
            collectionTimer = scheduleNumbered(after: settings.registryCollectionInterval) { .registryCollection($0) }
        case .inverseOffers: makeInverseOffers()
        case .quotaRecovery(let number): quotaRecoveryTimedOut(number)
        case .removalPermit(removalTimer):
            removalTimer = 0
            proceedWithRemovals()
        case .removalBrake(brakeTimer): lookAtBrake()
        case .recoveryDeadline, .registryCollection, .removalPermit, .removalBrake, .registryPatience, .fence,
            .sessionPatience, .reopenSession, .rejoinElection, .reclaim, .addressConflict:
            break
        }
    }

    /// Forgets unreachable and gone agents that are too old or too many, oldest first.
    private mutating func collectRegistry() {
        let oldest = now.wall.advanced(by: .zero - settings.registryAgentAgeMax)
        var operations: [RegistryOperation] = []
        let unreachable = Self.surplus(registry.unreachable, olderThan: oldest, max: settings.registryAgentCountMax)
        operations += unreachable.map { .forgetUnreachable($0) }
        let gone = Self.surplus(registry.gone, olderThan: oldest, max: settings.registryAgentCountMax)
        operations += gone.map { .forgetGone($0) }
        for (id, record) in registry.frameworks.sorted(by: { $0.key < $1.key }) {
            if case .removed(let time) = record.phase, time < oldest { operations.append(.forgetFramework(id)) }
        }
        operations += orphanedStandings()
        guard !operations.isEmpty else { return }
        note(.info, "forgetting \(operations.count) old entries of the registry")
        persist(operations, then: .nothing)
    }

    private static func surplus(_ marks: [AgentID: WallTime], olderThan oldest: WallTime, max: Int) -> [AgentID] {
        let byAge = marks.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        let excess = Swift.max(0, byAge.count - max)
        return byAge.enumerated().filter { $0.offset < excess || $0.element.value < oldest }.map(\.element.key)
    }
}
