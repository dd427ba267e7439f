// One task in the master's books: small, because there may be a hundred thousand of them.
import MesosProtocol
import Resources

/// What the master knows about a task.
package struct TaskRecord: Sendable {
    package let key: TaskKey
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
    package var statuses: [StatusSummary] = []
    package var details: TaskDetails?
    /// Counts launches, so that lists can be shown in the order in which tasks came.
    package var sequence: UInt64
    /// Whether the allocator still holds the resources for it. They are given back once.
    package var isCharged = false
    /// The agent was declared unreachable with this task on it. It may come back.
    package var isUnreachable = false
    /// The agent said that it holds the task: it lets go only when the framework has acknowledged the end.
    package var isHeldByAgent = false
    /// A kill was asked for and may have to be repeated when the agent returns.
    package var kill: KillRequest?

    package struct KillRequest: Equatable, Sendable {
        package var policy: V1KillPolicy?
    }

    package var id: TaskID { key.task }
    package var isTerminal: Bool { state.isTerminal }
    /// The state the framework was told last, or will be told next.
    package var toldState: V1TaskState { forwarded?.state ?? state }

    /// Adds a status to the history: runs of one state keep their newest entry only.
    mutating func remember(_ status: V1TaskStatus) {
        let summary = StatusSummary(status)
        if let last = statuses.indices.last, statuses[last].state == summary.state {
            statuses[last] = summary
        } else {
            statuses.append(summary)
        }
    }
}

/// What the state endpoints show of a status.
package struct StatusSummary: Sendable {
    package var state: V1TaskState
    package var timestamp: Double
    package var healthy: Bool?
    package var labels: V1Labels?
    package var containerStatus: V1ContainerStatus?
    package var source: V1TaskStatus.Source?
    package var reason: V1TaskStatus.Reason?
    package var message: String?

    init(_ status: V1TaskStatus) {
        state = status.state
        timestamp = status.timestamp
        healthy = status.hasHealthy ? status.healthy : nil
        source = status.hasSource ? status.source : nil
        reason = status.hasReason ? status.reason : nil
        message = status.hasMessage && !status.message.isEmpty ? status.message : nil
        labels = status.hasLabels ? status.labels : nil
        containerStatus = status.hasContainerStatus ? status.containerStatus : nil
        // The process id is for the framework; the state endpoints do not show it.
        containerStatus?.clearExecutorPid()
    }
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
