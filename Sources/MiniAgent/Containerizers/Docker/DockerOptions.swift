// What a container is to be made of, collected from all fields of a task and printed as the Engine's create call.

import MesosProtocol

/// Why a task cannot be mapped to a container. The texts are those of Apache Mesos where it has one.
package struct DockerOptionsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}

/// The body of `POST /containers/create`.
struct DockerOptions: Sendable {
    struct Mount: Hashable, Sendable {
        /// A directory of the host, or the name of a volume.
        var source: String
        var target: String
        var isNamedVolume = false
        var isReadOnly = false
        var propagation: String?

        /// As `docker run -v` takes it.
        var bind: String {
            "\(source):\(target):\(isReadOnly ? "ro" : "rw")" + (propagation.map { ",\($0)" } ?? "")
        }

        func json(volumeDriver: String?) -> JSONValue {
            .members([
                ("Type", .string(isNamedVolume ? "volume" : "bind")), ("Source", .string(source)),
                ("Target", .string(target)), ("ReadOnly", isReadOnly ? .bool(true) : nil),
                ("BindOptions", propagation.map { .members([("Propagation", .string($0))]) }),
                (
                    "VolumeOptions",
                    !isNamedVolume
                        ? nil
                        : volumeDriver.map { .members([("DriverConfig", .members([("Name", .string($0))]))]) }
                ),
            ])
        }
    }

    struct PortBinding: Hashable, Sendable {
        /// `8080/tcp`.
        var containerPort: String
        /// Empty: any that is free.
        var hostPort: String
        var hostIP: String?
    }

    let image: String
    let engine: DockerEngineInfo
    var hostname: String?
    var domainName: String?
    var macAddress: String?
    var user: String?
    var workingDirectory: String?
    var entrypoint: [String]?
    var command: [String] = []
    var environment = TaskEnvironment()
    var labels: [(name: String, value: String)] = []
    var stopSignal: String?
    var stopTimeoutSeconds: Int64?
    var hasTerminal = false
    var keepsInputOpen = false
    var networkMode = "host"
    /// Whether a parameter has chosen the network.
    var isNetworkGiven = false
    var furtherNetworks: [String] = []
    var networkAliases: [String] = []
    var links: [String] = []
    var ipv4: String?
    var ipv6: String?
    var portBindings: [PortBinding] = []
    var exposedPorts: [String] = []
    var binds: [String] = []
    var mounts: [Mount] = []
    var volumeDriver: String?
    var isPrivileged = false
    var cpuShares: Int64?
    var cpuPeriodMicroseconds: Int64?
    var cpuQuotaMicroseconds: Int64?
    var memoryBytes: Int64?
    var memoryReservationBytes: Int64?
    var memorySwapBytes: Int64?
    /// `local` keeps output as it is: `json-file` replaces bytes that are not UTF-8. Podman has its own.
    var logDriver: String?
    /// As good as no bound. Without the option the engine's own defaults would count, and what they rotate away could not
    /// be copied to the sandbox any more. (A max-size of -1, as its documentation has it, is refused by the engine.)
    var logOptions: [(name: String, value: String)] = []
    /// Further members of HostConfig, from parameters.
    var hostConfig: [(name: String, value: JSONValue)] = []

    init(image: String, engine: DockerEngineInfo) {
        self.image = image
        self.engine = engine
        if !engine.isPodman {
            logDriver = "local"
            logOptions = [("max-size", "1000p")]
        }
    }

    /// Neither the host's nor none, nor another container's.
    var hasOwnNetwork: Bool {
        networkMode != "host" && networkMode != "none" && !networkMode.hasPrefix("container:")
    }

    /// Adds to a list among the further members of HostConfig.
    mutating func append(_ value: JSONValue, to name: String) {
        if let index = hostConfig.firstIndex(where: { $0.name == name }),
            case .array(let list) = hostConfig[index].value
        {
            hostConfig[index].value = .array(list + [value])
        } else {
            hostConfig.append((name, .array([value])))
        }
    }

    mutating func set(_ name: String, _ value: JSONValue) {
        hostConfig.removeAll { $0.name == name }
        hostConfig.append((name, value))
    }

    /// Adds a member to an object among the further members of HostConfig; the last of a name counts.
    mutating func put(_ key: String, _ value: String, in name: String) {
        var members = hostConfig.first { $0.name == name }?.value.objectValue ?? []
        members.removeAll { $0.key == key }
        set(name, .object(members + [JSONMember(key: key, value: .string(value))]))
    }

    /// - Parameter count: -1 for all.
    static func deviceRequest(count: Int64) -> JSONValue {
        .members([("Count", .integer(count)), ("Capabilities", .array([.strings(["gpu"])]))])
    }

    static func ulimit(name: String, soft: Int64, hard: Int64) -> JSONValue {
        .members([("Name", .string(name)), ("Soft", .integer(soft)), ("Hard", .integer(hard))])
    }

    var json: JSONValue {
        let ports = portBindings.map(\.containerPort) + exposedPorts
        // From this version on the address belongs to the network.
        let ownsMAC = engine.version >= DockerAPIVersion(major: 1, minor: 44)
        return .members([
            ("Image", .string(image)),
            ("Hostname", hostname.map { .string($0) }),
            ("Domainname", domainName.map { .string($0) }),
            ("MacAddress", ownsMAC ? nil : macAddress.map { .string($0) }),
            ("User", user.map { .string($0) }),
            ("WorkingDir", workingDirectory.map { .string($0) }),
            ("Tty", hasTerminal ? .bool(true) : nil),
            ("OpenStdin", keepsInputOpen ? .bool(true) : nil),
            ("Entrypoint", entrypoint.map { .strings($0) }),
            ("Cmd", command.isEmpty ? nil : .strings(command)),
            ("Env", .strings(environment.entries)),
            ("Labels", .members(labels.map { ($0.name, .string($0.value)) })),
            ("StopSignal", stopSignal.map { .string($0) }),
            ("StopTimeout", stopTimeoutSeconds.map { .integer($0) }),
            ("ExposedPorts", ports.isEmpty ? nil : .members(unique(ports).map { ($0, .object([])) })),
            ("HostConfig", .members(hostConfigMembers)),
            ("NetworkingConfig", networkingConfig(macAddress: ownsMAC ? macAddress : nil)),
        ])
    }

    private func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }

    private var hostConfigMembers: [(String, JSONValue?)] {
        let ports = unique(portBindings.map(\.containerPort)).map { port in
            let bindings = portBindings.filter { $0.containerPort == port }.map { binding in
                JSONValue.members([
                    ("HostIp", binding.hostIP.map { .string($0) }), ("HostPort", .string(binding.hostPort)),
                ])
            }
            return (port, JSONValue.array(bindings) as JSONValue?)
        }
        return [
            ("NetworkMode", .string(networkMode)),
            ("PortBindings", ports.isEmpty ? nil : .members(ports)),
            ("Links", links.isEmpty ? nil : .strings(links)),
            ("Binds", binds.isEmpty ? nil : .strings(binds)),
            ("Mounts", mounts.isEmpty ? nil : .array(mounts.map { $0.json(volumeDriver: volumeDriver) })),
            ("VolumeDriver", volumeDriver.map { .string($0) }),
            ("Privileged", isPrivileged ? .bool(true) : nil),
            ("CpuShares", cpuShares.map { .integer($0) }),
            ("CpuPeriod", (cpuPeriodMicroseconds ?? cpuQuotaMicroseconds.map { _ in 100_000 }).map { .integer($0) }),
            ("CpuQuota", cpuQuotaMicroseconds.map { .integer($0) }),
            ("Memory", memoryBytes.map { .integer($0) }),
            ("MemoryReservation", memoryReservationBytes.map { .integer($0) }),
            ("MemorySwap", memorySwapBytes.map { .integer($0) }),
            ("LogConfig", logConfig),
        ] + hostConfig.map { ($0.name, $0.value) }
    }

    private var logConfig: JSONValue? {
        if logDriver == nil && logOptions.isEmpty { return nil }
        return .members([
            ("Type", .string(logDriver ?? "")),
            ("Config", .members(logOptions.map { ($0.name, .string($0.value)) })),
        ])
    }

    private func networkingConfig(macAddress: String?) -> JSONValue? {
        let addresses: [(String, JSONValue?)] = [
            ("IPv4Address", ipv4.map { .string($0) }), ("IPv6Address", ipv6.map { .string($0) }),
        ]
        let hasAddress = ipv4 != nil || ipv6 != nil
        if networkAliases.isEmpty && !hasAddress && macAddress == nil { return nil }
        let endpoint = JSONValue.members([
            ("Aliases", networkAliases.isEmpty ? nil : .strings(networkAliases)),
            ("IPAMConfig", hasAddress ? .members(addresses) : nil),
            ("MacAddress", macAddress.map { .string($0) }),
        ])
        return .members([("EndpointsConfig", .members([(networkMode, endpoint)]))])
    }
}
