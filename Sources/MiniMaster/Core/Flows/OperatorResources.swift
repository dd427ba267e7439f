// RESERVE_RESOURCES, UNRESERVE_RESOURCES, CREATE_VOLUMES, DESTROY_VOLUMES, GROW_VOLUME, SHRINK_VOLUME of operators.
import Allocator
import MesosProtocol
import Resources
import Security

extension Cluster {
    /// Works on what is free on the agent. Offers that hold some of it are rescinded until it is.
    mutating func operate(_ request: RequestNumber, _ incoming: OperatorRequest) {
        guard let (agentID, operation) = Self.operation(of: incoming.call) else {
            return answer(request, .refused(status: 501, reason: "501 Not Implemented."))
        }
        guard let agent = agents[agentID], !agent.isAwaited, !agent.isLeaving else {
            return answer(request, .refused(status: 400, reason: "No agent found with specified ID"))
        }
        let name = operation.type.name
        guard agent.isConnected else {
            return answer(
                request,
                .refused(status: 409, reason: "Agent \(agentID) is not connected: \(name) can be tried again later"))
        }
        guard !operations.isFull(agentID) else {
            return answer(
                request,
                .refused(status: 409, reason: "Too many operations on agent \(agentID) are not finished yet"))
        }
        let rules = OperationRules(
            agent: agent, existing: agent.total, used: inUse(on: agentID), principal: incoming.principal?.value,
            framework: nil, role: nil)
        let conversion: ResourceConversion
        switch rules.judge(operation) {
        case .valid(let found): conversion = found
        case .invalid(let reason):
            return answer(request, .refused(status: 400, reason: "Invalid \(name) operation: \(reason)"))
        }
        guard makeFree(conversion.consumed, on: agentID), convertFree(conversion, on: agentID) else {
            return answer(
                request,
                .refused(
                    status: 409,
                    reason: "Invalid \(name) operation: the unused resources of agent \(agentID) do not contain "
                        + "\(conversion.consumed)"))
        }
        var status = V1OperationStatus()
        status.state = .operationPending
        send(
            OperationRecord(
                id: numbers.nextOperationID(), framework: nil, agent: agentID, role: nil, info: operation,
                conversion: conversion, isHoldingBack: false, latest: status))
        answer(request, .accepted)
    }

    /// Rescinds offers, oldest first, until the resources are free. None if all of them together would not do.
    private mutating func makeFree(_ wanted: Resources, on agent: AgentID) -> Bool {
        guard let free = allocator.free(on: agent) else { return false }
        let candidates = offers.offers(of: agent)
        guard candidates.reduce(free, { $0 + $1.resources }).contains(wanted) else { return false }
        for offer in candidates {
            if let free = allocator.free(on: agent), free.contains(wanted) { return true }
            rescind(offer.id)
        }
        return allocator.free(on: agent)?.contains(wanted) == true
    }

    private static func operation(of call: V1OperatorCall) -> (AgentID, V1Offer.Operation)? {
        var operation = V1Offer.Operation()
        switch call.type {
        case .reserveResources:
            operation.type = .reserve
            operation.reserve.source = call.reserveResources.source
            operation.reserve.resources = call.reserveResources.resources
            return (AgentID(call.reserveResources.agentID), operation)
        case .unreserveResources:
            operation.type = .unreserve
            operation.unreserve.resources = call.unreserveResources.resources
            return (AgentID(call.unreserveResources.agentID), operation)
        case .createVolumes:
            operation.type = .create
            operation.create.volumes = call.createVolumes.volumes
            return (AgentID(call.createVolumes.agentID), operation)
        case .destroyVolumes:
            operation.type = .destroy
            operation.destroy.volumes = call.destroyVolumes.volumes
            return (AgentID(call.destroyVolumes.agentID), operation)
        case .growVolume:
            operation.type = .growVolume
            operation.growVolume.volume = call.growVolume.volume
            operation.growVolume.addition = call.growVolume.addition
            return (AgentID(call.growVolume.agentID), operation)
        case .shrinkVolume:
            operation.type = .shrinkVolume
            operation.shrinkVolume.volume = call.shrinkVolume.volume
            operation.shrinkVolume.subtract = call.shrinkVolume.subtract
            return (AgentID(call.shrinkVolume.agentID), operation)
        default: return nil
        }
    }
}
