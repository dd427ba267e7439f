// `mini state`, `leader`, `agents`, `frameworks`, `roles`, `tasks` and `ps`: what there is.

import ArgumentParser
import OperatorClient

struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Show the cluster on one screen: who leads, how much there is and who has it.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws { cluster.show(try await cluster.ask("state") { try await $0.state() }) }
}

struct LeaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leader", abstract: "Say which master leads, since when, and which stand by.",
        discussion: "The exit status is 4 if none leads.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws { cluster.show(try await cluster.ask("leader") { try await $0.masters() }) }
}

struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents", abstract: "List the agents with what they have and what is used of it.",
        discussion: """
            States: active, draining, drained, deactivated (gets no offers), disconnected, recovering (known from before the \
            master took over), unreachable, and with --all gone.
            """)

    @Flag(help: "Also those that were declared gone.") var all = false
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let agents = try await cluster.ask("agents") { leader in
            let lost = try await leader.lostAgents().filter { all || $0.state != .gone }
            return try await leader.agents() + lost
        }
        cluster.show(AgentsReport(agents: agents))
    }
}

struct FrameworksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameworks", abstract: "List the frameworks with what they hold.")

    @Flag(help: "Also those that are over.") var all = false
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let report = try await cluster.ask("frameworks") { leader in
            let frameworks = try await leader.frameworks().filter { all || $0.state != .completed }
            return FrameworksReport(frameworks, tasks: try await leader.tasks(frameworks: frameworks, agents: []))
        }
        cluster.show(report)
    }
}

struct RolesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "List the roles with weight, quota, and what they hold against what is theirs.",
        discussion: """
            SHARE is the largest fraction of any one resource that a role and those below it hold or are offered; IDEAL is \
            what its weight entitles it to among the roles beside it that take part.
            """)

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(RolesReport(roles: try await cluster.ask("roles") { try await $0.roles() }))
    }
}

/// Which tasks are wanted.
struct TaskChoiceFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Of this framework only.", valueName: "id or name")) var framework: String?
    @Option(help: ArgumentHelp("On this agent only.", valueName: "id or host")) var agent: String?
    @Option(help: "In this role, or below it, only.") var role: String?

    func report(
        _ leader: inout LeaderSession, all: Bool, state: String?
    ) async throws -> TasksReport {
        let frameworks = try await leader.frameworks()
        let agents = try await leader.agents()
        var choice = TasksReport.Choice()
        choice.all = all
        choice.state = state
        choice.role = role
        choice.frameworkID = try framework.map { try Lookup.framework($0, among: frameworks).id }
        choice.agentID = try agent.map { try Lookup.agent($0, among: agents).id }
        return TasksReport(try await leader.tasks(frameworks: frameworks, agents: agents), choice)
    }
}

struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks", abstract: "List tasks, the newest first.")

    @Flag(help: "Also those that are over.") var all = false
    @Option(help: ArgumentHelp("In this state only, as in: failed.", valueName: "state")) var state: String?
    @OptionGroup var choice: TaskChoiceFlags
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        if let state { try Self.check(state) }
        cluster.show(
            try await cluster.ask("tasks") { try await choice.report(&$0, all: all, state: state) })
    }

    private static func check(_ state: String) throws {
        guard !TasksReport.Choice.isState(state) else { return }
        throw CommandFailure(
            description: "tasks: --state: expected one of \(TasksReport.Choice.states.joined(separator: ", ")), "
                + "found '\(state)'")
    }
}

struct PsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the tasks that run.",
        discussion: "`mini tasks` also lists those that start, end, or cannot be reached.")

    @OptionGroup var choice: TaskChoiceFlags
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("ps") { try await choice.report(&$0, all: false, state: "running") })
    }
}
