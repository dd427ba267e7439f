// Runs tasks as plain processes, each under a supervisor that outlives the agent.

import Beneath
import Glibc
import Logging
import Mailbox
import MesosProtocol
import Processes
import Resources

/// The process containerizer. `/proc` and the supervisors' files are the memory: a supervisor is found again by the path
/// of its status file among its arguments.
package final class ProcessContainerizer: Containerizer {
    let supervisor: SupervisorProgram
    private let paths: AgentPaths
    let environment: ProcessEnvironment
    private let agentIP: String
    let switchUser: Bool
    /// `nil`: tasks share the host as they like.
    let isolation: CgroupIsolation?
    /// `nil`: tasks stay in the agent's own control group of systemd.
    private let slice: ExecutorsSlice?
    private let logger: Logger
    private let outputLimits: OutputLimits
    private let running = Locked<[ContainerID: ChildProcess]>([:])
    private let writers = Locked<[ContainerID: ChildProcess]>([:])

    package init(
        supervisor: SupervisorProgram, paths: AgentPaths, environment: ProcessEnvironment, agentIP: String,
        switchUser: Bool, isolation: CgroupIsolation? = nil, slice: ExecutorsSlice? = nil,
        outputLimits: OutputLimits = .none, logger: Logger
    ) {
        self.slice = slice
        self.isolation = isolation
        self.supervisor = supervisor
        self.paths = paths
        self.environment = environment
        self.agentIP = agentIP
        self.switchUser = switchUser
        self.outputLimits = outputLimits
        self.logger = logger
    }

    // MARK: Recovery

    package func observe(agent: AgentID) async -> Observation {
        let prefix = paths.metaAgent(agent) + "/"
        return .found(
            Self.conditions(
                running: {
                    ProcessTree.processes(withArgumentPrefix: prefix).compactMap { _, arguments in
                        Self.container(in: arguments, below: prefix)
                    }
                }, ended: { ended(of: agent) }))
    }

    /// Looks for supervisors first and for what they left after that: one that ends in between has written its end before
    /// it goes, and in the other order would be seen nowhere.
    static func conditions(running: () -> [ContainerID], ended: () -> [ContainerID]) -> [ObservedContainer] {
        var found: [ContainerID: ObservedContainer.Condition] = [:]
        for container in running() { found[container] = .running }
        for container in ended() { found[container] = .exited }
        return found.sorted { $0.key < $1.key }.map { ObservedContainer(id: $0.key, condition: $0.value) }
    }

    /// The containers of which a supervisor has written how they ended.
    private func ended(of agent: AgentID) -> [ContainerID] {
        let root = paths.metaFrameworks(agent)
        return DurableFile.names(in: root).flatMap { framework in
            inFolders("\(root)/\(framework)/executors") + inFiles(paths.metaRuns(agent, FrameworkID(framework)))
        }
    }

    private func inFolders(_ executors: String) -> [ContainerID] {
        DurableFile.names(in: executors).flatMap { executor in
            DurableFile.names(in: "\(executors)/\(executor)/runs")
                .filter { $0 != "latest" && !$0.hasSuffix(CheckpointStore.retiredSuffix) }
                .filter { access("\(executors)/\(executor)/runs/\($0)/status", F_OK) == 0 }
                .map { ContainerID($0) }
        }
    }

    private func inFiles(_ runs: String) -> [ContainerID] {
        DurableFile.names(in: runs).filter { $0.hasSuffix(RunPaths.processSuffix) }.compactMap { name in
            guard let bytes = KernelFiles.read("\(runs)/\(name)"), SupervisorStatus.hasEnded(bytes) else { return nil }
            return ContainerID(String(name.dropLast(RunPaths.processSuffix.utf8.count)))
        }
    }

    /// The container whose record is named among a supervisor's arguments.
    static func container(in arguments: [String], below prefix: String) -> ContainerID? {
        guard let flag = arguments.firstIndex(where: { $0 == "--record" || $0 == "--status" }),
            flag + 1 < arguments.count, arguments[flag + 1].hasPrefix(prefix)
        else { return nil }
        let parts = arguments[flag + 1].split(separator: "/")
        guard let last = parts.last, parts.count >= 2 else { return nil }
        if arguments[flag] == "--status" { return last == "status" ? ContainerID(String(parts[parts.count - 2])) : nil }
        guard last.hasSuffix(RunPaths.processSuffix) else { return nil }
        return ContainerID(String(last.dropLast(RunPaths.processSuffix.utf8.count)))
    }

    private func process(of launch: Launch) -> ChildProcess? {
        let container = launch.record.container
        if let known = running.withLock({ $0[container] }) { return known }
        for (pid, arguments) in ProcessTree.processes(withArgumentPrefix: launch.run.status)
        where Self.container(in: arguments, below: DurableFile.parent(of: launch.run.meta)) == container {
            guard let ticks = processStartTime(of: pid),
                let process = ChildProcess.attach(pid: pid, startTimeTicks: ticks),
                // Between the look and the hold the number could have come to mean another process.
                Self.container(in: ProcessTree.arguments(of: pid), below: DurableFile.parent(of: launch.run.meta))
                    == container
            else { continue }
            running.withLock { $0[container] = process }
            return process
        }
        return nil
    }

    // MARK: Launch

    package func prepare(_ launch: Launch) async throws(LaunchFailure) {
        let command = launch.command
        guard command.hasValue || (!command.shell && !command.arguments.isEmpty) else {
            throw .preparation("the task's command is empty")
        }
        do throws(ResourceLimit.Fault) {
            _ = try ResourceLimit.all(of: launch.record.info.container)
        } catch { throw .preparation(error.description) }
    }

    package func start(_ launch: Launch) async throws(LaunchFailure) -> StartedContainer {
        let owner = try Sandbox.owner(of: launch, switchUser: switchUser)
        if launch.run.isFolder {
            do throws(FileError) { try DurableFile.makeDirectories(DurableFile.parent(of: launch.run.pid)) } catch {
                throw .start("\(error)")
            }
        }
        let output = try await TaskOutput.open(
            launch.run, limits: outputLimits, window: launch.terminal, supervisor: supervisor, owner: owner,
            slice: slice)
        var cgroups: [String] = []
        if let isolation {
            do throws(FileError) { cgroups = try isolation.enter(launch) } catch { throw .start("\(error)") }
        }
        var request = SpawnRequest(
            program: supervisor.path, arguments: supervisor.prefix + Self.arguments(launch, owner, cgroups: cgroups),
            environment: environment.entries(for: launch))
        request.cgroupProcsPaths = slice?.entrances ?? []
        request.standardInput = output.standardInput?.number
        request.standardOutput = output.standardOutput.number
        request.standardError = output.standardError.number
        do throws(SpawnError) {
            let process = try await ChildProcess.spawn(request)
            running.withLock { $0[launch.record.container] = process }
            if let writer = output.writer { writers.withLock { $0[launch.record.container] = writer } }
        } catch {
            isolation?.remove(launch.record.container)
            throw .start("\(error)")
        }
        withExtendedLifetime(output) {}
        return started(launch)
    }

    /// The supervisor's arguments for one task.
    static func arguments(_ launch: Launch, _ owner: HostUser?, cgroups: [String] = []) -> [String] {
        records(launch.run) + ["--cwd", launch.run.sandbox] + userArguments(owner)
            + cgroups.flatMap { ["--cgroup", $0] } + limits(of: launch.record.info.container)
            + (launch.terminal == nil ? [] : ["--terminal", "yes"]) + ["--"] + program(of: launch.command)
    }

    /// Those that cannot be read were refused when the task was prepared.
    private static func limits(of container: V1ContainerInfo) -> [String] {
        let limits = (try? ResourceLimit.all(of: container)) ?? []
        return limits.flatMap { ["--rlimit", "\($0.number):\($0.soft ?? .max):\($0.hard ?? .max)"] }
    }

    private static func records(_ run: RunPaths) -> [String] {
        run.isFolder ? ["--status", run.status, "--pid", run.pid] : ["--record", run.status]
    }

    static func userArguments(_ owner: HostUser?) -> [String] {
        guard let owner else { return [] }
        // The supervisor takes 64 groups.
        let groups = owner.groups.prefix(64).map(String.init).joined(separator: ",")
        return ["--user", "\(owner.user):\(owner.group)" + (groups.isEmpty ? "" : ":\(groups)")]
    }

    /// What a command runs.
    static func program(of command: V1CommandInfo) -> [String] {
        if command.shell { return ["/bin/sh", "-c", command.value] }
        // Without a shell, `value` is the program and `arguments` its whole argv, its own name included.
        let name = command.hasValue ? command.value : command.arguments.first ?? ""
        return [name] + command.arguments.dropFirst()
    }

    private func started(_ launch: Launch) -> StartedContainer {
        var address = V1NetworkInfo.IPAddress()
        address.protocol = .ipv4
        address.ipAddress = agentIP
        var network = launch.record.info.container.networkInfos.first ?? V1NetworkInfo()
        network.ipAddresses = [address]
        return StartedContainer(networks: [network])
    }

    // MARK: Life and end

    package func follow(
        _ launch: Launch, isRecovered: Bool, onRunning: @Sendable (StartedContainer) -> Void
    ) async -> Following {
        if let process = process(of: launch) {
            if isRecovered { onRunning(started(launch)) }
            let end = Latch<Void>()
            process.onEnd { _ in end.open(()) }
            guard await end.wait() != nil else { return .cancelled }
        }
        return .ended(await exit(of: launch))
    }

    /// How a container ended whose supervisor has.
    private func exit(of launch: Launch) async -> ContainerExit {
        let container = launch.record.container
        running.withLock { $0[container] = nil }
        if let writer = writers.withLock({ $0.removeValue(forKey: container) }) { await TaskOutput.drain(writer) }
        do throws(FileError) {
            guard let bytes = try DurableFile.read(launch.run.status, bytesMax: 64 << 10) else {
                return .unknown("its supervisor ended without leaving a status")
            }
            let program = Self.arguments(launch, nil).drop { $0 != "--" }.dropFirst().first ?? ""
            let exit =
                SupervisorStatus.parse(bytes, program: program)
                ?? .unknown(
                    launch.run.isFolder
                        ? "its supervisor left an unreadable status" : "its supervisor ended without leaving a status")
            // A task that got over the loss of a process has not failed.
            if exit != .exited(status: 0), let report = isolation?.memoryReport(container) {
                return .memoryLimitExceeded(message: report)
            }
            return exit
        } catch {
            return .unknown("\(error)")
        }
    }

    package func stop(_ launch: Launch, grace: Duration) async {
        signalTree(of: launch, SIGTERM)
        if grace > .zero { try? await Task.sleep(for: grace) }
        if !Task.isCancelled { await kill(launch) }
    }

    /// Ends the whole tree, and what it forks meanwhile.
    package func kill(_ launch: Launch) async {
        for _ in 0..<40 {
            isolation?.kill(launch.record.container)
            guard signalTree(of: launch, SIGKILL) > 0 else { return }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    package func signal(_ launch: Launch, _ signal: Int32) async { signalTree(of: launch, signal) }

    /// Signals every process below the supervisor, which itself stays to report the end.
    ///
    /// - Returns: How many there were.
    @discardableResult
    private func signalTree(of launch: Launch, _ signal: Int32) -> Int {
        guard let process = process(of: launch), process.knownEnd == nil else { return 0 }
        let tree = ProcessTree().descendants(of: process.pid)
        for pid in tree { Glibc.kill(pid, signal) }
        return tree.count
    }

    /// The records of the run, with the supervisor's files among them, go with the task's checkpoint.
    package func release(_ launch: Launch) async {
        let container = launch.record.container
        running.withLock { $0[container] = nil }
        guard let isolation else { return }
        for _ in 0..<40 {
            if isolation.remove(container) { return }
            isolation.kill(container)
            do { try await Task.sleep(for: .milliseconds(25)) } catch { return }
        }
        logger.warning("cannot remove the control group of container \(container)")
    }

    package func remove(orphan: ContainerID, agent: AgentID) async {
        let prefix = paths.metaAgent(agent) + "/"
        for (pid, arguments) in ProcessTree.processes(withArgumentPrefix: prefix)
        where Self.container(in: arguments, below: prefix) == orphan {
            logger.warning("ending process \(pid) and what it started: it belongs to no task of this agent")
            for child in ProcessTree().descendants(of: pid) { Glibc.kill(child, SIGKILL) }
        }
        isolation?.kill(orphan)
        isolation?.remove(orphan)
    }
}
