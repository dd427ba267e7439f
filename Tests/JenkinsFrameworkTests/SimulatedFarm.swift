// A toy controller and a toy cluster in virtual time around the real planner: queues builds, loses answers, crashes.
import Resources

@testable import JenkinsFramework

struct SimulatedFarm {
    var now = 0  // Milliseconds.
    var timeline: [(due: Int, order: Int, happening: FarmHappening)] = []
    var order = 0
    var random: FarmRandom
    var faults: FarmFaults
    var violations: [String] = []

    // The framework.
    var planner: JenkinsPlanner
    let settings: PlannerSettings
    var incarnation = 0
    var durable = PlannerRecord()
    /// nil: polls come when the planner wants them.
    var pollInterval: Int?

    // The controller.
    var builds: [QueueItemID: FarmBuild] = [:]
    var queue: [QueueItemID] = []
    var nodes: [String: FarmNode] = [:]
    var created: [String] = []
    var session = 1
    /// It answers nothing and does nothing until then.
    var frozenUntil = 0
    /// It refuses everything until then.
    var downUntil = 0
    /// Agents that came to nothing, each of which excuses one more.
    var excuses = 0
    var secondBuilds = 0
    /// Nodes that the framework was last shown as drained by somebody else.
    var shownDrainedByHand: Set<String> = []
    var requestsMax = 0
    /// Whether it tells if a drained agent is connected.
    var showsConnections = true
    var trace = false

    // The cluster.
    var isSubscribed = false
    var isSuppressed = true
    var tasks: [TaskID: FarmTask] = [:]
    var undelivered: [TaskUpdate] = []
    var offers: [OfferID: (host: String, since: Int)] = [:]
    var filteredUntil: [String: Int] = [:]
    var offerCount = 0
    let hosts = ["h1", "h2", "h3"]
    let slotsPerHost = 4

    init(seed: UInt64, faults: FarmFaults, settings: PlannerSettings, pollInterval: Int? = 400) {
        random = FarmRandom(state: seed)
        self.faults = faults
        self.settings = settings
        self.pollInterval = pollInterval
        planner = JenkinsPlanner(
            settings: settings, record: PlannerRecord(), seed: seed,
            at: Moment(instant: .zero, wall: .init(nanoseconds: 0)))
        schedule(.subscribe(incarnation: 0), after: 10)
        startLoops(after: 20)
        schedule(.offerRound, after: 50)
        planFaults(within: 32_000)
    }

    var moment: Moment {
        Moment(
            instant: Instant(nanoseconds: Int64(now) * 1_000_000), wall: WallTime(nanoseconds: Int64(now) * 1_000_000))
    }

    mutating func schedule(_ happening: FarmHappening, after milliseconds: Int) {
        order += 1
        let entry = (due: now + milliseconds, order: order, happening: happening)
        // Kept latest first, so that the next is taken from the end.
        var index = timeline.count
        while index > 0, timeline[index - 1].due <= entry.due { index -= 1 }
        timeline.insert(entry, at: index)
    }

    private mutating func planFaults(within span: Int) {
        let kinds: [(FarmFault, Int)] = [
            (.disconnection, faults.disconnections), (.crash, faults.crashes), (.freeze, faults.freezes),
            (.restart, faults.restarts), (.lostTask, faults.lostTasks), (.lostHost, faults.lostHosts),
            (.partition, faults.partitions), (.deletion, faults.deletionsByHand), (.drain, faults.drainsByHand),
            (.opening, faults.openingsByHand), (.cancellation, faults.cancellations),
        ]
        for (kind, count) in kinds {
            for _ in 0..<count { schedule(.strike(kind), after: random.milliseconds(500...span)) }
        }
    }

    /// Runs until nothing is left to do or the time is over. True if everything came to rest.
    mutating func run(until end: Int) -> Bool {
        while let next = timeline.last, next.due <= end {
            timeline.removeLast()
            now = next.due
            happen(next.happening)
            if isAtRest { return true }
        }
        return isAtRest
    }

    /// What a farm looks like when nothing is left to do: the warm pool, and nothing else.
    var isAtRest: Bool {
        guard builds.values.allSatisfy({ $0.isDone || $0.isLost }), now > 5_000, !builds.isEmpty, queue.isEmpty else {
            return false
        }
        let pool = settings.templates.reduce(0) { $0 + $1.agentsIdleMin }
        let alive = tasks.filter { !$0.value.state.isTerminal }.keys.map(\.value)
        let names = nodes.filter { !$0.value.isBeacon }.keys
        guard planner.agents.count == pool, names.count == pool, Set(names) == Set(alive) else { return false }
        guard planner.agents.values.allSatisfy({ $0.phase == .online || $0.gate.canOpen && $0.task == .running }) else {
            return false
        }
        return !timeline.contains {
            switch $0.happening {
            case .queueBuild, .strike: true
            default: false
            }
        }
    }

    private mutating func happen(_ happening: FarmHappening) {
        switch happening {
        case .deliver(let event, incarnation): deliver(event)
        case .poll(incarnation): poll()
        case .pollPlanned(incarnation): pollPlanned()
        case .readQueue(let computers, let startedAt, incarnation): readQueue(computers, startedAt)
        case .watch(incarnation): watch()
        case .watchComputers(let names, let queued, let startedAt, incarnation):
            watchComputers(names, queued, startedAt)
        case .tick(incarnation):
            schedule(.tick(incarnation: incarnation), after: 1_000)
            step(.ticked)
        case .queueBuild(let id):
            if trace { print(now, "QUEUED", id) }
            builds[id]?.queuedAt = now
            queue.append(id)
            assignBuilds()
        case .endBuild(let id): endBuild(id)
        case .execute(let effect, let from): execute(effect, from)
        case .changeNode(let effect): _ = change(effect, isLate: true)
        case .changeSlowly(let effect, let from):
            schedule(.deliver(change(effect), incarnation: from), after: random.milliseconds(5...120))
        case .writeState(let revision, let record, incarnation):
            durable = record
            step(.persisted(revision: revision))
        case .taskRuns(let task): taskRuns(task)
        case .taskConnects(let task): connect(task)
        case .taskReturns(let task): taskReturns(task)
        case .taskGone(let task): endTask(task, .gone)
        case .openByHand(let name): openByHand(name)
        case .offerRound:
            makeOffers()
            schedule(.offerRound, after: 200)
        case .subscribe(incarnation): subscribe()
        case .strike(let fault): strike(fault)
        case .deliver, .poll, .pollPlanned, .readQueue, .watch, .watchComputers, .tick, .writeState, .subscribe:
            break  // Of a process that is gone.
        }
    }

    // MARK: - The framework

    mutating func startLoops(after delay: Int) {
        schedule(.poll(incarnation: incarnation), after: delay)
        schedule(.watch(incarnation: incarnation), after: delay)
        schedule(.tick(incarnation: incarnation), after: delay)
    }

    private mutating func deliver(_ event: JenkinsPlanner.Event) {
        switch event {
        case .polled(let snapshot):
            for computer in snapshot.computers ?? [] { noteShown(computer) }
            step(event)
            if snapshot.computers != nil { checkRequests(snapshot) }
            if pollInterval == nil { schedule(.pollPlanned(incarnation: incarnation), after: 1) }
        case .watched(let look):
            for computer in look.computers { noteShown(computer) }
            step(event)
        default:
            step(event)
        }
    }

    private mutating func noteShown(_ computer: Computer) {
        if computer.isBusy, nodes[computer.name]?.seenUsedAt == nil { nodes[computer.name]?.seenUsedAt = now }
        let isByHand = computer.isTemporarilyOffline && !computer.offlineReason.contains("jenkins-framework: ")
        if isByHand { shownDrainedByHand.insert(computer.name) } else { shownDrainedByHand.remove(computer.name) }
    }

    mutating func step(_ event: JenkinsPlanner.Event) {
        for effect in planner.step(event, at: moment) {
            if case .persist(let revision, let record) = effect {
                schedule(.writeState(revision, record, incarnation: incarnation), after: 3)
            } else {
                if trace { print(now, "EFFECT", effect) }
                if let name = [effect].opened.first, shownDrainedByHand.contains(name.value) {
                    violations.append("\(name), drained by hand, was to be opened at \(now) ms")
                }
                schedule(.execute(effect, incarnation: incarnation), after: random.milliseconds(1...40))
            }
        }
    }

    /// Never more requests than what waits, the warm pools, and the caps allow.
    private mutating func checkRequests(_ snapshot: JenkinsSnapshot) {
        let requested = planner.agents.values.count { $0.phase == .requested }
        requestsMax = max(requestsMax, requested)
        let waiting = snapshot.items.count { $0.phase == .buildable }
        let pool = settings.templates.reduce(0) { $0 + $1.agentsIdleMin }
        // While the controller comes back nothing is taken back, because nothing can be told.
        if requested > waiting + pool, planner.controller.isSettled(at: moment.instant) {
            violations.append("\(requested) requests for \(waiting) builds at \(now) ms")
        }
        for template in settings.templates {
            let count = planner.agents.values.count { $0.template == template.name }
            if count > template.agentsMax { violations.append("\(count) agents of \(template.name) at \(now) ms") }
        }
        if planner.agents.count > settings.agentsMax {
            violations.append("\(planner.agents.count) agents at \(now) ms")
        }
    }

    mutating func crash() {
        incarnation += 1
        excuses += planner.agents.count
        for name in nodes.keys { nodes[name]?.isExcused = true }
        isSubscribed = false
        offers = [:]
        planner = JenkinsPlanner(
            settings: settings, record: durable, seed: UInt64(incarnation) << 32 ^ random.state, at: moment)
        shownDrainedByHand = []
        schedule(.subscribe(incarnation: incarnation), after: random.milliseconds(50...2_000))
        startLoops(after: random.milliseconds(50...500))
    }
}
