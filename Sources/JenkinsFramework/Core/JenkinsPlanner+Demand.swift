// From a poll to requests: builds that wait, executors there are or will be, and the agents still missing.
import Resources

extension JenkinsPlanner {
    mutating func planDemand(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], at now: Instant
    ) {
        guard snapshot.computers != nil else {
            // The queue alone, with nothing in it that an agent could be wanted for. What is known of executors is old.
            return noteWaiting(snapshot, requirements, DemandPlan())
        }
        let isSettled = controller.isSettled(at: now) && !snapshot.isQuietingDown
        let builds = isSettled ? waitingBuilds(snapshot.items, requirements) : []
        let slots = existingSlots() + comingSlots(at: now) + leavingSlots()
        let plan = DemandMatching.plan(
            builds: builds, slots: slots, rooms: templateRooms(at: now), agentsMax: settings.agentsMax - agents.count,
            keepsPools: isSettled)
        noteWaiting(snapshot, requirements, plan)
        pace.noteAssignable(
            Set(waiting.filter { if case .executorFree = $0.reason { true } else { false } }.map(\.id)), at: now)
        settleGates(builds, queued: snapshot.items, claimed: plan.claimedByBuilds, mayOpen: isSettled, at: now)
        guard isSettled else { return }

        settleRequests(plan, at: now)
        for agent in agents(where: { $0.mayReopen }) where plan.claimed.contains(agent.name) {
            reopen(agent.name, at: now)
        }
        for name in agents.keys.sorted() {
            let isClaimed = plan.claimed.contains(name)
            update(name) { $0.unclaimedSince = isClaimed ? nil : $0.unclaimedSince ?? now }
        }
        retireUnclaimed(plan.claimed, at: now)
    }

    private mutating func waitingBuilds(
        _ items: [QueueItem], _ requirements: [QueueItemID: LabelRequirement]
    ) -> [WaitingBuild] {
        sizes.keep(only: items)
        let sized = settings.templates.contains { !$0.sizing.isFixed }
        var servers: [LabelRequirement: AgentTemplate?] = [:]
        return items.compactMap { item in
            guard item.phase == .buildable, let label = requirements[item.id], label != .flyweight else { return nil }
            var build = WaitingBuild(id: item.id, label: label, since: item.inQueueSince)
            guard sized else { return build }
            let server = servers[label] ?? settings.templates.first { $0.canServe(label) }
            servers[label] = .some(server)
            if let server { build.wish = sizes.wish(of: item, template: server) }
            return build
        }
    }

    /// Takes back requests nobody counts on, sizes the others anew, and adds what is missing.
    private mutating func settleRequests(_ plan: DemandPlan, at now: Instant) {
        for agent in agents(where: { $0.phase == .requested }) {
            guard plan.claimed.contains(agent.name) else {
                remove(agent.name)
                continue
            }
            let size = plan.sizes[SizeKey(template: agent.template, image: agent.image)]
            update(agent.name) {
                if $0.executors == 1 { $0.size = size }
                $0.isForPool = !plan.claimedByBuilds.contains($0.name)
            }
        }
        for request in plan.requests {
            guard let template = settings.template(request.template) else { continue }
            let name = newName(request.template)
            var agent = AgentRecord(name: name, template: template, executors: request.executors, at: now)
            agent.size = request.size
            agent.image = request.image
            agent.isForPool = request.isForPool
            if let label = request.imageLabel { agent.labels.append(label) }
            agents[name] = agent
            hasNewRequests = true
        }
    }

    // MARK: - Executors there are or will be

    /// Idle executors of every node that takes builds, ours or not: static agents are used before containers.
    private func existingSlots() -> [ExecutorSlots] {
        controller.computers.values.compactMap { computer in
            guard !computer.isOffline, !computer.isTemporarilyOffline else { return nil }
            let name = NodeName(computer.name)
            let agent = agents[name]
            if let agent {
                guard agent.phase == .online, agent.task != .ended, !agent.isUsedUp, !agent.gate.canOpen else {
                    return nil
                }
            } else if let marker = NodeMarker(description: computer.description), marker.frameworkID == frameworkID {
                return nil  // An orphan about to go.
            }
            let idle = computer.executors.count { $0.isIdle }
            // A busy computer without a busy executor has just been given a build that is not shown yet.
            let isAssigned = !computer.isIdle && idle == computer.executors.count
            let count = isAssigned ? idle - 1 : idle
            guard count > 0 else { return nil }
            return ExecutorSlots(
                node: name, labels: computer.labels, mode: computer.mode ?? agent?.mode, count: count, isComing: false,
                template: agent?.template)
        }
    }

    private func comingSlots(at now: Instant) -> [ExecutorSlots] {
        agents.values.compactMap { agent in
            guard agent.isComing, agent.task != .ended, settings.template(agent.template) != nil,
                !isDrainedByOthers(agent.name)
            else { return nil }
            // While its template backs off a request is no supply: another template may serve the build.
            if agent.phase == .requested, health[agent.template]?.backsOff(at: now) ?? false { return nil }
            return ExecutorSlots(
                node: agent.name, labels: agent.labels, mode: agent.mode, count: agent.executors, isComing: true,
                progress: agent.progress, since: agent.requestedAt, template: agent.template, image: wishedImage(agent))
        }
    }

    /// An image that only a build's wish can have led to; one that a label names is found by that label.
    private func wishedImage(_ agent: AgentRecord) -> String? {
        guard let image = agent.image, !agent.labels.contains(where: { $0.hasSuffix(":" + image) }) else { return nil }
        return image
    }

    /// Agents drained only because nothing waited. Taking one back is cheaper than a new one.
    private func leavingSlots() -> [ExecutorSlots] {
        agents.values.compactMap { agent in
            guard agent.mayReopen, case .draining(.confirmed) = agent.phase, agent.task == .running, !agent.isBusy,
                settings.template(agent.template) != nil, !isDrainedByOthers(agent.name)
            else { return nil }
            return ExecutorSlots(
                node: agent.name, labels: agent.labels, mode: agent.mode, count: agent.executors, isComing: true,
                progress: agent.progress, since: agent.requestedAt, template: agent.template, isLeaving: true)
        }
    }

    private func templateRooms(at now: Instant) -> [TemplateRoom] {
        var counts: [TemplateName: Int] = [:]
        var coming: [TemplateName: Int] = [:]
        for agent in agents.values {
            counts[agent.template, default: 0] += 1
            if agent.isComing { coming[agent.template, default: 0] += 1 }
        }
        return settings.templates.map { template in
            let health = health[template.name] ?? TemplateHealth()
            let room = template.agentsMax - counts[template.name, default: 0]
            if health.backsOff(at: now) {
                return TemplateRoom(template: template, agents: 0, reason: .templateBacksOff(template.name))
            }
            if health.isProbing {
                let isTrying = coming[template.name, default: 0] > 0
                return TemplateRoom(
                    template: template, agents: isTrying ? 0 : min(room, 1), reason: .templateBacksOff(template.name))
            }
            return TemplateRoom(template: template, agents: room, reason: .capReached(template.name))
        }
    }

    private mutating func noteWaiting(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], _ plan: DemandPlan
    ) {
        // Neighbours often ask for the same, and an expression is dearer to print than to compare.
        var last: (label: LabelRequirement, text: String)?
        waiting = snapshot.items.compactMap { item in
            guard item.phase != .pending, let label = requirements[item.id], label != .flyweight else { return nil }
            let text = last.flatMap { $0.label == label ? $0.text : nil } ?? label.text
            last = (label, text)
            return WaitingItem(
                id: item.id, job: item.taskName, label: text, since: item.inQueueSince,
                reason: item.phase == .buildable ? plan.reasons[item.id] ?? .agentRequested : .notBuildable,
                why: item.why ?? "")
        }
    }
}

extension LabelRequirement {
    /// For people: the expression, or why there is none.
    var text: String {
        switch self {
        case .expression(let expression): expression.description
        case .anyNode: ""
        case .bound(let node): node
        case .flyweight: "(built-in node)"
        case .unresolved: "(unknown)"
        }
    }
}
