// One custom executor on this agent: its container, its subscription and the tasks it was given.

import MesosProtocol
import Resources

/// The life of one run of an executor. `AgentCore` holds one for each.
///
/// ```
/// registering ─► running ─► terminating ─► terminated
///      └────────────┴───────────────────────────┘  its container ended by itself, or never came to be
/// ```
///
/// Nothing is prepared before the executor and its first task are on disk, nothing runs before that a start may follow is
/// on disk, no task is given to an executor before that it has subscribed and may be given the task is on disk, and the
/// container is let go only after the ends of all its tasks are on disk.
package struct ExecutorLife: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        /// The executor's record is on disk.
        case recorded
        case stepRecorded(ExecutorStep)
        case taskRecorded(TaskKey)
        /// That a task may have been given to it is on disk.
        case deliveryRecorded(TaskKey)
        case prepared
        case started(StartedContainer)
        case failed(LaunchFailure)
        case exited(ContainerExit)
        case called(ExecutorCall)
        case disconnected(ExecutorStreamID)
        /// It should have subscribed by now.
        case deadline(attempt: Int)
        /// Its container should have ended by now.
        case killDue(attempt: Int)
        case killRequested(TaskKey, KillOrder)
        case killRecorded(TaskKey)
        /// For one task's updates.
        case stream(TaskKey, StatusUpdateStream.Event)
        /// Bytes from the scheduler.
        case message([UInt8])
        /// End it and what it runs. What it does not report of its tasks is reported as this; nil: that it has terminated.
        case shutdownRequested(ExitReport?)
        /// The framework is gone: end it and tell nobody.
        case abandoned
    }

    package enum Effect: Hashable, Sendable {
        case agent(AgentEffect)
        case send(StatusUpdate, latest: V1TaskState)
        case message([UInt8])
        /// It is over; the status as wait(2) reports it, -1 if that is not known.
        case exited(status: Int32)
        case retireTask(HostedTask)
        /// Nothing more will come of this executor.
        case retire
    }

    package enum Phase: String, Hashable, Sendable { case registering, running, terminating, terminated }

    enum ContainerPhase: Hashable, Sendable {
        /// Waits for the executor and a task of it to be on disk.
        case recording
        case preparing
        /// That it may be started is on its way to disk.
        case announcing
        case starting
        case running
        case ended
    }

    struct Timing: Hashable, Sendable {
        var registration: Duration
        var reregistration: Duration
        var shutdownGrace: Duration
        var killRepeat: Duration
    }

    package let record: ExecutorRecord
    /// Its own, without its tasks'.
    package let resources: Resources
    package internal(set) var framework: V1FrameworkInfo
    package internal(set) var phase = Phase.registering
    package internal(set) var tasks: [TaskKey: HostedTask] = [:]
    /// Its tasks in the order they came.
    var order: [TaskKey] = []
    /// The stream on which it is told things; nil while it is not connected.
    package internal(set) var stream: ExecutorStreamID?
    package internal(set) var isAbandoned = false
    var containerPhase = ContainerPhase.recording
    var isRecorded = false
    /// Whether that it has subscribed is on disk.
    var hasSubscribed = false
    /// Whether that is on disk, or on its way there.
    var isSubscriptionWritten = false
    /// It has spoken of a task, so it knows what it is there for.
    var hasHadTasks = false
    /// An earlier life of this agent started it.
    var isRecovered = false
    /// A subscription that waits for the disk.
    var subscribing: ExecutorCall?
    /// How the ends of its tasks are reported; nil: as the container's end says.
    var verdict: ExitReport?
    var networks: [V1NetworkInfo] = []
    var isReleased = false
    var attempts = 0
    /// What the container was last made or resized for.
    var size: [V1Resource] = []
    let timing: Timing

    init(_ record: ExecutorRecord, framework: V1FrameworkInfo, resources: Resources, timing: Timing) {
        self.record = record
        self.framework = framework
        self.resources = resources
        self.timing = timing
    }

    package var isOver: Bool { phase == .terminated }
    package var isConnected: Bool { stream != nil }
    /// What it and its tasks hold.
    package var used: Resources {
        tasks.values.reduce(isOver ? Resources() : resources) { $1.isEnded ? $0 : $0 + $1.resources }
    }
    /// Whether it is over and nothing of that would be forgotten in a crash.
    var isSettled: Bool { isOver && tasks.values.allSatisfy(\.isSettled) }
    var container: ContainerRef { record.containerRef }

    mutating func step(_ event: Event, at now: Moment, ids: inout RandomStream) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .recorded:
            isRecorded = true
            effects = prepareIfReady()
        case .taskRecorded(let key):
            tasks[key]?.recorded()
            effects = isOver ? finishTasks(now, &ids) : prepareIfReady() + deliverQueued()
        case .deliveryRecorded(let key):
            tasks[key]?.deliveryRecorded()
            effects = deliverQueued()
        case .stepRecorded(.starting):
            effects = startRecorded()
        case .stepRecorded(.subscribed):
            effects = subscriptionRecorded(now, &ids)
        case .prepared:
            guard containerPhase == .preparing else { break }
            containerPhase = .announcing
            effects = [.agent(.checkpoint(.executorStep(record.key, record.container, .starting)))]
        case .started(let started):
            effects = containerStarted(started)
        case .failed(let failure):
            guard containerPhase != .ended else { break }
            verdict = verdict ?? ExitReport(executorLaunch: failure)
            effects = containerEnded(status: -1, now, &ids)
        case .exited(let exit):
            guard containerPhase != .ended else { break }
            verdict = verdict ?? ExitReport(executorExit: exit, memory: resources["mem"])
            effects = containerEnded(status: exit.waitStatus, now, &ids)
        case .called(let call):
            effects = take(call, now, &ids)
        case .disconnected(let ended):
            if stream == ended { stream = nil }
            if case .subscribe(ended, _, _) = subscribing { subscribing = nil }
        case .deadline(attempts):
            effects = missedDeadline(now, &ids)
        case .killDue(attempts):
            guard phase == .terminating, containerPhase == .running else { break }
            effects = [.agent(.killContainer(container))] + scheduleKill(after: timing.killRepeat)
        case .killRequested(let key, let order):
            effects = killTask(key, order, now, &ids)
        case .killRecorded(let key):
            effects = translate(tasks[key]?.killRecorded() ?? [], of: key)
        case .stream(let key, let event):
            if isAbandoned { break }
            effects = translate(tasks[key]?.step(event) ?? [], of: key)
        case .message(let bytes):
            effects = phase == .running && isConnected ? tell(.message(bytes)) : [lost("a message of the scheduler")]
        case .shutdownRequested(let report):
            effects = terminate(report, isGraceful: true, now, &ids)
        case .abandoned:
            effects = abandon(now, &ids)
        case .deadline, .killDue:
            break  // An earlier timer's.
        }
        return resizeIfNeeded() + effects + releaseIfSettled()
    }

    /// The container grows before a task is given to it, and shrinks when a task has ended.
    private mutating func resizeIfNeeded() -> [Effect] {
        guard phase == .running, containerPhase == .running else { return [] }
        let needed = order.reduce(record.info.resources) { sum, key in
            guard let task = tasks[key], !task.isEnded else { return sum }
            return sum + task.record.info.resources
        }
        guard needed != (size.isEmpty ? record.resources : size) else { return [] }
        size = needed
        var described = record.containerRecord
        described.info.resources = needed
        return [.agent(.updateContainer(described))]
    }

    // MARK: Container

    private mutating func prepareIfReady() -> [Effect] {
        guard containerPhase == .recording, isRecorded, tasks.values.contains(where: \.isWaiting) else { return [] }
        containerPhase = .preparing
        return [
            .agent(.prepareContainer(record.containerRecord, framework)), scheduleDeadline(after: timing.registration),
        ]
    }

    private mutating func startRecorded() -> [Effect] {
        guard containerPhase == .announcing else { return [] }
        containerPhase = .starting
        return [.agent(.startContainer(record.containerRecord, framework))]
    }

    private mutating func containerStarted(_ started: StartedContainer) -> [Effect] {
        guard containerPhase == .starting || containerPhase == .running else { return [] }
        networks = started.networks
        let wasStarting = containerPhase == .starting
        containerPhase = .running
        // Its end was wanted before it could be had.
        guard wasStarting, phase == .terminating else { return [] }
        return [.agent(.killContainer(container))] + scheduleKill(after: timing.killRepeat)
    }

    mutating func containerEnded(status: Int32, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        containerPhase = .ended
        phase = .terminated
        subscribing = nil
        var effects: [Effect] = []
        if let stream { effects.append(.agent(.closeExecutorStream(stream))) }
        stream = nil
        return effects + finishTasks(now, &ids) + [.exited(status: status)]
    }

    /// The executor is over: whatever it has not reported as ended has ended now.
    private mutating func finishTasks(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        let report = verdict ?? .executorTerminated
        return order.flatMap { key in translate(tasks[key]?.end(report, now, &ids) ?? [], of: key) }
    }

    /// Lets go of the container once no crash can make its tasks' ends unknown, and of the executor after its tasks.
    private mutating func releaseIfSettled() -> [Effect] {
        guard isOver else { return [] }
        var effects = retireTasks()
        guard !isReleased || tasks.isEmpty, tasks.values.allSatisfy(\.isSettled) else { return effects }
        if !isReleased { effects.append(.agent(.releaseContainer(container))) }
        isReleased = true
        if tasks.isEmpty { effects.append(.retire) }
        return effects
    }

    // MARK: Its end

    /// - Parameter isGraceful: Whether it is asked to end, before it is made to.
    mutating func terminate(
        _ report: ExitReport?, isGraceful: Bool, _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        guard phase == .registering || phase == .running else { return [] }
        phase = .terminating
        verdict = report
        subscribing = nil
        switch containerPhase {
        case .recording, .preparing, .announcing:
            return [.agent(.cancelPreparation(container))] + containerEnded(status: -1, now, &ids)
        case .starting, .ended:
            return []
        case .running:
            guard isGraceful else {
                return [.agent(.killContainer(container))] + scheduleKill(after: timing.killRepeat)
            }
            guard isConnected else {
                return [.agent(.stopContainer(container, grace: timing.shutdownGrace))]
                    + scheduleKill(after: timing.shutdownGrace + timing.killRepeat)
            }
            return tell(.shutdown) + scheduleKill(after: timing.shutdownGrace)
        }
    }

    private mutating func abandon(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        guard !isAbandoned else { return [] }
        isAbandoned = true
        let gone = order.compactMap { tasks.removeValue(forKey: $0) }
        order = []
        return terminate(nil, isGraceful: true, now, &ids) + gone.map { .retireTask($0) }
    }

    /// Nobody knows more of it than that it ended while it was nobody's.
    private mutating func missedDeadline(_ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        guard phase == .registering else { return [] }
        let report =
            isRecovered && hasSubscribed
            ? ExitReport(
                state: framework.goneState, reason: .executorReregistrationTimeout,
                message: "Executor did not reregister within \(DurationText.mesos(timing.reregistration))")
            : ExitReport(
                state: .taskFailed, reason: .executorRegistrationTimeout,
                message: "Executor did not register within \(DurationText.mesos(timing.registration))")
        return terminate(report, isGraceful: false, now, &ids)
    }

    mutating func scheduleDeadline(after delay: Duration) -> Effect {
        attempts += 1
        return .agent(.schedule(.executorDeadline(record.container, attempt: attempts), after: delay))
    }

    mutating func scheduleKill(after delay: Duration) -> [Effect] {
        attempts += 1
        return [.agent(.schedule(.executorKill(record.container, attempt: attempts), after: delay))]
    }

    // MARK: Words

    func tell(_ event: ExecutorEvent) -> [Effect] {
        stream.map { [.agent(.tellExecutor($0, event))] } ?? []
    }

    func lost(_ what: String) -> Effect {
        .agent(.notice(.info("\(what) for \(record.key), which is \(phase) and not connected, is dropped")))
    }

    mutating func translate(_ effects: [HostedTask.Effect], of key: TaskKey) -> [Effect] {
        effects.flatMap { effect -> [Effect] in
            switch effect {
            case .agent(let effect): return [.agent(effect)]
            case .send(let update, let latest): return [.send(update, latest: latest)]
            case .tell(let event): return tell(event)
            case .retire: return retireTasks()
            }
        }
    }
}

extension ContainerExit {
    /// The status as wait(2) reports it; -1 if nobody knows.
    var waitStatus: Int32 {
        switch self {
        case .exited(let status): Int32(truncatingIfNeeded: (status & 0xFF) << 8)
        case .signaled(let signal, let coreDumped): Int32(truncatingIfNeeded: signal & 0x7F | (coreDumped ? 0x80 : 0))
        case .memoryLimitExceeded: 9
        case .notStarted, .unknown: -1
        }
    }
}

extension ExitReport {
    static let executorTerminated = ExitReport(
        state: .taskFailed, reason: .executorTerminated, message: "Executor terminated")

    /// The end of a task whose executor ended without a word about it.
    init(executorExit exit: ContainerExit, memory: Scalar) {
        switch exit {
        case .memoryLimitExceeded(let text):
            self.init(state: .taskFailed, reason: .containerLimitationMemory, message: text)
            limitation = Resources(mem: memory)
        case .notStarted(let why):
            self.init(
                state: .taskFailed, reason: .containerLaunchFailed, message: "Failed to launch container: \(why)")
        case .unknown:
            self.init(
                state: .taskFailed, reason: .executorTerminated,
                message: "Abnormal executor termination: unknown container")
        case .exited, .signaled: self = .executorTerminated
        }
    }

    init(executorLaunch failure: LaunchFailure) {
        let cause =
            switch failure {
            case .preparation(let cause), .options(let cause), .start(let cause): cause
            }
        self.init(state: .taskFailed, reason: .containerLaunchFailed, message: "Failed to launch container: \(cause)")
    }
}

extension V1FrameworkInfo {
    /// The state of a task that is over for certain: what partition-aware frameworks get, and what others get.
    var goneState: V1TaskState { has(.partitionAware) ? .taskGone : .taskLost }
}
