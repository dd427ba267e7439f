// The limits and delays of a subscription, and the reasons a call can fail: the small values around the machine.

/// How patient a scheduler client is.
public struct SubscriptionSettings: Equatable, Sendable {
    /// The first delay after a failure; doubled each time up to `backoffMax`, less up to half of it by chance.
    public var backoffMin: Duration = .milliseconds(200)
    public var backoffMax: Duration = .seconds(5)
    /// How long SUBSCRIBE may take until its SUBSCRIBED event.
    public var subscribeTimeout: Duration = .seconds(15)
    /// A stream silent for this many heartbeat intervals is given up. Five at 15 s are the 75 s other clients wait.
    public var missedHeartbeatsMax = 5
    /// Redirects followed in a row before it counts as a failure. Two masters may each believe the other leads.
    public var redirectsMax = 5
    /// Calls that may wait to be sent, before the first subscription and behind the call in flight.
    public var callsQueuedMax = 4_096
    /// How often a call is sent when the master answers 503.
    public var callTriesMax = 5
    /// Whether to subscribe without an id when the master says that it removed the framework. Its tasks are gone then.
    public var subscribesAnewWhenRemoved = false

    public init() {}
}

/// Why a call did not reach the master or was not taken by it.
public enum SchedulerCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no subscription, or it broke while the call waited. The call may or may not have been processed.
    case notSubscribed
    /// More calls wait than `SubscriptionSettings.callsQueuedMax` allows.
    case queueFull
    /// The master answered with an error.
    case rejected(status: Int, message: String)
    /// The connection failed. The call may or may not have been processed.
    case unreachable(String)
    /// The client was stopped, or the master refused the framework for good.
    case stopped

    public var description: String {
        switch self {
        case .notSubscribed: "the framework is not subscribed"
        case .queueFull: "too many calls are waiting to be sent"
        case .rejected(let status, let message): "the master answered \(status): \(message)"
        case .unreachable(let reason): "the master could not be reached: \(reason)"
        case .stopped: "the scheduler client has stopped"
        }
    }
}
