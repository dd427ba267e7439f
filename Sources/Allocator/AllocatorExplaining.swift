// Answers to "why did I get nothing?", from the state as it is and by the checks that allocation makes.

import Resources

extension Allocator {
    /// How many clients one explanation lists.
    public static let explainedClientsMax = 200

    /// Remembers from now on what is decided about a role and those below it; for ten minutes from the last call.
    public mutating func watch(_ role: RoleName, at now: Instant) { decisions.watch(role, at: now) }

    /// What there is to say about a role; nil if no framework is in it or below it.
    public func explain(_ role: RoleName) -> RoleExplanation? {
        guard let node = tree.roleNode(of: role) else { return nil }
        var allocator = self
        allocator.noticeLoosenedQuotas()
        allocator.settle()
        let clients = allocator.tree.clients(below: node).sorted { allocator.name(of: $0) < allocator.name(of: $1) }
        let ranked = allocator.tree.order(
            below: allocator.tree.nodes[node].parent, Lots(settings, agentHash: 0, seed: 0), isWithExhausted: true)
        return RoleExplanation(
            role: role, share: allocator.fraction(node), place: ranked.firstIndex(of: node).map { $0 + 1 },
            siblings: ranked.count,
            clients: clients.prefix(Self.explainedClientsMax).map { allocator.explain(client: $0) },
            omitted: max(0, clients.count - Self.explainedClientsMax))
    }

    private mutating func explain(client: Int) -> ClientExplanation {
        let name = name(of: client)
        var (takeable, tallies): (Int, [String: ClientExplanation.Tally]) = (0, [:])
        let standing = standing(of: client)
        if standing == .hungry {
            for (id, slot) in agents.occupied {
                guard let obstacle = obstacle(to: client, on: slot) else {
                    takeable += 1
                    continue
                }
                let known = tallies[obstacle.word]
                var tally = known ?? .init(obstacle: obstacle, agents: 0, example: id)
                tally.agents += 1
                if case .filtered(let mine) = obstacle, case .filtered(let first) = tally.obstacle, mine < first {
                    tally.obstacle = obstacle
                    tally.example = id
                }
                tallies[obstacle.word] = tally
            }
        }
        var held: [String: Scalar] = [:]
        for (text, dimension) in dimensions.names where tree.nodes[client].held[dimension] != 0 {
            held[text] = Scalar(milli: tree.nodes[client].held[dimension])
        }
        return ClientExplanation(
            framework: name.framework, role: name.role, standing: standing, share: fraction(client), held: held,
            allocations: tree.nodes[client].grants, filters: filters.count(of: client), takeable: takeable,
            obstacles: tallies.values.sorted { ($1.agents, $0.obstacle.word) < ($0.agents, $1.obstacle.word) },
            decisions: decisions.decisions.filter { $0.framework == name.framework && $0.role == name.role })
    }

    private func standing(of client: Int) -> Standing {
        let state = tree[client: client]
        if state.isHungry { return .hungry }
        if !state.isSubscribed { return .unsubscribed }
        return frameworks.values[tree.framework(of: client)].isActive ? .suppressed : .disconnected
    }

    func fraction(_ node: Int) -> Obstacle.Fraction {
        let share = tree.share(of: node)
        return .init(numerator: share.amount, denominator: share.total, weight: tree.nodes[node].weight)
    }

    /// What keeps a hungry client from what is free on an agent; nil if nothing does but others' turns.
    ///
    /// Agrees with `offerable`: nil exactly if that offers something.
    mutating func obstacle(to client: Int, on agent: Int) -> Obstacle? {
        var notes = Notes(split: OfferSplit(parts: 1))
        swap(&notes.rules, &rules)
        defer { swap(&notes.rules, &rules) }
        let state = agents.values[agent]
        let free = state.free
        if !state.isOfferable { return .agentNotOffered }
        if free.isEmpty { return .nothingFree }
        // What everybody sees alike, a round judges before it asks anybody.
        let isWorthAsking = !free.isOrdinary || ownMinimums > 0 || isAllocatable(free, settings.minAllocatable)
        if isWorthAsking, offerable(free, on: agent, to: client, .everybody, &notes) != nil { return nil }
        let abilities = frameworks.values[tree.framework(of: client)].abilities
        if settings.filtersGPUs, state.hasGPUs, !abilities.contains(.gpus) { return .needsGPUCapability }
        if state.isRemote, !abilities.contains(.otherRegions) { return .otherRegion }
        if notes.rules[client]?.constraints?.admit(state.traits) == false { return .constraints }
        let usable = usable(free, by: client)
        let minimum = notes.rules[client]?.minAllocatable ?? settings.minAllocatable
        if !isAllocatable(usable, minimum) { return .belowMinimum }
        let cut = quotas.isActive ? withinQuota(usable, of: client).resources : usable
        if !isAllocatable(cut, minimum) {
            return isHeldBackByGuarantees(usable, client) ? .guaranteesOfOthers : .quotaLimit
        }
        return .filtered(until: filters.end(of: client, agent: agent, blocking: cut) ?? .distantFuture)
    }

    private func isHeldBackByGuarantees(_ usable: Resources, _ client: Int) -> Bool {
        let position = tree[client: client].quota
        return dimensions.names.contains { name, dimension in
            let room = quotas.room(at: position, dimension: dimension)
            return room.isBoundByGuarantees && room.milli < usable[name].milli
        }
    }

    // MARK: While somebody watches

    /// Notes for each watched client what an agent's round came to.
    mutating func noteDecisions(on agent: Int, before taker: Int?, _ resources: Resources?, at now: Instant) {
        for role in decisions.watched.keys.sorted() {
            guard let node = tree.roleNode(of: role) else { continue }
            for client in tree.clients(below: node) where tree[client: client].isHungry {
                var outcome: Decision.Outcome
                if client == taker, let resources {
                    outcome = .offered(resources)
                } else if let obstacle = obstacle(to: client, on: agent) {
                    // With a taker, others are asked again about what it leaves.
                    if taker != nil || obstacle == .nothingFree { continue }
                    outcome = .refused(obstacle)
                } else if let taker {
                    outcome = .refused(.notItsTurn(comparison(client, taker)))
                } else {
                    continue
                }
                let name = name(of: client)
                decisions.note(
                    Decision(
                        round: round, at: now, framework: name.framework, role: name.role, outcome: outcome, agents: 1,
                        example: agents.values[agent].id))
            }
        }
    }

    private func comparison(_ loser: Int, _ winner: Int) -> Obstacle.Comparison {
        let (mine, theirs) = tree.siblings(above: loser, winner)
        let name = name(of: winner)
        return .init(
            mine: fraction(mine), theirs: fraction(theirs), winner: name.framework, winnersRole: name.role)
    }
}
