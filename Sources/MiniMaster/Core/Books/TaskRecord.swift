// One task in the master's books: small, because there may be a hundred thousand of them.
import MesosProtocol
import Resources

/// What the master knows about a task.
package struct TaskRecord: Sendable {
    /// The ids of its framework and agent are the books' own strings, shared by all their tasks.
    package internal(set) var key: TaskKey
    package var agent: AgentID
    package var name: String
    /// The role whose allocation pays for it.
    package var role: RoleName
    package var resources: Resources
    /// Empty for command tasks.
    package var executor: String
    /// The newest state the agent has told of, which may be ahead of what the framework was told.
    package var state: V1TaskState
    /// The update the agent last sent or still waits to see acknowledged: the state the framework was, or will be,
    /// told, and the uuid its acknowledgement will carry. Reconciliation answers with it, so that it never runs ahead of
    /// updates that are still on their way. Nil: nothing is on its way, `state` is what the framework knows.
    package var forwarded: (state: V1TaskState, uuid: WireUUID)?
    package private(set) var statuses = StatusHistory()
    package var details: TaskDetails?
    /// Counts launches, so that lists can be shown in the order in which tasks came.
    package var sequence: UInt64
    /// Whether the allocator still holds the resources for it. They are given back once.
    package var isCharged = false
    /// The agent was declared unreachable with this task on it. It may come back.
    package var isUnreachable = false
    /// The agent said that it holds the task: it lets go only when the framework has acknowledged the end.
    package var isHeldByAgent = false
    /// False in a report that names no role; nowhere else.
    package var isRoleKnown = true
    /// A kill was asked for and may have to be repeated when the agent returns.
    package var kill: KillRequest? {
        get { killRequest?.request }
        set { killRequest = newValue.map(Kill.init) }
    }
    private var killRequest: Kill?

    package struct KillRequest: Equatable, Sendable {
        package var policy: V1KillPolicy?
    }

    /// Apart, because few tasks are being killed.
    private final class Kill: Sendable {
        let request: KillRequest

        init(_ request: KillRequest) { self.request = request }
    }

    init(
        key: TaskKey, agent: AgentID, name: String, role: RoleName, resources: Resources, executor: String,
        state: V1TaskState, details: TaskDetails?, sequence: UInt64, isCharged: Bool = false
    ) {
        self.key = key
        self.agent = agent
        self.name = name
        self.role = role
        self.resources = resources
        self.executor = executor
        self.state = state
        self.details = details
        self.sequence = sequence
        self.isCharged = isCharged
    }

    package var id: TaskID { key.task }
    package var isTerminal: Bool { state.isTerminal }
    /// The state the framework was told last, or will be told next.
    package var toldState: V1TaskState { forwarded?.state ?? state }

    /// Adds a status to the history: runs of one state keep their newest entry only.
    mutating func remember(_ status: V1TaskStatus) { remember(StatusSummary(status)) }

    mutating func remember(_ summary: StatusSummary) { statuses.remember(summary) }
}

/// The rarely set parts of a task that operators want to see. Shared, because most tasks have none.
package final class TaskDetails: Sendable {
    package let user: String?
    package let labels: V1Labels?
    package let discovery: V1DiscoveryInfo?
    package let container: V1ContainerInfo?
    package let healthCheck: V1HealthCheck?
    package let killPolicy: V1KillPolicy?

    init?(_ info: V1TaskInfo) {
        let ownUser =
            info.hasCommand && info.command.hasUser
            ? info.command.user : info.hasExecutor && info.executor.command.hasUser ? info.executor.command.user : nil
        let isPlain =
            ownUser == nil && !info.hasLabels && !info.hasDiscovery && !info.hasContainer && !info.hasHealthCheck
            && !info.hasKillPolicy
        if isPlain { return nil }
        user = ownUser
        labels = info.hasLabels ? info.labels : nil
        discovery = info.hasDiscovery ? info.discovery : nil
        container = info.hasContainer ? info.container : nil
        healthCheck = info.hasHealthCheck ? info.healthCheck : nil
        killPolicy = info.hasKillPolicy ? info.killPolicy : nil
    }
}

extension TaskRecord {
    /// A task as its agent reports it. Its agent is for the receiver to fill in, and so is a role that no resource
    /// names.
    package init(_ task: LinkTask) {
        let info = task.info
        let role = info.resources.lazy.compactMap { try? RoleName($0.allocationInfo.role) }.first
        // An agent's own list was judged when the tasks were launched; what cannot be read counts as nothing.
        let resources = (try? Resources(info.resources)) ?? Resources()
        self.init(
            key: TaskKey(framework: FrameworkID(task.frameworkID), task: TaskID(info.taskID)), agent: AgentID(""),
            name: info.name, role: role ?? .any, resources: resources,
            executor: info.hasExecutor ? info.executor.executorID.value : "", state: task.state,
            details: TaskDetails(info), sequence: 0)
        isRoleKnown = role != nil
        if task.hasStatusUpdateState, let uuid = WireUUID(bytes: task.statusUpdateUuid) {
            forwarded = (task.statusUpdateState, uuid)
        }
        for status in task.statuses { remember(status) }
    }
}
