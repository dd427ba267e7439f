// Everything that is checked and read before an agent does anything.

import Glibc
import HTTPClient
import Logging
import MesosProtocol
import Resources

/// A configuration that has been found usable, and what the work directory holds.
struct AgentStart: Sendable {
    let configuration: AgentConfiguration
    let logger: Logger
    private(set) var paths: AgentPaths
    let lock: WorkDirectoryLock
    let loaded: LoadedCheckpoint
    private let hostRestarted: Bool
    let settings: AgentSettings
    let advertisedIP: String
    private let hostname: String
    private let attributes: [V1Attribute]
    private let supervisor: SupervisorProgram?
    private let docker: DockerContainerizer.Settings
    private let isolation: CgroupIsolation?
    /// Whether and how process tasks are held to their cpu, memory and pids.
    let isolationReport: [(name: String, text: String)]
    private var hasChanged = false

    init(_ configuration: AgentConfiguration, logger: Logger) throws(AgentStartError) {
        self.configuration = configuration
        self.logger = logger
        advertisedIP = try Self.address(configuration)
        hostname =
            configuration.hostname
            ?? (configuration.hostnameLookup ? HostAddress.name(of: advertisedIP) : advertisedIP)
        attributes = try AgentAttributes.parse(configuration.attributes)
        let directory = try Self.workDirectory(configuration.workDirectory)
        paths = AgentPaths(workDirectory: directory)
        if let runtime = configuration.runtimeDirectory ?? RuntimeDirectory.standard {
            do throws(FileError) {
                paths.runtime = try RuntimeDirectory.folder(in: runtime, workDirectory: directory)
            } catch { throw .runtimeDirectory("\(error)") }
        }
        docker = try DockerContainerizer.Settings(configuration, workDirectory: directory, agentIP: advertisedIP)
        var host = HostCapacity.measure(workDirectory: directory)
        host.gpus = try HostGPUs.offered(named: configuration.nvidiaDevices, isolation: configuration.isolation).count
        let resources = try AgentResources.parse(
            configuration.resources, defaultRole: configuration.defaultRole, host: host)
        settings = Self.settings(configuration, resources)
        supervisor =
            configuration.containerizers.contains(.process) ? SupervisorProgram.find(configuration.supervisorPath) : nil
        if let supervisor, access(supervisor.path, X_OK) != 0 { throw .noSupervisor(supervisor.path) }
        (isolation, isolationReport) = Self.isolation(configuration, supervisor != nil, logger)
        do throws(WorkDirectoryLock.Refusal) {
            lock = try WorkDirectoryLock.acquire(paths.lock)
        } catch {
            switch error {
            case .heldBy(let pid): throw .workDirectoryInUse(path: directory, pid: pid)
            case .failed(let error): throw .workDirectory("\(error)")
            }
        }
        loaded = try Self.load(paths, configuration, logger)
        paths.inFolders = loaded.inFolders
        do throws(FileError) { hostRestarted = try HostBoot.wasRestarted(paths) } catch {
            throw .workDirectory("\(error)")
        }
        if hostRestarted { logger.warning("the host was started anew: what ran before has ended") }
        let converted = loaded.checkpoint.resources.converted
        guard ResourceBook.total(of: settings.resources, with: converted) != nil else {
            throw .incompatible(
                differences: [
                    "resources are '\(settings.resources)', and the reservations and volumes made of them need "
                        + "'\(converted.withoutOperations)'"
                ], metaLatest: paths.metaLatest)
        }
        do throws(FileError) {
            try VolumeDirectories(paths: paths).recover(loaded.checkpoint.resources)
        } catch { throw .workDirectory("\(error)") }
        if let known = loaded.agentInfo {
            let change = Reconfiguration(
                from: known, to: agentInfo(port: 0), policy: configuration.reconfigurationPolicy,
                used: loaded.checkpoint.resourcesInUse)
            if let refusal = change.refusal { throw .changed(refusal, metaLatest: paths.metaLatest) }
            for difference in change.differences { logger.info("this host is described anew: \(difference)") }
            // An agent of an earlier version must not take over from here: it would not find the tasks of this one.
            hasChanged = !change.differences.isEmpty || loaded.isOfEarlierVersion
        }
    }

    /// What the agent says of itself from now on replaces what it said before, so that a later start is compared with it.
    func recordChange(_ info: V1AgentInfo) throws(AgentStartError) {
        guard hasChanged, let agent = loaded.checkpoint.agent else { return }
        do throws(FileError) { try CheckpointStore.writeAgent(agent, info, paths) } catch {
            throw .workDirectory("\(error)")
        }
    }

    /// How this agent describes itself to the master, without its id.
    func agentInfo(port: Int) -> V1AgentInfo {
        var info = V1AgentInfo()
        info.hostname = hostname
        info.port = Int32(clamping: configuration.advertisePort ?? port)
        info.resources = settings.resources.protobuf()
        info.attributes = attributes
        if let domain = configuration.domain { info.domain = domain }
        return info
    }

    /// The containerizers as configured.
    func runner(
        usage: UsageSampler, nested: NestedContainers, slice: ExecutorsSlice?, calls: HTTPCalls, thread: AgentThread,
        watcher: AgentStep.Watcher?,
        report: @escaping @Sendable (AgentEvent) -> Void
    ) -> ContainerRunner {
        var containerizers: [ContainerizerKind: any Containerizer] = [:]
        if settings.containerizers.contains(.docker) {
            containerizers[.docker] = DockerContainerizer(
                socketPath: configuration.dockerSocket, deadlines: DockerDeadlines(configuration), settings: docker,
                calls: calls, pause: { await thread.pause(for: $0) }, logger: logger
            ) { notice in
                switch notice {
                case .pulling(let container, let text): report(.containerProgressed(container, text))
                case .stalled(let reason): report(.engineStalled(reason))
                case .created, .started: watcher?(.engine(notice))
                }
            }
        }
        if let supervisor {
            containerizers[.process] = ProcessContainerizer(
                supervisor: supervisor, paths: paths,
                environment: ProcessEnvironment(
                    base: configuration.executorEnvironmentVariables, ip: configuration.ip),
                agentIP: advertisedIP, switchUser: configuration.switchUser, isolation: isolation, slice: slice,
                outputLimits: configuration.outputLimits, logger: logger)
        }
        return ContainerRunner(
            containerizers: containerizers, checks: CheckRunner(containerizers: containerizers),
            switchUser: configuration.switchUser, fetcher: fetcher(), usage: usage, nested: nested, logger: logger,
            report: report)
    }

    private func fetcher() -> Fetcher {
        var settings = Fetcher.Settings(
            cacheDirectory: configuration.fetcherCacheDirectory ?? "\(paths.workDirectory)/fetch")
        settings.frameworksHome = configuration.frameworksHome
        settings.cacheBytesMax = configuration.fetcherCacheBytesMax
        settings.stallTimeout = configuration.fetcherStallTimeout
        return Fetcher(
            settings, helper: FetcherHelper.find(configuration.fetcherPath), client: .shared, logger: logger)
    }

    /// For what operators ask of it; nil if no tasks run in it.
    var engine: DockerEngine? {
        guard settings.containerizers.contains(.docker) else { return nil }
        return DockerEngine(socketPath: configuration.dockerSocket, deadlines: DockerDeadlines(configuration))
    }

    /// What runs commands beside tasks.
    var sessionRunners: [ContainerizerKind: any SessionRunner] {
        var runners: [ContainerizerKind: any SessionRunner] = [:]
        if let engine { runners[.docker] = DockerSessions(engine: engine, logger: logger) }
        if let supervisor {
            ProcessSessions.clean(paths)
            runners[.process] = ProcessSessions(
                supervisor: supervisor, paths: paths,
                environment: ProcessEnvironment(
                    base: configuration.executorEnvironmentVariables, ip: configuration.ip),
                switchUser: configuration.switchUser)
        }
        return runners
    }

    /// What to do with the tasks of an earlier life.
    func plan(_ runner: ContainerRunner) async -> RecoveryPlan {
        guard let agent = loaded.checkpoint.agent else {
            return planRecovery(checkpoint: loaded.checkpoint, containers: .found([]), supervisors: .found([]))
        }
        return planRecovery(
            checkpoint: loaded.checkpoint,
            containers: await runner.containerizers[.docker]?.observe(agent: agent) ?? .unavailable,
            supervisors: await runner.containerizers[.process]?.observe(agent: agent) ?? .unavailable,
            hostRestarted: hostRestarted)
    }

    // MARK: Checks

    /// What the master is told to tell others; nil if the agent was not told, and the master knows better where it is.
    var announcedIP: String? {
        configuration.advertiseIP ?? configuration.ip.flatMap { $0 == "0.0.0.0" ? nil : $0 }
    }

    private static func address(_ configuration: AgentConfiguration) throws(AgentStartError) -> String {
        for (name, value) in [("ip", configuration.ip), ("advertise_ip", configuration.advertiseIP)] {
            if let value, !HostAddress.isIPv4(value) {
                throw .invalidAddress("\(name) '\(value)' is not an IPv4 address")
            }
        }
        if let advertised = configuration.advertiseIP { return advertised }
        if let ip = configuration.ip, ip != "0.0.0.0" { return ip }
        return HostAddress.outward()
    }

    private static func workDirectory(_ path: String) throws(AgentStartError) -> String {
        guard !path.isEmpty else { throw .workDirectory("it is empty") }
        do throws(FileError) { try DurableFile.createDirectories(path) } catch { throw .workDirectory("\(error)") }
        guard let resolved = realpath(path, nil) else { throw .workDirectory("\(FileError("resolve", path))") }
        defer { free(resolved) }
        let directory = String(cString: resolved)
        guard access(directory, W_OK | X_OK) == 0 else { throw .workDirectory("\(FileError("write to", directory))") }
        return directory
    }

    private static func isolation(
        _ configuration: AgentConfiguration, _ runsProcesses: Bool, _ logger: Logger
    ) -> (CgroupIsolation?, [(name: String, text: String)]) {
        guard runsProcesses else { return (nil, []) }
        let choice = IsolationChoice(isolation: configuration.isolation, launcher: configuration.launcher)
        for name in choice.unknown {
            logger.warning("isolation: this agent has no '\(name)'; process tasks run without it")
        }
        guard !choice.controllers.isEmpty else { return (nil, choice.report(nil)) }
        let hierarchy = CgroupHierarchy.find(
            mount: configuration.cgroupsHierarchy, root: configuration.cgroupsRoot, wanted: choice.controllers)
        let report = choice.report(hierarchy)
        for (controller, reason) in hierarchy.refusals.sorted(by: { $0.key < $1.key }) {
            logger.warning("\(controller.rawValue) of process tasks is not isolated: \(reason)")
        }
        guard !hierarchy.folders.isEmpty else { return (nil, report) }
        let names = hierarchy.folders.keys.sorted().map(\.rawValue).joined(separator: ", ")
        logger.info("process tasks get control groups \(hierarchy.layout.rawValue): \(names)")
        var isolation = CgroupIsolation(hierarchy)
        isolation.enforcesQuota = configuration.cgroupsEnableCFS
        isolation.limitsSwap = configuration.cgroupsLimitSwap
        isolation.pidsMax = configuration.cgroupsPidsMax
        return (isolation, report)
    }

    private static func settings(_ configuration: AgentConfiguration, _ resources: Resources) -> AgentSettings {
        var settings = AgentSettings(
            resources: resources,
            containerizers: configuration.containerizers.map { name in
                switch name {
                case .docker: .docker
                case .process: .process
                }
            },
            registrationBackoffFactor: configuration.registrationBackoffFactor,
            killGraceDocker: configuration.dockerStopTimeout ?? configuration.executorShutdownGracePeriod,
            cleansUp: configuration.recover == .cleanup)
        settings.executorRegistrationTimeout = configuration.executorRegistrationTimeout
        settings.executorReregistrationTimeout = configuration.executorReregistrationTimeout
        settings.executorShutdownGracePeriod = configuration.executorShutdownGracePeriod
        settings.completedExecutorsMax = configuration.maxCompletedExecutorsPerFramework
        settings.defaultContainer = configuration.defaultContainer
        return settings
    }

    private static func load(
        _ paths: AgentPaths, _ configuration: AgentConfiguration, _ logger: Logger
    ) throws(AgentStartError) -> LoadedCheckpoint {
        // In strict mode the first look changes nothing, so that what is refused stays as it was found.
        if configuration.strict {
            let bad = CheckpointLoader(paths: paths, repairs: false).load().problems.filter { !$0.isHarmless }
            guard bad.isEmpty else { throw .corruptCheckpoint(bad.map(\.description)) }
        }
        let loaded = CheckpointLoader(paths: paths, repairs: true).load()
        for problem in loaded.problems { logger.warning("\(problem)") }
        return loaded
    }
}
