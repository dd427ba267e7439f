// The clocks of a shell: the only place where this module asks for the time.
import Glibc
import Resources

extension Moment {
    /// Now on the monotonic clock and on the wall clock.
    package static var now: Moment {
        Moment(
            instant: Instant(nanoseconds: nanoseconds(of: CLOCK_MONOTONIC)),
            wall: WallTime(nanoseconds: nanoseconds(of: CLOCK_REALTIME)))
    }

    private static func nanoseconds(of clock: clockid_t) -> Int64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
