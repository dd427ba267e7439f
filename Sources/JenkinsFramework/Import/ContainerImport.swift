// The container of a kind of agent, in either of the plugin's forms.
import XML

struct ContainerImport {
    private(set) var reader: ImportReader

    init(_ element: XMLElement, place: String) { reader = ImportReader(element, place: place + "/containerInfo") }

    mutating func write(_ yaml: inout YAMLText) {
        yaml.section("container") { yaml in
            let isMesos = reader.text("type") == "MESOS"
            yaml.plain("type", isMesos ? "mesos" : "docker")
            image(&yaml)
            start(&yaml, isMesos)
            network(&yaml)
            volumes(&yaml)
            parameters(&yaml, isMesos)
            reader.finish()
        }
    }

    private mutating func image(_ yaml: inout YAMLText) {
        if let image = reader.text("dockerImage") {
            // A dollar is the beginning of a variable here.
            yaml.field("image", image.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
        } else {
            reader.note(.missing, "dockerImage", "no image is named; container.image has a default")
        }
        if reader.bool("dockerForcePullImage") == true { yaml.plain("forcePull", "true") }
        if reader.bool("dockerImageCustomizable") == true {
            yaml.plain("imageFromLabel", "true")
            yaml.list("allowedImages", ["*"])
            reader.note(.changed, "dockerImageCustomizable", "any image is allowed, as it was; narrow allowedImages")
        }
    }

    private mutating func start(_ yaml: inout YAMLText, _ isMesos: Bool) {
        let isPrivileged = reader.bool("dockerPrivilegedMode") ?? false
        let isDind = reader.bool("isDind") ?? false
        let usesShell = reader.bool("useCustomDockerCommandShell") ?? false
        let shell = reader.text("customDockerCommandShell")
        if isMesos {
            for (name, isSet) in [
                ("dockerPrivilegedMode", isPrivileged), ("isDind", isDind), ("useCustomDockerCommandShell", usesShell),
            ] where isSet { reader.note(.dropped, name, "needs the Docker containerizer") }
            return
        }
        if isDind { yaml.plain("dind", "true") } else if isPrivileged { yaml.plain("privileged", "true") }
        guard usesShell else {
            if shell != nil {
                reader.note(.dropped, "customDockerCommandShell", "it was not in use")
            }
            return
        }
        guard let shell else {
            return reader.note(.dropped, "useCustomDockerCommandShell", "no shell is named")
        }
        if shell == "-c" {
            // For images whose ENTRYPOINT ends in a shell.
            yaml.plain("keepEntrypoint", "true")
        }
        yaml.list("shell", [shell])
    }

    private mutating func network(_ yaml: inout YAMLText) {
        let networks = (reader.child("networkInfos")?.children ?? []).compactMap { $0.childText("networkName") }
            .filter { !$0.isEmpty }
        let kind = reader.text("networking") ?? "BRIDGE"
        if networks.count > 1 { reader.note(.dropped, "networkInfos", "only the first network is joined") }
        var isHost = false
        switch kind {
        case "BRIDGE", "HOST", "NONE":
            if let network = networks.first, kind == "BRIDGE" {
                yaml.field("network", "user:\(network)")
            } else {
                yaml.plain("network", kind.lowercased())
                if let network = networks.first { reader.note(.dropped, "networkInfos", "'\(network)' with \(kind)") }
            }
            isHost = kind != "BRIDGE"
        case "USER":
            if let network = networks.first {
                yaml.field("network", "user:\(network)")
            } else {
                reader.note(.missing, "networkInfos", "networking USER names no network; set container.network")
            }
        default:
            reader.note(.dropped, "networking", "'\(kind.prefix(60))' is none of BRIDGE, HOST, NONE and USER")
        }
        ports(&yaml, isHost: isHost)
    }

    private mutating func ports(_ yaml: inout YAMLText, isHost: Bool) {
        let mappings = reader.child("portMappings")?.children ?? []
        if isHost, !mappings.isEmpty {
            return reader.note(.dropped, "portMappings", "they were ignored without a network of the container's own")
        }
        var seen: Set<String> = []
        let usable = mappings.filter { mapping in
            guard let port = mapping.childText("containerPort").flatMap(Int.init), (1...65_535).contains(port) else {
                return false
            }
            return seen.insert("\(port)/\(mapping.childText("protocol") ?? "")").inserted
        }
        if usable.count < mappings.count { reader.note(.dropped, "portMappings", "entries without a port, or twice") }
        yaml.items("ports", usable) { yaml, mapping in
            yaml.plain("container", mapping.childText("containerPort") ?? "")
            if let host = mapping.childText("hostPort").flatMap(Int.init), (1...65_535).contains(host) {
                yaml.plain("host", "\(host)")
            }
            if mapping.childText("protocol")?.lowercased() == "udp" { yaml.plain("protocol", "udp") }
        }
        if usable.contains(where: { !($0.childText("hostPort") ?? "").isEmpty }) {
            reader.note(.changed, "portMappings", "a fixed port of the host must be in the offer, or the agent waits")
        }
    }

    private mutating func volumes(_ yaml: inout YAMLText) {
        var seen: Set<String> = []
        let volumes = (reader.child("volumes")?.children ?? []).filter { volume in
            let path = volume.childText("containerPath") ?? ""
            return path.hasPrefix("/") && seen.insert(path).inserted
        }
        if volumes.count < reader.element["volumes"]?.children.count ?? 0 {
            reader.note(.dropped, "volumes", "entries whose container path does not begin with '/', or is there twice")
        }
        var relative = false
        yaml.items("volumes", volumes) { yaml, volume in
            yaml.field("containerPath", volume.childText("containerPath") ?? "")
            if let host = volume.childText("hostPath"), !host.isEmpty {
                if host.hasPrefix("/") { yaml.field("hostPath", host) } else { relative = true }
            }
            if volume.childText("readOnly") == "true" { yaml.plain("mode", "ro") }
        }
        if relative { reader.note(.changed, "volumes", "a relative path of the host is a folder of the sandbox now") }
    }

    private mutating func parameters(_ yaml: inout YAMLText, _ isMesos: Bool) {
        let parameters = (reader.child("parameters")?.children ?? []).filter { !($0.childText("key") ?? "").isEmpty }
        if isMesos, !parameters.isEmpty {
            return reader.note(.dropped, "parameters", "needs the Docker containerizer")
        }
        let own = ["user": "user", "u": "user", "hostname": "hostname", "h": "hostname"]
        for parameter in parameters {
            if let key = own[parameter.childText("key") ?? ""], let value = parameter.childText("value") {
                yaml.field(key, value)
            }
        }
        if parameters.contains(where: { $0.childText("key") == "name" }) {
            reader.note(.dropped, "parameters", "'name': containers are named by the agent")
        }
        let others = parameters.filter { parameter in
            let key = parameter.childText("key") ?? ""
            return own[key] == nil && key != "name"
        }
        yaml.items("parameters", others) { yaml, parameter in
            yaml.field("key", parameter.childText("key") ?? "")
            yaml.field("value", parameter.childText("value") ?? "")
        }
    }
}
