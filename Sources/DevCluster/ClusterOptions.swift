// What to start: the size and shape of a cluster on this host.

import Glibc

/// The size and shape of a cluster on this host.
public struct ClusterOptions: Sendable {
    /// How agents run their tasks.
    public enum Containerizer: String, Sendable, CaseIterable {
        /// Docker if the engine answers on the socket, else plain processes.
        case auto
        case docker
        case process
    }

    /// Where the masters elect their leader.
    public enum ZooKeeperChoice: Hashable, Sendable {
        /// None for one master; with more, an ensemble of three servers started with the cluster.
        case auto
        /// No ZooKeeper: one master that appoints itself.
        case none
        /// An ensemble that exists: `zk://host:port,.../path`.
        case external(String)
    }

    /// Which network the cluster's processes are in.
    public enum NetworkChoice: Hashable, Sendable {
        /// This host's, on 127.0.0.1.
        case loopback
        /// A network namespace for each master and agent, joined by a bridge in one more: links between them can be cut,
        /// see ``DevCluster/cut(_:_:)``. Needs root, and the commands `ip` and `nsenter`; tasks run as processes.
        case namespaces
    }

    /// How many masters, 1 to 9.
    public var masters: Int
    /// How many agents, 0 to 100.
    public var agents: Int
    public var containerizer: Containerizer
    /// Masters listen on this port and the following ones, agents after them; 0 picks free ports.
    public var basePort: Int
    /// The folder for everything the cluster writes; `nil` makes one under the temporary directory.
    public var workDirectory: String?
    public var zooKeeper: ZooKeeperChoice
    /// The `mini` executable that the processes run.
    public var executable: String
    /// The Docker Engine's socket.
    public var dockerSocket: String
    public var network = NetworkChoice.loopback
    /// Further flags of every master, such as `--agent_ping_timeout=1secs`.
    public var masterFlags: [String] = []
    /// Further flags of every agent, such as `--executor_registration_timeout=5secs`.
    public var agentFlags: [String] = []
    /// The masters' and agents' ZooKeeper session timeout: how long a killed leader is missed. At least 1 s.
    public var sessionTimeout: Duration
    /// How long the whole cluster may take to become ready.
    public var startDeadline: Duration

    /// Options for a cluster; what has no parameter here can be set afterwards.
    public init(
        masters: Int = 1, agents: Int = 2, containerizer: Containerizer = .auto, basePort: Int = 5050,
        workDirectory: String? = nil, zooKeeper: ZooKeeperChoice = .auto, executable: String,
        dockerSocket: String = "/var/run/docker.sock", sessionTimeout: Duration = .seconds(4),
        startDeadline: Duration = .seconds(60)
    ) {
        self.masters = masters
        self.agents = agents
        self.containerizer = containerizer
        self.basePort = basePort
        self.workDirectory = workDirectory
        self.zooKeeper = zooKeeper
        self.executable = executable
        self.dockerSocket = dockerSocket
        self.sessionTimeout = sessionTimeout
        self.startDeadline = startDeadline
    }

    /// The `mini` that was built together with the running program or tests.
    ///
    /// It lies beside them if their target depends on this package's product `mini` (and `mini-supervisor`, which runs
    /// process tasks).
    ///
    /// - Returns: `nil` if there is none.
    public static var executableOfThisBuild: String? {
        // Tests run inside a tool of the toolchain; it is told which bundle they are in, beside what was built with it.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let program = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for neighbour in [bundle, program].compactMap(\.self) {
            guard let slash = neighbour.lastIndex(of: "/") else { continue }
            let path = neighbour[...slash] + "mini"
            if access(String(path), X_OK) == 0 { return String(path) }
        }
        return nil
    }

    /// - Throws: ``ClusterError/invalid(_:)`` naming the first option that cannot be.
    func validate() throws(ClusterError) {
        guard (1...9).contains(masters) else { throw .invalid("--masters must be 1 to 9, not \(masters)") }
        guard (0...100).contains(agents) else { throw .invalid("--agents must be 0 to 100, not \(agents)") }
        guard (0...65_000).contains(basePort) else { throw .invalid("--base_port must be 0 to 65000, not \(basePort)") }
        guard masters == 1 || zooKeeper != .none else {
            throw .invalid(
                "--zk=none allows one master only, not \(masters): without ZooKeeper nothing elects a leader")
        }
        guard network == .loopback || containerizer != .docker else {
            throw .invalid("in namespaces tasks run as processes: containers would be in a network of their own")
        }
        if network == .namespaces, case .external(let url) = zooKeeper {
            throw .invalid("in namespaces nothing reaches \(url): let ZooKeeper be started with the cluster")
        }
    }
}

/// Why a cluster could not be started, or is not what was asked for.
public enum ClusterError: Error, CustomStringConvertible {
    /// An option that cannot be, in words.
    case invalid(String)
    /// A process ended before the cluster was ready; `log` is the end of what it wrote.
    case exited(process: String, status: String, log: String)
    /// Something was not ready in time.
    case notReady(String)
    /// The host refused something: a folder, a port, a process.
    case host(String)

    public var description: String {
        switch self {
        case .invalid(let reason), .notReady(let reason), .host(let reason): reason
        case .exited(let process, let status, let log): "\(process) ended at its start (\(status)): \(log)"
        }
    }
}
