// RECONCILE: what the master says about tasks when a framework asks.
import MesosProtocol
import Resources

extension Cluster {
    mutating func reconcile(_ call: V1SchedulerCall.Reconcile, from framework: Framework) {
        count("reconcile_tasks")
        if call.tasks.isEmpty {
            for task in tasks.tasks(of: framework.id) {
                tell(framework.id, update: latestState(of: task))
                settleOnceOnly(task.key)
            }
            return
        }
        reconcile(
            call.tasks.map { (TaskID($0.taskID), $0.hasAgentID ? AgentID($0.agentID) : nil) }, framework)
    }

    /// Answers for each task named, unless an agent that may know it is still expected.
    mutating func reconcile(_ named: [(task: TaskID, agent: AgentID?)], _ framework: Framework) {
        for (id, agent) in named {
            let key = TaskKey(framework: framework.id, task: id)
            if let task = tasks[key], !task.isUnreachable {
                tell(framework.id, update: latestState(of: task))
                settleOnceOnly(key)
            } else if let task = tasks[key], agents[task.agent]?.isConnected == true {
                // Unreachable until now, and not among the tasks its agent came back with: the agent has been asked, and
                // its answer says how the task ended.
                continue
            } else if let status = verdict(onUnknown: id, agent ?? tasks[key]?.agent, framework) {
                tell(framework.id, update: status)
            }
        }
    }

    /// The state the framework was told last, or would be told now.
    private func latestState(of task: TaskRecord) -> V1TaskStatus {
        let partitionAware = frameworks[task.key.framework]?.isPartitionAware == true
        if task.isUnreachable {
            var status = V1TaskStatus.fromMaster(
                task.id, on: task.agent, partitionAware ? .taskUnreachable : .taskLost, .reconciliation,
                "Reconciliation: Task is unreachable", at: now.wall)
            if let time = registry.unreachable[task.agent] { status.unreachableTime = time.message }
            return status
        }
        var status = V1TaskStatus.fromMaster(
            task.id, on: task.agent, task.toldState, .reconciliation,
            "Reconciliation: Latest task state", at: now.wall)
        if let last = task.statuses.last {
            if let healthy = last.healthy { status.healthy = healthy }
            if let container = last.containerStatus { status.containerStatus = container }
        }
        return status
    }

    /// What is said of a task the master does not know; nil while it may yet come to know it.
    private func verdict(onUnknown task: TaskID, _ agent: AgentID?, _ framework: Framework) -> V1TaskStatus? {
        let known = agent.flatMap { agents[$0] }
        if known?.isRecovered == true || (agent == nil && agents.isAwaitingAgents) { return nil }
        var state = V1TaskState.taskUnknown
        var message = "Reconciliation: Task is unknown"
        var unreachableSince: WallTime?
        // An agent whose link broke before it was acknowledged has not told us its tasks.
        if let known, !known.isAwaited, !known.isAdmitting {
            (state, message) = (.taskGone, "Reconciliation: Task is unknown to the agent")
        } else if let agent, let time = registry.unreachable[agent] {
            (state, message) = (.taskUnreachable, "Reconciliation: Task is unreachable")
            unreachableSince = time
        } else if let agent, registry.gone[agent] != nil {
            (state, message) = (.taskGoneByOperator, "Reconciliation: Task is gone")
        } else if known != nil {
            return nil  // It is just coming back; its tasks are not in the books yet.
        }
        var status = V1TaskStatus.fromMaster(
            task, on: agent, framework.isPartitionAware ? state : .taskLost, .reconciliation, message, at: now.wall)
        if let unreachableSince { status.unreachableTime = unreachableSince.message }
        return status
    }
}
