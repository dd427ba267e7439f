// `mini drain`, `deactivate`, `reactivate`, `reserve`, `unreserve` and `teardown`: changes to agents and frameworks.

import ArgumentParser
import Foundation
import OperatorClient

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "End the tasks of an agent and give it no more.",
        discussion: """
            Waits until the last task is over and says how many are left. Interrupting the wait, or --detach, does not end the \
            drain; `mini reactivate` brings the agent back afterwards.
            """)

    @Option(
        name: .customLong("max_grace_period"),
        help: ArgumentHelp(
            "The most that a task may take to end; if not given, as its own policy says.", valueName: "duration"))
    var grace: FlagDuration?
    @Flag(name: .customLong("mark_gone"), help: "Afterwards, declare the agent gone for good.") var marksGone = false
    @Flag(help: "Do not wait.") var detach = false
    @Flag(help: "Do not ask before --mark_gone.") var yes = false
    @Argument(help: "The agent's id, the end of it, or its host.", completion: .ids(.agents)) var agent: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let found = try await cluster.ask("drain") { try await $0.agent(agent) }
        if marksGone {
            try Confirmation.ofThisTerminal.ask(ChangeQuestion.markGone(found), "drain", isGiven: yes)
        }
        let call = AgentChange.drain(found.id, grace: grace?.duration, marksGone: marksGone)
        _ = try await cluster.ask("drain") { try await $0.call(call) }
        guard found.state != .unreachable else {
            return cluster.show(
                ChangeReport("drain", found.id, "agent \(found.id) is unreachable; it is drained when it comes back"))
        }
        if !detach { try await wait(found) }
        let done = detach ? "agent \(found.id) is being drained" : "agent \(found.id) is drained"
        cluster.show(
            ChangeReport("drain", found.id, marksGone && !detach ? "agent \(found.id) is drained and gone" : done))
    }

    private func wait(_ agent: ClusterAgent) async throws {
        var last = ""
        let connection = try cluster.connection("drain")
        do {
            var leader = try await connection.leader()
            while true {
                let agents = try await leader.agents()
                let progress = DrainProgress(
                    agent: agent.id, agents: agents, tasks: try await leader.tasks(frameworks: [], agents: agents))
                if progress.isOver { return }
                if progress.line != last {
                    last = progress.line
                    FileHandle.standardError.write(Data("\(agent.hostname): \(last)\n".utf8))
                }
                try await Task.sleep(for: .milliseconds(500))
            }
        } catch { throw ClusterFlags.failure(error, "drain") }
    }
}

struct DeactivateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate", abstract: "Offer nothing more of an agent; its tasks go on.")

    @Argument(help: "The agent's id, the end of it, or its host.", completion: .ids(.agents)) var agent: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let found = try await cluster.ask("deactivate") { leader in
            let found = try await leader.agent(agent)
            try await leader.call(AgentChange.deactivate(found.id))
            return found
        }
        cluster.show(
            ChangeReport(
                "deactivate", found.id, "agent \(found.id) (\(found.hostname)) gets no offers until `mini reactivate`"))
    }
}

struct ReactivateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reactivate", abstract: "Offer an agent again that was drained or deactivated.")

    @Argument(help: "The agent's id, the end of it, or its host.", completion: .ids(.agents)) var agent: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let found = try await cluster.ask("reactivate") { leader in
            let found = try await leader.agent(agent)
            try await leader.call(AgentChange.reactivate(found.id))
            return found
        }
        cluster.show(ChangeReport("reactivate", found.id, "agent \(found.id) (\(found.hostname)) is offered again"))
    }
}

struct ReserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve", abstract: "Set resources of an agent aside for a role.")

    @Option(help: "For whom.") var role: String
    @Argument(help: "The agent's id, the end of it, or its host.", completion: .ids(.agents)) var agent: String
    @Argument(help: ArgumentHelp("How much.", valueName: "cpus:2;mem:512")) var resources: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let principal = try cluster.security.credentials()?.principal
        let found = try await cluster.ask("reserve") { leader in
            let found = try Lookup.agent(agent, among: try await leader.agents())
            let call = try ClusterFlags.parsing("reserve") { () throws(ArgumentProblem) in
                try ReservationChange.reserve(resources, role: role, principal: principal, on: found)
            }
            try await leader.call(call)
            return found
        }
        cluster.show(
            ChangeReport(
                "reserve", found.id, "reserved \(resources) of agent \(found.id) (\(found.hostname)) for role \(role)"))
    }
}

struct UnreserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unreserve", abstract: "Give resources of an agent back that were reserved for a role.")

    @Option(help: "For whom they are reserved.") var role: String
    @Argument(help: "The agent's id, the end of it, or its host.", completion: .ids(.agents)) var agent: String
    @Argument(help: ArgumentHelp("How much.", valueName: "cpus:2;mem:512")) var resources: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let found = try await cluster.ask("unreserve") { leader in
            let found = try Lookup.agent(agent, among: try await leader.agents())
            let call = try ClusterFlags.parsing("unreserve") { () throws(ArgumentProblem) in
                try ReservationChange.unreserve(resources, role: role, on: found)
            }
            try await leader.call(call)
            return found
        }
        cluster.show(
            ChangeReport(
                "unreserve", found.id,
                "agent \(found.id) (\(found.hostname)) has \(resources) less reserved for role \(role)"))
    }
}

struct TeardownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "teardown", abstract: "End a framework with all its tasks, for good.")

    @Flag(help: "Do not ask.") var yes = false
    @Argument(help: "The framework's id, the end of it, or its name.", completion: .ids(.frameworks)) var framework:
        String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let (found, count) = try await cluster.ask("teardown") { leader in
            let frameworks = try await leader.frameworks()
            let found = try Lookup.framework(framework, among: frameworks)
            guard found.state != .completed else {
                throw OperatorFailure(.refused, "framework \(found.id) (\(found.name)) is over already")
            }
            let tasks = try await leader.tasks(frameworks: [], agents: [])
            return (found, tasks.count { $0.frameworkID == found.id && !$0.isTerminal })
        }
        try Confirmation.ofThisTerminal.ask(
            ChangeQuestion.teardown(found, tasks: count), "teardown", isGiven: yes)
        _ = try await cluster.ask("teardown") { try await $0.call(AgentChange.teardown(found.id)) }
        cluster.show(ChangeReport("teardown", found.id, ChangeQuestion.tornDown(found, tasks: count)))
    }
}
