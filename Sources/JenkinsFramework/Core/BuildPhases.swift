// Where each build's time goes: put together from what the planner is told and what it does, without a part in its decisions.
import Resources

/// A build that has ended, or the part of a pipeline that ran on one agent.
package struct FinishedBuild: Equatable, Sendable {
    package var url: String
    package var node: String
    package var job: String
    package var number: Int
    package var label: String
    package var template: String
    package var host: String
    package var result: String
    package var startedAt: WallTime
    package var duration: Duration
    /// Of the whole agent; nil for a node that is not ours.
    package var asked: Resources?
    package var isShared: Bool
    package var wasOutOfMemory: Bool
    package var phases: PhaseSpans

    /// Tells builds apart.
    var key: String { url + " " + node }
}

/// How long a build was in each phase; nil if it did not go through it, or nobody saw it.
package struct PhaseSpans: Equatable, Sendable {
    package var queued: Duration?
    package var offered: Duration?
    package var pulled: Duration?
    package var started: Duration?
    package var connected: Duration?
    package var assigned: Duration?
    package var ran: Duration?
}

/// A build on an executor of one of our agents.
package struct RunningBuild: Hashable, Sendable {
    package var url: String
    package var node: NodeName
    package var agentID: AgentID?
}

/// Follows queue items, agents and builds by the events and effects of the planner.
package struct BuildPhases: Equatable, Sendable {
    struct Item: Equatable, Sendable {
        var label = ""
        var queuedAt: Instant
        var buildableAt: Instant?
    }

    /// The landmarks of an agent's way to the controller.
    struct Agent: Equatable, Sendable {
        var template: TemplateName
        var host = ""
        var executors = 1
        var agentID: AgentID?
        var asked: Resources?
        var offeredAt: Instant?
        /// The task reported that it is being started: its image is there.
        var pulledAt: Instant?
        var runningAt: Instant?
        var connectedAt: Instant?
        var wasOutOfMemory = false
        var isGone = false
        /// Launched by an earlier run of the framework.
        var isAdopted = false
    }

    struct Run: Equatable, Sendable {
        var url: String
        var node: String
        var item: QueueItemID?
        /// When it was first seen on its executor, or first heard of.
        var seenAt: Moment
        var wasExecuting = false
        var leftAt: Instant?
        var wasOutOfMemory = false
    }

    struct Key: Hashable, Comparable, Sendable {
        var url: String
        var node: String

        static func < (left: Key, right: Key) -> Bool { (left.url, left.node) < (right.url, right.node) }
    }

    /// A build that an earlier run of the framework saw begin.
    struct Remembered: Equatable, Sendable {
        var item: QueueItemID?
        var seenAt: Moment
    }

    private static let itemsMax = 20_000
    static let runsMax = 5_000
    /// Of items that wait only the latest are written down.
    static let waitingMax = 1_000
    static let agentsMax = 20_000
    /// A build that has left its executor and of which the controller does not say the end is given up after this.
    private static let giveUp = Duration.seconds(3_600)

    var items: [QueueItemID: Item] = [:]
    var agents: [NodeName: Agent] = [:]
    var runs: [Key: Run] = [:]
    /// Builds that queue items became, until they are seen on an executor.
    var becoming: [String: [QueueItemID]] = [:]
    /// What an earlier run kept, until the first look at the computers tells what of it is still there.
    var remembered: [Key: Remembered] = [:]
    var landmarksBefore: [NodeName: Agent] = [:]
    var hasSeenComputers = false
    /// Agents launched, and agents whose task ended before they connected, since the framework started.
    package private(set) var launches: [TemplateName: Int] = [:]
    package private(set) var launchFailures: [TemplateName: Int] = [:]

    package init() {}

    /// Builds that are on an executor of an agent of ours, in the order of their addresses.
    package var running: [RunningBuild] {
        runs.keys.sorted().compactMap { key in
            guard let run = runs[key], run.wasExecuting, run.leftAt == nil, let agent = agents[NodeName(key.node)]
            else { return nil }
            return RunningBuild(url: key.url, node: NodeName(key.node), agentID: agent.agentID)
        }
    }

    /// Nodes of our agents.
    var nodes: Set<NodeName> { Set(agents.keys) }

    /// Nodes of agents that were launched since the framework started.
    var launchedNodes: Set<NodeName> { Set(agents.filter { !$0.value.isAdopted }.keys) }

    func agentID(of node: NodeName) -> AgentID? { agents[node]?.agentID }

    /// The kernel killed something in the container of a node for want of memory: what runs there has too little.
    mutating func noteMemoryKill(on node: NodeName) {
        for key in runs.keys where key.node == node.value { runs[key]?.wasOutOfMemory = true }
    }

    /// Everything but what is counted from the start on.
    mutating func forgetBuilds() {
        let counts = (launches, launchFailures)
        self = BuildPhases()
        (launches, launchFailures) = counts
    }

    /// Whether the end of a build has still to be told.
    package func isKnown(_ build: RunningBuild) -> Bool { runs[Key(url: build.url, node: build.node.value)] != nil }

    // MARK: - What happens

    /// - Parameters:
    ///   - event: What the planner was told, and `effects`: what it did about it.
    ///   - records: Its agents after the event.
    /// - Returns: Builds that have ended.
    package mutating func observe(
        _ event: JenkinsPlanner.Event, _ effects: [JenkinsPlanner.Effect], records: [NodeName: AgentRecord],
        at now: Moment
    ) -> [FinishedBuild] {
        if case .polled(let snapshot) = event { for item in snapshot.items { noteItem(item, at: now) } }
        for effect in effects { note(effect, records, at: now.instant) }
        switch event {
        case .polled(let snapshot): return polled(snapshot, records, at: now)
        case .taskUpdated(let update): updated(update, at: now.instant)
        case .itemLookedUp(let id, let fate): lookedUp(id, fate, at: now)
        case .buildLookedUp(let url, let view?): return lookedUp(url, view, at: now)
        default: break
        }
        return []
    }

    private mutating func note(_ effect: JenkinsPlanner.Effect, _ records: [NodeName: AgentRecord], at now: Instant) {
        switch effect {
        case .report(.queued(let id, _, let label)):
            items[id]?.label = label
        case .report(.agentStarting(let node, let template, let host)):
            guard agents.count < Self.agentsMax else { return }
            agents[node] = Agent(
                template: template, host: host, executors: records[node]?.executors ?? 1,
                agentID: records[node]?.agentID, offeredAt: now)
        case .report(.agentConnected(let node, _)):
            if agents[node]?.connectedAt == nil { agents[node]?.connectedAt = now }
        case .accept(let order):
            for agent in order.agents {
                agents[agent.name]?.asked = agent.resources
                agents[agent.name]?.agentID = order.agentID
                launches[agent.template, default: 0] += 1
            }
        default:
            break
        }
    }

    private mutating func updated(_ update: TaskUpdate, at now: Instant) {
        let node = NodeName(update.task.value)
        guard var agent = agents[node] else { return }
        switch update.state {
        case .starting: agent.pulledAt = agent.pulledAt ?? now
        case .running: agent.runningAt = agent.runningAt ?? now
        default: break
        }
        if update.state.isTerminal, !agent.isGone {
            agent.isGone = true
            agent.wasOutOfMemory = update.isOutOfMemory
            if agent.connectedAt == nil, update.cause == .task { launchFailures[agent.template, default: 0] += 1 }
            if update.isOutOfMemory {
                for key in runs.keys where key.node == node.value && runs[key]?.leftAt == nil {
                    runs[key]?.wasOutOfMemory = true
                }
            }
        }
        agents[node] = agent
    }

    // MARK: - Polls

    private mutating func polled(
        _ snapshot: JenkinsSnapshot, _ records: [NodeName: AgentRecord], at now: Moment
    ) -> [FinishedBuild] {
        if let computers = snapshot.computers {
            adopt(records)
            var executing: Set<Key> = []
            for computer in computers where !computer.isBuiltIn {
                for url in computer.executors.compactMap(\.buildURL) {
                    let key = Key(url: url, node: computer.name)
                    executing.insert(key)
                    begin(key, isExecuting: true, at: now)
                }
            }
            for key in runs.keys where !executing.contains(key) {
                if runs[key]?.wasExecuting ?? false, runs[key]?.leftAt == nil { runs[key]?.leftAt = now.instant }
            }
            hasSeenComputers = true
            (remembered, landmarksBefore) = ([:], [:])
        }
        forget(snapshot, records)
        return givenUp(at: now.instant)
    }

    private mutating func noteItem(_ item: QueueItem, at now: Moment) {
        guard items[item.id] != nil || items.count < Self.itemsMax else { return }
        var known = items[item.id] ?? Item(queuedAt: Self.instant(ofMilliseconds: item.inQueueSince, at: now))
        if item.phase == .buildable, known.buildableAt == nil {
            // An item seen for the first time may have been buildable ever since it came.
            known.buildableAt = items[item.id] == nil ? known.queuedAt : now.instant
        }
        items[item.id] = known
    }

    /// The controller's clock is believed within a day; a queue entry from the future began now.
    private static func instant(ofMilliseconds milliseconds: Int64, at now: Moment) -> Instant {
        let age = Duration.nanoseconds(now.wall.nanoseconds) - .milliseconds(milliseconds)
        return age > .zero && age < .seconds(86_400) ? now.instant.advanced(by: .zero - age) : now.instant
    }

    /// Agents that an earlier run of the framework started.
    private mutating func adopt(_ records: [NodeName: AgentRecord]) {
        for (node, record) in records where record.phase != .requested {
            if agents[node] == nil, agents.count < Self.agentsMax {
                agents[node] = Agent(
                    template: record.template, host: record.hostname, executors: record.executors,
                    agentID: record.agentID, isAdopted: true)
                if let earlier = landmarksBefore[node] { agents[node]?.take(earlier) }
            }
            if agents[node]?.agentID == nil { agents[node]?.agentID = record.agentID }
        }
    }

    private mutating func begin(_ key: Key, isExecuting: Bool, at now: Moment) {
        if runs[key] == nil {
            guard runs.count < Self.runsMax else { return }
            let earlier = remembered[key]
            runs[key] = Run(url: key.url, node: key.node, item: earlier?.item, seenAt: earlier?.seenAt ?? now)
        }
        if runs[key]?.item == nil {
            let item = takeItem(of: key.url)
            runs[key]?.item = item
        }
        if isExecuting {
            runs[key]?.wasExecuting = true
            runs[key]?.leftAt = nil
        }
    }

    private mutating func takeItem(of url: String) -> QueueItemID? {
        guard var waiting = becoming[url], !waiting.isEmpty else { return nil }
        let first = waiting.removeFirst()
        becoming[url] = waiting.isEmpty ? nil : waiting
        return first
    }

    // MARK: - Answers

    private mutating func lookedUp(_ id: QueueItemID, _ fate: ItemFate?, at now: Moment) {
        switch fate {
        case .cancelled: items[id] = nil
        case .started(let url):
            let known = runs.filter { $0.key.url == url && $0.value.item == nil }.keys.min()
            if let known {
                runs[known]?.item = id
            } else if becoming.count < Self.runsMax, items[id] != nil {
                becoming[url, default: []].append(id)
            }
        case .unknown, nil: break
        }
    }

    private mutating func lookedUp(_ url: String, _ view: BuildView, at now: Moment) -> [FinishedBuild] {
        let known = runs.keys.filter { $0.url == url }
        if known.isEmpty, !view.builtOn.isEmpty {
            begin(Key(url: url, node: view.builtOn), isExecuting: false, at: now)
        }
        guard !view.isBuilding else { return [] }
        let keys = runs.keys.filter { $0.url == url }.sorted()
        return keys.compactMap { finish($0, view, isAlone: keys.count == 1, at: now.instant) }
    }

    private mutating func givenUp(at now: Instant) -> [FinishedBuild] {
        let overdue = runs.filter { $0.value.leftAt.map { $0.duration(to: now) >= Self.giveUp } ?? false }
        return overdue.keys.sorted().compactMap { finish($0, nil, isAlone: false, at: now) }
    }

    private mutating func finish(_ key: Key, _ view: BuildView?, isAlone: Bool, at now: Instant) -> FinishedBuild? {
        guard let run = runs.removeValue(forKey: key) else { return nil }
        let (job, number) = Self.jobAndNumber(key.url)
        let agent = agents[NodeName(key.node)]
        let item = run.item.flatMap { items[$0] }
        if let id = run.item { items[id] = nil }
        var began = run.seenAt
        let ended = run.leftAt ?? now
        var duration = began.instant.duration(to: ended)
        // One build on one node: the controller knows best how long it was, and a short one was never seen at all.
        if let view, isAlone, !run.wasExecuting || view.duration > .zero {
            duration = view.duration
            if !run.wasExecuting { began = began.advanced(by: .zero - view.duration) }
        }
        return FinishedBuild(
            url: key.url, node: key.node, job: job, number: number, label: item?.label ?? "",
            template: agent?.template.value ?? "", host: agent?.host ?? "", result: view?.result ?? "UNKNOWN",
            startedAt: began.wall, duration: duration, asked: agent?.asked, isShared: (agent?.executors ?? 1) > 1,
            wasOutOfMemory: run.wasOutOfMemory,
            phases: Self.spans(item: item, agent: agent, began: began.instant, ran: duration))
    }

    /// What nobody needs any more: items that left without becoming a build, agents that have gone.
    private mutating func forget(_ snapshot: JenkinsSnapshot, _ records: [NodeName: AgentRecord]) {
        if items.count > snapshot.items.count + 2_000 {
            let needed = Set(snapshot.items.map(\.id)).union(runs.values.compactMap(\.item))
                .union(becoming.values.joined())
            items = items.filter { needed.contains($0.key) }
        }
        let inUse = Set(runs.keys.map(\.node))
        agents = agents.filter { records[$0.key] != nil || inUse.contains($0.key.value) }
        if becoming.count > 2_000 {
            let addresses = Set(runs.keys.map(\.url))
            becoming = becoming.filter { addresses.contains($0.key) }
        }
    }

    // MARK: - Spans

    /// The time between queue and start, cut at the landmarks of the agent. What the agent did before the build could use
    /// it is no time of the build.
    static func spans(item: Item?, agent: Agent?, began: Instant, ran: Duration) -> PhaseSpans {
        var spans = PhaseSpans(ran: max(ran, .zero))
        guard let item else { return spans }
        let buildable = min(item.buildableAt ?? began, began)
        spans.queued = max(item.queuedAt.duration(to: buildable), .zero)
        var last = buildable
        let cut = { (landmark: Instant?) -> Duration? in
            guard let landmark, landmark > last else { return nil }
            let end = min(landmark, began)
            defer { last = max(last, end) }
            return max(last.duration(to: end), .zero)
        }
        spans.offered = cut(agent?.offeredAt)
        spans.pulled = cut(agent?.pulledAt)
        spans.started = cut(agent?.runningAt)
        spans.connected = cut(agent?.connectedAt)
        spans.assigned = max(last.duration(to: began), .zero)
        return spans
    }

    /// `…/job/folder/job/name/7/` → `folder/name` and 7.
    static func jobAndNumber(_ url: String) -> (job: String, number: Int) {
        let name = BuildWatch.name(fromURL: url)
        guard let range = name.range(of: " #"), let number = Int(name[range.upperBound...]) else { return (name, 0) }
        return (String(name[..<range.lowerBound]), number)
    }
}

extension String {
    /// Without Foundation: the last place where `text` stands.
    fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).last }
}
