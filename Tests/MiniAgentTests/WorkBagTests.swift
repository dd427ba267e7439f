// Background work that pauses, and how all of it ends.

import Mailbox
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1))) struct WorkBagTests {
    private let bag = WorkBag()
    private let gate = Latch<Void>()
    private let trail = Mailbox<String>()

    private var atGate: Awaited {
        Awaited(
            whenOver: { [gate] call in gate.whenOpen { call() } }, interrupt: { [trail] in trail.send("interrupted") })
    }

    private func pausing() {
        bag.addPausing { [trail, atGate] in
            trail.send("before")
            return WorkBag.Pause(until: atGate) {
                trail.send("after")
                return nil
            }
        }
    }

    private func next(_ count: Int) async -> [String] {
        var all: [String] = []
        while all.count < count { all += await trail.next() }
        return all
    }

    @Test func `work that pauses goes on once what it waits for has happened`() async {
        pausing()
        #expect(await next(1) == ["before"])
        #expect(bag.count == 1)
        gate.open(())
        #expect(await next(1) == ["after"])
        while bag.count > 0 { await Task.yield() }
    }

    @Test func `it goes on if that has happened before`() async {
        gate.open(())
        pausing()
        #expect(await next(2) == ["before", "after"])
    }

    @Test func `work that pauses when all ends is interrupted and does not go on`() async {
        pausing()
        #expect(await next(1) == ["before"])
        await bag.close()
        #expect(await next(1) == ["interrupted"])
        gate.open(())
        #expect(bag.count == 0)
        #expect(trail.depth == 0)
    }

    @Test func `work that comes to a pause when all has ended is interrupted, too`() async {
        let started = Latch<Void>()
        bag.addPausing { [trail, started, atGate] in
            started.open(())
            // Until it is cancelled.
            _ = await Latch<Void>().wait()
            return WorkBag.Pause(until: atGate) {
                trail.send("after")
                return nil
            }
        }
        _ = await started.wait()
        await bag.close()
        #expect(await next(1) == ["interrupted"])
    }
}
