// What is done once a rush of launches is over.

import Mailbox
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1))) struct AfterRushTests {
    private let ends = Mailbox<Int>()
    private let rush: AfterRush

    init() {
        let number = Locked(0)
        rush = AfterRush(quiet: .milliseconds(30), least: 3) { [ends] in
            ends.send(
                number.withLock { number in
                    number += 1
                    return number
                })
        }
    }

    private func launch(_ count: Int) {
        for _ in 0..<count {
            rush.launchBegan()
            rush.launchEnded()
        }
    }

    /// Much longer than what counts as quiet.
    private func pause() async {
        let pause = Latch<Void>()
        Timers.shared.scheduleOnce(after: .milliseconds(500)) { pause.open(()) }
        _ = await pause.wait()
    }

    @Test func `each rush is followed by its end once, and a few launches are none`() async {
        launch(5)
        #expect(await ends.next() == [1])
        launch(2)
        await pause()
        #expect(ends.depth == 0)
        launch(3)
        #expect(await ends.next() == [2])
    }

    @Test func `a rush is not over as long as a launch waits for its turn`() async {
        launch(5)
        rush.launchBegan()
        await pause()
        #expect(ends.depth == 0)
        rush.launchEnded()
        #expect(await ends.next() == [1])
    }
}
