// How soon the next round of allocation may run: at once when little happens, in batches when much does.

import Resources

/// A budget of rounds and offers that refills steadily.
///
/// An idle master's next round runs at once, so that a freed resource is offered without delay. Under load rounds are
/// paid for faster than the budget refills; then each round waits until its turn and takes up whatever came meanwhile.
/// Nothing waits longer than the allocation interval.
public struct AllocationPace: Sendable {
    /// What a round costs besides its offers: at most so often can rounds follow one another in the long run.
    public static let roundCost = Duration.milliseconds(2)
    /// What making, sending and answering one offer costs, roughly.
    public static let offerCost = Duration.microseconds(20)
    /// How much may be spent at once after idleness: 125 rounds without an offer.
    public static let burst = Duration.milliseconds(250)

    private let intervalMax: Duration
    /// When everything done so far is paid for.
    private var paidAt = Instant(nanoseconds: .min)

    /// - Parameter intervalMax: The longest wait: the allocation interval.
    public init(intervalMax: Duration) { self.intervalMax = intervalMax }

    /// How long a round that is wanted now has to wait.
    public func delay(at now: Instant) -> Duration {
        let allowedAt = paidAt.advanced(by: .zero - Self.burst)
        if allowedAt <= now { return .zero }
        return min(now.duration(to: allowedAt), intervalMax)
    }

    /// A round ran and made so many offers.
    public mutating func ran(offers: Int, at now: Instant) {
        paidAt = max(paidAt, now).advanced(by: Self.roundCost + Self.offerCost * offers)
    }
}
