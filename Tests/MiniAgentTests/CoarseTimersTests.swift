// Timers that go off together.

import Mailbox
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1))) struct CoarseTimersTests {
    @Test func `a moment belongs to the first whole second that is not before it`() {
        let second = CoarseTimers<Int>.second
        #expect(second(.zero) == 0)
        #expect(second(.nanoseconds(1)) == 1)
        #expect(second(.seconds(1)) == 1)
        #expect(second(.milliseconds(10_999)) == 11)
    }

    @Test func `what is due in the same second comes together, each once, and nothing too early`() async {
        let heard = Mailbox<[Int]>()
        let timers = CoarseTimers<Int> { heard.send($0) }
        let start = ContinuousClock.now
        for number in 0..<100 { timers.schedule(number, after: .milliseconds(20)) }
        var numbers: [Int] = []
        var times = 0
        while numbers.count < 100 {
            for batch in await heard.next() {
                times += 1
                numbers += batch
            }
        }
        #expect(start.duration(to: .now) >= .milliseconds(20))
        #expect(numbers.sorted() == Array(0..<100))
        #expect(times <= 2)
    }
}
