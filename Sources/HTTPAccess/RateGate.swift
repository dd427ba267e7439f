// Holds calls back that come faster than their principal may call.
import HTTPServer
import Mailbox
import Resources
import Security

/// The rate limits of a running server. A call waits for its turn before anything reads its body.
public final class RateGate: Sendable {
    private let limiter: Locked<RateLimiter>
    private let refusals: RefusalLog
    private let origin = ContinuousClock.now

    public init(_ limits: RateLimits, refusals: RefusalLog) {
        limiter = Locked(RateLimiter(limits))
        self.refusals = refusals
    }

    /// Waits for the request's turn.
    ///
    /// - Returns: 429 if too many wait already; nil when it may go on.
    public func wait(_ request: HTTPRequest) async -> HTTPResponse? {
        let now = Instant(nanoseconds: origin.duration(to: .now).clampedNanoseconds)
        switch limiter.withLock({ $0.take(request.principal, at: now) }) {
        case .now: return nil
        case .after(let wait):
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                Timers.shared.scheduleOnce(after: wait) { continuation.resume() }
            }
            return nil
        case .refused(let reason):
            refusals.note(request, claimed: request.identity, reason)
            return .text(429, reason)
        }
    }
}
