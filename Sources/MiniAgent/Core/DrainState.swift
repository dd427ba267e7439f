// The agent's side of a drain: every task is ended, no task is taken in, and it is remembered over a restart.

import MesosProtocol
import Resources

/// How the master wants this agent drained.
package struct DrainOrder: Hashable, Sendable {
    /// Cuts the tasks' own grace periods. Nil: each task has its own.
    package var maxGrace: Duration?
    /// The agent will be marked gone when it is empty.
    package var marksGone: Bool
    /// When this agent first heard of it.
    package var since: WallTime

    package init(maxGrace: Duration? = nil, marksGone: Bool = false, since: WallTime) {
        self.maxGrace = maxGrace
        self.marksGone = marksGone
        self.since = since
    }

    package init(_ config: V1DrainConfig, since: WallTime) {
        self.init(
            maxGrace: config.hasMaxGracePeriod ? max(.zero, .nanoseconds(config.maxGracePeriod.nanoseconds)) : nil,
            marksGone: config.markGone, since: since)
    }

    package var config: V1DrainConfig {
        var config = V1DrainConfig()
        if let maxGrace { config.maxGracePeriod.nanoseconds = maxGrace.clampedNanoseconds }
        config.markGone = marksGone
        return config
    }
}

extension AgentCore {
    /// The master wants this agent empty. What is to be done is on disk before the first task is ended, so that an agent
    /// that restarts goes on with it.
    mutating func beginDrain(_ config: V1DrainConfig, _ now: Moment) -> [AgentEffect] {
        let order = DrainOrder(config, since: drain?.since ?? now.wall)
        // Nothing to end: there is nothing to remember either. The master offers nothing of a draining agent.
        guard hasLiveTasks else { return endDrain() }
        drain = order
        return [
            .notice(.warning("draining: \(tasks.values.filter { !$0.isEnded }.count) tasks are ended")),
            .checkpoint(.drain(order)),
        ]
    }

    /// Forgets the drain. Tasks that are being ended still end.
    mutating func endDrain() -> [AgentEffect] {
        guard drain != nil else { return [] }
        drain = nil
        return [.checkpoint(.drain(nil))]
    }

    /// The order is on disk: now every task is ended, in its own time or in what the order allows, whichever is less.
    mutating func drainRecorded(_ order: DrainOrder?, _ now: Moment) -> [AgentEffect] {
        guard let order, order == drain else { return [] }
        return drainExecutors(order, now)
            + tasks.keys.sorted().flatMap { key -> [AgentEffect] in
                guard let life = tasks[key], !life.isEnded else { return [] }
                let grace = min(
                    killGrace(of: life.record, asked: nil), order.maxGrace ?? .seconds(Int64.max / 2_000_000_000))
                let cause = order.marksGone ? KillOrder.Cause.drainToGone : .drain
                return step(key, .killRequested(KillOrder(grace: grace, cause: cause)), now)
            }
    }

    /// After a restart the drain goes on where it was.
    mutating func recoverDrain(_ order: DrainOrder?, _ now: Moment) -> [AgentEffect] {
        drain = order
        return drainRecorded(order, now)
    }

    /// A drain is over, for the agent, when nothing is left to end.
    mutating func forgetDrainIfDone() -> [AgentEffect] {
        guard drain != nil, !hasLiveTasks else { return [] }
        return endDrain()
    }

    private var hasLiveTasks: Bool { tasks.values.contains { !$0.isEnded } || hasLiveHostedTasks }

    /// Why a task of this framework is not taken in; nil unless the agent drains.
    func drainRefusal(of framework: V1FrameworkInfo) -> ExitReport? {
        guard drain != nil else { return nil }
        return ExitReport(
            state: framework.droppedState, reason: .agentDraining, message: "The agent is draining")
    }
}

extension ExitReport {
    /// The same end, told as what it is when a drain or the task's time limit was behind the kill.
    func told(asKilledBy cause: KillOrder.Cause?, to framework: V1FrameworkInfo) -> ExitReport {
        guard let cause, cause != .request, state == .taskKilled else { return self }
        var report = self
        if cause == .completionTime {
            report.state = .taskFailed
            report.source = .executor
            report.reason = .maxCompletionTimeReached
            return report
        }
        report.source = .agent
        report.reason = .agentDraining
        if cause == .drainToGone, framework.has(.partitionAware) { report.state = .taskGoneByOperator }
        return report
    }
}
