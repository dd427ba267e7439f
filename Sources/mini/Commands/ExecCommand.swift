// `mini exec`: a command beside a task, in the task's container.

import ArgumentParser
import Foundation
import MasterDetection
import TaskRun

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract:
            "Run a command in the container of a task that runs; its output and exit status become this command's.",
        usage: "mini exec [--master zk://host:port/path] TASK [--tty] -- COMMAND [ARGUMENT ...]",
        discussion:
            "The agent runs the command, with the task's user, variables and limits. When this command ends, so "
            + "does the other.")

    @OptionGroup var place: MasterFlag
    @Option(help: ArgumentHelp("Whose task, if several frameworks have one of that name.", valueName: "id"))
    var framework: String?
    @Flag(help: "Give the command a terminal, for shells and editors.") var tty =
        false
    @Option(help: "Whom the command runs as; the task's user if not given.") var user: String?
    @Option(help: ArgumentHelp("A variable for the command; may be repeated.", valueName: "NAME=VALUE"))
    var env: [String] = []
    @Argument(help: "The task's id.") var task: String
    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.") var command: [String] = []
    @OptionGroup(title: "Security") var security: ClientSecurityFlags

    func run() async throws {
        guard !command.isEmpty else {
            throw CommandFailure(
                description: "exec: expected a command after --, as in: mini exec --master M TASK -- ps")
        }
        let masters = try place.locations("exec")
        var runner = ExecRunner(masters: masters, task: task, command: command)
        runner.framework = framework
        runner.hasTerminal = tty
        runner.user = user
        runner.environment = try Self.variables(env, "exec")
        runner.credentials = try security.credentials()
        runner.tls = try security.tls(isSecureURL: masters.isSecure)
        let status: Int32
        let progress = Progress("asking the leading master at \(masters)")
        do { status = try await runner.run(found: { await progress.end() }) } catch {
            await progress.end()
            throw CommandFailure(description: "exec: \(error)", status: 125)
        }
        throw ExitCode(status)
    }

    static func variables(_ entries: [String], _ command: String) throws -> [(name: String, value: String)] {
        try entries.map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandFailure(description: "\(command): --env: expected NAME=VALUE, found '\(entry)'")
            }
            return (name: String(parts[0]), value: String(parts[1]))
        }
    }
}
