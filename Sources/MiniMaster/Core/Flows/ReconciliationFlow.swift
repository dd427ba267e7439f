// RECONCILE: what the master says about tasks when a framework asks.
import MesosProtocol
import Resources

extension Cluster {
    mutating func reconcile(_ call: V1SchedulerCall.Reconcile, from framework: Framework) {
        count("reconcile_tasks")
        guard let stream = framework.stream else { return }
        let questions: [ReconciliationBacklog.Question] =
            call.tasks.isEmpty
            ? tasks.tasks(of: framework.id).map { .init(task: $0.id, agent: nil, isImplicit: true) }
            : call.tasks.map {
                .init(task: TaskID($0.taskID), agent: $0.hasAgentID ? AgentID($0.agentID) : nil, isImplicit: false)
            }
        guard reconciliations.add(questions, of: framework.id, on: stream) else {
            return note(.warning, "framework \(framework.id): RECONCILE dropped, too many are not answered yet")
        }
        // Short ones are answered before anything else happens.
        if reconciliations.timer == nil { answerReconciliations() }
    }

    mutating func continueReconciling(_ number: UInt64) {
        guard reconciliations.timer == number else { return }
        answerReconciliations()
    }

    /// Answers some of what was asked. The rest waits behind what is in the inbox by now.
    private mutating func answerReconciliations() {
        reconciliations.timer = nil
        for batch in reconciliations.next() {
            // Whoever subscribes anew asks anew.
            guard let framework = frameworks[batch.framework], framework.stream == batch.stream else { continue }
            for question in batch.questions {
                guard question.isImplicit else {
                    reconcile([(question.task, question.agent)], framework)
                    continue
                }
                let key = TaskKey(framework: framework.id, task: question.task)
                guard let task = tasks[key] else { continue }
                tell(framework.id, update: latestState(of: task))
                settleOnceOnly(key)
            }
        }
        if !reconciliations.isEmpty { reconciliations.timer = scheduleNumbered(after: .zero) { .reconcile($0) } }
    }

    /// Answers for each task named, unless an agent that may know it is still expected.
    mutating func reconcile(_ named: [(task: TaskID, agent: AgentID?)], _ framework: Framework) {
        for (id, agent) in named {
            let key = TaskKey(framework: framework.id, task: id)
            if let task = tasks[key], !task.isUnreachable {
                tell(framework.id, update: latestState(of: task))
                settleOnceOnly(key)
            } else if let task = tasks[key], agents[task.agent] != nil {
                // Unreachable until now, and not among the tasks its agent came back with: the agent has been asked, or
                // will be when its link is mended, and its answer says how the task ended.
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
