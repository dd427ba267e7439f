// Which processes make up a cluster, with their ports and command lines; decided before anything is started.

/// One process of a cluster: how it is started, and started again.
public struct ProcessPlan: Hashable, Sendable {
    /// `master-1`, `agent-2`, ...: also the name of its folder and of its log.
    public var name: String
    public var arguments: [String]
    /// Where it listens: `http://127.0.0.1:5050`.
    public var url: String
    /// The network namespace it is started in; `nil`: this program's.
    public var namespace: String?
}

/// All processes of a cluster.
struct ClusterPlan: Equatable, Sendable {
    /// What all processes listen on and advertise, unless each is in a network namespace of its own.
    static let loopback = "127.0.0.1"

    var masters: [ProcessPlan]
    var agents: [ProcessPlan]

    /// - Parameters:
    ///   - ports: One for each master, then one for each agent.
    ///   - zooKeeperURL: `zk://...`, or `nil` for a master on its own.
    ///   - containerizers: As the agent's flag: `docker,process` or `process`.
    ///   - host: CPUs and memory of this host, shared out among the agents.
    ///   - network: Where each process is; `nil`: all on the loopback address.
    init(
        options: ClusterOptions, directory: String, ports: [Int], zooKeeperURL: String?, containerizers: String,
        host: HostCapacity, network: NetworkPlan? = nil
    ) {
        precondition(ports.count == options.masters + options.agents, "\(ports.count) ports for \(options)")
        let session = "--zk_session_timeout=\(options.sessionTimeout.milliseconds)ms"
        masters = (1...options.masters).map { index in
            let port = ports[index - 1]
            let name = Self.masterName(index)
            let address = network?.address(of: name) ?? Self.loopback
            var arguments = [
                "master", "--etc_dir=", "--ip=\(address)", "--port=\(port)", "--hostname=\(address)",
                "--work_dir=\(directory)/\(name)", "--cluster=dev",
            ]
            if let zooKeeperURL {
                arguments += ["--zk=\(zooKeeperURL)", "--quorum=\(options.masters / 2 + 1)", session]
            }
            return ProcessPlan(
                name: name, arguments: arguments + options.masterFlags, url: "http://\(address):\(port)",
                namespace: network?.namespace(of: name))
        }
        let location = zooKeeperURL ?? String(masters[0].url.dropFirst("http://".count))
        agents = (0..<options.agents).map { offset in
            let port = ports[options.masters + offset]
            let name = Self.agentName(offset + 1)
            let address = network?.address(of: name) ?? Self.loopback
            return ProcessPlan(
                name: name,
                arguments: [
                    "agent", "--etc_dir=", "--master=\(location)", "--ip=\(address)", "--port=\(port)",
                    "--hostname=\(address)", "--work_dir=\(directory)/\(name)",
                    "--containerizers=\(containerizers)", "--docker_socket=\(options.dockerSocket)",
                    "--resources=\(host.agentResources(offset: offset, of: options.agents))",
                    "--attributes=name:\(name)", session, "--registration_backoff_factor=100ms",
                    "--docker_remove_delay=10secs",
                    // Nothing of a cluster stays outside its folder.
                    "--runtime_dir=\(directory)/run", "--no-systemd_enable_support",
                ] + options.agentFlags,
                url: "http://\(address):\(port)", namespace: network?.namespace(of: name))
        }
    }

    static func masterName(_ number: Int) -> String { "master-\(number)" }
    static func agentName(_ number: Int) -> String { "agent-\(number)" }
    /// The names of all processes that the options ask for.
    static func names(_ options: ClusterOptions) -> [String] {
        (0..<options.masters).map { masterName($0 + 1) } + (0..<options.agents).map { agentName($0 + 1) }
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
