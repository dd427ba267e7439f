// Programs beside a test, standard output and standard error apart.

import Foundation
import Glibc
import IntegrationSupport
import Mailbox
import Processes

/// A program beside the test; dies with the test process.
struct ProgramRun: Sendable {
    let process: ChildProcess
    let directory: String

    var output: [UInt8] { [UInt8](FileManager.default.contents(atPath: directory + "/stdout") ?? Data()) }
    var outputText: String { String(decoding: output, as: UTF8.self) }
    var errorText: String {
        String(decoding: FileManager.default.contents(atPath: directory + "/stderr") ?? Data(), as: UTF8.self)
    }
    var errorLines: [Substring] { errorText.split(separator: "\n") }

    /// - Parameter environment: All of it, `NAME=value`.
    static func start(
        _ program: String, _ arguments: [String], environment: [String] = SpawnRequest.ownEnvironment
    ) async throws -> ProgramRun {
        let directory = try makeTemporaryDirectory(named: "program")
        var request = SpawnRequest(program: program, arguments: arguments, environment: environment)
        request.deathSignal = SIGKILL
        let descriptors = ["stdout", "stderr"].map { name in
            open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        }
        defer { for descriptor in descriptors { close(descriptor) } }
        (request.standardOutput, request.standardError) = (descriptors[0], descriptors[1])
        return ProgramRun(process: try await ChildProcess.spawn(request), directory: directory)
    }

    static func mini(_ arguments: String...) async throws -> ProgramRun {
        try await start(builtProduct("mini"), arguments)
    }

    /// Waits for the end; kills the program when the time is over.
    func end(within limit: Duration) async -> ProcessEnd {
        let token = Timers.shared.scheduleOnce(after: limit) { [process] in process.send(signal: SIGKILL) }
        defer { token.cancel() }
        return await process.end()
    }

    /// Removes the files with the outputs.
    func forget() { try? FileManager.default.removeItem(atPath: directory) }
}

/// Starts a daemon again by hand: the command line, and nothing of the environment but a path.
func startByHand(_ commandLine: [String], logPath: String) async throws -> ChildProcess {
    var request = SpawnRequest(
        program: commandLine[0], arguments: Array(commandLine.dropFirst()),
        environment: SpawnRequest.ownEnvironment.filter { $0.hasPrefix("PATH=") })
    let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(log) }
    request.standardError = log
    request.deathSignal = SIGKILL
    return try await ChildProcess.spawn(request)
}
