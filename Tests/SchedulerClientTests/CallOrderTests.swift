// What becomes of a scheduler's calls: sent in order, retried, or failed with a reason.
import Resources
import Testing

@testable import SchedulerClient

@Suite struct CallOrderTests {
    typealias Talk = SubscriptionConversation

    private static func sent(_ call: UInt64) -> SubscriptionMachine.Effect {
        .sendCall(call, master: Talk.leader, streamID: "s1", frameworkID: "fw-1")
    }

    @Test func `calls leave one at a time in the order submitted`() {
        var talk = Talk.subscribed()
        #expect(talk.tell(.callSubmitted(1)) == [Self.sent(1)])
        #expect(talk.tell(.callSubmitted(2)) == [])
        #expect(
            talk.tell(.callAnswered(1, .answered(status: 202, message: ""))) == [.completeCall(1, nil), Self.sent(2)])
        #expect(talk.tell(.callAnswered(2, .answered(status: 200, message: ""))) == [.completeCall(2, nil)])
    }

    @Test func `calls made before the first subscription wait for it up to a bound`() {
        var settings = SubscriptionSettings()
        settings.callsQueuedMax = 2
        var talk = Talk(settings: settings)
        #expect(talk.tell(.callSubmitted(1)) == [])
        #expect(talk.tell(.callSubmitted(2)) == [])
        #expect(talk.tell(.callSubmitted(3)) == [.completeCall(3, .queueFull)])
        _ = talk.tell(.masterDetected(Talk.leader))
        _ = talk.tell(.streamOpened(attempt: 1, streamID: "s1"))
        let effects = talk.tell(.recordArrived(attempt: 1, .subscribed("fw-1", heartbeatInterval: nil)))
        #expect(effects.withoutTimers == [.announce(.subscribed("fw-1", master: Talk.leader)), Self.sent(1)])
    }

    @Test func `a call made while a later subscription is broken fails at once`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.streamEnded(attempt: 1, reason: "closed"))
        #expect(talk.tell(.callSubmitted(1)) == [.completeCall(1, .notSubscribed)])
    }

    @Test(arguments: [
        (403, "Framework is not subscribed"), (307, ""), (400, "Framework cannot be found"),
        (400, "The stream ID 's1' included in this request didn't match the stream ID currently associated"),
    ])
    func `an answer that shows the stream is stale leads to a new subscription`(status: Int, message: String) {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        let effects = talk.tell(.callAnswered(1, .answered(status: status, message: message)))
        #expect(
            effects.withoutTimers == [
                .closeStream(attempt: 1), .announce(.disconnected("status \(status): \(message)")),
                .completeCall(1, .notSubscribed),
            ])
        #expect(
            talk.tell(.timerFired(effects.timers[0].number)).first
                == .openStream(attempt: 2, master: Talk.leader, frameworkID: "fw-1"))
    }

    @Test func `a bad call fails alone`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        _ = talk.tell(.callSubmitted(2))
        let message = "Failed to validate scheduler::Call: Expecting 'kill' to be present"
        #expect(
            talk.tell(.callAnswered(1, .answered(status: 400, message: message))) == [
                .completeCall(1, .rejected(status: 400, message: message)), Self.sent(2),
            ])
        #expect(
            talk.tell(.callAnswered(2, .unreachable(reason: "timed out"))) == [
                .completeCall(2, .unreachable("timed out"))
            ])
        #expect(talk.machine.isSubscribed(1))
    }

    @Test func `a call answered 503 is repeated with growing delays and then fails`() {
        var settings = SubscriptionSettings()
        settings.callTriesMax = 3
        var talk = Talk.subscribed(settings: settings)
        _ = talk.tell(.callSubmitted(1))
        var delays: [Duration] = []
        for _ in 1...2 {
            let effects = talk.tell(.callAnswered(1, .answered(status: 503, message: "busy")))
            delays.append(effects.timers[0].delay)
            #expect(talk.tell(.timerFired(effects.timers[0].number)) == [Self.sent(1)])
        }
        #expect(delays == [.milliseconds(200), .milliseconds(400)])
        #expect(
            talk.tell(.callAnswered(1, .answered(status: 503, message: "busy"))) == [
                .completeCall(1, .rejected(status: 503, message: "busy"))
            ])
    }

    @Test func `an answer that comes after its stream was lost is ignored`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        _ = talk.tell(.streamEnded(attempt: 1, reason: "closed"))
        #expect(talk.tell(.callAnswered(1, .answered(status: 202, message: ""))) == [])
    }

    @Test(arguments: [
        ("//m2:5050/api/v1/scheduler", "http://m2:5050"), ("http://m2:1/x?y", "http://m2:1"),
        ("https://m2:5050", "https://m2:5050"), ("/api", "http://m1:5050"), ("//", "http://m1:5050"),
        ("", "http://m1:5050"), ("//[::1]:5050/api", "http://[::1]:5050"),
    ])
    func `a redirect names a master whatever its form`(location: String, base: String) {
        #expect(MasterAddress.base(ofLocation: location, at: "http://m1:5050") == base)
    }
}
