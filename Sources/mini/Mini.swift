// The one executable: which command was meant, and how it ends.

import ArgumentParser
import CSupervisor
import Foundation
import MesosProtocol

@main
struct Mini: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mini",
        abstract: "A small, self-hosted Mesos: masters, agents, an allocator, and a Jenkins framework.",
        version: "mini \(Versions.mini) (Mesos API \(Versions.mesosAPI))",
        subcommands: [
            MasterCommand.self, AgentCommand.self, JenkinsCommand.self, UpCommand.self, RunCommand.self,
            PracticeJenkinsCommand.self, BenchCommand.self, JanitorCommand.self,
        ])

    static func main() async {
        // The supervisor of a process task is C from its first instruction: it runs beside every task.
        if CommandLine.arguments.dropFirst().first == "supervise" { Foundation.exit(supervise()) }
        signal(SIGPIPE, SIG_IGN)
        do {
            let arguments = try FlagArguments(booleans: BooleanFlags.names)
                .canonical(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            leave(because: error)
        }
    }

    /// Help and versions go to standard output with status 0; a command's own exit status is kept; everything else is
    /// one line on standard error and status 2.
    private static func leave(because error: any Error) -> Never {
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        if exitCode(for: error) == .success {
            print(fullMessage(for: error).replacing("--no_", with: "--no-"))
            Foundation.exit(0)
        }
        let text: String
        if let failure = error as? CommandFailure { text = failure.description } else { text = message(for: error) }
        let line = text.split(separator: "\n").joined(separator: " ")
        FileHandle.standardError.write(Data("mini: \(line)\n".utf8))
        Foundation.exit((error as? CommandFailure)?.status ?? 2)
    }

    private static func supervise() -> Int32 {
        let arguments = [CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        return supervisor_main(Int32(arguments.count), &pointers)
    }
}

/// Why a command could not do what was asked, in one line.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String
    /// 2: wrong usage or configuration, nothing was started; 1: it was tried and failed.
    var status: Int32 = 2
}
