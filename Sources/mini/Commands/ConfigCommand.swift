// `mini config explain`: what a daemon would run with here, and where each value comes from.

import ArgumentParser
import Foundation
import Settings

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show what a master or an agent would run with, and where each value comes from."
    )

    @Argument(parsing: .captureForPassthrough, help: .hidden) var arguments: [String] = []

    func run() throws {
        try Self.run(Invocation(part: .configuration, program: "mini config", arguments: arguments))
    }

    /// Prints the explanation; exit status 2 if the daemon would not start.
    static func run(_ invocation: Invocation) throws {
        var words = invocation.arguments
        if words.contains("--help") || words.contains("-h") {
            print(help)
            return
        }
        if words.contains("--version") {
            print(Mini.version)
            return
        }
        guard words.first == "explain", words.count >= 2 else {
            throw CommandFailure(description: "config: expected 'explain master' or 'explain agent', then its flags")
        }
        let table: FlagTable
        switch words[1] {
        case "master", "mesos-master": table = .master
        case "agent", "slave", "mesos-agent", "mesos-slave": table = .agent
        default:
            throw CommandFailure(description: "config: expected master or agent after explain, found '\(words[1])'")
        }
        words.removeFirst(2)
        let isJSON = words.contains { ["--json", "--json=true", "--json=1"].contains($0) }
        words.removeAll { $0 == "--json" || $0.hasPrefix("--json=") }
        let settings = SettingsResolver.resolve(table, .ofThisProcess(words))
        print(isJSON ? try SettingsDocument(settings).json : SettingsReport(settings).text)
        if !settings.problems.isEmpty { throw ExitCode(2) }
    }

    private static let help = """
        OVERVIEW: \(configuration.abstract)

        USAGE: mini config explain master|agent [--json] [flags of that daemon]

        Reads the command line, the environment and the files exactly as `mini master` or `mini agent` would, starts
        nothing, and prints every value with its origin. Secrets are not shown. The exit status is 2 if the daemon
        would not start with these settings, else 0.

        OPTIONS:
          --json                  Print one JSON document.
          --etc_dir=<path>        Look for the folders and files of a Mesos installation there. (default: /etc)
          --version               Show the version.
          --help                  Show this.
        """
}
