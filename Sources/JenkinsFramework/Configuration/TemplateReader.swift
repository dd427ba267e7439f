// The `templates` of a configuration file: kinds of agents and how they are launched.
import Resources

extension JenkinsConfiguration {
    static func templates(
        _ root: inout ConfigurationSection, _ connectTimeout: Duration?, _ planner: inout PlannerSettings
    ) -> [TemplateName: LaunchShape] {
        let sections = root.sections("templates")
        if sections.isEmpty { root.fail("templates", "at least one template is required") }
        var launches: [TemplateName: LaunchShape] = [:]
        var hostnameParts: Set<String> = []
        for section in sections {
            var reader = TemplateReader(section: section)
            let template = reader.template(connectTimeout: connectTimeout)
            let launch = reader.launch()
            reader.finish()
            guard !template.name.value.isEmpty else { continue }
            // Node and beacon names are made of it, so two templates must differ in what is left of their names there.
            if !hostnameParts.insert(NameGenerator.hostnamePart(template.name.value)).inserted {
                reader.section.fail("name", "another template's name is the same in its first 20 letters and digits")
            }
            planner.templates.append(template)
            launches[template.name] = launch
        }
        return launches
    }
}

private struct TemplateReader {
    var section: ConfigurationSection

    mutating func finish() {
        section.notYet([
            "toolLocations", "singleUseJobs", "uris", "domain", "minIdle", "maxLifetime", "maxBuilds", "role",
            "autoSize",
            "workspace",
        ])
        section.finish()
    }

    // MARK: - What it serves and needs

    mutating func template(connectTimeout: Duration?) -> AgentTemplate {
        let name = section.requiredString("name")
        if name.contains(where: { $0.isWhitespace || $0 == "=" }) {
            section.fail("name", "must be one word without '=', found '\(name)'")
        }
        let labels = section.strings("labels")?.flatMap { LabelWords.split($0) } ?? [name]
        var template = AgentTemplate(name: TemplateName(name), labels: labels)
        mode(&template)
        singleUse(&template)
        executors(&template)
        resources(&template)
        template.attributes = Dictionary(section.map("attributes").map { ($0.name, $0.value) }) { first, _ in first }
        template.agentsMax = section.int("maxAgents", in: 1...10_000) ?? template.agentsMax
        if let timeout = section.duration("idleTimeout") { template.idleTimeout = timeout == .zero ? nil : timeout }
        template.connectTimeout = section.duration("connectTimeout") ?? connectTimeout ?? template.connectTimeout
        template.priority = section.int("priority", in: -1_000_000...1_000_000) ?? template.priority
        template.remoteFS = section.string("remoteFs") ?? template.remoteFS
        return template
    }

    private mutating func mode(_ template: inout AgentTemplate) {
        enum Mode: String, CaseIterable { case normal, exclusive }
        let mode = section.choice("mode", Mode.self)
        template.servesUnlabelled = section.bool("default") ?? false
        if template.servesUnlabelled, mode == .exclusive {
            section.fail("default", "a default template needs mode normal: builds without a label skip exclusive nodes")
        }
        template.mode = template.servesUnlabelled || mode == .normal ? .normal : .exclusive
    }

    private mutating func singleUse(_ template: inout AgentTemplate) {
        if section.string("singleUse")?.lowercased() == "strict" {
            section.fail("singleUse", "'strict' is not available in this version; use true")
            return
        }
        template.singleUse = section.bool("singleUse") ?? false ? .yes : .no
    }

    private mutating func executors(_ template: inout AgentTemplate) {
        template.executorsMax = section.int("maxExecutors", in: 1...100) ?? 1
        template.executorsMin = section.int("minExecutors", in: 1...100) ?? 1
        if template.executorsMin > template.executorsMax {
            section.fail("minExecutors", "must not be above maxExecutors (\(template.executorsMax))")
            template.executorsMin = template.executorsMax
        }
        if template.isSingleUse, template.executorsMax > 1 {
            section.fail("maxExecutors", "a single-use agent has one executor")
        }
    }

    private mutating func resources(_ template: inout AgentTemplate) {
        let flatCPUs = section.scalar("cpus", unit: "CPUs")
        let flatMemory = section.scalar("memMb", unit: "MiB")
        template.agentCPUs = section.scalar("agentCpus", unit: "CPUs") ?? template.agentCPUs
        template.executorCPUs = section.scalar("executorCpus", unit: "CPUs") ?? template.executorCPUs
        template.agentMemory = section.scalar("agentMemMb", unit: "MiB") ?? template.agentMemory
        template.executorMemory = section.scalar("executorMemMb", unit: "MiB") ?? template.executorMemory
        template.disk = section.scalar("diskMb", unit: "MiB") ?? template.disk
        if let overhead = section.scalar("memOverhead", unit: "a share such as 0.1") {
            template.memoryOverheadMilli = min(overhead.milli, 100_000)
        }
        if let flatCPUs {
            if section.has("agentCpus") || section.has("executorCpus") {
                section.fail("cpus", "give either cpus or agentCpus and executorCpus")
            }
            template.agentCPUs = flatCPUs
            template.executorCPUs = .zero
        }
        if let flatMemory {
            if section.has("agentMemMb") || section.has("executorMemMb") {
                section.fail("memMb", "give either memMb or agentMemMb and executorMemMb")
            }
            template.agentMemory = flatMemory
            template.executorMemory = .zero
            template.memoryOverheadMilli = 0
        }
    }

    // MARK: - How it is launched

    mutating func launch() -> LaunchShape {
        let container = container()
        var options = section.section("launch")
        enum MethodName: String, CaseIterable { case image, java, custom }
        let command = options.string("command")
        let isGiven = options.has("method")
        let name =
            options.choice("method", MethodName.self) ?? (command != nil ? .custom : container == nil ? .java : .image)
        var launch = LaunchShape(method: .image, container: container)
        switch name {
        case .image:
            if container == nil { options.fail("method", "'image' needs a container") }
            if isGiven, command != nil { options.fail("command", "only 'custom' takes a command") }
        case .java:
            launch.method = .java
            if command != nil { options.fail("command", "only 'custom' takes a command") }
        case .custom:
            if command == nil { options.fail("command", "required with method 'custom'") }
            launch.method = .custom(command ?? "")
        }
        launch.transport = options.choice("transport", LaunchShape.Transport.self) ?? .websocket
        launch.reconnect = options.duration("reconnect")
        launch.tunnel = options.string("tunnel")
        if launch.tunnel != nil, launch.transport == .websocket {
            options.fail("tunnel", "works with transport tcp only")
        }
        options.finish()
        launch.jvmArguments = section.string("jvmArgs") ?? ""
        launch.agentArguments = section.string("agentArgs") ?? ""
        launch.environment = section.map("env").map { .init(name: $0.name, value: $0.value) }
        return launch
    }

    private mutating func container() -> ContainerShape? {
        guard section.has("container") else { return nil }
        var options = section.section("container")
        defer {
            options.notYet([
                "imageFromLabel", "allowedImages", "shell", "keepEntrypoint", "dind", "ports", "hostname",
                "pullConfigUri",
                "pullSecretFile", "user",
            ])
            options.finish()
        }
        enum Kind: String, CaseIterable { case docker, mesos, none }
        let kind = options.choice("type", Kind.self) ?? .docker
        if kind == .mesos { options.fail("type", "'mesos' is not available in this version; use docker") }
        var container = ContainerShape(image: options.string("image") ?? "jenkins/inbound-agent")
        if container.image.trimmingBlanks.isEmpty { options.fail("image", "must not be empty") }
        container.isPrivileged = options.bool("privileged") ?? false
        container.forcePull = options.bool("forcePull") ?? false
        container.network = network(&options)
        container.volumes = volumes(&options)
        container.parameters = options.sections("parameters").map { section in
            var section = section
            let parameter = ContainerShape.Parameter(
                key: section.requiredString("key"), value: section.string("value") ?? "")
            if parameter.key == "name" { section.fail("key", "'name' is set by the agent") }
            section.finish()
            return parameter
        }
        return kind == .none ? nil : container
    }

    private func network(_ options: inout ConfigurationSection) -> ContainerShape.Network {
        switch options.string("network") {
        case nil, "bridge": return .bridge
        case "host": return .host
        case "none": return .none
        case let text?:
            if text.hasPrefix("user:"), text.count > 5 { return .user(String(text.dropFirst(5))) }
            options.fail("network", "expected bridge, host, none or user:NAME, found '\(text)'")
            return .bridge
        }
    }

    private func volumes(_ options: inout ConfigurationSection) -> [ContainerShape.Volume] {
        options.sections("volumes").map { section in
            var section = section
            enum Mode: String, CaseIterable { case rw, ro }
            let path = section.requiredString("containerPath")
            let mode = section.choice("mode", Mode.self) ?? .rw
            let volume = ContainerShape.Volume(
                containerPath: path, hostPath: section.string("hostPath"), isReadOnly: mode == .ro)
            section.finish()
            return volume
        }
    }
}
