// Log lines about peers that were turned away, at most so many a second.
import HTTPServer
import Logging
import Mailbox
import TextTables

/// Names who was refused what and why. A peer that knocks without end must not fill the disk.
public final class RefusalLog: Sendable {
    /// What is left out is counted.
    private static let linesPerSecond = 20

    private struct State {
        var second: ContinuousClock.Instant?
        var lines = 0
        var suppressed = 0
    }

    private let logger: Logger
    private let state = Locked(State())

    public init(logger: Logger) { self.logger = logger }

    public func note(_ line: String) { note(line, [:]) }

    private func note(_ line: String, _ metadata: Logger.Metadata) {
        let now = ContinuousClock.now
        let (isShown, suppressed) = state.withLock { state -> (Bool, Int) in
            if state.second.map({ $0.duration(to: now) >= .seconds(1) }) ?? true {
                defer { state = State(second: now, lines: 1) }
                return (true, state.suppressed)
            }
            state.lines += 1
            if state.lines > Self.linesPerSecond { state.suppressed += 1 }
            return (state.lines <= Self.linesPerSecond, 0)
        }
        if suppressed > 0 { logger.warning("\(suppressed) more refusals were not logged") }
        if isShown { logger.warning("\(line)", metadata: metadata) }
    }

    /// A request that was refused: `GET /state from 'ops' at 10.0.0.1:4711`.
    public func note(_ request: HTTPRequest, claimed: String?, _ reason: String) {
        let who = claimed.map { "'\($0)' at " } ?? ""
        note(
            "refused \(request.method) \(DisplayWidth.line(request.path)) from \(who)\(request.remoteAddress): \(reason)",
            request.id.map { ["request_id": "\($0)"] } ?? [:])
    }
}
