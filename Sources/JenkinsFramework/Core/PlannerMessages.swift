// The nouns of the planner's events and effects.
import Resources

/// A task update, reduced to what decisions need.
public struct TaskUpdate: Equatable, Sendable {
    public enum State: String, Equatable, Sendable {
        case staging, starting, running, killing, finished, failed, killed, error, lost, dropped, unreachable, gone
        case goneByOperator, unknown

        var isTerminal: Bool {
            switch self {
            case .finished, .failed, .killed, .error, .lost, .dropped, .gone, .goneByOperator: true
            case .staging, .starting, .running, .killing, .unreachable, .unknown: false
            }
        }
    }

    /// Who is to blame for an end.
    public enum Cause: Equatable, Sendable {
        /// The task itself: its image, command or resources.
        case task
        /// Offers, agents or masters that went away.
        case infrastructure
    }

    public var task: TaskID
    public var agent: AgentID?
    public var state: State
    public var cause: Cause
    public var message: String
    /// Empty if the update needs no acknowledgement.
    public var uuid: [UInt8]
    /// Whether the container was ended because it reached its limit of memory.
    public var isOutOfMemory = false

    public init(
        task: TaskID, agent: AgentID? = nil, state: State, cause: Cause = .task, message: String = "",
        uuid: [UInt8] = []
    ) {
        self.task = task
        self.agent = agent
        self.state = state
        self.cause = cause
        self.message = message
        self.uuid = uuid
    }
}

public struct TaskReference: Hashable, Sendable {
    public var task: TaskID
    public var agent: AgentID?

    public init(task: TaskID, agent: AgentID?) {
        self.task = task
        self.agent = agent
    }
}

/// A node to create on the controller.
public struct NodeSpec: Equatable, Sendable {
    public var name: NodeName
    public var description: String
    public var labels: [String]
    public var mode: NodeMode
    public var executors: Int
    public var remoteFS: String
}

/// Agents to launch on one offer.
public struct LaunchOrder: Equatable, Sendable {
    public struct Agent: Equatable, Sendable {
        public var name: NodeName
        public var template: TemplateName
        public var executors: Int
        /// Its ports included.
        public var resources: Resources
        public var secret: AgentSecret
        /// The ports of the host it may use, in the order of the template's wishes.
        public var ports: [PortMapping] = []
        /// Instead of the template's image.
        public var image: String?
    }

    public var offer: OfferID
    public var agentID: AgentID
    public var role: RoleName
    public var agents: [Agent]
    /// How long what is left of the offer is refused.
    public var refuse: Duration
}

/// What a person watching wants to know, as it happens.
public enum Progress: Equatable, Sendable {
    case queued(QueueItemID, job: String, label: String)
    case cancelled(QueueItemID, job: String)
    case agentStarting(NodeName, TemplateName, host: String)
    case agentConnected(NodeName, host: String)
    case buildRunning(build: String, node: String, host: String)
    case buildFinished(build: String, node: String, result: String, duration: Duration)
    case agentRemoved(NodeName)
    case problem(String)
}

/// A queued item and why it still waits.
struct WaitingItem: Equatable, Sendable {
    var id: QueueItemID
    var job: String
    var label: String
    var since: Int64
    var reason: WaitReason
    var why: String
}

/// An offer kept for the moment it takes to register agents.
struct HeldOffer: Equatable, Sendable {
    var offer: AgentOffer
    var picks: [OfferPick]
}

enum OfferWish: Equatable, Sendable {
    case suppressed
    case revived(at: Instant)
}

struct StrayTask: Equatable, Sendable {
    var agent: AgentID?
    var state: TaskUpdate.State
    var since: Instant
}

/// A node of ours without a record.
struct OrphanNode: Equatable, Sendable {
    var since: Instant
    /// Polls in a row that showed it idle and drained.
    var drainedPolls = 0
    /// When it was last drained or deleted.
    var askedAt: Instant?
}

/// What is known of the controller beyond the last poll.
struct ControllerView: Equatable, Sendable {
    var session: String?
    var isReachable = false
    var isQuietingDown = false
    /// Since when every poll succeeded.
    var healthySince: Instant?
    /// After a restart of the controller nothing is created or deleted until then.
    var graceUntil: Instant?
    var items: [QueueItem] = []
    var computers: [String: Computer] = [:]
    /// When they were seen last.
    var computersAt: Instant?
    var lastFailure = ""
    var hasHiddenItems = false

    func isInGrace(at now: Instant) -> Bool { graceUntil.map { now < $0 } ?? false }
    func isSettled(at now: Instant) -> Bool { isReachable && !isInGrace(at: now) }

    /// Whether the computers have just been seen. On an older look nothing is deleted that a build may have begun on since.
    func isFresh(at now: Instant) -> Bool { computersAt.map { $0.duration(to: now) <= .seconds(1) } ?? false }
}

/// Draws `mj-<template>-<12 hex>`: 48 bits of chance, so that a name never returns. A node's secret depends on its name
/// alone, for ever.
struct NameGenerator: Equatable, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(_ template: TemplateName) -> NodeName {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        let digits = String(mixed >> 16, radix: 16)
        let padded = String(repeating: "0", count: 12 - digits.count) + digits
        return NodeName("mj-\(Self.hostnamePart(template.value))-\(padded)")
    }

    /// At most 20 lower-case characters that may stand in a host name.
    static func hostnamePart(_ text: String) -> String {
        let mapped = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let cut = String(mapped.prefix(20)).drop { $0 == "-" }
        let trimmed = String(cut.reversed().drop { $0 == "-" }.reversed())
        return trimmed.isEmpty ? "agent" : trimmed
    }
}
