// How agents end: idle or used up, never connected, lost, removed by hand; in two phases, so that no build starts on a node
// that is going.
import Resources

extension JenkinsPlanner {
    /// Retires agents that nothing waits for: drained first, deleted only if they are still idle afterwards.
    mutating func retireUnclaimed(_ claimed: Set<NodeName>, at now: Instant) {
        for agent in agents(where: { $0.phase == .online || $0.phase == .connecting })
        where !agent.isBusy && !claimed.contains(agent.name) && !isDrainedByOthers(agent.name) {
            guard let template = settings.template(agent.template) else { continue }
            if agent.gate != .none {
                guard let since = agent.unclaimedSince else { continue }
                if since.duration(to: now) >= settings.singleUseSurplusGrace {
                    drain(agent.name, because: "no build is waiting for this single-use agent", at: now)
                }
                continue
            }
            guard agent.phase == .online, agent.idlePolls >= 2, let idleSince = agent.idleSince, !agent.isReopening,
                agent.offlineSince == nil
            else { continue }
            let idle = idleSince.duration(to: now)
            if template.isSingleUse, idle >= settings.singleUseSurplusGrace {
                drain(agent.name, because: "no build is waiting for this single-use agent", at: now)
            } else if let timeout = template.idleTimeout, idle >= timeout {
                drain(agent.name, because: "idle", mayReopen: true, at: now)
            }
        }
    }

    /// For so long a request without an answer may still be executed.
    private static let lateOpening = Duration.seconds(10)

    /// Everything that follows from the passing of time.
    mutating func settleAgents(at now: Instant) {
        launches.removeAll { $0.duration(to: now) >= .seconds(60) }
        for name in agents.keys.sorted() {
            guard let agent = agents[name] else { continue }
            if settleTask(agent, at: now) { continue }
            switch agent.phase {
            case .requested, .registering:
                continue
            case .launching:
                settleLaunch(agent, at: now)
            case .connecting:
                settleConnection(agent, at: now)
            case .online:
                settleOnline(agent, at: now)
            case .draining(let drain):
                settleDrain(agent, drain, at: now)
            case .deleting:
                settleDeletion(agent, at: now)
            case .killing:
                guard agent.isRetryDue(at: now) else { continue }
                // The kill may have been lost with a subscription; the answer to it tells whether the task is there.
                update(name) { $0.scheduleRetry(at: now.advanced(by: .seconds(9))) }
                effects.append(.kill(agent.taskID, agent.agentID))
            }
            if let agent = agents[name], agent.isBehindGate { settleGate(agent, at: now) }
        }
    }

    /// - Returns: Whether the agent was given up because its task is lost.
    private mutating func settleTask(_ agent: AgentRecord, at now: Instant) -> Bool {
        switch agent.phase {
        case .requested, .registering, .deleting, .killing: return false
        case .launching, .connecting, .online, .draining: break
        }
        switch agent.task {
        case .unreachable(let since):
            guard since.duration(to: now) >= settings.lostGrace, controller.isSettled(at: now),
                controller.isFresh(at: now)
            else { return false }
            return settleUnreachable(agent, at: now)
        case .ended:
            let ended = agent.taskEndedAt ?? now
            if agent.isBusy, ended.duration(to: now) < settings.lostGrace || isHeardByController(agent.name) {
                return false
            }
        case .none, .launched, .running:
            return false
        }
        deleteNode(of: agent.name, at: now)
        return true
    }

    /// The master has lost sight of the machine. If the controller has not, its builds go on, and it takes no more.
    private mutating func settleUnreachable(_ agent: AgentRecord, at now: Instant) -> Bool {
        guard let computer = controller.computers[agent.name.value] else { return false }
        // Whether a drained agent is connected cannot be told; it goes the way of all that are drained.
        if case .draining = agent.phase { return false }
        if !computer.isOffline {
            drain(agent.name, because: "its machine is unreachable", at: now)
            return true
        } else if computer.isTemporarilyOffline, agent.isBusy {
            return false
        }
        deleteNode(of: agent.name, at: now)
        return true
    }

    /// A drained node is shown offline whether it is connected or not.
    func isHeardByController(_ name: NodeName) -> Bool {
        controller.computers[name.value].map { !$0.isOffline } ?? false
    }

    private mutating func settleLaunch(_ agent: AgentRecord, at now: Instant) {
        let age = agent.phaseSince.duration(to: now)
        guard isSubscribed, age >= settings.launchTimeout else { return }
        // A container that is being pulled has its time; one of which nothing is heard has less.
        let connectTimeout = settings.template(agent.template)?.connectTimeout ?? .seconds(300)
        let limit = settings.launchTimeout + (agent.hasStatus ? connectTimeout : settings.launchTimeout)
        if age >= limit, controller.isSettled(at: now) {
            let what = agent.hasStatus ? "did not start in time" : "was never heard of"
            giveUp(agent, "agent \(agent.name) on \(agent.hostname) \(what)", at: now)
        } else if agent.retryAt == nil || agent.isRetryDue(at: now) {
            update(agent.name) { $0.retryAt = now.advanced(by: .seconds(30)) }
            reconcile([agent])
        }
    }

    private mutating func settleConnection(_ agent: AgentRecord, at now: Instant) {
        let timeout = settings.template(agent.template)?.connectTimeout ?? .seconds(300)
        if isDrainedByOthers(agent.name) { return settleDrainedByOthers(agent, at: now) }
        var since = agent.phaseSince
        switch agent.gate {
        case .none: break
        case .open(let gate): since = gate.since
        case .closed, .closing, .doubted:
            // Behind a closed gate it is seen to connect only if the controller says so.
            guard let offlineSince = agent.offlineSince else { return }
            since = max(since, offlineSince)
        }
        guard isOverdue(since: since, timeout, at: now) else { return }
        giveUp(agent, "agent \(agent.name) on \(agent.hostname) did not connect in time", at: now)
    }

    /// Its time is over. It may come to life in this very moment, so it is drained before it is deleted like any other.
    private mutating func giveUp(_ agent: AgentRecord, _ reason: String, at now: Instant) {
        failed(agent, reason, at: now)
        hosts.timedOut(agent.hostname, because: reason, begunAt: agent.requestedAt, at: now)
        drain(agent.name, because: "it did not connect in time", at: now)
    }

    private mutating func settleOnline(_ agent: AgentRecord, at now: Instant) {
        let template = settings.template(agent.template)
        if let offlineSince = agent.offlineSince {
            guard isOverdue(since: offlineSince, template?.connectTimeout ?? .seconds(300), at: now) else { return }
            // It may come back in this very moment.
            return drain(agent.name, because: "it is offline for too long", at: now)
        }
        if isDrainedByOthers(agent.name) { return settleDrainedByOthers(agent, at: now) }
        if agent.isReopening, agent.isRetryDue(at: now) {
            update(agent.name) { $0.retryAt = nil }
            return askOpen(agent.name)
        }
        if template == nil, controller.isReachable {
            return useUp(agent.name, because: "its template is gone", at: now)
        }
        if let lifetime = template?.lifetimeMax, let bornAt = agent.bornAt, controller.isReachable,
            bornAt.duration(to: now) >= lifetime
        {
            useUp(agent.name, because: "its lifetime is over", at: now)
        }
    }

    /// Somebody who drained it wants it gone: after the last build, with time to change their mind.
    private mutating func settleDrainedByOthers(_ agent: AgentRecord, at now: Instant) {
        guard !agent.isBusy, let idleSince = agent.idleSince, controller.isFresh(at: now) else { return }
        if isOverdue(since: idleSince, settings.lostGrace, at: now) { deleteNode(of: agent.name, at: now) }
    }

    private mutating func settleDrain(_ agent: AgentRecord, _ drain: AgentRecord.Drain, at now: Instant) {
        switch drain {
        case .asked:
            guard agent.isRetryDue(at: now) else { return }
            update(agent.name) { $0.retryAt = nil }
            askDrain(agent.name, reason: Self.drainPrefix + "retiring")
        case .confirmed(let since, let idlePolls):
            // A single-use agent was drained while it worked: nothing can have been assigned to it since.
            let isUsed = agent.sawBuild && settings.template(agent.template)?.isSingleUse ?? false
            let settle = isUsed ? .zero : settings.drainSettle
            // What was given up is given up by the controller too, a while later; until then it may open what is to be deleted.
            if let lost = agent.openingLostAt, lost.duration(to: now) < Self.lateOpening { return }
            guard idlePolls >= 2, since.duration(to: now) >= settle, controller.isSettled(at: now) else { return }
            deleteNode(of: agent.name, at: now)
        }
    }

    private mutating func settleDeletion(_ agent: AgentRecord, at now: Instant) {
        // On a look from before the failure nobody had opened the node yet.
        guard agent.isRetryDue(at: now), controller.isReachable, controller.isFresh(at: now) else { return }
        update(agent.name) { $0.retryAt = nil }
        if agent.isBusy || isHeardByController(agent.name), agent.mayHaveTask {
            // The request failed, somebody opened the node, and builds may have started.
            drain(agent.name, because: "retiring", at: now)
        } else {
            askDeletion(agent.name)
        }
    }

    /// Time counts only while the controller could have told us better.
    private func isOverdue(since: Instant, _ limit: Duration, at now: Instant) -> Bool {
        guard let healthySince = controller.healthySince, controller.isSettled(at: now) else { return false }
        return max(since, healthySince, controller.graceUntil ?? since).duration(to: now) >= limit
    }
}
