// A child process with its output in a log file.

import Glibc
import Processes

/// A process that this one started, in a session of its own, with its output in a log file.
public final class LoggedProcess: Sendable {
    public let name: String
    public let logPath: String
    private let process: ChildProcess

    public var pid: Int32 { process.pid }

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's own name.
    ///   - environment: The whole environment, as `NAME=value`.
    ///   - standardInput: The descriptor to read from; `nil` for an empty input.
    ///   - logPath: Output and errors are appended here.
    /// - Throws: ``ClusterError/host(_:)`` naming the program and the system's reason.
    static func start(
        name: String, program: String, arguments: [String], environment: [String], standardInput: Int32? = nil,
        logPath: String
    ) async throws(ClusterError) -> LoggedProcess {
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw .host("cannot write \(logPath): \(String(cString: strerror(errno)))") }
        defer { close(log) }
        var request = SpawnRequest(program: program, arguments: arguments, environment: environment)
        request.standardInput = standardInput
        request.standardOutput = log
        request.standardError = log
        do {
            return LoggedProcess(name: name, logPath: logPath, process: try await ChildProcess.spawn(request))
        } catch { throw .host("cannot start \(name): \(error)") }
    }

    private init(name: String, logPath: String, process: ChildProcess) {
        self.name = name
        self.logPath = logPath
        self.process = process
    }

    /// How the process ended, or `nil` while it runs.
    public func ending() -> ProcessEnd? { process.knownEnd }

    /// Calls `body` once the process has ended: at once if it has, otherwise on a thread that it must not block.
    public func onEnd(_ body: @escaping @Sendable (ProcessEnd) -> Void) { process.onEnd(body) }

    /// Sends a signal; nothing happens if the process has ended.
    public func signal(_ number: Int32) { process.send(signal: number) }

    /// Waits for the end.
    ///
    /// - Returns: `nil` if it still runs at the deadline.
    public func waitForEnd(deadline: Duration) async -> ProcessEnd? {
        let end = ContinuousClock.now + deadline
        while process.knownEnd == nil, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        return process.knownEnd
    }

    /// The last line that the process wrote, for an error message.
    public func lastLogLine() -> String {
        guard let file = fopen(logPath, "r") else { return "" }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        fseek(file, max(0, ftell(file) - 4096), SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[0..<count], as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
    }
}
