// How a framework gets subscribed and stays so: one conversation a test.
import Resources
import Testing

@testable import SchedulerClient

@Suite struct SubscriptionMachineTests {
    typealias Talk = SubscriptionConversation

    @Test func `a framework subscribes as soon as a master is detected`() {
        var talk = Talk()
        #expect(
            talk.tell(.masterDetected(Talk.leader)).withoutTimers == [
                .openStream(attempt: 1, master: Talk.leader, frameworkID: nil)
            ])
        #expect(talk.tell(.streamOpened(attempt: 1, streamID: "s1")) == [])
        #expect(
            talk.tell(.recordArrived(attempt: 1, .subscribed("fw-1", heartbeatInterval: .seconds(15))))
                .withoutTimers == [.announce(.subscribed("fw-1", master: Talk.leader))])
        #expect(talk.machine.isSubscribed(1))
    }

    @Test func `a saved framework id is used at first and an assigned one ever after`() {
        var saved = Talk(frameworkID: "old")
        #expect(
            saved.tell(.masterDetected(Talk.leader)).first
                == .openStream(attempt: 1, master: Talk.leader, frameworkID: "old"))

        var talk = Talk.subscribed()
        let timer = talk.tell(.streamEnded(attempt: 1, reason: "closed")).timers[0].number
        #expect(
            talk.tell(.timerFired(timer)).first
                == .openStream(attempt: 2, master: Talk.leader, frameworkID: "fw-1"))
    }

    @Test func `a standby's redirect is followed at once, and not for ever`() {
        var settings = SubscriptionSettings()
        settings.redirectsMax = 2
        var talk = Talk(settings: settings)
        _ = talk.tell(.masterDetected(Talk.leader))
        for attempt in 1...2 {
            let effects = talk.tell(
                .streamRefused(attempt: attempt, status: 307, location: Talk.standby, reason: ""))
            #expect(effects.first == .openStream(attempt: attempt + 1, master: Talk.standby, frameworkID: nil))
        }
        let effects = talk.tell(.streamRefused(attempt: 3, status: 307, location: Talk.standby, reason: ""))
        #expect(effects.withoutTimers == [])
        #expect(effects.timers.count == 1)
    }

    @Test func `a master without a leader is asked again with growing delays`() {
        var talk = Talk()
        _ = talk.tell(.masterDetected(Talk.leader))
        var delays: [Duration] = []
        for attempt in 1...8 {
            let effects = talk.tell(
                .streamRefused(attempt: attempt, status: 503, location: nil, reason: "No leader elected"))
            #expect(effects.withoutTimers == [])
            delays.append(effects.timers[0].delay)
            _ = talk.tell(.timerFired(effects.timers[0].number))
        }
        for (index, delay) in delays.enumerated() {
            let ceiling = min(.milliseconds(200) * (1 << index), .seconds(5))
            #expect(delay >= ceiling / 2 && delay <= ceiling, "try \(index): \(delay)")
        }
    }

    @Test func `the same seed waits the same and another seed does not`() {
        func delays(_ seed: UInt64) -> [Duration] {
            var talk = Talk(seed: seed)
            _ = talk.tell(.masterDetected(Talk.leader))
            return (1...5).map { attempt in
                let timer = talk.tell(
                    .streamRefused(attempt: attempt, status: nil, location: nil, reason: "refused")
                ).timers[0]
                _ = talk.tell(.timerFired(timer.number))
                return timer.delay
            }
        }
        #expect(delays(1) == delays(1))
        #expect(delays(1) != delays(2))
    }

    @Test func `a new leader is called without waiting for the backoff`() {
        var talk = Talk()
        _ = talk.tell(.masterDetected(Talk.leader))
        _ = talk.tell(.streamRefused(attempt: 1, status: nil, location: nil, reason: "connection refused"))
        #expect(talk.tell(.masterDetected(Talk.leader)) == [])
        #expect(
            talk.tell(.masterDetected(Talk.standby)).first
                == .openStream(attempt: 2, master: Talk.standby, frameworkID: nil))
    }

    @Test func `a new leader that is still reading its registry is asked again within milliseconds`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.streamEnded(attempt: 1, reason: "killed"))
        for attempt in 2...9 {
            guard case .backingOff(let timer) = talk.machine.phase else { break }
            _ = talk.tell(.timerFired(timer))
            _ = talk.tell(.streamRefused(attempt: attempt, status: nil, location: nil, reason: "connection refused"))
        }
        guard case .openStream(let attempt, _, _)? = talk.tell(.masterDetected(Talk.standby)).first else {
            Issue.record("the new leader is not called")
            return
        }
        let refusal = SubscriptionMachine.Event.streamRefused(
            attempt: attempt, status: 503, location: nil, reason: "Master has not finished recovery")
        let delay = talk.tell(refusal).timers.first?.delay ?? .seconds(99)
        #expect(delay <= .milliseconds(25))
    }

    @Test func `a change of leader ends the old stream and its calls`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        _ = talk.tell(.callSubmitted(2))
        #expect(
            talk.tell(.masterDetected(Talk.standby)).withoutTimers == [
                .closeStream(attempt: 1),
                .announce(.disconnected("another master leads: \(Talk.standby)")),
                .completeCall(1, .notSubscribed), .completeCall(2, .notSubscribed),
                .openStream(attempt: 2, master: Talk.standby, frameworkID: "fw-1"),
            ])
        #expect(talk.tell(.streamEnded(attempt: 1, reason: "late")) == [])
        #expect(talk.tell(.recordArrived(attempt: 1, .other)) == [])
    }

    @Test func `losing sight of the leader does not end a stream that works`() {
        var talk = Talk.subscribed()
        #expect(talk.tell(.masterDetected(nil)) == [])
        #expect(talk.machine.isSubscribed(1))
        let effects = talk.tell(.streamEnded(attempt: 1, reason: "closed"))
        #expect(talk.tell(.timerFired(effects.timers[0].number)) == [])
        #expect(talk.machine.phase == .detecting)
        #expect(talk.tell(.masterDetected(Talk.standby)).withoutTimers.count == 1)
    }

    @Test func `five missed heartbeats end the stream and four do not`() {
        var talk = Talk.subscribed()
        talk.wait(.seconds(70))
        _ = talk.tell(.recordArrived(attempt: 1, .heartbeat))
        talk.wait(.seconds(5))
        let again = talk.tell(.timerFired(2))
        #expect(again.withoutTimers == [])
        #expect(again.timers[0].delay == .seconds(70))
        talk.wait(.seconds(70))
        #expect(
            talk.tell(.timerFired(again.timers[0].number)).withoutTimers == [
                .closeStream(attempt: 1), .announce(.disconnected("\(Talk.leader) sent no heartbeat")),
            ])
    }

    @Test func `a master that never answers SUBSCRIBE is given up`() {
        var talk = Talk()
        let timer = talk.tell(.masterDetected(Talk.leader)).timers[0]
        #expect(timer.delay == .seconds(15))
        let effects = talk.tell(.timerFired(timer.number))
        #expect(effects.withoutTimers == [.closeStream(attempt: 1)])
        #expect(effects.timers.count == 1)
    }

    @Test func `a stream without an id or without SUBSCRIBED first is no subscription`() {
        for opening in [
            [.streamOpened(attempt: 1, streamID: nil)],
            [.streamOpened(attempt: 1, streamID: "s1"), .recordArrived(attempt: 1, .heartbeat)],
        ] as [[SubscriptionMachine.Event]] {
            var talk = Talk()
            _ = talk.tell(.masterDetected(Talk.leader))
            var last: [SubscriptionMachine.Effect] = []
            for event in opening { last = talk.tell(event) }
            #expect(last.withoutTimers == [.closeStream(attempt: 1)])
        }
    }

    @Test func `an ERROR event ends everything with its message`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        #expect(
            talk.tell(.recordArrived(attempt: 1, .error("Framework failed over"))) == [
                .closeStream(attempt: 1), .completeCall(1, .stopped),
                .announce(.refused("Framework failed over")), .finish,
            ])
        #expect(talk.tell(.masterDetected(Talk.standby)) == [])
    }

    @Test func `a removed framework starts afresh only if it was told to`() {
        var settings = SubscriptionSettings()
        settings.subscribesAnewWhenRemoved = true
        var talk = Talk(frameworkID: "gone", settings: settings)
        _ = talk.tell(.masterDetected(Talk.leader))
        _ = talk.tell(.streamOpened(attempt: 1, streamID: "s1"))
        let effects = talk.tell(.recordArrived(attempt: 1, .error("Framework has been removed")))
        #expect(effects.withoutTimers == [.closeStream(attempt: 1)])
        #expect(
            talk.tell(.timerFired(effects.timers[0].number)).first
                == .openStream(attempt: 2, master: Talk.leader, frameworkID: nil))
    }

    @Test(arguments: [400, 401, 403, 406, 415])
    func `a SUBSCRIBE that is wrong in itself is not repeated`(status: Int) {
        var talk = Talk()
        _ = talk.tell(.masterDetected(Talk.leader))
        let effects = talk.tell(.streamRefused(attempt: 1, status: status, location: nil, reason: "no"))
        #expect(effects.last == .finish)
        #expect(talk.machine.phase == .stopped)
    }

    @Test func `stopping closes the stream and fails what waits`() {
        var talk = Talk.subscribed()
        _ = talk.tell(.callSubmitted(1))
        _ = talk.tell(.callSubmitted(2))
        #expect(
            talk.tell(.stopRequested) == [
                .closeStream(attempt: 1), .completeCall(1, .stopped), .completeCall(2, .stopped), .finish,
            ])
        #expect(talk.tell(.callSubmitted(3)) == [.completeCall(3, .stopped)])
    }
}
