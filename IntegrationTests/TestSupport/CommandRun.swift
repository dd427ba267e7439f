// Programs run to their end, with their output and a deadline.
import Foundation
import Mailbox
import Processes

/// How a program ended and what it wrote to standard output and standard error.
public struct CommandRun: Sendable, CustomStringConvertible {
    public var end: ProcessEnd
    public var output: String
    public var description: String { "\(end)\n\(output)" }

    public var succeeded: Bool { end == .exited(0) }
}

/// A program that runs beside the test, its output kept in a file that goes with this value.
public struct RunningCommand: Sendable {
    public let process: ChildProcess
    fileprivate let outputPath: String
    fileprivate let directories: TemporaryDirectories

    /// What it has written so far.
    public var output: String {
        String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
    }

    /// Waits for the end; kills the program's whole group when the time is over.
    public func finished(within limit: Duration) async -> CommandRun {
        let token = Timers.shared.scheduleOnce(after: limit) { [process] in process.sendToGroup(signal: SIGKILL) }
        let end = await process.end()
        token.cancel()
        return CommandRun(end: end, output: output)
    }
}

/// Starts a program in a session of its own. It dies with this process.
///
/// - Parameters:
///   - program: A path, or a name to look up in `PATH`.
///   - environment: Added to this process's own.
public func startCommand(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
) async throws -> RunningCommand {
    let directories = TemporaryDirectories()
    let outputPath = try directories.make(named: "command") + "/output"
    let descriptor = open(outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CannotMakeDirectory(template: outputPath, errno: errno) }
    defer { close(descriptor) }
    var request = SpawnRequest(program: program, arguments: arguments)
    let own = SpawnRequest.ownEnvironment.filter { entry in !environment.keys.contains { entry.hasPrefix("\($0)=") } }
    request.environment = own + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    request.directory = directory
    request.standardOutput = descriptor
    request.standardError = descriptor
    request.deathSignal = SIGKILL
    let process = try await ChildProcess.spawn(request)
    return RunningCommand(process: process, outputPath: outputPath, directories: directories)
}

/// Runs a program to its end.
public func runCommand(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil,
    within limit: Duration
) async throws -> CommandRun {
    let command = try await startCommand(program, arguments, environment: environment, directory: directory)
    return await command.finished(within: limit)
}
