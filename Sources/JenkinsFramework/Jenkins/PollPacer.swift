// The pace of polling: quick while something waits, slow when nothing does.
import Mailbox

/// How long the poller sleeps, and a way to wake it for the end.
final class PollPacer: Sendable {
    private struct State {
        var isBusy = true
        var isAwake = false
        var sleeper: CheckedContinuation<Void, Never>?
    }
    private let state = Locked(State())

    /// Whether something waits or changes. True until the first poll has said otherwise.
    var isBusy: Bool {
        get { state.withLock { $0.isBusy } }
        set { state.withLock { $0.isBusy = newValue } }
    }

    func sleep(_ duration: Duration) async {
        await withCheckedContinuation { sleeper in
            let isAwake = state.withLock { state -> Bool in
                if state.isAwake { return true }
                state.sleeper = sleeper
                return false
            }
            if isAwake { return sleeper.resume() }
            Timers.shared.scheduleOnce(after: duration) { self.resume() }
        }
    }

    /// Ends this sleep and all later ones.
    func wake() {
        state.withLock { $0.isAwake = true }
        resume()
    }

    private func resume() {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }
}
