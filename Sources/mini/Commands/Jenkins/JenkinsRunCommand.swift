// `mini jenkins --config FILE`: the framework itself.

import ArgumentParser
import JenkinsFramework
import Logging
import Processes

struct JenkinsRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the framework until a signal ends it. Done if nothing else is asked for.")

    struct General: ParsableArguments {
        @Option(help: ArgumentHelp("The configuration file (YAML).", valueName: "path")) var config: String
        @OptionGroup var log: LogFlags
    }

    @OptionGroup(title: "General") var general: General

    func run() async throws {
        let manager = ServiceManager.ofThisProcess()
        let logger = try general.log.logger("mini-jenkins")
        let server: JenkinsFrameworkServer
        do {
            let configuration = try JenkinsConfiguration.load(path: general.config)
            server = try await JenkinsFrameworkServer.start(configuration, logger: logger)
        } catch {
            throw CommandFailure(description: "jenkins: \(error)")
        }
        let failure = await untilStopped(reportingTo: manager) {
            server.takePosition().map { .init($0) }
        } run: { () async -> JenkinsFrameworkError? in
            do throws(JenkinsFrameworkError) { try await server.run() } catch { return error }
            return nil
        } stop: {
            await server.stop()
        }
        if let failure { throw CommandFailure(description: "jenkins: \(failure)", status: 1) }
    }
}
