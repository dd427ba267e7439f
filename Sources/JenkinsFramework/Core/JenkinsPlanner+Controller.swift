// The planner's side towards the controller: polls, and what became of its requests there.
import Resources

extension JenkinsPlanner {
    // MARK: - Polls

    mutating func pollFailed(_ reason: String) {
        controller.isReachable = false
        controller.healthySince = nil
        if controller.lastFailure != reason {
            controller.lastFailure = reason
            effects.append(.report(.problem("the controller does not answer: \(reason)")))
        }
    }

    mutating func polled(_ snapshot: JenkinsSnapshot, at moment: Moment) {
        let now = moment.instant
        noteController(snapshot, at: now)
        if let computers = snapshot.computers {
            controller.computersAt = now
            controller.computers = Dictionary(computers.map { ($0.name, $0) }) { first, _ in first }
            for name in agents.keys.sorted() { observe(name, startedAt: snapshot.startedAt, isPoll: true, at: now) }
            if controller.isSettled(at: now) {
                sweepOrphans(computers, at: now)
                settleStrays(snapshot, at: now)
                keepBeacons(computers, at: now)
            }
        }
        let requirements = labels.resolve(
            snapshot.items,
            in: .init(
                nodeNames: Set(controller.computers.keys),
                hasNodes: controller.computers.values.contains { !$0.isBuiltIn }, source: settings.labelSource,
                facts: snapshot.labelFacts))
        for job in labels.jobsToLookUp(snapshot.items, requirements, source: settings.labelSource) {
            effects.append(.lookUpJobLabel(job: job))
        }
        pace.observe(snapshot, requirements, at: moment)
        followed(watch.observe(snapshot, requirements, hosts: hostsOfNodes, at: now), at: now)
        planDemand(snapshot, requirements, at: now)
    }

    private var hostsOfNodes: [String: String] {
        Dictionary(agents.values.map { ($0.name.value, $0.hostname) }) { first, _ in first }
    }

    private mutating func noteController(_ snapshot: JenkinsSnapshot, at now: Instant) {
        if let session = snapshot.session {
            if let known = controller.session, known != session { controllerRestarted(at: now) }
            controller.session = session
        }
        if !controller.isReachable { controller.healthySince = now }
        controller.isReachable = true
        controller.lastFailure = ""
        controller.isQuietingDown = snapshot.isQuietingDown
        controller.items = snapshot.items
        if snapshot.hasHiddenItems, !controller.hasHiddenItems {
            effects.append(.report(.problem("queued items are hidden: the user lacks Job/Read")))
        }
        controller.hasHiddenItems = snapshot.hasHiddenItems
    }

    private mutating func controllerRestarted(at now: Instant) {
        controller.graceUntil = now.advanced(by: settings.restartGrace)
        effects.append(.report(.problem("the controller restarted; waiting for its agents to return")))
        // Lines before 2.492 forget that a node was drained. What was about to go is drained and watched once more.
        for agent in agents(where: { $0.mayHaveTask }) {
            switch agent.phase {
            case .draining(.confirmed), .deleting: drain(agent.name, because: "retiring", at: now)
            case .requested, .registering, .launching, .connecting, .online, .draining(.asked), .killing: continue
            }
        }
    }

    /// What a look says about one agent.
    mutating func observe(_ name: NodeName, startedAt: Instant, isPoll: Bool, at now: Instant) {
        guard var agent = agents[name] else { return }
        guard let computer = controller.computers[name.value] else {
            if isPoll { nodeMissing(agent, startedAt: startedAt, at: now) }
            return
        }
        agent.missingPolls = 0
        agent.isBusy = computer.isBusy
        if agent.isBusy {
            agent.idleSince = nil
            agent.idlePolls = 0
        } else {
            agent.idleSince = agent.idleSince ?? now
            if isPoll { agent.idlePolls += 1 }
        }
        agents[name] = agent

        switch agent.phase {
        case .launching, .connecting:
            if !computer.isOffline {
                cameOnline(agent, at: now)
            } else if isDrainedByUs(computer), !isAtGate(agent, computer) {
                // Drained before the framework restarted. The controller writes who did it in front of the reason.
                update(name) { $0.enter(.draining(.confirmed(at: now, idlePolls: 0)), at: now) }
            } else if let isConnected = computer.isConnected {
                update(name) { $0.offlineSince = isConnected ? nil : $0.offlineSince ?? now }
            }
        case .draining(.confirmed(let since, let idlePolls)):
            guard startedAt > since else { return }
            observeDrain(agent, computer, since: since, idlePolls: idlePolls, isPoll: isPoll, at: now)
        case .online:
            let isLost = computer.isConnected.map { !$0 } ?? (computer.isOffline && !computer.isTemporarilyOffline)
            update(name) {
                $0.offlineSince = isLost ? $0.offlineSince ?? now : nil
                if !computer.isTemporarilyOffline { $0.isReopening = false }
            }
        case .requested, .registering, .draining(.asked), .deleting, .killing:
            return
        }
        noteBuilds(name, computer, at: now)
        observeGate(name, computer, startedAt: startedAt, at: now)
    }

    private func isDrainedByUs(_ computer: Computer) -> Bool {
        computer.isTemporarilyOffline && computer.offlineReason.contains(Self.drainPrefix)
    }

    /// Whether it is drained for no other reason than its gate; and by this run of the framework, if it was open before.
    private func isAtGate(_ agent: AgentRecord, _ computer: Computer) -> Bool {
        if agent.gate == .none || agent.isUsedUp { return false }
        return computer.offlineReason.contains(AgentGate.closedReason) || agent.wasOpened
    }

    private mutating func observeDrain(
        _ agent: AgentRecord, _ computer: Computer, since: Instant, idlePolls: Int, isPoll: Bool, at now: Instant
    ) {
        guard computer.isTemporarilyOffline else {
            // Somebody opened it, or the controller forgot. Builds may start on it, so it begins anew.
            return drain(agent.name, because: "retiring", at: now)
        }
        let polls = agent.isBusy ? 0 : isPoll ? idlePolls + 1 : idlePolls
        update(agent.name) { $0.phase = .draining(.confirmed(at: since, idlePolls: polls)) }
    }

    private mutating func cameOnline(_ agent: AgentRecord, at now: Instant) {
        health[agent.template]?.succeeded()
        hosts.connected(agent.hostname, agent.template)
        update(agent.name) {
            $0.enter(.online, at: now)
            $0.idleSince = $0.isBusy ? nil : now
            $0.idlePolls = $0.isBusy ? 0 : 1
            $0.offlineSince = nil
        }
        effects.append(.report(.agentConnected(agent.name, host: agent.hostname)))
    }

    private mutating func nodeMissing(_ agent: AgentRecord, startedAt: Instant, at now: Instant) {
        switch agent.phase {
        case .launching, .connecting, .online, .draining:
            guard startedAt > agent.phaseSince, controller.isSettled(at: now) else { return }
            update(agent.name) { $0.missingPolls += 1 }
            guard agent.missingPolls + 1 >= 2 else { return }
            effects.append(.report(.problem("node \(agent.name) is gone from the controller")))
            nodeDeleted(agent.name, at: now)
        case .requested, .registering, .deleting, .killing:
            return
        }
    }

    // MARK: - Answers to requests

    mutating func nodeDrained(_ name: NodeName, at now: Instant) {
        guard let agent = agents[name] else { return }
        switch agent.phase {
        case .draining(.asked):
            update(name) { $0.enter(.draining(.confirmed(at: now, idlePolls: 0)), at: now) }
        case .registering(.closing(let offer, let secret)):
            update(name) {
                $0.enter(.registering(.ready(offer, secret)), at: now)
                $0.setGate(.closed, at: now)
            }
            launchIfReady(offer, at: now)
        case .launching, .connecting, .online:
            gateDrained(name, at: now)
        case .requested, .registering, .draining, .deleting, .killing:
            return
        }
    }

    mutating func nodeDrainFailed(_ name: NodeName, _ reason: String, at now: Instant) {
        guard let agent = agents[name] else { return }
        if case .registering(.closing(let offer, _)) = agent.phase {
            // Without its gate it must not start.
            effects.append(.report(.problem("node \(name) could not be drained: \(reason)")))
            heldOffers[offer]?.picks.removeAll { $0.node == name }
            deleteNode(of: name, at: now)
            return launchIfReady(offer, at: now)
        }
        var isClosing = agent.phase == .draining(.asked) && agent.gate != .none && agent.wasOpened
        if case .closing = agent.gate, agent.isBehindGate { isClosing = true }
        if isClosing {
            // No back-off: the controller may come back with this gate open and a build for it.
            return update(name) { $0.retryAt = now.advanced(by: .milliseconds(200)) }
        }
        retryLater(name, at: now)
    }

    mutating func nodeDeleted(_ name: NodeName, at now: Instant) {
        orphans[name] = nil
        guard let agent = agents[name] else { return }
        if agent.task == .none || agent.task == .ended {
            remove(name)
        } else if agent.phase != .killing {
            update(name) {
                $0.enter(.killing, at: now)
                $0.scheduleRetry(at: now.advanced(by: .seconds(9)))
            }
            effects.append(.kill(agent.taskID, agent.agentID))
        }
    }

    mutating func retryLater(_ name: NodeName, at now: Instant) {
        update(name) { agent in
            switch agent.phase {
            case .draining(.asked), .deleting: agent.scheduleRetry(at: now)
            case .requested, .registering, .launching, .connecting, .online, .draining, .killing: break
            }
        }
    }

    private mutating func keepBeacons(_ computers: [Computer], at now: Instant) {
        guard let frameworkID else { return }
        let changes = beacons.keep(settings, frameworkID: frameworkID, computers: computers, at: now)
        // With them the controller says more of what waits.
        if !changes.isEmpty { pace.burst(at: now) }
        effects += changes
    }
}
