// From a poll to requests: builds that wait, executors there are or will be, and the agents still missing.
import Resources

extension JenkinsPlanner {
    mutating func planDemand(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], at now: Instant
    ) {
        let isSettled = controller.isSettled(at: now) && !snapshot.isQuietingDown
        let builds = snapshot.items.compactMap { item -> WaitingBuild? in
            guard item.phase == .buildable, isSettled, let label = requirements[item.id] else { return nil }
            return label == .flyweight ? nil : WaitingBuild(id: item.id, label: label, since: item.inQueueSince)
        }
        let slots = existingSlots(at: now) + comingSlots(at: now)
        let plan = DemandMatching.plan(
            builds: builds, slots: slots, rooms: templateRooms(at: now),
            agentsMax: settings.agentsMax - agents.count)
        noteWaiting(snapshot, requirements, plan)
        guard isSettled else { return }

        // Newest first or not: a request nobody counts on costs nothing to take back.
        for agent in agents(where: { $0.phase == .requested }) where !plan.claimed.contains(agent.name) {
            remove(agent.name)
        }
        for request in plan.requests {
            let name = newName(request.template)
            agents[name] = AgentRecord(
                name: name, template: request.template, executors: request.executors, at: now)
            hasNewRequests = true
        }
        retireIdle(claimed: plan.claimed, at: now)
    }

    /// Idle executors of every node that takes builds, ours or not: static agents are used before containers.
    private func existingSlots(at now: Instant) -> [ExecutorSlots] {
        controller.computers.values.sorted { $0.name < $1.name }.compactMap { computer in
            guard !computer.isOffline, !computer.isTemporarilyOffline else { return nil }
            let name = NodeName(computer.name)
            if let agent = agents[name] {
                guard agent.phase == .online, agent.task != .ended else { return nil }
            } else if let marker = NodeMarker(description: computer.description), marker.frameworkID == frameworkID {
                return nil  // An orphan about to go.
            }
            let idle = computer.executors.filter(\.isIdle).count
            // A busy computer without a busy executor has just been given a build that is not shown yet.
            let isAssigned = !computer.isIdle && computer.executors.allSatisfy(\.isIdle)
            let count = isAssigned ? idle - 1 : idle
            guard count > 0 else { return nil }
            return ExecutorSlots(
                node: name, labels: computer.labels, mode: computer.mode ?? agents[name].flatMap(mode(of:)),
                count: count,
                isComing: false)
        }
    }

    private func mode(of agent: AgentRecord) -> NodeMode? { settings.template(agent.template)?.mode }

    private func comingSlots(at now: Instant) -> [ExecutorSlots] {
        agents(where: { $0.isComing && $0.task != .ended }).compactMap { agent in
            guard let template = settings.template(agent.template) else { return nil }
            // While its template backs off a request is no supply: another template may serve the build.
            if agent.phase == .requested, health[agent.template]?.backsOff(at: now) ?? false { return nil }
            return ExecutorSlots(
                node: agent.name, labels: template.labels, mode: template.mode, count: agent.executors, isComing: true)
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
        waiting = snapshot.items.compactMap { item in
            guard item.phase != .pending, let label = requirements[item.id], label != .flyweight else { return nil }
            return WaitingItem(
                id: item.id, job: item.taskName, label: label.text, since: item.inQueueSince,
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
