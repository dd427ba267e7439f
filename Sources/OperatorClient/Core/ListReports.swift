// The tables of `mini agents`, `frameworks`, `roles`, `tasks` and `ps`.

import MesosProtocol
import TextTables

/// Cells that stand for nothing, and times.
enum Cell {
    static let none = "-"

    static func of(_ text: String) -> String { text.isEmpty ? none : text }

    /// How long ago.
    static func age(_ time: Double?, _ sheet: Sheet) -> String {
        time.map { Figures.span(sheet.now - $0) } ?? none
    }

    /// `1.5/4`: what is used of what there is.
    static func used(_ part: Double, of whole: Double) -> String {
        "\(Figures.decimal(part))/\(Figures.decimal(whole))"
    }

    static func usedMemory(_ part: Double, of whole: Double) -> String {
        "\(Figures.memory(part))/\(Figures.memory(whole))"
    }
}

public struct AgentsReport: Report {
    public var agents: [ClusterAgent]

    public init(agents: [ClusterAgent]) { self.agents = agents }

    public func text(_ sheet: Sheet) -> String {
        guard !agents.isEmpty else { return "no agents" }
        let hasGPUs = agents.contains { $0.total.gpus > 0 }
        var table = TextTable(
            [
                .init("ID", mayShrink: true, keepsEnd: true), .init("HOST", mayShrink: true), .init("STATE"),
                .init("CPUS", .right), .init("GPUS", .right, dropOrder: hasGPUs ? 2 : 9), .init("MEM", .right),
                .init("DISK", .right, dropOrder: 4), .init("ADDRESS", mayShrink: true, dropOrder: 5),
                .init("VERSION", dropOrder: 7), .init("AGE", .right, dropOrder: 3),
                .init("ATTRIBUTES", mayShrink: true, dropOrder: 8),
            ])
        for agent in agents {
            let used = agent.allocated
            let hasResources = agent.total != Amounts()
            let attributes = agent.attributes.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            table.add([
                agent.id, Cell.of(agent.hostname), agent.state.rawValue,
                hasResources ? Cell.used(used.cpus, of: agent.total.cpus) : Cell.none,
                agent.total.gpus > 0 ? Cell.used(used.gpus, of: agent.total.gpus) : Cell.none,
                hasResources ? Cell.usedMemory(used.mem, of: agent.total.mem) : Cell.none,
                hasResources ? Cell.usedMemory(used.disk, of: agent.total.disk) : Cell.none,
                Cell.of(agent.address), Cell.of(agent.version), Cell.age(agent.registered ?? agent.since, sheet),
                attributes.joined(separator: ";"),
            ])
        }
        return table.text(width: sheet.width)
    }
}

public struct FrameworksReport: Report {
    public var frameworks: [ClusterFramework]

    public init(_ frameworks: [ClusterFramework], tasks: [ClusterTask]) {
        var counts: [String: Int] = [:]
        for task in tasks where !task.isTerminal { counts[task.frameworkID, default: 0] += 1 }
        self.frameworks = frameworks
        for index in self.frameworks.indices {
            self.frameworks[index].activeTasks = counts[self.frameworks[index].id] ?? 0
        }
    }

    public func text(_ sheet: Sheet) -> String {
        guard !frameworks.isEmpty else { return "no frameworks" }
        var table = TextTable([
            .init("ID", mayShrink: true, keepsEnd: true), .init("NAME", mayShrink: true),
            .init("ROLES", mayShrink: true), .init("STATE"), .init("TASKS", .right), .init("CPUS", .right),
            .init("MEM", .right), .init("OFFERED", mayShrink: true, dropOrder: 4),
            .init("HOST", mayShrink: true, dropOrder: 5),
            .init("USER", dropOrder: 6), .init("AGE", .right, dropOrder: 3),
        ])
        for framework in frameworks {
            table.add([
                framework.id, framework.name, framework.roles.joined(separator: ","), framework.state.rawValue,
                "\(framework.activeTasks)", Figures.decimal(framework.allocated.cpus),
                Figures.memory(framework.allocated.mem),
                framework.offered == Amounts() ? Cell.none : framework.offered.words, Cell.of(framework.hostname),
                Cell.of(framework.user), Cell.age(framework.unregistered ?? framework.registered, sheet),
            ])
        }
        return table.text(width: sheet.width)
    }
}

public struct RolesReport: Report {
    public var roles: [ClusterRole]

    public init(roles: [ClusterRole]) { self.roles = roles }

    public func text(_ sheet: Sheet) -> String {
        guard !roles.isEmpty else { return "no roles" }
        var table = TextTable([
            .init("ROLE", mayShrink: true, keepsEnd: true), .init("WEIGHT", .right), .init("SHARE", .right),
            .init("IDEAL", .right), .init("FRAMEWORKS", .right, dropOrder: 3), .init("CPUS", .right),
            .init("MEM", .right), .init("OFFERED", mayShrink: true, dropOrder: 5),
            .init("RESERVED", mayShrink: true, dropOrder: 4), .init("GUARANTEE", mayShrink: true, dropOrder: 1),
            .init("LIMIT", mayShrink: true, dropOrder: 2),
        ])
        for role in roles {
            table.add([
                role.name, Figures.decimal(role.weight, 3), Figures.percent(role.share),
                role.idealShare.map(Figures.percent) ?? Cell.none, "\(role.frameworks.count)",
                Figures.decimal(role.allocated.cpus), Figures.memory(role.allocated.mem),
                role.offered == Amounts() ? Cell.none : role.offered.words,
                role.reserved == Amounts() ? Cell.none : role.reserved.words, Quantities.text(role.guarantee),
                Quantities.text(role.limit),
            ])
        }
        return table.text(width: sheet.width)
    }
}

/// Amounts by name, as quotas have them.
enum Quantities {
    static func text(_ amounts: [String: Double]) -> String {
        guard !amounts.isEmpty else { return Cell.none }
        return amounts.sorted { $0.key < $1.key }.map { "\($0.key):\(Figures.decimal($0.value, 3))" }
            .joined(separator: ";")
    }
}

public struct TasksReport: Report {
    /// Which tasks are wanted; nil does not choose.
    public struct Choice: Hashable, Sendable {
        /// Also those that are over.
        public var all = false
        /// `TASK_FAILED`, `failed`.
        public var state: String?
        public var frameworkID: String?
        public var agentID: String?
        /// With the roles below it.
        public var role: String?

        public init() {}

        func includes(_ task: ClusterTask) -> Bool {
            if let state, Self.name(task.state) != Self.name(state) { return false }
            if let frameworkID, task.frameworkID != frameworkID { return false }
            if let agentID, task.agentID != agentID { return false }
            if let role, task.role != role, !task.role.hasPrefix(role + "/") { return false }
            return all || state != nil || !task.isTerminal
        }

        /// `staging`, `running` and so on.
        public static let states = V1TaskState.allCases.map { name($0.name).lowercased() }

        public static func isState(_ text: String) -> Bool { states.contains(name(text).lowercased()) }

        private static func name(_ state: String) -> String {
            let upper = state.uppercased()
            return upper.hasPrefix("TASK_") ? String(upper.dropFirst(5)) : upper
        }
    }

    public var tasks: [ClusterTask]

    public init(_ tasks: [ClusterTask], _ choice: Choice) { self.tasks = tasks.filter(choice.includes) }

    public func text(_ sheet: Sheet) -> String {
        guard !tasks.isEmpty else { return "no tasks" }
        var columns: [TextTable.Column] = [
            .init("ID", mayShrink: true, keepsEnd: true), .init("NAME", mayShrink: true, dropOrder: 2),
            .init("FRAMEWORK", mayShrink: true, dropOrder: 4), .init("ROLE", mayShrink: true, dropOrder: 5),
            .init("AGENT", mayShrink: true), .init("STATE"), .init("CPUS", .right), .init("MEM", .right),
            .init("SINCE", .right, dropOrder: 3),
        ]
        // Why a task ended: only where one has.
        let hasWords = tasks.contains { $0.lastWord != nil }
        if hasWords { columns.append(.init("LAST WORD", mayShrink: true, dropOrder: 1)) }
        var table = TextTable(columns)
        for task in tasks {
            let state = task.state.hasPrefix("TASK_") ? String(task.state.dropFirst(5)).lowercased() : task.state
            let cells = [
                task.id, task.name, task.framework, task.role, task.agent, state,
                Figures.decimal(task.resources.cpus), Figures.memory(task.resources.mem), Cell.age(task.since, sheet),
            ]
            table.add(cells + (hasWords ? [task.lastWord ?? Cell.none] : []))
        }
        return table.text(width: sheet.width)
    }
}
