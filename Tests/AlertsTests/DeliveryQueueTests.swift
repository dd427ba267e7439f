// A receiver's messages: tried one at a time, later and later, and given up in the end.
import Resources
import Testing

@testable import Alerts

@Suite struct DeliveryQueueTests {
    private let news = [
        AlertNews(
            .firing, AlertKey(rule: "AgentsLost", subject: ""), .warning, summary: "s", description: "d",
            since: WallTime(nanoseconds: 0), at: WallTime(nanoseconds: 0))
    ]

    @Test func `messages are tried one after the other`() {
        var queue = DeliveryQueue()
        guard case .attempt(let first)? = queue.step(.added(news)).first else {
            Issue.record("the first is not tried")
            return
        }
        #expect(queue.step(.added(news)).isEmpty)
        let effects = queue.step(.delivered(first.number))
        guard case .attempt(let second)? = effects.first else {
            Issue.record("the second is not tried")
            return
        }
        #expect(second.number != first.number)
        #expect(queue.step(.delivered(second.number)).isEmpty)
        #expect(queue.count == 0 && queue.delivered == 2 && queue.dropped == 0)
    }

    @Test func `a receiver that fails is tried six times, later and later, then the message is dropped`() {
        var queue = DeliveryQueue()
        var waits: [Duration] = []
        var effects = queue.step(.added(news))
        while let effect = effects.first {
            switch effect {
            case .attempt(let message): effects = queue.step(.failed(message.number, "refused"))
            case .waitToRetry(let number, let wait):
                waits.append(wait)
                effects = queue.step(.retryDue(number))
            case .drop(_, let reason):
                #expect(reason == "refused")
                effects = []
            }
        }
        #expect(waits == [2, 10, 50, 250, 900].map { .seconds($0) })
        #expect(queue.dropped == 1 && queue.count == 0)
        #expect(queue.problem == "refused")
    }

    @Test func `a receiver that hangs holds a hundred messages, and drops the oldest that is not on its way`() {
        var queue = DeliveryQueue()
        guard case .attempt(let first)? = queue.step(.added(news)).first else {
            Issue.record("the first is not tried")
            return
        }
        var dropped: [UInt64] = []
        for _ in 0..<500 {
            for case .drop(let message, _) in queue.step(.added(news)) { dropped.append(message.number) }
        }
        #expect(queue.count == DeliveryQueue.messagesMax)
        #expect(dropped.first == first.number + 1)
        #expect(dropped.count == 401)
        #expect(!dropped.contains(first.number))
    }

    @Test func `an answer that comes too late changes nothing`() {
        var queue = DeliveryQueue()
        _ = queue.step(.added(news))
        #expect(queue.step(.failed(7, "x")).isEmpty)
        #expect(queue.step(.delivered(7)).isEmpty)
        #expect(queue.step(.retryDue(7)).isEmpty)
        #expect(queue.count == 1)
    }
}
