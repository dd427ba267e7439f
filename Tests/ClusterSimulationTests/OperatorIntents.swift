// What an operator can want of the cluster: as a call, and as what the registry says once it is so.

import Allocator
import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

/// One thing an operator wants.
enum OperatorIntent: CustomStringConvertible {
    case weight(String, Double)
    /// CPUs; nil for no guarantee, or no limit.
    case quota(String, guarantee: Double?, limit: Double?)
    /// The hosts of each window.
    case schedule([[Int]])
    case machineDown(Int)
    case machineUp(Int)
    case deactivate(AgentID)
    case drain(AgentID, marksGone: Bool, grace: Int64?)
    case reactivate(AgentID)
    case gone(AgentID)
    case teardown(FrameworkID)
    /// One CPU for a role.
    case reserve(AgentID, String)
    case unreserve(AgentID, Resources)

    var description: String {
        switch self {
        case .weight(let role, let weight): "weight \(weight) of \(role)"
        case .quota(let role, let guarantee, let limit): "quota \(guarantee ?? 0) to \(limit ?? -1) of \(role)"
        case .schedule(let windows): "schedule \(windows)"
        case .machineDown(let host): "machine \(host) down"
        case .machineUp(let host): "machine \(host) up"
        case .deactivate(let id): "deactivate \(id)"
        case .drain(let id, let marksGone, _): "drain \(id)\(marksGone ? ", then gone" : "")"
        case .reactivate(let id): "reactivate \(id)"
        case .gone(let id): "gone \(id)"
        case .teardown(let id): "teardown \(id)"
        case .reserve(let id, let role): "reserve a CPU of \(id) for \(role)"
        case .unreserve(let id, let resources): "unreserve \(resources) of \(id)"
        }
    }

    static func machine(_ host: Int) -> V1MachineID {
        var id = V1MachineID()
        id.hostname = "agent-\(host)"
        return id
    }

    var call: V1OperatorCall {
        var call = V1OperatorCall()
        switch self {
        case .weight(let role, let weight):
            call.type = .updateWeights
            var info = V1WeightInfo()
            info.role = role
            info.weight = weight
            call.updateWeights.weightInfos = [info]
        case .quota(let role, let guarantee, let limit):
            call.type = .updateQuota
            var config = V1QuotaQuotaConfig()
            config.role = role
            if let guarantee { config.guarantees = ["cpus": Self.scalar(guarantee)] }
            if let limit { config.limits = ["cpus": Self.scalar(limit)] }
            call.updateQuota.quotaConfigs = [config]
            call.updateQuota.force = true
        case .schedule(let windows):
            call.type = .updateMaintenanceSchedule
            call.updateMaintenanceSchedule.schedule.windows = windows.enumerated().map { place, hosts in
                var window = V1MaintenanceWindow()
                window.machineIds = hosts.map(Self.machine)
                window.unavailability.start.nanoseconds = Int64(place + 1) * 1_000_000_000
                return window
            }
        case .machineDown(let host):
            call.type = .startMaintenance
            call.startMaintenance.machines = [Self.machine(host)]
        case .machineUp(let host):
            call.type = .stopMaintenance
            call.stopMaintenance.machines = [Self.machine(host)]
        case .deactivate(let id):
            call.type = .deactivateAgent
            call.deactivateAgent.agentID = V1AgentID(id)
        case .drain(let id, let marksGone, let grace):
            call.type = .drainAgent
            call.drainAgent.agentID = V1AgentID(id)
            call.drainAgent.markGone = marksGone
            if let grace { call.drainAgent.setMaxGrace(seconds: grace) }
        case .reactivate(let id):
            call.type = .reactivateAgent
            call.reactivateAgent.agentID = V1AgentID(id)
        case .gone(let id):
            call.type = .markAgentGone
            call.markAgentGone.agentID = V1AgentID(id)
        case .teardown(let id):
            call.type = .teardown
            call.teardown.frameworkID = V1FrameworkID(id)
        case .reserve(let id, let role):
            call.type = .reserveResources
            call.reserveResources.agentID = V1AgentID(id)
            var cpu = V1Resource()
            cpu.name = "cpus"
            cpu.type = .scalar
            cpu.scalar.value = 1
            var reservation = V1Resource.ReservationInfo()
            reservation.type = .dynamic
            reservation.role = role
            cpu.reservations = [reservation]
            call.reserveResources.resources = [cpu]
        case .unreserve(let id, let resources):
            call.type = .unreserveResources
            call.unreserveResources.agentID = V1AgentID(id)
            call.unreserveResources.resources = resources.protobuf(allocationRole: nil)
        }
        return call
    }

    private static func scalar(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }

    /// The quota the registry then has; nil for none.
    private static func quota(_ guarantee: Double?, _ limit: Double?) -> Quota? {
        var quota = Quota()
        if let guarantee { quota.guarantees["cpus"] = Scalar(milli: Int64(guarantee * 1000)) }
        if let limit { quota.limits["cpus"] = Scalar(milli: Int64(limit * 1000)) }
        return quota.isDefault ? nil : quota
    }

    private static func role(_ name: String) -> RoleName {
        guard let role = try? RoleName(name) else { preconditionFailure("'\(name)' is a role") }
        return role
    }

    /// Whether the registry has what was wanted. That is what a call answered with success has to mean.
    func isFulfilled(in state: RegistryState) -> Bool {
        switch self {
        case .weight(let role, let weight): state.weights[Self.role(role)] == Weight(weight)
        case .quota(let role, let guarantee, let limit):
            state.quotas[Self.role(role)] == Self.quota(guarantee, limit)
        case .schedule(let windows): state.schedule.map(\.machineIds) == windows.map { $0.map(Self.machine) }
        case .machineDown(let host):
            state.downMachines.contains(Machine(Self.machine(host)))
                && !state.agents.values.contains { $0.hostname == "agent-\(host)" }
        case .machineUp(let host):
            !state.downMachines.contains(Machine(Self.machine(host)))
                && !state.schedule.contains { $0.machineIds.contains(Self.machine(host)) }
        case .deactivate(let id): state.standings[id] != nil
        // An earlier drain may have marked it gone in the same transaction.
        case .drain(let id, let marksGone, _):
            state.standings[id]?.drain?.marksGone == marksGone || state.gone[id] != nil
        case .reactivate(let id): state.standings[id] == nil
        case .gone(let id): state.gone[id] != nil
        case .teardown(let id): state.frameworks[id].map(Self.isOver) ?? true
        // 202: it was sent to the agent, and may get lost with it. The agent's disk remembers it, not the registry.
        case .reserve, .unreserve: true
        }
    }

    static func isOver(_ record: FrameworkRecord) -> Bool {
        if case .removed = record.phase { true } else { false }
    }
}
