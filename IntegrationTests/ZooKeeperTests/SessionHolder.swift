// A separate process that owns a session, so that it can be killed or frozen.

import Glibc
import IntegrationSupport
import Mailbox
import Processes
import Testing

/// The `zookeeper-holder` program of this package; see there for what it prints.
final class SessionHolder: Sendable {
    private let process: ChildProcess
    private let input: Locked<Int32>
    private let printed = Locked<[String]>([])

    /// Starts it and waits until its ephemeral znode exists.
    init(servers: [String], timeoutMilliseconds: Int, path: String) async throws {
        var inputs: [Int32] = [-1, -1]
        var outputs: [Int32] = [-1, -1]
        try #require(pipe(&inputs) == 0 && pipe(&outputs) == 0)
        for descriptor in inputs + outputs { try #require(fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) }
        var request = SpawnRequest(
            program: builtProduct("zookeeper-holder"),
            arguments: [servers.joined(separator: ","), "\(timeoutMilliseconds)", path])
        request.standardInput = inputs[0]
        request.standardOutput = outputs[1]
        request.deathSignal = SIGKILL
        process = try await ChildProcess.spawn(request)
        close(inputs[0])
        close(outputs[1])
        input = Locked(inputs[1])
        let (output, printed) = (outputs[0], printed)
        DedicatedThread.start(named: "holder") {
            guard let file = fdopen(output, "r") else { return }
            var line: UnsafeMutablePointer<CChar>?
            var capacity = 0
            while getline(&line, &capacity, file) > 0 {
                guard let line else { break }
                printed.withLock { $0.append(String(String(cString: line).dropLast())) }
            }
            free(line)
            fclose(file)
        }
        try await waitForLine("created ")
    }

    var lines: [String] { printed.withLock { $0 } }

    func waitForLine(_ prefix: String, within: Duration = .seconds(15)) async throws {
        try await eventually("a line '\(prefix)' after \(lines)", within: within) {
            lines.contains { $0.hasPrefix(prefix) }
        }
    }

    func send(_ signal: Int32) { process.send(signal: signal) }

    /// Lets it end by itself, and waits for that.
    func finish() async -> ProcessEnd {
        closeInput()
        return await process.end()
    }

    func kill() async {
        process.send(signal: SIGKILL)
        _ = await process.end()
        closeInput()
    }

    private func closeInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
