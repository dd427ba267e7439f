// Decides everything the Jenkins framework does: queue, nodes, offers and task updates in; launches and retirements out.
import Resources

/// The pure core of the framework.
///
/// Demand is worked out from scratch at every poll and never accumulated; every offer is answered in the event that brings
/// it, but for those an agent is being registered for. What must survive a crash is written before a node is created:
/// from then on a restart finds the name, asks the master for its task, and either adopts or removes both.
public struct JenkinsPlanner: Equatable, Sendable {
    public enum Event: Equatable, Sendable {
        case persisted(revision: UInt64)

        case subscribed(FrameworkID)
        case disconnected
        case offersArrived([AgentOffer])
        case offerRescinded(OfferID)
        case taskUpdated(TaskUpdate)
        /// An accept may not have arrived.
        case launchUncertain([NodeName])

        case polled(JenkinsSnapshot)
        case pollFailed(String)
        /// The node exists and this is its secret.
        case nodeCreated(NodeName, AgentSecret)
        /// `mayExist`: the request may have been executed all the same.
        case nodeCreationFailed(NodeName, reason: String, mayExist: Bool)
        case nodeDrained(NodeName)
        case nodeDrainFailed(NodeName, reason: String)
        /// Deleted, or already gone.
        case nodeDeleted(NodeName)
        case nodeDeletionFailed(NodeName, reason: String)
        case itemLookedUp(QueueItemID, ItemFate?)
        case buildLookedUp(url: String, BuildView?)

        /// New templates and limits, effective at once. Agents of templates that are gone take no more builds and are
        /// retired.
        case reconfigured(PlannerSettings)

        /// Time has passed. Sent about once a second.
        case ticked
    }

    public enum Effect: Equatable, Sendable {
        case persist(revision: UInt64, PlannerRecord)

        case accept(LaunchOrder)
        case decline([OfferID], refuse: Duration)
        case acknowledge(TaskID, AgentID, uuid: [UInt8])
        case kill(TaskID, AgentID?)
        /// Empty: all tasks the master knows.
        case reconcile([TaskReference])
        case revive
        case suppress

        case createNode(NodeSpec)
        case createBeacon(NodeSpec)
        case drainNode(NodeName, reason: String)
        case deleteNode(NodeName)
        case lookUpItem(QueueItemID)
        case lookUpBuild(url: String)

        case report(Progress)
    }

    public internal(set) var settings: PlannerSettings
    package internal(set) var agents: [NodeName: AgentRecord] = [:]
    package internal(set) var frameworkID: FrameworkID?
    package internal(set) var isSubscribed = false
    var heldOffers: [OfferID: HeldOffer] = [:]
    var health: [TemplateName: TemplateHealth] = [:]
    /// Failures of the controller to create nodes.
    var registrar = TemplateHealth(backoffMin: .seconds(1), backoffMax: .seconds(60), failuresAllowed: 1)
    var controller = ControllerView()
    var labels = LabelResolution()
    var watch = BuildWatch()
    var beacons = BeaconKeeper()
    var waiting: [WaitingItem] = []
    var wish = OfferWish.suppressed
    var lastOfferAt: Instant?
    var launches: [Instant] = []
    /// Running tasks of ours that nobody knows, until a poll shows whether their node exists.
    var strays: [TaskID: StrayTask] = [:]
    /// Nodes of ours that nobody knows, and since when.
    var orphans: [NodeName: Instant] = [:]
    var reconcileAt: Instant?
    /// The first build of each single-use agent, as far as remembered.
    var singleUses: [NodeName: String] = [:]
    var singleUseViolations = 0
    private var names: NameGenerator
    private var revision: UInt64 = 0
    var isRecordChanged = false
    var hasNewRequests = false
    /// Effects of the step under way.
    var effects: [Effect] = []

    /// - Parameters:
    ///   - record: What an earlier run left behind. Its agents count as supply until the master or the controller says
    ///     otherwise.
    ///   - seed: Fresh chance for every run, so that names are never used twice.
    public init(settings: PlannerSettings, record: PlannerRecord, seed: UInt64, at now: Moment) {
        self.settings = settings
        names = NameGenerator(seed: seed)
        frameworkID = record.frameworkID
        for saved in record.agents {
            var agent = AgentRecord(
                name: saved.name, template: saved.template, executors: saved.executors, at: now.instant)
            agent.phase = .launching
            agent.task = .launched
            agent.agentID = saved.agentID
            agent.hostname = saved.hostname
            agent.sawBuild = saved.sawBuild
            agents[saved.name] = agent
        }
    }

    /// Whether something is waiting or changing, so that polls are worth their price.
    public var isBusy: Bool { !agents.isEmpty || !controller.items.isEmpty || watch.isFollowing }

    public mutating func step(_ event: Event, at now: Moment) -> [Effect] {
        effects = []
        hasNewRequests = false
        handle(event, at: now)
        settleAgents(at: now.instant)
        settleOfferWish(at: now.instant)
        if isRecordChanged {
            isRecordChanged = false
            revision += 1
            effects.insert(.persist(revision: revision, record), at: 0)
        }
        defer { effects = [] }
        return effects
    }

    private mutating func handle(_ event: Event, at now: Moment) {
        switch event {
        case .persisted(let revision): persisted(upTo: revision, at: now.instant)
        case .subscribed(let id): subscribed(as: id, at: now.instant)
        case .disconnected: disconnected(at: now.instant)
        case .offersArrived(let offers): offersArrived(offers, at: now)
        case .offerRescinded(let offer): offerLost(offer, at: now.instant)
        case .taskUpdated(let update): taskUpdated(update, at: now.instant)
        case .launchUncertain(let names): reconcile(names.sorted().compactMap { agents[$0] })
        case .polled(let snapshot): polled(snapshot, at: now.instant)
        case .pollFailed(let reason): pollFailed(reason)
        case .nodeCreated(let name, let secret): nodeCreated(name, secret, at: now.instant)
        case .nodeCreationFailed(let name, let reason, let mayExist):
            nodeCreationFailed(name, reason, mayExist: mayExist, at: now.instant)
        case .nodeDrained(let name): nodeDrained(name, at: now.instant)
        case .nodeDrainFailed(let name, _): retryLater(name, at: now.instant)
        case .nodeDeleted(let name): nodeDeleted(name, at: now.instant)
        case .nodeDeletionFailed(let name, _): retryLater(name, at: now.instant)
        case .itemLookedUp(let id, let fate): watched(watch.itemLookedUp(id, fate, at: now.instant), at: now.instant)
        case .buildLookedUp(let url, let view):
            watched(watch.buildLookedUp(url, view, at: now.instant), at: now.instant)
        case .reconfigured(let settings): self.settings = settings
        case .ticked: break
        }
    }

    // MARK: - Parts every topic uses

    /// The agents of a phase or quality, in the order of their names.
    func agents(where isIncluded: (AgentRecord) -> Bool) -> [AgentRecord] {
        agents.values.filter(isIncluded).sorted { $0.name < $1.name }
    }

    mutating func update(_ name: NodeName, _ change: (inout AgentRecord) -> Void) {
        guard var agent = agents[name] else { return }
        change(&agent)
        agents[name] = agent
    }

    mutating func newName(_ template: TemplateName) -> NodeName {
        while true {
            let name = names.next(template)
            if agents[name] == nil { return name }
        }
    }

    mutating func remove(_ name: NodeName) {
        guard let agent = agents.removeValue(forKey: name) else { return }
        isRecordChanged = true
        if agent.phase != .requested { effects.append(.report(.agentRemoved(name))) }
    }

    mutating func deleteNode(of name: NodeName, at now: Instant) {
        update(name) { $0.enter(.deleting, at: now) }
        effects.append(.deleteNode(name))
    }

    mutating func drain(_ name: NodeName, because reason: String, at now: Instant) {
        update(name) { $0.enter(.draining(.asked), at: now) }
        effects.append(.drainNode(name, reason: Self.drainPrefix + reason))
    }

    /// The master answers with the latest state, or that it knows no such task.
    mutating func reconcile(_ agents: [AgentRecord]) {
        let tasks = agents.filter { $0.task != .none && $0.task != .ended }.map {
            TaskReference(task: $0.taskID, agent: $0.agentID)
        }
        if !tasks.isEmpty { effects.append(.reconcile(tasks)) }
    }

    /// Is in every offline reason we set, so that a restart tells our drains from an operator's.
    static let drainPrefix = "jenkins-framework: "

    /// What the state file must say now. Agents without a node and a task are not worth remembering.
    var record: PlannerRecord {
        let saved = agents(where: { $0.phase != .requested }).map {
            PlannerRecord.Agent(
                name: $0.name, template: $0.template, executors: $0.executors, agentID: $0.agentID,
                hostname: $0.hostname, sawBuild: $0.sawBuild)
        }
        return PlannerRecord(frameworkID: frameworkID, agents: saved)
    }

    /// The revision that a change made in this step will be written under.
    var revisionOfThisStep: UInt64 { revision + 1 }
}
