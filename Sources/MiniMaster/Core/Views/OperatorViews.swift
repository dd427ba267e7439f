// What operators are shown of their own decisions, as messages of the public API.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// As it was posted, less the machines that came up again.
    package var maintenanceSchedule: V1MaintenanceSchedule {
        var schedule = V1MaintenanceSchedule()
        schedule.windows = registry.schedule
        return schedule
    }

    /// Machines of the schedule by their mode, with what frameworks answered to inverse offers of their agents.
    package var maintenanceStatus: V1MaintenanceClusterStatus {
        var status = V1MaintenanceClusterStatus()
        let affected = agents.all.filter { maintenance.agents[$0.id] != nil }
        for id in registry.schedule.flatMap(\.machineIds) {
            let machine = Machine(id)
            guard !registry.downMachines.contains(machine) else {
                status.downMachines.append(id)
                continue
            }
            var draining = V1MaintenanceClusterStatus.DrainingMachine()
            draining.id = id
            for agent in affected
            where maintenance.machine(hostname: agent.hostname, ip: agent.ip) == machine {
                draining.statuses += inverseOffers.answers(on: agent.id).map { framework, answer in
                    var message = V1AllocatorInverseOfferStatus()
                    message.status = answer.status
                    message.frameworkID = V1FrameworkID(framework)
                    message.timestamp = answer.time.message
                    return message
                }
            }
            status.drainingMachines.append(draining)
        }
        return status
    }

    /// When the agent's machine is out of service by the schedule; nil if it is not in it.
    package func unavailability(of agent: AgentID) -> V1Unavailability? { maintenance.agents[agent] }

    /// Outstanding inverse offers, sorted by id.
    package func inverseOffers(to framework: FrameworkID) -> [V1InverseOffer] {
        inverseOffers.offers(to: framework).map(message)
    }

    /// Whether an operator took the agent out of the allocation, for a drain or by itself.
    package func isDeactivated(_ agent: AgentID) -> Bool { registry.standings[agent] != nil }

    package func drainInfo(of agent: AgentID) -> V1DrainInfo? { registry.standings[agent]?.drainInfo }

    /// When the operator asked for the drain.
    package func estimatedDrainStartTime(of agent: AgentID) -> WallTime? { registry.standings[agent]?.drain?.since }

    /// Weights other than 1, sorted by role: what GET_WEIGHTS shows.
    package var weightInfos: [V1WeightInfo] {
        registry.weights.filter { $0.value != .one }.sorted { $0.key < $1.key }.map { role, weight in
            var info = V1WeightInfo()
            info.role = role.value
            info.weight = weight.doubleValue
            return info
        }
    }
}
