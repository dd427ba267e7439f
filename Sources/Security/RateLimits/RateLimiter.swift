// Decides when a call may go on: one bucket of tokens per principal, time given from outside.
import Resources

/// The state of all limits. Pure: the same calls at the same times are decided the same.
public struct RateLimiter: Sendable {
    public enum Decision: Equatable, Sendable {
        case now
        /// The call's turn comes after so long.
        case after(Duration)
        /// Too many wait already.
        case refused(reason: String)
    }

    /// A full bucket allows the calls of one second at once; after that they come at the set pace.
    private struct Bucket {
        let interval: Int64
        let burst: Int64
        let capacity: Int
        /// When the next call would come if all came at the set pace.
        var due: Int64 = .min

        init(queriesPerSecond: Double, capacity: Int) {
            // The bounds keep sums of waiting calls within 64 bits.
            interval = Int64(max(1, min(1e9 / queriesPerSecond, 1e12)))
            burst = max(0, 1_000_000_000 - interval)
            self.capacity = min(capacity, 1_000_000)
        }

        mutating func take(at now: Int64) -> Duration? {
            let start = max(due, now)
            let wait = max(0, start - burst - now)
            // Calls that wait are those whose turn is still to come.
            if wait > 0, (wait + interval - 1) / interval > Int64(clamping: capacity) { return nil }
            due = start + interval
            return .nanoseconds(wait)
        }
    }

    private let limits: RateLimits
    private var buckets: [Principal: Bucket] = [:]
    private var aggregate: Bucket?

    public init(_ limits: RateLimits) {
        self.limits = limits
        for (principal, limit) in limits.limits {
            guard let rate = limit.queriesPerSecond else { continue }
            buckets[principal] = Bucket(queriesPerSecond: rate, capacity: limit.capacity)
        }
        aggregate = limits.aggregate.queriesPerSecond.map {
            Bucket(queriesPerSecond: $0, capacity: limits.aggregate.capacity)
        }
    }

    /// Takes a call of `principal`; nil is somebody who did not say.
    public mutating func take(_ principal: Principal?, at now: Instant) -> Decision {
        if let principal, let limit = limits.limits[principal] {
            guard limit.queriesPerSecond != nil else { return .now }
            return Self.decision(buckets[principal]?.take(at: now.nanoseconds), limit.capacity, "'\(principal)'")
        }
        guard aggregate != nil else { return .now }
        return Self.decision(
            aggregate?.take(at: now.nanoseconds), limits.aggregate.capacity,
            "all principals without a limit of their own"
        )
    }

    private static func decision(_ wait: Duration?, _ capacity: Int, _ who: String) -> Decision {
        guard let wait else {
            return .refused(reason: "Message dropped: capacity (\(capacity)) exceeded for \(who)")
        }
        return wait == .zero ? .now : .after(wait)
    }
}
