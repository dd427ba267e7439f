// Lets one request through at a time, each some time after the last.
import Mailbox

/// Spreads requests over time: who comes too early waits for a turn of its own.
final class Pace: Sendable {
    /// Who would have to wait for longer is turned away.
    static let waitMax = Duration.seconds(30)

    private let interval: Duration
    private let next = Locked(ContinuousClock.now)

    init(interval: Duration) { self.interval = interval }

    /// - Returns: False if too many wait already.
    func wait() async -> Bool {
        let turn: ContinuousClock.Instant? = next.withLock { next in
            let now = ContinuousClock.now
            let turn = max(now, next)
            guard now.duration(to: turn) <= Self.waitMax else { return nil }
            next = turn.advanced(by: interval)
            return turn
        }
        guard let turn else { return false }
        if turn > .now { try? await Task.sleep(until: turn, clock: .continuous) }
        return true
    }
}
