// Builds the operator API's descriptions of agents, frameworks, offers and tasks, for its answers and its events alike.
import MesosProtocol
import Resources

extension V1Task {
    init(_ record: TaskRecord) {
        self.init()
        name = record.name
        taskID = V1TaskID(record.id)
        frameworkID = V1FrameworkID(record.key.framework)
        if !record.executor.isEmpty { executorID.value = record.executor }
        agentID = V1AgentID(record.agent)
        state = record.state
        resources = record.resources.protobuf(allocationRole: record.role)
        statuses = record.statuses.map { V1TaskStatus($0, of: record) }
        if let forwarded = record.forwarded {
            statusUpdateState = forwarded.state
            var carrier = V1TaskStatus()
            carrier.updateUUID = forwarded.uuid
            statusUpdateUuid = carrier.uuid
        }
        guard let details = record.details else { return }
        if let own = details.user { user = own }
        if let own = details.labels { labels = own }
        if let own = details.discovery { discovery = own }
        if let own = details.container { container = own }
        if let own = details.healthCheck { healthCheck = own }
        if let own = details.killPolicy { killPolicy = own }
    }
}

extension V1TaskStatus {
    /// What the books keep of a status: not its data, and its uuid only while it waits to be acknowledged.
    init(_ summary: StatusSummary, of record: TaskRecord) {
        self.init()
        taskID = V1TaskID(record.id)
        agentID = V1AgentID(record.agent)
        state = summary.state
        if let own = summary.source { source = own }
        if let own = summary.reason { reason = own }
        if let own = summary.message { message = own }
        timestamp = summary.timestamp
        if summary.source == .executor {
            executorID.value = record.executor.isEmpty ? record.id.value : record.executor
        }
        if let forwarded = record.forwarded, forwarded.state == summary.state {
            updateUUID = forwarded.uuid
        }
        if let own = summary.healthy { healthy = own }
        if let own = summary.labels { labels = own }
        if let own = summary.containerStatus { containerStatus = own }
    }
}

/// Resources by the role they are allocated to.
typealias HeldByRole = [RoleName: Resources]

extension HeldByRole {
    /// In the form with old and new reservations side by side, sorted by role.
    var messages: [V1Resource] {
        sorted { $0.key < $1.key }.flatMap { $0.value.protobuf(allocationRole: $0.key, format: .endpoint) }
    }
}

extension V1OperatorResponse.GetAgents.Agent {
    init(_ agent: Agent, used: HeldByRole, offered: HeldByRole) {
        self.init()
        agentInfo = agent.info
        active = agent.isConnected
        deactivated = false
        version = Versions.mesosAPI
        pid = agent.pid
        if let time = agent.registeredAt { registeredTime = time.message }
        if let time = agent.reregisteredAt { reregisteredTime = time.message }
        totalResources = agent.total.protobuf(format: .endpoint)
        allocatedResources = used.messages
        offeredResources = offered.messages
        capabilities = agent.capabilities.filter { $0.type != .unknown }
    }
}

extension V1OperatorResponse.GetFrameworks.Framework {
    /// - Parameter isOver: It was removed.
    init(
        _ framework: Framework, used: HeldByRole, offered: HeldByRole, offers: [Offer], isOver: Bool
    ) {
        self.init()
        frameworkInfo = framework.info
        active = !isOver && framework.isConnected
        connected = !isOver && framework.isConnected
        recovered = !isOver && framework.isRecovered
        registeredTime = framework.registeredAt.message
        reregisteredTime = (framework.reregisteredAt ?? framework.registeredAt).message
        if let time = framework.unregisteredAt { unregisteredTime = time.message }
        self.offers = offers.map { V1Offer(listing: $0) }
        allocatedResources = used.messages
        offeredResources = offered.messages
    }
}

extension V1Offer {
    /// An offer as operators see it: who holds what of which agent.
    init(listing offer: Offer) {
        self.init()
        id = V1OfferID(offer.id)
        frameworkID = V1FrameworkID(offer.framework)
        agentID = V1AgentID(offer.agent)
        allocationInfo.role = offer.role.value
        resources = offer.resources.protobuf(allocationRole: offer.role, format: .endpoint)
    }
}
