// Copies a container's output into its sandbox for as long as it runs.

import HTTPClient
import Logging
import Mailbox
import MesosProtocol
import Resources

/// Appends what a container prints to `stdout` and `stderr` in its sandbox.
///
/// The first agent that follows a container attached to it before it started, and copies what comes, byte by byte. After an
/// interruption (the agent or the engine was restarted) the engine's log is read from its start instead, and so much of
/// each stream is left out as was written already. That is exact with the log driver that containers get here, `local`,
/// which keeps bytes as they are. A task that chooses another driver by parameter may find a replay that is not: `json-file`
/// replaces what is not UTF-8, and a driver that cannot be read leaves a gap.
final class DockerOutput: Sendable {
    enum Result: Hashable, Sendable {
        /// The stream has ended, as it does with its container.
        case ended
        case interrupted
        /// The engine has no output of this container to give.
        case unavailable
    }

    /// How long the rest of the output may take when the container has ended, if nothing comes.
    private static let silenceMax: Duration = .seconds(10)

    private let name: String
    private let engine: DockerEngine
    private let logger: Logger
    private let output: SandboxLog
    private let error: SandboxLog
    private let copiedBytes = Locked(0)
    private let hasComplained = Locked(false)

    /// - Returns: nil when the files cannot be written.
    init?(_ launch: Launch, name: String, limits: OutputLimits, engine: DockerEngine, logger: Logger) {
        guard let output = SandboxLog(launch.run, .standardOutput, limit: limits.standardOutput),
            let error = SandboxLog(launch.run, .standardError, limit: limits.standardError)
        else {
            logger.warning(
                "cannot write the output of \(name) into its sandbox", metadata: ["sandbox": "\(launch.run.sandbox)"])
            return nil
        }
        self.output = output
        self.error = error
        self.name = name
        self.engine = engine
        self.logger = logger
    }

    /// Copies until the stream ends or breaks, or the task is cancelled.
    ///
    /// - Parameter attached: From before the start; nil: the engine's log from where the files end.
    func copy(_ attached: HTTPClientBody?) async -> Result {
        do throws(DockerError) {
            if let attached {
                try await copy(attached, DockerLogDecoder())
            } else {
                let skip: [DockerLogDecoder.Stream: Int] = [
                    .standardOutput: output.streamBytes, .standardError: error.streamBytes,
                ]
                let log: HTTPClientBody
                do throws(DockerError) { log = try await engine.logs(name) } catch  where !error.isUnreachable {
                    // Its log driver cannot be read: what comes from now on is better than nothing.
                    try await copy(try await engine.attachOutput(name), DockerLogDecoder())
                    return .ended
                }
                try await copy(log, DockerLogDecoder(alreadyWritten: skip))
            }
            return .ended
        } catch {
            switch error {
            case .refused:
                complain(error)
                return .unavailable
            case .cancelled: return .interrupted
            case .unreachable, .malformed:
                complain(error)
                return .interrupted
            }
        }
    }

    /// Copies what the engine's log has more than the files, of a container that has ended. Gives up when nothing comes for
    /// a while: the framework waits for the end.
    func complete() async {
        let copying = Task { await copy(nil) }
        let patience = Task {
            var seen = -1
            while !Task.isCancelled, copiedBytes.withLock({ $0 }) != seen {
                seen = copiedBytes.withLock { $0 }
                try? await Task.sleep(for: Self.silenceMax)
            }
            copying.cancel()
        }
        _ = await withTaskCancellationHandler {
            await copying.value
        } onCancel: {
            copying.cancel()
        }
        patience.cancel()
    }

    private func copy(_ body: HTTPClientBody, _ start: DockerLogDecoder) async throws(DockerError) {
        var decoder = start
        do throws(HTTPClientError) {
            for try await chunk in body {
                write(decoder.decode(chunk))
                copiedBytes.withLock { $0 += chunk.count }
            }
            write(decoder.finish())
        } catch {
            throw DockerEngine.translate(error)
        }
    }

    private func write(_ pieces: [DockerLogDecoder.Piece]) {
        for piece in pieces { (piece.stream == .standardOutput ? output : error).append(piece.bytes) }
    }

    private func complain(_ error: DockerError) {
        let isFirst = hasComplained.withLock { hasComplained in
            defer { hasComplained = true }
            return !hasComplained
        }
        if isFirst { logger.info("the output of \(name) is interrupted: \(error)") }
    }
}
