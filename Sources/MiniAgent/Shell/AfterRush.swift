// What is done once a rush of launches is over.

import Mailbox

/// Runs something when nothing has been launched for a while: what launching has left behind is then in nobody's way, and of
/// no use to anybody.
final class AfterRush: Sendable {
    private struct State {
        var last = ContinuousClock.now
        var count = 0
        /// Somebody waits for the end of the rush.
        var isWaiting = false
    }

    private let quiet: Duration
    private let least: Int
    private let state = Locked(State())
    private let action: @Sendable () -> Void

    /// - Parameters:
    ///   - quiet: How long nothing must have been launched.
    ///   - least: How many launches make a rush.
    ///   - action: Called once for each rush, on the thread of the timers, which it must not block.
    init(quiet: Duration, least: Int, action: @escaping @Sendable () -> Void) {
        self.quiet = quiet
        self.least = least
        self.action = action
    }

    /// Something is launched now.
    func note() {
        let mustWait = state.withLock { state in
            state.last = .now
            state.count += 1
            defer { state.isWaiting = true }
            return !state.isWaiting
        }
        if mustWait { wait(quiet) }
    }

    private func wait(_ time: Duration) {
        Timers.shared.scheduleOnce(after: time) { [weak self] in self?.look() }
    }

    private func look() {
        let (left, wasRush) = state.withLock { state in
            let left = ContinuousClock.now.duration(to: state.last + quiet)
            guard left <= .zero else { return (left, false) }
            defer { state.count = 0 }
            state.isWaiting = false
            return (.zero, state.count >= least)
        }
        if left > .zero { wait(left) }
        if wasRush { action() }
    }
}
