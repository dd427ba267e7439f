// Answers to "why did I get nothing?", from the state as it is and by the checks that allocation makes.

import Resources

extension Allocator {
    /// How many clients one explanation lists.
    public static let explainedClientsMax = 200
    /// At how many pairs of a client and an agent one explanation looks: a few tenths of a second of work.
    static let explainingLooksMax = 400_000

    /// Remembers from now on what is decided about a role and those below it; for ten minutes from the last call.
    ///
    /// Every offer is remembered; of what was not offered, what a bounded number of looks in each round finds.
    public mutating func watch(_ role: RoleName, at now: Instant) { decisions.watch(role, at: now) }

    /// What there is to say about a role; nil if no framework is in it or below it.
    public func explain(_ role: RoleName) -> RoleExplanation? { explain(role, looksMax: Self.explainingLooksMax) }

    /// - Parameter looksMax: At how many pairs of a client and an agent it looks.
    package func explain(_ role: RoleName, looksMax: Int) -> RoleExplanation? {
        guard let node = tree.roleNode(of: role) else { return nil }
        var allocator = self
        allocator.noticeLoosenedQuotas()
        allocator.settle()
        let clients = allocator.listedClients(below: node)
        let ranked = allocator.tree.order(
            below: allocator.tree.nodes[node].parent, Lots(settings, agentHash: 0, seed: 0), isWithExhausted: true)
        let all = agents.occupied
        let looks = max(1, looksMax / max(1, clients.listed.count))
        // Every n-th in the order of their names.
        let sample = stride(from: 0, to: all.count, by: max(1, (all.count + looks - 1) / looks)).map { all[$0] }
        let decisions = Dictionary(grouping: decisions.decisions) {
            AllocatorSnapshot.Client(framework: $0.framework, role: $0.role)
        }
        return RoleExplanation(
            role: role, share: allocator.fraction(node), place: ranked.firstIndex(of: node).map { $0 + 1 },
            siblings: ranked.count,
            clients: clients.listed.map { allocator.explain(client: $0, sample, decisions) },
            omitted: clients.omitted, agents: all.count, agentsLookedAt: sample.count)
    }

    /// The clients of a role and of those below it that an explanation lists: the first by role and framework.
    func listedClients(below node: Int) -> (listed: [Int], omitted: Int) {
        let named = tree.clients(below: node).map { (client: $0, name: name(of: $0)) }.sorted { $0.name < $1.name }
        return (named.prefix(Self.explainedClientsMax).map(\.client), max(0, named.count - Self.explainedClientsMax))
    }

    private mutating func explain(
        client: Int, _ sample: [(key: AgentID, slot: Int)], _ decisions: [AllocatorSnapshot.Client: [Decision]]
    ) -> ClientExplanation {
        let name = name(of: client)
        var (takeable, tallies): (Int, [String: ClientExplanation.Tally]) = (0, [:])
        let standing = standing(of: client)
        if standing == .hungry {
            for (id, slot) in sample {
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
            decisions: decisions[name] ?? [])
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
        if !agents.values[agent].isOfferable { return .agentNotOffered }
        let free = agents.values[agent].free
        if free.isEmpty { return .nothingFree }
        // What everybody sees alike, a round judges before it asks anybody.
        let isWorthAsking = !free.isOrdinary || ownMinimums > 0 || isAllocatable(free, settings.minAllocatable)
        if isWorthAsking, offerable(free, on: agent, to: client, .everybody, &notes) != nil { return nil }
        let abilities = frameworks.values[tree.framework(of: client)].abilities
        if settings.filtersGPUs, agents.values[agent].hasGPUs, !abilities.contains(.gpus) { return .needsGPUCapability }
        if agents.values[agent].isRemote, !abilities.contains(.otherRegions) { return .otherRegion }
        if notes.rules[client]?.constraints?.admit(agents.values[agent].traits) == false { return .constraints }
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
}
