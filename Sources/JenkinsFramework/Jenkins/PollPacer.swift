// The pace of polling: quick while something waits, slow when nothing does.
import Mailbox

/// How long the poller sleeps, and a way to wake it for the end.
final class PollPacer: Sendable {
    private struct State {
        var isBusy = true
        var watchPlan: WatchPlan?
        var labelSource = LabelSource.auto
        var isAwake = false
        var sleeper: CheckedContinuation<Void, Never>?
    }
    private let state = Locked(State())

    /// Whether something waits or changes. True until the first poll has said otherwise.
    var isBusy: Bool { state.withLock { $0.isBusy } }

    /// What is to be looked at between polls.
    var watchPlan: WatchPlan? { state.withLock { $0.watchPlan } }
    var labelSource: LabelSource { state.withLock { $0.labelSource } }

    /// What the planner wishes after it has seen something new.
    func follow(_ planner: JenkinsPlanner) {
        let (isBusy, watchPlan, labelSource) = (planner.isBusy, planner.watchPlan, planner.settings.labelSource)
        state.withLock { state in
            state.isBusy = isBusy
            state.watchPlan = watchPlan
            state.labelSource = labelSource
        }
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

    /// Ends this sleep, if there is one.
    func nudge() { resume() }

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
