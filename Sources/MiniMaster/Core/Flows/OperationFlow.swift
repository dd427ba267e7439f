// RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME in an ACCEPT: judged, applied to the books, sent on.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    mutating func apply(_ operation: V1Offer.Operation, to acceptance: inout Acceptance) {
        if let fault = unauthorizedOperation(operation, by: Self.principal(of: acceptance.framework.info)) {
            return failOperation(operation, of: acceptance.framework, fault, on: acceptance.agent)
        }
        let conversion: ResourceConversion
        switch judge(operation, acceptance) {
        case .valid(let found): conversion = found
        case .invalid(let reason):
            return failOperation(operation, of: acceptance.framework, reason, on: acceptance.agent)
        }
        let waits = operation.type == .growVolume || operation.type == .shrinkVolume
        acceptance.pool -= conversion.consumed
        if !waits {
            convert(
                conversion, heldBy: acceptance.framework.id, role: acceptance.role, on: acceptance.agent)
            acceptance.pool += conversion.converted
        }
        if operation.type == .destroy { rescindOffers(of: acceptance.agent, holding: conversion.consumed) }
        var info = operation
        OperationRules.allocate(&info, to: acceptance.role)
        send(
            OperationRecord(
                id: numbers.nextOperationID(), framework: acceptance.framework.id, agent: acceptance.agent,
                role: acceptance.role, info: info, conversion: conversion, isHoldingBack: waits,
                latest: Self.pending(operation)))
    }

    private static func pending(_ operation: V1Offer.Operation) -> V1OperationStatus {
        var status = V1OperationStatus()
        if operation.hasID { status.operationID = operation.id }
        status.state = .operationPending
        return status
    }

    /// Notes an operation and sends it to its agent.
    mutating func send(_ record: OperationRecord) {
        var noted = record
        noted.statuses = [record.latest]
        operations.insert(noted)
        command(record.agent, .apply(record))
    }

    /// On its own, so that the copies of the books that the rules look at are gone before the books change.
    private func judge(_ operation: V1Offer.Operation, _ acceptance: Acceptance) -> OperationRules.Verdict {
        guard let agent = agents[acceptance.agent] else { return .invalid("Agent removed") }
        if operation.hasID {
            if let fault = IdentifierRules.fault(in: operation.id.value) {
                return .invalid("Operation id is invalid: \(fault)")
            }
            if operations[acceptance.framework.id, operation.id.value] != nil {
                return .invalid("Operation id '\(operation.id.value)' is in use")
            }
            guard agent.can(.resourceProvider), agent.can(.agentOperationFeedback) else {
                return .invalid(
                    "Operation feedback was requested for an operation on agent \(agent.id), which does not have the "
                        + "RESOURCE_PROVIDER and AGENT_OPERATION_FEEDBACK capabilities")
            }
        }
        guard !operations.isFull(agent.id) else {
            return .invalid("\(OperationBook.perAgentMax) operations on agent \(agent.id) are not acknowledged yet")
        }
        let rules = OperationRules(
            agent: agent, existing: agent.total, used: inUse(on: agent.id),
            principal: acceptance.framework.info.hasPrincipal ? acceptance.framework.info.principal : nil,
            framework: acceptance.framework, role: acceptance.role)
        let verdict = rules.judge(operation)
        guard case .valid(let conversion) = verdict else { return verdict }
        guard acceptance.pool.contains(conversion.consumed) else {
            return .invalid(
                "Invalid \(operation.type.name) Operation: \(acceptance.pool) does not contain \(conversion.consumed)")
        }
        return verdict
    }

    /// What tasks and executors use on an agent.
    func inUse(on agent: AgentID) -> Resources {
        var sum = executors.executors(on: agent).reduce(Resources()) { $0 + $1.resources }
        for task in tasks.tasks(on: agent) where task.isCharged { sum += task.resources }
        return sum
    }

    // MARK: Books

    /// Turns resources that a framework holds into others; the agent's total changes along.
    private mutating func convert(
        _ conversion: ResourceConversion, heldBy framework: FrameworkID, role: RoleName, on agent: AgentID
    ) {
        guard let total = agents[agent]?.total,
            allocator.convert(
                framework, role: role, agent: agent, from: conversion.consumed, to: conversion.converted)
        else { return }
        agents.update(agent) { $0.total = total.without(conversion.consumed) + conversion.converted }
    }

    /// Turns free resources of an agent into others, for an operator.
    ///
    /// - Returns: Whether they were free.
    mutating func convertFree(_ conversion: ResourceConversion, on agent: AgentID) -> Bool {
        guard let total = agents[agent]?.total,
            allocator.convertFree(agent: agent, from: conversion.consumed, to: conversion.converted)
        else { return false }
        agents.update(agent) { $0.total = total.without(conversion.consumed) + conversion.converted }
        wantAllocation()
        return true
    }

    /// Ends what is held back for an operation: into what it became, or as it was.
    mutating func settle(_ record: OperationRecord, isDone: Bool) {
        guard record.isHoldingBack, let framework = record.framework, let role = record.role else { return }
        operations.update(record.id) { $0.isHoldingBack = false }
        guard frameworks[framework] != nil, agents[record.agent] != nil else { return }
        if isDone { convert(record.conversion, heldBy: framework, role: role, on: record.agent) }
        allocator.recover(
            framework, role: role, agent: record.agent,
            resources: isDone ? record.conversion.converted : record.conversion.consumed, filter: nil,
            at: now.instant)
        wantAllocation()
    }

    private mutating func rescindOffers(of agent: AgentID, holding volumes: Resources) {
        let keys = Set(volumes.entries.map(\.key))
        for offer in offers.offers(of: agent) where offer.resources.entries.contains(where: { keys.contains($0.key) }) {
            rescind(offer.id)
        }
    }

    // MARK: Failures

    /// Only an operation with an id is answered; the others are dropped, as in Apache Mesos.
    mutating func failOperation(
        _ operation: V1Offer.Operation, of framework: Framework, _ message: String, on agent: AgentID?
    ) {
        note(.warning, "framework \(framework.id): operation \(operation.type.name) dropped: \(message)")
        guard operation.hasID else { return }
        var status = V1OperationStatus()
        status.operationID = operation.id
        status.state = .operationError
        status.message = message
        if let agent { status.agentID = V1AgentID(agent) }
        tell(framework.id, .operation(status))
    }
}

extension V1Offer.Operation.TypeEnum {
    /// As the wire names it.
    var name: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .launch: "LAUNCH"
        case .launchGroup: "LAUNCH_GROUP"
        case .reserve: "RESERVE"
        case .unreserve: "UNRESERVE"
        case .create: "CREATE"
        case .destroy: "DESTROY"
        case .growVolume: "GROW_VOLUME"
        case .shrinkVolume: "SHRINK_VOLUME"
        case .createDisk: "CREATE_DISK"
        case .destroyDisk: "DESTROY_DISK"
        }
    }
}
