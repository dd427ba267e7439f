// How agents end: idle or used up, never connected, lost, removed by hand; in two phases, so that no build starts on a node
// that is going.
import Resources

extension JenkinsPlanner {
    /// Retires agents that nothing waits for: drained first, deleted only if they are still idle afterwards.
    mutating func retireIdle(claimed: Set<NodeName>, at now: Instant) {
        for agent in agents(where: { $0.phase == .online && !$0.isBusy && $0.idlePolls >= 2 }) {
            guard !claimed.contains(agent.name), let idleSince = agent.idleSince,
                let template = settings.template(agent.template),
                // Drained by somebody else already; `settleOnline` looks after it.
                controller.computers[agent.name.value]?.isTemporarilyOffline != true
            else { continue }
            let idle = idleSince.duration(to: now)
            if template.isSingleUse, idle >= settings.singleUseSurplusGrace {
                drain(agent.name, because: "no build is waiting for this single-use agent", at: now)
            } else if let timeout = template.idleTimeout, idle >= timeout {
                drain(agent.name, because: "idle", at: now)
            }
        }
    }

    /// Everything that follows from the passing of time.
    mutating func settleAgents(at now: Instant) {
        launches.removeAll { $0.duration(to: now) >= .seconds(60) }
        for name in agents.keys.sorted() {
            guard let agent = agents[name] else { continue }
            if settleTask(agent, at: now) { continue }
            switch agent.phase {
            case .requested, .registering:
                break
            case .launching:
                settleLaunch(agent, at: now)
            case .connecting:
                settleConnection(agent, at: now)
            case .online:
                settleOnline(agent, at: now)
            case .draining(let drain):
                settleDrain(agent, drain, at: now)
            case .deleting:
                guard isRetryDue(agent, at: now) else { continue }
                update(name) { $0.retryAt = nil }
                effects.append(.deleteNode(name))
            case .killing:
                guard isRetryDue(agent, at: now) else { continue }
                // The kill may have been lost with a subscription; the answer to it tells whether the task is there.
                update(name) { $0.scheduleRetry(at: now.advanced(by: .seconds(9))) }
                effects.append(.kill(agent.taskID, agent.agentID))
            }
        }
    }

    private func isRetryDue(_ agent: AgentRecord, at now: Instant) -> Bool { agent.retryAt.map { now >= $0 } ?? false }

    /// - Returns: Whether the agent was given up because its task is lost.
    private mutating func settleTask(_ agent: AgentRecord, at now: Instant) -> Bool {
        switch agent.phase {
        case .requested, .registering, .deleting, .killing: return false
        case .launching, .connecting, .online, .draining: break
        }
        switch agent.task {
        case .unreachable(let since):
            guard since.duration(to: now) >= settings.lostGrace, controller.isSettled(at: now) else { return false }
        case .ended:
            let ended = agent.taskEndedAt ?? now
            guard !agent.isBusy || ended.duration(to: now) >= settings.lostGrace else { return false }
        case .none, .launched, .running:
            return false
        }
        deleteNode(of: agent.name, at: now)
        return true
    }

    private mutating func settleLaunch(_ agent: AgentRecord, at now: Instant) {
        let age = agent.phaseSince.duration(to: now)
        guard isSubscribed, age >= settings.launchTimeout else { return }
        if age >= settings.launchTimeout * 2, controller.isSettled(at: now) {
            failed(agent, "no status of agent \(agent.name) on \(agent.hostname)", at: now)
            deleteNode(of: agent.name, at: now)
        } else if agent.retryAt == nil || isRetryDue(agent, at: now) {
            update(agent.name) { $0.retryAt = now.advanced(by: .seconds(30)) }
            reconcile([agent])
        }
    }

    private mutating func settleConnection(_ agent: AgentRecord, at now: Instant) {
        guard let template = settings.template(agent.template),
            isOverdue(since: agent.phaseSince, template.connectTimeout, at: now)
        else { return }
        failed(agent, "agent \(agent.name) on \(agent.hostname) did not connect in time", at: now)
        deleteNode(of: agent.name, at: now)
    }

    private mutating func settleOnline(_ agent: AgentRecord, at now: Instant) {
        if let offlineSince = agent.offlineSince {
            let timeout = settings.template(agent.template)?.connectTimeout ?? .seconds(300)
            if isOverdue(since: offlineSince, timeout, at: now) { deleteNode(of: agent.name, at: now) }
            return
        }
        guard let computer = controller.computers[agent.name.value], computer.isTemporarilyOffline else { return }
        // Drained by somebody else, who wants it gone: after the last build, with time to change their mind.
        guard !agent.isBusy, let idleSince = agent.idleSince else { return }
        if isOverdue(since: idleSince, settings.lostGrace, at: now) { deleteNode(of: agent.name, at: now) }
    }

    private mutating func settleDrain(_ agent: AgentRecord, _ drain: AgentRecord.Drain, at now: Instant) {
        switch drain {
        case .asked:
            guard isRetryDue(agent, at: now) else { return }
            update(agent.name) { $0.retryAt = nil }
            effects.append(.drainNode(agent.name, reason: Self.drainPrefix + "retiring"))
        case .confirmed(let since, let idlePolls):
            // A single-use agent was drained while it worked: nothing can have been assigned to it since.
            let isUsedUp = agent.sawBuild && settings.template(agent.template)?.isSingleUse ?? false
            let settle = isUsedUp ? .zero : settings.drainSettle
            guard idlePolls >= 2, since.duration(to: now) >= settle, controller.isSettled(at: now) else { return }
            deleteNode(of: agent.name, at: now)
        }
    }

    /// Time counts only while the controller could have told us better.
    private func isOverdue(since: Instant, _ limit: Duration, at now: Instant) -> Bool {
        guard let healthySince = controller.healthySince, controller.isSettled(at: now) else { return false }
        return max(since, healthySince, controller.graceUntil ?? since).duration(to: now) >= limit
    }
}
