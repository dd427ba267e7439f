// Agents are deactivated, drained, reactivated and marked gone by operators.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Questions

    /// What an operator decided about the agent; nil if nothing.
    package func standing(of agent: AgentID) -> AgentStanding? { registry.standings[agent] }

    /// Whether resources of a connected agent may be offered: no operator is against it, and it has its id on disk and
    /// nothing that keeps it from running tasks.
    func isOfferable(_ id: AgentID) -> Bool {
        guard registry.standings[id] == nil, let agent = agents[id] else { return false }
        return agent.isConfirmed && agent.stall == nil
    }

    private static func isKnown(_ id: AgentID, to state: RegistryState) -> Bool {
        state.agents[id] != nil || state.unreachable[id] != nil
    }

    private static let beingMarkedGone = "Agent is currently being marked gone"

    /// Whether the registry is just being told that the agent is gone.
    private func isBeingMarkedGone(_ id: AgentID, _ planned: RegistryState) -> Bool {
        planned.gone[id] != nil && registry.gone[id] == nil
    }

    // MARK: Deactivate

    mutating func deactivateAgent(_ request: RequestNumber, _ id: AgentID) {
        let planned = registrar.planned
        if isBeingMarkedGone(id, planned) { return refuse(request, 409, Self.beingMarkedGone) }
        guard Self.isKnown(id, to: planned) else { return refuse(request, 400, "Unknown agent") }
        // One that drains is deactivated already, and goes on draining.
        let standing = planned.standings[id] ?? .deactivated
        persist([.setStanding(id, standing)], then: .operatorChange(.deactivated(id, request)))
    }

    mutating func deactivated(_ id: AgentID, _ request: RequestNumber) {
        stopOffering(id)
        note(.info, "agent \(id) is deactivated")
        answer(request, .done)
    }

    mutating func stopOffering(_ id: AgentID) {
        if agents[id]?.isAllocated == true { allocator.setAgentActive(id, false) }
        rescindOffers(of: id)
    }

    // MARK: Drain

    mutating func drainAgent(_ request: RequestNumber, _ call: V1OperatorCall.DrainAgent) {
        let id = AgentID(call.agentID)
        let planned = registrar.planned
        if isBeingMarkedGone(id, planned) { return refuse(request, 409, Self.beingMarkedGone) }
        guard Self.isKnown(id, to: planned) else { return refuse(request, 400, "Unknown agent") }
        if let grace = call.maxGrace, grace < .zero {
            return refuse(request, 400, "Max grace period must be non-negative")
        }
        if let agent = agents[id] {
            if let machine = maintenance.machine(hostname: agent.hostname, ip: agent.ip) {
                return refuse(
                    request, 400,
                    "Agent \(id) is part of a maintenance schedule under Machine \(machine.text)")
            }
            if agent.isConnected, !agent.capabilities.contains(where: { $0.type == .agentDraining }) {
                return refuse(request, 400, "Agent \(id) is not capable of draining")
            }
        }
        let drain = AgentStanding.Drain(maxGracePeriod: call.maxGrace, marksGone: call.markGone, since: now.wall)
        persist([.setStanding(id, .draining(drain))], then: .operatorChange(.draining(id, request)))
    }

    mutating func drainBegun(_ id: AgentID, _ request: RequestNumber) {
        stopOffering(id)
        drainsUnderWay.insert(id)
        if let drain = registry.standings[id]?.drain { command(id, .drain(drain.config)) }
        note(.info, "agent \(id) is being drained")
        answer(request, .done)
    }

    /// A registered agent is brought to what operators decided while it was away.
    mutating func remindOfStanding(_ id: AgentID, _ message: LinkCall.Register) {
        if let agent = agents[id] { maintenance.note(id, unavailability(of: agent)) }
        let standing = registry.standings[id]
        if let standing, let drain = standing.drain, standing.isDraining || !message.tasks.isEmpty {
            command(id, .drain(drain.config))
        } else if message.hasDrainConfig, standing?.drain == nil {
            command(id, .endDrain)
        }
    }

    /// Agents that drain and have nothing left are drained. Looked at with every step, since so much can be the last
    /// thing that was left.
    mutating func settleDrains() {
        for id in drainsUnderWay.sorted() {
            guard let agent = agents[id], agent.isConnected, !tasks.hasTasks(on: id), !hasOperations(on: id) else {
                continue
            }
            drainsUnderWay.remove(id)
            guard case .draining(let drain)? = registrar.planned.standings[id] else { continue }
            if drain.marksGone {
                note(.info, "agent \(id) is drained, and marked gone as asked")
                markGone(agent, nil)
            } else {
                persist([.setStanding(id, .drained(drain))], then: .operatorChange(.drained(id)))
            }
        }
    }

    // MARK: Reactivate

    mutating func reactivateAgent(_ request: RequestNumber, _ id: AgentID) {
        let planned = registrar.planned
        if isBeingMarkedGone(id, planned) { return refuse(request, 409, Self.beingMarkedGone) }
        guard let standing = planned.standings[id] else { return refuse(request, 400, "Agent is not deactivated") }
        guard !standing.isDraining else { return refuse(request, 400, "Agent is still in the DRAINING state") }
        persist([.setStanding(id, nil)], then: .operatorChange(.reactivated(id, request)))
    }

    mutating func reactivated(_ id: AgentID, _ request: RequestNumber) {
        if agents[id]?.isConnected == true {
            allocator.setAgentActive(id, isOfferable(id))
            command(id, .endDrain)
            wantAllocation()
        }
        note(.info, "agent \(id) is active again")
        answer(request, .done)
    }

    // MARK: Gone

    mutating func markAgentGone(_ request: RequestNumber, _ id: AgentID) {
        if registry.gone[id] != nil { return answer(request, .done) }
        let planned = registrar.planned
        if planned.gone[id] != nil {
            return refuse(request, 503, "Agent '\(id)' is already being transitioned to gone")
        }
        guard Self.isKnown(id, to: planned) || Self.isKnown(id, to: registry) else {
            return refuse(request, 404, "Agent '\(id)' not found")
        }
        guard Self.isKnown(id, to: planned) else { return refuse(request, 503, "Agent '\(id)' is being removed") }
        if let agent = agents[id] {
            guard !agent.isLeaving else {
                return refuse(request, 503, "Agent '\(id)' is being transitioned to unreachable")
            }
            return markGone(agent, request)
        }
        persist(
            [.markGone(id, at: now.wall)],
            then: .operatorChange(.gone(OperatorChange.LeavingAgent(id: id, link: nil), request)))
    }

    private mutating func markGone(_ agent: Agent, _ request: RequestNumber?) {
        let leaving = beginLeaving(agent)
        persist([.markGone(agent.id, at: now.wall)], then: .operatorChange(.gone(leaving, request)))
    }

    /// The registry knows that the agent is gone: it will never come back, and nothing that was on it either.
    mutating func declareGone(_ leaving: OperatorChange.LeavingAgent, _ request: RequestNumber?) {
        let id = leaving.id
        sendAway(leaving, "Agent has been marked gone")
        let hostname = agents[id]?.hostname ?? "\(id)"
        let wasThere = agents[id] != nil
        for task in tasks.tasks(on: id) {
            releaseResources(of: task.key)
            guard var record = tasks.remove(task.key) else { continue }
            let isAware = frameworks[record.key.framework]?.isPartitionAware == true
            // A framework that was told TASK_LOST when the agent became unreachable has heard the last of it.
            if !record.isTerminal, !record.isUnreachable || isAware {
                let status = V1TaskStatus.fromMaster(
                    record.id, on: id, isAware ? .taskGoneByOperator : .taskLost,
                    isAware ? .agentRemovedByOperator : .agentRemoved, "Agent \(hostname) marked gone by operator",
                    at: now.wall)
                record.state = status.state
                record.remember(status)
                countTerminal(status)
                tell(record.key.framework, update: status)
            }
            record.isUnreachable = false
            complete(record)
        }
        if wasThere {
            numbers.counters.count("master/slave_removals")
            dropAgent(id)
            for framework in frameworks.connected { tell(framework.id, .failure(of: id)) }
        }
        note(.warning, "agent \(id) is marked gone")
        if let request { answer(request, .done) }
    }

    /// Standings of agents that are neither admitted nor unreachable: a leader of an earlier version, which does not know
    /// of standings, removed the agents without them.
    func orphanedStandings() -> [RegistryOperation] {
        let planned = registrar.planned
        return planned.standings.keys.filter { !Self.isKnown($0, to: planned) }.sorted()
            .map { .setStanding($0, nil) }
    }

    /// Whether an operation on the agent is not over yet.
    private func hasOperations(on agent: AgentID) -> Bool { !operations.operations(on: agent).isEmpty }
}
