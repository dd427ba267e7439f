// The thread of the agent's loop: everything that is given to it runs there, and it ends when nobody holds it.

import Glibc
import Mailbox
import Testing

@testable import MiniAgent

private func currentThread() -> UInt { UInt(pthread_self()) }

private actor Counter {
    private let thread: AgentThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private(set) var count = 0

    init(_ thread: AgentThread) { self.thread = thread }

    func add() -> UInt {
        count += 1
        return currentThread()
    }
}

@Suite(.timeLimit(.minutes(1))) struct AgentThreadTests {
    @Test func `an actor and the tasks that are given to it share one thread`() async {
        let thread = AgentThread.start()
        let counter = Counter(thread)
        let threads = await withTaskGroup(of: [UInt].self) { group in
            for _ in 0..<50 {
                group.addTask(executorPreference: thread) {
                    var threads: [UInt] = []
                    for _ in 0..<20 {
                        threads.append(currentThread())
                        await Task.yield()
                        threads.append(await counter.add())
                    }
                    return threads
                }
            }
            return await group.reduce(into: Set<UInt>()) { $0.formUnion($1) }
        }
        #expect(await counter.count == 1000)
        #expect(threads.count == 1)
        #expect(threads.first != currentThread())
    }

    @Test func `work goes on there after the maker has let go of it, and then it is gone`() async {
        let latch = Latch<Int>()
        weak var held: AgentThread?
        let work: Task<Int?, Never>
        do {
            let thread = AgentThread.start()
            held = thread
            work = Task(executorPreference: thread) { await latch.wait() }
        }
        latch.open(7)
        #expect(await work.value == 7)
        while held != nil { await Task.yield() }
    }

    @Test func `who pauses goes on there when the time has come, wherever it was`() async {
        let thread = AgentThread.start()
        let threads = await withTaskGroup(of: UInt.self) { group in
            for number in [3, 1, 0, 2] {
                group.addTask(executorPreference: thread) {
                    let start = ContinuousClock.now
                    await thread.pause(for: .milliseconds(number))
                    #expect(ContinuousClock.now - start >= .milliseconds(number))
                    return currentThread()
                }
            }
            return await group.reduce(into: Set<UInt>()) { $0.insert($1) }
        }
        #expect(threads.count == 1)
        await thread.pause(for: .milliseconds(1))
    }
}
