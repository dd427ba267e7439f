// The pieces the state endpoints share: resources, attributes, frameworks, tasks, as Apache Mesos prints them.
import MesosProtocol
import Resources

extension JSONWriter {
    // MARK: Resources

    /// `{"disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.0, "ports": "[...]"}`: the four are always there.
    mutating func member(_ key: StaticString, _ resources: Resources) {
        self.key(key)
        value(resources)
    }

    mutating func member(_ key: String, _ resources: Resources) {
        self.key(key)
        value(resources)
    }

    private mutating func value(_ resources: Resources) {
        guard resources.isPlain else {
            return object { $0.members(of: resources, always: ["disk", "mem", "gpus", "cpus"]) }
        }
        // A task's, and most agents'.
        open("{")
        member("disk", resources["disk"])
        member("mem", resources["mem"])
        member("gpus", resources["gpus"])
        member("cpus", resources["cpus"])
        let ports = resources.ports
        if !ports.isEmpty { member("ports", Self.text(ports)) }
        close("}")
    }

    /// Only what there is, as the roles endpoint has it.
    mutating func sparseMember(_ key: String, _ resources: Resources) {
        object(key) { $0.members(of: resources, always: []) }
    }

    private mutating func members(of resources: Resources, always: [String]) {
        let fixed = resources.nonRevocable
        for name in always { member(name, fixed[name].doubleValue) }
        var names: Set<String> = Set(always)
        for entry in fixed.entries where names.insert(entry.name).inserted {
            switch entry.value {
            case .scalar: member(entry.name, fixed[entry.name].doubleValue)
            case .ranges: member(entry.name, Self.text(fixed.ranges(named: entry.name)))
            case .set:
                let sets = fixed.entries.filter { $0.name == entry.name }
                let items = sets.flatMap { entry in
                    if case .set(let names) = entry.value { names.elements } else { [String]() }
                }
                member(entry.name, "{\(Set(items).sorted().joined(separator: ", "))}")
            }
        }
        let revocable = resources.revocable
        for (name, value) in revocable.scalars { member("\(name)_revocable", value.doubleValue) }
    }

    private static func text(_ ranges: Ranges) -> String {
        "[" + ranges.ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ", ") + "]"
    }

    /// Resource messages with old and new forms of a reservation side by side.
    mutating func fullMember(_ key: String, _ resources: Resources, role: RoleName? = nil) {
        array(key) { json in
            for message in resources.protobuf(allocationRole: role, format: .endpoint) { json.value(message) }
        }
    }

    mutating func attributes(_ attributes: [V1Attribute]) {
        object("attributes") { json in
            for attribute in attributes {
                switch attribute.type {
                case .scalar: json.member(attribute.name, attribute.scalar.value)
                case .text: json.member(attribute.name, attribute.text.value)
                case .ranges:
                    let ranges = attribute.ranges.range.map { "\($0.begin)-\($0.end)" }
                    json.member(attribute.name, "[\(ranges.joined(separator: ", "))]")
                case .set: json.member(attribute.name, "{\(attribute.set.item.joined(separator: ", "))}")
                }
            }
        }
    }

    mutating func labels(_ labels: V1Labels) {
        array("labels") { json in
            for label in labels.labels { json.value(label) }
        }
    }

    // MARK: Frameworks

    mutating func framework(_ framework: Framework, _ figures: ClusterFigures, _ cluster: Cluster, isActive: Bool) {
        open("{")
        membersBeforeTasks(of: framework, figures, isActive: isActive)
        var unreachable: [TaskRecord] = []
        key("tasks")
        open("[")
        for slot in cluster.tasks.slots(of: framework.id) {
            cluster.tasks.withTask(at: slot) { record in
                if record.isUnreachable { unreachable.append(copy record) } else { task(record) }
            }
        }
        close("]")
        membersAfterTasks(of: framework, cluster, unreachable: unreachable)
        close("}")
    }

    mutating func membersBeforeTasks(of framework: Framework, _ figures: ClusterFigures, isActive: Bool) {
        let used = figures.used(by: framework.id).total
        let offered = figures.offered(to: framework.id).total
        frameworkSummary(framework, used: used, offered: offered, isActive: isActive)
        member("user", framework.info.user)
        member("failover_timeout", framework.info.failoverTimeout)
        member("checkpoint", framework.info.checkpoint)
        member("registered_time", framework.registeredAt.seconds)
        if let time = framework.reregisteredAt { member("reregistered_time", time.seconds) }
        member("unregistered_time", framework.unregisteredAt?.seconds ?? 0)
        if framework.info.hasPrincipal { member("principal", framework.info.principal) }
        member("resources", used + offered)
        if framework.isMultiRole {
            member("roles", framework.info.roles)
        } else {
            member("role", framework.roles.first?.value ?? "*")
        }
    }

    mutating func membersAfterTasks(of framework: Framework, _ cluster: Cluster, unreachable: [TaskRecord]) {
        array("unreachable_tasks") { json in
            for task in unreachable { json.task(task) }
        }
        array("completed_tasks") { json in
            for task in framework.completedTasks { json.task(task) }
        }
        array("offers") { json in
            for offer in cluster.offers.offers(to: framework.id) { json.offer(offer) }
        }
        array("executors") { json in
            for executor in cluster.executors.executors(of: framework.id) { json.executor(executor) }
        }
        if framework.info.hasLabels { labels(framework.info.labels) }
        member("offer_constraints", framework.offerConstraints ?? V1SchedulerOfferConstraints())
        // Apache Mesos has no such key; it is there only for a framework that let offers expire.
        let expired = cluster.frameworkMetrics[framework.id].offersExpired
        if expired > 0 { member("mini_offers_expired", Int(clamping: expired)) }
    }

    mutating func frameworkSummary(_ framework: Framework, used: Resources, offered: Resources, isActive: Bool) {
        member("id", framework.id.value)
        member("name", framework.info.name)
        member("used_resources", used)
        member("offered_resources", offered)
        member(
            "capabilities", framework.info.capabilities.map(\.type).filter { $0 != .unknown }.map(CapabilityNames.name))
        member("hostname", framework.info.hostname)
        member("webui_url", framework.info.webuiURL)
        member("active", isActive && framework.isConnected)
        member("connected", isActive && framework.isConnected)
        member("recovered", isActive && framework.isRecovered)
    }

    private mutating func executor(_ record: ExecutorRecord) {
        object { json in
            json.member("executor_id", record.key.executor.value)
            json.member("name", record.info.name)
            json.member("framework_id", record.key.framework.value)
            json.member("command", record.info.command)
            json.member("resources", record.resources)
            json.member("role", record.role.value)
            if record.info.hasLabels { json.labels(record.info.labels) }
            if record.info.hasType { json.member("type", record.info.type == .default ? "DEFAULT" : "CUSTOM") }
            json.member("slave_id", record.key.agent.value)
        }
    }

    private mutating func offer(_ offer: Offer) {
        object { json in
            json.member("id", offer.id.value)
            json.member("framework_id", offer.framework.value)
            json.object("allocation_info") { $0.member("role", offer.role.value) }
            json.member("slave_id", offer.agent.value)
            json.member("resources", offer.resources)
        }
    }

    // MARK: Tasks

    mutating func task(_ task: borrowing TaskRecord, withReasons: Bool = false) {
        open("{")
        member("id", task.id.value)
        member("name", task.name)
        member("framework_id", task.key.framework.value)
        member("executor_id", task.executor)
        member("slave_id", task.agent.value)
        member("state", task.state.name)
        member("resources", task.resources)
        member("role", task.role.value)
        key("statuses")
        open("[")
        for status in task.statuses { self.status(status, withReasons: withReasons) }
        close("]")
        if let details = task.details { members(of: details) }
        close("}")
    }

    private mutating func members(of details: TaskDetails) {
        if let user = details.user { member("user", user) }
        if let labels = details.labels { self.labels(labels) }
        if let discovery = details.discovery { member("discovery", discovery) }
        if let container = details.container { member("container", container) }
        if let check = details.healthCheck { member("health_check", check) }
    }

    private mutating func status(_ status: StatusSummary, withReasons: Bool) {
        open("{")
        member("state", status.state.name)
        member("timestamp", status.timestamp)
        if let labels = status.labels { self.labels(labels) }
        if !status.container.isEmpty {
            key("container_status")
            if !usualContainer(status.container), !plainContainer(status.encodedContainer),
                let container = status.containerStatus
            {
                value(container)
            }
        }
        if let healthy = status.healthy { member("healthy", healthy) }
        if withReasons {
            // The names of the v1 API.
            if let source = status.source { member("source", "SOURCE_\(source)".uppercased()) }
            if let reason = status.reason {
                member("reason", "REASON_" + MetricWords.snakeCase("\(reason)").uppercased())
            }
            if let message = status.message { member("message", message) }
        }
        close("}")
    }

    /// Prints what nearly every ContainerStatus is: a UUID and one IPv4 address.
    ///
    /// - Returns: Whether it was one. If not, nothing was written.
    private mutating func usualContainer(_ container: EncodedContainer) -> Bool {
        container.withUsualTexts { id, address in
            literal(#"{"container_id":{"value":""#)
            literal(id)
            literal(#""},"network_infos":[{"ip_addresses":[{"protocol":"IPv4","ip_address":""#)
            literal(address)
            literal(#""}]}]}"#)
        }
    }

    /// Prints a ContainerStatus that has a container id and IP addresses only, without decoding it.
    ///
    /// - Returns: Whether it was one. If not, nothing was written.
    private mutating func plainContainer(_ encoded: [UInt8]) -> Bool {
        encoded.withUnsafeBytes { buffer in
            attempt { json in (try? json.printContainer(buffer)) ?? false }
        }
    }

    private mutating func printContainer(_ buffer: UnsafeRawBufferPointer) throws(WireReader.Malformed) -> Bool {
        var id: UnsafeRawBufferPointer?
        var networks: [UnsafeRawBufferPointer] = []
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: networks.append(try field.contents())
            case 4: id = try field.contents()
            default: return false
            }
        }
        open("{")
        if let id {
            var inner = WireReader(id)
            guard let value = try inner.next(), value.number == 1, try inner.next() == nil else { return false }
            key("container_id")
            open("{")
            member("value", try value.text())
            close("}")
        }
        if !networks.isEmpty {
            key("network_infos")
            open("[")
            for network in networks { guard try printNetwork(network) else { return false } }
            close("]")
        }
        close("}")
        return true
    }

    private mutating func printNetwork(_ buffer: UnsafeRawBufferPointer) throws(WireReader.Malformed) -> Bool {
        var fields = WireReader(buffer)
        var hasAddresses = false
        open("{")
        while let field = try fields.next() {
            guard field.number == 5 else { return false }
            if !hasAddresses {
                key("ip_addresses")
                open("[")
                hasAddresses = true
            }
            var `protocol` = "IPv4"
            var address: String?
            var inner = WireReader(try field.contents())
            while let part = try inner.next() {
                switch part.number {
                case 1: `protocol` = try part.varint() == 2 ? "IPv6" : "IPv4"
                case 2: address = try part.text()
                default: return false
                }
            }
            open("{")
            member("protocol", `protocol`)
            if let address { member("ip_address", address) }
            close("}")
        }
        if hasAddresses { close("]") }
        close("}")
        return true
    }
}

/// Capability enums as they are printed. The wire names are in JSON only, so they are taken from there.
enum CapabilityNames {
    static func name(_ type: V1FrameworkInfo.Capability.TypeEnum) -> String {
        switch type {
        case .unknown: "UNKNOWN"
        case .revocableResources: "REVOCABLE_RESOURCES"
        case .taskKillingState: "TASK_KILLING_STATE"
        case .gpuResources: "GPU_RESOURCES"
        case .sharedResources: "SHARED_RESOURCES"
        case .partitionAware: "PARTITION_AWARE"
        case .multiRole: "MULTI_ROLE"
        case .reservationRefinement: "RESERVATION_REFINEMENT"
        case .regionAware: "REGION_AWARE"
        }
    }

    static func name(_ type: V1AgentInfo.Capability.TypeEnum) -> String {
        switch type {
        case .unknown: "UNKNOWN"
        case .multiRole: "MULTI_ROLE"
        case .hierarchicalRole: "HIERARCHICAL_ROLE"
        case .reservationRefinement: "RESERVATION_REFINEMENT"
        case .resourceProvider: "RESOURCE_PROVIDER"
        case .resizeVolume: "RESIZE_VOLUME"
        case .agentOperationFeedback: "AGENT_OPERATION_FEEDBACK"
        case .agentDraining: "AGENT_DRAINING"
        case .taskResourceLimits: "TASK_RESOURCE_LIMITS"
        }
    }

    static func name(_ type: V1MasterInfo.Capability.TypeEnum) -> String {
        switch type {
        case .unknown: "UNKNOWN"
        case .agentUpdate: "AGENT_UPDATE"
        case .agentDraining: "AGENT_DRAINING"
        case .quotaV2: "QUOTA_V2"
        }
    }
}
