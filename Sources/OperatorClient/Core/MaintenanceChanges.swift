// `mini maintenance`: which machines are to be taken down when, and how far that is.

import MesosProtocol
import Resources
import TextTables

public struct Machine: Encodable, Hashable, Sendable {
    public var hostname: String
    public var ip: String

    public init(hostname: String, ip: String) {
        self.hostname = hostname
        self.ip = ip
    }

    init(_ id: V1MachineID) { self.init(hostname: id.hostname, ip: id.ip) }

    var message: V1MachineID {
        var id = V1MachineID()
        if !hostname.isEmpty { id.hostname = hostname }
        if !ip.isEmpty { id.ip = ip }
        return id
    }

    /// Finds the machine that a text means: that of an agent, one of the schedule, or `HOST/IP` outright.
    public static func find(
        _ text: String, agents: [ClusterAgent], scheduled: [Machine]
    ) throws(LookupFailure) -> Machine {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty {
            return Machine(hostname: String(parts[0]), ip: String(parts[1]))
        }
        if let machine = scheduled.first(where: { $0.hostname == text || $0.ip == text }) { return machine }
        // Several agents of one host are one machine.
        let sameHost = agents.filter { $0.hostname == text && !$0.address.isEmpty }
        if let first = sameHost.first, Set(sameHost.map(\.ip)).count == 1 {
            return Machine(hostname: first.hostname, ip: first.ip)
        }
        let agent = try Lookup.agent(text, among: agents)
        return Machine(hostname: agent.hostname, ip: agent.ip)
    }

    var text: String { ip.isEmpty || ip == hostname ? hostname : "\(hostname) (\(ip))" }
}

public struct MaintenanceReport: Report {
    public struct Entry: Encodable, Hashable, Sendable {
        public var machine: Machine
        /// `scheduled`, `draining` or `down`
        public var mode: String
        /// Seconds since the Unix epoch.
        public var start: Double
        /// Seconds; nil: without end.
        public var duration: Double?
        /// How many frameworks have agreed, declined, and not answered.
        public var accepted: Int
        public var declined: Int
    }
    public var machines: [Entry]

    public init(_ schedule: V1MaintenanceSchedule, _ status: V1MaintenanceClusterStatus, now: Double) {
        let down = Set(status.downMachines.map(Machine.init))
        let draining = Dictionary(status.drainingMachines.map { (Machine($0.id), $0.statuses) }) { first, _ in first }
        machines = schedule.windows.flatMap { window in
            window.machineIds.map { id -> Entry in
                let machine = Machine(id)
                let start = window.unavailability.start.seconds
                let answers = draining[machine] ?? []
                // A machine is DRAINING from the moment it is scheduled; people mean the window.
                let mode = down.contains(machine) ? "down" : start > now ? "scheduled" : "draining"
                return Entry(
                    machine: machine, mode: mode, start: start,
                    duration: window.unavailability.hasDuration
                        ? Double(window.unavailability.duration.nanoseconds) / 1e9 : nil,
                    accepted: answers.count { $0.status == .accept }, declined: answers.count { $0.status == .decline })
            }
        }.sorted { ($0.start, $0.machine.hostname, $0.machine.ip) < ($1.start, $1.machine.hostname, $1.machine.ip) }
    }

    public func text(_ sheet: Sheet) -> String {
        guard !machines.isEmpty else { return "no maintenance is scheduled" }
        var table = TextTable([
            .init("HOST", mayShrink: true), .init("IP"), .init("MODE"), .init("START"),
            .init("IN", .right, dropOrder: 2),
            .init("FOR", .right), .init("FRAMEWORKS", dropOrder: 1),
        ])
        for entry in machines {
            let wait = entry.start - sheet.now
            table.add([
                Cell.of(entry.machine.hostname), Cell.of(entry.machine.ip), entry.mode, Figures.time(entry.start),
                wait > 0 ? Figures.span(wait) : Cell.none, entry.duration.map(Figures.span) ?? "ever",
                "\(entry.accepted) agreed, \(entry.declined) declined",
            ])
        }
        return table.text(width: sheet.width)
    }
}

public enum MaintenanceChange {
    /// The schedule with one more window. The call replaces the whole schedule, so that `current` must be fresh.
    public static func schedule(
        _ machines: [Machine], start: Double, duration: Duration?, in current: V1MaintenanceSchedule
    ) -> V1OperatorCall {
        var schedule = remaining(current, without: machines)
        var window = V1MaintenanceWindow()
        window.machineIds = machines.map(\.message)
        // Whatever lies beyond the 292 years that the message can say is said as these.
        window.unavailability.start.nanoseconds = Int64(exactly: (start * 1e9).rounded()) ?? .max
        if let duration { window.unavailability.duration.nanoseconds = duration.clampedNanoseconds }
        schedule.windows.append(window)
        return update(schedule)
    }

    /// The schedule without these machines.
    public static func cancel(_ machines: [Machine], in current: V1MaintenanceSchedule) -> V1OperatorCall {
        update(remaining(current, without: machines))
    }

    private static func remaining(
        _ current: V1MaintenanceSchedule, without machines: [Machine]
    ) -> V1MaintenanceSchedule {
        var schedule = V1MaintenanceSchedule()
        for var window in current.windows {
            window.machineIds.removeAll { machines.contains(Machine($0)) }
            if !window.machineIds.isEmpty { schedule.windows.append(window) }
        }
        return schedule
    }

    private static func update(_ schedule: V1MaintenanceSchedule) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .updateMaintenanceSchedule
        call.updateMaintenanceSchedule.schedule = schedule
        return call
    }

    public static func down(_ machines: [Machine]) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .startMaintenance
        call.startMaintenance.machines = machines.map(\.message)
        return call
    }

    public static func up(_ machines: [Machine]) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .stopMaintenance
        call.stopMaintenance.machines = machines.map(\.message)
        return call
    }

    public static func machines(of schedule: V1MaintenanceSchedule) -> [Machine] {
        schedule.windows.flatMap { $0.machineIds.map(Machine.init) }
    }
}
