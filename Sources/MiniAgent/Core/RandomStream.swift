// Seeded chance for the agent's core: one stream per kind of thing that is drawn.

import Resources

/// A seeded generator: equal seeds give equal sequences on every machine.
///
/// Each kind of id draws from a stream of its own, so that one more update does not rename every container in a
/// recorded conversation.
package struct RandomStream: RandomNumberGenerator, Hashable, Sendable {
    private var numbers: SplitMix64

    /// - Parameters:
    ///   - seed: Shared by all streams of one agent process; drawn from the system's randomness in production.
    ///   - purpose: Keeps streams of one seed apart.
    package init(seed: UInt64, purpose: UInt64) {
        numbers = SplitMix64(seed: seed ^ (purpose &* 0xA076_1D64_78BD_642F))
    }

    package mutating func next() -> UInt64 { numbers.next() }

    /// A duration between zero and `upperBound`, in whole microseconds.
    mutating func duration(upTo upperBound: Duration) -> Duration {
        let (seconds, attoseconds) = upperBound.components
        let microseconds = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        return .microseconds(Int64.random(in: 0...microseconds, using: &self))
    }
}
