// The agent's decisions: registration, the life of its tasks, and what to do after a restart.

import MesosProtocol
import Resources

/// An agent as a value: events in, effects out, no clock, no disk, no chance of its own.
///
/// The first event is ``AgentEvent/recovered(_:)`` (with an empty plan on a first start). After a crash a new core is
/// made and given `planRecovery(checkpoint:containers:supervisors:)` of what had reached the disk; nothing else is
/// carried over. ``AgentCheckpoint/apply(_:)`` keeps that disk as a value for simulations.
///
/// Promises:
/// - Nothing is done for a task before its record is on disk; no container is started before TASK_STARTING is on disk;
///   no update is sent before it is on disk; no container is let go before its task's terminal update is on disk.
/// - A task reaches one terminal state. A kill is never ignored: an early one ends the task before it starts, a repeated
///   one can bring the end closer, and a container that outlives its grace period is killed again and again.
/// - Every update is sent until it is acknowledged, in order, one at a time for each task.
package struct AgentCore: Hashable, Sendable {
    package let settings: AgentSettings
    package private(set) var agent: AgentID?
    /// The cluster it belongs to, once a master has said so.
    package private(set) var cluster: String?
    package private(set) var link: MasterLinkState
    package internal(set) var frameworks: [FrameworkID: V1FrameworkInfo] = [:]
    package internal(set) var tasks = TaskTable()
    /// Ended and acknowledged tasks, oldest first, for operators.
    package internal(set) var completed: [CompletedTask] = []
    /// Custom executors: those that live, and those whose end is not delivered yet.
    package internal(set) var executors: [ExecutorKey: ExecutorLife] = [:]
    /// Oldest first, for operators.
    package internal(set) var completedExecutors: [CompletedExecutor] = []
    /// Which executor holds a task.
    var hosts: [TaskKey: ExecutorKey] = [:]
    var executorsByContainer: [ContainerID: ExecutorKey] = [:]
    package private(set) var isRecovered = false
    /// How this agent is drained; nil unless tasks are being ended for it.
    package internal(set) var drain: DrainOrder?
    /// Why the engine takes no tasks for now; nil while it answers.
    package internal(set) var engineStall: String?
    var keysByContainer: [ContainerID: TaskKey] = [:]
    var updateIDs: RandomStream
    var containerIDs: RandomStream
    private var backoffChance: RandomStream
    /// Commands that came before the agent's identity was on disk, or while a change of its resources is on its way there.
    private var heldCommands: [MasterCommand] = []
    /// Reservations, volumes and the operations that made them.
    package internal(set) var resources: ResourceBook
    /// A registration that waits for a change of the resources to be on disk.
    private var postponedRegistration: LinkID?
    /// Tasks that are on disk and wait for the containers of a removed framework to end, oldest first.
    var awaitingRoom: [ContainerID] = []
    /// Groups of which not all tasks are on disk yet, with those that are not.
    var unrecordedGroups: [WireUUID: Set<TaskKey>] = [:]
    /// Tasks whose records are kept although they are over, because a restart would miss them in their group.
    var keptForGroup: [WireUUID: [TaskRecord]] = [:]
    /// The id a master gave that is not on disk yet. An agent asks again only when it is: until then it cannot know
    /// whether it will still be that one after a crash.
    private var grantedAgent: AgentID?
    /// A ping that came before the identity was on disk. The answer says that it is.
    private var heldPing: UInt64?
    private var stopping: AgentStop?
    private var hasStopped = false

    /// - Parameter seed: All randomness of this agent process: ids and waiting times.
    package init(settings: AgentSettings, seed: UInt64) {
        self.settings = settings
        link = MasterLinkState(settings: settings)
        resources = ResourceBook(base: settings.resources)
        updateIDs = RandomStream(seed: seed, purpose: 1)
        containerIDs = RandomStream(seed: seed, purpose: 2)
        backoffChance = RandomStream(seed: seed, purpose: 3)
    }

    package mutating func step(_ event: AgentEvent, at now: Moment) -> [AgentEffect] {
        var effects: [AgentEffect] = []
        switch event {
        case .recovered(let plan):
            effects = recover(plan, now)
        case .masterDetected(let master):
            effects = link.follow(master, chance: &backoffChance)
        case .commandReceived(let linkID, let command):
            effects = obey(command, on: linkID, now)
        case .linkLost(let linkID, let reason):
            effects = lose(linkID, because: reason)
        case .checkpointed(let token):
            effects = checkpointed(token, now)
        case .containerPrepared(let container):
            effects = step(container, .prepared, now)
        case .containerStarted(let container, let started):
            effects = step(container, .started(started), now)
        case .containerFailed(let container, let failure):
            effects = step(container, .failed(failure), now)
        case .containerExited(let container, let exit):
            effects = step(container, .exited(exit), now)
        case .checkFinished(let id, let outcome):
            effects = step(id.container, .checkFinished(id, outcome), now)
        case .containerProgressed(let container, let text):
            effects = step(container, .progressed(text), now)
        case .engineStalled(let reason):
            effects = engineChanged(reason)
        case .timerFired(let timer):
            effects = fired(timer, now)
        case .executorCalled(let key, let call):
            effects = step(key, .called(call), now)
        case .executorDisconnected(let key, let stream, let reason):
            effects = disconnected(key, stream, reason, now)
        case .killAsked(let key):
            effects = killAsked(key, now)
        case .unregisterRequested(let reason):
            effects = beginStopping(.unregistered(reason: reason), now)
        }
        if !awaitingRoom.isEmpty { effects += beginWaiting(now) }
        return effects + forgetDrainIfDone() + stopIfDone()
    }

    /// What the tasks on this host hold.
    package var used: Resources {
        let own = tasks.values.reduce(into: Resources()) { sum, life in if !life.isEnded { sum += life.resources } }
        let grouped = defaultExecutors.reduce(own) { $0 + $1.resources }
        return executors.values.reduce(grouped) { $0 + $1.used }
    }

    /// What this host has: reservations and volumes included.
    package var total: Resources { resources.total }

    // MARK: Registration

    private mutating func obey(_ command: MasterCommand, on linkID: LinkID, _ now: Moment) -> [AgentEffect] {
        guard linkID == link.openLink else { return [] }
        switch command {
        case .registered(let grant):
            return admitted(grant, on: linkID, now)
        case .refused(let reason, let shutdown):
            if shutdown { return beginStopping(.fatal("the master refuses this agent: \(reason)"), now) }
            return lose(linkID, because: "the master refused the registration: \(reason)")
        case .ping(let sequence, let connected):
            if case .recordingIdentity = link.phase {
                heldPing = sequence
                return []
            }
            let effects = link.pinged(linkID, sequence: sequence, stall: engineStall)
            return connected ? effects : effects + lose(linkID, because: "the master takes this agent for disconnected")
        case .shutdown(let reason):
            return beginStopping(.fatal("the master told this agent to shut down: \(reason)"), now)
        case .acknowledge where link.registeredLink == linkID:
            return perform(command, on: linkID, now)
        case .runTask, .killTask, .acknowledge, .drain, .endDrain, .shutdownFramework, .updateFramework, .reconcile,
            .runTaskGroup,
            .shutdownExecutor, .message, .applyOperation, .acknowledgeOperation, .reconcileOperations:
            if link.registeredLink == linkID { return performInOrder(command, on: linkID, now) }
            if case .recordingIdentity = link.phase { heldCommands.append(command) }
            return []
        }
    }

    private mutating func admitted(_ grant: RegistrationGrant, on linkID: LinkID, _ now: Moment) -> [AgentEffect] {
        if let agent, agent != grant.agent {
            return beginStopping(
                .fatal(
                    "the master registered this agent as \(grant.agent), but its work directory belongs to \(agent); "
                        + "to start as a new agent, end its tasks and remove the link meta/slaves/latest"), now)
        }
        if let cluster, let theirs = grant.cluster, cluster != theirs {
            return lose(linkID, because: "the master belongs to cluster \(theirs), this agent to cluster \(cluster)")
        }
        grantedAgent = grant.agent
        var effects = link.granted(linkID, grant, isKnown: agent != nil)
        if cluster == nil, let name = grant.cluster {
            cluster = name
            effects.append(.checkpoint(.cluster(name)))
        }
        return link.registeredLink == linkID ? effects + registered(now) : effects
    }

    private mutating func registered(_ now: Moment) -> [AgentEffect] {
        guard let linkID = link.registeredLink, let agent else { return [] }
        var effects: [AgentEffect] = [
            .notice(.info("registered as \(agent) with the master at \(link.master?.url ?? "")"))
        ]
        for key in (Array(tasks.keys) + Array(hosts.keys)).sorted() {
            effects += step(key, .stream(.masterChanged), now)
        }
        for operation in resources.state.operations { effects += tell(operation) }
        effects += performHeld(on: linkID, now)
        if let heldPing { effects += link.pinged(linkID, sequence: heldPing, stall: engineStall) }
        effects += tellStall()
        heldPing = nil
        return effects
    }

    /// Performs a command, or keeps it until the change before it is on disk: a task must find the volume that was made
    /// for it in the same call.
    private mutating func performInOrder(
        _ command: MasterCommand, on linkID: LinkID, _ now: Moment
    ) -> [AgentEffect] {
        guard resources.isWriting else { return perform(command, on: linkID, now) }
        heldCommands.append(command)
        return []
    }

    private mutating func performHeld(on linkID: LinkID, _ now: Moment) -> [AgentEffect] {
        let held = heldCommands
        heldCommands = []
        return held.flatMap { performInOrder($0, on: linkID, now) }
    }

    private mutating func lose(_ linkID: LinkID, because reason: String) -> [AgentEffect] {
        let effects = link.lost(linkID, chance: &backoffChance)
        if effects.isEmpty { return [] }
        heldCommands = []
        heldPing = nil
        return [.notice(.warning("no longer registered: \(reason)"))] + effects
    }

    private func registration() -> Registration {
        // A master that is told of a task whose end is acknowledged would wait for that end for ever.
        let lives = tasks.sorted { $0.key < $1.key }.map(\.value).filter {
            !$0.isAbandoned && !$0.stream.isClosing
        }
        let hosted = reportableHostedTasks
        let living = executors.sorted { $0.key < $1.key }.map(\.value).filter { !$0.isOver && !$0.isAbandoned }
        let frameworkIDs = Set(
            lives.map(\.record.key.framework) + hosted.map(\.key.framework) + living.map(\.record.key.framework)
        ).sorted()
        return Registration(
            agent: agent, cluster: cluster,
            tasks: lives.map { life in
                let history = life.durableHistory
                return ReportedTask(
                    record: life.record, state: history.last?.state ?? .taskStaging, pending: life.stream.head,
                    history: history)
            } + hosted.map(\.report),
            frameworks: frameworkIDs.compactMap { frameworks[$0] }, drain: drain,
            total: resources.state.converted.isEmpty ? nil : resources.total, operations: resources.state.operations,
            executors: defaultExecutors.map { ReportedExecutor(framework: $0.framework, info: $0.info) }
                + living.map { ReportedExecutor(framework: $0.record.key.framework, info: $0.record.info) })
    }

    /// How often an agent that wants to register looks whether its identity has reached the disk.
    private static let identityPoll = Duration.milliseconds(100)

    // MARK: Disk and timers

    private mutating func checkpointed(_ token: CheckpointWrite.Token, _ now: Moment) -> [AgentEffect] {
        switch token {
        case .agent(let id):
            agent = id
            let effects = link.identityRecorded(id)
            return effects.isEmpty ? [] : effects + registered(now)
        case .executor(let key, _):
            return step(key, .recorded, now)
        case .executorStep(let key, let container, let step):
            guard executorsByContainer[container] == key else { return [] }
            return self.step(key, .stepRecorded(step), now)
        case .delivery(let key, let container):
            guard let host = hosts[key], executorsByContainer[container] == host else { return [] }
            return step(host, .deliveryRecorded(key), now)
        case .task(let key, _) where hosts[key] != nil:
            return hosts[key].map { step($0, .taskRecorded(key), now) } ?? []
        case .kill(let key, _) where hosts[key] != nil:
            return hosts[key].map { step($0, .killRecorded(key), now) } ?? []
        case .task(let key, let container):
            return begin(key, container, now)
        case .resources:
            return resourcesWritten(now)
        case .update(let key, let id):
            return step(key, .stream(.checkpointed(id)), now)
        case .acknowledgement(let key, let id):
            return step(key, .stream(.acknowledgementCheckpointed(id)), now)
        case .kill(_, let container):
            return step(container, .killRecorded, now)
        case .drain(let order):
            return drainRecorded(order, now)
        case .cluster, .framework, .retirement, .executorRetirement:
            return []
        }
    }

    private mutating func fired(_ timer: AgentTimer, _ now: Moment) -> [AgentEffect] {
        switch timer {
        case .register(let linkID):
            if agent == nil, grantedAgent != nil, link.isWaiting(linkID) {
                return [.schedule(.register(linkID), after: Self.identityPoll)]
            }
            if resources.isWriting {
                postponedRegistration = linkID
                return []
            }
            return link.attempt(linkID, registration())
        case .registrationDeadline(let linkID):
            guard link.isAwaitingAnswer(linkID) else { return [] }
            return lose(linkID, because: "the master did not answer the registration")
        case .pingDeadline(let linkID, let pings):
            guard link.isSilent(linkID, since: pings) else { return [] }
            return lose(linkID, because: "no ping from the master")
        case .retryUpdate(let key, let send):
            return step(key, .stream(.retryDue(send: send)), now)
        case .repeatKill(let container, let attempt):
            return step(container, .repeatKillDue(attempt: attempt), now)
        case .checkDue(let id):
            return step(id.container, .checkDue(id), now)
        case .completionTimeReached(let container):
            return step(container, .completionTimeReached, now)
        case .executorDeadline(let container, let attempt):
            return executorsByContainer[container].map { step($0, .deadline(attempt: attempt), now) } ?? []
        case .executorKill(let container, let attempt):
            return executorsByContainer[container].map { step($0, .killDue(attempt: attempt), now) } ?? []
        case .retryOperation(let id, let send):
            guard let operation = resources.due(id, send: send) else { return [] }
            return tell(operation, isRepeat: true)
        }
    }

    /// A change of the resources is on disk: its outcome can be told, and what waited for it goes on.
    private mutating func resourcesWritten(_ now: Moment) -> [AgentEffect] {
        var effects: [AgentEffect] = []
        for operation in resources.written() { effects += tell(operation) }
        if let linkID = postponedRegistration {
            postponedRegistration = nil
            return effects + link.attempt(linkID, registration())
        }
        guard let linkID = link.registeredLink else { return effects }
        return effects + performHeld(on: linkID, now)
    }

    // MARK: Tasks

    private mutating func step(_ container: ContainerID, _ event: TaskLife.Event, _ now: Moment) -> [AgentEffect] {
        if let executor = executorsByContainer[container] {
            return ExecutorLife.Event(event).map { step(executor, $0, now) } ?? []
        }
        guard let key = keysByContainer[container] else { return [] }
        return step(key, event, now)
    }

    mutating func step(_ key: TaskKey, _ event: TaskLife.Event, _ now: Moment) -> [AgentEffect] {
        if case .stream(let update) = event, let host = hosts[key] { return step(host, .stream(key, update), now) }
        let wasEnded = tasks[key]?.isEnded ?? true
        guard let effects = tasks[key]?.step(event, at: now, ids: &updateIDs), let life = tasks[key] else { return [] }
        let result = translate(effects, of: key)
        guard life.record.group != nil else { return result }
        return result + (life.isEnded && !wasEnded ? endGroup(of: life, now) : []) + retireKept(of: life.record)
    }

    func translate(_ effects: [TaskLife.Effect], of key: TaskKey, retiring: inout Bool) -> [AgentEffect] {
        effects.flatMap { effect -> [AgentEffect] in
            switch effect {
            case .agent(let effect):
                return [effect]
            case .send(let update, let latest):
                // Without a master the update waits; registering sends it.
                return link.registeredLink.map { [.send($0, .update(update, latest: latest))] } ?? []
            case .retire:
                retiring = true
                return []
            }
        }
    }

    mutating func translate(_ effects: [TaskLife.Effect], of key: TaskKey) -> [AgentEffect] {
        var retiring = false
        let result = translate(effects, of: key, retiring: &retiring)
        return retiring ? result + retire(key) : result
    }

    private mutating func retire(_ key: TaskKey) -> [AgentEffect] {
        guard let life = tasks.removeValue(forKey: key) else { return [] }
        awaitingRoom.removeAll { $0 == life.record.container }
        keysByContainer[life.record.container] = nil
        complete(CompletedTask(record: life.record, framework: life.framework, history: life.history))
        forgetIfUnused(key.framework)
        let retirement = mustKeep(life.record) ? [] : [AgentEffect.checkpoint(.retirement(key, life.record.container))]
        return retirement + executorEnd(after: life.record)
    }

    // MARK: Stopping

    var isStopping: Bool { stopping != nil }

    mutating func beginStopping(_ stop: AgentStop, _ now: Moment) -> [AgentEffect] {
        guard stopping == nil else { return [] }
        stopping = stop
        var effects: [AgentEffect] = [.notice(.warning("stopping: \(stop)"))]
        for key in tasks.keys.sorted() {
            guard let life = tasks[key] else { continue }
            effects += step(key, .killRequested(KillOrder(grace: killGrace(of: life.record, asked: nil))), now)
        }
        return effects + shutDownExecutors(now)
    }

    /// Stops once every task has ended and its end is on disk, so that a later life of this agent can still report it.
    private mutating func stopIfDone() -> [AgentEffect] {
        guard let stopping, !hasStopped, tasks.values.allSatisfy(\.isSettled),
            executors.values.allSatisfy(\.isSettled)
        else { return [] }
        hasStopped = true
        var effects: [AgentEffect] = []
        if case .unregistered(let reason) = stopping, let linkID = link.registeredLink {
            effects.append(.send(linkID, .unregister(reason: reason)))
        }
        return effects + [.stop(stopping)]
    }

    // MARK: Recovery

    private mutating func recover(_ plan: RecoveryPlan, _ now: Moment) -> [AgentEffect] {
        precondition(!isRecovered, "an agent recovers once, before anything else")
        isRecovered = true
        agent = plan.agent
        cluster = plan.cluster
        resources.recover(plan.resources)
        var effects: [AgentEffect] = plan.orphans.map { .removeOrphan($0) }
        let known = Set(plan.tasks.map(\.checkpoint.record.key))
        // Those that are over come last: whether their records can go depends on the others.
        for found in plan.tasks.filter({ $0.fate != .retired }) + plan.tasks.filter({ $0.fate == .retired }) {
            let task = RecoveryPlan.Task(checkpoint: found.checkpoint, fate: Self.fate(of: found, among: known))
            let record = task.checkpoint.record
            let framework = plan.frameworks[record.key.framework]
            frameworks[record.key.framework] = framework
            keysByContainer[record.container] = record.key
            let (needed, refusal) = admission(of: record.info, framework)
            let (life, actions) = TaskLife.recovered(
                task, framework: framework, resources: needed, refusal: refusal,
                killGrace: killGrace(of: record, asked: nil), killRepeatAfter: settings.killRepeatAfter, at: now,
                ids: &updateIDs)
            tasks[record.key] = life
            effects += translate(actions, of: record.key)
        }
        effects += endBrokenGroups(now)
        effects += recover(plan.executors, plan.frameworks, now)
        effects += recoverDrain(plan.drain, now)
        if settings.cleansUp { effects += beginStopping(.unregistered(reason: "cleaned up as asked"), now) }
        return effects
    }
}

/// A task that ended and was acknowledged, kept for operators to read.
package struct CompletedTask: Hashable, Sendable {
    package var record: TaskRecord
    package var framework: V1FrameworkInfo
    package var history: [StatusUpdate]
}
