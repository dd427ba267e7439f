// What is done once a rush of launches is over.

import Mailbox

/// Runs something when nothing has been launched for a while: what launching has left behind is then in nobody's way, and of
/// no use to anybody. Launches take their time, and wait for each other: a rush lasts until the last of them is over.
final class AfterRush: Sendable {
    private struct State {
        /// When something began or ended.
        var last = ContinuousClock.now
        var count = 0
        var underWay = 0
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

    func launchBegan() {
        let mustWait = state.withLock { state in
            state.last = .now
            state.count += 1
            state.underWay += 1
            defer { state.isWaiting = true }
            return !state.isWaiting
        }
        if mustWait { wait(quiet) }
    }

    /// It runs, or has failed.
    func launchEnded() {
        state.withLock { state in
            state.last = .now
            state.underWay -= 1
        }
    }

    private func wait(_ time: Duration) {
        Timers.shared.scheduleOnce(after: time) { [weak self] in self?.look() }
    }

    private func look() {
        let (left, wasRush) = state.withLock { state in
            let left = state.underWay > 0 ? quiet : ContinuousClock.now.duration(to: state.last + quiet)
            guard left <= .zero else { return (left, false) }
            defer { state.count = 0 }
            state.isWaiting = false
            return (.zero, state.count >= least)
        }
        if left > .zero { wait(left) }
        if wasRush { action() }
    }
}
