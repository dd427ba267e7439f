// The agent's background work, so that all of it can be ended together.

import Mailbox

/// Tasks that run beside the agent's loop. Once closed, nothing new starts.
final class WorkBag: Sendable {
    struct Ticket: Hashable, Sendable {
        fileprivate var number: Int
    }

    /// Work that waits for something and has no task meanwhile, which would hold kilobytes.
    struct Pause: Sendable {
        var until: Awaited
        var goOn: @Sendable () async -> Pause?
    }

    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
        var pauses: [Int: Awaited] = [:]
        var lastNumber = 0
        var isClosed = false
    }

    private let state = Locked(State())

    /// - Parameter executor: Where it runs; nil: where everything else does.
    @discardableResult
    func add(on executor: (any TaskExecutor)? = nil, _ work: @escaping @Sendable () async -> Void) -> Ticket {
        state.withLock { state in
            state.lastNumber += 1
            let number = state.lastNumber
            guard !state.isClosed else { return Ticket(number: number) }
            state.tasks[number] = Task(executorPreference: executor) { [weak self] in
                await work()
                self?.state.withLock { $0.tasks[number] = nil }
            }
            return Ticket(number: number)
        }
    }

    /// - Parameter work: Runs until it only waits, and goes on in another task when that is over.
    func addPausing(on executor: (any TaskExecutor)? = nil, _ work: @escaping @Sendable () async -> Pause?) {
        add(on: executor) { [weak self] in
            if let pause = await work() { self?.begin(pause, on: executor) }
        }
    }

    private func begin(_ pause: Pause, on executor: (any TaskExecutor)?) {
        let number = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.lastNumber += 1
            state.pauses[state.lastNumber] = pause.until
            return state.lastNumber
        }
        guard let number else { return pause.until.interrupt() }
        pause.until.whenOver { [weak self, goOn = pause.goOn] in
            guard let self, state.withLock({ $0.pauses.removeValue(forKey: number) }) != nil else { return }
            addPausing(on: executor, goOn)
        }
    }

    func cancel(_ ticket: Ticket) {
        state.withLock { $0.tasks[ticket.number] }?.cancel()
    }

    /// Cancels everything and waits for it to notice. Work that pauses does not go on.
    func close() async {
        let (tasks, pauses) = state.withLock { state in
            state.isClosed = true
            defer { state.pauses = [:] }
            return (Array(state.tasks.values), Array(state.pauses.values))
        }
        for pause in pauses { pause.interrupt() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    var count: Int { state.withLock { $0.tasks.count + $0.pauses.count } }
}

/// Something that happens once, and of which one is told.
package struct Awaited: Sendable {
    /// Calls once, from any thread; at once if it has happened.
    let whenOver: @Sendable (_ call: @escaping @Sendable () -> Void) -> Void
    /// Nobody needs it any more. It may still be told, or not.
    let interrupt: @Sendable () -> Void
}
