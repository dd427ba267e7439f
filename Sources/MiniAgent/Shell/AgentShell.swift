// Owns the agent's core: feeds it events from one inbox and starts what it asks for.

import HTTPClient
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Resources

/// The agent's loop. It decides nothing and never waits between a step and its effects; slow work runs beside it and
/// comes back as events.
actor AgentShell {
    enum Input: Sendable {
        case event(AgentEvent)
        /// The disk did not take a record: the agent must not promise what it cannot remember.
        case diskFailed(FileError)
    }

    struct Parts: Sendable {
        var paths: AgentPaths
        /// How the agent describes itself, without its id.
        var info: V1AgentInfo
        /// Under which others reach the agent; nil: where its link comes from.
        var advertisedIP: String?
        var runner: ContainerRunner
        var killsOrphans: Bool
        var client: HTTPClient
        /// For what goes without libcurl; read by the agent's thread.
        var calls: HTTPCalls
        /// What the agent proves itself to the master with: the value of an `Authorization` field.
        var authorization: String?
        var executors: ExecutorEnvironment
        /// Told of each launch.
        var rush: AfterRush
        var logger: Logger
        /// Told of each step before it is taken.
        var watcher: AgentStep.Watcher?
    }

    private var core: AgentCore
    private let parts: Parts
    private let inbox: Mailbox<Input>
    private let work: WorkBag
    private let thread: AgentThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private var store: CheckpointStore?
    private var links: [LinkID: MasterLink] = [:]
    private var preparations: [ContainerID: WorkBag.Ticket] = [:]
    /// Removed from the core before its container is: kept for the release.
    private var launches: [ContainerID: Launch] = [:]
    private var checks: [ContainerID: [CheckPurpose: WorkBag.Ticket]] = [:]
    private let executorStreams: ExecutorStreams
    private let retries: CoarseTimers<AgentTimer>
    private var end: AgentEnd?
    private var metrics = AgentMetrics()

    init(core: AgentCore, parts: Parts, inbox: Mailbox<Input>, work: WorkBag, thread: AgentThread) {
        self.core = core
        self.thread = thread
        self.parts = parts
        self.inbox = inbox
        self.work = work
        executorStreams = ExecutorStreams { inbox.send(.event($0)) }
        retries = CoarseTimers { timers in for timer in timers { inbox.send(.event(.timerFired(timer))) } }
    }

    func use(_ store: CheckpointStore) { self.store = store }

    /// The state for operators to read.
    func view() -> (core: AgentCore, metrics: AgentMetrics) { (core, metrics) }

    /// How a container that runs was started; nil if there is none of that name.
    func launch(of container: ContainerID) -> Launch? {
        let isRunning =
            core.tasks.values.contains { $0.record.container == container && $0.state == .taskRunning }
            || core.executors.values.contains { $0.record.container == container && $0.phase == .running }
        return isRunning ? launches[container] : nil
    }

    /// Sends a signal to a container that runs. What comes of it is found out as with any other end.
    func signal(_ launch: Launch, _ signal: Int32) {
        work.add { [runner = parts.runner] in await runner.signal(launch, signal) }
    }

    /// Ends the task whose own container this is, as if its framework had asked.
    ///
    /// - Returns: Whether there is such a task.
    func endTask(in container: ContainerID) -> Bool {
        guard let task = core.tasks.first(where: { $0.value.record.container == container && !$0.value.isEnded }) else {
            return false
        }
        inbox.send(.event(.killAsked(task.key)))
        return true
    }

    /// Runs until the inbox is finished or the agent must stop.
    func run() async -> AgentEnd {
        while end == nil {
            let batch = await inbox.next()
            if batch.isEmpty { break }
            for input in batch where end == nil { take(input) }
        }
        // Somebody who leaves says so; somebody who crashes does not.
        if case .unregistered = end { for link in links.values { await link.drain(within: .seconds(5)) } }
        for link in links.values { link.close() }
        links = [:]
        executorStreams.closeAll()
        return end ?? .stopped
    }

    /// An agent that has left for good keeps no ended containers for later.
    func removeContainers() async {
        guard let agent = core.agent else { return }
        for (kind, containerizer) in parts.runner.containerizers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard case .found(let containers) = await containerizer.observe(agent: agent) else { continue }
            for container in containers where !Task.isCancelled {
                await parts.runner.remove(OrphanContainer(id: container.id, containerizer: kind), agent: agent)
            }
        }
    }

    // MARK: Executors

    /// Whether what was here before is known again.
    var isRecovered: Bool { core.isRecovered && end == nil }

    /// The container of an executor that lives; nil if there is none.
    func container(of key: ExecutorKey) -> ContainerID? { core.executors[key]?.record.container }

    func refusal(of key: ExecutorKey) -> AgentCore.ExecutorRefusal? { core.refusal(of: key, isSubscribe: false) }

    /// - Returns: Why the call is refused; nil if it was taken.
    func take(_ call: ExecutorCall, from key: ExecutorKey) -> AgentCore.ExecutorRefusal? {
        guard end == nil else { return .isRecovering }
        if let refusal = core.refusal(of: key, isSubscribe: false) { return refusal }
        take(.event(.executorCalled(key, call)))
        return nil
    }

    /// - Parameter media: In which encoding the executor wants its events.
    /// - Returns: The stream on which it hears them.
    func subscribe(
        _ key: ExecutorKey, _ media: MediaType, tasks: [TaskID], updates: [V1TaskStatus]
    ) -> Result<HTTPStream, AgentCore.ExecutorRefusal> {
        guard end == nil else { return .failure(.isRecovering) }
        if let refusal = core.refusal(of: key, isSubscribe: true) { return .failure(refusal) }
        var info = parts.info
        if let agent = core.agent { info.id = V1AgentID(agent) }
        let (id, stream) = executorStreams.open(for: key, media, agent: info)
        take(.event(.executorCalled(key, .subscribe(id, tasks: tasks, updates: updates))))
        return .success(stream)
    }

    private func take(_ input: Input) {
        switch input {
        case .event(let event):
            parts.watcher?(.event(event))
            for effect in core.step(event, at: HostClock.now) {
                parts.watcher?(.effect(effect))
                perform(effect)
            }
        case .diskFailed(let error):
            parts.logger.critical("a checkpoint could not be written: \(error)")
            end = .failed("a checkpoint could not be written: \(error)")
        }
    }

    private func perform(_ effect: AgentEffect) {
        switch effect {
        case .checkpoint(let write):
            if case .update(let update) = write { metrics.count(update) }
            TaskTrail(logger: parts.logger).note(write)
            store?.perform(write)
        case .register(let id, let master, let registration):
            let link = MasterLink(
                id, to: master, client: parts.client, calls: parts.calls, authorization: parts.authorization,
                logger: parts.logger, thread: thread
            ) { [inbox] event in inbox.send(.event(event)) }
            links[id] = link
            link.open(registration.message(describing: parts.info, at: parts.advertisedIP))
        case .closeLink(let id):
            links.removeValue(forKey: id)?.close()
        case .send(let id, let call):
            links[id]?.send(call.message(agent: core.agent))
        case .schedule(.retryUpdate(let key, let send), let delay):
            retries.schedule(.retryUpdate(key, send: send), after: delay)
        case .schedule(let timer, let delay):
            Timers.shared.scheduleOnce(after: delay) { [inbox] in inbox.send(.event(.timerFired(timer))) }
        case .prepareContainer(let record, let framework):
            let launch = remember(record, framework)
            preparations[record.container] = work.add { [runner = parts.runner] in await runner.prepare(launch) }
        case .cancelPreparation(let container):
            if let ticket = preparations.removeValue(forKey: container.id) { work.cancel(ticket) }
        case .startContainer(let record, let framework):
            parts.rush.launchBegan()
            preparations[record.container] = nil
            let launch = remember(record, framework)
            let executor = executor(for: launch)
            work.add(on: executor) { [work, runner = parts.runner, rush = parts.rush] in
                let runs = await runner.start(launch)
                rush.launchEnded()
                if runs { work.addPausing(on: executor) { await runner.follow(launch, isRecovered: false) } }
            }
        case .reattachContainer(let record):
            let launch = remember(record, core.frameworks[record.key.framework] ?? V1FrameworkInfo())
            work.addPausing(on: executor(for: launch)) { [runner = parts.runner] in
                await runner.follow(launch, isRecovered: true)
            }
        case .stopContainer(let container, let grace):
            guard let launch = launches[container.id] else { return }
            work.add { [runner = parts.runner] in await runner.stop(launch, grace: grace) }
        case .killContainer(let container):
            guard let launch = launches[container.id] else { return }
            work.add { [runner = parts.runner] in await runner.kill(launch) }
        case .releaseContainer(let container):
            preparations[container.id] = nil
            checks[container.id] = nil
            guard let launch = launches.removeValue(forKey: container.id) ?? recoveredLaunch(container) else { return }
            work.add { [runner = parts.runner] in await runner.release(launch) }
        case .runCheck(let run):
            guard let launch = launches[run.id.container] else { return }
            checks[run.id.container, default: [:]][run.id.purpose] = work.add { [runner = parts.runner] in
                await runner.check(run, of: launch)
            }
        case .endChecks(let container):
            for ticket in (checks.removeValue(forKey: container) ?? [:]).values { work.cancel(ticket) }
        case .closeGroupNetwork(let run):
            guard let agent = core.agent else { return }
            work.add { [runner = parts.runner] in
                await runner.remove(OrphanContainer(id: run, containerizer: .docker), agent: agent)
            }
        case .removeOrphan(let orphan):
            guard parts.killsOrphans, let agent = core.agent else { return }
            work.add { [runner = parts.runner] in await runner.remove(orphan, agent: agent) }
        case .updateContainer(let record):
            guard var launch = launches[record.container] else { return }
            launch.record = record
            work.add { [runner = parts.runner, launch] in await runner.update(launch) }
        case .tellExecutor(let id, let event):
            executorStreams.tell(id, event)
        case .closeExecutorStream(let id):
            executorStreams.close(id)
        case .notice(.info(let text)):
            parts.logger.info("\(text)")
        case .notice(.warning(let text)):
            parts.logger.warning("\(text)")
        case .stop(let stop):
            end = AgentEnd(stop)
        }
    }

    /// An engine's containers are waited for. To start a process blocks.
    private func executor(for launch: Launch) -> (any TaskExecutor)? {
        launch.record.containerizer == .docker ? thread : nil
    }

    private func remember(_ record: TaskRecord, _ framework: V1FrameworkInfo) -> Launch {
        guard let agent = core.agent else { preconditionFailure("\(record.key) before the agent has an id") }
        var launch = Launch(
            record: core.settings.withDefaultContainer(record), framework: framework, agent: agent,
            run: parts.paths.run(agent, record),
            volumes: PersistentVolume.all(of: record.info, parts.paths))
        if record.isExecutorContainer {
            launch.executorVariables = parts.executors.variables(
                of: record.info.executor, framework: framework, agent: agent, container: record.container,
                sandbox: launch.run.sandbox)
        }
        launches[record.container] = launch
        return launch
    }

    /// A container that ended in an earlier life of this agent: only its names matter now.
    private func recoveredLaunch(_ container: ContainerRef) -> Launch? {
        guard let agent = core.agent else { return nil }
        let record = TaskRecord(
            key: container.key, info: V1TaskInfo(), container: container.id, containerizer: container.containerizer)
        return Launch(
            record: record, framework: V1FrameworkInfo(), agent: agent,
            run: parts.paths.run(agent, container.key, container.id))
    }
}

/// How an agent came to its end.
public enum AgentEnd: Hashable, Sendable {
    /// It was asked to stop; its tasks go on.
    case stopped
    /// It left the cluster and ended its tasks.
    case unregistered(reason: String)
    /// It could not go on; the text says why.
    case failed(String)

    init(_ stop: AgentStop) {
        switch stop {
        case .unregistered(let reason): self = .unregistered(reason: reason)
        case .fatal(let reason): self = .failed(reason)
        }
    }
}
