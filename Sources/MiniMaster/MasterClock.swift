// The one place in the master that reads clocks.
import Foundation
import Resources

/// Monotonic and wall-clock time of this process.
struct MasterClock: Sendable {
    private let origin = ContinuousClock.now

    var now: Moment { Moment(instant: instant(of: .now), wall: wall) }

    var wall: WallTime { WallTime(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9)) }

    func instant(of time: ContinuousClock.Instant) -> Instant {
        // One second ahead of zero, so that what was heard just before the process began is not in the past of time.
        Instant(nanoseconds: origin.duration(to: time).clampedNanoseconds + 1_000_000_000)
    }
}
