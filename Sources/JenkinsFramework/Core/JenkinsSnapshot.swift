// What one poll of the controller saw: the queue and the computers, reduced to what decisions need.
import Resources

/// One poll, taken between two instants. The computers are read before the queue, so that no build is seen both waiting
/// and running.
public struct JenkinsSnapshot: Equatable, Sendable {
    /// When the first request of the poll was sent. What happened before is in the answer, what came later may be.
    public var startedAt: Instant
    /// Changes when the controller restarts.
    public var session: String?
    public var isQuietingDown: Bool
    public var items: [QueueItem]
    /// nil if the poll asked for the queue alone.
    public var computers: [Computer]?
    /// Items are hidden because the user may only discover their jobs.
    public var hasHiddenItems: Bool
    /// What sources beside the queue say about labels.
    public var labelFacts = LabelFacts()

    public init(
        startedAt: Instant, session: String? = nil, isQuietingDown: Bool = false, items: [QueueItem],
        computers: [Computer]?, hasHiddenItems: Bool = false
    ) {
        self.startedAt = startedAt
        self.session = session
        self.isQuietingDown = isQuietingDown
        self.items = items
        self.computers = computers
        self.hasHiddenItems = hasHiddenItems
    }
}

public struct QueueItem: Equatable, Sendable {
    public enum Phase: String, Equatable, Sendable { case waiting, blocked, buildable, pending }
    /// What the answer said in `labelExpression`. Absent and null differ: only jobs that can have one say null.
    public enum LabelField: Equatable, Sendable { case absent, none, text(String) }

    public var id: QueueItemID
    public var phase: Phase
    public var taskClass: String
    public var taskName: String
    public var why: String?
    public var label: LabelField
    /// A label or node chosen by a build parameter; it overrides the job's.
    public var labelParameter: String?
    /// The build's parameters, by name.
    public var parameters: [String: String] = [:]
    /// Where the job is; empty if the controller does not say.
    public var taskURL = ""
    /// Milliseconds since the Unix epoch, on the controller's clock.
    public var inQueueSince: Int64
    /// Of a waiting item: when its quiet period ends, on the controller's clock.
    public var quietUntil: Int64?
    /// Of one that waits no more: when its quiet period ended.
    public var buildableSince: Int64?

    public init(
        id: QueueItemID, phase: Phase, taskClass: String = "hudson.model.FreeStyleProject", taskName: String,
        why: String? = nil, label: LabelField = .absent, labelParameter: String? = nil, inQueueSince: Int64 = 0
    ) {
        self.id = id
        self.phase = phase
        self.taskClass = taskClass
        self.taskName = taskName
        self.why = why
        self.label = label
        self.labelParameter = labelParameter
        self.inQueueSince = inQueueSince
    }
}

public struct Computer: Equatable, Sendable {
    public struct Executor: Equatable, Sendable {
        public var isIdle: Bool
        /// The running build, if the user may see it.
        public var buildURL: String?

        public init(isIdle: Bool, buildURL: String? = nil) {
            self.isIdle = isIdle
            self.buildURL = buildURL
        }
    }

    public var name: String
    public var isBuiltIn: Bool
    public var description: String
    public var isOffline: Bool
    public var isTemporarilyOffline: Bool
    /// Whether its agent is connected, drained or not; nil if the controller was not asked or does not say.
    public var isConnected: Bool?
    public var offlineReason: String
    public var labels: [String]
    /// nil if not known yet; then builds without a label are assumed to fit.
    public var mode: NodeMode?
    public var executors: [Executor]
    /// All executors and one-off executors idle, as the controller says.
    public var isIdle: Bool

    public init(
        name: String, isBuiltIn: Bool = false, description: String = "", isOffline: Bool,
        isTemporarilyOffline: Bool = false,
        offlineReason: String = "", labels: [String], mode: NodeMode? = nil, executors: [Executor], isIdle: Bool
    ) {
        self.name = name
        self.isBuiltIn = isBuiltIn
        self.description = description
        self.isOffline = isOffline
        self.isTemporarilyOffline = isTemporarilyOffline
        self.offlineReason = offlineReason
        self.labels = labels
        self.mode = mode
        self.executors = executors
        self.isIdle = isIdle
    }

    var isBusy: Bool { !isIdle || executors.contains { !$0.isIdle } }
}

/// A look at a few computers between two polls, for what must be noticed soon.
public struct NodeWatch: Equatable, Sendable {
    /// When its first request was sent. The queue is read before the computers: a build that has left it is seen on its
    /// executor, unless it has ended.
    public var startedAt: Instant
    /// Those asked for, as far as they exist.
    public var computers: [Computer]
    /// Every item in the queue; nil if it was not asked for.
    public var queued: Set<QueueItemID>?

    public init(startedAt: Instant, computers: [Computer], queued: Set<QueueItemID>? = nil) {
        self.startedAt = startedAt
        self.computers = computers
        self.queued = queued
    }
}

/// What `/queue/item/ID` says once an item has left the queue.
public enum ItemFate: Equatable, Sendable {
    case cancelled
    case started(buildURL: String)
    /// Still queued, or the controller forgot it.
    case unknown
}

/// What a build's page says.
public struct BuildView: Equatable, Sendable {
    public var displayName: String
    public var isBuilding: Bool
    /// SUCCESS, FAILURE, ABORTED, ...; nil while it runs.
    public var result: String?
    public var duration: Duration
    /// The node it ran on; empty for the built-in node.
    public var builtOn: String

    public init(displayName: String, isBuilding: Bool, result: String?, duration: Duration, builtOn: String) {
        self.displayName = displayName
        self.isBuilding = isBuilding
        self.result = result
        self.duration = duration
        self.builtOn = builtOn
    }
}
