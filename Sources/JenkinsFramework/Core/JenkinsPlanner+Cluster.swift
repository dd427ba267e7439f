// The planner's side towards the cluster: subscription, offers, launches, task updates.
import Resources

extension JenkinsPlanner {
    // MARK: - Subscription

    mutating func subscribed(as id: FrameworkID, at now: Instant) {
        let isAnotherFramework = frameworkID != nil && frameworkID != id
        isSubscribed = true
        subscribedAt = now
        wish = .suppressed  // Every SUBSCRIBE names all roles as suppressed.
        lastOfferAt = nil
        if frameworkID != id { isRecordChanged = true }
        frameworkID = id
        if isAnotherFramework {
            // The master removed the old one, and with it every task.
            for agent in agents(where: { $0.task != .none }) {
                taskEnded(agent, .infrastructure, "framework removed", at: now)
            }
        }
        reconcileAll(at: now)
    }

    mutating func reconcileAll(at now: Instant) {
        reconcileAt = now.advanced(by: settings.reconcileInterval)
        reconcile(agents(where: { _ in true }))
        effects.append(.reconcile([]))
    }

    mutating func disconnected(at now: Instant) {
        isSubscribed = false
        for offer in heldOffers.keys.sorted() { offerLost(offer, at: now) }
    }

    // MARK: - Offers

    /// What may be launched now, the most urgent first, within the limits.
    func launchable(at now: Instant) -> [AgentAsk] {
        guard controller.isSettled(at: now), !controller.isQuietingDown, !registrar.backsOff(at: now) else { return [] }
        let requested = agents.values.filter { $0.phase == .requested }
        if requested.isEmpty { return [] }
        let pending = agents.values.filter(\.isPending)
        var room = min(settings.agentsPendingMax - pending.count, settings.launchesPerMinuteMax - launches.count)
        if registrar.isProbing {
            // The controller could not create nodes: one at a time, until one succeeds.
            room = min(room, pending.contains { $0.heldOffer != nil } ? 0 : 1)
        }
        guard room > 0 else { return [] }
        let ordered = requested.map { ($0, settings.template($0.template)) }.sorted { left, right in
            if left.0.isForPool != right.0.isForPool { return right.0.isForPool }
            let (mine, theirs) = (left.1?.priority ?? 0, right.1?.priority ?? 0)
            if mine != theirs { return mine > theirs }
            return (left.0.requestedAt, left.0.name) < (right.0.requestedAt, right.0.name)
        }
        var asks: [AgentAsk] = []
        var probing = Set(pending.map(\.template))
        for case (let agent, let template?) in ordered where room > 0 {
            let health = health[agent.template] ?? TemplateHealth()
            if health.backsOff(at: now) { continue }
            if health.isProbing, !probing.insert(agent.template).inserted { continue }
            asks.append(
                AgentAsk(
                    node: agent.name, wanted: agent.size ?? template.resources(executors: agent.executors),
                    ports: template.ports, attributes: template.attributes, domain: template.domain,
                    role: template.role, recentHosts: hosts.recentHosts(of: template.name)))
            room -= 1
        }
        return asks
    }

    mutating func offersArrived(_ offers: [AgentOffer], at now: Moment) {
        guard isSubscribed else { return }  // Void with the subscription they came on.
        lastOfferAt = now.instant
        let asks = launchable(at: now.instant)
        let usableUntil = now.wall.advanced(by: settings.maintenanceLead)
        let rooms = roomOnHosts(of: offers, at: now.instant)
        let picks = OfferMatching.match(asks: asks, offers: offers, roomOn: { rooms[$0] ?? .max }) { offer in
            offer.isAvailable(from: now.wall, until: usableUntil)
                && hosts.refusal(of: offer.hostname, at: now.instant) == nil
        }
        decline(offers.filter { picks[$0.id] == nil }, isWaiting: !asks.isEmpty, at: now.instant)
        for offer in offers {
            guard let chosen = picks[offer.id] else { continue }
            heldOffers[offer.id] = HeldOffer(offer: offer, picks: chosen)
            for pick in chosen {
                let registration = AgentRecord.Registration.persisting(revision: revisionOfThisStep, offer.id)
                update(pick.node) { agent in
                    agent.enter(.registering(registration), at: now.instant)
                    agent.agentID = offer.agentID
                    agent.hostname = offer.hostname
                }
                guard let agent = agents[pick.node] else { continue }
                effects.append(.report(.agentStarting(pick.node, agent.template, host: offer.hostname)))
            }
            isRecordChanged = true
        }
    }

    /// How many agents each machine may still be given within this minute, those being registered counted in.
    func roomOnHosts(of offers: [AgentOffer], at now: Instant) -> [String: Int] {
        var coming: [String: Int] = [:]
        for agent in agents.values where agent.heldOffer != nil { coming[agent.hostname, default: 0] += 1 }
        return Dictionary(
            Set(offers.map(\.hostname)).map { host in
                let used = hosts.launchesInLastMinute(on: host, at: now) + coming[host, default: 0]
                return (host, max(settings.hostLaunchesPerMinuteMax - used, 0))
            }
        ) { first, _ in first }
    }

    /// What nothing waits for is refused for long, and what did not fit for a moment; a machine on which launches hang for
    /// as long as it is out of favour.
    private mutating func decline(_ offers: [AgentOffer], isWaiting: Bool, at now: Instant) {
        var refusals: [Duration: [OfferID]] = [:]
        for offer in offers {
            let usual = isWaiting ? settings.declineShort : settings.declineIdle
            refusals[max(hosts.refusal(of: offer.hostname, at: now) ?? .zero, usual), default: []].append(offer.id)
        }
        for refuse in refusals.keys.sorted() { effects.append(.decline(refusals[refuse] ?? [], refuse: refuse)) }
    }

    /// The offer cannot be used any more: rescinded, or its subscription broke.
    mutating func offerLost(_ id: OfferID, at now: Instant) {
        guard let held = heldOffers.removeValue(forKey: id) else { return }
        for pick in held.picks {
            guard let agent = agents[pick.node], case .registering(let registration) = agent.phase else { continue }
            switch registration {
            case .persisting:
                // No node yet: it may go on waiting under the same name.
                update(pick.node) { $0.enter(.requested, at: now) }
                isRecordChanged = true
            case .creating:
                update(pick.node) { $0.enter(.registering(.abandoned), at: now) }
            case .closing, .ready:
                deleteNode(of: pick.node, at: now)
            case .abandoned:
                break
            }
        }
    }

    // MARK: - Registering and launching

    mutating func persisted(upTo revision: UInt64, at now: Instant) {
        for agent in agents(where: { _ in true }) {
            guard case .registering(.persisting(let needed, let offer)) = agent.phase, needed <= revision,
                let frameworkID
            else { continue }
            guard let template = settings.template(agent.template) else {
                // Its template went with a new configuration.
                heldOffers[offer]?.picks.removeAll { $0.node == agent.name }
                remove(agent.name)
                launchIfReady(offer, at: now)
                continue
            }
            update(agent.name) { $0.enter(.registering(.creating(offer)), at: now) }
            effects.append(
                .createNode(
                    NodeSpec(
                        name: agent.name,
                        description: NodeMarker(frameworkID: frameworkID, template: template.name).text
                            + " host=\(agent.hostname)",
                        labels: agent.labels, mode: agent.mode, executors: agent.executors,
                        remoteFS: template.remoteFS)))
        }
    }

    mutating func nodeCreated(_ name: NodeName, _ secret: AgentSecret, at now: Instant) {
        registrar.succeeded()
        guard let agent = agents[name], case .registering(let registration) = agent.phase else {
            effects.append(.deleteNode(name))  // Given up meanwhile.
            return
        }
        switch registration {
        case .creating(let offer) where agent.gate != .none:
            update(name) { $0.enter(.registering(.closing(offer, secret)), at: now) }
            effects.append(.drainNode(name, reason: AgentGate.closedReason))
        case .creating(let offer):
            update(name) { $0.enter(.registering(.ready(offer, secret)), at: now) }
            launchIfReady(offer, at: now)
        case .abandoned:
            deleteNode(of: name, at: now)
        case .persisting, .closing, .ready:
            break  // Answered twice.
        }
    }

    mutating func nodeCreationFailed(_ name: NodeName, _ reason: String, mayExist: Bool, at now: Instant) {
        guard let agent = agents[name], case .registering(let registration) = agent.phase else { return }
        registrar.failed(because: reason, begunAt: agent.phaseSince, at: now)
        effects.append(.report(.problem("node \(name) could not be created: \(reason)")))
        if mayExist {
            deleteNode(of: name, at: now)
        } else {
            remove(name)
        }
        if case .creating(let offer) = registration {
            heldOffers[offer]?.picks.removeAll { $0.node == name }
            launchIfReady(offer, at: now)
        }
    }

    /// Launches everything picked for an offer once every node is there.
    mutating func launchIfReady(_ id: OfferID, at now: Instant) {
        guard let held = heldOffers[id] else { return }
        var launched: [LaunchOrder.Agent] = []
        for pick in held.picks {
            guard let agent = agents[pick.node], case .registering(.ready(_, let secret)) = agent.phase else { return }
            launched.append(
                .init(
                    name: agent.name, template: agent.template, executors: agent.executors, resources: pick.resources,
                    secret: secret, ports: pick.ports, image: agent.image))
        }
        heldOffers[id] = nil
        guard !launched.isEmpty else {
            effects.append(.decline([id], refuse: settings.declineShort))
            return
        }
        for agent in launched {
            update(agent.name) {
                $0.enter(.launching, at: now)
                $0.task = .launched
                $0.bornAt = now
            }
            launches.append(now)
        }
        hosts.launched(launched.count, on: held.offer.hostname, at: now)
        isRecordChanged = true
        effects.append(
            .accept(
                LaunchOrder(
                    offer: id, agentID: held.offer.agentID, role: held.offer.role, agents: launched,
                    refuse: settings.declineShort)))
    }

    // MARK: - Task updates

    mutating func taskUpdated(_ update: TaskUpdate, at now: Instant) {
        if !update.uuid.isEmpty, let agent = update.agent {
            effects.append(.acknowledge(update.task, agent, uuid: update.uuid))
        }
        guard let agent = agents[NodeName(update.task.value)], agent.task != .none else {
            straySeen(update, at: now)
            return
        }
        guard agent.task != .ended else { return }
        self.update(agent.name) { $0.hasStatus = true }
        switch update.state {
        case .staging, .starting:
            self.update(agent.name) { $0.task = .launched }
        case .running, .killing:
            self.update(agent.name) { agent in
                agent.task = .running
                if agent.agentID == nil { agent.agentID = update.agent }
                if agent.phase == .launching { agent.enter(.connecting, at: now) }
            }
        case .unreachable:
            if case .unreachable = agent.task { break }
            self.update(agent.name) { $0.task = .unreachable(since: now) }
        case .unknown:
            // The master knows neither task nor agent. If the controller hears the agent, or has a build on it that no
            // poll shows ended, it is the one to believe.
            let isAlive = isHeardByController(agent.name) || agent.isBusy
            if !isAlive || agent.phase == .killing { taskEnded(agent, .infrastructure, update.message, at: now) }
        case .finished, .failed, .killed, .error, .lost, .dropped, .gone, .goneByOperator:
            if update.isOutOfMemory { noteOutOfMemory(agent) }
            taskEnded(agent, update.cause, "\(update.state.rawValue): \(update.message)", at: now)
        }
    }

    /// The jobs it was running need more; which of them took it cannot be told.
    private mutating func noteOutOfMemory(_ agent: AgentRecord) {
        guard let template = settings.template(agent.template) else { return }
        let had = (agent.size ?? template.resources(executors: agent.executors))["mem"]
        for url in watch.executing(on: agent.name.value) {
            if let job = JobName.ofBuild(url: url) { sizes.ranOutOfMemory(job, had: had) }
        }
    }

    private mutating func taskEnded(
        _ agent: AgentRecord, _ cause: TaskUpdate.Cause, _ reason: String, at now: Instant
    ) {
        update(agent.name) {
            $0.task = .ended
            $0.taskEndedAt = now
        }
        switch agent.phase {
        case .requested, .registering, .deleting:
            break
        case .launching, .connecting:
            if cause == .task {
                failed(agent, "agent \(agent.name) on \(agent.hostname) ended before it connected (\(reason))", at: now)
            }
            deleteNode(of: agent.name, at: now)
        case .online, .draining:
            // A build that hangs on it gets its grace; `settleAgents` looks at it from now on.
            if !agent.isBusy { deleteNode(of: agent.name, at: now) }
        case .killing:
            remove(agent.name)
        }
    }

    mutating func failed(_ agent: AgentRecord, _ reason: String, at now: Instant) {
        health[agent.template, default: TemplateHealth()].failed(
            because: reason, begunAt: agent.requestedAt, at: now)
        effects.append(.report(.problem(reason)))
    }

    // MARK: - Suppress and revive

    mutating func settleOfferWish(at now: Instant) {
        guard isSubscribed else { return }
        if let reconcileAt, now >= reconcileAt { reconcileAll(at: now) }
        guard !launchable(at: now).isEmpty else {
            if wish != .suppressed { effects.append(.suppress) }
            wish = .suppressed
            return
        }
        switch wish {
        case .suppressed:
            break
        case .revived(let since):
            let isUnanswered =
                (lastOfferAt.map { $0 < since } ?? true) && since.duration(to: now) >= settings.reviveInterval
            guard hasNewRequests || isUnanswered else { return }
        }
        effects.append(.revive)
        wish = .revived(at: now)
    }
}
