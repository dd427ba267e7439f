// How checks and the time limit take part in a task's life.

import MesosProtocol
import Resources

extension TaskLife {
    /// Updates that may wait for their acknowledgement before results of checks are no longer told one by one.
    static let checkUpdatesMax = 100

    /// How long the container has been running. Over a restart of the agent the wall clock says so, which may have been
    /// set meanwhile: never less than nothing.
    func elapsed(_ now: Moment) -> Duration {
        startedAt.map { max(.zero, $0.duration(to: now.instant)) } ?? .zero
    }

    /// The container runs: checks begin, and the time that the task may take.
    mutating func watch(_ now: Moment) -> [Effect] {
        if startedAt == nil { startedAt = now.instant }
        return appoint(checks.begin(elapsed: elapsed(now))) + limitTime(now)
    }

    /// Takes up the time limit of a task that was found running.
    mutating func limitTime(_ now: Moment) -> [Effect] {
        guard record.info.hasMaxCompletionTime, !hasTimeLimit else { return [] }
        hasTimeLimit = true
        let limit = Duration.nanoseconds(max(0, record.info.maxCompletionTime.nanoseconds))
        return [
            .agent(.schedule(.completionTimeReached(record.container), after: max(.zero, limit - elapsed(now))))
        ]
    }

    private func appoint(_ appointments: [TaskChecks.Appointment]) -> [Effect] {
        appointments.map { appointment in
            let id = CheckRun.ID(
                container: record.container, purpose: appointment.purpose, number: appointment.number)
            return .agent(.schedule(.checkDue(id), after: appointment.delay))
        }
    }

    mutating func checkDue(_ id: CheckRun.ID) -> [Effect] {
        checks.due(id).map { [.agent(.runCheck($0))] } ?? []
    }

    mutating func checkFinished(
        _ id: CheckRun.ID, _ outcome: CheckOutcome, _ now: Moment, _ ids: inout RandomStream
    ) -> [Effect] {
        let (verdict, next) = checks.finished(
            id, outcome, elapsed: elapsed(now), canTell: stream.queue.count < Self.checkUpdatesMax)
        let appointment = appoint(next.map { [$0] } ?? [])
        switch verdict {
        case .nothing:
            return appointment
        case .tell(let reason, let message):
            return produce(.taskRunning, reason: reason, message: message, now, &ids).effects + appointment
        case .kill(let reason, let message):
            return produce(.taskRunning, reason: reason, message: message, now, &ids).effects
                + requestKill(KillOrder(grace: killGrace), now, &ids)
        }
    }

    /// The task is being ended, or has: what is being checked does not matter any more.
    mutating func endChecks() -> [Effect] {
        guard !checks.isEmpty else { return [] }
        let isRunning = checks.isRunning
        checks.pause()
        return isRunning ? [.agent(.endChecks(record.container))] : []
    }
}
