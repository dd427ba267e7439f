// The `templates` of a configuration file: kinds of agents, what builds they serve and what they need.
import Resources

extension ConfigurationReader {
    private static let templatesMax = 200

    func templates(
        _ root: inout ConfigurationSection, connectTimeout: Duration?, roles: [RoleName],
        forbiddenParameters: Set<String>, _ planner: inout PlannerSettings
    ) -> [TemplateName: LaunchShape] {
        let sections = root.sections("templates")
        if sections.isEmpty { root.fail("templates", "at least one template is required") }
        if sections.count > Self.templatesMax {
            root.fail("templates", "expected at most \(Self.templatesMax), found \(sections.count)")
        }
        var launches: [TemplateName: LaunchShape] = [:]
        var hostnameParts: Set<String> = []
        for section in sections.prefix(Self.templatesMax) {
            var reader = TemplateReader(section: section, roles: roles, connectTimeout: connectTimeout)
            var template = reader.template()
            let launch = LaunchReader(surroundings: surroundings, forbiddenParameters: forbiddenParameters)
            let shape = launch.launch(&reader.section, &template)
            reader.section.finish()
            guard !template.name.value.isEmpty else { continue }
            // Node and beacon names are made of it, so two templates must differ in what is left of their names there.
            if !hostnameParts.insert(NameGenerator.hostnamePart(template.name.value)).inserted {
                reader.section.fail("name", "another template's name is the same in its first 20 letters and digits")
            }
            planner.templates.append(template)
            launches[template.name] = shape
        }
        return launches
    }
}

private struct TemplateReader {
    var section: ConfigurationSection
    let roles: [RoleName]
    /// Of templates that do not say their own.
    let connectTimeout: Duration?

    mutating func template() -> AgentTemplate {
        let name = section.requiredString("name")
        if name.contains(where: { $0.isWhitespace || $0 == "=" }) || name.utf8.count > 100 {
            section.fail("name", "must be one word of at most 100 bytes without '=', found '\(name.prefix(120))'")
        }
        let labels = section.strings("labels")?.flatMap { LabelWords.split($0) } ?? [name]
        var template = AgentTemplate(name: TemplateName(name), labels: labels)
        mode(&template)
        singleUse(&template)
        executors(&template)
        resources(&template)
        place(&template)
        life(&template)
        template.remoteFS = section.line("remoteFs") ?? template.remoteFS
        if template.remoteFS.isEmpty { section.fail("remoteFs", "must not be empty") }
        template.sizing = SizingReader.sizing(&section)
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
        if let text = section.string("singleUse") {
            switch text.lowercased() {
            case "strict": template.singleUse = .strict
            case "true", "yes", "on": template.singleUse = .yes
            case "false", "no", "off": template.singleUse = .no
            default: section.fail("singleUse", "expected false, true or strict, found '\(text)'")
            }
        }
        for text in section.strings("singleUseJobs") ?? [] {
            if let pattern = JobPattern(text) {
                template.singleUseJobs.append(pattern)
            } else {
                section.fail("singleUseJobs", "expected a regular expression, found '\(text)'")
            }
        }
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
        if let overhead = section.scalar("memOverhead", unit: "a share from 0 to 100 such as 0.1", max: 100) {
            template.memoryOverheadMilli = overhead.milli
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

    /// Which machines it may run on.
    private mutating func place(_ template: inout AgentTemplate) {
        template.attributes = Dictionary(section.map("attributes").map { ($0.name, $0.value) }) { first, _ in first }
        var domain = section.section("domain")
        let (region, zone) = (domain.line("region"), domain.line("zone"))
        domain.finish()
        if region != nil || zone != nil { template.domain = DomainWish(region: region, zone: zone) }
        if let text = section.line("role") {
            template.role = try? RoleName(text)
            if template.role.map(roles.contains) != true {
                let known = roles.map(\.value).joined(separator: ", ")
                section.fail("role", "expected one of mesos.roles (\(known)), found '\(text)'")
            }
        }
        template.priority = section.int("priority", in: -1_000_000...1_000_000) ?? template.priority
    }

    /// How many there may be, and for how long.
    private mutating func life(_ template: inout AgentTemplate) {
        template.agentsMax = section.int("maxAgents", in: 1...10_000) ?? template.agentsMax
        template.agentsIdleMin = section.int("minIdle", in: 0...1_000) ?? template.agentsIdleMin
        if template.agentsIdleMin > template.agentsMax {
            section.fail("minIdle", "must not be above maxAgents (\(template.agentsMax))")
        }
        if let timeout = section.duration("idleTimeout") { template.idleTimeout = timeout == .zero ? nil : timeout }
        template.lifetimeMax = section.duration("maxLifetime", in: .seconds(1) ... .seconds(365 * 86_400))
        template.buildsMax = section.int("maxBuilds", in: 1...1_000_000)
        template.connectTimeout =
            section.duration("connectTimeout", in: .seconds(1) ... .seconds(86_400)) ?? connectTimeout
            ?? template.connectTimeout
    }
}
