// When a task's checks run, and what their results mean: the rules of Apache Mesos's checkers.

import MesosProtocol
import Resources

/// The checks of one task: their timing, and what has been told of them.
///
/// ```
/// idle ─► waiting(n) ─► running(n) ─► waiting(n+1) ─► ...
///   └─────────┴─────────────┴─► paused     the task is being ended
/// ```
///
/// All times count from the container's start, also over a restart of the agent.
package struct TaskChecks: Hashable, Sendable {
    /// What a result leads to.
    package enum Verdict: Hashable, Sendable {
        case nothing
        /// An update with this reason, and a message if something is wrong.
        case tell(V1TaskStatus.Reason, message: String?)
        /// The same, and the task is to be killed.
        case kill(V1TaskStatus.Reason, message: String?)
    }

    /// A run that is to be scheduled.
    package struct Appointment: Hashable, Sendable {
        package var purpose: CheckPurpose
        package var number: Int
        package var delay: Duration
    }

    private enum Phase: Hashable, Sendable { case idle, waiting, running, paused }

    private struct Cycle: Hashable, Sendable {
        var target: CheckTarget
        var delay: Duration
        var interval: Duration
        var timeout: Duration?
        var phase = Phase.idle
        var number = 0
    }

    private var cycles: [CheckPurpose: Cycle] = [:]
    private var gracePeriod = Duration.zero
    private var failuresMax: UInt32 = 0
    /// Failures in a row that counted.
    private var failures: UInt32 = 0
    /// What the framework was last told; nil before the first result that counted.
    package private(set) var healthy: Bool?
    /// The newest result; nil without a check.
    package private(set) var result: V1CheckStatusInfo?

    package init(_ info: V1TaskInfo) {
        if info.hasHealthCheck, let target = CheckTarget(info.healthCheck) {
            let check = info.healthCheck
            cycles[.health] = Cycle(
                target: target, delay: .positive(check.delaySeconds), interval: .positive(check.intervalSeconds),
                timeout: check.timeoutSeconds > 0 ? .positive(check.timeoutSeconds) : nil)
            gracePeriod = .positive(check.gracePeriodSeconds)
            failuresMax = max(1, check.consecutiveFailures)
        }
        if info.hasCheck, let target = CheckTarget(info.check) {
            let check = info.check
            cycles[.status] = Cycle(
                target: target, delay: .positive(check.delaySeconds), interval: .positive(check.intervalSeconds),
                timeout: check.timeoutSeconds > 0 ? .positive(check.timeoutSeconds) : nil)
            result = V1CheckStatusInfo(target)
        }
    }

    package var isEmpty: Bool { cycles.isEmpty }
    var isRunning: Bool { cycles.values.contains { $0.phase == .running } }
    private var purposes: [CheckPurpose] { CheckPurpose.allCases.filter { cycles[$0] != nil } }

    /// What an earlier life of the agent told of them, oldest first.
    mutating func recover(_ updates: [StatusUpdate]) {
        for update in updates {
            if let told = update.healthy {
                if update.reason == .taskHealthCheckStatusUpdated { failures = told ? 0 : failures + 1 }
                healthy = told
            }
            if let told = update.checkStatus, result != nil { result = told }
        }
    }

    // MARK: Timing

    /// The container runs.
    ///
    /// - Parameter elapsed: How long it has been running.
    mutating func begin(elapsed: Duration) -> [Appointment] {
        purposes.compactMap { purpose in
            guard let cycle = cycles[purpose], cycle.phase == .idle else { return nil }
            return wait(purpose, max(.zero, cycle.delay - elapsed))
        }
    }

    private mutating func wait(_ purpose: CheckPurpose, _ delay: Duration) -> Appointment? {
        guard var cycle = cycles[purpose] else { return nil }
        cycle.phase = .waiting
        cycle.number += 1
        cycles[purpose] = cycle
        return Appointment(purpose: purpose, number: cycle.number, delay: delay)
    }

    /// The time of a run has come; nil if it is not wanted any more.
    mutating func due(_ id: CheckRun.ID) -> CheckRun? {
        guard let cycle = cycles[id.purpose], cycle.phase == .waiting, cycle.number == id.number else { return nil }
        cycles[id.purpose]?.phase = .running
        return CheckRun(id: id, target: cycle.target, timeout: cycle.timeout)
    }

    /// The task is being ended: nothing is checked any more, and what comes late does not count.
    mutating func pause() {
        for purpose in purposes { cycles[purpose]?.phase = .paused }
    }

    // MARK: Results

    /// - Parameters:
    ///   - elapsed: How long the container has been running.
    ///   - canTell: Whether there is room for another update. Without it, what is not told now is told by a later result.
    mutating func finished(
        _ id: CheckRun.ID, _ outcome: CheckOutcome, elapsed: Duration, canTell: Bool
    ) -> (verdict: Verdict, next: Appointment?) {
        guard let cycle = cycles[id.purpose], cycle.phase == .running, cycle.number == id.number else {
            return (.nothing, nil)
        }
        let next = wait(id.purpose, cycle.interval)
        guard outcome.wasRun else { return (.nothing, next) }
        switch id.purpose {
        case .health: return (judge(outcome, cycle.target, elapsed, canTell), next)
        case .status:
            let found = V1CheckStatusInfo(cycle.target, outcome)
            guard found != result, canTell else { return (.nothing, next) }
            result = found
            return (.tell(.taskCheckStatusUpdated, message: nil), next)
        }
    }

    private mutating func judge(
        _ outcome: CheckOutcome, _ target: CheckTarget, _ elapsed: Duration, _ canTell: Bool
    ) -> Verdict {
        guard let reason = outcome.failure else {
            failures = 0
            guard healthy != true, canTell else { return .nothing }
            healthy = true
            return .tell(.taskHealthCheckStatusUpdated, message: nil)
        }
        // Until the first success a young task may fail as it likes.
        if healthy == nil, elapsed <= gracePeriod, gracePeriod > .zero { return .nothing }
        failures += 1
        let message = "\(target.name) health check failed (\(failures) in a row): \(reason)"
        if failures >= failuresMax {
            healthy = false
            return .kill(.taskHealthCheckStatusUpdated, message: message)
        }
        guard canTell else { return .nothing }
        healthy = false
        return .tell(.taskHealthCheckStatusUpdated, message: message)
    }
}

extension Duration {
    /// Seconds as messages have them; nonsense counts as none, and a century is enough for anybody.
    fileprivate static func positive(_ seconds: Double) -> Duration {
        seconds > 0 ? .seconds(min(seconds, 3_000_000_000)) : .zero
    }
}
