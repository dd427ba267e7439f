// Nodes without a task and tasks without a node: found after a restart, a lost state file or a deletion by hand, and removed
// or taken in.
import Resources

extension JenkinsPlanner {
    /// Nodes of ours that no record knows. Only what cannot be running a build is deleted.
    mutating func sweepOrphans(_ computers: [Computer], at now: Instant) {
        guard isSubscribed, let subscribedAt else {
            // Without the master it cannot be told which of them have a task.
            orphans = [:]
            return
        }
        var seen: [NodeName: OrphanNode] = [:]
        for computer in computers.sorted(by: { $0.name < $1.name }) {
            let name = NodeName(computer.name)
            guard agents[name] == nil, let marker = NodeMarker(description: computer.description),
                marker.frameworkID == frameworkID, marker.kind == .agent
            else { continue }
            var orphan = orphans[name] ?? OrphanNode(since: max(now, subscribedAt))
            if orphans[name] == nil {
                effects.append(.reconcile([TaskReference(task: TaskID(name.value), agent: nil)]))
            }
            sweep(name, computer, &orphan, at: now)
            seen[name] = orphan
        }
        orphans = seen
    }

    private mutating func sweep(_ name: NodeName, _ computer: Computer, _ orphan: inout OrphanNode, at now: Instant) {
        orphan.drainedPolls = computer.isTemporarilyOffline && !computer.isBusy ? orphan.drainedPolls + 1 : 0
        guard orphan.since.duration(to: now) >= settings.orphanGrace,
            orphan.askedAt.map({ $0.duration(to: now) >= .seconds(5) }) ?? true
        else { return }
        if computer.isOffline, !computer.isTemporarilyOffline || orphan.drainedPolls >= 2 {
            orphan.askedAt = now
            effects.append(.deleteNode(name))
        } else if !computer.isOffline, !computer.isBusy {
            // Something is connected to it: nothing may start while it goes.
            orphan.askedAt = now
            effects.append(.drainNode(name, reason: Self.drainPrefix + "its task is not known"))
        }
    }

    mutating func straySeen(_ update: TaskUpdate, at now: Instant) {
        guard !update.state.isTerminal, update.state != .unknown else {
            strays[update.task] = nil
            return
        }
        guard strays[update.task] == nil, strays.count < 10_000 else { return }
        strays[update.task] = StrayTask(agent: update.agent, state: update.state, since: now)
    }

    /// A running task of ours without a record is adopted if its node is there, and killed if it is not.
    mutating func settleStrays(_ snapshot: JenkinsSnapshot, at now: Instant) {
        for task in strays.keys.sorted() {
            guard let stray = strays[task], snapshot.startedAt > stray.since else { continue }
            strays[task] = nil
            let name = NodeName(task.value)
            if let agent = agents[name] {
                if agent.task == .none { effects.append(.kill(task, stray.agent)) }
                continue
            }
            guard let computer = controller.computers[task.value],
                let marker = NodeMarker(description: computer.description), marker.frameworkID == frameworkID
            else {
                effects.append(.kill(task, stray.agent))
                continue
            }
            adopt(name, stray, computer, marker, at: now)
        }
    }

    private mutating func adopt(
        _ name: NodeName, _ stray: StrayTask, _ computer: Computer, _ marker: NodeMarker, at now: Instant
    ) {
        let template = settings.template(marker.template)
        var agent = AgentRecord(
            name: name, template: marker.template, executors: max(computer.executors.count, 1),
            labels: computer.labels.filter { $0 != computer.name }, mode: template?.mode ?? .exclusive, at: now)
        agent.phase = stray.state == .running ? .connecting : .launching
        agent.task = stray.state == .running ? .running : .launched
        agent.hasStatus = true
        agent.agentID = stray.agent
        agent.bornAt = now
        if template?.singleUse == .strict { agent.gate = .closed }
        agents[name] = agent
        orphans[name] = nil
        isRecordChanged = true
    }
}
