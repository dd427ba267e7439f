// `mini jenkins --config FILE`: the framework itself, or several.

import ArgumentParser
import Foundation
import JenkinsFramework
import Logging
import Processes

struct JenkinsRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the framework until a signal ends it. Done if nothing else is asked for.",
        discussion: """
            SIGHUP has the configuration read again; a changed file is noticed by itself. With --config given several
            times, each file is a framework of its own with its own controller, and one that fails does not stop the others.
            """)

    struct General: ParsableArguments {
        @Option(help: ArgumentHelp("A configuration file (YAML); may be given several times.", valueName: "path"))
        var config: [String]
        @OptionGroup var log: LogFlags
    }

    @OptionGroup(title: "General") var general: General

    func run() async throws {
        let manager = ServiceManager.ofThisProcess()
        let logger = try general.log.logger("mini-jenkins")
        let fleet: FrameworkFleet
        do throws(JenkinsFrameworkError) {
            fleet = try FrameworkFleet.load(
                general.config, gateKeeper: { JenkinsGateKeeperCommand.command(configuration: $0) }, logger: logger)
        } catch {
            throw Self.failure(error)
        }
        let failure = await untilStopped(reportingTo: manager, hangup: { fleet.reload() }) {
            fleet.takePosition().map { .init($0) }
        } run: { () async -> JenkinsFrameworkError? in
            do throws(JenkinsFrameworkError) { try await fleet.run() } catch { return error }
            return nil
        } stop: {
            await fleet.stop()
        }
        if let failure { throw Self.failure(failure) }
    }

    /// Several problems of a configuration get a line each before the last word.
    private static func failure(_ error: JenkinsFrameworkError) -> CommandFailure {
        let lines = error.description.split(separator: "\n")
        let status: Int32 = error.isBeforeStart ? 2 : 1
        guard lines.count > 1 else { return CommandFailure(description: "jenkins: \(error)", status: status) }
        for line in lines { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
        return CommandFailure(description: "jenkins: \(lines.count) problems, nothing was started", status: status)
    }
}
