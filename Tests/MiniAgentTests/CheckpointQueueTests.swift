// In which order writes reach the disk.

import Resources
import SimKit
import Testing

@testable import MiniAgent

struct CheckpointQueueTests {
    /// A write of a task, by its number among that task's.
    private struct Write: Hashable {
        var task: TaskKey?
        var number: Int
    }

    private static func key(_ number: Int) -> TaskKey { AgentConversation.key("t\(number)") }

    @Test func `a task's next step does not wait for all the tasks that came along with it`() {
        var queue = CheckpointQueue<String>(arrivalsMax: 2)
        for number in 1...100 { queue.append("task \(number)", .arrival(Self.key(number))) }
        #expect(queue.next() == ["task 1", "task 2"])
        queue.append("task 1 starts", .of(Self.key(1)))
        #expect(queue.next() == ["task 1 starts", "task 3", "task 4"])
    }

    @Test func `what was asked for about a task that is not written yet follows it`() {
        var queue = CheckpointQueue<String>(arrivalsMax: 2)
        for number in 1...3 { queue.append("task \(number)", .arrival(Self.key(number))) }
        queue.append("task 3 is killed", .of(Self.key(3)))
        queue.append("task 3 is forgotten", .of(Self.key(3)))
        queue.append("a framework", .other)
        #expect(queue.next() == ["a framework", "task 1", "task 2"])
        #expect(queue.next() == ["task 3", "task 3 is killed"])
        #expect(queue.next() == ["task 3 is forgotten"])
        #expect(queue.isEmpty && queue.next() == [])
    }

    @Test func `a task of a name that was used before comes after the end of the earlier one`() {
        var queue = CheckpointQueue<String>(arrivalsMax: 1)
        queue.append("the earlier one is forgotten", .of(Self.key(1)))
        queue.append("task 1", .arrival(Self.key(1)))
        #expect(queue.next() == ["the earlier one is forgotten", "task 1"])
    }

    @Test func `a task of a name that was used before waits for the earlier one's end behind more than one group`() {
        var queue = CheckpointQueue<String>(arrivalsMax: 1)
        for number in 1...300 { queue.append("framework \(number)", .other) }
        queue.append("the earlier one is forgotten", .of(Self.key(1)))
        queue.append("task 1", .arrival(Self.key(1)))
        var order: [String] = []
        while !queue.isEmpty { order += queue.next() }
        #expect(order.count == 302 && order.suffix(2) == ["the earlier one is forgotten", "task 1"])
    }

    @Test func `a new task is not kept waiting by what is asked for after it`() {
        var queue = CheckpointQueue<String>(arrivalsMax: 1)
        for number in 1...300 { queue.append("framework \(number)", .other) }
        queue.append("task 1", .arrival(Self.key(1)))
        _ = queue.next()
        for number in 301...600 { queue.append("framework \(number)", .other) }
        #expect(queue.next().contains("task 1"))
    }

    @Test(arguments: 0..<50)
    func `every write is made once, those of a task in their order, in groups of a bounded size`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = CheckpointQueue<Write>(arrivalsMax: 3)
        var asked: [TaskKey?: [Write]] = [:]
        var made: [TaskKey?: [Write]] = [:]
        func take() {
            let group = queue.next()
            #expect(group.count <= CheckpointQueue<Write>.groupMax + 3)
            for write in group { made[write.task, default: []].append(write) }
        }
        // In half of the cases the disk is so slow that more waits than one group takes.
        let (answers, others, new) = seed.isMultiple(of: 2) ? (20, 10, 25) : (0, 80, 5)
        for number in 0..<2000 {
            let task = random.chance(others) ? nil : Self.key(Int.random(in: 0..<60, using: &random))
            let write = Write(task: task, number: number)
            asked[task, default: []].append(write)
            switch task {
            case nil: queue.append(write, .other)
            case .some(let task): queue.append(write, random.chance(new) ? .arrival(task) : .of(task))
            }
            if random.chance(answers) || number % 500 == 499 { take() }
        }
        while !queue.isEmpty { take() }
        #expect(made == asked)
    }
}
