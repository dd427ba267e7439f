// The pace of polling: when the planner wishes the next poll, and a way to wait for it.
import Mailbox
import Resources
import SchedulerClient

/// How long the poller sleeps, and a way to wake it when the plan has changed, and for the end.
final class PollPacer: Sendable {
    private struct State {
        var plan = PollPlan(basis: .zero, dueAt: .zero, isFull: true, expectsDemand: true)
        var watchPlan: WatchPlan?
        var labelSource = LabelSource.auto
        /// Raised whenever the plan changes.
        var version = 0
        var isAwake = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    /// How long the plan of a poll is waited for. A planner that takes longer has other troubles.
    private static let patience = Duration.seconds(10)

    private let state = Locked(State())

    /// What the next poll should read.
    var plan: PollPlan { state.withLock { $0.plan } }
    /// What is to be looked at between polls.
    var watchPlan: WatchPlan? { state.withLock { $0.watchPlan } }
    var labelSource: LabelSource { state.withLock { $0.labelSource } }

    /// What the planner wishes after it has seen something new.
    func follow(_ planner: JenkinsPlanner, _ controller: JenkinsConfiguration.Controller) {
        let plan = planner.pollPlan(quick: controller.pollInterval, seldom: controller.idlePollInterval)
        let watch = planner.watchPlan.flatMap { watch in
            // Polls that look at the computers as often are enough.
            let isCovered = plan.isFull && plan.basis.duration(to: plan.dueAt) <= watch.interval
            return isCovered && !watch.includesQueue ? nil : watch
        }
        let labelSource = planner.settings.labelSource
        let isChanged = state.withLock { state in
            state.watchPlan = watch
            state.labelSource = labelSource
            guard state.plan != plan else { return false }
            state.plan = plan
            state.version += 1
            return true
        }
        if isChanged { resume() }
    }

    /// Until the plan that rests on the poll begun at `startedAt` says that the next is due.
    func waitForNext(after startedAt: Instant) async {
        while true {
            let (plan, version, isAwake) = state.withLock { ($0.plan, $0.version, $0.isAwake) }
            if isAwake { return }
            let now = Moment.now.instant
            let isPlanned = plan.basis >= startedAt
            let due = isPlanned ? plan.dueAt : startedAt.advanced(by: Self.patience)
            if due <= now { return }
            await sleep(now.duration(to: due), unlessChangedFrom: version)
        }
    }

    func sleep(_ duration: Duration) async { await sleep(duration, unlessChangedFrom: nil) }

    private func sleep(_ duration: Duration, unlessChangedFrom version: Int?) async {
        await withCheckedContinuation { sleeper in
            let isAwake = state.withLock { state -> Bool in
                if state.isAwake || version.map({ $0 != state.version }) ?? false { return true }
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
