// Timers of which there are many, nearly all of them in vain.

import Mailbox

/// Timers that go off within a second after they are due, all of one second together.
///
/// Each status update gets one for the case that it is not acknowledged, and nearly all are. Left to themselves they would
/// wake the agent for each update once more.
final class CoarseTimers<Item: Sendable>: Sendable {
    private struct State {
        /// By the second, counted from ``start``, in which they go off.
        var due: [Int64: [Item]] = [:]
    }

    private let start = ContinuousClock.now
    private let state = Locked(State())
    private let fire: @Sendable ([Item]) -> Void

    /// - Parameter fire: Called on the thread of the timers with what is due.
    init(fire: @escaping @Sendable ([Item]) -> Void) { self.fire = fire }

    func schedule(_ item: Item, after delay: Duration) {
        let now = start.duration(to: .now)
        let second = Self.second(after: now + max(.zero, delay))
        let isFirst = state.withLock { state in
            state.due[second, default: []].append(item)
            return state.due[second]?.count == 1
        }
        guard isFirst else { return }
        Timers.shared.scheduleOnce(after: .seconds(second) - now) { [weak self] in self?.goOff(second) }
    }

    /// The first whole second that is not before a moment.
    static func second(after moment: Duration) -> Int64 {
        let (seconds, rest) = moment.components
        return seconds + (rest > 0 ? 1 : 0)
    }

    private func goOff(_ second: Int64) {
        guard let items = state.withLock({ $0.due.removeValue(forKey: second) }) else { return }
        fire(items)
    }
}
