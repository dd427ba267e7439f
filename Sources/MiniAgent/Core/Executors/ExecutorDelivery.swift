// How tasks reach an executor: each once at most, and those of a group together.

import MesosProtocol
import Resources

extension ExecutorLife {
    /// Hands over what waits, in order; a group once all of it is on disk. That a task may have been given goes to disk
    /// first: an agent that finds it there after a crash does not give it again.
    mutating func deliverQueued() -> [Effect] {
        guard phase == .running, isConnected else { return [] }
        var effects: [Effect] = []
        for key in order {
            guard let task = tasks[key], task.isWaiting else { continue }
            let companions = companions(of: key)
            guard isWhole(companions), companions.allSatisfy({ tasks[$0]?.isWaiting == true }) else { continue }
            effects += companions.flatMap { translate(tasks[$0]?.announceDelivery() ?? [], of: $0) }
            guard companions.allSatisfy({ tasks[$0]?.phase == .due }) else { continue }
            for companion in companions { tasks[companion]?.deliver() }
            let infos = companions.compactMap { tasks[$0]?.record.info }
            effects += tell(task.record.group == nil ? .launch(task.record.info) : .launchGroup(infos))
        }
        return effects
    }

    /// A task that was given to it, of which it has said nothing and knows nothing, is taken to have been lost on its way:
    /// it has ended. It is not given again, because an executor that does not say what it has would run it twice.
    ///
    /// - Parameter held: The tasks that the executor says it has.
    mutating func dropWhatNeverArrived(
        held: [TaskID], _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        let held = Set(held)
        for key in order where held.contains(key.task) { tasks[key]?.isHeld() }
        if order.contains(where: { held.contains($0.task) }) { hasHadTasks = true }
        return order.flatMap { key -> [Effect] in
            guard let task = tasks[key], task.isSilent, !held.contains(key.task) else { return [] }
            let companions = companions(of: key).filter { tasks[$0]?.isSilent == true && !held.contains($0.task) }
            // What is killed of a group before it is delivered takes the others along.
            guard companions.contains(where: { tasks[$0]?.kill != nil }) else { return drop(key, now, &ids) }
            return endUndelivered(companions, now, &ids)
        }
    }

    /// It speaks of a task as running that is over for its framework: dropped, or ended long ago. Nobody else would end it.
    func killStray(_ status: V1TaskStatus) -> [Effect] {
        let id = TaskID(status.taskID)
        let isOver = tasks[TaskKey(framework: record.key.framework, task: id)]?.isEnded ?? true
        return isOver && !status.state.isTerminal && !isAbandoned ? tell(.kill(id, grace: nil)) : []
    }

    mutating func killTask(
        _ key: TaskKey, _ order: KillOrder, _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        var effects: [Effect] = []
        // An executor gets a group whole or not at all.
        for companion in tasks[key]?.isUndelivered == true ? companions(of: key) : [key] {
            effects += translate(tasks[companion]?.requestKill(order, now, &ids) ?? [], of: companion)
        }
        // An executor that never had a task and has none to come has nothing to live for.
        guard !hasHadTasks, phase == .registering || phase == .running, tasks.values.allSatisfy(\.isEnded) else {
            return effects
        }
        return effects + terminate(nil, isGraceful: true, now, &ids)
    }

    /// What was killed and never given to it. An agent that notes no deliveries keeps such kills for an executor to hear of.
    mutating func endKilled(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let killed = order.filter { tasks[$0]?.isUndelivered == true && tasks[$0]?.kill != nil }
        return killed.flatMap { endUndelivered(companions(of: $0), now, &ids) }
    }

    /// Groups of which a crash has kept a part from reaching the disk, or from being ended: the rest is not delivered alone.
    mutating func dropBrokenGroups(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let broken = order.filter { key in
            guard tasks[key]?.isUndelivered == true else { return false }
            let companions = companions(of: key)
            return !isWhole(companions) || !companions.allSatisfy { tasks[$0]?.isUndelivered == true }
        }
        return broken.flatMap { drop($0, now, &ids) }
    }

    // MARK: Groups

    /// The tasks here that came together with this one, itself among them, in the order in which they came.
    private func companions(of key: TaskKey) -> [TaskKey] {
        guard let group = tasks[key]?.record.group?.group else { return [key] }
        return order.filter { tasks[$0]?.record.group?.group == group }
    }

    private func isWhole(_ companions: [TaskKey]) -> Bool {
        companions.first.flatMap { tasks[$0]?.record.group }.map { $0.tasks.count == companions.count } ?? true
    }

    private mutating func endUndelivered(
        _ keys: [TaskKey], _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        keys.flatMap { key -> [Effect] in
            guard let record = tasks[key]?.record else { return [] }
            return translate(tasks[key]?.end(.killedBeforeStart(record), now, &ids) ?? [], of: key)
        }
    }

    private mutating func drop(_ key: TaskKey, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let report = ExitReport(
            state: framework.droppedState, reason: .agentRestarted, message: "Task launched during agent restart")
        return translate(tasks[key]?.end(report, now, &ids) ?? [], of: key)
    }
}
