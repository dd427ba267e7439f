// From a task's description to a container: the rules of `docker run` as Apache Mesos applies them.

import MesosProtocol
import Resources

/// What the mapping depends on besides the task.
package struct DockerMappingSettings: Sendable {
    /// Where the sandbox appears inside every container.
    package var sandboxDirectory = "/mnt/mesos/sandbox"
    /// Whether cpus are a cap as well as a share.
    package var enforcesCPUQuota = false
    /// Where images come from that name no registry; nil: Docker's own.
    package var registry: String?
    /// Names of the parameters that tasks may use; nil: all that are understood.
    package var allowedParameters: Set<String>?
    /// Name servers of containers that name none.
    package var dns = ContainerDNS()
    /// Of this host; decides how likely the kernel ends a container that holds more than it asked for.
    package var hostMemoryBytes: Int64?
    package var engine = DockerEngineInfo(version: DockerEngine.versions.lowerBound, isPodman: false)

    package init() {}
}

/// The Engine's create call for one task: a pure function of the task.
package struct DockerMapping: Sendable {
    /// Marks every container with the agent's work directory, so that a cluster can be cleaned off a host.
    static let workDirectoryLabel = "org.mini-mesos.work_dir"
    static let agentLabel = "org.mini-mesos.agent_id"
    static let containerLabel = "org.mini-mesos.container_id"

    package let name: String
    var options: DockerOptions
    let launch: Launch
    let settings: DockerMappingSettings
    let resources: Resources

    /// The image as the engine knows it.
    var image: String { options.image }

    /// The body of `POST /containers/create`.
    package var body: [UInt8] { options.json.text }

    /// Networks to connect the container to between its creation and its start, besides the one it is created in.
    package var furtherNetworks: [String] { options.furtherNetworks }

    /// - Throws: ``DockerOptionsError`` when the task asks for something that cannot be had.
    package init(
        _ launch: Launch, workDirectory: String, settings: DockerMappingSettings
    ) throws(DockerOptionsError) {
        self.launch = launch
        self.settings = settings
        name = Self.name(agent: launch.agent, container: launch.record.container)
        do { resources = try Resources(launch.record.info.resources) } catch {
            throw DockerOptionsError("invalid resources: \(error)")
        }
        options = DockerOptions(
            image: ImageReference.name(Self.image(of: launch.record.info), from: settings.registry),
            engine: settings.engine)
        try addCommand()
        addEnvironment()
        addLabels(workDirectory)
        try addNetwork()
        try addLimits()
        let container = launch.record.info.container
        addTerminal()
        options.isPrivileged = container.docker.privileged
        if container.docker.hasVolumeDriver { options.volumeDriver = container.docker.volumeDriver }
        if container.hasHostname { options.hostname = container.hostname }
        for parameter in container.docker.parameters {
            if let allowed = settings.allowedParameters, !allowed.contains(parameter.key) {
                throw DockerOptionsError("Parameter '\(parameter.key)' is not allowed by this agent")
            }
            try options.apply(parameter)
        }
        if container.hasHostname, options.networkMode == "host" {
            throw DockerOptionsError("Unable to set hostname with host network mode")
        }
        try addVolumes()
        try addPorts()
        addNameServers()
    }

    /// The container's name on this host, which `docker ps` habits know from Apache Mesos.
    package static func name(agent: AgentID, container: ContainerID) -> String {
        if agent.value.utf8.allSatisfy(isNameByte) { return "mesos-\(agent.value).\(container)" }
        let plain = agent.value.map { $0.utf8.count == 1 && $0.utf8.allSatisfy(isNameByte) ? $0 : "_" }
        return "mesos-" + String(plain) + ".\(container)"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    package static func image(of info: V1TaskInfo) -> String {
        info.container.type == .docker ? info.container.docker.image : info.container.mesos.image.docker.name
    }

    // MARK: Command and environment

    private mutating func addCommand() throws(DockerOptionsError) {
        let command = launch.command
        if command.shell {
            guard command.hasValue else { throw DockerOptionsError("Shell specified but no command value provided") }
            options.entrypoint = ["/bin/sh"]
            options.command = ["-c", command.value]
        } else {
            options.command = (command.hasValue ? [command.value] : []) + command.arguments
        }
    }

    private mutating func addEnvironment() {
        for variable in launch.executorVariables { options.environment.set(variable.name, variable.value) }
        options.environment.add(launch.command)
        options.environment.set("MESOS_SANDBOX", settings.sandboxDirectory)
        options.environment.set("MESOS_CONTAINER_NAME", name)
        if launch.executorVariables.isEmpty {
            options.environment.set("MESOS_TASK_ID", launch.record.key.task.value)
        }
        if let role = launch.allocationRole { options.environment.set("MESOS_ALLOCATION_ROLE", role) }
    }

    private mutating func addLabels(_ workDirectory: String) {
        options.labels = [
            (Self.agentLabel, launch.agent.value),
            (Self.containerLabel, launch.record.container.value),
            ("org.mini-mesos.framework_id", launch.record.key.framework.value),
            ("org.mini-mesos.task_id", launch.record.key.task.value),
            (Self.workDirectoryLabel, workDirectory),
        ]
    }

    // MARK: Network

    private mutating func addNetwork() throws(DockerOptionsError) {
        let container = launch.record.info.container
        if let group = launch.record.group, launch.record.groupNetwork != nil {
            options.networkMode = "container:\(Self.name(agent: launch.agent, container: group.executorRun))"
            return
        }
        switch container.type == .docker ? container.docker.network : .host {
        case .host: options.networkMode = "host"
        case .bridge: options.networkMode = "bridge"
        case .none: options.networkMode = "none"
        case .user:
            guard let network = container.networkInfos.first else {
                throw DockerOptionsError("No network info found in container info")
            }
            guard container.networkInfos.count == 1 else {
                throw DockerOptionsError("Only a single network can be defined in Docker run")
            }
            guard network.hasName, !network.name.isEmpty else {
                throw DockerOptionsError("No network name found in network info")
            }
            options.networkMode = network.name
        }
    }

    private mutating func addPorts() throws(DockerOptionsError) {
        let mappings = launch.record.info.container.docker.portMappings
        if mappings.isEmpty { return }
        guard options.hasOwnNetwork else {
            throw DockerOptionsError("Port mappings are only supported for bridge and user-defined networks")
        }
        guard !resources.ports.isEmpty else { throw DockerOptionsError("Port mappings require port resources") }
        for mapping in mappings {
            let port = UInt64(mapping.hostPort)
            guard resources.ports.contains(Ranges([port...port])) else {
                throw DockerOptionsError("Port [\(port)] not included in resources")
            }
            let transport = mapping.hasProtocol ? mapping.protocol.lowercased() : "tcp"
            options.portBindings.append(
                DockerOptions.PortBinding(
                    containerPort: "\(mapping.containerPort)/\(transport)", hostPort: String(mapping.hostPort)))
        }
    }

    /// Any name server that the task names, also a search domain alone, takes the place of the agent's.
    private mutating func addNameServers() {
        guard options.hasOwnNetwork else { return }
        guard !options.hostConfig.contains(where: { $0.name.hasPrefix("Dns") }),
            let servers = settings.dns.servers(forNetwork: options.networkMode)
        else { return }
        for (name, values) in [
            ("Dns", servers.nameservers), ("DnsSearch", servers.search), ("DnsOptions", servers.options),
        ] where !values.isEmpty { options.hostConfig.append((name, .strings(values))) }
    }
}
