// Copies a container's output into its sandbox for as long as it runs.

import HTTPClient
import Logging
import Mailbox

/// Appends what a container prints to `stdout` and `stderr` in its sandbox. How much of each stream is there already is
/// the only book-keeping: it survives agent and engine alike.
struct DockerLogCopier: Sendable {
    /// Pause before the engine is asked again after a stream broke.
    static let retryPause: Duration = .seconds(1)

    let engine: DockerEngine
    let name: String
    let run: RunPaths
    var limits = OutputLimits.none
    let logger: Logger
    /// Bytes copied so far, for whoever decides whether it is worth to wait for more.
    let copiedBytes = Locked(0)

    /// Copies until the container has ended and everything is copied, or the task is cancelled.
    ///
    /// - Parameter isEnded: Whether the container is known to have ended, so that the end of the stream is its end.
    func copy(until isEnded: @Sendable () -> Bool) async {
        guard let output = SandboxLog(run, .standardOutput, limit: limits.standardOutput),
            let error = SandboxLog(run, .standardError, limit: limits.standardError)
        else {
            logger.warning(
                "cannot write the output of \(name) into its sandbox", metadata: ["sandbox": "\(run.sandbox)"])
            return
        }
        var hasComplained = false
        while !Task.isCancelled {
            // Asked before the stream: what was printed before the end is then surely in it.
            let wasEnded = isEnded()
            do throws(DockerError) {
                try await copyOnce(output, error)
                // The stream ends with the container, or because the engine shuts down in good order.
                if wasEnded { return }
                if try await engine.inspect(name).condition == .exited { return }
            } catch {
                if error.isNotFound || error == .cancelled { return }
                if case .refused = error, wasEnded { return }
                if !hasComplained {
                    hasComplained = true
                    logger.warning("the output of \(name) is interrupted: \(error)")
                }
            }
            if !isEnded() { try? await Task.sleep(for: Self.retryPause) }
        }
    }

    private func copyOnce(_ output: SandboxLog, _ error: SandboxLog) async throws(DockerError) {
        let body = try await engine.logs(name)
        var decoder = DockerLogDecoder(alreadyWritten: [
            .standardOutput: output.streamBytes, .standardError: error.streamBytes,
        ])
        do throws(HTTPClientError) {
            for try await chunk in body {
                for piece in decoder.decode(chunk) {
                    (piece.stream == .standardOutput ? output : error).append(piece.bytes)
                    copiedBytes.withLock { $0 += piece.bytes.count }
                }
            }
        } catch {
            throw error == .cancelled ? .cancelled : .unreachable("\(error)")
        }
    }
}
