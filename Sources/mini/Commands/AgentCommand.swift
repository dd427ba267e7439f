// `mini agent`: settings into a configuration, and an agent that runs until it is told to stop.

import ArgumentParser
import Logging
import MiniAgent
import Processes
import Settings

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Run an agent: offer this host's resources, run and supervise tasks.")

    // The flags are those of `FlagTable.agent`: they come from more places than a command line.
    @Argument(parsing: .captureForPassthrough, help: .hidden) var arguments: [String] = []

    func run() async throws {
        try await Self.run(Invocation(part: .agent, program: "mini agent", arguments: arguments))
    }

    static func run(_ invocation: Invocation) async throws {
        let manager = ServiceManager.ofThisProcess()
        let abstract =
            configuration.abstract
            + " Tasks survive it: start it again with the same --work_dir, and it finds them."
        guard let start = try DaemonStart(invocation, .agent, abstract: abstract) else { return }
        let server: AgentServer
        do {
            server = try await AgentServer.start(
                AgentConfiguration(start.settings, ip: try await DaemonHost.ip(start.settings)), logger: start.logger)
        } catch let error as AgentStartError {
            throw CommandFailure(description: "agent: \(error)")
        }
        let end = await untilStopped(reportingTo: manager) {
            .init(await server.position)
        } run: {
            await server.run()
        } stop: {
            await server.stop()
        }
        if case .failed(let reason) = end { throw CommandFailure(description: "agent: \(reason)", status: 1) }
    }
}
