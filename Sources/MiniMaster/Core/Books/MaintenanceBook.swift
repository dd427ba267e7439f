// Which machines are, or will be, out of service, found by an agent's host name and address.
import MesosProtocol
import Resources

/// The maintenance schedule, ready to be asked about agents. Rebuilt whenever the registry's schedule changes.
package struct MaintenanceBook: Sendable {
    private struct Entry: Sendable {
        var machine: Machine
        var unavailability: V1Unavailability
    }

    private var byHostname: [String: [Entry]] = [:]
    private var byIP: [String: [Entry]] = [:]
    private var down: Set<Machine> = []
    /// Agents that are known to be on a machine of the schedule.
    private(set) var agents: [AgentID: V1Unavailability] = [:]

    package init() {}

    init(_ state: RegistryState) {
        down = state.downMachines
        for window in state.schedule {
            for id in window.machineIds {
                let entry = Entry(machine: Machine(id), unavailability: window.unavailability)
                if entry.machine.hostname.isEmpty {
                    byIP[entry.machine.ip, default: []].append(entry)
                } else {
                    byHostname[entry.machine.hostname, default: []].append(entry)
                }
            }
        }
    }

    var isEmpty: Bool { byHostname.isEmpty && byIP.isEmpty }

    private func entry(_ hostname: String, _ ip: String) -> Entry? {
        let named = byHostname[hostname.lowercased()] ?? []
        // The more exact name wins.
        return named.first { $0.machine.ip == ip } ?? named.first { $0.machine.ip.isEmpty } ?? byIP[ip]?.first
    }

    /// The machine of the schedule on which an agent of that name and address runs.
    package func machine(hostname: String, ip: String) -> Machine? { entry(hostname, ip)?.machine }

    package func unavailability(hostname: String, ip: String) -> V1Unavailability? {
        entry(hostname, ip)?.unavailability
    }

    package func isDown(hostname: String, ip: String) -> Bool {
        entry(hostname, ip).map { down.contains($0.machine) } ?? false
    }

    mutating func note(_ agent: AgentID, _ unavailability: V1Unavailability?) { agents[agent] = unavailability }
}
