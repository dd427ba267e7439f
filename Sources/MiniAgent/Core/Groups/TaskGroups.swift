// Task groups within the agent: launched all or not at all, ended together, under an executor that is only an account.

import MesosProtocol
import Resources

extension AgentCore {
    // MARK: Launch

    /// Takes in a group for a default executor. Nothing is done for any task before all are on disk.
    mutating func launchGroup(
        _ infos: [V1TaskInfo], under executor: V1ExecutorInfo, of framework: V1FrameworkInfo, on linkID: LinkID,
        _ now: Moment
    ) -> [AgentEffect] {
        let frameworkID = FrameworkID(framework.id.value)
        let keys = infos.map { TaskKey(framework: frameworkID, task: TaskID($0.taskID.value)) }
        let name = "task group of executor \(executor.executorID.value) of framework \(frameworkID)"
        guard !infos.isEmpty, infos.allSatisfy({ AgentID($0.agentID.value) == agent }) else {
            return [.notice(.warning("\(name) is meant for another agent: ignored"))]
        }
        guard keys.allSatisfy({ tasks[$0] == nil && hosts[$0] == nil }), Set(keys).count == keys.count else {
            return [.notice(.warning("\(name) has a task that is here already: ignored"))]
        }
        let running = defaultExecutors.first { $0.framework == frameworkID && $0.id == ExecutorID(executor.executorID) }
        let stall = infos.compactMap { engineRefusal(of: $0, framework) }.first
        if let report = groupRefusal(keys, executor, framework) ?? stall {
            let updates = keys.map { key in
                AgentEffect.send(linkID, sayOnce(report, about: key, executor: ExecutorID(executor.executorID), now))
            }
            return updates + (running == nil ? [refused(executor, of: framework, on: linkID)] : [])
        }
        let membership = GroupMembership(
            group: WireUUID.random(using: &containerIDs), tasks: keys.map(\.task),
            executorRun: running?.run ?? ContainerID(WireUUID.random(using: &containerIDs).description))
        return admit(infos, keys, under: executor, membership, of: framework)
    }

    private mutating func admit(
        _ infos: [V1TaskInfo], _ keys: [TaskKey], under executor: V1ExecutorInfo, _ membership: GroupMembership,
        of framework: V1FrameworkInfo
    ) -> [AgentEffect] {
        let members = infos.map { info in
            var member = info
            member.executor = executor
            return member
        }
        let verdicts = members.map { admission(of: $0, framework) }
        // What one of them cannot have, none of them gets.
        let refusal = verdicts.lazy.compactMap(\.refusal).first ?? portRefusal(members, executor)
        var effects: [AgentEffect] =
            frameworks[keys[0].framework] == framework ? [] : remember(framework, as: keys[0].framework)
        unrecordedGroups[membership.group] = Set(keys)
        for (key, (member, verdict)) in zip(keys, zip(members, verdicts)) {
            var kind = ContainerizerKind.process
            if case .run(let chosen, _) = TaskAdmission(member, settings: settings) { kind = chosen }
            var record = TaskRecord(
                key: key, info: member, container: ContainerID(WireUUID.random(using: &containerIDs).description),
                containerizer: kind)
            record.group = membership
            tasks[key] = TaskLife(
                record, framework: framework, resources: verdict.resources, refusal: refusal,
                killGrace: killGrace(of: record, asked: nil), killRepeatAfter: settings.killRepeatAfter)
            keysByContainer[record.container] = key
            effects.append(.checkpoint(.task(record)))
        }
        return effects
    }

    /// Ports of the host that lead into the group's network must be the group's.
    private func portRefusal(_ members: [V1TaskInfo], _ executor: V1ExecutorInfo) -> ExitReport? {
        let resources = executor.resources + members.flatMap(\.resources)
        let ports = ((try? Resources(resources)) ?? Resources()).ports
        let mapped = executor.container.networkInfos.flatMap(\.portMappings).map { UInt64($0.hostPort) }
        guard let missing = mapped.first(where: { !ports.contains(Ranges([$0...$0])) }) else { return nil }
        return ExitReport(
            state: .taskError, reason: .taskGroupInvalid, message: "Port [\(missing)] not included in resources")
    }

    /// Why the group is not even taken note of.
    private func groupRefusal(
        _ keys: [TaskKey], _ executor: V1ExecutorInfo, _ framework: V1FrameworkInfo
    ) -> ExitReport? {
        let names = keys.map(\.task.value) + [framework.id.value, executor.executorID.value]
        if !names.allSatisfy({ TaskAdmission.isUsable($0) }) {
            return ExitReport(
                state: .taskError, reason: .taskGroupInvalid, message: "An id cannot be used as a directory name")
        }
        if let refusal = drainRefusal(of: framework) { return refusal }
        if isStopping {
            return ExitReport(
                state: framework.droppedState, reason: .executorTerminated, message: "The agent is shutting down")
        }
        return nil
    }

    /// A task of a group is on disk.
    ///
    /// - Returns: The tasks that can begin now: all of the group once the last of them is on disk; the task itself if it is
    ///   in no group.
    mutating func recorded(_ key: TaskKey) -> [TaskKey] {
        guard let group = tasks[key]?.record.group, unrecordedGroups[group.group] != nil else { return [key] }
        unrecordedGroups[group.group]?.remove(key)
        guard unrecordedGroups[group.group]?.isEmpty == true else { return [] }
        unrecordedGroups[group.group] = nil
        return group.tasks.map { TaskKey(framework: key.framework, task: $0) }
    }

    // MARK: End

    /// One task of a group has ended. Unless it ended well, the others end with it.
    mutating func endGroup(of ended: TaskLife, _ now: Moment) -> [AgentEffect] {
        guard let group = ended.record.group, ended.state != .taskFinished, !ended.isAbandoned else { return [] }
        let cause = ended.kill?.order.cause ?? .request
        return group.tasks.flatMap { task -> [AgentEffect] in
            let key = TaskKey(framework: ended.record.key.framework, task: task)
            guard let life = tasks[key], life.record.group?.group == group.group, !life.isEnded, life.kill == nil else {
                return []
            }
            let order = KillOrder(
                grace: killGrace(of: life.record, asked: nil), cause: cause.isDrain ? cause : .request)
            return [.notice(.info("\(key) is ended: \(ended.record.key) of its group is \(ended.state.name)"))]
                + step(key, .killRequested(order), now)
        }
    }

    /// Whether the records of a task that is over must stay: a restart could not tell a task that was retired from one
    /// that never reached the disk, and so would not start those of its group that wait to be started.
    mutating func mustKeep(_ record: TaskRecord) -> Bool {
        guard let group = record.group, hasWaiting(group, record.key.framework) else { return false }
        keptForGroup[group.group, default: []].append(record)
        return true
    }

    /// Lets go of the records that were kept, once every task of the group has been started or is over, or is being ended.
    mutating func retireKept(of record: TaskRecord) -> [AgentEffect] {
        guard let group = record.group, let kept = keptForGroup[group.group],
            !hasWaiting(group, record.key.framework)
        else { return [] }
        keptForGroup[group.group] = nil
        return kept.map { .checkpoint(.retirement($0.key, $0.container)) }
    }

    private func hasWaiting(_ group: GroupMembership, _ framework: FrameworkID) -> Bool {
        group.tasks.contains { task in
            guard let life = tasks[TaskKey(framework: framework, task: task)],
                life.record.group?.group == group.group
            else { return false }
            switch life.phase {
            case .recording, .preparing, .announcing: return true
            // What ended the other is on its way to disk.
            case .launching, .running: return life.kill?.isRecorded == false
            case .ended: return false
            }
        }
    }

    /// The default executors that have tasks here, in order. One is over when the end of its last task is acknowledged.
    package var defaultExecutors: [DefaultExecutor] {
        var seen: Set<ContainerID> = []
        return tasks.sorted { $0.key < $1.key }.compactMap { _, life in
            guard let executor = life.record.defaultExecutor, seen.insert(executor.run).inserted else { return nil }
            return executor
        }
    }

    /// Told when a task of a group is gone: the executor's end, if it was the last.
    func executorEnd(after record: TaskRecord) -> [AgentEffect] {
        guard let executor = record.defaultExecutor,
            !tasks.values.contains(where: { $0.record.group?.executorRun == executor.run })
        else { return [] }
        let network: [AgentEffect] = record.groupNetwork == nil ? [] : [.closeGroupNetwork(executor.run)]
        // Without a master nobody is told: when the agent registers, the executor is not named any more.
        guard let linkID = link.registeredLink else { return network }
        return network + [.send(linkID, .executorExited(executor.framework, executor.id, status: 0))]
    }

    // MARK: Recovery

    /// The fate of a task of a group: one that lost a part of its group before anything ran is not started alone.
    static func fate(of task: RecoveryPlan.Task, among all: Set<TaskKey>) -> RecoveryPlan.Fate {
        let record = task.checkpoint.record
        guard task.fate == .relaunch, let group = record.group,
            !group.tasks.allSatisfy({ all.contains(TaskKey(framework: record.key.framework, task: $0)) })
        else { return task.fate }
        return .lostBeforeStart
    }

    /// Ends what the crash kept from being ended: the rest of groups of which a task has failed.
    mutating func endBrokenGroups(_ now: Moment) -> [AgentEffect] {
        tasks.keys.sorted().flatMap { key -> [AgentEffect] in
            guard let life = tasks[key], life.isEnded else { return [] }
            return endGroup(of: life, now)
        }
    }
}
