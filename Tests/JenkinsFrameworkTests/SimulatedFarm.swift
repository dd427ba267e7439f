// A toy controller and a toy cluster in virtual time around the real planner: queues builds, loses answers, crashes.
import Resources

@testable import JenkinsFramework

/// Numbers that follow from a seed.
struct FarmRandom {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) >> 1) % bound
    }

    mutating func milliseconds(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// Which things go wrong, in percent of the occasions.
struct FarmFaults {
    var lostAnswers = 0
    var lostRequests = 0
    var failedPolls = 0
    var failedStarts = 0
    var rescinds = 0
    var disconnections = 0
    var crashes = 0

    static let none = FarmFaults()
    var isNone: Bool {
        lostAnswers + lostRequests + failedPolls + failedStarts + rescinds + disconnections + crashes == 0
    }
}

struct SimulatedFarm {
    struct Build {
        var label: String
        var duration: Int
        var starts = 0
        var isDone = false
        var node: String?
    }
    struct Node {
        var labels: [String]
        var executors: Int
        var description: String
        var isConnected = false
        var isDrained = false
        var running: [QueueItemID] = []
        var buildsRun = 0
    }
    struct Task {
        var host: String
        var state: TaskUpdate.State
    }
    enum Happening {
        case deliver(JenkinsPlanner.Event, incarnation: Int)
        case poll(incarnation: Int)
        case queueBuild(QueueItemID)
        case endBuild(QueueItemID)
        case execute(JenkinsPlanner.Effect, incarnation: Int)
        case writeState(UInt64, PlannerRecord, incarnation: Int)
        case taskRuns(TaskID)
        case taskConnects(TaskID)
        case taskDies(TaskID)
        case offerRound
        case subscribe(incarnation: Int)
    }

    var now = 0  // Milliseconds.
    var timeline: [(due: Int, order: Int, Happening)] = []
    var order = 0
    var random: FarmRandom
    var faults: FarmFaults
    var violations: [String] = []

    var planner: JenkinsPlanner
    let settings: PlannerSettings
    var incarnation = 0
    var durable = PlannerRecord()

    var builds: [QueueItemID: Build] = [:]
    var queue: [QueueItemID] = []
    var nodes: [String: Node] = [:]
    var created: [String] = []
    /// Agents that came to nothing, each of which excuses one more.
    var excuses = 0

    var isSubscribed = false
    var isSuppressed = true
    var tasks: [TaskID: Task] = [:]
    var undelivered: [TaskUpdate] = []
    var offers: [OfferID: String] = [:]
    var filteredUntil: [String: Int] = [:]
    var offerCount = 0
    let hosts = ["h1", "h2", "h3"]
    let slotsPerHost = 4

    init(seed: UInt64, faults: FarmFaults, settings: PlannerSettings) {
        random = FarmRandom(state: seed)
        self.faults = faults
        self.settings = settings
        planner = JenkinsPlanner(
            settings: settings, record: PlannerRecord(), seed: seed,
            at: Moment(instant: .zero, wall: .init(nanoseconds: 0)))
        schedule(.subscribe(incarnation: 0), after: 10)
        schedule(.poll(incarnation: 0), after: 20)
        schedule(.offerRound, after: 50)
    }

    var moment: Moment {
        Moment(
            instant: Instant(nanoseconds: Int64(now) * 1_000_000), wall: WallTime(nanoseconds: Int64(now) * 1_000_000))
    }

    mutating func schedule(_ happening: Happening, after milliseconds: Int) {
        order += 1
        let entry = (due: now + milliseconds, order: order, happening)
        let index = timeline.firstIndex { ($0.due, $0.order) > (entry.due, entry.order) } ?? timeline.count
        timeline.insert(entry, at: index)
    }

    /// Runs until nothing is left to do or the time is over. True if everything came to rest.
    mutating func run(until end: Int) -> Bool {
        while let next = timeline.first, next.due <= end {
            timeline.removeFirst()
            now = next.due
            happen(next.2)
            if isAtRest { return true }
        }
        return isAtRest
    }

    var isAtRest: Bool {
        builds.values.allSatisfy(\.isDone) && nodes.isEmpty && tasks.values.allSatisfy { $0.state.isTerminal }
            && planner.agents.isEmpty && now > 0 && !builds.isEmpty
            && !timeline.contains {
                if case .queueBuild = $0.2 { true } else { false }
            }
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .deliver(let event, incarnation): step(event)
        case .poll(incarnation): poll()
        case .queueBuild(let id):
            queue.append(id)
            assignBuilds()
        case .endBuild(let id): endBuild(id)
        case .execute(let effect, let from): execute(effect, from)
        case .writeState(let revision, let record, incarnation):
            durable = record
            step(.persisted(revision: revision))
        case .taskRuns(let task): taskRuns(task)
        case .taskConnects(let task):
            guard tasks[task]?.state == .running else { return }
            nodes[task.value]?.isConnected = true
            assignBuilds()
        case .taskDies(let task): endTask(task, .failed)
        case .offerRound:
            makeOffers()
            schedule(.offerRound, after: 200)
        case .subscribe(incarnation):
            isSubscribed = true
            isSuppressed = true
            step(.subscribed("fw-1"))
            for update in undelivered { send(update) }
            undelivered = []
        case .deliver, .poll, .writeState, .subscribe: break  // Of a process that is gone.
        }
    }

    // MARK: - The framework

    mutating func step(_ event: JenkinsPlanner.Event) {
        for effect in planner.step(event, at: moment) {
            if case .persist(let revision, let record) = effect {
                schedule(.writeState(revision, record, incarnation: incarnation), after: 3)
            } else {
                schedule(.execute(effect, incarnation: incarnation), after: random.milliseconds(1...40))
            }
        }
        if random.below(1_000) < faults.crashes { crash() }
    }

    private mutating func crash() {
        incarnation += 1
        excuses += planner.agents.count
        isSubscribed = false
        offers = [:]
        planner = JenkinsPlanner(
            settings: settings, record: durable, seed: UInt64(incarnation) << 32 ^ random.state, at: moment)
        schedule(.subscribe(incarnation: incarnation), after: random.milliseconds(50...2_000))
        schedule(.poll(incarnation: incarnation), after: random.milliseconds(50...500))
    }

    private mutating func poll() {
        schedule(.poll(incarnation: incarnation), after: 400)
        if random.chance(faults.failedPolls) { return step(.pollFailed("timed out")) }
        if random.chance(faults.disconnections), isSubscribed { disconnect() }
        let startedAt = moment.instant
        let computers = nodes.keys.sorted().compactMap { name -> Computer? in
            guard let node = nodes[name] else { return nil }
            return Computer(
                name: name, description: node.description, isOffline: !node.isConnected || node.isDrained,
                isTemporarilyOffline: node.isDrained, offlineReason: node.isDrained ? "jenkins-framework: x" : "",
                labels: node.labels + [name],
                executors: (0..<node.executors).map { index in
                    .init(
                        isIdle: index >= node.running.count,
                        buildURL: index < node.running.count ? "http://j/job/b/\(node.running[index])/" : nil)
                }, isIdle: node.running.isEmpty)
        }
        let items = queue.map { id in
            QueueItem(
                id: id, phase: .buildable, taskName: "b", label: .text(builds[id]?.label ?? ""), inQueueSince: Int64(id)
            )
        }
        let snapshot = JenkinsSnapshot(startedAt: startedAt, session: "s", items: items, computers: computers)
        schedule(.deliver(.polled(snapshot), incarnation: incarnation), after: random.milliseconds(5...60))
        schedule(.deliver(.ticked, incarnation: incarnation), after: 200)
    }

    // MARK: - Effects

    private mutating func execute(_ effect: JenkinsPlanner.Effect, _ from: Int) {
        switch effect {
        case .createNode(let node):
            controllerRequest(from, lost: .nodeCreationFailed(node.name, reason: "lost", mayExist: true)) { farm in
                guard farm.nodes[node.name.value] == nil, !farm.created.contains(node.name.value) else {
                    farm.violations.append("name \(node.name) used twice")
                    return .nodeCreationFailed(node.name, reason: "in use", mayExist: false)
                }
                farm.created.append(node.name.value)
                farm.nodes[node.name.value] = Node(
                    labels: node.labels, executors: node.executors, description: node.description)
                return .nodeCreated(node.name, AgentSecret("x"))
            }
        case .drainNode(let name, _):
            controllerRequest(from, lost: .nodeDrainFailed(name, reason: "lost")) { farm in
                farm.nodes[name.value]?.isDrained = true
                return .nodeDrained(name)
            }
        case .deleteNode(let name):
            controllerRequest(from, lost: .nodeDeletionFailed(name, reason: "lost")) { farm in
                if let node = farm.nodes[name.value], !node.running.isEmpty {
                    farm.violations.append("\(name) was deleted under a build at \(farm.now) ms")
                }
                farm.nodes[name.value] = nil
                return .nodeDeleted(name)
            }
        case .lookUpItem(let id):
            let build = builds[id]
            let fate: ItemFate = (build?.starts ?? 0) > 0 ? .started(buildURL: "http://j/job/b/\(id)/") : .unknown
            schedule(.deliver(.itemLookedUp(id, fate), incarnation: from), after: 10)
        case .lookUpBuild(let url):
            let id = QueueItemID(url.split(separator: "/").last ?? "") ?? 0
            let build = builds[id]
            let view = build.map {
                BuildView(
                    displayName: "b", isBuilding: !$0.isDone, result: $0.isDone ? "SUCCESS" : nil, duration: .zero,
                    builtOn: $0.node ?? "")
            }
            schedule(.deliver(.buildLookedUp(url: url, view), incarnation: from), after: 10)
        case .accept, .decline, .kill, .reconcile, .revive, .suppress, .acknowledge:
            // Calls of a dead process or a broken subscription are lost with it.
            guard from == incarnation, isSubscribed else { return }
            masterTakes(effect)
        case .persist, .createBeacon, .report:
            break
        }
    }

    private mutating func controllerRequest(
        _ from: Int, lost: JenkinsPlanner.Event, _ work: (inout SimulatedFarm) -> JenkinsPlanner.Event
    ) {
        let delay = random.milliseconds(5...150)
        if random.chance(faults.lostRequests) {
            excuses += 1
            return schedule(.deliver(lost, incarnation: from), after: delay)
        }
        let answer = work(&self)
        let isLost = random.chance(faults.lostAnswers)
        if isLost { excuses += 1 }
        schedule(.deliver(isLost ? lost : answer, incarnation: from), after: delay)
    }

    // MARK: - The controller

    private mutating func assignBuilds() {
        for id in queue {
            guard let build = builds[id] else { continue }
            let free = nodes.keys.sorted().first { name in
                guard let node = nodes[name] else { return false }
                return node.isConnected && !node.isDrained && node.running.count < node.executors
                    && LabelExpression(build.label)?.matches(Set(node.labels + [name])) ?? true
            }
            guard let free else { continue }
            queue.removeAll { $0 == id }
            builds[id]?.starts += 1
            builds[id]?.node = free
            nodes[free]?.running.append(id)
            nodes[free]?.buildsRun += 1
            schedule(.endBuild(id), after: build.duration)
        }
    }

    private mutating func endBuild(_ id: QueueItemID) {
        guard let name = builds[id]?.node else { return }
        if nodes[name]?.running.contains(id) != true {
            violations.append("build \(id) lost its node \(name)")
        }
        nodes[name]?.running.removeAll { $0 == id }
        builds[id]?.isDone = true
        assignBuilds()
    }

    // MARK: - The cluster

    private mutating func disconnect() {
        isSubscribed = false
        offers = [:]
        excuses += planner.agents.values.count { $0.heldOffer != nil || $0.phase == .launching }
        step(.disconnected)
        schedule(.subscribe(incarnation: incarnation), after: random.milliseconds(50...3_000))
    }

    private func free(on host: String) -> Int {
        slotsPerHost - tasks.values.count { $0.host == host && !$0.state.isTerminal }
    }

    private mutating func makeOffers() {
        guard isSubscribed, !isSuppressed else { return }
        for host in hosts
        where free(on: host) > 0 && !offers.values.contains(host) && filteredUntil[host, default: 0] <= now {
            offerCount += 1
            let id = OfferID("o\(offerCount)")
            offers[id] = host
            let units = free(on: host)
            let offer = AgentOffer(
                id: id, agentID: AgentID(host), hostname: host,
                resources: Resources(cpus: Scalar(milli: Int64(units) * 200), mem: Scalar(units: units * 704)))
            schedule(.deliver(.offersArrived([offer]), incarnation: incarnation), after: 5)
            if random.chance(faults.rescinds) {
                offers[id] = nil
                excuses += 4
                schedule(.deliver(.offerRescinded(id), incarnation: incarnation), after: random.milliseconds(6...300))
            }
        }
    }

    private mutating func masterTakes(_ effect: JenkinsPlanner.Effect) {
        switch effect {
        case .accept(let order):
            let host = offers.removeValue(forKey: order.offer)
            for agent in order.agents {
                let task = TaskID(agent.name.value)
                guard let host else {
                    excuses += 1
                    send(TaskUpdate(task: task, state: .dropped, cause: .infrastructure))
                    continue
                }
                if tasks[task] != nil { violations.append("task \(task) launched twice") }
                tasks[task] = Task(host: host, state: .staging)
                if free(on: host) < 0 { violations.append("\(host) was promised twice") }
                schedule(.taskRuns(task), after: random.milliseconds(50...800))
            }
        case .decline(let ids, let refuse):
            for id in ids {
                if let host = offers.removeValue(forKey: id) {
                    filteredUntil[host] = now + Int(refuse.components.seconds) * 1_000
                }
            }
        case .kill(let task, _):
            if let current = tasks[task] {
                if nodes[task.value]?.running.isEmpty == false {
                    violations.append("\(task) was killed under a build at \(now) ms")
                }
                if current.state.isTerminal { send(TaskUpdate(task: task, state: current.state)) }
                endTask(task, .killed)
            } else {
                send(TaskUpdate(task: task, state: .gone, cause: .infrastructure))
            }
        case .reconcile(let references):
            let asked =
                references.isEmpty ? tasks.keys.filter { tasks[$0]?.state.isTerminal == false } : references.map(\.task)
            for task in asked.sorted() {
                send(TaskUpdate(task: task, state: tasks[task]?.state ?? .gone, cause: .infrastructure))
            }
        case .revive:
            isSuppressed = false
            filteredUntil = [:]
            makeOffers()
        case .suppress:
            isSuppressed = true
        default:
            break
        }
    }

    private mutating func taskRuns(_ task: TaskID) {
        guard tasks[task]?.state == .staging else { return }
        if random.chance(faults.failedStarts) {
            excuses += 1
            return endTask(task, .failed)
        }
        tasks[task]?.state = .running
        send(TaskUpdate(task: task, agent: AgentID(tasks[task]?.host ?? ""), state: .running, uuid: [1]))
        schedule(.taskConnects(task), after: random.milliseconds(50...1_500))
    }

    private mutating func endTask(_ task: TaskID, _ state: TaskUpdate.State) {
        guard let current = tasks[task], !current.state.isTerminal else { return }
        tasks[task]?.state = state
        nodes[task.value]?.isConnected = false
        send(TaskUpdate(task: task, agent: AgentID(current.host), state: state, uuid: [2]))
    }

    private mutating func send(_ update: TaskUpdate) {
        guard isSubscribed else { return undelivered.append(update) }
        schedule(.deliver(.taskUpdated(update), incarnation: incarnation), after: random.milliseconds(1...30))
    }
}
