// One task on this agent, from the moment the master hands it over until its end is acknowledged.

import MesosProtocol
import Resources

/// The life of one task. `AgentCore` holds one for each.
///
/// ```
/// recording ─► preparing ─► announcing ─► launching ─► running ─► ended
///     └────────────┴─────────────┴────────────┴─────────────────────┘  failed, killed early, refused
/// ```
///
/// Nothing is prepared before the task is on disk, nothing can run before TASK_STARTING is on disk, and the container
/// is let go only after the terminal update is on disk.
package struct TaskLife: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        case recorded
        case prepared
        /// How far the preparation has come.
        case progressed(String)
        case started(StartedContainer)
        case failed(LaunchFailure)
        case exited(ContainerExit)
        /// The container did not outlive the agent, or never came to be.
        case missed(ExitReport)
        case killRequested(KillOrder)
        case killRecorded
        case repeatKillDue(attempt: Int)
        case checkDue(CheckRun.ID)
        case checkFinished(CheckRun.ID, CheckOutcome)
        /// The task has taken all the time it was given.
        case completionTimeReached
        case stream(StatusUpdateStream.Event)
        /// The framework is gone: end the task and tell nobody.
        case abandoned(KillOrder)
    }

    package enum Effect: Hashable, Sendable {
        case agent(AgentEffect)
        case send(StatusUpdate, latest: V1TaskState)
        /// Nothing more will come of this task.
        case retire
    }

    package enum Phase: Hashable, Sendable {
        case recording
        case preparing
        case announcing(UpdateID)
        case launching
        case running
        case ended
    }

    package struct Kill: Hashable, Sendable {
        package var order: KillOrder
        var isRecorded = false
        /// When the container will be ended by force.
        var deadline: Instant?
        var attempt = 0
    }

    package let record: TaskRecord
    package let resources: Resources
    package var framework: V1FrameworkInfo
    package private(set) var phase: Phase
    package private(set) var stream: StatusUpdateStream
    /// One entry for each state, newest last, without the bulky data.
    package private(set) var history: [StatusUpdate] = []
    package private(set) var kill: Kill?
    package private(set) var isAbandoned = false
    var checks: TaskChecks
    /// When the container was first known to run.
    var startedAt: Instant?
    /// Whether the time that the task may take is being watched.
    var hasTimeLimit = false
    /// The grace of a kill that nobody asked for.
    let killGrace: Duration
    private let refusal: ExitReport?
    private let killRepeatAfter: Duration

    init(
        _ record: TaskRecord, framework: V1FrameworkInfo, resources: Resources, refusal: ExitReport?,
        killGrace: Duration, killRepeatAfter: Duration
    ) {
        checks = TaskChecks(record.info)
        self.killGrace = killGrace
        self.record = record
        self.framework = framework
        self.resources = resources
        self.refusal = refusal
        self.killRepeatAfter = killRepeatAfter
        phase = .recording
        stream = StatusUpdateStream()
    }

    /// The newest state, on disk or not.
    package var state: V1TaskState { history.last?.state ?? .taskStaging }
    /// What can be told: a crash of the agent may undo what is not on disk.
    var durableHistory: [StatusUpdate] {
        let undurable = Set(stream.undurable.map(\.id))
        return undurable.isEmpty ? history : history.filter { !undurable.contains($0.id) }
    }
    package var isEnded: Bool { phase == .ended }
    /// Whether it has ended and nothing of that would be forgotten in a crash.
    var isSettled: Bool { isEnded && stream.isDurable }

    var container: ContainerRef {
        ContainerRef(id: record.container, containerizer: record.containerizer, key: record.key)
    }

    mutating func step(_ event: Event, at now: Moment, ids: inout RandomStream) -> [Effect] {
        switch (phase, event) {
        case (.recording, .recorded):
            if let refusal { return end(refusal, now, &ids) }
            if kill != nil { return end(.killedBeforeStart(record), now, &ids) }
            phase = .preparing
            return [.agent(.prepareContainer(record, framework))]
        case (.preparing, .prepared):
            let (id, effects) = produce(.taskStarting, now, &ids)
            phase = .announcing(id)
            return effects
        case (.preparing, .progressed(let text)):
            return tell(text, now, &ids)
        case (.launching, .started(let started)):
            phase = .running
            if startedAt == nil { startedAt = now.instant }
            if kill != nil { return killUnderWay(now) }
            return produce(.taskRunning, started: started, now, &ids).effects + watch(now)
        case (.running, .started) where kill == nil:
            return watch(now)  // Found again after a restart.
        case (.running, .checkDue(let id)):
            return checkDue(id)
        case (.running, .checkFinished(let id, let outcome)):
            return checkFinished(id, outcome, now, &ids)
        case (.running, .completionTimeReached) where kill == nil:
            return requestKill(KillOrder(grace: .zero, cause: .completionTime), now, &ids)
        case (.recording, .failed(let failure)), (.preparing, .failed(let failure)),
            (.announcing, .failed(let failure)),
            (.launching, .failed(let failure)), (.running, .failed(let failure)):
            return end(ExitReport(failure, wasKilled: kill != nil), now, &ids)
        case (.launching, .exited(let exit)), (.running, .exited(let exit)):
            return end(
                ExitReport(exit, of: record, memory: resources["mem"], wasKilled: kill != nil), now, &ids)
        case (.launching, .missed(let report)), (.running, .missed(let report)), (.preparing, .missed(let report)):
            return end(report, now, &ids)
        case (_, .killRequested(let order)):
            return requestKill(order, now, &ids)
        case (_, .killRecorded):
            // A grace that was cut short is recorded once more; that kill is under way already.
            guard kill?.isRecorded == false else { return [] }
            kill?.isRecorded = true
            return killUnderWay(now)
        case (.running, .repeatKillDue(kill?.attempt)), (.launching, .repeatKillDue(kill?.attempt)):
            return [.agent(.killContainer(container))] + scheduleRepeat(after: killRepeatAfter)
        case (_, .stream(let event)):
            return stepStream(event)
        case (_, .abandoned(let order)):
            return abandon(order, now, &ids)
        case (_, .recorded), (_, .prepared), (_, .progressed), (_, .started), (_, .failed), (_, .exited), (_, .missed),
            (_, .repeatKillDue), (_, .checkDue), (_, .checkFinished), (_, .completionTimeReached):
            return []  // Late: a kill or a failure came first.
        }
    }

    // MARK: Updates

    private mutating func stepStream(_ event: StatusUpdateStream.Event) -> [Effect] {
        if isAbandoned { return [] }
        var effects = translate(stream.step(event))
        guard case .checkpointed(let id) = event else { return effects }
        if phase == .announcing(id) {
            phase = .launching
            effects.append(.agent(.startContainer(record, framework)))
        } else if phase == .ended, history.last?.id == id {
            effects.append(.agent(.releaseContainer(container)))
        }
        return effects
    }

    private func translate(_ effects: [StatusUpdateStream.Effect]) -> [Effect] {
        effects.map { effect in
            switch effect {
            case .checkpoint(let update): .agent(.checkpoint(.update(update)))
            case .checkpointAcknowledgement(let id): .agent(.checkpoint(.acknowledgement(record.key, id)))
            case .send(let update, let latest): .send(update, latest: latest)
            case .scheduleRetry(let send, let delay):
                .agent(.schedule(.retryUpdate(record.key, send: send), after: delay))
            case .retire: .retire
            }
        }
    }

    mutating func produce(
        _ state: V1TaskState, started: StartedContainer = StartedContainer(), reason: V1TaskStatus.Reason? = nil,
        message: String? = nil, _ now: Moment, _ ids: inout RandomStream
    ) -> (id: UpdateID, effects: [Effect]) {
        var update = StatusUpdate(
            id: WireUUID.random(using: &ids), key: record.key, executor: record.executor, container: record.container,
            state: state,
            source: .executor, reason: reason, message: message, timestamp: now.wall, healthy: checks.healthy,
            checkStatus: checks.result)
        update.parent = record.group?.executorRun
        update.networks = started.networks.isEmpty ? (history.last?.networks ?? []) : started.networks
        update.data = started.inspection
        if state == .taskKilling, kill?.order.cause.isDrain == true {
            update.source = .agent
            update.reason = .agentDraining
        }
        return (update.id, record(update))
    }

    /// An update that is told once and forgotten: the state is the same, and what it says is soon out of date.
    private func tell(_ progress: String, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let update = StatusUpdate(
            id: WireUUID.random(using: &ids), key: record.key, executor: record.executor, container: record.container,
            state: .taskStaging, source: .agent, message: progress, timestamp: now.wall)
        return [.send(update, latest: .taskStaging)]
    }

    private mutating func end(_ cause: ExitReport, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        phase = .ended
        let endingChecks = endChecks()
        if isAbandoned { return endingChecks + [.agent(.releaseContainer(container)), .retire] }
        let report = cause.told(asKilledBy: kill?.order.cause, to: framework)
        var update = StatusUpdate(
            id: WireUUID.random(using: &ids), key: record.key, executor: record.executor, container: record.container,
            state: report.state, source: report.source, reason: report.reason, message: report.message,
            timestamp: now.wall, limitation: report.limitation, networks: history.last?.networks ?? [],
            healthy: checks.healthy, checkStatus: checks.result)
        update.parent = record.group?.executorRun
        return endingChecks + record(update)
    }

    private mutating func record(_ update: StatusUpdate) -> [Effect] {
        var entry = update
        entry.data = []
        if history.last?.state == update.state { history.removeLast() }
        history.append(entry)
        return translate(stream.step(.produced(update)))
    }

    // MARK: Kills

    mutating func requestKill(_ order: KillOrder, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let isFirst = kill == nil
        switch phase {
        case .recording:
            if isFirst { kill = Kill(order: order) }
            return []
        case .preparing, .announcing:
            if isFirst { kill = Kill(order: order) }
            return [.agent(.cancelPreparation(container))] + end(.killedBeforeStart(record), now, &ids)
        case .launching, .running:
            guard let kill, !isFirst else {
                self.kill = Kill(order: order)
                let killing = framework.has(.taskKillingState) && !isAbandoned
                return endChecks() + [.agent(.checkpoint(.kill(record.key, record.container, order)))]
                    + (killing ? produce(.taskKilling, now, &ids).effects : [])
            }
            guard let deadline = kill.deadline else {
                guard order.grace < kill.order.grace else { return [] }
                self.kill?.order.grace = order.grace
                return recordShorterGrace()
            }
            // A repeated kill can only bring the end closer.
            let earlier = now.instant.advanced(by: order.grace)
            guard earlier < deadline else { return [] }
            self.kill?.order.grace = order.grace
            return recordShorterGrace() + killUnderWay(now)
        case .ended:
            return []
        }
    }

    /// After a restart of the agent the kill must not take longer than was asked last.
    private func recordShorterGrace() -> [Effect] {
        guard let kill else { return [] }
        return [.agent(.checkpoint(.kill(record.key, record.container, kill.order)))]
    }

    /// Stops the container if it runs and the kill is on disk.
    private mutating func killUnderWay(_ now: Moment) -> [Effect] {
        guard phase == .running, let kill, kill.isRecorded else { return [] }
        self.kill?.deadline = now.instant.advanced(by: kill.order.grace)
        return [.agent(.stopContainer(container, grace: kill.order.grace))]
            + scheduleRepeat(after: kill.order.grace + killRepeatAfter)
    }

    private mutating func scheduleRepeat(after delay: Duration) -> [Effect] {
        kill?.attempt += 1
        return [.agent(.schedule(.repeatKill(record.container, attempt: kill?.attempt ?? 0), after: delay))]
    }

    private mutating func abandon(_ order: KillOrder, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        isAbandoned = true
        switch phase {
        case .recording, .preparing, .announcing:
            phase = .ended
            return [.agent(.cancelPreparation(container)), .agent(.releaseContainer(container)), .retire]
        case .launching, .running:
            return requestKill(order, now, &ids)
        case .ended:
            return [.agent(.releaseContainer(container)), .retire]
        }
    }
}

// MARK: Recovery

extension TaskLife {
    /// The task as a checkpoint left it, and what must be done for it now.
    static func recovered(
        _ recovered: RecoveryPlan.Task, framework: V1FrameworkInfo?, resources: Resources, refusal: ExitReport?,
        killGrace: Duration, killRepeatAfter: Duration, at now: Moment, ids: inout RandomStream
    ) -> (life: TaskLife, effects: [Effect]) {
        let checkpoint = recovered.checkpoint
        var known = V1FrameworkInfo()
        known.id.value = checkpoint.record.key.framework.value
        var life = TaskLife(
            checkpoint.record, framework: framework ?? known, resources: resources, refusal: refusal,
            killGrace: killGrace, killRepeatAfter: killRepeatAfter)
        life.checks.recover(checkpoint.updates)
        if let running = checkpoint.updates.first(where: { $0.state == .taskRunning }) {
            let elapsed = Duration.nanoseconds(max(0, now.wall.nanoseconds - running.timestamp.nanoseconds))
            life.startedAt = now.instant.advanced(by: .zero - elapsed)
        }
        life.stream = StatusUpdateStream(recovered: checkpoint.pending, isRetired: checkpoint.isRetired)
        life.history = checkpoint.updates.map { update in
            var entry = update
            entry.data = []
            return entry
        }
        if let order = checkpoint.kill { life.kill = Kill(order: order, isRecorded: true) }
        let effects = life.resume(recovered.fate, framework: framework, now, &ids)
        return (life, effects)
    }

    private mutating func resume(
        _ fate: RecoveryPlan.Fate, framework: V1FrameworkInfo?, _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        switch fate {
        case .relaunch where framework == nil:
            phase = .launching
            return step(
                .missed(.lostInRestart(self.framework, why: "the record of its framework is lost")), at: now, ids: &ids)
        case .relaunch:
            phase = .recording
            return step(.recorded, at: now, ids: &ids)
        case .reattach:
            phase = history.contains { $0.state == .taskRunning } ? .running : .launching
            let limit = phase == .running && kill == nil ? limitTime(now) : []
            return [.agent(.reattachContainer(record))] + killUnderWay(now) + limit
        case .lostBeforeStart:
            phase = .launching
            return step(
                .missed(.lostInRestart(self.framework, why: "its container had not been started")), at: now, ids: &ids)
        case .vanished(let why):
            phase = .running
            let report = ExitReport(
                state: kill == nil ? .taskFailed : .taskKilled, reason: .executorTerminated,
                message: "Abnormal executor termination: \(why)")
            return step(.missed(report), at: now, ids: &ids)
        case .ended:
            phase = .ended
            return [.agent(.releaseContainer(container))]
        case .retired:
            phase = .ended
            return [.agent(.releaseContainer(container)), .retire]
        }
    }
}

extension ExitReport {
    static func lostInRestart(_ framework: V1FrameworkInfo, why: String) -> ExitReport {
        ExitReport(
            state: framework.droppedState, reason: .agentRestarted,
            message: "The agent restarted while launching the task; \(why)")
    }
}
