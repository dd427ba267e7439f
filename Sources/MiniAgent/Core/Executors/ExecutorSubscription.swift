// What an executor asks of its agent, and what becomes of it when the agent comes back.

import MesosProtocol
import Resources

extension ExecutorLife {
    /// A task for this executor, whose record goes to disk next.
    mutating func add(_ task: HostedTask) {
        tasks[task.key] = task
        order.append(task.key)
    }

    /// Lets go of the tasks whose ends are acknowledged. Those of an executor that has subscribed and never had a task stay
    /// until it is over: they tell the agent after a restart that nothing keeps it alive.
    mutating func retireTasks() -> [Effect] {
        guard hasHadTasks || !hasSubscribed || isOver else { return [] }
        let retired = order.compactMap { tasks[$0] }.filter(\.isRetired)
        for task in retired { tasks[task.key] = nil }
        order.removeAll { tasks[$0] == nil }
        return retired.map { .retireTask($0) }
    }

    // MARK: Calls

    mutating func take(_ call: ExecutorCall, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        switch call {
        case .subscribe(let id, _, _):
            return subscribe(call, id)
        case .update(let status):
            return take(status, now) + killStray(status)
        case .message(let bytes):
            return isAbandoned ? [] : [.message(bytes)]
        }
    }

    private mutating func subscribe(_ call: ExecutorCall, _ id: ExecutorStreamID) -> [Effect] {
        let isThere = containerPhase == .starting || containerPhase == .running
        guard phase == .registering || phase == .running, isThere else {
            return [.agent(.tellExecutor(id, .shutdown)), .agent(.closeExecutorStream(id))]
        }
        var effects: [Effect] = []
        if let stream { effects.append(.agent(.closeExecutorStream(stream))) }
        if case .subscribe(let older, _, _) = subscribing { effects.append(.agent(.closeExecutorStream(older))) }
        stream = nil
        subscribing = call
        // A container that speaks runs, whatever its containerizer has said so far.
        if containerPhase == .starting { containerPhase = .running }
        isSubscriptionWritten = true
        let waiting = order.filter { tasks[$0]?.awaitDelivery() == true }
        return effects + [.agent(.checkpoint(.subscription(record.key, record.container, waiting: waiting)))]
    }

    /// That it has subscribed is on disk: now it may be given tasks.
    mutating func subscriptionRecorded(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        hasSubscribed = true
        guard case .subscribe(let id, let held, let updates) = subscribing else { return [] }
        subscribing = nil
        stream = id
        phase = .running
        // Repeated updates may be acknowledged at once, and SUBSCRIBED comes before every other event.
        let opening = tell(.subscribed(record.info, framework, record.container))
        var effects = updates.flatMap { take($0, now) }
        effects += dropWhatNeverArrived(held: held, now, &ids)
        effects += dropBrokenGroups(now, &ids)
        guard hasHadTasks || !tasks.values.allSatisfy(\.isEnded) else {
            return effects + terminate(nil, isGraceful: true, now, &ids)
        }
        effects = opening + effects
        for key in order { effects += translate(tasks[key]?.repeatKill() ?? [], of: key) }
        return effects + deliverQueued()
    }

    private mutating func take(_ status: V1TaskStatus, _ now: Moment) -> [Effect] {
        if isAbandoned { return [] }
        hasHadTasks = true
        let key = TaskKey(framework: record.key.framework, task: TaskID(status.taskID))
        guard tasks[key] != nil else {
            // Over and delivered already, or never its own: it need not keep it.
            guard let id = status.updateUUID else { return [] }
            let notice = "\(record.key) says \(status.state.name) of \(key.task), which it does not hold"
            return tell(.acknowledged(key.task, id)) + [.agent(.notice(.warning(notice)))]
        }
        return translate(tasks[key]?.take(status, networks: networks, now) ?? [], of: key)
    }
}

// MARK: Recovery

extension ExecutorLife {
    /// The executor as a checkpoint left it, and what must be done for it now.
    static func recovered(
        _ recovered: RecoveryPlan.Executor, framework: V1FrameworkInfo?, resources: Resources,
        taskResources: (TaskRecord) -> Resources, timing: Timing, at now: Moment, ids: inout RandomStream
    ) -> (life: ExecutorLife, effects: [Effect]) {
        let checkpoint = recovered.checkpoint
        var known = V1FrameworkInfo()
        known.id.value = checkpoint.record.key.framework.value
        let framework = framework ?? known
        var life = ExecutorLife(checkpoint.record, framework: framework, resources: resources, timing: timing)
        life.isRecorded = true
        life.isRecovered = true
        life.hasSubscribed = checkpoint.steps.contains(.subscribed)
        life.isSubscriptionWritten = life.hasSubscribed
        for task in recovered.tasks {
            life.add(
                HostedTask(
                    recovered: task, framework: framework, resources: taskResources(task.record),
                    wasDelivered: life.hasSubscribed && recovered.mayHaveDelivered(task)))
        }
        // It has spoken of a task, or of all that it had nothing is left to say.
        life.hasHadTasks =
            life.hasSubscribed
            && (recovered.tasks.isEmpty || recovered.tasks.contains(where: \.wasSpokenOf))
        var effects = life.retireTasks()
        effects += life.endKilled(now, &ids)
        effects += life.dropBrokenGroups(now, &ids)
        effects += life.resume(recovered.fate, now, &ids)
        effects += life.step(.recorded, at: now, ids: &ids)
        return (life, effects)
    }

    private mutating func resume(
        _ fate: RecoveryPlan.ExecutorFate, _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        switch fate {
        case .relaunch:
            if tasks.values.contains(where: \.isWaiting) { return [] }
            return terminate(nil, isGraceful: false, now, &ids)
        case .reattach:
            containerPhase = .running
            return [
                .agent(.reattachContainer(record.containerRecord)),
                scheduleDeadline(after: hasSubscribed ? timing.reregistration : timing.registration),
            ]
        case .unwanted:
            containerPhase = .running
            let report = ExitReport(
                state: framework.goneState, reason: .agentRestarted,
                message: "The agent restarted, and the framework does not checkpoint")
            return [.agent(.reattachContainer(record.containerRecord))]
                + terminate(report, isGraceful: false, now, &ids)
        case .vanished:
            verdict = ExitReport(executorExit: .unknown(""), memory: resources["mem"])
            return containerEnded(status: -1, now, &ids)
        }
    }
}

extension RecoveryPlan.Executor {
    /// Whether an executor that has subscribed may have been given the task. A group is given once that is noted of all its
    /// tasks.
    func mayHaveDelivered(_ task: AgentCheckpoint.Task) -> Bool {
        let group = task.record.group?.group
        let companions = group == nil ? [task] : tasks.filter { $0.record.group?.group == group }
        return companions.contains(where: \.wasSpokenOf) || companions.allSatisfy { $0.delivery != .awaited }
    }
}
