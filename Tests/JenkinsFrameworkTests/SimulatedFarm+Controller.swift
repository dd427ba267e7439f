// The simulated controller: its queue with the reasons it gives, its nodes, and what becomes of requests to it.
import Resources

@testable import JenkinsFramework

extension SimulatedFarm {
    // MARK: - Looks

    private var isDeaf: Bool { now < frozenUntil || now < downUntil }

    private var plan: PollPlan { planner.pollPlan(quick: .milliseconds(250), seldom: .seconds(4)) }

    mutating func poll() {
        if isDeaf || random.chance(faults.failedPolls) {
            schedule(.poll(incarnation: incarnation), after: pollInterval.map { $0 * 2 } ?? 1_000)
            return schedule(.deliver(.pollFailed("timed out"), incarnation: incarnation), after: 20)
        }
        if let pollInterval { schedule(.poll(incarnation: incarnation), after: pollInterval) }
        let isFull = pollInterval != nil || plan.isFull || !queue.isEmpty
        let seen = isFull ? nodes.keys.sorted().compactMap(computer) : nil
        schedule(
            .readQueue(seen, startedAt: moment.instant, incarnation: incarnation), after: random.milliseconds(0...20))
    }

    /// Polls when the plan of the last one says so; it may change until then.
    mutating func pollPlanned() {
        let due = plan.dueAt.nanoseconds / 1_000_000
        if due <= now { return poll() }
        schedule(.pollPlanned(incarnation: incarnation), after: max(1, min(Int(due) - now, 50)))
    }

    mutating func readQueue(_ computers: [Computer]?, _ startedAt: Instant) {
        if isDeaf || computers == nil && !queue.isEmpty {
            // No answer, or the computers would be read now.
            if pollInterval == nil { schedule(.poll(incarnation: incarnation), after: 100) }
            return
        }
        let snapshot = JenkinsSnapshot(
            startedAt: startedAt, session: "s\(session)", items: queue.compactMap(item), computers: computers)
        schedule(.deliver(.polled(snapshot), incarnation: incarnation), after: random.milliseconds(2...40))
    }

    mutating func watch() {
        let plan = planner.watchPlan
        let interval = plan.map { Int($0.interval.components.attoseconds / 1_000_000_000_000_000) } ?? 100
        schedule(.watch(incarnation: incarnation), after: max(interval, 1))
        guard let plan, !isDeaf, !random.chance(faults.failedPolls) else { return }
        let queued = plan.includesQueue ? Set(queue) : nil
        schedule(
            .watchComputers(plan.nodes, queued, startedAt: moment.instant, incarnation: incarnation),
            after: random.milliseconds(0...10))
    }

    mutating func watchComputers(_ names: [NodeName], _ queued: Set<QueueItemID>?, _ startedAt: Instant) {
        if isDeaf { return }
        let look = NodeWatch(startedAt: startedAt, computers: names.compactMap { computer($0.value) }, queued: queued)
        schedule(.deliver(.watched(look), incarnation: incarnation), after: random.milliseconds(2...20))
    }

    private func computer(_ name: String) -> Computer? {
        guard let node = nodes[name] else { return nil }
        var computer = Computer(
            name: name, description: node.spec.description, isOffline: !node.isConnected || node.drainReason != nil,
            isTemporarilyOffline: node.drainReason != nil, offlineReason: node.drainReason ?? "",
            labels: node.spec.labels + [name],
            executors: (0..<node.spec.executors).map { index in
                .init(
                    isIdle: index >= node.running.count,
                    buildURL: index < node.running.count ? "http://j/job/b/\(node.running[index])/" : nil)
            }, isIdle: node.running.isEmpty)
        if showsConnections { computer.isConnected = node.isConnected }
        return computer
    }

    private func item(_ id: QueueItemID) -> QueueItem? {
        guard let build = builds[id] else { return nil }
        guard build.isStep else {
            return QueueItem(
                id: id, phase: .buildable, taskName: "b", label: .text(build.label), inQueueSince: Int64(id))
        }
        return QueueItem(
            id: id, phase: .buildable, taskClass: "x.ExecutorStepExecution$PlaceholderTask",
            taskName: "part of p #\(id)", why: why(build.label), inQueueSince: Int64(id))
    }

    /// By the rules of a real controller: the label, unless exactly one node matches.
    private func why(_ label: String) -> String {
        guard let expression = LabelExpression(label) else { return "Waiting for next available executor" }
        let matching = nodes.keys.sorted().filter {
            expression.matches(Set((nodes[$0]?.spec.labels ?? []) + [$0]))
        }
        func isOnline(_ name: String) -> Bool {
            nodes[name].map { $0.isConnected && $0.drainReason == nil } ?? false
        }
        switch matching.count {
        case 0: return "There are no nodes with the label ‘\(expression)’"
        case 1 where isOnline(matching[0]): return "Waiting for next available executor on ‘\(matching[0])’"
        case 1: return "‘\(matching[0])’ is offline"
        default:
            return matching.contains(where: isOnline)
                ? "Waiting for next available executor on ‘\(expression)’"
                : "All nodes of label ‘\(expression)’ are offline"
        }
    }

    // MARK: - Requests

    mutating func execute(_ effect: JenkinsPlanner.Effect, _ from: Int) {
        switch effect {
        case .createNode(let node):
            request(effect, from, lost: .nodeCreationFailed(node.name, reason: "lost", mayExist: true))
        case .drainNode(let name, _): request(effect, from, lost: .nodeDrainFailed(name, reason: "lost"))
        case .openNode(let name), .openGate(let name):
            request(effect, from, lost: .nodeOpenFailed(name, reason: "lost", mayBeOpen: true))
        case .deleteDrainedNode(let name): deleteDrained(name, effect, from)
        case .deleteNode(let name): request(effect, from, lost: .nodeDeletionFailed(name, reason: "lost"))
        case .createBeacon(let node):
            if isDeaf || nodes[node.name.value] != nil { return }
            nodes[node.name.value] = FarmNode(
                spec: node, isBeacon: true, drainReason: "jenkins-framework: label beacon")
        case .lookUpItem(let id):
            let build = builds[id]
            let fate: ItemFate =
                build?.isLost ?? false && build?.starts == 0
                ? .cancelled
                : (build?.starts ?? 0) > 0 ? .started(buildURL: "http://j/job/b/\(id)/") : .unknown
            schedule(
                .deliver(.itemLookedUp(id, isDeaf ? nil : fate), incarnation: from), after: random.milliseconds(5...40))
        case .lookUpBuild(let url): lookUpBuild(url, from)
        case .accept, .decline, .kill, .reconcile, .revive, .suppress, .acknowledge:
            // Calls of a dead process or a broken subscription are lost with it.
            if from == incarnation, isSubscribed { masterTakes(effect) }
        case .persist, .report, .lookUpJobLabel:
            break
        }
    }

    private mutating func lookUpBuild(_ url: String, _ from: Int) {
        let build = builds[QueueItemID(url.split(separator: "/").last ?? "") ?? 0]
        let view = build.map {
            let isOver = $0.isDone || $0.isLost
            return BuildView(
                displayName: "b", isBuilding: !isOver, result: isOver ? "SUCCESS" : nil, duration: .zero,
                builtOn: $0.isStep ? "" : $0.node ?? "")
        }
        schedule(
            .deliver(.buildLookedUp(url: url, isDeaf ? nil : view), incarnation: from),
            after: random.milliseconds(5...40))
    }

    private mutating func request(_ effect: JenkinsPlanner.Effect, _ from: Int, lost: JenkinsPlanner.Event) {
        let delay = random.milliseconds(5...120)
        if now < frozenUntil {
            // It times out, and is executed when the controller comes to life.
            trouble(effect)
            schedule(.changeNode(effect), after: frozenUntil - now + random.milliseconds(1...300))
            return schedule(.deliver(lost, incarnation: from), after: min(10_000, frozenUntil - now + 1_000))
        }
        if now < downUntil || random.chance(faults.lostRequests) {
            trouble(effect)
            return schedule(.deliver(lost, incarnation: from), after: delay)
        }
        if random.chance(faults.lateRequests) {
            trouble(effect)
            schedule(.changeNode(effect), after: random.milliseconds(100...4_000))
            return schedule(.deliver(lost, incarnation: from), after: delay)
        }
        if ![effect].opened.isEmpty, random.chance(faults.slowOpenings) {
            // It has seen the node drained, and flips the mark much later, whatever has come in between.
            return schedule(.changeSlowly(effect, from: from), after: random.milliseconds(200...3_000))
        }
        if case .createNode(let node) = effect, random.chance(faults.refusedCreations) {
            trouble(effect)
            let event = JenkinsPlanner.Event.nodeCreationFailed(node.name, reason: "status 500", mayExist: true)
            return schedule(.deliver(event, incarnation: from), after: delay)
        }
        let answer = change(effect)
        if random.chance(faults.lostAnswers) {
            trouble(effect)
            return schedule(.deliver(lost, incarnation: from), after: delay)
        }
        schedule(.deliver(answer, incarnation: from), after: delay)
    }

    /// For so long an answer to the look before a deletion, and the deletion itself, may be on their way.
    private static let lookAndDelete = 30

    private mutating func deleteDrained(_ name: NodeName, _ effect: JenkinsPlanner.Effect, _ from: Int) {
        if isDeaf || random.chance(faults.failedPolls) {
            return schedule(
                .deliver(.nodeDeletionFailed(name, reason: "no answer"), incarnation: from),
                after: random.milliseconds(5...120))
        }
        if let node = nodes[name.value], node.drainReason == nil || !node.running.isEmpty {
            let event = JenkinsPlanner.Event.nodeDeletionFailed(name, reason: "somebody has put it back into service")
            return schedule(.deliver(event, incarnation: from), after: random.milliseconds(5...40))
        }
        schedule(.execute(.deleteNode(name), incarnation: from), after: random.milliseconds(1...Self.lookAndDelete))
    }

    private mutating func trouble(_ effect: JenkinsPlanner.Effect) {
        excuses += 1
        switch effect {
        case .drainNode(let name, _), .openNode(let name), .openGate(let name): nodes[name.value]?.isExcused = true
        default: break
        }
    }

    /// What a request does when it is executed.
    ///
    /// - Parameter isLate: It was given up as lost before.
    mutating func change(_ effect: JenkinsPlanner.Effect, isLate: Bool = false) -> JenkinsPlanner.Event {
        switch effect {
        case .createNode(let node):
            guard nodes[node.name.value] == nil, !created.contains(node.name.value) else {
                violations.append("name \(node.name) used twice")
                return .nodeCreationFailed(node.name, reason: "in use", mayExist: false)
            }
            checkLabels(node)
            created.append(node.name.value)
            nodes[node.name.value] = FarmNode(spec: node)
            return .nodeCreated(node.name, AgentSecret("x"))
        case .drainNode(let name, let reason):
            nodes[name.value]?.drainReason = reason
            return .nodeDrained(name)
        case .openNode(let name), .openGate(let name):
            if nodes[name.value]?.isDrainedByHand ?? false { return .nodeOpenRefused(name) }
            nodes[name.value]?.drainReason = nil
            assignBuilds()
            return .nodeOpened(name)
        case .deleteNode(let name):
            if let node = nodes[name.value], !node.running.isEmpty {
                // A controller deletes without a condition: whoever opens a node by hand between the look and the deletion is
                // not seen, nor by a deletion that was given up and is executed late.
                if let openedAt = node.openedByHandAt, isLate || now - openedAt <= Self.lookAndDelete {
                    loseBuilds(on: name.value)
                } else {
                    violations.append("\(name) was deleted under a build at \(now) ms")
                    for id in node.running { builds[id]?.isLost = true }
                }
            }
            nodes[name.value] = nil
            return .nodeDeleted(name)
        default:
            return .ticked
        }
    }

    private mutating func checkLabels(_ node: NodeSpec) {
        let marker = NodeMarker(description: node.description)
        let template = settings.templates.first { $0.name == marker?.template }
        if marker?.frameworkID != "fw-1" || template?.labels != node.labels {
            violations.append("node \(node.name) is not what its template says")
        }
    }

    // MARK: - Builds

    mutating func assignBuilds() {
        guard !isDeaf else { return }
        for id in queue {
            guard let build = builds[id] else { continue }
            let free = nodes.keys.sorted().first { name in
                guard let node = nodes[name] else { return false }
                return node.isConnected && node.drainReason == nil && node.running.count < node.spec.executors
                    && LabelExpression(build.label)?.matches(Set(node.spec.labels + [name])) ?? true
            }
            guard let free else { continue }
            start(id, on: free)
            schedule(.endBuild(id), after: build.duration)
        }
    }

    private mutating func start(_ id: QueueItemID, on name: String) {
        queue.removeAll { $0 == id }
        if trace { print(now, "START", id, name) }
        builds[id]?.starts += 1
        builds[id]?.node = name
        if let node = nodes[name], node.buildsRun > 0, isSingleUse(node) { secondBuild(id, on: node) }
        nodes[name]?.running.append(id)
        nodes[name]?.buildsRun += 1
    }

    private func isSingleUse(_ node: FarmNode) -> Bool {
        let template = NodeMarker(description: node.spec.description)?.template
        return settings.templates.first { $0.name == template }?.singleUse != .no
    }

    /// Forgiven if the framework had not been shown the first yet, or was hindered from closing the node.
    private mutating func secondBuild(_ id: QueueItemID, on node: FarmNode) {
        secondBuilds += 1
        guard let seenAt = node.seenUsedAt, now - seenAt > 250, !node.isExcused else { return }
        violations.append("\(node.spec.name) ran a second build, \(id), at \(now) ms")
    }

    mutating func endBuild(_ id: QueueItemID) {
        guard let name = builds[id]?.node, builds[id]?.isLost != true else { return }
        if now < frozenUntil || now < downUntil {
            return schedule(.endBuild(id), after: max(frozenUntil, downUntil) - now + random.milliseconds(1...500))
        }
        if nodes[name]?.running.contains(id) != true { violations.append("build \(id) lost its node \(name)") }
        nodes[name]?.running.removeAll { $0 == id }
        builds[id]?.isDone = true
        assignBuilds()
    }

    /// By a fault, not by the framework.
    mutating func loseBuilds(on name: String) {
        for id in nodes[name]?.running ?? [] {
            builds[id]?.isLost = true
            excuses += 1
        }
        nodes[name]?.running = []
    }

    mutating func connect(_ task: TaskID) {
        guard let current = tasks[task], current.isAlive, !current.isMute, nodes[task.value] != nil else { return }
        if isDeaf {
            return schedule(
                .taskConnects(task), after: max(frozenUntil, downUntil) - now + random.milliseconds(100...5_000))
        }
        nodes[task.value]?.isConnected = true
        assignBuilds()
    }
}
