// The options of `docker run` that a task may pass as parameters, translated to the Engine's create call.

import MesosProtocol

extension DockerOptions {
    /// Every parameter that is understood, for whoever wants to allow only some.
    static let parameters: Set<String> = Set(
        ("add-host annotation blkio-weight cap-add cap-drop cgroup-parent cgroupns cpu-period cpu-quota cpu-shares cpus "
            + "cpuset-cpus cpuset-mems detach device device-cgroup-rule dns dns-opt dns-option dns-search domainname "
            + "entrypoint env expose gpus group-add hostname init interactive ip ip6 ipc label link log-driver log-opt "
            + "mac-address memory memory-reservation memory-swap memory-swappiness net net-alias network network-alias "
            + "oom-kill-disable oom-score-adj pid pids-limit privileged publish publish-all read-only restart rm runtime "
            + "security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit user userns uts volume "
            + "volume-driver volumes-from workdir c d e h i l m p P t u v w a").split(separator: " ").map(String.init))

    /// Applies one parameter, named as on Docker's command line.
    ///
    /// - Throws: ``DockerOptionsError`` naming a parameter that is not understood, or a value that makes no sense.
    mutating func apply(_ parameter: V1Parameter) throws(DockerOptionsError) {
        let value = parameter.value
        switch parameter.key {
        case "env", "e":
            let (name, text) = Self.split(value)
            environment.set(name, text ?? "")
        case "label", "l":
            let (name, text) = Self.split(value)
            guard !name.hasPrefix("org.mini-mesos.") else {
                throw DockerOptionsError("Parameter 'label' may not set \(name)")
            }
            labels.append((name, text ?? ""))
        case "user", "u": user = value
        case "workdir", "w": workingDirectory = value
        case "entrypoint": entrypoint = value.isEmpty ? [] : [value]
        case "hostname", "h": hostname = value
        case "domainname": domainName = value
        case "mac-address": macAddress = value
        case "stop-signal": stopSignal = value
        case "stop-timeout": stopTimeoutSeconds = try Self.integer(parameter)
        case "tty", "t": hasTerminal = try Self.boolean(parameter)
        case "interactive", "i": keepsInputOpen = try Self.boolean(parameter)
        case "init": set("Init", .bool(try Self.boolean(parameter)))
        case "privileged": isPrivileged = try Self.boolean(parameter)
        case "log-driver":
            logDriver = value
            logOptions = []
        case "log-opt":
            let (name, text) = Self.split(value)
            logOptions.removeAll { $0.name == name }
            logOptions.append((name, text ?? ""))
        case "restart", "rm", "detach", "d", "a":
            break  // The agent decides when a container is started and removed, and what is attached to it.
        default:
            if try applyNetwork(parameter) { return }
            if try applyStorage(parameter) { return }
            if try applyLimit(parameter) { return }
            if try applyIsolation(parameter) { return }
            throw DockerOptionsError("Parameter '\(parameter.key)' is not supported")
        }
    }

    // MARK: Groups, each returning whether the parameter is one of its own

    private mutating func applyNetwork(_ parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        let value = parameter.value
        switch parameter.key {
        case "net", "network":
            guard !value.isEmpty else { throw DockerOptionsError("Parameter '\(parameter.key)' names no network") }
            // The first takes the place of the task's own network; to the others the container is connected as well.
            if isNetworkGiven { furtherNetworks.append(value) } else { networkMode = value }
            isNetworkGiven = true
        case "network-alias", "net-alias": networkAliases.append(value)
        case "ip": ipv4 = value
        case "ip6": ipv6 = value
        case "link": links.append(value)
        case "publish", "p": portBindings.append(try Self.publish(value))
        case "publish-all", "P": set("PublishAllPorts", .bool(try Self.boolean(parameter)))
        case "expose": exposedPorts.append(value.contains("/") ? value : "\(value)/tcp")
        case "add-host": append(.string(value), to: "ExtraHosts")
        case "dns": append(.string(value), to: "Dns")
        case "dns-search": append(.string(value), to: "DnsSearch")
        case "dns-opt", "dns-option": append(.string(value), to: "DnsOptions")
        default: return false
        }
        return true
    }

    private mutating func applyStorage(_ parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        let value = parameter.value
        switch parameter.key {
        case "volume", "v": binds.append(value)
        case "volume-driver":
            if let other = volumeDriver, other != value {
                throw DockerOptionsError("Only one volume driver per task is supported")
            }
            volumeDriver = value
        case "volumes-from": append(.string(value), to: "VolumesFrom")
        case "tmpfs":
            let parts = value.split(separator: ":", maxSplits: 1).map(String.init)
            guard let path = parts.first else { throw DockerOptionsError("Parameter 'tmpfs' names no path") }
            put(path, parts.count > 1 ? parts[1] : "", in: "Tmpfs")
        case "storage-opt":
            let (name, text) = Self.split(value)
            put(name, text ?? "", in: "StorageOpt")
        case "shm-size": set("ShmSize", .integer(try Self.bytes(parameter)))
        case "read-only": set("ReadonlyRootfs", .bool(try Self.boolean(parameter)))
        default: return false
        }
        return true
    }

    private mutating func applyLimit(_ parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        let value = parameter.value
        switch parameter.key {
        case "memory", "m":
            memoryBytes = try Self.bytes(parameter)
            memorySwapBytes = memoryBytes
        case "memory-reservation": memoryReservationBytes = try Self.bytes(parameter)
        case "memory-swap": memorySwapBytes = value == "-1" ? -1 : try Self.bytes(parameter)
        case "memory-swappiness": set("MemorySwappiness", .integer(try Self.integer(parameter)))
        case "oom-kill-disable": set("OomKillDisable", .bool(try Self.boolean(parameter)))
        case "oom-score-adj": set("OomScoreAdj", .integer(try Self.integer(parameter)))
        case "cpus":
            guard let cpus = Double(value), cpus.isFinite, (0...1_000_000).contains(cpus) else {
                throw DockerOptionsError("Parameter 'cpus' needs a number, not '\(value)'")
            }
            cpuPeriodMicroseconds = 100_000
            cpuQuotaMicroseconds = Int64(cpus * 100_000)
        case "cpu-shares", "c": cpuShares = try Self.integer(parameter)
        case "cpu-period": cpuPeriodMicroseconds = try Self.integer(parameter)
        case "cpu-quota": cpuQuotaMicroseconds = try Self.integer(parameter)
        case "cpuset-cpus": set("CpusetCpus", .string(value))
        case "cpuset-mems": set("CpusetMems", .string(value))
        case "blkio-weight": set("BlkioWeight", .integer(try Self.integer(parameter)))
        case "pids-limit": set("PidsLimit", .integer(try Self.integer(parameter)))
        case "ulimit": append(try Self.ulimit(value), to: "Ulimits")
        case "gpus": append(try Self.gpus(value), to: "DeviceRequests")
        default: return false
        }
        return true
    }

    private mutating func applyIsolation(_ parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        let value = parameter.value
        switch parameter.key {
        case "cap-add": append(.string(value), to: "CapAdd")
        case "cap-drop": append(.string(value), to: "CapDrop")
        case "group-add": append(.string(value), to: "GroupAdd")
        case "security-opt": append(.string(value), to: "SecurityOpt")
        case "device": append(try Self.device(value), to: "Devices")
        case "device-cgroup-rule": append(.string(value), to: "DeviceCgroupRules")
        case "ipc": set("IpcMode", .string(value))
        case "pid": set("PidMode", .string(value))
        case "uts": set("UTSMode", .string(value))
        case "userns": set("UsernsMode", .string(value))
        case "cgroupns": set("CgroupnsMode", .string(value))
        case "cgroup-parent": set("CgroupParent", .string(value))
        case "runtime": set("Runtime", .string(value))
        case "sysctl":
            let (name, text) = Self.split(value)
            put(name, text ?? "", in: "Sysctls")
        case "annotation":
            let (name, text) = Self.split(value)
            put(name, text ?? "", in: "Annotations")
        default: return false
        }
        return true
    }

    // MARK: Values

    private static func split(_ text: String) -> (name: String, value: String?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    private static func integer(_ parameter: V1Parameter) throws(DockerOptionsError) -> Int64 {
        guard let value = Int64(parameter.value) else {
            throw DockerOptionsError("Parameter '\(parameter.key)' needs a whole number, not '\(parameter.value)'")
        }
        return value
    }

    private static func boolean(_ parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        switch parameter.value {
        case "", "true", "1": return true
        case "false", "0": return false
        default:
            throw DockerOptionsError("Parameter '\(parameter.key)' needs true or false, not '\(parameter.value)'")
        }
    }

    /// A size as Docker's command line takes it: bytes, or with a suffix b, k, m or g.
    private static func bytes(_ parameter: V1Parameter) throws(DockerOptionsError) -> Int64 {
        var digits = parameter.value.lowercased()[...]
        if digits.hasSuffix("b") { digits.removeLast() }
        var shift: Int64 = 0
        if let (suffix, bits) = [("k", 10), ("m", 20), ("g", 30)].first(where: { digits.hasSuffix($0.0) }) {
            digits.removeLast(suffix.count)
            shift = Int64(bits)
        }
        guard let number = Int64(digits), number >= 0 else {
            throw DockerOptionsError(
                "Parameter '\(parameter.key)' needs a size such as 64m, not '\(parameter.value)'")
        }
        let (size, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        if overflow { throw DockerOptionsError("Parameter '\(parameter.key)' is too large: '\(parameter.value)'") }
        return size
    }

    /// `/dev/x[:/dev/y[:rwm]]`
    private static func device(_ text: String) throws(DockerOptionsError) -> JSONValue {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts[0].hasPrefix("/") else {
            throw DockerOptionsError("Parameter 'device' needs a path, not '\(text)'")
        }
        return .members([
            ("PathOnHost", .string(parts[0])), ("PathInContainer", .string(parts.count > 1 ? parts[1] : parts[0])),
            ("CgroupPermissions", .string(parts.count > 2 ? parts[2] : "rwm")),
        ])
    }

    /// `name=soft[:hard]`
    private static func ulimit(_ text: String) throws(DockerOptionsError) -> JSONValue {
        let (name, limits) = split(text)
        let numbers = (limits ?? "").split(separator: ":").map { Int64($0) }
        guard let soft = numbers.first ?? nil, numbers.count <= 2, let hard = numbers.last ?? nil else {
            throw DockerOptionsError("Parameter 'ulimit' needs name=soft:hard, not '\(text)'")
        }
        return ulimit(name: name, soft: soft, hard: hard)
    }

    /// `all`, a number, or `device=0,1`.
    private static func gpus(_ text: String) throws(DockerOptionsError) -> JSONValue {
        if text == "all" { return deviceRequest(count: -1) }
        if let count = Int64(text), count > 0 { return deviceRequest(count: count) }
        let (name, list) = split(text.replacing("\"", with: ""))
        guard name == "device", let list, !list.isEmpty else {
            throw DockerOptionsError("Parameter 'gpus' needs all, a number or device=..., not '\(text)'")
        }
        return .members([
            ("DeviceIDs", .strings(list.split(separator: ",").map(String.init))),
            ("Capabilities", .array([.strings(["gpu"])])),
        ])
    }

    /// `[[address:]host:]container[/protocol]`, one port each.
    private static func publish(_ text: String) throws(DockerOptionsError) -> PortBinding {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var parts = halves[0].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let transport = halves.count > 1 ? halves[1].lowercased() : "tcp"
        guard halves.count <= 2, let port = parts.popLast(), UInt16(port) != nil else {
            throw DockerOptionsError("Parameter 'publish' needs host:container/protocol, not '\(text)'")
        }
        let hostPort = parts.popLast() ?? ""
        guard hostPort.isEmpty || UInt16(hostPort) != nil else {
            throw DockerOptionsError("Parameter 'publish' needs host:container/protocol, not '\(text)'")
        }
        var address = parts.joined(separator: ":")
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        return PortBinding(
            containerPort: "\(port)/\(transport)", hostPort: hostPort, hostIP: address.isEmpty ? nil : address)
    }
}
