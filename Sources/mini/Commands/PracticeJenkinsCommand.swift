// `mini practice-jenkins`: the stand-in Jenkins controller.

import ArgumentParser
import Logging
import PracticeJenkins

struct PracticeJenkinsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "practice-jenkins",
        abstract: "Run a stand-in for a Jenkins controller, for demos and tests.",
        discussion: "It keeps everything in memory, unless told to keep it in a folder.")

    struct Network: ParsableArguments {
        @Option(help: "Address to listen on.") var ip = "127.0.0.1"
        @Option(help: "Port to listen on; 0 for any that is free.") var port = 8080
    }

    struct Controller: ParsableArguments {
        @Option(
            name: .customLong("users_file"),
            help: ArgumentHelp("Who may log in: lines of name:password:token:permissions.", valueName: "path"))
        var usersFile: String?
        @Option(name: .customLong("quiet_period"), help: "How long a build waits before it may start.")
        var quietPeriod = FlagDuration("300ms")
        @Flag(name: .customLong("anonymous_read"), inversion: .prefixedNo, help: "Whether anybody may read.")
        var anonymousRead = false
        @Option(
            name: .customLong("state_dir"),
            help: ArgumentHelp(
                "Keep jobs, builds, nodes and the queue here: another start goes on with them.", valueName: "path"))
        var stateDirectory: String?
        @OptionGroup var log: LogFlags
    }

    @OptionGroup(title: "Network") var network: Network
    @OptionGroup(title: "Controller") var controller: Controller

    func run() async throws {
        let logger = try controller.log.logger("practice-jenkins")
        var configuration = PracticeJenkinsConfiguration()
        configuration.ip = network.ip
        configuration.port = try FlagCheck.port(network.port, "practice-jenkins: --port")
        configuration.usersFile = controller.usersFile
        configuration.stateDirectory = controller.stateDirectory
        configuration.quietPeriod = controller.quietPeriod.duration
        configuration.anonymousRead = controller.anonymousRead
        let server: PracticeJenkinsServer
        do { server = try await PracticeJenkinsServer.start(configuration, logger: logger) } catch {
            throw CommandFailure(description: "practice-jenkins: \(error)")
        }
        await untilStopped {
            await server.run()
        } stop: {
            await server.stop()
        }
    }
}
