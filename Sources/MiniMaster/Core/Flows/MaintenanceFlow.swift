// Maintenance: the schedule, machines that are taken down, and machines that come up again.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// What the whole schedule may take in the registry, where it is replaced in one transaction.
    static let scheduleBytesMax = 400_000
    static let machineDownReason = "Machine is `DOWN`"
    private static let downCause = "Operator initiated 'Machine DOWN'"

    // MARK: Schedule

    mutating func updateSchedule(_ request: RequestNumber, _ schedule: V1MaintenanceSchedule) {
        let planned = registrar.planned
        if let fault = Self.fault(in: schedule, over: planned) { return refuse(request, 400, fault) }
        persist(
            [.setSchedule(schedule.windows, replacing: (planned.windows.keys.max() ?? -1) + 1)],
            then: .operatorChange(.schedule(request)))
    }

    private static func fault(in schedule: V1MaintenanceSchedule, over planned: RegistryState) -> String? {
        var seen: Set<Machine> = []
        var bytes = 0
        for window in schedule.windows {
            if window.machineIds.isEmpty { return "List of machines in the maintenance window is empty" }
            if window.unavailability.hasDuration, window.unavailability.duration.nanoseconds < 0 {
                return "Unavailability 'duration' is negative"
            }
            if let fault = fault(in: window.machineIds, &seen) { return fault }
            // The znode's own name, and that of one it may replace, count too.
            bytes += 256 + MediaType.protobuf.encode(window).count
        }
        guard bytes <= scheduleBytesMax else {
            return "The maintenance schedule is too large: some \(bytes) bytes, at most \(scheduleBytesMax)"
        }
        for machine in planned.downMachines.sorted() where !seen.contains(machine) {
            return "Machine '\(machine.text)' is deactivated and cannot be removed from the schedule"
        }
        return nil
    }

    private static func fault(in machines: [V1MachineID], _ seen: inout Set<Machine>) -> String? {
        for id in machines {
            if id.hostname.isEmpty, id.ip.isEmpty { return "Both 'hostname' and 'ip' for a machine are empty" }
            if !id.ip.isEmpty, !isIPv4(id.ip) { return "Failed to parse IP: '\(id.ip)' is not an IPv4 address" }
            guard seen.insert(Machine(id)).inserted else {
                return "Machine '\(Machine.text(id))' appears more than once in the schedule"
            }
        }
        return nil
    }

    /// Four decimal numbers below 256.
    static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && UInt8(part) != nil
            }
    }

    /// The registry holds a new schedule: offers made without knowing of it are taken back, and frameworks on the
    /// machines are asked to leave.
    mutating func scheduleStored(_ request: RequestNumber) {
        refreshMaintenance()
        note(.info, "the maintenance schedule changed: \(registry.windows.count) windows")
        answer(request, .done)
    }

    /// Finds out anew which agents are concerned, and deals with each that is so in another way than before.
    mutating func refreshMaintenance() {
        let old = maintenance.agents
        maintenance = MaintenanceBook(registry)
        for agent in agents.all {
            let new = unavailability(of: agent)
            maintenance.note(agent.id, new)
            guard old[agent.id] != new else { continue }
            rescindOffers(of: agent.id)
            inverseOffers.forget(agent.id)
        }
        wantAllocation()
    }

    func unavailability(of agent: Agent) -> V1Unavailability? {
        maintenance.unavailability(hostname: agent.hostname, ip: agent.ip)
    }

    func isOnDownMachine(_ hostname: String, _ ip: String) -> Bool {
        maintenance.isDown(hostname: hostname, ip: ip)
    }

    // MARK: Down

    mutating func startMaintenance(_ request: RequestNumber, _ ids: [V1MachineID]) {
        let planned = registrar.planned
        if let fault = Self.fault(in: ids) { return refuse(request, 400, fault) }
        let scheduled = Self.machines(of: planned)
        for id in ids {
            guard scheduled.contains(Machine(id)) else {
                return refuse(request, 400, "Machine '\(Machine.text(id))' is not part of a maintenance schedule")
            }
            guard !planned.downMachines.contains(Machine(id)) else {
                return refuse(
                    request, 400,
                    "Machine '\(Machine.text(id))' is not in DRAINING mode and cannot be brought down")
            }
        }
        let doomed = Set(ids.map(Machine.init))
        // One transaction: no later leader finds the machine down and its agents still expected.
        var operations: [RegistryOperation] = doomed.sorted().map { .setMachineDown($0, true) }
        var leaving: [OperatorChange.LeavingAgent] = []
        for agent in agents.all where !agent.isLeaving {
            guard leaving.count + operations.count < Self.changesPerCallMax,
                let machine = maintenance.machine(hostname: agent.hostname, ip: agent.ip),
                doomed.contains(machine)
            else { continue }
            leaving.append(beginLeaving(agent))
            operations.append(.removeAgent(agent.id))
        }
        persist(operations, then: .operatorChange(.machinesDown(leaving, request)))
    }

    private static func fault(in ids: [V1MachineID]) -> String? {
        if ids.isEmpty { return "List of machines is empty" }
        if ids.count > changesPerCallMax { return "More than \(changesPerCallMax) machines in one call" }
        var seen: Set<Machine> = []
        return fault(in: ids, &seen)
    }

    private static func machines(of state: RegistryState) -> Set<Machine> {
        Set(state.windows.values.flatMap { $0.machineIds.map(Machine.init) })
    }

    /// Nothing more is offered of an agent that goes; its link stays until it was told why.
    mutating func beginLeaving(_ agent: Agent) -> OperatorChange.LeavingAgent {
        rescindOffers(of: agent.id)
        if agent.isAllocated { allocator.setAgentActive(agent.id, false) }
        agents.update(agent.id) { $0.phase = .leaving }
        return OperatorChange.LeavingAgent(id: agent.id, link: agent.openLink)
    }

    mutating func machinesDown(_ leaving: [OperatorChange.LeavingAgent], _ request: RequestNumber) {
        refreshMaintenance()
        for agent in leaving {
            sendAway(agent, Self.downCause)
            guard let known = agents[agent.id] else { continue }
            finishRemoval(agent.id, message: "Agent \(known.hostname) removed: \(Self.downCause)")
        }
        // One that registered while the registry was being told, or that there was no room for in the transaction.
        for agent in agents.all where !agent.isLeaving && isOnDownMachine(agent.hostname, agent.ip) {
            if let link = agent.openLink { emit(.sendCommand(link, .shutdown(Self.downCause))) }
            remove(agent, Self.downCause)
        }
        answer(request, .done)
    }

    /// Tells an agent that is over to shut down, and closes its link.
    mutating func sendAway(_ agent: OperatorChange.LeavingAgent, _ reason: String) {
        guard let link = agent.link else { return }
        emit(.sendCommand(link, .shutdown(reason)))
        emit(.closeLink(link))
    }

    // MARK: Up

    mutating func stopMaintenance(_ request: RequestNumber, _ ids: [V1MachineID]) {
        let planned = registrar.planned
        if let fault = Self.fault(in: ids) { return refuse(request, 400, fault) }
        let scheduled = Self.machines(of: planned)
        for id in ids {
            guard scheduled.contains(Machine(id)) else {
                return refuse(request, 400, "Machine '\(Machine.text(id))' is not part of a maintenance schedule")
            }
            guard planned.downMachines.contains(Machine(id)) else {
                return refuse(
                    request, 400, "Machine '\(Machine.text(id))' is not in DOWN mode and cannot be brought up")
            }
        }
        let risen = Set(ids.map(Machine.init))
        var windows = planned.schedule
        for index in windows.indices { windows[index].machineIds.removeAll { risen.contains(Machine($0)) } }
        windows.removeAll { $0.machineIds.isEmpty }
        persist(
            [.setSchedule(windows, replacing: (planned.windows.keys.max() ?? -1) + 1)]
                + risen.sorted().map { .setMachineDown($0, false) },
            then: .operatorChange(.schedule(request)))
    }
}
