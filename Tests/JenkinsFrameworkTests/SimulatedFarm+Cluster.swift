// The simulated cluster: offers, tasks and their updates; and everything that goes wrong in the farm.
import Resources

@testable import JenkinsFramework

extension SimulatedFarm {
    mutating func subscribe() {
        isSubscribed = true
        isSuppressed = true
        step(.subscribed("fw-1"))
        for update in undelivered { send(update) }
        undelivered = []
    }

    private func free(on host: String) -> Int {
        slotsPerHost - tasks.values.count { $0.host == host && !$0.state.isTerminal }
    }

    mutating func makeOffers() {
        for (id, offer) in offers where now - offer.since > 15_000 && now >= frozenUntil + 15_000 {
            violations.append("offer \(id) was kept for long at \(now) ms")
            offers[id] = nil
        }
        guard isSubscribed, !isSuppressed else { return }
        for host in hosts
        where free(on: host) > 0 && !offers.values.contains(where: { $0.host == host })
            && filteredUntil[host, default: 0] <= now
        {
            offerCount += 1
            let id = OfferID("o\(offerCount)")
            offers[id] = (host, now)
            let units = free(on: host)
            let offer = AgentOffer(
                id: id, agentID: AgentID(host), hostname: host,
                resources: Resources(cpus: Scalar(milli: Int64(units) * 200), mem: Scalar(units: units * 704)))
            schedule(.deliver(.offersArrived([offer]), incarnation: incarnation), after: 5)
            if random.chance(faults.rescinds) {
                offers[id] = nil
                excuses += 4
                schedule(.deliver(.offerRescinded(id), incarnation: incarnation), after: random.milliseconds(6...300))
            }
        }
    }

    mutating func masterTakes(_ effect: JenkinsPlanner.Effect) {
        switch effect {
        case .accept(let order): launch(order)
        case .decline(let ids, let refuse):
            for id in ids {
                guard let offer = offers.removeValue(forKey: id) else { continue }
                filteredUntil[offer.host] = now + Int(refuse.components.seconds) * 1_000
            }
        case .kill(let task, _): kill(task)
        case .reconcile(let references):
            let asked =
                references.isEmpty ? tasks.keys.filter { tasks[$0]?.state.isTerminal == false } : references.map(\.task)
            for task in asked.sorted() {
                send(TaskUpdate(task: task, state: tasks[task]?.state ?? .gone, cause: .infrastructure))
            }
        case .revive:
            isSuppressed = false
            filteredUntil = [:]
            makeOffers()
        case .suppress:
            isSuppressed = true
        default:
            break
        }
    }

    private mutating func launch(_ order: LaunchOrder) {
        let offer = offers.removeValue(forKey: order.offer)
        for agent in order.agents {
            let task = TaskID(agent.name.value)
            guard let offer else {
                excuses += 1
                send(TaskUpdate(task: task, state: .dropped, cause: .infrastructure))
                continue
            }
            if tasks[task] != nil { violations.append("task \(task) launched twice") }
            tasks[task] = FarmTask(host: offer.host, state: .staging, isMute: random.chance(faults.muteAgents))
            if tasks[task]?.isMute ?? false { excuses += 1 }
            if free(on: offer.host) < 0 { violations.append("\(offer.host) was promised twice") }
            if !durable.agents.contains(where: { $0.name == agent.name }) {
                violations.append("\(agent.name) was launched before it was on disk")
            }
            schedule(.taskRuns(task), after: random.milliseconds(50...800))
        }
    }

    private mutating func kill(_ task: TaskID) {
        guard let current = tasks[task] else {
            return send(TaskUpdate(task: task, state: .gone, cause: .infrastructure))
        }
        if current.state == .unreachable { return }  // Nobody there to be told.
        if nodes[task.value]?.running.isEmpty == false {
            violations.append("\(task) was killed under a build at \(now) ms")
        }
        if current.state.isTerminal { send(TaskUpdate(task: task, state: current.state)) }
        endTask(task, .killed)
    }

    mutating func taskRuns(_ task: TaskID) {
        guard tasks[task]?.state == .staging else { return }
        if random.chance(faults.failedStarts) {
            excuses += 1
            return endTask(task, .failed)
        }
        tasks[task]?.state = .running
        send(TaskUpdate(task: task, agent: AgentID(tasks[task]?.host ?? ""), state: .running, uuid: [1]))
        schedule(.taskConnects(task), after: random.milliseconds(50...1_500))
    }

    mutating func endTask(_ task: TaskID, _ state: TaskUpdate.State) {
        guard let current = tasks[task], !current.state.isTerminal else { return }
        tasks[task]?.state = state
        tasks[task]?.isAlive = false
        nodes[task.value]?.isConnected = false
        loseBuilds(on: task.value)
        send(TaskUpdate(task: task, agent: AgentID(current.host), state: state, uuid: [2]))
    }

    mutating func taskReturns(_ task: TaskID) {
        guard tasks[task]?.state == .unreachable else { return }
        tasks[task]?.state = .running
        send(TaskUpdate(task: task, agent: AgentID(tasks[task]?.host ?? ""), state: .running, uuid: [3]))
    }

    mutating func send(_ update: TaskUpdate) {
        guard isSubscribed else { return undelivered.append(update) }
        schedule(.deliver(.taskUpdated(update), incarnation: incarnation), after: random.milliseconds(1...30))
    }

    // MARK: - What goes wrong

    mutating func strike(_ fault: FarmFault) {
        let agents = nodes.filter { !$0.value.isBeacon }.keys.sorted()
        let victim = agents.isEmpty ? "" : agents[random.below(agents.count)]
        switch fault {
        case .disconnection: disconnect()
        case .crash: crash()
        case .freeze:
            excuses += 10
            frozenUntil = now + random.milliseconds(2_000...20_000)
            for name in nodes.keys { nodes[name]?.isExcused = true }
        case .restart: restartController()
        case .lostTask:
            excuses += 1
            endTask(TaskID(victim), random.chance(50) ? .failed : .lost)
        case .lostHost: loseHost()
        case .partition: partition()
        case .deletion:
            excuses += 1
            loseBuilds(on: victim)
            nodes[victim] = nil
        case .drain:
            guard nodes[victim]?.drainReason == nil else { return }
            excuses += 1
            nodes[victim]?.drainReason = "Disconnected by admin : I look at it"
            if random.chance(50) { schedule(.openByHand(victim), after: random.milliseconds(500...8_000)) }
        case .opening: openByHand(victim)
        case .cancellation:
            guard !queue.isEmpty else { return }
            let id = queue.remove(at: random.below(queue.count))
            builds[id]?.isLost = true
            excuses += 1
        }
    }

    private mutating func disconnect() {
        guard isSubscribed else { return }
        isSubscribed = false
        offers = [:]
        excuses += planner.agents.values.count { $0.heldOffer != nil || $0.phase == .launching }
        step(.disconnected)
        schedule(.subscribe(incarnation: incarnation), after: random.milliseconds(50...3_000))
    }

    /// Builds go on where they are; agents come back one by one.
    private mutating func restartController() {
        downUntil = now + random.milliseconds(500...5_000)
        session += 1
        excuses += 5
        for name in nodes.keys.sorted() {
            nodes[name]?.isExcused = true
            if faults.isOldLine { nodes[name]?.drainReason = nil }
            guard nodes[name]?.isConnected ?? false else { continue }
            nodes[name]?.isConnected = false
            schedule(.taskConnects(TaskID(name)), after: downUntil - now + random.milliseconds(50...2_000))
        }
    }

    private mutating func loseHost() {
        let host = hosts[random.below(hosts.count)]
        for task in tasks.keys.sorted() where tasks[task]?.host == host && tasks[task]?.state.isTerminal == false {
            excuses += 1
            tasks[task]?.isAlive = false
            tasks[task]?.state = .unreachable
            nodes[task.value]?.isConnected = false
            loseBuilds(on: task.value)
            send(TaskUpdate(task: task, agent: AgentID(host), state: .unreachable, cause: .infrastructure, uuid: [4]))
            schedule(.taskGone(task), after: random.milliseconds(2_000...20_000))
        }
    }

    /// Between master and host only: agents and their builds know nothing of it.
    private mutating func partition() {
        let host = hosts[random.below(hosts.count)]
        for task in tasks.keys.sorted() where tasks[task]?.host == host && tasks[task]?.state == .running {
            excuses += 1
            tasks[task]?.state = .unreachable
            send(TaskUpdate(task: task, agent: AgentID(host), state: .unreachable, cause: .infrastructure, uuid: [5]))
            schedule(.taskReturns(task), after: random.milliseconds(1_000...20_000))
        }
    }

    mutating func openByHand(_ name: String) {
        guard nodes[name]?.drainReason != nil else { return }
        excuses += 1
        nodes[name]?.isExcused = true
        nodes[name]?.openedByHandAt = now
        nodes[name]?.drainReason = nil
        assignBuilds()
    }
}
