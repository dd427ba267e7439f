// The hidden command that closes the gates of strictly single-use agents when the framework has died.

import ArgumentParser
import Foundation
import JenkinsFramework

struct JenkinsGateKeeperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate-keeper",
        abstract: "Waits for the end of standard input, then closes the gates that stand open.", shouldDisplay: false)

    @Option var config: String
    @OptionGroup var log: LogFlags

    /// This program, whatever has become of its file.
    static func command(configuration path: String) -> GateKeeperCommand {
        GateKeeperCommand(
            program: "/proc/self/exe", arguments: ["jenkins", configuration.commandName ?? "", "--config=\(path)"])
    }

    func run() async throws {
        // Whatever ends the framework may be sent to this process too; its work is still to come.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { signal(number, SIG_IGN) }
        let logger = try log.logger("mini-jenkins-gate-keeper")
        let isDone = await GateKeeper.run(configuration: config, input: STDIN_FILENO, logger: logger)
        throw ExitCode(isDone ? 0 : 1)
    }
}
