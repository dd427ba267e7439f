// So many requests at a time, the others in a line.
import Mailbox

/// Lets a fixed number of requests through at a time, the others in the order they came.
final class RequestGate: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Locked<State>

    init(slots: Int) { state = Locked(State(free: slots)) }

    func enter() async {
        await withCheckedContinuation { waiter in
            let mayGo = state.withLock { state -> Bool in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(waiter)
                return false
            }
            if mayGo { waiter.resume() }
        }
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
