// One call of `allocate`: which agents are looked at, in which order, and who takes what.

import Resources

extension Allocator {
    /// Hands out what is free and wanted, and charges it to the takers.
    ///
    /// For each agent with something new: the neediest client that can take something takes all of it that it can;
    /// then, shares being what they now are, the next, until nobody can take anything.
    ///
    /// - Parameters:
    ///   - now: Filters that end by this instant no longer count.
    ///   - seed: Decides the order in which agents are visited, and nothing else.
    /// - Returns: At most one allocation for a framework, role and agent, in the order they were made.
    public mutating func allocate(at now: Instant, seed: UInt64) -> [Allocation] {
        for pair in filters.expire(at: now) { dirtyAgents.insert(pair.agent) }
        if isPaused { return [] }
        tree.settle()
        if quotas.heldBack, quotas.isLoosened { noticeEveryAgent() }
        quotas.isLoosened = false
        var allocations: [Allocation] = []
        if tree.hasHungryClients {
            let agents = agentsToVisit(seed: seed)
            // First those whose role is below its guarantee, on every agent; then everybody.
            if quotas.unsatisfied > 0 {
                for agent in agents { serve(agent, .guaranteed, seed, &allocations) }
            }
            for agent in agents { serve(agent, .everybody, seed, &allocations) }
        }
        dirtyAgents.removeAll()
        for client in freshClients { tree[client: client].isFresh = false }
        freshClients.removeAll(keepingCapacity: true)
        return allocations
    }

    /// Whom a pass over the agents serves.
    private enum Stage { case guaranteed, everybody }

    private mutating func serve(_ agent: Int, _ stage: Stage, _ seed: UInt64, _ allocations: inout [Allocation]) {
        let isDirty = dirtyAgents.contains(agent)
        let lots = Lots(settings, agentHash: agents.values[agent].visitHash, seed: seed)
        // Taken out while the tree is read, so that what is learned about constraints can be kept.
        var notes = Notes()
        swap(&notes.rules, &rules)
        while stage == .everybody || quotas.unsatisfied > 0,
            let (client, resources) = nextTaker(of: agent, onlyFresh: !isDirty, stage, lots, &notes)
        {
            hold(resources, for: client, on: agent)
            tree.countGrant(to: client)
            tree.settle()
            allocations.append(allocation(of: resources, to: client, on: agent))
        }
        swap(&notes.rules, &rules)
        if notes.isHeldBack { quotas.heldBack = true }
    }

    /// What is found out while takers are sought.
    private struct Notes {
        var rules: [Int: ClientRules] = [:]
        /// A quota kept something from somebody.
        var isHeldBack = false
    }

    /// What quotas kept back may be free for somebody now, on any agent.
    private mutating func noticeEveryAgent() {
        for agent in agentsWithFree.members { dirtyAgents.insert(agent) }
        quotas.heldBack = false
    }

    /// Agents are visited in an order drawn from the seed. In a fixed order a framework that takes the first offer
    /// would pack one machine while the others idle. The order depends on ids only, not on what happened before.
    private func agentsToVisit(seed: UInt64) -> [Int] {
        // Fresh clients may take what everybody else left, so they see every agent with something free.
        let candidates =
            freshClients.isEmpty ? dirtyAgents.members.filter(agentsWithFree.contains) : agentsWithFree.members
        if candidates.count < 2 { return candidates }
        let keyed = candidates.map { agent in
            (key: Self.visitKey(hash: agents.values[agent].visitHash, seed: seed), agent: agent)
        }
        return keyed.sorted { left, right in
            left.key != right.key
                ? left.key < right.key : agents.values[left.agent].id < agents.values[right.agent].id
        }.map(\.agent)
    }

    /// The agents in the order in which a round with this seed visits them.
    package static func visitOrder(of agents: [AgentID], seed: UInt64) -> [AgentID] {
        agents.sorted { left, right in
            let (mine, theirs) = (
                visitKey(hash: hash(left), seed: seed), visitKey(hash: hash(right), seed: seed)
            )
            return mine != theirs ? mine < theirs : left < right
        }
    }

    /// Where an agent stands in the order of visits under a seed (two rounds of SplitMix64's finalizer).
    static func visitKey(hash: UInt64, seed: UInt64) -> UInt64 { mixed(hash ^ mixed(seed &+ 0x9e37_79b9_7f4a_7c15)) }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    private func nextTaker(
        of agent: Int, onlyFresh: Bool, _ stage: Stage, _ lots: Lots, _ notes: inout Notes
    ) -> (client: Int, Resources)? {
        let free = agents.values[agent].free
        // Without reservations and the like everybody sees the same, so it is judged once.
        if free.isOrdinary, ownMinimums == 0, !isAllocatable(free, settings.minAllocatable) { return nil }
        if onlyFresh, freshClients.count == 1 {
            let client = freshClients[0]
            guard tree[client: client].isHungry,
                let resources = offerable(free, on: agent, to: client, stage, &notes)
            else { return nil }
            return (client, resources)
        }
        return firstTaker(below: RoleTree.root, of: free, on: agent, onlyFresh: onlyFresh, stage, lots, &notes)
    }

    /// The first in order that can take something. A walk down the tree without closures, which would copy the whole
    /// allocator's references at each level.
    private func firstTaker(
        below index: Int, of free: Resources, on agent: Int, onlyFresh: Bool, _ stage: Stage, _ lots: Lots,
        _ notes: inout Notes
    ) -> (client: Int, Resources)? {
        for child in tree.order(below: index, lots) {
            if !tree.isClient(child) {
                let found = firstTaker(
                    below: child, of: free, on: agent, onlyFresh: onlyFresh, stage, lots, &notes)
                if let found { return found }
            } else if !onlyFresh || tree[client: child].isFresh,
                let resources = offerable(free, on: agent, to: child, stage, &notes)
            {
                return (child, resources)
            }
        }
        return nil
    }

    /// Everything on an agent that a client may be offered now, or `nil` if that is nothing worth offering.
    private func offerable(
        _ free: Resources, on agent: Int, to client: Int, _ stage: Stage, _ notes: inout Notes
    ) -> Resources? {
        if stage == .guaranteed, !isBelowGuarantee(client) { return nil }
        let abilities = frameworks.values[tree.framework(of: client)].abilities
        if settings.filtersGPUs, agents.values[agent].hasGPUs, !abilities.contains(.gpus) { return nil }
        if agents.values[agent].isRemote, !abilities.contains(.otherRegions) { return nil }
        if tree[client: client].hasRules,
            notes.rules[client]?.admits(agent, agents.values[agent].traits) == false
        {
            return nil
        }
        var resources = free
        var isJudged = free.isOrdinary && ownMinimums == 0
        if !isJudged {
            let role = tree.role(of: client)
            resources = resources.keepingOrdinary { key in
                if key.isRevocable, !abilities.contains(.revocable) { return false }
                if key.isShared, !abilities.contains(.shared) { return false }
                if key.reservations.count > 1, !abilities.contains(.refinedReservations) { return false }
                guard let reserved = key.role else { return true }
                return reserved == role || reserved.isAncestor(of: role)
            }
        }
        if quotas.isActive {
            let cut = withinQuota(resources, of: client)
            if cut.isCut {
                notes.isHeldBack = true
                isJudged = false
                resources = cut.resources
            }
            if stage == .guaranteed, !helpsGuarantee(resources, of: client) { return nil }
        }
        if !isJudged {
            let minimum = notes.rules.isEmpty ? nil : notes.rules[client]?.minAllocatable
            if !isAllocatable(resources, minimum ?? settings.minAllocatable) { return nil }
        }
        if filters.blocks(resources, agent: agent, client: client) { return nil }
        return resources
    }

    private func isBelowGuarantee(_ client: Int) -> Bool {
        let position = tree[client: client].quota
        return position != QuotaBook.none && quotas.entries[position].isUnsatisfied
    }

    private func helpsGuarantee(_ resources: Resources, of client: Int) -> Bool {
        var dimensions = dimensions
        return quotas.helps(dimensions.unreserved(of: resources), at: tree[client: client].quota)
    }

    private func isAllocatable(_ resources: Resources, _ minimum: [Resources]) -> Bool {
        if resources.isEmpty { return false }
        if minimum.isEmpty { return true }
        return minimum.contains { minimum in
            minimum.scalars.allSatisfy { resources[$0.name] >= $0.value }
        }
    }

    private func allocation(of resources: Resources, to client: Int, on agent: Int) -> Allocation {
        Allocation(
            framework: frameworks.values[tree.framework(of: client)].id, role: tree.role(of: client),
            agent: agents.values[agent].id, resources: resources)
    }
}
