// How many containers the engine is made to start at a time.

import Glibc
import Mailbox

/// An engine that is asked for a hundred containers at once starts them more slowly than one that is asked for as many as
/// serve it well; the others wait their turn, in the order they came.
final class StartTurns: Sendable {
    /// The right to make the engine work. Given back once, at the latest when it is dropped.
    final class Turn: Sendable {
        private let turns: Locked<StartTurns?>

        fileprivate init(_ turns: StartTurns) { self.turns = Locked(turns) }

        deinit { giveBack() }

        func giveBack() {
            let turns = turns.withLock { turns in
                defer { turns = nil }
                return turns
            }
            turns?.pass()
        }
    }

    private struct State {
        var free: Int
        var waiting: [Latch<Void>] = []
    }

    /// What serves engines well: they wait for disks and for the kernel more than they compute.
    static let usual = max(8, 2 * Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    private let state: Locked<State>

    init(_ count: Int = usual) { state = Locked(State(free: count)) }

    /// - Returns: nil if the task was cancelled while it waited.
    func take() async -> Turn? {
        let latch = state.withLock { state -> Latch<Void>? in
            guard state.free == 0 else {
                state.free -= 1
                return nil
            }
            let latch = Latch<Void>()
            state.waiting.append(latch)
            return latch
        }
        guard let latch else { return Turn(self) }
        if await latch.wait() != nil { return Turn(self) }
        let wasWaiting = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0 === latch }) else { return false }
            state.waiting.remove(at: index)
            return true
        }
        if !wasWaiting { pass() }
        return nil
    }

    /// How many wait for a turn.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func pass() {
        let next = state.withLock { state -> Latch<Void>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.open(())
    }
}
