/// A fraction compared without multiplying: the auditor's own way, apart from the allocator's.
package struct ExactFraction: Sendable {
    package var numerator: UInt128
    package var denominator: UInt128

    /// - Precondition: `denominator` is above zero.
    package init(_ numerator: UInt128, over denominator: UInt128) {
        precondition(denominator > 0, "fraction over zero")
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Negative, zero or positive, as this is less than, equal to or greater than `other`: compares whole parts, then
    /// the inverted remainders, as in Euclid's algorithm.
    package func compare(to other: ExactFraction) -> Int {
        var (a, b, c, d) = (numerator, denominator, other.numerator, other.denominator)
        var sign = 1
        while true {
            let (mine, theirs) = (a / b, c / d)
            if mine != theirs { return mine < theirs ? -sign : sign }
            let (rest, otherRest) = (a % b, c % d)
            if rest == 0 || otherRest == 0 {
                return rest == otherRest ? 0 : rest == 0 ? -sign : sign
            }
            (a, b, c, d) = (b, rest, d, otherRest)
            sign = -sign
        }
    }
}
