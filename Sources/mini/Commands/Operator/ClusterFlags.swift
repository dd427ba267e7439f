// What every command that asks a cluster has in common: which cluster, as whom, for how long, and in which form.

import ArgumentParser
import Foundation
import MasterDetection
import OperatorClient
import TextTables

struct ClusterFlags: ParsableArguments {
    @OptionGroup var master: MasterFlag
    @Option(help: ArgumentHelp("How long to look for the leader and wait for its answer.", valueName: "duration"))
    var timeout = FlagDuration("15secs")
    @Flag(help: "Print one JSON document.") var json = false
    @OptionGroup(title: "Security") var security: ClientSecurityFlags

    func connection(_ command: String) throws -> OperatorConnection {
        let masters = try master.locations(command)
        return OperatorConnection(
            master: masters, credentials: try security.credentials(),
            tls: try security.tls(isSecureURL: masters.isSecure), patience: timeout.duration)
    }

    /// Asks the leading master, and says on a terminal what takes long.
    ///
    /// - Parameter waiting: What is waited for, if not only for the master's answer.
    func ask<Answer>(
        _ command: String, waiting: String? = nil, _ body: (inout LeaderSession) async throws -> Answer
    ) async throws -> Answer {
        let connection = try connection(command)
        let progress = Progress(waiting ?? "asking the leading master at \(connection.master)")
        do {
            var leader = try await connection.leader()
            let answer = try await body(&leader)
            await progress.end()
            return answer
        } catch {
            await progress.end()
            throw Self.failure(error, command)
        }
    }

    /// Prints a report in the form that is wanted.
    func show(_ report: some Report) {
        print(json ? ReportJSON.text(of: report) : report.text(.ofThisTerminal))
    }

    /// A failure with its exit status and the name of the command.
    static func failure(_ error: any Error, _ command: String) -> any Error {
        switch error {
        case let failure as OperatorFailure:
            CommandFailure(description: "\(command): \(failure)", status: failure.kind.rawValue)
        case let failure as LookupFailure:
            CommandFailure(
                description: "\(command): \(failure)", status: OperatorFailure.Kind.notFound.rawValue)
        default: error
        }
    }
}

extension Sheet {
    static var ofThisTerminal: Sheet {
        Sheet(width: TerminalWidth.current, now: Date().timeIntervalSince1970)
    }
}
