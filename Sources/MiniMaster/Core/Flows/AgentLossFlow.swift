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
        beginUnreachable(agent, "it did not come back in time")
    }

    mutating func recoveryDeadlinePassed() {
        for agent in agents.all where agent.isRecovered {
            numbers.counters.count("master/recovery_slave_removals")
            beginUnreachable(agent, "it did not come back after the change of leader")
        }
    }

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
        guard pings.misses < settings.agentPingMissesMax else {
            return beginUnreachable(agent, "health check timed out")
        }
        pings.sequence += 1
        pings.isAnswered = false
        let next = pings
        agents.update(id) { $0.pings = next }
        command(id, .ping(next.sequence, connected: true))
        schedulePing(id)
    }

    mutating func pongArrived(_ sequence: UInt64, from agent: Agent) {
        guard agent.pings.sequence == sequence else { return }
        agents.update(agent.id) { agent in
            agent.pings.isAnswered = true
            agent.pings.misses = 0
        }
    }

    // MARK: Unreachable

    private mutating func beginUnreachable(_ agent: Agent, _ cause: String) {
        numbers.counters.count("master/slave_unreachable_scheduled")
        note(.warning, "agent \(agent.id) at \(agent.hostname) is unreachable: \(cause)")
        leave(agent)
        persist([.markUnreachable(agent.id, at: now.wall)], then: .declareUnreachable(agent.id))
    }

    /// Nothing more is offered of an agent whose end is being written. Frameworks lose its offers first, so that none
    /// can launch onto a machine that is about to be written off.
    private mutating func leave(_ agent: Agent) {
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
        if agent.isAllocated { allocator.removeAgent(id) }
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
