// Agents go: broken links, missed pings, missed deadlines, removal.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Broken links

    mutating func linkClosed(_ link: LinkID) {
        guard let agent = agents.agent(on: link) else { return }
        switch agent.phase {
        case .connected(link): break
        case .admitting(let registration) where registration.link == link:
            // Never acknowledged. A known agent is waited for; a new one asks again from the same address.
            break
        case .admitting, .connected, .recovered, .disconnected, .leaving: return
        }
        rescindOffers(of: agent.id)
        if agent.isAllocated { allocator.setAgentActive(agent.id, false) }
        let timer = scheduleNumbered(after: settings.agentReregisterTimeout) { .agentReturn(agent.id, $0) }
        agents.update(agent.id) { $0.phase = .disconnected(returnTimer: timer) }
        if agent.pings.timer == 0 { schedulePing(agent.id) }
        // Tasks stay in the books, those of frameworks without `checkpoint` too: our agents keep every task over their
        // own restart. (Apache Mesos reports those TASK_LOST here.)
        note(.warning, "the link to agent \(agent.id) at \(agent.hostname) broke")
    }

    mutating func agentReturnTimedOut(_ id: AgentID, _ number: UInt64) {
        guard let agent = agents[id], agent.phase == .disconnected(returnTimer: number) else { return }
        scheduleRemoval(of: agent, .linkBroken)
    }

    /// The time for agents of the registry to come back is over. If too many are missing, none is removed: it is looked
    /// at again every minute, and said.
    mutating func recoveryDeadlinePassed() {
        let missing = agents.all.filter(\.isRecovered)
        isRecoveryRemovalHeld =
            Double(missing.count) > settings.recoveryAgentRemovalLimit * Double(recoveredAgentCount)
        guard isRecoveryRemovalHeld else {
            for agent in missing { scheduleRemoval(of: agent, .notBack) }
            return
        }
        note(
            .error,
            "AGENTS NOT REMOVED: \(missing.count) of the \(recoveredAgentCount) agents in the registry did not come back "
                + "after the change of leader, more than --recovery_agent_removal_limit allows. They are waited for; "
                + "raise the limit and restart the master to have them declared unreachable")
        recoveryTimer = scheduleNumbered(after: Self.alarmInterval) { .recoveryDeadline($0) }
    }

    /// How often a state that somebody should look at is repeated in the log.
    static let alarmInterval = Duration.seconds(60)

    // MARK: Pings

    mutating func schedulePing(_ id: AgentID) {
        let timer = scheduleNumbered(after: settings.agentPingInterval) { .ping(id, $0) }
        agents.update(id) { $0.pings.timer = timer }
    }

    /// The interval is over: was the last ping answered? An agent without a link is pinged in vain, and counts as
    /// silent.
    mutating func ping(_ id: AgentID, _ number: UInt64) {
        guard let agent = agents[id], agent.pings.timer == number else { return }
        switch agent.phase {
        case .connected, .disconnected: break
        case .admitting: return schedulePing(id)
        case .recovered, .leaving: return
        }
        var pings = agent.pings
        pings.misses = pings.isAnswered ? 0 : pings.misses + 1
        pings.sequence += 1
        pings.isAnswered = false
        let next = pings
        agents.update(id) { $0.pings = next }
        // Asked again even if it is to be removed: an answer can still come while the removal waits.
        command(id, .ping(next.sequence, connected: true))
        schedulePing(id)
        if next.misses >= max(1, settings.agentPingMissesMax - 1) { removals.noteSilence(of: id) }
        if next.misses >= settings.agentPingMissesMax { scheduleRemoval(of: agent, .silent) }
    }

    mutating func pongArrived(_ sequence: UInt64, from agent: Agent) {
        confirm(agent)
        // Also an old ping's answer is a sign of life; only the newest one's counts for the next interval.
        keep(agent.id)
        agents.update(agent.id) { agent in
            if agent.pings.sequence == sequence { agent.pings.isAnswered = true }
            agent.pings.misses = 0
        }
    }

    /// An agent whose engine does not answer says so. It keeps its tasks and is offered nothing until it says otherwise.
    mutating func hearStall(_ reason: String?, from agent: Agent) {
        let reason = reason.map { String($0.prefix(Self.stallCharactersMax)) }
        guard agent.stall != reason else { return }
        agents.update(agent.id) { $0.stall = reason }
        if let reason {
            if agent.stall == nil { stopOffering(agent.id) }
            note(.warning, "agent \(agent.id) at \(agent.hostname) is stalled and offered no more: \(reason)")
        } else {
            allocator.setAgentActive(agent.id, isOfferable(agent.id))
            wantAllocation()
            note(.info, "agent \(agent.id) at \(agent.hostname) is no longer stalled")
        }
    }

    private static let stallCharactersMax = 300

    // MARK: Waiting for removal

    /// The agent is to be declared unreachable, as soon as the rate limit and the brake allow it.
    private mutating func scheduleRemoval(of agent: Agent, _ cause: RemovalBook.Cause) {
        guard removals.enqueue(agent.id, cause) else { return }
        numbers.counters.count("master/slave_unreachable_scheduled")
        proceedWithRemovals()
    }

    /// The agent was heard of: if it was to be removed, it stays.
    mutating func keep(_ id: AgentID) {
        guard removals.forget(id) else { return }
        numbers.counters.count("master/slave_unreachable_canceled")
        note(.info, "agent \(id) was heard of in time: it is not removed")
    }

    mutating func proceedWithRemovals() {
        judgeBrake()
        while true {
            switch removals.next(at: now.instant) {
            case .remove(let id, let cause):
                guard let agent = agents[id], !agent.isLeaving else { continue }
                if cause == .notBack { numbers.counters.count("master/recovery_slave_removals") }
                beginUnreachable(agent, cause.text)
            case .wait(let delay):
                if removalTimer == 0 { removalTimer = scheduleNumbered(after: delay) { .removalPermit($0) } }
                return
            case .nothing: return
            }
        }
    }

    private mutating func judgeBrake() {
        switch removals.judge(present: agents.presentCount, at: now.instant) {
        case .engaged:
            sayBraked()
            brakeTimer = scheduleNumbered(after: settings.agentPingInterval) { .removalBrake($0) }
        case .released:
            note(.warning, "agents are removed again: no longer too many of them are silent")
        case nil: break
        }
    }

    /// The brake is engaged: may it be released? If not, that is repeated now and then.
    mutating func lookAtBrake() {
        proceedWithRemovals()
        guard removals.isBraked else { return }
        if brakeSaidAt + Self.alarmInterval <= now.instant { sayBraked() }
        brakeTimer = scheduleNumbered(after: settings.agentPingInterval) { .removalBrake($0) }
    }

    private mutating func sayBraked() {
        brakeSaidAt = now.instant
        let share = Int((settings.agentRemovalBrake * 100).rounded())
        note(
            .error,
            "AGENT REMOVAL STOPPED: \(removals.vanishedCount) of \(agents.presentCount) agents fell silent together, more "
                + "than --agent_removal_brake (\(share)%) allows; is it this master's network? \(removals.waitingCount) "
                + "removals wait until fewer are silent. A restart of the master or another leader releases the brake")
    }

    // MARK: Unreachable

    private mutating func beginUnreachable(_ agent: Agent, _ cause: String) {
        note(.warning, "agent \(agent.id) at \(agent.hostname) is unreachable: \(cause)")
        leave(agent)
        persist([.markUnreachable(agent.id, at: now.wall)], then: .declareUnreachable(agent.id))
    }

    /// Nothing more is offered of an agent whose end is being written. Frameworks lose its offers first, so that none
    /// can launch onto a machine that is about to be written off.
    private mutating func leave(_ agent: Agent) {
        if removals.forget(agent.id) { numbers.counters.count("master/slave_unreachable_canceled") }
        rescindOffers(of: agent.id)
        if agent.isAllocated { allocator.setAgentActive(agent.id, false) }
        switch agent.phase {
        case .connected(let link): emit(.closeLink(link))
        case .admitting(let registration): emit(.closeLink(registration.link))
        case .recovered, .disconnected, .leaving: break
        }
        agents.update(agent.id) { $0.phase = .leaving }
    }

    /// The registry knows that the agent is unreachable: now everybody may.
    mutating func declareUnreachable(_ id: AgentID) {
        guard let agent = agents[id], agent.isLeaving else { return }
        numbers.counters.count("master/slave_unreachable_completed")
        numbers.counters.count("master/slave_removals")
        numbers.counters.count("master/slave_removals/reason_unhealthy")
        let since = registry.unreachable[id] ?? now.wall
        for task in tasks.tasks(on: id) {
            releaseResources(of: task.key)
            // A terminal task whose update is still at the agent stays as it is; the agent may yet deliver it.
            if task.isTerminal || task.isUnreachable { continue }
            let isAware = frameworks[task.key.framework]?.isPartitionAware == true
            var status = V1TaskStatus.fromMaster(
                task.id, on: id, isAware ? .taskUnreachable : .taskLost, .agentRemoved,
                "Agent \(agent.hostname) is unreachable", at: now.wall)
            status.unreachableTime = since.message
            let final = status
            tasks.update(task.key) { record in
                record.state = final.state
                record.isUnreachable = true
                record.remember(final)
            }
            countTerminal(status)
            tell(task.key.framework, update: status)
        }
        for framework in tasks.frameworks(on: id) { boundUnreachable(of: framework) }
        dropAgent(id)
        for framework in frameworks.connected { tell(framework.id, .failure(of: id)) }
    }

    /// A framework's unreachable tasks are bounded; the oldest are forgotten.
    private mutating func boundUnreachable(of framework: FrameworkID) {
        let unreachable = tasks.tasks(of: framework).filter(\.isUnreachable)
        let surplus = unreachable.count - settings.unreachableTasksPerFrameworkMax
        guard surplus > 0 else { return }
        for task in unreachable.prefix(surplus) { tasks.remove(task.key) }
    }

    mutating func dropAgent(_ id: AgentID) {
        guard let agent = agents.remove(id) else { return }
        _ = removals.forget(id)
        dropExecutors(on: id)
        dropOperations(on: id)
        if agent.isAllocated { allocator.removeAgent(id) }
        maintenance.note(id, nil)
        inverseOffers.forget(id)
        wantAllocation()
    }

    // MARK: Removal

    mutating func unregister(_ agent: Agent) {
        count("unregister_slave")
        numbers.counters.count("master/slave_removals/reason_unregistered")
        remove(agent, "the agent unregistered")
    }

    mutating func remove(_ agent: Agent, _ cause: String) {
        leave(agent)
        let message = "Agent \(agent.hostname) removed: \(cause)"
        persist([.removeAgent(agent.id)], then: .finishRemoval(agent.id, message: message))
    }

    /// The registry has forgotten the agent. It will not come back, so its tasks are lost for everybody.
    mutating func finishRemoval(_ id: AgentID, message: String) {
        guard let agent = agents[id], agent.isLeaving else { return }
        numbers.counters.count("master/slave_removals")
        for task in tasks.tasks(on: id) {
            releaseResources(of: task.key)
            guard var record = tasks.remove(task.key) else { continue }
            if !record.isTerminal {
                let status = V1TaskStatus.fromMaster(
                    record.id, on: id, .taskLost, .agentRemoved, message, at: now.wall)
                record.state = .taskLost
                record.isUnreachable = false
                record.remember(status)
                countTerminal(status)
                tell(record.key.framework, update: status)
            }
            complete(record)
        }
        dropAgent(id)
        for framework in frameworks.connected { tell(framework.id, .failure(of: id)) }
        note(.info, "agent \(id) at \(agent.hostname) removed")
    }
}
