// `mini master`: settings into a configuration, and a master that runs until it is told to stop.

import ArgumentParser
import Logging
import MiniMaster
import Processes
import Settings

struct MasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master", abstract: "Run a master: elect a leader, admit agents, make offers.")

    // The flags are those of `FlagTable.master`: they come from more places than a command line.
    @Argument(parsing: .captureForPassthrough, help: .hidden) var arguments: [String] = []

    func run() async throws {
        try await Self.run(Invocation(part: .master, program: "mini master", arguments: arguments))
    }

    static func run(_ invocation: Invocation) async throws {
        let manager = ServiceManager.ofThisProcess()
        guard let start = try DaemonStart(invocation, .master, abstract: configuration.abstract) else { return }
        let server: MasterServer
        do {
            server = try await MasterServer.start(
                MasterConfiguration(start.settings, ip: try await DaemonHost.ip(start.settings)), logger: start.logger)
        } catch let error as MasterStartError {
            throw CommandFailure(description: "master: \(error)")
        }
        let reason = await untilStopped(reportingTo: manager) {
            await server.position().map { .init($0) }
        } run: {
            await server.run()
        } stop: {
            await server.stop()
        }
        if let reason { throw CommandFailure(description: "master: \(reason)", status: 1) }
    }
}
