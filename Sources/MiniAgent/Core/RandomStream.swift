// Seeded chance for the agent's core: one stream per kind of thing that is drawn.

/// A small seeded generator (SplitMix64). Equal seeds give equal sequences on every machine.
///
/// Each kind of id draws from a stream of its own, so that one more update does not rename every container in a
/// recorded conversation.
package struct RandomStream: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// - Parameters:
    ///   - seed: Shared by all streams of one agent process; drawn from the system's randomness in production.
    ///   - purpose: Keeps streams of one seed apart.
    package init(seed: UInt64, purpose: UInt64) {
        state = seed ^ (purpose &* 0xA076_1D64_78BD_642F)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A duration between zero and `upperBound`, in whole microseconds.
    mutating func duration(upTo upperBound: Duration) -> Duration {
        let (seconds, attoseconds) = upperBound.components
        let microseconds = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        return .microseconds(Int64.random(in: 0...microseconds, using: &self))
    }
}
