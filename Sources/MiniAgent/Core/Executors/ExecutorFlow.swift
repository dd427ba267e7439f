// Custom executors within the agent: launched by their first task, told of the others, and reported when they end.

import MesosProtocol
import Resources

/// An executor that is over, kept for operators to read.
package struct CompletedExecutor: Hashable, Sendable {
    package var record: ExecutorRecord
    package var framework: V1FrameworkInfo
}

extension AgentCore {
    // MARK: Launch

    /// A task for a custom executor: the first one brings the executor with it.
    mutating func launchHosted(
        _ info: V1TaskInfo, of framework: V1FrameworkInfo, on linkID: LinkID, _ now: Moment
    ) -> [AgentEffect] {
        launchHosted([info], isGroup: false, under: info.executor, of: framework, on: linkID, now)
    }

    /// Tasks that a custom executor is to be given at once, or not at all.
    mutating func launchHosted(
        group infos: [V1TaskInfo], under executor: V1ExecutorInfo, of framework: V1FrameworkInfo, on linkID: LinkID,
        _ now: Moment
    ) -> [AgentEffect] {
        let members = infos.map { info in
            var member = info
            member.executor = executor
            return member
        }
        return launchHosted(members, isGroup: true, under: executor, of: framework, on: linkID, now)
    }

    private mutating func launchHosted(
        _ infos: [V1TaskInfo], isGroup: Bool, under executor: V1ExecutorInfo, of framework: V1FrameworkInfo,
        on linkID: LinkID, _ now: Moment
    ) -> [AgentEffect] {
        let frameworkID = FrameworkID(framework.id.value)
        let keys = infos.map { TaskKey(framework: frameworkID, task: TaskID($0.taskID.value)) }
        let host = ExecutorKey(framework: frameworkID, executor: ExecutorID(executor.executorID))
        guard !infos.isEmpty, infos.allSatisfy({ AgentID($0.agentID.value) == agent }) else {
            return [.notice(.warning("\(keys) for \(host) are meant for another agent: ignored"))]
        }
        guard keys.allSatisfy({ tasks[$0] == nil && hosts[$0] == nil }), Set(keys).count == keys.count else {
            return [.notice(.warning("\(keys) for \(host): one is here already: launch ignored"))]
        }
        if let report = keys.compactMap({ refusal(of: $0, for: host, framework) }).first
            ?? (executors[host] == nil ? engineRefusal(of: Self.container(of: executor), framework) : nil)
        {
            let updates = keys.map { key in
                AgentEffect.send(linkID, sayOnce(report, about: key, executor: host.executor, now))
            }
            return updates + unlessAlive(host, refused(executor, of: framework, on: linkID))
        }
        var needs: [Resources] = []
        var kind = ContainerizerKind.process
        for info in infos {
            switch admission(of: info, executor: host, framework) {
            case .refuse(let report):
                // What one of them cannot have, none of them gets.
                return infos.flatMap { launch($0, of: framework, on: linkID, now, fault: report) }
                    + unlessAlive(host, refused(executor, of: framework, on: linkID))
            case .run(let chosen, let needed):
                kind = chosen
                needs.append(needed)
            }
        }
        return give(infos, as: keys, needs, isGroup: isGroup, to: host, executor, kind, framework)
    }

    /// Why the task is not even taken note of.
    private func refusal(of key: TaskKey, for host: ExecutorKey, _ framework: V1FrameworkInfo) -> ExitReport? {
        guard
            [key.task.value, key.framework.value, host.executor.value].allSatisfy({ TaskAdmission.isUsable($0) })
        else {
            return ExitReport(
                state: .taskError, reason: .taskInvalid, message: "An id cannot be used as a directory name")
        }
        if let refusal = drainRefusal(of: framework) { return refusal }
        if isStopping {
            return ExitReport(
                state: framework.droppedState, reason: .executorTerminated, message: "The agent is shutting down")
        }
        if let phase = executors[host]?.phase, phase == .terminating || phase == .terminated {
            return ExitReport(
                state: framework.droppedState, reason: .executorTerminated,
                message: "Executor terminating/terminated")
        }
        // The records of a command task of that name lie where the executor's would.
        if executors[host] == nil,
            tasks[TaskKey(framework: key.framework, task: TaskID(host.executor.value))] != nil
        {
            return ExitReport(
                state: framework.droppedState, reason: .taskInvalid,
                message: "Cannot reuse an already existing executor for a command task")
        }
        return nil
    }

    /// What the task needs, and what its executor's container would run in.
    private func admission(
        of info: V1TaskInfo, executor host: ExecutorKey, _ framework: V1FrameworkInfo
    ) -> TaskAdmission {
        let needed: Resources
        do {
            needed = try Resources(info.resources)
            _ = try Resources(info.executor.resources)
        } catch {
            return .refuse(
                ExitReport(state: .taskError, reason: .taskInvalid, message: "Task uses invalid resources: \(error)"))
        }
        guard resources.knows(needed) else {
            return .refuse(
                ExitReport(
                    state: framework.droppedState, reason: .resourcesUnknown,
                    message: "The checkpointed resources being used by the task are unknown to the agent"))
        }
        if let life = executors[host] { return .run(life.record.containerizer, needed) }
        let admission = TaskAdmission(Self.container(of: info.executor), settings: settings)
        guard case .run(let kind, _) = admission else { return admission }
        return .run(kind, needed)
    }

    /// The executor as if it were a task, to judge whether and how it can run here.
    private static func container(of executor: V1ExecutorInfo) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.command = executor.command
        if executor.hasContainer { info.container = executor.container }
        return info
    }

    private mutating func give(
        _ infos: [V1TaskInfo], as keys: [TaskKey], _ needs: [Resources], isGroup: Bool, to host: ExecutorKey,
        _ executor: V1ExecutorInfo, _ kind: ContainerizerKind, _ framework: V1FrameworkInfo
    ) -> [AgentEffect] {
        var effects = frameworks[host.framework] == framework ? [] : remember(framework, as: host.framework)
        if executors[host] == nil {
            let record = ExecutorRecord(
                key: host, info: executor,
                container: ContainerID(WireUUID.random(using: &containerIDs).description), containerizer: kind,
                resources: executor.resources + infos.flatMap(\.resources))
            executors[host] = ExecutorLife(
                record, framework: framework, resources: (try? Resources(executor.resources)) ?? Resources(),
                timing: timing(of: executor))
            executorsByContainer[record.container] = host
            effects.append(.checkpoint(.executor(record)))
        }
        guard let life = executors[host] else { return effects }
        var group: GroupMembership?
        if isGroup {
            group = GroupMembership(
                group: WireUUID.random(using: &containerIDs), tasks: keys.map(\.task),
                executorRun: life.record.container)
        }
        for (key, (info, needed)) in zip(keys, zip(infos, needs)) {
            var record = TaskRecord(
                key: key, info: info, container: life.record.container, containerizer: life.record.containerizer,
                host: host.executor)
            record.group = group
            record.awaitsDelivery = life.isSubscriptionWritten
            executors[host]?.add(HostedTask(record, framework: framework, resources: needed))
            hosts[key] = host
            effects.append(.checkpoint(.task(record)))
        }
        return effects
    }

    private func timing(of info: V1ExecutorInfo) -> ExecutorLife.Timing {
        let grace =
            info.hasShutdownGracePeriod
            ? Duration.nanoseconds(max(0, info.shutdownGracePeriod.nanoseconds))
            : settings.executorShutdownGracePeriod
        return ExecutorLife.Timing(
            registration: settings.executorRegistrationTimeout,
            reregistration: settings.executorReregistrationTimeout, shutdownGrace: grace,
            killRepeat: settings.killRepeatAfter)
    }

    /// The master need not keep resources for an executor that is not there.
    private func unlessAlive(_ host: ExecutorKey, _ effect: AgentEffect) -> [AgentEffect] {
        executors[host].map { !$0.isOver } ?? false ? [] : [effect]
    }

    // MARK: Steps

    mutating func step(_ key: ExecutorKey, _ event: ExecutorLife.Event, _ now: Moment) -> [AgentEffect] {
        guard let effects = executors[key]?.step(event, at: now, ids: &updateIDs) else { return [] }
        return translate(effects, of: key)
    }

    private mutating func translate(_ effects: [ExecutorLife.Effect], of key: ExecutorKey) -> [AgentEffect] {
        effects.flatMap { effect -> [AgentEffect] in
            switch effect {
            case .agent(let effect): return [effect]
            case .send(let update, let latest):
                // Without a master the update waits; registering sends it.
                return call(.update(update, latest: latest))
            case .message(let bytes): return call(.message(key.framework, key.executor, bytes))
            case .exited(let status): return call(.executorExited(key.framework, key.executor, status: status))
            case .retireTask(let task): return retire(task)
            case .retire: return retire(key)
            }
        }
    }

    private func call(_ call: AgentCall) -> [AgentEffect] { link.registeredLink.map { [.send($0, call)] } ?? [] }

    private mutating func retire(_ task: HostedTask) -> [AgentEffect] {
        hosts[task.key] = nil
        complete(CompletedTask(record: task.record, framework: task.framework, history: task.history))
        return [.checkpoint(.retirement(task.key, task.record.container))]
    }

    private mutating func retire(_ key: ExecutorKey) -> [AgentEffect] {
        guard let life = executors.removeValue(forKey: key) else { return [] }
        executorsByContainer[life.record.container] = nil
        completedExecutors.append(CompletedExecutor(record: life.record, framework: life.framework))
        let isOwn: (CompletedExecutor) -> Bool = { $0.record.key.framework == key.framework }
        while completedExecutors.count(where: isOwn) > settings.completedExecutorsMax,
            let oldest = completedExecutors.firstIndex(where: isOwn)
        {
            completedExecutors.remove(at: oldest)
        }
        if completedExecutors.count > completedMax { completedExecutors.removeFirst() }
        forgetIfUnused(key.framework)
        return [.checkpoint(.executorRetirement(key, life.record.container))]
    }

    /// Of all frameworks together; one of them alone may have so many if the operator says so.
    private var completedMax: Int { max(settings.completedTasksMax, settings.completedExecutorsMax) }

    mutating func complete(_ task: CompletedTask) {
        completed.append(task)
        if task.record.host == nil {
            let framework = task.record.key.framework
            let isOwn: (CompletedTask) -> Bool = { $0.record.host == nil && $0.record.key.framework == framework }
            while completed.count(where: isOwn) > settings.completedExecutorsMax,
                let oldest = completed.firstIndex(where: isOwn)
            {
                completed.remove(at: oldest)
            }
        }
        if completed.count > completedMax { completed.removeFirst() }
    }

    mutating func forgetIfUnused(_ framework: FrameworkID) {
        let isUsed =
            tasks.keys.contains { $0.framework == framework }
            || executors.keys.contains { $0.framework == framework }
        if !isUsed { frameworks[framework] = nil }
    }

    mutating func disconnected(
        _ key: ExecutorKey, _ stream: ExecutorStreamID, _ reason: String, _ now: Moment
    ) -> [AgentEffect] {
        guard executors[key]?.stream == stream else { return step(key, .disconnected(stream), now) }
        return [.notice(.info("\(key) is no longer connected: \(reason)"))] + step(key, .disconnected(stream), now)
    }

    mutating func pass(_ bytes: [UInt8], to key: ExecutorKey, _ now: Moment) -> [AgentEffect] {
        guard executors[key] != nil else {
            return [.notice(.info("a message of the scheduler for \(key), which is not here, is dropped"))]
        }
        return step(key, .message(bytes), now)
    }

    // MARK: All of them

    mutating func shutDownExecutors(_ now: Moment) -> [AgentEffect] {
        let report = ExitReport(
            state: .taskKilled, reason: .executorTerminated, message: "The agent is shutting down")
        return executors.keys.sorted().flatMap { step($0, .shutdownRequested(report), now) }
    }

    mutating func abandonExecutors(of framework: FrameworkID, _ now: Moment) -> [AgentEffect] {
        executors.keys.filter { $0.framework == framework }.sorted().flatMap { step($0, .abandoned, now) }
    }

    var hasLiveHostedTasks: Bool { executors.values.contains { $0.tasks.values.contains { !$0.isEnded } } }

    /// Every task is ended in its own time, or in what the order allows.
    mutating func drainExecutors(_ order: DrainOrder, _ now: Moment) -> [AgentEffect] {
        let cause = order.marksGone ? KillOrder.Cause.drainToGone : .drain
        return hosts.keys.sorted().flatMap { key -> [AgentEffect] in
            guard let host = hosts[key], let task = executors[host]?.tasks[key], !task.isEnded else { return [] }
            var grace = order.maxGrace
            if let maximum = grace, task.record.info.killPolicy.hasGracePeriod {
                grace = min(maximum, .nanoseconds(task.record.info.killPolicy.gracePeriod.nanoseconds))
            }
            let kill = KillOrder(grace: grace ?? KillOrder.ownGrace, cause: cause)
            return step(host, .killRequested(key, kill), now)
        }
    }

    /// Tasks of executors as a master must know of them.
    var reportableHostedTasks: [HostedTask] {
        executors.values.filter { !$0.isAbandoned }.flatMap(\.tasks.values)
            .filter { !$0.stream.isClosing && !$0.isRetired }.sorted { $0.key < $1.key }
    }

    // MARK: Recovery

    mutating func recover(
        _ plans: [RecoveryPlan.Executor], _ infos: [FrameworkID: V1FrameworkInfo], _ now: Moment
    ) -> [AgentEffect] {
        var effects: [AgentEffect] = []
        for plan in plans {
            let record = plan.checkpoint.record
            frameworks[record.key.framework] = infos[record.key.framework]
            executorsByContainer[record.container] = record.key
            for task in plan.tasks { hosts[task.record.key] = record.key }
            let (life, actions) = ExecutorLife.recovered(
                plan, framework: infos[record.key.framework],
                resources: (try? Resources(record.info.resources)) ?? Resources(),
                taskResources: { (try? Resources($0.info.resources)) ?? Resources() },
                timing: timing(of: record.info), at: now, ids: &updateIDs)
            executors[record.key] = life
            effects += translate(actions, of: record.key)
        }
        return effects
    }

    // MARK: Calls

    /// Why an executor may not make a call.
    package enum ExecutorRefusal: Error, Hashable, Sendable {
        case isRecovering
        case unknownFramework
        case unknownExecutor
        case isNotSubscribed
    }

    /// - Parameter isSubscribe: Whether the call is SUBSCRIBE, which anybody here may make.
    package func refusal(of key: ExecutorKey, isSubscribe: Bool) -> ExecutorRefusal? {
        guard isRecovered else { return .isRecovering }
        guard frameworks[key.framework] != nil else { return .unknownFramework }
        guard let life = executors[key] else { return .unknownExecutor }
        return life.phase == .registering && !isSubscribe ? .isNotSubscribed : nil
    }
}

extension HostedTask {
    /// The task as a master is told of it that may know nothing of it.
    var report: ReportedTask {
        let history = durableHistory
        return ReportedTask(
            record: record, state: history.last?.state ?? .taskStaging, pending: stream.head, history: history)
    }
}

extension ExecutorLife.Event {
    /// What happens to a container happens to its executor.
    init?(_ event: TaskLife.Event) {
        switch event {
        case .prepared: self = .prepared
        case .started(let started): self = .started(started)
        case .failed(let failure): self = .failed(failure)
        case .exited(let exit): self = .exited(exit)
        default: return nil
        }
    }
}
