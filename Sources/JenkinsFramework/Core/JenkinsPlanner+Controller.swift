// The planner's side towards the controller: polls, demand, and what became of its requests there.
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

    mutating func polled(_ snapshot: JenkinsSnapshot, at now: Instant) {
        noteController(snapshot, at: now)
        if let computers = snapshot.computers {
            controller.computers = Dictionary(computers.map { ($0.name, $0) }) { first, _ in first }
            for name in agents.keys.sorted() { observe(name, snapshot, at: now) }
            if controller.isSettled(at: now) {
                sweepOrphans(computers, at: now)
                settleStrays(snapshot, at: now)
                keepBeacons(computers, at: now)
            }
        }
        let nodeNames = Set(controller.computers.keys)
        let requirements = labels.resolve(snapshot.items, nodeNames: nodeNames)
        watched(watch.observe(snapshot, requirements, hosts: hostsOfNodes, at: now), at: now)
        planDemand(snapshot, requirements, at: now)
    }

    private var hostsOfNodes: [String: String] {
        Dictionary(agents.values.map { ($0.name.value, $0.hostname) }) { first, _ in first }
    }

    private mutating func noteController(_ snapshot: JenkinsSnapshot, at now: Instant) {
        if let session = snapshot.session {
            if let known = controller.session, known != session {
                controller.graceUntil = now.advanced(by: settings.restartGrace)
                effects.append(.report(.problem("the controller restarted; waiting for its agents to return")))
            }
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

    /// What a poll says about one agent.
    private mutating func observe(_ name: NodeName, _ snapshot: JenkinsSnapshot, at now: Instant) {
        guard var agent = agents[name] else { return }
        guard let computer = controller.computers[name.value] else {
            nodeMissing(agent, snapshot, at: now)
            return
        }
        agent.missingPolls = 0
        agent.isBusy = computer.isBusy
        if agent.isBusy {
            agent.idleSince = nil
            agent.idlePolls = 0
        } else {
            agent.idleSince = agent.idleSince ?? now
            agent.idlePolls += 1
        }
        agents[name] = agent

        switch agent.phase {
        case .launching, .connecting:
            if !computer.isOffline {
                cameOnline(agent, at: now)
            } else if computer.offlineReason.contains(Self.drainPrefix) {
                // Drained before the framework restarted. The controller writes who did it in front of the reason.
                update(name) { $0.enter(.draining(.confirmed(at: now, idlePolls: 0)), at: now) }
            }
        case .draining(.confirmed(let since, let idlePolls)):
            guard snapshot.startedAt > since else { return }
            let polls = agent.isBusy ? 0 : idlePolls + 1
            update(name) { $0.phase = .draining(.confirmed(at: since, idlePolls: polls)) }
        case .online:
            let isLost = computer.isOffline && !computer.isTemporarilyOffline
            update(name) { $0.offlineSince = isLost ? $0.offlineSince ?? now : nil }
        case .requested, .registering, .draining(.asked), .deleting, .killing:
            return
        }
        noteUse(name, at: now)
    }

    private mutating func cameOnline(_ agent: AgentRecord, at now: Instant) {
        health[agent.template]?.succeeded()
        update(agent.name) {
            $0.enter(.online, at: now)
            $0.idleSince = $0.isBusy ? nil : now
            $0.idlePolls = $0.isBusy ? 0 : 1
        }
        effects.append(.report(.agentConnected(agent.name, host: agent.hostname)))
    }

    /// Remembers that an agent had a build. A single-use agent takes no second one from then on.
    private mutating func noteUse(_ name: NodeName, at now: Instant) {
        guard let agent = agents[name] else { return }
        if agent.isBusy, !agent.sawBuild {
            update(name) { $0.sawBuild = true }
            isRecordChanged = true
        }
        if agents[name]?.sawBuild ?? false, agent.phase == .online,
            settings.template(agent.template)?.isSingleUse ?? false
        {
            drain(name, because: "single use", at: now)
        }
    }

    private mutating func nodeMissing(_ agent: AgentRecord, _ snapshot: JenkinsSnapshot, at now: Instant) {
        switch agent.phase {
        case .launching, .connecting, .online, .draining:
            guard snapshot.startedAt > agent.phaseSince, controller.isSettled(at: now) else { return }
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
        guard agents[name]?.phase == .draining(.asked) else { return }
        update(name) { $0.enter(.draining(.confirmed(at: now, idlePolls: 0)), at: now) }
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

    mutating func watched(_ outcome: BuildWatch.Outcome, at now: Instant) {
        effects += outcome.effects
        for use in outcome.used {
            guard let agent = agents[use.node] else {
                noteSingleUse(use)
                continue
            }
            let isSingleUse = settings.template(agent.template)?.isSingleUse ?? false
            if isSingleUse { noteSingleUse(use, isCurrent: true) }
            guard !agent.sawBuild else { continue }
            // The build was over before a poll could see it.
            update(use.node) { $0.sawBuild = true }
            isRecordChanged = true
            if agent.phase == .online, isSingleUse { drain(use.node, because: "single use", at: now) }
        }
    }

    /// A build shorter than the time between two polls leaves its agent open for another. That cannot be prevented from
    /// outside the controller, so it is counted and told.
    private mutating func noteSingleUse(_ use: BuildWatch.Use, isCurrent: Bool = false) {
        guard let first = singleUses[use.node] else {
            guard isCurrent else { return }
            if singleUses.count >= 1_000 { singleUses = singleUses.filter { agents[$0.key] != nil } }
            singleUses[use.node] = use.buildURL
            return
        }
        guard first != use.buildURL else { return }
        singleUseViolations += 1
        effects.append(
            .report(.problem("single-use agent \(use.node) ran a second build: \(first) and \(use.buildURL)")))
    }

    // MARK: - Nodes and tasks nobody knows

    private mutating func sweepOrphans(_ computers: [Computer], at now: Instant) {
        var seen: [NodeName: Instant] = [:]
        for computer in computers.sorted(by: { $0.name < $1.name }) {
            let name = NodeName(computer.name)
            guard agents[name] == nil, let marker = NodeMarker(description: computer.description),
                marker.frameworkID == frameworkID, marker.kind == .agent
            else { continue }
            let since = orphans[name] ?? now
            if since.duration(to: now) >= settings.lostGrace {
                effects.append(.deleteNode(name))
                seen[name] = now  // Once more after another grace, should the request fail.
            } else {
                seen[name] = since
            }
        }
        orphans = seen
    }

    /// A running task of ours without a record is adopted if its node is there, and killed if it is not.
    private mutating func settleStrays(_ snapshot: JenkinsSnapshot, at now: Instant) {
        for task in strays.keys.sorted() {
            guard let stray = strays[task], snapshot.startedAt > stray.since else { continue }
            strays[task] = nil
            let name = NodeName(task.value)
            if let agent = agents[name] {
                if agent.task == .none { effects.append(.kill(task, stray.agent)) }
                continue
            }
            guard let computer = controller.computers[task.value],
                let marker = NodeMarker(description: computer.description), marker.frameworkID == frameworkID,
                settings.template(marker.template) != nil
            else {
                effects.append(.kill(task, stray.agent))
                continue
            }
            var agent = AgentRecord(
                name: name, template: marker.template, executors: max(computer.executors.count, 1), at: now)
            agent.phase = .launching
            agent.task = .launched
            agent.agentID = stray.agent
            agents[name] = agent
            orphans[name] = nil
            isRecordChanged = true
        }
    }

    private mutating func keepBeacons(_ computers: [Computer], at now: Instant) {
        guard let frameworkID else { return }
        effects += beacons.keep(
            policy: settings.beacons, templates: settings.templates, frameworkID: frameworkID, computers: computers,
            at: now)
    }
}
