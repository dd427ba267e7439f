// Which processes make up a cluster, with their ports and command lines; decided before anything is started.

/// One process of a cluster: how it is started, and started again.
public struct ProcessPlan: Hashable, Sendable {
    /// `master-1`, `agent-2`, ...: also the name of its folder and of its log.
    public var name: String
    public var arguments: [String]
    /// Where it listens: `http://127.0.0.1:5050`.
    public var url: String
}

/// All processes of a cluster.
struct ClusterPlan: Equatable, Sendable {
    /// The addresses that all processes of a cluster on one host listen on and advertise.
    static let address = "127.0.0.1"

    var masters: [ProcessPlan]
    var agents: [ProcessPlan]

    /// - Parameters:
    ///   - ports: One for each master, then one for each agent.
    ///   - zooKeeperURL: `zk://...`, or `nil` for a master on its own.
    ///   - containerizers: As the agent's flag: `docker,process` or `process`.
    ///   - host: CPUs and memory of this host, shared out among the agents.
    init(
        options: ClusterOptions, directory: String, ports: [Int], zooKeeperURL: String?, containerizers: String,
        host: HostCapacity
    ) {
        precondition(ports.count == options.masters + options.agents, "\(ports.count) ports for \(options)")
        let session = "--zk_session_timeout=\(options.sessionTimeout.milliseconds)ms"
        masters = (1...options.masters).map { index in
            let port = ports[index - 1]
            let name = "master-\(index)"
            var arguments = [
                "master", "--etc_dir=", "--ip=\(Self.address)", "--port=\(port)", "--hostname=\(Self.address)",
                "--work_dir=\(directory)/\(name)", "--cluster=dev",
            ]
            if let zooKeeperURL {
                arguments += ["--zk=\(zooKeeperURL)", "--quorum=\(options.masters / 2 + 1)", session]
            }
            return ProcessPlan(name: name, arguments: arguments, url: "http://\(Self.address):\(port)")
        }
        let location = zooKeeperURL ?? "\(Self.address):\(ports[0])"
        agents = (0..<options.agents).map { offset in
            let port = ports[options.masters + offset]
            let name = "agent-\(offset + 1)"
            return ProcessPlan(
                name: name,
                arguments: [
                    "agent", "--etc_dir=", "--master=\(location)", "--ip=\(Self.address)", "--port=\(port)",
                    "--hostname=\(Self.address)", "--work_dir=\(directory)/\(name)",
                    "--containerizers=\(containerizers)", "--docker_socket=\(options.dockerSocket)",
                    "--resources=\(host.agentResources(offset: offset, of: options.agents))",
                    "--attributes=name:\(name)", session, "--registration_backoff_factor=100ms",
                    "--docker_remove_delay=10secs",
                ],
                url: "http://\(Self.address):\(port)")
        }
    }
}

/// What this host has to share out.
struct HostCapacity: Equatable, Sendable {
    var cpus: Int
    var memoryMiB: Int

    /// The resources of one of several agents on this host, in Mesos's text form.
    ///
    /// Every agent offers all CPUs, which the kernel shares well enough on a developer's machine; memory and ports do
    /// not stretch, so each agent gets its part.
    func agentResources(offset: Int, of count: Int) -> String {
        let memory = max(256, (memoryMiB - min(1024, memoryMiB / 2)) / max(1, count))
        let portsEach = 1000 / max(1, count)
        let firstPort = 31_000 + offset * portsEach
        return "cpus:\(cpus);mem:\(memory);disk:4096;ports:[\(firstPort)-\(firstPort + portsEach - 1)]"
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
