// Drives a subscription machine through a conversation in virtual time, for tests that read like one.
import Resources

@testable import SchedulerClient

struct SubscriptionConversation {
    var machine: SubscriptionMachine
    var now = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))

    static let leader = "http://m1:5050"
    static let standby = "http://m2:5050"

    init(frameworkID: FrameworkID? = nil, settings: SubscriptionSettings = SubscriptionSettings(), seed: UInt64 = 7) {
        machine = SubscriptionMachine(frameworkID: frameworkID, settings: settings, seed: seed)
    }

    /// Already subscribed as `fw-1` on attempt 1, stream `s1`, heartbeats every 15 s.
    static func subscribed(settings: SubscriptionSettings = SubscriptionSettings()) -> SubscriptionConversation {
        var talk = SubscriptionConversation(settings: settings)
        _ = talk.tell(.masterDetected(leader))
        _ = talk.tell(.streamOpened(attempt: 1, streamID: "s1"))
        _ = talk.tell(.recordArrived(attempt: 1, .subscribed("fw-1", heartbeatInterval: .seconds(15))))
        return talk
    }

    mutating func tell(_ event: SubscriptionMachine.Event) -> [SubscriptionMachine.Effect] {
        machine.step(event, at: now)
    }

    mutating func wait(_ duration: Duration) { now = now.advanced(by: duration) }
}

extension [SubscriptionMachine.Effect] {
    /// The timers set, oldest first.
    var timers: [(number: UInt64, delay: Duration)] {
        compactMap { if case .scheduleTimer(let number, let delay) = $0 { (number, delay) } else { nil } }
    }

    /// Everything but timers, which most conversations are not about.
    var withoutTimers: [SubscriptionMachine.Effect] {
        filter { if case .scheduleTimer = $0 { false } else { true } }
    }
}
