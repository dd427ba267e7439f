// A whole cluster on this host: ZooKeeper, masters and agents as child processes, and their complete removal.

import Foundation
import Glibc
import HTTPClient
import Mailbox

/// A running cluster on this host.
///
/// Every master and agent is a process of its own, which may be killed, frozen, and started again with the same command
/// line. ``stop()`` takes everything away; should this process die without it, the janitor does the same.
///
/// ```swift
/// let mini = try #require(ClusterOptions.executableOfThisBuild)
/// let cluster = try await DevCluster.start(ClusterOptions(masters: 3, executable: mini))
/// let leader = try #require(await cluster.leader())
/// leader.kill()
/// try await cluster.wait(until: "another master leads") { await cluster.leader().map { $0 !== leader } ?? false }
/// try await leader.start()
/// await cluster.stop()
/// ```
public final class DevCluster: Sendable {
    /// Marks the cluster's processes; unique to this cluster.
    public let id: String
    /// Everything the cluster writes is below this folder, logs included.
    public let directory: String
    /// `zk://host:port,.../mesos`, or `nil` for a master on its own.
    public let zooKeeperURL: String?
    public let masters: [ClusterProcess]
    public let agents: [ClusterProcess]
    /// Whether agents run containers (`docker`) or plain processes (`process`).
    public let containerizer: ClusterOptions.Containerizer

    /// The ZooKeeper servers started with the cluster, if it was told to start some.
    public let ensemble: ZooKeeperEnsemble?
    /// `nil` if all processes are in this program's network.
    let network: NetworkPlan?
    private let launcher: ProcessLauncher
    private let janitor: Janitor

    private init(
        directory: String, zooKeeperURL: String?, plan: ClusterPlan,
        containerizer: ClusterOptions.Containerizer, ensemble: ZooKeeperEnsemble?, network: NetworkPlan?,
        launcher: ProcessLauncher, janitor: Janitor
    ) {
        id = launcher.clusterID
        self.directory = directory
        self.zooKeeperURL = zooKeeperURL
        self.containerizer = containerizer
        self.ensemble = ensemble
        self.network = network
        self.launcher = launcher
        self.janitor = janitor
        masters = plan.masters.map { ClusterProcess(plan: $0, launcher: launcher) }
        agents = plan.agents.map { ClusterProcess(plan: $0, launcher: launcher) }
    }

    /// Starts a cluster and waits until a master leads and every agent is registered with it.
    ///
    /// - Parameter report: Called with one line for each step, for a person to read.
    /// - Throws: ``ClusterError``. Nothing is left behind then.
    public static func start(
        _ options: ClusterOptions, report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(ClusterError) -> DevCluster {
        try options.validate()
        let ports = try choosePorts(options)
        let containerizer = try await choose(options)
        let directory = try makeDirectory(options)
        let launcher = ProcessLauncher(
            clusterID: ClusterID.random(), executable: options.executable, directory: directory)
        let janitor: Janitor
        do { janitor = try await .start(launcher: launcher, dockerSocket: options.dockerSocket) } catch {
            _ = DirectoryTree.remove(directory)
            throw error
        }
        do {
            let network = try await startNetwork(options, launcher: launcher)
            let (ensemble, zooKeeperURL) = try await startZooKeeper(
                options, address: network?.hostAddress, launcher: launcher, report: report)
            let cluster = DevCluster(
                directory: directory, zooKeeperURL: zooKeeperURL,
                plan: ClusterPlan(
                    options: options, directory: directory, ports: ports, zooKeeperURL: zooKeeperURL,
                    containerizers: containerizer == .docker ? "docker,process" : "process", host: .ofThisHost(),
                    network: network),
                containerizer: containerizer, ensemble: ensemble, network: network, launcher: launcher,
                janitor: janitor)
            for process in cluster.masters + cluster.agents { try await process.start() }
            report("starting \(options.masters) master(s) and \(options.agents) agent(s)")
            try await cluster.waitUntilReady(deadline: options.startDeadline)
            return cluster
        } catch {
            _ = await clearAway(janitor)
            throw error
        }
    }

    /// Starts one more process of the cluster, to be taken away with it.
    ///
    /// - Parameter arguments: Those of the `mini` executable.
    public func launch(name: String, arguments: [String]) async throws(ClusterError) -> LoggedProcess {
        try await launcher.launch(name: name, arguments: arguments)
    }

    /// Ends every process, removes every container and file of the cluster.
    ///
    /// - Returns: One line for each thing that could not be removed; empty when nothing is left.
    @discardableResult
    public func stop() async -> [String] { await Self.clearAway(janitor) }

    /// Removes the containers of all agents that work below the cluster's folder. A live agent takes that for their end.
    ///
    /// - Returns: One line for each that is still there.
    public func removeContainers() async -> [String] { await janitor.removeContainers() }

    /// In a task of its own: that we were told to stop must not hurry the wait for the janitor.
    private static func clearAway(_ janitor: Janitor) async -> [String] {
        await Task { await janitor.clearAway() }.value
    }

    /// The URL of the acting leader, or `nil` if none answers as one just now.
    public func leaderURL() async -> String? {
        for master in masters where await ClusterState.read(master.url) != nil { return master.url }
        return nil
    }

    /// The process of the acting leader, or `nil` if none answers as one just now.
    public func leader() async -> ClusterProcess? {
        for master in masters where await ClusterState.read(master.url) != nil { return master }
        return nil
    }

    /// Asks again and again until the answer is yes.
    ///
    /// - Parameters:
    ///   - what: The awaited condition in words, for the error.
    ///   - limit: It bounds a failing test and does not slow down a passing one.
    /// - Throws: ``ClusterError/notReady(_:)`` when the time is over or this task is cancelled; and what `condition` throws.
    public func wait(
        until what: String, within limit: Duration = .seconds(30), isolation: isolated (any Actor)? = #isolation,
        _ condition: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + limit
        while try await !condition() {
            guard !Task.isCancelled, ContinuousClock.now < end else {
                throw ClusterError.notReady("not within \(limit): \(what); logs: \(directory)")
            }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    /// Waits until a master leads and all agents are registered and active.
    ///
    /// - Throws: ``ClusterError/exited(process:status:log:)`` as soon as a process ends instead.
    public func waitUntilReady(deadline: Duration) async throws(ClusterError) {
        let end = ContinuousClock.now + deadline
        var seen = "no master leads"
        repeat {
            guard !Task.isCancelled else { throw .notReady("told to stop before the cluster was ready") }
            for process in masters + agents { try process.checkRuns() }
            for master in masters {
                guard let state = await ClusterState.read(master.url) else { continue }
                if state.activeAgents == agents.count { return }
                seen = "\(state.activeAgents) of \(agents.count) agents are registered with the leader \(master.url)"
            }
            try? await Task.sleep(for: .milliseconds(25))
        } while ContinuousClock.now < end
        throw .notReady(
            "the cluster was not ready within \(deadline.components.seconds) s: \(seen); logs: \(directory)")
    }
}

extension DevCluster {
    private static func choosePorts(_ options: ClusterOptions) throws(ClusterError) -> [Int] {
        let count = options.masters + options.agents
        guard options.basePort != 0 else { return try FreePorts.pick(count) }
        let ports = Array(options.basePort..<(options.basePort + count))
        for port in ports where !FreePorts.isFree(port) {
            throw .host("port \(port) is in use; choose another --base_port, or 0 for free ports")
        }
        return ports
    }

    private static func choose(_ options: ClusterOptions) async throws(ClusterError) -> ClusterOptions.Containerizer {
        guard options.containerizer != .process, options.network == .loopback else { return .process }
        let answers = await DockerCleaner(socketPath: options.dockerSocket).answers()
        if !answers, options.containerizer == .docker {
            throw .host("no Docker Engine answers on \(options.dockerSocket)")
        }
        return answers ? .docker : .process
    }

    private static func makeDirectory(_ options: ClusterOptions) throws(ClusterError) -> String {
        let parent = options.workDirectory ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        do { try DirectoryTree.create(parent) } catch { throw .invalid("--work_dir: \(error.description)") }
        guard let resolved = realpath(parent, nil) else { throw .invalid("--work_dir: \(parent): \(lastError())") }
        defer { free(resolved) }
        var template = Array("\(String(cString: resolved))/mini-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .invalid("--work_dir: cannot write to \(parent): \(lastError())")
        }
        chmod(template, 0o755)  // Containers and other users' tasks pass through it to their sandboxes.
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func startNetwork(
        _ options: ClusterOptions, launcher: ProcessLauncher
    ) async throws(ClusterError) -> NetworkPlan? {
        guard options.network == .namespaces else { return nil }
        let network = try NetworkPlan.choose(clusterID: launcher.clusterID, names: ClusterPlan.names(options))
        try await network.build(logPath: "\(launcher.directory)/network.log")
        return network
    }

    private static func startZooKeeper(
        _ options: ClusterOptions, address: String?, launcher: ProcessLauncher,
        report: @escaping @Sendable (String) -> Void
    ) async throws(ClusterError) -> (ensemble: ZooKeeperEnsemble?, url: String?) {
        switch options.zooKeeper {
        case .none: return (nil, nil)
        case .external(let url): return (nil, url)
        case .auto:
            guard options.masters > 1 else { return (nil, nil) }
            report("starting ZooKeeper (3 servers)")
            var configuration = ZooKeeperEnsemble.Configuration(directory: "\(launcher.directory)/zookeeper")
            configuration.readyWithin = options.startDeadline
            configuration.environment = launcher.environment
            if let address { configuration.address = address }
            do {
                let ensemble = try await ZooKeeperEnsemble.start(configuration)
                return (ensemble, ensemble.url(path: "/mesos"))
            } catch { throw .host(error.description) }
        }
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}
