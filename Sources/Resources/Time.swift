// What a core is told about time: points on a monotonic clock, wall-clock times, and both together.

/// A point on a monotonic clock; only differences mean anything.
public struct Instant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The earliest instant anybody uses; simulations start here.
    public static let zero = Instant(nanoseconds: 0)
    /// Later than anything that will happen.
    public static let distantFuture = Instant(nanoseconds: .max)

    /// The instant `duration` later (earlier if negative), clamped at the ends of the representable range.
    public func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// How long it is from here to `other`; negative if `other` is earlier.
    public func duration(to other: Instant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    public static func + (left: Instant, right: Duration) -> Instant { left.advanced(by: right) }
}

/// Wall-clock time, nanoseconds since the Unix epoch. It may jump; never use it to measure.
public struct WallTime: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Seconds since the Unix epoch, as Mesos prints timestamps.
    public var seconds: Double { Double(nanoseconds) / 1e9 }

    /// The time `duration` later, clamped at the ends of the representable range.
    public func advanced(by duration: Duration) -> WallTime {
        WallTime(nanoseconds: Instant(nanoseconds: nanoseconds).advanced(by: duration).nanoseconds)
    }

    public static func < (left: WallTime, right: WallTime) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// What a core is told about time on each step.
public struct Moment: Hashable, Sendable {
    public var instant: Instant
    public var wall: WallTime

    public init(instant: Instant, wall: WallTime) {
        self.instant = instant
        self.wall = wall
    }

    /// The same moment seen `duration` later on both clocks.
    public func advanced(by duration: Duration) -> Moment {
        Moment(instant: instant.advanced(by: duration), wall: wall.advanced(by: duration))
    }
}

extension Duration {
    /// Seconds with a fraction, as the v1 API writes durations.
    public var inSeconds: Double { Double(clampedNanoseconds) / 1e9 }

    /// This duration in whole nanoseconds, clamped to what 64 bits hold (292 years).
    public var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return sumOverflow ? (seconds < 0 ? .min : .max) : sum
    }
}
