// `mini ids`: what shells complete ids with.

import ArgumentParser
import OperatorClient

/// Prints ids, one a line. Says nothing where the cluster does not answer at once: somebody is typing.
struct IdsCommand: AsyncParsableCommand {
    enum Kind: String, ExpressibleByArgument, CaseIterable { case agents, frameworks, tasks, running }

    static let configuration = CommandConfiguration(
        commandName: "ids", abstract: "Print ids, for the completion of shells.", shouldDisplay: false)

    @Argument var kind: Kind
    @OptionGroup var master: MasterFlag
    @OptionGroup(title: "Security") var security: ClientSecurityFlags

    func run() async throws {
        guard let ids = try? await ids() else { return }
        for id in ids { print(id) }
    }

    private func ids() async throws -> [String] {
        var flags = try ClusterFlags.parse([])
        (flags.master, flags.security, flags.timeout) = (master, security, FlagDuration("2secs"))
        var leader = try await flags.connection("ids").leader()
        switch kind {
        case .agents: return try await leader.agents().map(\.id)
        case .frameworks: return try await leader.frameworks().filter { $0.state != .completed }.map(\.id)
        case .tasks: return try await leader.tasks(frameworks: [], agents: []).map(\.id)
        case .running:
            return try await leader.tasks(frameworks: [], agents: []).filter { !$0.isTerminal }.map(\.id)
        }
    }
}

extension CompletionKind {
    /// Ids of the cluster that the environment names.
    static func ids(_ kind: IdsCommand.Kind) -> CompletionKind { .shellCommand("mini ids \(kind.rawValue)") }
}
