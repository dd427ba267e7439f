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
    package internal(set) var phase = Phase.requested
    package internal(set) var phaseSince: Instant
    package internal(set) var task = Task.none
    package internal(set) var agentID: AgentID?
    package internal(set) var hostname = ""
    /// Whether it was busy at any time; a single-use agent is used up then.
    package internal(set) var sawBuild = false
    package internal(set) var isBusy = false
    var idleSince: Instant?
    var idlePolls = 0
    var offlineSince: Instant?
    var taskEndedAt: Instant?
    /// Polls in a row, begun after the node was created, that did not show it.
    var missingPolls = 0
    /// When a failed request to the controller may be repeated, or the task be killed or asked for again.
    var retryAt: Instant?
    var retries = 0
    let requestedAt: Instant

    init(name: NodeName, template: TemplateName, executors: Int, at now: Instant) {
        self.name = name
        self.template = template
        self.executors = executors
        phaseSince = now
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
        case .requested, .launching, .connecting: true
        case .registering(let registration): registration != .abandoned
        case .online, .draining, .deleting, .killing: false
        }
    }

    /// Between node creation and connection.
    var isPending: Bool { isComing && phase != .requested }

    var heldOffer: OfferID? {
        guard case .registering(let registration) = phase else { return nil }
        switch registration {
        case .persisting(_, let offer), .creating(let offer), .ready(let offer, _): return offer
        case .abandoned: return nil
        }
    }

    /// Delay before the next try of a failed request: 1 s, doubling to 30 s.
    mutating func scheduleRetry(at now: Instant) {
        retryAt = now.advanced(by: min(.seconds(1) * (1 << min(retries, 5)), .seconds(30)))
        retries += 1
    }

    package var phaseName: String {
        switch phase {
        case .requested: "requested"
        case .registering: "registering"
        case .launching: "launching"
        case .connecting: "connecting"
        case .online: isBusy ? "busy" : "idle"
        case .draining: "draining"
        case .deleting: "deleting"
        case .killing: "killing"
        }
    }
}

/// What must survive a restart of the framework.
public struct PlannerRecord: Equatable, Sendable {
    public struct Agent: Equatable, Sendable {
        public var name: NodeName
        public var template: TemplateName
        public var executors: Int
        public var agentID: AgentID?
        public var hostname: String
        public var sawBuild: Bool

        public init(
            name: NodeName, template: TemplateName, executors: Int, agentID: AgentID?, hostname: String, sawBuild: Bool
        ) {
            self.name = name
            self.template = template
            self.executors = executors
            self.agentID = agentID
            self.hostname = hostname
            self.sawBuild = sawBuild
        }
    }

    public var frameworkID: FrameworkID?
    /// By name.
    public var agents: [Agent]

    public init(frameworkID: FrameworkID? = nil, agents: [Agent] = []) {
        self.frameworkID = frameworkID
        self.agents = agents
    }
}
