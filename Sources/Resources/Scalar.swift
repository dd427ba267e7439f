/// An exact quantity in thousandths, the precision Mesos keeps.
public struct Scalar: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var milli: Int64

    public static let zero = Scalar(milli: 0)

    /// The largest value taken from outside: 10¹² units, as Mesos's quota limits have it. Nine thousand of these
    /// still add up without overflow.
    public static let valueMax: Double = 1e12

    @inlinable public init(milli: Int64) { self.milli = milli }

    /// A whole number of units.
    public init(units: Int) { milli = Int64(units) * 1_000 }

    /// Rounds to three decimals, halves away from zero, as Mesos does.
    ///
    /// - Returns: `nil` for NaN, infinities, negative values and values above `valueMax`.
    public init?(_ double: Double) {
        guard double >= 0, double <= Self.valueMax else { return nil }
        milli = Self.nearest(double * 1_000)
    }

    /// Rounds to the nearest whole number, halves up, without the C library's `round`: a program made of pure modules
    /// only would have to link its mathematics for it.
    ///
    /// - Precondition: `number` lies between 0 and 2^53, where every step is exact.
    package static func nearest(_ number: Double) -> Int64 {
        let whole = Int64(number)
        return number - Double(whole) >= 0.5 ? whole + 1 : whole
    }

    public var doubleValue: Double { Double(milli) / 1_000 }
    public var isZero: Bool { milli == 0 }

    /// The shortest decimal text: `2`, `0.5`, `0.001`.
    public var description: String {
        let magnitude = milli.magnitude
        let sign = milli < 0 ? "-" : ""
        let fraction = magnitude % 1_000
        guard fraction != 0 else { return "\(sign)\(magnitude / 1_000)" }
        var digits = String(fraction + 1_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(sign)\(magnitude / 1_000).\(digits)"
    }

    @inlinable public static func < (left: Scalar, right: Scalar) -> Bool { left.milli < right.milli }
    @inlinable public static func + (left: Scalar, right: Scalar) -> Scalar { Scalar(milli: left.milli + right.milli) }
    @inlinable public static func - (left: Scalar, right: Scalar) -> Scalar { Scalar(milli: left.milli - right.milli) }
    @inlinable public static func += (left: inout Scalar, right: Scalar) { left.milli += right.milli }
    @inlinable public static func -= (left: inout Scalar, right: Scalar) { left.milli -= right.milli }
}
