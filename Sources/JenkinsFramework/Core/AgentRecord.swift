// One agent from the wish for it to its end: a node on the controller and a task on the cluster, created and removed in step.
import Resources

/// A node's inbound secret. It is not printed by accident.
public struct AgentSecret: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    public let value: String

    public init(_ value: String) { self.value = value }

    public var description: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

package struct AgentRecord: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// Wanted; nothing exists yet.
        case requested
        /// An offer is held for it. First its name goes to disk, then the node is created and its secret read.
        case registering(Registration)
        /// The accept was sent.
        case launching
        /// The task runs; the agent has not connected.
        case connecting
        case online
        case draining(Drain)
        /// The node is being deleted.
        case deleting
        /// The node is gone; the task is being killed.
        case killing
    }

    package enum Registration: Equatable, Sendable {
        case persisting(revision: UInt64, OfferID)
        case creating(OfferID)
        /// A strictly single-use agent: its node is drained before anything can connect to it.
        case closing(OfferID, AgentSecret)
        /// The node and its secret are there; other agents on the same offer are not ready.
        case ready(OfferID, AgentSecret)
        /// The offer is void while the node is being created: it is deleted as soon as that has ended.
        case abandoned
    }

    package enum Drain: Equatable, Sendable {
        case asked
        /// Idle in so many polls that began after the controller confirmed the drain.
        case confirmed(at: Instant, idlePolls: Int)
    }

    package enum Task: Equatable, Sendable {
        case none
        case launched
        case running
        case unreachable(since: Instant)
        case ended
    }

    package let name: NodeName
    package let template: TemplateName
    package let executors: Int
    /// As its node has them, whatever became of the template.
    package internal(set) var labels: [String]
    package internal(set) var mode: NodeMode
    /// What it asks of an offer instead of what the template says; only while it is requested this may still change.
    package internal(set) var size: Resources?
    /// Instead of the template's image.
    package internal(set) var image: String?
    package internal(set) var phase = Phase.requested
    package internal(set) var phaseSince: Instant
    package internal(set) var task = Task.none
    package internal(set) var gate = AgentGate.none
    var gateSince: Instant
    /// The builds its gate is to be opened for as soon as it is connected.
    var gateWish: Set<QueueItemID> = []
    /// An opening was asked for and has not been answered.
    var isOpeningAsked = false
    /// When the answer to an opening was given up; it may still be executed for a while.
    var openingLostAt: Instant?
    /// The reason of a drain that waits for that answer.
    var drainAfterOpening: String?
    /// Whether this run of the framework has opened its gate.
    var wasOpened = false
    package internal(set) var agentID: AgentID?
    package internal(set) var hostname = ""
    /// When it was launched, and every restart since counted in.
    var bornAt: Instant?
    /// Whether it was busy at any time.
    package internal(set) var sawBuild = false
    /// Builds it is known to have run.
    package internal(set) var builds = 0
    /// Whether it must take no more builds; it is drained then.
    package internal(set) var isUsedUp = false
    package internal(set) var isBusy = false
    /// The builds counted already, as far as remembered.
    var buildURLs: Set<String> = []
    /// Busy, and no build shown since: the user may not see the job.
    var isBusyUnseen = false
    /// Requested, and no build waits for it: it fills a warm pool.
    var isForPool = false
    /// Whether it is drained only because nothing waited for it, so that it may be opened again.
    var mayReopen = false
    /// Asked to take builds again; until it does the controller still shows it drained.
    var isReopening = false
    var idleSince: Instant?
    var idlePolls = 0
    var offlineSince: Instant?
    /// Since when no build waits for it.
    var unclaimedSince: Instant?
    var taskEndedAt: Instant?
    /// Whether the cluster has said anything of its task since the launch.
    var hasStatus = false
    /// Polls in a row, begun after the node was created, that did not show it.
    var missingPolls = 0
    /// When a failed request to the controller may be repeated, or the task be killed or asked for again.
    var retryAt: Instant?
    var retries = 0
    let requestedAt: Instant

    init(name: NodeName, template: AgentTemplate, executors: Int, at now: Instant) {
        self.init(
            name: name, template: template.name, executors: executors, labels: template.labels, mode: template.mode,
            at: now)
        if template.singleUse == .strict { gate = .closed }
    }

    init(name: NodeName, template: TemplateName, executors: Int, labels: [String], mode: NodeMode, at now: Instant) {
        self.name = name
        self.template = template
        self.executors = executors
        self.labels = labels
        self.mode = mode
        phaseSince = now
        gateSince = now
        requestedAt = now
    }

    /// The task has the node's name: one id to look for in the logs of both sides.
    package var taskID: TaskID { TaskID(name.value) }

    mutating func enter(_ next: Phase, at now: Instant) {
        phase = next
        phaseSince = now
        retryAt = nil
        retries = 0
    }

    /// On its way to serve builds: its executors count as supply.
    var isComing: Bool {
        switch phase {
        case .requested, .launching, .connecting: !isUsedUp && gate.isSupply
        case .registering(let registration): registration != .abandoned
        // Behind a closed gate it is as far away as one that still has to connect.
        case .online: gate.canOpen && !isUsedUp
        case .draining, .deleting, .killing: false
        }
    }

    /// Between node creation and connection. Whether an agent behind a gate has connected cannot be told.
    var isPending: Bool {
        switch phase {
        case .registering(let registration): registration != .abandoned
        case .launching: true
        case .connecting: gate != .closed
        case .requested, .online, .draining, .deleting, .killing: false
        }
    }

    /// How near to serving a build an agent is that is coming: the greater the sooner.
    var progress: Int {
        switch phase {
        case .requested: 0
        case .registering: 1
        case .launching: 2
        case .connecting: gate.isOpen ? 4 : 3
        case .online, .draining, .deleting, .killing: 5
        }
    }

    /// Whether something may run under its name on the cluster.
    var mayHaveTask: Bool { task != .none && task != .ended }

    var heldOffer: OfferID? {
        guard case .registering(let registration) = phase else { return nil }
        switch registration {
        case .persisting(_, let offer), .creating(let offer), .closing(let offer, _), .ready(let offer, _):
            return offer
        case .abandoned: return nil
        }
    }

    mutating func setGate(_ next: AgentGate, at now: Instant) {
        gate = next
        gateWish = []
        if next.isOpen { wasOpened = true }
        gateSince = now
        retryAt = nil
    }

    /// Delay before the next try of a failed request: 1 s, doubling to 30 s.
    mutating func scheduleRetry(at now: Instant) {
        retryAt = now.advanced(by: min(.seconds(1) * (1 << min(retries, 5)), .seconds(30)))
        retries += 1
    }

    func isRetryDue(at now: Instant) -> Bool { retryAt.map { now >= $0 } ?? false }

    package var phaseName: String {
        switch phase {
        case .requested: "requested"
        case .registering: "registering"
        case .launching: "launching"
        case .connecting: gate == .closed ? "closed" : "connecting"
        case .online: isBusy ? "busy" : gate.canOpen ? "closed" : "idle"
        case .draining: "draining"
        case .deleting: "deleting"
        case .killing: "killing"
        }
    }
}
