// The options of `docker run` that a task may pass as parameters, translated to the Engine's create call.

import MesosProtocol

extension DockerOptions {
    /// Applies one parameter, named as on Docker's command line.
    ///
    /// - Throws: ``DockerOptionsError`` naming a parameter that is not on the list below, or a value that makes no sense.
    mutating func apply(_ parameter: V1Parameter) throws(DockerOptionsError) {
        let value = parameter.value
        switch parameter.key {
        case "env", "e":
            let (name, text) = split(value)
            environment.set(name, text ?? "")
        case "label", "l":
            let (name, text) = split(value)
            guard !name.hasPrefix("org.mini-mesos.") else {
                throw DockerOptionsError("Parameter 'label' may not set \(name)")
            }
            labels.append((name, text ?? ""))
        case "volume", "v": binds.append(value)
        case "volume-driver":
            if let other = volumeDriver, other != value {
                throw DockerOptionsError("Only one volume driver per task is supported")
            }
            volumeDriver = value
        case "user", "u": user = value
        case "workdir", "w": workingDirectory = value
        case "entrypoint": entrypoint = value.isEmpty ? [] : [value]
        case "hostname", "h": hostname = value
        case "net", "network": networkMode = value
        case "network-alias", "net-alias": networkAliases.append(value)
        case "add-host": append(.string(value), to: "ExtraHosts")
        case "dns": append(.string(value), to: "Dns")
        case "dns-search": append(.string(value), to: "DnsSearch")
        case "dns-opt", "dns-option": append(.string(value), to: "DnsOptions")
        case "cap-add": append(.string(value), to: "CapAdd")
        case "cap-drop": append(.string(value), to: "CapDrop")
        case "group-add": append(.string(value), to: "GroupAdd")
        case "security-opt": append(.string(value), to: "SecurityOpt")
        case "device": append(try device(value), to: "Devices")
        case "ulimit": append(try ulimit(value), to: "Ulimits")
        case "tmpfs": addTmpfs(value)
        case "shm-size": set("ShmSize", .integer(try bytes(value, of: parameter)))
        case "memory-swap":
            memorySwapBytes = value == "-1" ? -1 : try bytes(value, of: parameter)
        case "pids-limit": set("PidsLimit", .integer(try integer(value, of: parameter)))
        case "cpuset-cpus": set("CpusetCpus", .string(value))
        case "ipc": set("IpcMode", .string(value))
        case "pid": set("PidMode", .string(value))
        case "uts": set("UTSMode", .string(value))
        case "runtime": set("Runtime", .string(value))
        case "cgroup-parent": set("CgroupParent", .string(value))
        case "init": set("Init", .bool(try boolean(value, of: parameter)))
        case "read-only": set("ReadonlyRootfs", .bool(try boolean(value, of: parameter)))
        case "privileged": isPrivileged = try boolean(value, of: parameter)
        case "stop-signal": stopSignal = value
        case "log-driver":
            logDriver = value
            logOptions = []
        case "log-opt":
            let (name, text) = split(value)
            logOptions.append((name, text ?? ""))
        case "restart", "rm", "detach", "d":
            break  // The agent decides when a container is started and removed.
        default:
            throw DockerOptionsError("Parameter '\(parameter.key)' is not supported")
        }
    }

    private mutating func set(_ name: String, _ value: JSONValue) {
        hostConfig.removeAll { $0.name == name }
        hostConfig.append((name, value))
    }

    private func split(_ text: String) -> (name: String, value: String?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    private func integer(_ text: String, of parameter: V1Parameter) throws(DockerOptionsError) -> Int64 {
        guard let value = Int64(text) else {
            throw DockerOptionsError("Parameter '\(parameter.key)' needs a whole number, not '\(text)'")
        }
        return value
    }

    private func boolean(_ text: String, of parameter: V1Parameter) throws(DockerOptionsError) -> Bool {
        switch text {
        case "", "true", "1": return true
        case "false", "0": return false
        default: throw DockerOptionsError("Parameter '\(parameter.key)' needs true or false, not '\(text)'")
        }
    }

    /// A size as Docker's command line takes it: bytes, or with a suffix b, k, m or g.
    private func bytes(_ text: String, of parameter: V1Parameter) throws(DockerOptionsError) -> Int64 {
        var digits = text.lowercased()[...]
        if digits.hasSuffix("b") { digits.removeLast() }
        var shift: Int64 = 0
        if let (suffix, bits) = [("k", 10), ("m", 20), ("g", 30)].first(where: { digits.hasSuffix($0.0) }) {
            digits.removeLast(suffix.count)
            shift = Int64(bits)
        }
        guard let number = Int64(digits), number >= 0 else {
            throw DockerOptionsError("Parameter '\(parameter.key)' needs a size such as 64m, not '\(text)'")
        }
        let (size, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        if overflow { throw DockerOptionsError("Parameter '\(parameter.key)' is too large: '\(text)'") }
        return size
    }

    /// `/dev/x[:/dev/y[:rwm]]`
    private func device(_ text: String) throws(DockerOptionsError) -> JSONValue {
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
    private func ulimit(_ text: String) throws(DockerOptionsError) -> JSONValue {
        let (name, limits) = split(text)
        let numbers = (limits ?? "").split(separator: ":").map { Int64($0) }
        guard let soft = numbers.first ?? nil, numbers.count <= 2, let hard = numbers.last ?? nil else {
            throw DockerOptionsError("Parameter 'ulimit' needs name=soft:hard, not '\(text)'")
        }
        return .members([("Name", .string(name)), ("Soft", .integer(soft)), ("Hard", .integer(hard))])
    }

    /// `/path[:options]`
    private mutating func addTmpfs(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let path = parts.first else { return }
        var members: [JSONMember] = []
        if let index = hostConfig.firstIndex(where: { $0.name == "Tmpfs" }) {
            members = hostConfig.remove(at: index).value.objectValue ?? []
        }
        members.append(JSONMember(key: path, value: .string(parts.count > 1 ? parts[1] : "")))
        hostConfig.append(("Tmpfs", .object(members)))
    }
}
