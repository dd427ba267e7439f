// What a registered agent does with each command of its master.

import MesosProtocol
import Resources

extension AgentCore {
    mutating func perform(_ command: MasterCommand, on linkID: LinkID, _ now: Moment) -> [AgentEffect] {
        switch command {
        case .runTask(let framework, let info) where info.hasExecutor && info.executor.type != .default:
            return launchHosted(info, of: framework, on: linkID, now)
        case .runTask(let framework, let info):
            let effects = launch(info, of: framework, on: linkID, now)
            return info.hasExecutor ? effects + [refused(info.executor, of: framework, on: linkID)] : effects
        case .killTask(let key, let grace):
            return kill(key, grace: grace, on: linkID, now)
        case .acknowledge(let key, let id):
            return step(key, .stream(.acknowledged(id)), now)
        case .drain(let config):
            return beginDrain(config, now)
        case .endDrain:
            return endDrain()
        case .shutdownFramework(let id):
            return shutDown(id, now)
        case .updateFramework(let info):
            let id = FrameworkID(info.id.value)
            guard let known = frameworks[id] else { return [] }
            var effects = known != info ? remember(info, as: id) : []
            // Often it has just come back: what it may have missed is sent now, not when its retry is due.
            for key in (Array(tasks.keys) + Array(hosts.keys)).filter({ $0.framework == id }).sorted() {
                effects += step(key, .stream(.frameworkReturned), now)
            }
            return effects
        case .reconcile(let keys):
            let unknown = keys.filter { tasks[$0] == nil && hosts[$0] == nil }.sorted()
            return unknown.map { key in
                let report = ExitReport(
                    state: droppedState(of: key.framework), reason: .reconciliation,
                    message: "Reconciliation: task unknown to the agent")
                return .send(linkID, sayOnce(report, about: key, now))
            } + [.send(linkID, .tasksReconciled)]
        case .runTaskGroup(let framework, let executor, let infos):
            if executor.type == .default { return launchGroup(infos, under: executor, of: framework, on: linkID, now) }
            return launchHosted(group: infos, under: executor, of: framework, on: linkID, now)
        case .shutdownExecutor(let framework, let executor):
            return shutDown(executor, of: framework, now)
        case .message(let framework, let executor, let bytes):
            return pass(bytes, to: ExecutorKey(framework: framework, executor: executor), now)
        case .applyOperation(let id, let framework, let info):
            return apply(id, of: framework, info)
        case .acknowledgeOperation(let id, let status):
            return resources.acknowledge(id, status)
        case .reconcileOperations(let ids):
            return reconcile(operations: ids, on: linkID)
        case .registered, .refused, .ping, .shutdown:
            preconditionFailure("\(command) belongs to the link, not to the tasks")
        }
    }

    // MARK: Launch

    /// - Parameter fault: Why the task is not to run, whatever else speaks for it.
    mutating func launch(
        _ info: V1TaskInfo, of framework: V1FrameworkInfo, on linkID: LinkID, _ now: Moment,
        fault: ExitReport? = nil
    ) -> [AgentEffect] {
        let key = TaskKey(framework: FrameworkID(framework.id.value), task: TaskID(info.taskID.value))
        guard AgentID(info.agentID.value) == agent else {
            return [.notice(.warning("\(key) is meant for agent \(info.agentID.value): ignored"))]
        }
        guard tasks[key] == nil, hosts[key] == nil else {
            return [.notice(.warning("\(key) is here already: launch ignored"))]
        }
        guard TaskAdmission.isUsable(key.task.value), TaskAdmission.isUsable(key.framework.value) else {
            let report = ExitReport(
                state: .taskError, reason: .taskInvalid, message: "An id cannot be used as a directory name")
            return [.send(linkID, sayOnce(report, about: key, now))]
        }
        if fault == nil, executors[ExecutorKey(framework: key.framework, executor: ExecutorID(key.task.value))] != nil {
            let report = ExitReport(
                state: framework.droppedState, reason: .taskInvalid,
                message: "Cannot reuse an already existing executor for a command task")
            return [.send(linkID, sayOnce(report, about: key, now))]
        }
        if let refusal = drainRefusal(of: framework) { return [.send(linkID, sayOnce(refusal, about: key, now))] }
        if let refusal = engineRefusal(of: info, framework) {
            return [.send(linkID, sayOnce(refusal, about: key, now))]
        }
        if isStopping {
            let report = ExitReport(
                state: framework.droppedState, reason: .executorTerminated, message: "The agent is shutting down")
            return [.send(linkID, sayOnce(report, about: key, now))]
        }
        let (needed, refusal) = admission(of: info, framework)
        var kind = ContainerizerKind.process
        if case .run(let chosen, _) = TaskAdmission(info, settings: settings) { kind = chosen }
        let record = TaskRecord(
            key: key, info: info, container: ContainerID(WireUUID.random(using: &containerIDs).description),
            containerizer: kind)
        tasks[key] = TaskLife(
            record, framework: framework, resources: needed, refusal: fault ?? refusal,
            killGrace: killGrace(of: record, asked: nil), killRepeatAfter: settings.killRepeatAfter)
        keysByContainer[record.container] = key
        let known = frameworks[key.framework] == framework ? [] : remember(framework, as: key.framework)
        return known + [.checkpoint(.task(record))]
    }

    /// No executor ever starts here, so the master need not keep resources for it.
    func refused(
        _ executor: V1ExecutorInfo, of framework: V1FrameworkInfo, on linkID: LinkID
    ) -> AgentEffect {
        .send(linkID, .executorExited(FrameworkID(framework.id.value), ExecutorID(executor.executorID), status: -1))
    }

    mutating func remember(_ framework: V1FrameworkInfo, as id: FrameworkID) -> [AgentEffect] {
        frameworks[id] = framework
        for key in tasks.keys where key.framework == id { tasks[key]?.framework = framework }
        for key in executors.keys where key.framework == id { executors[key]?.framework = framework }
        return [.checkpoint(.framework(framework))]
    }

    /// What a task needs and, if this agent will not run it, why.
    func admission(of info: V1TaskInfo, _ framework: V1FrameworkInfo?) -> (resources: Resources, refusal: ExitReport?) {
        switch TaskAdmission(info, settings: settings) {
        case .run(_, let needed):
            if resources.knows(needed) { return (needed, nil) }
            let state = framework?.droppedState ?? .taskLost
            return (
                Resources(),
                ExitReport(
                    state: state, reason: .resourcesUnknown,
                    message: "The checkpointed resources being used by the task are unknown to the agent")
            )
        case .refuse(let report): return (Resources(), report)
        }
    }

    // MARK: Kill

    private mutating func kill(_ key: TaskKey, grace: Duration?, on linkID: LinkID, _ now: Moment) -> [AgentEffect] {
        if let host = hosts[key] {
            return step(host, .killRequested(key, KillOrder(grace: grace ?? KillOrder.ownGrace)), now)
        }
        guard let life = tasks[key] else {
            let report = ExitReport(
                state: droppedState(of: key.framework), reason: .executorTerminated, message: "Cannot find executor")
            return [.send(linkID, sayOnce(report, about: key, now))]
        }
        return step(key, .killRequested(KillOrder(grace: killGrace(of: life.record, asked: grace))), now)
    }

    /// As a kill by its framework, but for a task that is not here there is nobody to tell.
    mutating func killAsked(_ key: TaskKey, _ now: Moment) -> [AgentEffect] {
        if let host = hosts[key] {
            return step(host, .killRequested(key, KillOrder(grace: KillOrder.ownGrace)), now)
        }
        guard let life = tasks[key] else { return [] }
        return step(key, .killRequested(KillOrder(grace: killGrace(of: life.record, asked: nil))), now)
    }

    /// The kill's own grace, else the task's, else the default of its containerizer.
    func killGrace(of record: TaskRecord, asked: Duration?) -> Duration {
        if let asked { return max(.zero, asked) }
        if record.info.hasKillPolicy, record.info.killPolicy.hasGracePeriod {
            return max(.zero, .nanoseconds(record.info.killPolicy.gracePeriod.nanoseconds))
        }
        return record.containerizer == .docker ? settings.killGraceDocker : settings.killGraceProcess
    }

    /// SHUTDOWN of an executor ends its tasks; a command task is an executor of its own.
    private mutating func shutDown(
        _ executor: ExecutorID, of framework: FrameworkID, _ now: Moment
    ) -> [AgentEffect] {
        let key = ExecutorKey(framework: framework, executor: executor)
        if executors[key] != nil { return step(key, .shutdownRequested(nil), now) }
        return tasks.keys.filter { $0.framework == framework && tasks[$0]?.record.executor == executor }.sorted()
            .flatMap {
                key -> [AgentEffect] in
                guard let life = tasks[key] else { return [] }
                return step(key, .killRequested(KillOrder(grace: killGrace(of: life.record, asked: nil))), now)
            }
    }

    private mutating func shutDown(_ framework: FrameworkID, _ now: Moment) -> [AgentEffect] {
        abandonExecutors(of: framework, now)
            + tasks.keys.filter { $0.framework == framework }.sorted().flatMap { key -> [AgentEffect] in
                guard let life = tasks[key] else { return [] }
                return step(key, .abandoned(KillOrder(grace: killGrace(of: life.record, asked: nil))), now)
            }
    }

    // MARK: Tasks that are not here

    private func droppedState(of framework: FrameworkID) -> V1TaskState {
        frameworks[framework]?.droppedState ?? .taskLost
    }

    /// An update about a task that this agent does not hold. It is not kept: if it is lost, the master asks again when
    /// the agent registers.
    mutating func sayOnce(
        _ report: ExitReport, about key: TaskKey, executor: ExecutorID? = nil, _ now: Moment
    ) -> AgentCall {
        let update = StatusUpdate(
            id: WireUUID.random(using: &updateIDs), key: key, executor: executor ?? ExecutorID(key.task.value),
            state: report.state,
            source: report.source, reason: report.reason, message: report.message, timestamp: now.wall)
        return .update(update, latest: report.state)
    }
}
