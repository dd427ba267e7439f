// What to start: the size and shape of a cluster on this host.

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

    public var masters: Int
    public var agents: Int
    public var containerizer: Containerizer
    /// Masters listen on this port and the following ones, agents after them; 0 picks free ports.
    public var basePort: Int
    /// The folder for everything the cluster writes; `nil` makes one under the temporary directory.
    public var workDirectory: String?
    public var zooKeeper: ZooKeeperChoice
    /// The `mini` executable that the processes run.
    public var executable: String
    public var dockerSocket: String
    /// The masters' and agents' ZooKeeper session timeout: how long a killed leader is missed. At least 1 s.
    public var sessionTimeout: Duration
    /// How long the whole cluster may take to become ready.
    public var startDeadline: Duration

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

    /// - Throws: ``ClusterError/invalid(_:)`` naming the first option that cannot be.
    func validate() throws(ClusterError) {
        guard (1...9).contains(masters) else { throw .invalid("--masters must be 1 to 9, not \(masters)") }
        guard (0...100).contains(agents) else { throw .invalid("--agents must be 0 to 100, not \(agents)") }
        guard (0...65_000).contains(basePort) else { throw .invalid("--base_port must be 0 to 65000, not \(basePort)") }
        guard masters == 1 || zooKeeper != .none else {
            throw .invalid(
                "--zk=none allows one master only, not \(masters): without ZooKeeper nothing elects a leader")
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
