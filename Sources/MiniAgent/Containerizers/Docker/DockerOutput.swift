// Copies a container's output into its sandbox for as long as it runs.

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
    private let streams: EngineStreams
    private let logger: Logger
    private let output: SandboxLog
    private let error: SandboxLog
    private let copiedBytes = Locked(0)
    private let hasComplained = Locked(false)

    /// - Returns: nil when the files cannot be written.
    init?(
        _ launch: Launch, name: String, limits: OutputLimits, engine: DockerEngine, streams: EngineStreams,
        logger: Logger
    ) {
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
        self.streams = streams
        self.logger = logger
    }

    /// Copies what comes from now on. Asked for before the start it misses nothing.
    func attach() async throws(DockerError) -> EngineStream {
        try await engine.attachOutput(name, into: Copier(self, DockerLogDecoder()), streams)
    }

    /// Copies what the engine's log has more than the files, and what comes after that.
    ///
    /// - Parameter timeout: For the engine to begin.
    func resume(within timeout: Duration? = nil) async throws(DockerError) -> EngineStream {
        let written: [DockerLogDecoder.Stream: Int] = [
            .standardOutput: output.streamBytes, .standardError: error.streamBytes,
        ]
        do throws(DockerError) {
            return try await engine.logs(
                name, into: Copier(self, DockerLogDecoder(alreadyWritten: written)), streams, timeout: timeout)
        } catch  where !error.isUnreachable && error != .cancelled {
            // Its log driver cannot be read: what comes from now on is better than nothing.
            return try await attach()
        }
    }

    /// Waits until a stream ends or breaks, or the task is cancelled.
    func outlast(_ stream: EngineStream) async -> Result {
        do throws(DockerError) {
            try await stream.end()
            return .ended
        } catch { return result(of: error) }
    }

    func result(of error: DockerError) -> Result {
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

    /// Copies what the engine's log has more than the files, of a container that has ended. Gives up when nothing comes for
    /// a while: the framework waits for the end.
    func complete() async {
        let stream: EngineStream
        do throws(DockerError) { stream = try await resume(within: Self.silenceMax) } catch {
            return _ = result(of: error)
        }
        let patience = Task {
            var seen = -1
            while !Task.isCancelled, copiedBytes.withLock({ $0 }) != seen {
                seen = copiedBytes.withLock { $0 }
                try? await Task.sleep(for: Self.silenceMax)
            }
            stream.close()
        }
        _ = await outlast(stream)
        patience.cancel()
    }

    fileprivate func write(_ pieces: [DockerLogDecoder.Piece]) {
        for piece in pieces { (piece.stream == .standardOutput ? output : error).append(piece.bytes) }
    }

    fileprivate func note(copied count: Int) { copiedBytes.withLock { $0 += count } }

    private func complain(_ error: DockerError) {
        let isFirst = hasComplained.withLock { hasComplained in
            defer { hasComplained = true }
            return !hasComplained
        }
        if isFirst { logger.info("the output of \(name) is interrupted: \(error)") }
    }
}

/// Takes one stream apart and writes it.
private final class Copier: EngineStreamSink {
    private let output: DockerOutput
    private let decoder: Locked<DockerLogDecoder>

    init(_ output: DockerOutput, _ decoder: DockerLogDecoder) {
        self.output = output
        self.decoder = Locked(decoder)
    }

    func take(_ bytes: [UInt8]) {
        output.write(decoder.withLock { $0.decode(bytes) })
        output.note(copied: bytes.count)
    }

    func finish() { output.write(decoder.withLock { $0.finish() }) }
}

/// Output of a container that is about to start, until somebody follows it.
struct AttachedOutput: Sendable {
    var output: DockerOutput
    var stream: EngineStream
}

extension DockerEngine {
    /// The container's output from its start, framed, until it ends.
    func logs(
        _ name: String, into sink: any EngineStreamSink, _ streams: EngineStreams, timeout: Duration? = nil
    ) async throws(DockerError) -> EngineStream {
        try await stream(
            "GET", "/containers/\(Self.escaped(name))/logs?follow=1&stdout=1&stderr=1", into: sink, streams,
            timeout: timeout ?? deadlines.work)
    }

    /// The container's output from now on, framed, until it ends.
    func attachOutput(
        _ name: String, into sink: any EngineStreamSink, _ streams: EngineStreams
    ) async throws(DockerError) -> EngineStream {
        try await stream(
            "POST", "/containers/\(Self.escaped(name))/attach?stream=1&stdout=1&stderr=1", into: sink, streams,
            timeout: deadlines.work)
    }

    /// - Throws: `.unreachable` if the answer does not begin in time; how long it then lasts is another matter.
    private func stream(
        _ method: String, _ path: String, into sink: any EngineStreamSink, _ streams: EngineStreams, timeout: Duration
    ) async throws(DockerError) -> EngineStream {
        let head = """
            \(method) \(try await prefix())\(path) HTTP/1.1\r
            Host: docker\r
            \(method == "POST" ? "Content-Length: 0\r\n" : "")\r

            """
        do throws(DockerError) {
            return try await streams.open(
                socketPath: socketPath, request: Array(head.utf8), timeout: timeout, into: sink)
        } catch { throw silent(error) }
    }
}
