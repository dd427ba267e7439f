// Waiting that can be cancelled, for something that happens once, and being told of it without waiting.

import Mailbox

/// Opened once with a value; anyone who waits gets it.
final class Latch<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [Int: CheckedContinuation<Value?, Never>] = [:]
        var cancelled: Set<Int> = []
        var lastNumber = 0
        var calls: [@Sendable (Value) -> Void] = []
    }

    private let state = Locked(State())

    func open(_ value: Value) {
        let (waiters, calls, value) = state.withLock { state in
            defer {
                state.waiters = [:]
                state.calls = []
            }
            let first = state.value ?? value
            state.value = first
            return (state.waiters.values.map { $0 }, state.calls, first)
        }
        for waiter in waiters { waiter.resume(returning: value) }
        for call in calls { call(value) }
    }

    /// Calls with the value: at once if it is there, otherwise on the thread that opens the latch. A task that waits holds
    /// kilobytes.
    func whenOpen(_ call: @escaping @Sendable (Value) -> Void) {
        let value = state.withLock { state in
            if state.value == nil { state.calls.append(call) }
            return state.value
        }
        if let value { call(value) }
    }

    /// - Returns: `nil` if the task was cancelled first.
    func wait() async -> Value? {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isReady, value) = state.withLock { state -> (Bool, Value?) in
                    if let value = state.value { return (true, value) }
                    if state.cancelled.remove(number) != nil { return (true, nil) }
                    state.waiters[number] = continuation
                    return (false, nil)
                }
                if isReady { continuation.resume(returning: value) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                guard let waiter = state.waiters.removeValue(forKey: number) else {
                    state.cancelled.insert(number)
                    return nil as CheckedContinuation<Value?, Never>?
                }
                return waiter
            }
            waiter?.resume(returning: nil)
        }
    }
}
