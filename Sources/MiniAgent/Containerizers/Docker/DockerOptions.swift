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
        var source: String
        var target: String
    }

    struct PortBinding: Hashable, Sendable {
        /// `8080/tcp`.
        var containerPort: String
        var hostPort: UInt32
    }

    var image: String
    var hostname: String?
    var user: String?
    var workingDirectory: String?
    var entrypoint: [String]?
    var command: [String] = []
    var environment = TaskEnvironment()
    var labels: [(name: String, value: String)] = []
    var stopSignal: String?
    var networkMode = "host"
    var networkAliases: [String] = []
    var portBindings: [PortBinding] = []
    var binds: [String] = []
    var mounts: [Mount] = []
    var volumeDriver: String?
    var isPrivileged = false
    var cpuShares: Int64?
    var cpuQuotaMicroseconds: Int64?
    var memoryBytes: Int64?
    var memoryReservationBytes: Int64?
    var memorySwapBytes: Int64?
    var logDriver = "json-file"
    /// As good as no bound. Without the option the engine's own defaults would count, and what they rotate away could not
    /// be copied to the sandbox any more. (A max-size of -1, as its documentation has it, is refused by the engine.)
    var logOptions: [(name: String, value: String)] = [("max-size", "1000p")]
    /// Further members of HostConfig, from parameters.
    var hostConfig: [(name: String, value: JSONValue)] = []

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

    var json: JSONValue {
        let hasPorts = !portBindings.isEmpty
        return .members([
            ("Image", .string(image)),
            ("Hostname", hostname.map { .string($0) }),
            ("User", user.map { .string($0) }),
            ("WorkingDir", workingDirectory.map { .string($0) }),
            ("Entrypoint", entrypoint.map { .strings($0) }),
            ("Cmd", command.isEmpty ? nil : .strings(command)),
            ("Env", .strings(environment.entries)),
            ("Labels", .members(labels.map { ($0.name, .string($0.value)) })),
            ("StopSignal", stopSignal.map { .string($0) }),
            ("ExposedPorts", hasPorts ? .members(portBindings.map { ($0.containerPort, .object([])) }) : nil),
            ("HostConfig", .members(hostConfigMembers)),
            ("NetworkingConfig", networkingConfig),
        ])
    }

    private var hostConfigMembers: [(String, JSONValue?)] {
        let ports = portBindings.map { binding in
            (
                binding.containerPort,
                JSONValue.array([.members([("HostPort", .string(String(binding.hostPort)))])]) as JSONValue?
            )
        }
        let mounts = mounts.map { mount in
            JSONValue.members([
                ("Type", .string("bind")), ("Source", .string(mount.source)), ("Target", .string(mount.target)),
            ])
        }
        return [
            ("NetworkMode", .string(networkMode)),
            ("PortBindings", ports.isEmpty ? nil : .members(ports)),
            ("Binds", binds.isEmpty ? nil : .strings(binds)),
            ("Mounts", mounts.isEmpty ? nil : .array(mounts)),
            ("VolumeDriver", volumeDriver.map { .string($0) }),
            ("Privileged", isPrivileged ? .bool(true) : nil),
            ("CpuShares", cpuShares.map { .integer($0) }),
            ("CpuPeriod", cpuQuotaMicroseconds.map { _ in .integer(100_000) }),
            ("CpuQuota", cpuQuotaMicroseconds.map { .integer($0) }),
            ("Memory", memoryBytes.map { .integer($0) }),
            ("MemoryReservation", memoryReservationBytes.map { .integer($0) }),
            ("MemorySwap", memorySwapBytes.map { .integer($0) }),
            (
                "LogConfig",
                .members([
                    ("Type", .string(logDriver)),
                    ("Config", .members(logOptions.map { ($0.name, .string($0.value)) })),
                ])
            ),
        ] + hostConfig.map { ($0.name, $0.value) }
    }

    private var networkingConfig: JSONValue? {
        if networkAliases.isEmpty { return nil }
        let endpoint = JSONValue.members([("Aliases", .strings(networkAliases))])
        return .members([("EndpointsConfig", .members([(networkMode, endpoint)]))])
    }
}
