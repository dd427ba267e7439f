// The messages with which an agent answers its operator API, built from a look at the core.
import MesosProtocol
import Resources

struct AgentAnswers {
    let core: AgentCore
    let source: AgentAPI.Source
    var figures = UsageFigures()
    /// Whether the containers of a user may be shown.
    var showsContainers: (_ user: String) -> Bool = { _ in true }

    private var lives: [TaskLife] { core.tasks.sorted { $0.key < $1.key }.map(\.value) }

    var flags: [V1Flag] {
        guard case .object(let members) = AgentFlags.json(source.configuration) else { return [] }
        return members.compactMap { member in
            guard case .string(let value) = member.value else { return nil }
            var flag = V1Flag()
            flag.name = member.key
            flag.value = value
            return flag
        }
    }

    var agent: V1AgentAPIResponse.GetAgent {
        var answer = V1AgentAPIResponse.GetAgent()
        answer.agentInfo = source.info
        if let id = core.agent { answer.agentInfo.id = V1AgentID(id) }
        if let drain = core.drain {
            answer.drainConfig = drain.config
            answer.estimatedDrainStartTime.nanoseconds = drain.since.nanoseconds
        }
        return answer
    }

    /// Those whose outcome nobody has acknowledged.
    var operations: [V1Operation] {
        core.resources.state.operations.map { operation in
            var message = V1Operation()
            if let framework = operation.framework { message.frameworkID = V1FrameworkID(framework) }
            if let agent = core.agent { message.agentID = V1AgentID(agent) }
            message.info = operation.info
            message.latestStatus = operation.status
            message.statuses = [operation.status]
            message.uuid = V1UUID(operation.id)
            return message
        }
    }

    // MARK: Lists

    func state(_ answer: inout AnswerWriter) {
        answer.message("get_tasks", 1) { tasks(&$0) }
        answer.message("get_executors", 2) { executors(&$0) }
        answer.message("get_frameworks", 3) { frameworks(&$0) }
    }

    /// Queued before the first update, terminated while the end waits for its acknowledgement.
    func tasks(_ answer: inout AnswerWriter) {
        let lives = lives
        answer.list("pending_tasks", 1) { _ in }
        answer.list("queued_tasks", 2) { answer in
            for life in lives where life.history.isEmpty { answer.element(task(life)) }
            for task in hostedTasks where task.phase == .recording || task.phase == .queued {
                answer.element(message(task))
            }
        }
        answer.list("launched_tasks", 3) { answer in
            for life in lives where !life.history.isEmpty && !life.state.isTerminal { answer.element(task(life)) }
            for task in hostedTasks where task.phase == .launched { answer.element(message(task)) }
        }
        answer.list("terminated_tasks", 4) { answer in
            for life in lives where life.state.isTerminal { answer.element(task(life)) }
            for task in hostedTasks where task.phase == .ended { answer.element(message(task)) }
        }
        answer.list("completed_tasks", 5) { answer in
            for task in core.completed {
                answer.element(message(task.record, task.history.last?.state ?? .taskStaging, task.history, nil))
            }
        }
    }

    func frameworks(_ answer: inout AnswerWriter) {
        answer.list("frameworks", 1) { answer in
            for (_, info) in core.frameworks.sorted(by: { $0.key < $1.key }) { answer.element(framework(info)) }
        }
        answer.list("completed_frameworks", 2) { answer in
            var gone: [FrameworkID: V1FrameworkInfo] = [:]
            for task in core.completed where core.frameworks[task.record.key.framework] == nil {
                gone[task.record.key.framework] = task.framework
            }
            for (_, info) in gone.sorted(by: { $0.key < $1.key }) { answer.element(framework(info)) }
        }
    }

    /// A command task has an executor of its own, as in Apache Mesos.
    func executors(_ answer: inout AnswerWriter) {
        answer.list("executors", 1) { answer in
            for life in lives where life.record.group == nil { answer.element(executor(life.record)) }
            for executor in core.defaultExecutors { answer.element(Self.element(executor)) }
            for life in executorLives { answer.element(executor(life.record)) }
        }
        answer.list("completed_executors", 2) { answer in
            for task in core.completed where task.record.group == nil && task.record.host == nil {
                answer.element(executor(task.record))
            }
            var seen = Set(core.defaultExecutors.map(\.run))
            for executor in core.completed.compactMap(\.record.defaultExecutor)
            where seen.insert(executor.run).inserted { answer.element(Self.element(executor)) }
            for completed in core.completedExecutors { answer.element(executor(completed.record)) }
        }
    }

    func containers(_ answer: inout AnswerWriter) {
        answer.list("containers", 1) { answer in
            for life in lives where !life.isEnded {
                let command = life.record.info.command
                guard showsContainers(command.hasUser ? command.user : life.framework.user) else { continue }
                answer.element(container(life))
            }
            for life in executorLives where !life.isOver {
                let command = life.record.info.command
                guard showsContainers(command.hasUser ? command.user : life.framework.user) else { continue }
                answer.element(container(life))
            }
        }
    }

    // MARK: Elements

    private func framework(_ info: V1FrameworkInfo) -> V1AgentAPIResponse.GetFrameworks.Framework {
        var framework = V1AgentAPIResponse.GetFrameworks.Framework()
        framework.frameworkInfo = info
        return framework
    }

    private func executor(_ record: TaskRecord) -> V1AgentAPIResponse.GetExecutors.Executor {
        var executor = V1AgentAPIResponse.GetExecutors.Executor()
        executor.executorInfo.executorID = V1ExecutorID(record.executor)
        executor.executorInfo.frameworkID = V1FrameworkID(record.key.framework)
        executor.executorInfo.name = AgentStateView.executorName(record.info)
        executor.executorInfo.source = record.key.task.value
        return executor
    }

    private static func element(_ executor: DefaultExecutor) -> V1AgentAPIResponse.GetExecutors.Executor {
        var element = V1AgentAPIResponse.GetExecutors.Executor()
        element.executorInfo = executor.info
        element.executorInfo.frameworkID = V1FrameworkID(executor.framework)
        return element
    }

    private func container(_ life: TaskLife) -> V1AgentAPIResponse.GetContainers.Container {
        var container = V1AgentAPIResponse.GetContainers.Container()
        container.frameworkID = V1FrameworkID(life.record.key.framework)
        container.executorID = V1ExecutorID(life.record.executor)
        container.executorName = AgentStateView.executorName(life.record.info)
        container.containerID.value = life.record.container.value
        if let group = life.record.group { container.containerID.parent = V1ContainerID(group.executorRun) }
        if let last = life.history.last {
            let status = last.status(agent: core.agent ?? AgentID(""))
            if status.hasContainerStatus { container.containerStatus = status.containerStatus }
        }
        if let usage = figures.running[life.record.container] {
            container.resourceStatistics = UsageStatistics.message(usage, UsageAllowance(of: [life.record.info]))
        }
        return container
    }

    private func task(_ life: TaskLife) -> V1Task { message(life.record, life.state, life.history, life.stream.head) }

    /// - Parameter pending: The update that waits for its acknowledgement.
    func message(
        _ record: TaskRecord, _ state: V1TaskState, _ history: [StatusUpdate], _ pending: StatusUpdate?
    ) -> V1Task {
        let info = record.info
        var task = V1Task()
        task.name = info.name
        task.taskID = info.taskID
        task.frameworkID = V1FrameworkID(record.key.framework)
        task.agentID = info.agentID
        if record.group != nil || record.host != nil { task.executorID = V1ExecutorID(record.executor) }
        task.state = state
        task.resources = info.resources
        task.statuses = history.map { $0.status(agent: core.agent ?? AgentID("")) }
        if let pending {
            task.statusUpdateState = pending.state
            task.statusUpdateUuid.append(contentsOf: pending.id.bytes)
        }
        if info.hasLabels { task.labels = info.labels }
        if info.hasDiscovery { task.discovery = info.discovery }
        if info.hasContainer { task.container = info.container }
        if info.hasHealthCheck { task.healthCheck = info.healthCheck }
        if info.hasKillPolicy { task.killPolicy = info.killPolicy }
        if info.command.hasUser { task.user = info.command.user }
        task.limits = info.limits
        return task
    }
}
