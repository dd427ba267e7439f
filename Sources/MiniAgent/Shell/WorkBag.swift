// The agent's background work, so that all of it can be ended together.

import Mailbox

/// Tasks that run beside the agent's loop. Once closed, nothing new starts.
final class WorkBag: Sendable {
    struct Ticket: Hashable, Sendable {
        fileprivate var number: Int
    }

    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
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

    func cancel(_ ticket: Ticket) {
        state.withLock { $0.tasks[ticket.number] }?.cancel()
    }

    /// Cancels everything and waits for it to notice.
    func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    var count: Int { state.withLock { $0.tasks.count } }
}
