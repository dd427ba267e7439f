// What the cluster must remember across a change of leader, and the changes that can be made to it.
import Allocator
import MesosProtocol
import Resources

/// The durable memory of the cluster. Written before anybody is told; read by the next leader.
package struct RegistryState: Equatable, Sendable {
    /// Admitted agents. Each info carries its id.
    package var agents: [AgentID: V1AgentInfo] = [:]
    /// Agents that went silent, and when that was noticed.
    package var unreachable: [AgentID: WallTime] = [:]
    /// Agents an operator declared gone for good.
    package var gone: [AgentID: WallTime] = [:]
    package var frameworks: [FrameworkID: FrameworkRecord] = [:]
    /// Every weight that was ever set, 1 included: once there is any, those of the command line count no more.
    package var weights: [RoleName: Weight] = [:]
    /// Quotas of top-level roles, none of them default.
    package var quotas: [RoleName: Quota] = [:]
    /// What operators decided about agents that are admitted or unreachable.
    package var standings: [AgentID: AgentStanding] = [:]
    /// The maintenance schedule, each window at its place in it.
    package var windows: [Int: V1MaintenanceWindow] = [:]
    /// Machines of the schedule that are down.
    package var downMachines: Set<Machine> = []
    /// What tells this cluster from every other; given once, by its first leader.
    package var cluster: String?
    /// What a master must be able to do to lead with this registry.
    package var minimumCapabilities: Set<String> = []

    package init() {}

    /// The maintenance schedule, in the order in which it was posted.
    package var schedule: [V1MaintenanceWindow] { windows.sorted { $0.key < $1.key }.map(\.value) }

    package mutating func apply(_ operation: RegistryOperation) {
        switch operation {
        case .admitAgent(let id, let info):
            agents[id] = info
            unreachable[id] = nil
        case .markUnreachable(let id, let time):
            agents[id] = nil
            unreachable[id] = time
        case .removeAgent(let id):
            agents[id] = nil
            standings[id] = nil
        case .markGone(let id, let time):
            agents[id] = nil
            unreachable[id] = nil
            standings[id] = nil
            gone[id] = time
        case .forgetUnreachable(let id):
            unreachable[id] = nil
            standings[id] = nil
        case .forgetGone(let id): gone[id] = nil
        case .putFramework(let id, let record): frameworks[id] = record
        case .forgetFramework(let id): frameworks[id] = nil
        case .setWeight(let role, let weight): weights[role] = weight
        case .setQuota(let role, let quota): quotas[role] = quota
        case .setStanding(let id, let standing): standings[id] = standing
        case .setSchedule(let schedule, _):
            windows = [:]
            for (place, window) in schedule.enumerated() { windows[place] = window }
        case .setMachineDown(let machine, let isDown):
            if isDown { downMachines.insert(machine) } else { downMachines.remove(machine) }
        case .nameCluster(let name): cluster = name
        case .setMinimumCapabilities(let names): minimumCapabilities = names
        }
    }
}

/// What the registry keeps about one framework.
package struct FrameworkRecord: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        case connected
        /// Its failover timeout has been running since then.
        case disconnected(since: WallTime)
        /// Removed; kept for a while so that an agent that comes back with its tasks is told to end them.
        case removed(at: WallTime)
    }

    /// Carries the framework's id.
    package var info: V1FrameworkInfo
    package var phase: Phase

    package init(info: V1FrameworkInfo, phase: Phase) {
        self.info = info
        self.phase = phase
    }
}

/// One change. Repeating one that is already applied changes nothing.
package enum RegistryOperation: Hashable, Sendable {
    /// Also takes it off the unreachable list.
    case admitAgent(AgentID, V1AgentInfo)
    case markUnreachable(AgentID, at: WallTime)
    case removeAgent(AgentID)
    case markGone(AgentID, at: WallTime)
    case forgetUnreachable(AgentID)
    case forgetGone(AgentID)
    case putFramework(FrameworkID, FrameworkRecord)
    case forgetFramework(FrameworkID)
    /// Nil forgets it.
    case setWeight(RoleName, Weight?)
    /// Nil: neither guarantee nor limit.
    case setQuota(RoleName, Quota?)
    /// Nil: the agent is as any other again.
    case setStanding(AgentID, AgentStanding?)
    /// Replaces the whole maintenance schedule, which had windows at places below the number given.
    case setSchedule([V1MaintenanceWindow], replacing: Int)
    case setMachineDown(Machine, Bool)
    case nameCluster(String)
    case setMinimumCapabilities(Set<String>)
}

/// Some changes that are made together or not at all.
package struct RegistryWrite: Equatable, Sendable {
    package let number: UInt64
    package let operations: [RegistryOperation]

    package init(number: UInt64, operations: [RegistryOperation]) {
        self.number = number
        self.operations = operations
    }
}
