// `mini weights` and `mini quota`: what roles are entitled to.

import ArgumentParser
import OperatorClient

extension ClusterFlags {
    /// Turns a wrong argument into wrong usage of the command.
    static func parsing<Value>(_ command: String, _ body: () throws(ArgumentProblem) -> Value) throws -> Value {
        do throws(ArgumentProblem) { return try body() } catch {
            throw CommandFailure(description: "\(command): \(error)")
        }
    }
}

struct WeightsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights", abstract: "Show or set the weights of roles, or ask what others would lead to.",
        subcommands: [WeightsGetCommand.self, WeightsSetCommand.self, WeightsPreviewCommand.self],
        defaultSubcommand: WeightsGetCommand.self)
}

struct WeightsGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show the weights that are set.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("weights get") { try await $0.weights() })
    }
}

struct WeightsSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set weights of roles; offers that no longer fit are taken back.")

    @Argument(help: ArgumentHelp("New weights.", valueName: "role=weight")) var weights: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let call = try ClusterFlags.parsing("weights set") { () throws(ArgumentProblem) in
            try WeightChange.call(weights)
        }
        _ = try await cluster.ask("weights set") { try await $0.call(call) }
        let list = weights.joined(separator: ", ")
        cluster.show(ChangeReport("weights set", list, "set \(list)"))
    }
}

struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Show, set or remove what roles are guaranteed and how far they may go.",
        subcommands: [QuotaGetCommand.self, QuotaSetCommand.self, QuotaRemoveCommand.self],
        defaultSubcommand: QuotaGetCommand.self)
}

struct QuotaGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show the quotas that are set.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("quota get") { leader in
                let roles = try await leader.roles()
                return try await leader.quotas(roles: roles)
            })
    }
}

struct QuotaSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a role's guarantee, its limit, or both.",
        discussion: "What is not given stays as it is.")

    @Option(help: ArgumentHelp("What the role gets before others.", valueName: "cpus:4;mem:1024"))
    var guarantee: String?
    @Option(help: ArgumentHelp("What the role never goes beyond.", valueName: "cpus:8;mem:4096")) var limit: String?
    @Flag(help: "Also if the role already has more, or the cluster does not have so much.") var force = false
    @Argument(help: "The role.") var role: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        guard guarantee != nil || limit != nil else {
            throw CommandFailure(description: "quota set: give --guarantee, --limit or both")
        }
        // Found before anybody is asked.
        _ = try change(nil)
        _ = try await cluster.ask("quota set") { leader in
            let current = try await leader.quotas()
            try await leader.call(try change(current.quotas.first { $0.role == role }))
        }
        let parts = [guarantee.map { "guarantee \($0)" }, limit.map { "limit \($0)" }].compactMap(\.self)
        cluster.show(ChangeReport("quota set", role, "set for role \(role): \(parts.joined(separator: ", "))"))
    }

    private func change(_ current: QuotaReport.Entry?) throws -> OperatorCall {
        try ClusterFlags.parsing("quota set") { () throws(ArgumentProblem) in
            try QuotaChange.call(role: role, guarantee: guarantee, limit: limit, force: force, current: current)
        }
    }
}

struct QuotaRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a role's quota.")

    @Argument(help: "The role.") var role: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        _ = try await cluster.ask("quota remove") { leader in
            let current = try await leader.quotas()
            guard current.quotas.contains(where: { $0.role == role }) else {
                throw OperatorFailure(.notFound, "role \(role) has no quota: `mini quota` lists those that have")
            }
            try await leader.call(QuotaChange.removal(role: role))
        }
        cluster.show(ChangeReport("quota remove", role, "role \(role) has no quota any more"))
    }
}
