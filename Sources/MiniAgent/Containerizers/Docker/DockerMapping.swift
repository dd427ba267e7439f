// From a task's description to a container: the rules of `docker run` as Apache Mesos applies them.

import MesosProtocol
import Resources

/// What the mapping depends on besides the task.
package struct DockerMappingSettings: Hashable, Sendable {
    /// Where the sandbox appears inside every container.
    package var sandboxDirectory = "/mnt/mesos/sandbox"
    /// Whether cpus are a cap as well as a share.
    package var enforcesCPUQuota = false

    package init() {}
}

/// The Engine's create call for one task: a pure function of the task.
package struct DockerMapping: Sendable {
    /// Marks every container with the agent's work directory, so that a cluster can be cleaned off a host.
    static let workDirectoryLabel = "org.mini-mesos.work_dir"
    static let agentLabel = "org.mini-mesos.agent_id"
    static let containerLabel = "org.mini-mesos.container_id"

    /// Memory added to what the task asked for. Apache Mesos grants it for the executor that it runs beside every
    /// container; images tuned there count on it.
    static let memoryHeadroom = Scalar(milli: 32_000)
    static let memoryMin = Scalar(milli: 32_000)

    package let name: String
    private var options: DockerOptions
    private let launch: Launch
    private let settings: DockerMappingSettings
    private let resources: Resources

    /// The body of `POST /containers/create`.
    package var body: [UInt8] { options.json.text }

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
        options = DockerOptions(image: Self.image(of: launch.record.info))
        try addCommand()
        addEnvironment()
        addLabels(workDirectory)
        try addNetwork()
        addLimits()
        let container = launch.record.info.container
        if container.hasHostname {
            if options.networkMode == "host" {
                throw DockerOptionsError("Unable to set hostname with host network mode")
            }
            options.hostname = container.hostname
        }
        options.isPrivileged = container.docker.privileged
        for parameter in container.docker.parameters {
            try options.apply(parameter)
        }
        try addVolumes()
        try addPorts()
    }

    /// The container's name on this host, which `docker ps` habits know from Apache Mesos.
    package static func name(agent: AgentID, container: ContainerID) -> String {
        "mesos-" + String(agent.value.map { isNameCharacter($0) ? $0 : "_" }) + ".\(container)"
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "_.-".contains(character))
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
        guard options.networkMode != "host", options.networkMode != "none" else {
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
                    containerPort: "\(mapping.containerPort)/\(transport)", hostPort: mapping.hostPort))
        }
    }

    // MARK: Limits

    private mutating func addLimits() {
        let limits = launch.record.info.limits
        let cpus = resources["cpus"]
        if !cpus.isZero { options.cpuShares = max(1024 * cpus.milli / 1000, 2) }
        if let limit = limits["cpus"]?.value {
            if limit.isFinite { options.cpuQuotaMicroseconds = Self.quota(milliCPUs: Scalar(limit)?.milli ?? 0) }
        } else if settings.enforcesCPUQuota, !cpus.isZero {
            options.cpuQuotaMicroseconds = Self.quota(milliCPUs: cpus.milli)
        }
        let memory = resources["mem"]
        let request = Self.bytes(max(memory + Self.memoryHeadroom, Self.memoryMin))
        if let limit = limits["mem"]?.value {
            if limit.isFinite, let scalar = Scalar(limit) {
                options.memoryBytes = Self.bytes(scalar + Self.memoryHeadroom)
            }
            options.memoryReservationBytes = request
        } else if !memory.isZero {
            options.memoryBytes = request
        }
        // No swap on top of the limit: a task over its memory ends instead of crawling.
        options.memorySwapBytes = options.memoryBytes
    }

    private static func quota(milliCPUs: Int64) -> Int64 { max(100 * milliCPUs, 1000) }

    /// Mesos counts memory in MB of 2^20 bytes.
    private static func bytes(_ memory: Scalar) -> Int64 {
        let (product, overflow) = memory.milli.multipliedReportingOverflow(by: 1 << 20)
        return overflow ? .max : product / 1000
    }

    // MARK: Volumes

    private mutating func addVolumes() throws(DockerOptionsError) {
        for volume in launch.record.info.container.volumes { try add(volume) }
        options.mounts.append(DockerOptions.Mount(source: launch.run.sandbox, target: settings.sandboxDirectory))
        for volume in launch.volumes {
            let target =
                volume.containerPath.hasPrefix("/")
                ? volume.containerPath : "\(settings.sandboxDirectory)/\(volume.containerPath)"
            options.mounts.append(DockerOptions.Mount(source: volume.source, target: target))
        }
    }

    private mutating func add(_ volume: V1Volume) throws(DockerOptionsError) {
        let target =
            volume.containerPath.hasPrefix("/")
            ? volume.containerPath : "\(settings.sandboxDirectory)/\(volume.containerPath)"
        var mode = volume.mode == .ro ? "ro" : "rw"
        let source: String
        if volume.hasHostPath {
            if options.volumeDriver != nil {
                source = volume.hostPath
            } else {
                guard volume.hostPath.hasPrefix("/") || volume.containerPath.hasPrefix("/") else {
                    throw DockerOptionsError(
                        "Both host_path '\(volume.hostPath)' and container_path '\(volume.containerPath)' of a volume "
                            + "are relative")
                }
                source = try hostPath(volume.hostPath)
            }
        } else if volume.hasSource {
            switch volume.source.type {
            case .dockerVolume:
                let docker = volume.source.dockerVolume
                if docker.hasDriver {
                    if let other = options.volumeDriver, other != docker.driver {
                        throw DockerOptionsError("Only one volume driver is supported")
                    }
                    options.volumeDriver = docker.driver
                }
                source = docker.name
            case .hostPath:
                source = try hostPath(volume.source.hostPath.path)
                switch volume.source.hostPath.mountPropagation.mode {
                case .hostToContainer: mode += ",rslave"
                case .bidirectional: mode += ",rshared"
                case .unknown: break
                }
            case .sandboxPath:
                do throws(SharedDirectory.Fault) {
                    source = try SharedDirectory.path(of: volume, in: launch.run) ?? ""
                } catch { throw DockerOptionsError("\(error)") }
            case .secret, .csiVolume, .unknown:
                throw DockerOptionsError("Volume source type \(volume.source.type) is not supported")
            }
        } else {
            throw DockerOptionsError("Host path or volume source is required")
        }
        guard !source.contains(":"), !target.contains(":") else {
            throw DockerOptionsError("Volume path '\(source)' or '\(target)' contains a colon")
        }
        options.binds.append("\(source):\(target):\(mode)")
    }

    /// A relative path lies in the sandbox, and cannot leave it.
    private func hostPath(_ path: String) throws(DockerOptionsError) -> String {
        if path.hasPrefix("/") { return path }
        guard !path.isEmpty, !path.split(separator: "/").contains("..") else {
            throw DockerOptionsError("Volume path '\(path)' leads out of the sandbox")
        }
        return "\(launch.run.sandbox)/\(path)"
    }
}
