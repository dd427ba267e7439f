// What is done once a rush of launches is over.

import Mailbox
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1))) struct AfterRushTests {
    @Test func `each rush is followed by its end once, and a few launches are none`() async {
        let ends = Mailbox<Int>()
        let number = Locked(0)
        let rush = AfterRush(quiet: .milliseconds(30), least: 3) {
            ends.send(
                number.withLock { number in
                    number += 1
                    return number
                })
        }
        for _ in 0..<5 { rush.note() }
        #expect(await ends.next() == [1])
        for _ in 0..<2 { rush.note() }
        let pause = Latch<Void>()
        Timers.shared.scheduleOnce(after: .milliseconds(500)) { pause.open(()) }
        _ = await pause.wait()
        #expect(ends.depth == 0)
        for _ in 0..<3 { rush.note() }
        #expect(await ends.next() == [2])
    }
}
