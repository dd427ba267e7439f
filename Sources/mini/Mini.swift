// The one executable: which command was meant, and how it ends.

import ArgumentParser
import CSupervisor
import Foundation
import MesosProtocol
import Settings

@main
struct Mini: AsyncParsableCommand {
    static let version = "mini \(Versions.mini) (Mesos API \(Versions.mesosAPI))"
    static let configuration = CommandConfiguration(
        commandName: "mini",
        abstract: "A small, self-hosted Mesos: masters, agents, an allocator, and a Jenkins framework.",
        version: version,
        subcommands: [
            MasterCommand.self, AgentCommand.self, ConfigCommand.self, JenkinsCommand.self, UpCommand.self,
            StateCommand.self, LeaderCommand.self, AgentsCommand.self, FrameworksCommand.self, RolesCommand.self,
            TasksCommand.self, PsCommand.self, TaskCommand.self, WeightsCommand.self, QuotaCommand.self,
            ReserveCommand.self, UnreserveCommand.self, MaintenanceCommand.self, DrainCommand.self,
            DeactivateCommand.self, ReactivateCommand.self, TeardownCommand.self, IdsCommand.self, RunCommand.self,
            ExecCommand.self, ExplainCommand.self, AlertsCommand.self,
            AllocatorCommand.self,
            PracticeJenkinsCommand.self, BenchCommand.self, DoctorCommand.self, JanitorCommand.self,
        ])

    static func main() async {
        let invocation = Invocation(CommandLine.arguments)
        // The supervisor of a process task is C from its first instruction: it runs beside every task.
        if invocation.part == .supervisor { Foundation.exit(supervise(invocation.arguments)) }
        signal(SIGPIPE, SIG_IGN)
        do {
            try await run(invocation)
        } catch {
            leave(because: error, of: invocation.isUnderMesosName ? invocation.program : "mini")
        }
    }

    private static func run(_ invocation: Invocation) async throws {
        switch invocation.part {
        case .supervisor: break
        case .master: try await MasterCommand.run(invocation)
        case .agent: try await AgentCommand.run(invocation)
        case .configuration: try ConfigCommand.run(invocation)
        case .execute: try await ExecuteCommand.run(invocation)
        case .mini:
            let arguments = try FlagArguments(booleans: BooleanFlags.names).canonical(invocation.arguments)
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        }
    }

    /// Help and versions go to standard output with status 0; a command's own exit status is kept; everything else is
    /// one line on standard error and status 2.
    private static func leave(because error: any Error, of program: String) -> Never {
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        if exitCode(for: error) == .success {
            print(fullMessage(for: error).replacing("--no_", with: "--no-"))
            Foundation.exit(0)
        }
        let text: String
        if let failure = error as? CommandFailure {
            text = failure.description
        } else if let problem = error as? SettingsProblem {
            text = problem.description
        } else {
            text = message(for: error)
        }
        let line = text.split(separator: "\n").joined(separator: " ")
        FileHandle.standardError.write(Data("\(program): \(line)\n".utf8))
        Foundation.exit((error as? CommandFailure)?.status ?? 2)
    }

    private static func supervise(_ arguments: [String]) -> Int32 {
        let arguments = [CommandLine.arguments[0]] + arguments
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
