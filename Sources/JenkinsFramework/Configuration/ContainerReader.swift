// A template's `container`: the image and everything around it.
import Resources

struct ContainerReader {
    let surroundings: ConfigurationSurroundings
    let forbiddenParameters: Set<String>

    /// What the agent sets itself, or what the framework needs to know and has a key for.
    private static let reservedParameters: [String: String] = [
        "name": "is set by the agent", "user": "has the key container.user", "u": "has the key container.user",
        "hostname": "has the key container.hostname", "h": "has the key container.hostname",
    ]
    /// What a label and a host name have in common.
    private static let hostnameMax = 63

    /// - Returns: nil without a container.
    func container(
        _ section: inout ConfigurationSection, _ template: inout AgentTemplate
    ) -> ContainerShape? {
        guard section.has("container") else {
            // Nothing is read, but what belongs here is known to whoever puts it elsewhere.
            let unread = ConfigurationSection(nil, path: section.fullKey("container"), problems: ProblemList())
            var ignored = template
            _ = read(unread, &ignored)
            section.problems.register(unread.problems.keys)
            return nil
        }
        return read(section.section("container"), &template)
    }

    private func read(_ section: ConfigurationSection, _ template: inout AgentTemplate) -> ContainerShape? {
        var options = section
        defer { options.finish() }
        enum Kind: String, CaseIterable { case docker, mesos, none }
        let kind = options.choice("type", Kind.self) ?? .docker
        var container = ContainerShape(image: image(&options))
        container.kind = kind == .mesos ? .mesos : .docker
        images(&options, &template)
        container.isPrivileged = options.bool("privileged") ?? false
        container.forcePull = options.bool("forcePull") ?? false
        container.network = network(&options)
        container.volumes = volumes(&options)
        container.parameters = parameters(&options)
        container.user = options.line("user")
        container.hostname = hostname(&options, container)
        container.pullConfigURI = options.line("pullConfigUri")
        container.pullSecretFile = ConfigurationReader(surroundings: surroundings).file("pullSecretFile", &options)
        template.ports = ports(&options, container)
        start(&options, &container)
        if container.kind == .mesos { refuseDaemonOptions(options, container) }
        if container.kind == .docker, container.pullSecretFile != nil {
            options.fail("pullSecretFile", "needs type mesos; with docker, agents fetch the file from pullConfigUri")
        }
        return kind == .none ? nil : container
    }

    // MARK: - Image

    private func image(_ options: inout ConfigurationSection) -> String {
        let text = options.line("image") ?? "jenkins/inbound-agent"
        let (image, unset) = surroundings.expanded(text)
        guard let image else {
            options.fail("image", "the framework's environment has no variable '\(unset)', named by '\(text)'")
            return text
        }
        if image.isEmpty || image.contains(where: \.isWhitespace) {
            options.fail("image", "expected an image's name, found '\(image)'")
        }
        return image
    }

    private func images(_ options: inout ConfigurationSection, _ template: inout AgentTemplate) {
        template.imageFromLabel = options.bool("imageFromLabel") ?? false
        template.imagesAllowed = (options.strings("allowedImages") ?? []).map { ImagePattern($0) }
        if template.imageFromLabel, template.imagesAllowed.isEmpty {
            options.fail("imageFromLabel", "needs allowedImages, such as ['registry.example.org/ci/*']")
        }
    }

    // MARK: - Start

    private func start(_ options: inout ConfigurationSection, _ container: inout ContainerShape) {
        container.keepsEntrypoint = options.bool("keepEntrypoint") ?? true
        container.shell = options.strings("shell") ?? []
        if container.shell.contains("") { options.fail("shell", "must not have empty words") }
        guard options.bool("dind") ?? false else { return }
        if container.kind == .mesos {
            options.fail("dind", "needs type docker")
            return
        }
        container.isPrivileged = true
        if container.shell.isEmpty { container.shell = ["/wrapdocker"] }
        if !container.volumes.contains(where: { $0.containerPath == "/var/lib/docker" }) {
            container.volumes.append(.init(containerPath: "/var/lib/docker", hostPath: nil))
        }
    }

    private func hostname(_ options: inout ConfigurationSection, _ container: ContainerShape) -> String? {
        guard let text = options.line("hostname") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty && part.first != "-" && part.last != "-"
                && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        }
        if !isName || text.count > Self.hostnameMax {
            options.fail(
                "hostname", "expected letters, digits, '-' and '.', at most \(Self.hostnameMax), found '\(text)'")
        }
        if container.network == .host { options.fail("hostname", "with network host it is the host's") }
        return text
    }

    // MARK: - Network, volumes, parameters

    private func network(_ options: inout ConfigurationSection) -> ContainerShape.Network {
        switch options.line("network") {
        case nil, "bridge": return .bridge
        case "host": return .host
        case "none": return .none
        case let text?:
            if text.hasPrefix("user:"), text.count > 5 { return .user(String(text.dropFirst(5))) }
            options.fail("network", "expected bridge, host, none or user:NAME, found '\(text)'")
            return .bridge
        }
    }

    private func ports(_ options: inout ConfigurationSection, _ container: ContainerShape) -> [PortWish] {
        let sections = options.sections("ports")
        if !sections.isEmpty, container.network == .none { options.fail("ports", "network none has no ports") }
        var wishes: [PortWish] = []
        for section in sections {
            var section = section
            if !section.has("container") { section.fail("container", "required") }
            let inside = section.int("container", in: 1...65_535)
            let host = section.int("host", in: 1...65_535)
            let transport = section.choice("protocol", PortWish.Transport.self) ?? .tcp
            section.finish()
            guard let inside else { continue }
            let wish = PortWish(container: UInt16(inside), host: host.map { UInt16($0) }, transport: transport)
            if let fixed = wish.host, wishes.contains(where: { $0.host == fixed }) {
                section.fail("host", "another entry has the same port")
            }
            if wishes.contains(where: { $0.container == wish.container && $0.transport == wish.transport }) {
                section.fail("container", "another entry has the same port")
            }
            wishes.append(wish)
        }
        return wishes
    }

    private func volumes(_ options: inout ConfigurationSection) -> [ContainerShape.Volume] {
        var paths: Set<String> = []
        return options.sections("volumes").map { section in
            var section = section
            enum Mode: String, CaseIterable { case rw, ro }
            let path = section.absolutePath("containerPath") ?? ""
            if !section.has("containerPath") { section.fail("containerPath", "required") }
            if !path.isEmpty, !paths.insert(path).inserted {
                section.fail("containerPath", "another volume is there already")
            }
            let hostPath = section.absolutePath("hostPath")
            let mode = section.choice("mode", Mode.self) ?? .rw
            section.finish()
            return ContainerShape.Volume(containerPath: path, hostPath: hostPath, isReadOnly: mode == .ro)
        }
    }

    private func parameters(_ options: inout ConfigurationSection) -> [ContainerShape.Parameter] {
        options.sections("parameters").map { section in
            var section = section
            let parameter = ContainerShape.Parameter(
                key: section.requiredString("key"), value: section.string("value") ?? "")
            if let reason = Self.reservedParameters[parameter.key] {
                section.fail("key", "'\(parameter.key)' \(reason)")
            } else if forbiddenParameters.contains(parameter.key) {
                section.fail("key", "'\(parameter.key)' is forbidden by limits.forbiddenParameters")
            }
            section.finish()
            return parameter
        }
    }

    /// What only a Docker daemon does.
    private func refuseDaemonOptions(_ options: ConfigurationSection, _ container: ContainerShape) {
        if container.isPrivileged { options.fail("privileged", "needs type docker") }
        if !container.parameters.isEmpty { options.fail("parameters", "needs type docker") }
        if !container.shell.isEmpty { options.fail("shell", "needs type docker") }
        if container.user != nil { options.fail("user", "needs type docker; with mesos it is mesos.user") }
    }
}
