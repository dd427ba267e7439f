// How soon a controller that did not answer is asked again.
import Resources

/// 0.5 s, 1 s, and then about every 2 s; refused credentials 1 s, doubling to 10 s.
///
/// A silent controller is asked that often because everything that was queued just before or after its return waits for the
/// poll that finds it back: with at most 2.5 s until then half of those builds have lost little more than a second, and an
/// attempt costs a controller that is down nothing. Each try differs by up to a quarter, so that several frameworks do not
/// come at once. One that answers and refuses the password may count such tries against the user, and is asked less.
struct PollBackOff: Sendable {
    private static let silentMax = Duration.seconds(2)
    private static let refusedMax = Duration.seconds(10)

    private var failures = 0

    mutating func succeeded() { failures = 0 }

    /// - Parameter chance: From 0 to 1, for the spread.
    mutating func failed(_ failure: JenkinsFailure, chance: Double) -> Duration {
        let doubled = min(failures, 6)
        failures += 1
        let delay =
            if case .answered(401, _) = failure {
                min(.seconds(1) * (1 << doubled), Self.refusedMax)
            } else {
                min(.milliseconds(500) * (1 << doubled), Self.silentMax)
            }
        return delay * (0.75 + chance / 2)
    }
}
