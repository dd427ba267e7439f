// `mini state`: the cluster on one screen.

import TextTables

public struct StateReport: Report {
    public struct Totals: Encodable, Hashable, Sendable {
        public var total = Amounts()
        public var allocated = Amounts()
        public var offered = Amounts()
        public var idle = Amounts()
    }

    public var leader: ClusterLeader
    /// Of connected agents.
    public var resources = Totals()
    /// By state.
    public var agents: [String: Int] = [:]
    public var frameworks: [String: Int] = [:]
    /// By state, without the prefix, in lower case. Those that are over are counted since the leader was elected.
    public var tasks: [String: Int] = [:]

    /// - Parameter metrics: The leader's `/metrics/snapshot`.
    public init(
        leader: ClusterLeader, agents: [ClusterAgent], frameworks: [ClusterFramework], metrics: [String: Double]
    ) {
        self.leader = leader
        for agent in agents {
            self.agents[agent.state.rawValue, default: 0] += 1
            guard agent.isConnected else { continue }
            resources.total = resources.total + agent.total
            resources.allocated = resources.allocated + agent.allocated
            resources.offered = resources.offered + agent.offered
        }
        if let unreachable = metrics["master/slaves_unreachable"], unreachable > 0 {
            self.agents[ClusterAgent.State.unreachable.rawValue] = Int(min(unreachable, 1e9))
        }
        resources.idle = resources.total - resources.allocated - resources.offered
        for framework in frameworks { self.frameworks[framework.state.rawValue, default: 0] += 1 }
        for state in Self.taskStates {
            guard let count = metrics["master/tasks_\(state)"], count > 0 else { continue }
            tasks[state] = Int(min(count, 1e12))
        }
    }

    private static let taskStates = [
        "staging", "starting", "running", "killing", "unreachable", "finished", "failed", "killed", "lost", "error",
        "dropped", "gone", "gone_by_operator",
    ]

    public func text(_ sheet: Sheet) -> String {
        let masters = leader.members.isEmpty ? "" : ", \(leader.members.count) in the election"
        let lines = [
            "Leader      \(leader.url), \(leader.since(sheet))\(masters)",
            "Agents      " + Self.counts(agents, in: ClusterAgent.State.allCases.map(\.rawValue)),
            "Frameworks  "
                + Self.counts(frameworks, in: ["active", "inactive", "disconnected", "recovering", "completed"]),
            "Tasks       " + Self.counts(tasks, in: Self.taskStates), "",
        ]
        var table = TextTable([
            .init(""), .init("CPUS", .right), .init("GPUS", .right), .init("MEM", .right), .init("DISK", .right),
        ])
        for (name, amounts) in [
            ("Total", resources.total), ("Allocated", resources.allocated), ("Offered", resources.offered),
            ("Idle", resources.idle),
        ] {
            table.add([name] + amounts.cells)
        }
        return lines.joined(separator: "\n") + "\n" + table.text(width: sheet.width)
    }

    private static func counts(_ counts: [String: Int], in order: [String]) -> String {
        let parts = order.compactMap { name in
            counts[name].map { "\($0) \(name.split(separator: "_").joined(separator: " "))" }
        }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }
}
