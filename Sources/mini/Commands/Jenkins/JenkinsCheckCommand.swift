// `mini jenkins check CONFIG`: tries what a configuration names.

import ArgumentParser
import JenkinsFramework

struct JenkinsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a configuration: the file, the controller, the master.",
        discussion: """
            Prints a line for each thing that was looked at, with what to do about it. A node is created on the controller
            and deleted again, because nothing else tells whether that is allowed. The exit status is 1 if the framework
            would not work.
            """)

    @Argument(help: ArgumentHelp("The configuration file (YAML).", valueName: "config")) var config: String
    @Flag(help: "Print one JSON document.") var json = false

    func run() async throws {
        let progress = Progress("trying what \(config) names")
        let report = await ConfigurationCheck.run(path: config)
        await progress.end()
        print(json ? report.json : report.text)
        if report.exitStatus != 0 { throw ExitCode(report.exitStatus) }
    }
}
