// The queue between stream and framework: in order, bounded for those who ask, never stuck.
import Testing

@testable import SchedulerClient

@Suite struct EventBacklogTests {
    @Test func `elements come out in order and then nil`() async {
        let backlog = EventBacklog<Int>(countMax: 2)
        for number in 1...3 { backlog.add(number) }
        backlog.finish()
        backlog.add(4)
        var seen: [Int] = []
        while let number = await backlog.next() { seen.append(number) }
        #expect(seen == [1, 2, 3])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a producer waits for room and goes on when the reader has taken`() async {
        let backlog = EventBacklog<Int>(countMax: 3)
        async let produced: Void = {
            for number in 1...100 {
                backlog.add(number)
                await backlog.waitForRoom()
            }
            backlog.finish()
        }()
        var sum = 0
        while let number = await backlog.next() { sum += number }
        await produced
        #expect(sum == 5_050)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a cancelled reader and a finished backlog wake everybody`() async {
        let backlog = EventBacklog<Int>(countMax: 1)
        let reader = Task { await backlog.next() }
        reader.cancel()
        #expect(await reader.value == nil)
        backlog.add(1)
        let producer = Task { await backlog.waitForRoom() }
        backlog.finish()
        await producer.value
        #expect(await backlog.next() == 1)
        #expect(await backlog.next() == nil)
    }
}
