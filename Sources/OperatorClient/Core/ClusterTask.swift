// A task as the master sees it, with the names of its framework and its agent.

import MesosProtocol
import Resources

public struct ClusterTask: Encodable, Hashable, Sendable {
    /// One status that was reported, oldest first.
    public struct Status: Encodable, Hashable, Sendable {
        /// `TASK_RUNNING`
        public var state: String
        /// Seconds since the Unix epoch.
        public var time: Double?
        /// `SOURCE_EXECUTOR`
        public var source: String?
        /// `REASON_CONTAINER_LIMITATION_MEMORY`
        public var reason: String?
        public var message: String?
        public var healthy: Bool?
    }

    public var id: String
    public var name: String
    public var frameworkID: String
    /// The framework's name; its id where the master has forgotten it.
    public var framework: String
    public var role: String
    public var agentID: String
    /// The agent's host name; its id where the master has forgotten it.
    public var agent: String
    /// Equal to the task's id if it has no executor of its own.
    public var executorID: String
    public var containerID: String?
    /// Its executor's, if its own container lies within that.
    public var executorContainerID: String?
    public var state: String
    public var isTerminal: Bool
    public var resources: Amounts
    /// `[31000-31001]`; empty if it has none.
    public var ports: String
    public var statuses: [Status]

    /// When it came into its state.
    public var since: Double? { statuses.first { $0.state == state }?.time ?? statuses.last?.time }
    /// Of one that is over, what was last said of it: the message, or else the reason's name.
    var lastWord: String? {
        guard isTerminal, let last = statuses.last(where: { $0.state == state }) else { return nil }
        return last.message ?? last.reason
    }

    /// When it was first heard of.
    public var started: Double? { statuses.first?.time }

    private static let question = "GET_TASKS"

    /// Reads the answer to GET_TASKS. Those that live come first, and of each kind the newest.
    public static func read(
        _ answer: V1OperatorResponse.GetTasks, frameworks: [ClusterFramework], agents: [ClusterAgent]
    ) throws(AnswerError) -> [ClusterTask] {
        let frameworkNames = Dictionary(frameworks.map { ($0.id, $0.name) }) { first, _ in first }
        let hosts = Dictionary(agents.map { ($0.id, $0.hostname) }) { first, _ in first }
        let lists = [
            ("tasks", answer.tasks), ("unreachable_tasks", answer.unreachableTasks),
            ("completed_tasks", answer.completedTasks),
        ]
        var tasks: [ClusterTask] = []
        for (list, messages) in lists {
            var part: [ClusterTask] = []
            for (index, message) in messages.enumerated() {
                var task = try ClusterTask(message, field: "\(list)[\(index)]")
                if let name = frameworkNames[task.frameworkID], !name.isEmpty { task.framework = name }
                if let host = hosts[task.agentID], !host.isEmpty { task.agent = host }
                part.append(task)
            }
            tasks += part.sorted { left, right in
                let (mine, theirs) = (left.started ?? 0, right.started ?? 0)
                return mine != theirs ? mine > theirs : left.id < right.id
            }
        }
        return tasks
    }

    private init(_ message: V1Task, field: String) throws(AnswerError) {
        for (name, value) in [
            ("task_id", message.taskID.value), ("framework_id", message.frameworkID.value),
            ("agent_id", message.agentID.value),
        ] where value.isEmpty {
            throw AnswerError(question: Self.question, field: "\(field).\(name)", problem: "expected an id, found none")
        }
        id = message.taskID.value
        name = message.name
        frameworkID = message.frameworkID.value
        framework = frameworkID
        agentID = message.agentID.value
        agent = agentID
        executorID = message.executorID.value.isEmpty ? id : message.executorID.value
        state = message.state.name
        isTerminal = message.state.isTerminal
        role = message.resources.first { $0.hasAllocationInfo }?.allocationInfo.role ?? "*"
        let bag = try Resources(message.resources, question: Self.question, field: "\(field).resources")
        resources = Amounts(bag)
        ports = bag.ports.isEmpty ? "" : bag.ports.description
        statuses = message.statuses.map(Status.init)
        let container = message.statuses.last { $0.containerStatus.hasContainerID }?.containerStatus.containerID
        containerID = container?.value
        executorContainerID = container.flatMap { $0.hasParent ? $0.parent.value : nil }
    }

    /// The place of its files on its agent, for `/files/...`.
    public var sandbox: String {
        let run = executorContainerID.map { "\($0)/tasks/\(id)" } ?? containerID ?? "latest"
        return "/frameworks/\(frameworkID)/executors/\(executorID)/runs/\(run)"
    }
}

extension ClusterTask.Status {
    init(_ status: V1TaskStatus) {
        state = status.state.name
        time = status.hasTimestamp && status.timestamp > 0 ? status.timestamp : nil
        source = status.hasSource ? TaskWords.name(status.source) : nil
        reason = status.hasReason ? TaskWords.about(status.reason).name : nil
        message = status.hasMessage && !status.message.isEmpty ? status.message : nil
        healthy = status.hasHealthy ? status.healthy : nil
    }
}
