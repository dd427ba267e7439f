/// A wall-clock time as Jenkins prints it: whole milliseconds since the Unix epoch.
struct PracticeTime: Hashable, Comparable, Sendable {
    var milliseconds: Int64

    static func < (left: PracticeTime, right: PracticeTime) -> Bool { left.milliseconds < right.milliseconds }

    /// The time `milliseconds` later; saturates instead of overflowing, because test control may warp far ahead.
    func advanced(byMilliseconds milliseconds: Int64) -> PracticeTime {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return PracticeTime(milliseconds: overflow ? .max : sum)
    }

    func milliseconds(since earlier: PracticeTime) -> Int64 { milliseconds - earlier.milliseconds }
}
