// Chance that can be replayed: every draw of a simulation comes from one seed.

/// A seeded generator (SplitMix64) with the draws that simulations need.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// A stream of its own for one kind of draw, so that one more draw of one kind does not shift those of another.
    public func stream(_ purpose: UInt64) -> SeededRandom {
        var copy = SeededRandom(seed: state ^ (purpose &* 0xA076_1D64_78BD_642F))
        _ = copy.next()
        return copy
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True in `percent` of 100 draws.
    public mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    public mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &self))
    }

    /// - Precondition: `choices` is not empty.
    public mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[Int.random(in: 0..<choices.count, using: &self)]
    }

    /// Thirty-two hexadecimal digits in the groups of a UUID.
    public mutating func uuid() -> String {
        let digits = (0..<32).map { _ in "0123456789abcdef".utf8CString[Int.random(in: 0..<16, using: &self)] }
        let text = String(decoding: digits.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var groups: [Substring] = []
        var rest = text[...]
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}
