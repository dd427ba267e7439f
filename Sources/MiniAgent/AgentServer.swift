// An agent as a whole: checks its configuration, recovers, serves HTTP and follows the leading master.

import Glibc
import HTTPAccess
import HTTPClient
import HTTPServer
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import Security

/// A running agent. Stopping it leaves its tasks alone: an agent started later on the same work directory finds them.
public final class AgentServer: Sendable {
    /// `http://address:port` under which others reach this agent.
    public let url: String
    public let port: Int

    private let shell: AgentShell
    private let server: HTTPServer
    private let detector: MasterDetector
    private let inbox: Mailbox<AgentShell.Input>
    private let work: WorkBag
    private let store: CheckpointStore
    private let lock: WorkDirectoryLock
    private let usage: UsageSampler
    private let nested: NestedContainers
    private let paths: AgentPaths
    private let loop: Task<AgentEnd, Never>
    private let following: Task<Void, Never>

    private init(
        url: String, shell: AgentShell, server: HTTPServer, detector: MasterDetector,
        inbox: Mailbox<AgentShell.Input>, work: WorkBag, thread: AgentThread, store: CheckpointStore,
        lock: WorkDirectoryLock, usage: UsageSampler, nested: NestedContainers, paths: AgentPaths, dialsSecurely: Bool
    ) {
        self.url = url
        self.port = server.port
        self.shell = shell
        self.server = server
        self.detector = detector
        self.inbox = inbox
        self.work = work
        self.store = store
        self.lock = lock
        self.usage = usage
        self.nested = nested
        self.paths = paths
        loop = Task(executorPreference: thread) { await shell.run() }
        following = Task {
            for await master in detector.masters {
                inbox.send(.event(.masterDetected(master.map { MasterAddress($0, isSecure: dialsSecurely) })))
            }
        }
    }

    /// Checks the configuration, takes the work directory, recovers, and begins to follow the master.
    ///
    /// - Throws: Before anything is started, if the configuration or what is in the work directory does not allow it.
    public static func start(
        _ configuration: AgentConfiguration, logger plain: Logger
    ) async throws(AgentStartError) -> AgentServer {
        try await start(configuration, logger: plain, watcher: nil)
    }

    /// As the public one.
    ///
    /// - Parameter watcher: Follows the agent's steps.
    package static func start(
        _ configuration: AgentConfiguration, logger plain: Logger, watcher: AgentStep.Watcher?
    ) async throws(AgentStartError) -> AgentServer {
        HeapLimits.apply()
        let logLevel = LogLevelSwitch()
        let logger = logLevel.logger(plain)
        let security = configuration.security
        if let flag = security.flagWithoutCredentials { throw .credentialsMissing(flag: flag) }
        if security.authenticatesExecutors, security.executorTokens == nil { throw .keyMissing }
        if let file = security.masterTLS?.unreadableFile { throw .tls(path: file.path, reason: file.reason) }
        let start = try AgentStart(configuration, logger: logger)
        for notice in security.notices { logger.warning("\(notice)") }
        let refusals = RefusalLog(logger: logger)
        let gate = security.gate(refusals: refusals)
        let api = AgentAPI(logLevel: logLevel)
        let requests = RequestLog(logger)
        var limits = HTTPServerLimits(
            bodyBytesMax: { $0.hasSuffix("/api/v1/executor") ? 16 << 20 : 64 << 10 }, connectionsMax: 1000)
        limits.streamsBody = { AgentAPI.streamsBody($0) }
        let server: HTTPServer
        do throws(HTTPServerError) {
            server = try await HTTPServer.start(
                host: configuration.ip ?? "0.0.0.0", port: configuration.port,
                limits: limits,
                tls: security.tls, admission: { $0.isPreflight ? .admitted(identity: nil) : gate.admit($0) },
                report: { refusals.note("\($0)") },
                handler: { request in
                    let answer = await requests.answer(request) { await api.answer(request) }
                    if answer.status == 403 { refusals.note(request, claimed: request.identity, "not authorized") }
                    return answer
                })
        } catch {
            throw .cannotListen("\(error)")
        }
        let info = start.agentInfo(port: server.port)
        do throws(AgentStartError) { try start.recordChange(info) } catch {
            await server.stop(within: .zero)
            throw error
        }
        let inbox = Mailbox<AgentShell.Input>()
        let work = WorkBag()
        let thread = AgentThread.start()
        let calls = HTTPCalls(on: thread)
        var sampling = UsageSampler.Settings()
        sampling.interval = configuration.usageSampleInterval
        // A round needs two megabytes of the program that would otherwise stay until the next.
        sampling.onQuietRound = { ProgramPages.giveBack() }
        let usage = UsageSampler(settings: sampling)
        let nested = NestedContainers(runners: start.sessionRunners, logger: logger)
        let runner = start.runner(
            usage: usage, nested: nested, slice: await ExecutorsSlice.open(configuration, logger: logger), calls: calls,
            thread: thread, watcher: watcher
        ) { event in inbox.send(.event(event)) }
        await runner.fetcher.cache.open()
        let shell = AgentShell(
            core: AgentCore(settings: start.settings, seed: UInt64.random(in: 0...UInt64.max)),
            parts: AgentShell.Parts(
                paths: start.paths, info: info, advertisedIP: start.announcedIP, runner: runner,
                killsOrphans: configuration.dockerKillOrphans,
                client: security.masterTLS.map { HTTPClient(tls: $0) } ?? .shared, calls: calls,
                authorization: security.credential?.basicAuthorization,
                executors: ExecutorEnvironment(
                    endpoint: "\(start.advertisedIP):\(info.port)", recoveryTimeout: configuration.recoveryTimeout,
                    // A hint for the executor, not a limit: the whole window would make its tasks wait for nothing.
                    subscriptionBackoffMax: min(.seconds(2), configuration.executorReregistrationTimeout),
                    shutdownGracePeriod: configuration.executorShutdownGracePeriod, ip: configuration.ip,
                    tokens: security.requiredTokens),
                rush: AfterRush(quiet: .seconds(3), least: 20) {
                    // The code that launching needs, and what it has left free in the heap.
                    Task {
                        HeapLimits.trim(freeBytesMax: 256 << 10)
                        ProgramPages.giveBack()
                    }
                },
                logger: logger, watcher: watcher),
            inbox: inbox, work: work, thread: thread)
        let store = CheckpointStore(paths: start.paths, agentInfo: info, recovered: start.loaded.checkpoint) {
            token, error in
            if error == nil { watcher?(.durable(token)) }
            inbox.send(error.map { .diskFailed($0) } ?? .event(.checkpointed(token)))
        }
        await shell.use(store)
        let recoveryBegan = HostClock.now
        inbox.send(.event(.recovered(await start.plan(runner))))
        let recovery = recoveryBegan.instant.duration(to: HostClock.now.instant)
        for containerizer in runner.containerizers.values { work.add { await containerizer.watch() } }
        let detector = MasterDetector(
            location: configuration.master, sessionTimeout: configuration.zkSessionTimeout, logger: logger)
        let agent = AgentServer(
            url: "\(security.tls == nil ? "http" : "https")://\(start.advertisedIP):\(info.port)", shell: shell,
            server: server, detector: detector,
            inbox: inbox, work: work, thread: thread, store: store, lock: start.lock, usage: usage,
            nested: nested, paths: start.paths, dialsSecurely: security.masterTLS != nil)
        // What a rush of tasks has left free in the heap is for others; an agent mostly sleeps.
        work.add { while (try? await Task.sleep(for: .seconds(10))) != nil { HeapLimits.trim(freeBytesMax: 1 << 20) } }
        let collector = SandboxCollector(
            paths: start.paths,
            policy: GarbagePolicy(delay: configuration.gcDelay, diskHeadroom: configuration.gcDiskHeadroom),
            interval: configuration.diskWatchInterval, logger: logger)
        work.add { await ProgramPages.giveBackRegularly(every: .seconds(20)) }
        work.add {
            await collector.run {
                let (core, _) = await shell.view()
                return core.agent.map { ($0, core.containersInUse) }
            }
        }
        api.serve(
            AgentAPI.Source(
                shell: shell, usage: usage, nested: nested, paths: start.paths, info: info,
                advertisedIP: start.advertisedIP, configuration: configuration, startedAt: HostClock.now,
                problems: start.loaded.problems.count, recovery: recovery, fetcher: runner.fetcher,
                collector: collector, isolation: start.isolationReport, engine: start.engine))
        logger.info("agent listens on \(agent.url), work_dir \(start.paths.workDirectory)")
        return agent
    }

    /// Returns when the agent has stopped, for whatever reason.
    @discardableResult
    public func run() async -> AgentEnd {
        let end = await loop.value
        if case .unregistered = end { await shell.removeContainers() }
        await finish()
        return end
    }

    /// Stops the agent. Tasks go on, and are found again by the next agent on this work directory.
    public func stop() async {
        inbox.finish()
        _ = await loop.value
        await finish()
    }

    /// Ends all tasks, leaves the cluster, then stops. ``run()`` returns when that is done.
    public func unregister(reason: String) {
        inbox.send(.event(.unregisterRequested(reason: reason)))
    }

    /// Whether a master has taken this agent in.
    public var isRegistered: Bool {
        get async { await shell.view().core.link.registeredLink != nil }
    }

    /// Where it stands with its master. The answer comes from the loop: an agent that hangs gives none.
    public var position: AgentPosition {
        get async { AgentPosition(await shell.view().core) }
    }

    private func finish() async {
        await detector.stop()
        following.cancel()
        inbox.finish()
        await work.close()
        await usage.stop()
        await nested.stop()
        ProcessSessions.leave(paths)
        await server.stop(within: .seconds(1))
        store.drain()
        lock.release()
    }
}

extension MasterAddress {
    init(_ master: DetectedMaster, isSecure: Bool) {
        self.init(id: master.info.id, url: master.baseURL(isSecure: isSecure), hostname: master.info.hostname)
    }
}
