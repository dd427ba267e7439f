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
        /// What `watchPlan` asked for.
        case watched(NodeWatch)
        /// The node exists and this is its secret.
        case nodeCreated(NodeName, AgentSecret)
        /// `mayExist`: the request may have been executed all the same.
        case nodeCreationFailed(NodeName, reason: String, mayExist: Bool)
        case nodeDrained(NodeName)
        case nodeDrainFailed(NodeName, reason: String)
        /// It takes builds now.
        case nodeOpened(NodeName)
        /// Somebody else drained it; it was left as it is.
        case nodeOpenRefused(NodeName)
        /// `mayBeOpen`: the request may have been executed all the same, or will be.
        case nodeOpenFailed(NodeName, reason: String, mayBeOpen: Bool)
        /// Deleted, or already gone.
        case nodeDeleted(NodeName)
        case nodeDeletionFailed(NodeName, reason: String)
        case itemLookedUp(QueueItemID, ItemFate?)
        case buildLookedUp(url: String, BuildView?)
        /// nil if it could not be read.
        case jobLabelLookedUp(job: String, QueueItem.LabelField?)

        /// What the builds of jobs were measured to need, by the jobs' full names; replaces what was said before.
        case sizesAdvised([String: Resources])
        /// A build of this job was killed for want of memory; it had so many MiB.
        case ranOutOfMemory(job: String, had: Scalar)

        /// New templates and limits, effective at once. Agents of templates that are gone take no more builds and are
        /// retired.
        case reconfigured(PlannerSettings)

        /// Time has passed. Sent a few times a second.
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
        /// Lets builds in again, if it is drained and the reason shown is one of ours.
        case openNode(NodeName)
        /// The same for an agent with a gate: it must be closed even if this process dies.
        case openGate(NodeName)
        case deleteNode(NodeName)
        /// Only if a look just before still shows it drained and idle; else the deletion has failed. The controller itself
        /// knows no such condition: whoever opens the node between the look and the deletion loses what it is given.
        case deleteDrainedNode(NodeName)
        case lookUpItem(QueueItemID)
        case lookUpBuild(url: String)
        /// Reads the label in the configuration of the job at this address.
        case lookUpJobLabel(job: String)

        case report(Progress)
    }

    public internal(set) var settings: PlannerSettings
    package internal(set) var agents: [NodeName: AgentRecord] = [:]
    package internal(set) var frameworkID: FrameworkID?
    package internal(set) var isSubscribed = false
    var subscribedAt: Instant?
    var heldOffers: [OfferID: HeldOffer] = [:]
    var health: [TemplateName: TemplateHealth] = [:]
    /// Failures of the controller to create nodes.
    var registrar = TemplateHealth(backoffMin: .seconds(1), backoffMax: .seconds(60), failuresAllowed: 1)
    var hosts = HostMemory()
    var controller = ControllerView()
    var labels = LabelResolution()
    var sizes = SizeAdvice()
    var watch = BuildWatch()
    var pace = PollPace()
    var beacons = BeaconKeeper()
    var waiting: [WaitingItem] = []
    var wish = OfferWish.suppressed
    var lastOfferAt: Instant?
    var launches: [Instant] = []
    /// Running tasks of ours that nobody knows, until a poll shows whether their node exists.
    var strays: [TaskID: StrayTask] = [:]
    /// Nodes of ours that nobody knows.
    var orphans: [NodeName: OrphanNode] = [:]
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
            agents[saved.name] = AgentRecord(saved, template: settings.template(saved.template), at: now)
        }
    }

    /// Whether something is waiting or changing, so that polls are worth their price.
    public var isBusy: Bool { !agents.isEmpty || !controller.items.isEmpty || watch.isFollowing }

    public mutating func step(_ event: Event, at now: Moment) -> [Effect] {
        effects = []
        hasNewRequests = false
        let room = roomForDemand
        handle(event, at: now)
        settleAgents(at: now.instant)
        settlePace(room, at: now.instant)
        settleOfferWish(at: now.instant)
        if isRecordChanged {
            isRecordChanged = false
            revision += 1
            effects.insert(.persist(revision: revision, record(at: now)), at: 0)
        }
        defer { effects = [] }
        return effects
    }

    private mutating func handle(_ event: Event, at moment: Moment) {
        let now = moment.instant
        switch event {
        case .persisted(let revision): persisted(upTo: revision, at: now)
        case .subscribed(let id): subscribed(as: id, at: now)
        case .disconnected: disconnected(at: now)
        case .offersArrived(let offers): offersArrived(offers, at: moment)
        case .offerRescinded(let offer): offerLost(offer, at: now)
        case .taskUpdated(let update): taskUpdated(update, at: now)
        case .launchUncertain(let names): reconcile(names.sorted().compactMap { agents[$0] })
        case .polled(let snapshot): polled(snapshot, at: moment)
        case .pollFailed(let reason): pollFailed(reason)
        case .watched(let look): watched(look, at: now)
        case .nodeCreated(let name, let secret): nodeCreated(name, secret, at: now)
        case .nodeCreationFailed(let name, let reason, let mayExist):
            nodeCreationFailed(name, reason, mayExist: mayExist, at: now)
        case .nodeDrained(let name): nodeDrained(name, at: now)
        case .nodeDrainFailed(let name, let reason): nodeDrainFailed(name, reason, at: now)
        case .nodeOpened(let name): nodeOpened(name, at: now)
        case .nodeOpenRefused(let name): nodeOpenRefused(name, at: now)
        case .nodeOpenFailed(let name, _, let mayBeOpen): nodeOpenFailed(name, mayBeOpen: mayBeOpen, at: now)
        case .nodeDeleted(let name): nodeDeleted(name, at: now)
        case .nodeDeletionFailed(let name, _): retryLater(name, at: now)
        case .itemLookedUp(let id, let fate): followed(watch.itemLookedUp(id, fate, at: now), at: now)
        case .buildLookedUp(let url, let view): followed(watch.buildLookedUp(url, view, at: now), at: now)
        case .jobLabelLookedUp(let job, let label): labels.jobLookedUp(job, label)
        case .sizesAdvised(let advice): sizes.advise(advice)
        case .ranOutOfMemory(let job, let had): sizes.ranOutOfMemory(job, had: had)
        case .reconfigured(let settings): reconfigured(settings)
        case .ticked: break
        }
    }

    private mutating func reconfigured(_ new: PlannerSettings) {
        settings = new
        sizes.forgetWishes()
        labels.forgetJobs()
        // A request costs nothing to take back; the next poll asks for what the new templates say.
        for agent in agents(where: { $0.phase == .requested }) { remove(agent.name) }
    }

    // MARK: - Parts every topic uses

    /// The agents of a phase or quality, in the order of their names.
    func agents(where isIncluded: (AgentRecord) -> Bool) -> [AgentRecord] {
        agents.values.filter(isIncluded).sorted { $0.name < $1.name }
    }

    mutating func update(_ name: NodeName, _ change: (inout AgentRecord) -> Void) {
        guard let index = agents.index(forKey: name) else { return }
        change(&agents.values[index])
    }

    mutating func newName(_ template: TemplateName) -> NodeName {
        while true {
            let name = names.next(template)
            if agents[name] == nil { return name }
        }
    }

    mutating func remove(_ name: NodeName) {
        guard let agent = agents.removeValue(forKey: name) else { return }
        if agent.phase == .requested { return }
        isRecordChanged = true
        effects.append(.report(.agentRemoved(name)))
    }

    mutating func deleteNode(of name: NodeName, at now: Instant) {
        update(name) { $0.enter(.deleting, at: now) }
        askDeletion(name)
    }

    /// What was seen drained and idle must still be so.
    mutating func askDeletion(_ name: NodeName) {
        let wasClosed = controller.computers[name.value].map { $0.isTemporarilyOffline && !$0.isBusy } ?? false
        effects.append(wasClosed ? .deleteDrainedNode(name) : .deleteNode(name))
    }

    /// The first step of every retirement of an agent that may still take builds.
    mutating func drain(_ name: NodeName, because reason: String, mayReopen: Bool = false, at now: Instant) {
        update(name) { agent in
            agent.enter(.draining(.asked), at: now)
            agent.mayReopen = mayReopen
        }
        askDrain(name, reason: Self.drainPrefix + reason)
    }

    /// Of two requests under way at once the controller may execute either first. Opening is no more than flipping a mark, so
    /// a drain that came before it would be undone by it, and nobody would know: it waits for the answer.
    mutating func askDrain(_ name: NodeName, reason: String) {
        if agents[name]?.isOpeningAsked ?? false {
            update(name) { $0.drainAfterOpening = reason }
        } else {
            effects.append(.drainNode(name, reason: reason))
        }
    }

    mutating func askOpen(_ name: NodeName) {
        update(name) { $0.isOpeningAsked = true }
        let hasGate = agents[name].map { $0.gate != .none } ?? false
        effects.append(hasGate ? .openGate(name) : .openNode(name))
    }

    /// The master answers with the latest state, or that it knows no such task.
    mutating func reconcile(_ agents: [AgentRecord]) {
        let tasks = agents.filter(\.mayHaveTask).map { TaskReference(task: $0.taskID, agent: $0.agentID) }
        if !tasks.isEmpty { effects.append(.reconcile(tasks)) }
    }

    /// Is in every offline reason we set, so that a restart tells our drains from an operator's.
    package static let drainPrefix = "jenkins-framework: "

    /// Whether somebody else has drained the node: it is no supply, and never opened by us.
    func isDrainedByOthers(_ name: NodeName) -> Bool {
        guard let computer = controller.computers[name.value] else { return false }
        return computer.isTemporarilyOffline && !computer.offlineReason.contains(Self.drainPrefix)
    }

    /// What the state file must say now. Agents without a node and a task are not worth remembering.
    func record(at now: Moment) -> PlannerRecord {
        PlannerRecord(
            frameworkID: frameworkID, agents: agents(where: { $0.phase != .requested }).map { $0.saved(at: now) })
    }

    /// The revision that a change made in this step will be written under.
    var revisionOfThisStep: UInt64 { revision + 1 }
}
