// Status updates go up, acknowledgements go down, kills go down, and books are kept on the way.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Up

    /// An agent reports a status. The framework hears of it if it is there; if not, the agent repeats it later.
    mutating func updateArrived(_ call: LinkCall.Update, from agent: Agent) {
        count("status_update")
        let framework = FrameworkID(call.frameworkID)
        var call = call
        if call.status.isOnceOnly, call.status.state == .taskLost,
            frameworks[framework]?.isPartitionAware == true
        {
            // An agent that has forgotten the framework cannot know what that understands. It may have said TASK_DROPPED
            // a moment ago, and a task has one end.
            call.status.state = .taskDropped
            call.latestState = .taskDropped
        }
        let status = call.status
        guard frameworks[framework] != nil else {
            // Nobody will ever acknowledge it: either it was removed, or this agent holds a framework nobody knows.
            numbers.counters.count("master/invalid_status_updates")
            command(agent.id, .shutdownFramework(framework))
            command(agent.id, .acknowledge(framework, status))
            return
        }
        numbers.counters.count("master/valid_status_updates")
        let key = TaskKey(framework: framework, task: TaskID(status.taskID))
        if let task = tasks[key], task.agent == agent.id { apply(call, to: task) }
        tell(framework, update: status)
        settleOnceOnly(key)
    }

    /// Closes the book on a task that its agent does not hold, once the framework was told of its end: the agent will
    /// not repeat it, so a lost acknowledgement would leave it there for ever.
    mutating func settleOnceOnly(_ key: TaskKey) {
        guard let task = tasks[key], task.isTerminal, !task.isUnreachable, !task.isHeldByAgent,
            frameworks[key.framework]?.isConnected == true
        else { return }
        finish(key)
    }

    private mutating func apply(_ call: LinkCall.Update, to task: TaskRecord) {
        let status = call.status
        // A terminal state is final, whatever arrives after it.
        let latest = task.isTerminal ? task.state : call.latestState
        tasks.update(task.key) { record in
            record.state = latest
            record.isUnreachable = false
            if let uuid = status.updateUUID { record.forwarded = (status.state, uuid) }
            record.remember(status)
            // An agent that speaks of a task it does not hold has lost it, if it ever held it.
            record.isHeldByAgent = !status.isOnceOnly
        }
        guard latest.isTerminal else { return }
        if !task.isTerminal { countTerminal(status.state.isTerminal ? status : Self.bare(latest, of: status)) }
        releaseResources(of: task.key)
    }

    /// Stands for a terminal status that is still queued at the agent.
    private static func bare(_ state: V1TaskState, of status: V1TaskStatus) -> V1TaskStatus {
        var bare = V1TaskStatus()
        bare.taskID = status.taskID
        bare.state = state
        if status.hasSource { bare.source = status.source }
        return bare
    }

    /// Gives a task's resources back, once.
    mutating func releaseResources(of key: TaskKey) {
        guard let task = tasks[key], task.isCharged else { return }
        tasks.update(key) { $0.isCharged = false }
        allocator.recover(
            key.framework, role: task.role, agent: task.agent, resources: task.resources, filter: nil,
            at: now.instant)
        wantAllocation()
    }

    /// Moves a task that is out of the book to its framework's completed tasks.
    mutating func complete(_ record: TaskRecord) {
        tasks.noteEnd(record)
        frameworkMetrics.update(record.key.framework) { $0.countEnd(in: record.state) }
        frameworks.update(record.key.framework) { framework in
            framework.completedTasks.append(record, keeping: settings.completedTasksPerFrameworkMax)
        }
    }

    /// Counts a task's end, by state and by cause.
    mutating func countTerminal(_ status: V1TaskStatus) {
        guard let name = Self.counterName(status.state) else { return }
        numbers.counters.count("master/tasks_\(name)")
        if status.hasSource, status.hasReason {
            numbers.counters.count(
                "master/task_\(name)/source_\(MetricWords.source(status.source))/reason_"
                    + MetricWords.reason(status.reason))
        }
    }

    private static func counterName(_ state: V1TaskState) -> String? {
        switch state {
        case .taskFinished: "finished"
        case .taskFailed: "failed"
        case .taskKilled: "killed"
        case .taskError: "error"
        case .taskLost: "lost"
        case .taskDropped: "dropped"
        case .taskGone: "gone"
        case .taskGoneByOperator: "gone_by_operator"
        case .taskStaging, .taskStarting, .taskRunning, .taskKilling, .taskUnreachable, .taskUnknown: nil
        }
    }

    // MARK: Down

    mutating func acknowledge(_ call: V1SchedulerCall.Acknowledge, from framework: Framework) {
        count("status_update_acknowledgement")
        let agent = AgentID(call.agentID)
        let key = TaskKey(framework: framework.id, task: TaskID(call.taskID))
        let task = tasks[key]
        // An update that this leader did not forward was delivered by an earlier one; the agent will repeat it.
        let isForeign = task.map { $0.forwarded == nil } ?? false
        guard agents[agent]?.isConnected == true, !isForeign else {
            return numbers.counters.count("master/invalid_status_update_acknowledgements")
        }
        numbers.counters.count("master/valid_status_update_acknowledgements")
        if let forwarded = task?.forwarded, forwarded.state.isTerminal,
            forwarded.uuid == WireUUID(bytes: call.uuid)
        {
            finish(key)
        }
        command(agent, .acknowledge(framework.id, call))
    }

    /// The task is over and the framework knows.
    private mutating func finish(_ key: TaskKey) {
        releaseResources(of: key)
        guard let record = tasks.remove(key) else { return }
        complete(record)
    }

    mutating func kill(_ call: V1SchedulerCall.Kill, from framework: Framework) {
        count("kill_task")
        let key = TaskKey(framework: framework.id, task: TaskID(call.taskID))
        let named = call.hasAgentID ? AgentID(call.agentID) : nil
        guard let task = tasks[key], !task.isUnreachable else { return reconcile([(key.task, named)], framework) }
        if let named, named != task.agent {
            return note(.warning, "kill of \(key) ignored: it runs on \(task.agent), not on \(named)")
        }
        let policy = call.hasKillPolicy ? call.killPolicy : nil
        tasks.update(key) { $0.kill = TaskRecord.KillRequest(policy: policy) }
        // Without a link the request waits in the record and is sent when the agent comes back.
        command(task.agent, .kill(key, policy: policy))
    }
}

/// Sources and reasons as metric names spell them: the old words, in lower case.
enum MetricWords {
    /// Swift's case names are the wire names in camel case.
    static func snakeCase(_ name: String) -> String {
        var words = ""
        for character in name {
            if character.isUppercase { words.append("_") }
            words.append(contentsOf: character.lowercased())
        }
        return words
    }

    static func source(_ source: V1TaskStatus.Source) -> String {
        switch source {
        case .master: "master"
        case .agent: "slave"
        case .executor: "executor"
        }
    }

    static func reason(_ reason: V1TaskStatus.Reason) -> String {
        let words = snakeCase("\(reason)")
        return words.hasPrefix("agent_") ? "slave_" + words.dropFirst("agent_".count) : words
    }
}
