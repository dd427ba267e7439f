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
    /// - Returns: At most one allocation for a framework, role and agent (two if offers are split), in the order they were
    ///   made.
    public mutating func allocate(at now: Instant, seed: UInt64) -> [Allocation] {
        let made = runRound(at: now, seed: seed)
        record?.append(.allocated(at: now, seed: seed, made: made))
        return made
    }

    private mutating func runRound(at now: Instant, seed: UInt64) -> [Allocation] {
        for pair in filters.expire(at: now) { markUnsure(pair.client, on: pair.agent) }
        if isPaused { return [] }
        round += 1
        if !decisions.isIdle { updateWatches() }
        noticeLoosenedQuotas()
        settle()
        var allocations: [Allocation] = []
        if tree.hasHungryClients {
            let agents = agentsToVisit(seed: seed)
            // First those whose role is below its guarantee, on every agent; then everybody.
            if quotas.unsatisfied > 0 {
                for agent in agents { serve(agent, .guaranteed, at: now, seed, &allocations) }
            }
            for agent in agents {
                serve(agent, .everybody, at: now, seed, &allocations)
                noteSettled(agent)
            }
        }
        dirtyAgents.removeAll()
        touchedAgents.removeAll()
        rememberFreshClients()
        if !decisions.isIdle { decisions.endRound(at: now) }
        return allocations
    }

    /// Whom a pass over the agents serves.
    enum Stage { case guaranteed, everybody }

    /// What is found out while takers are sought.
    struct Notes {
        /// Taken out of the allocator while it is read, so that what is learned about constraints can be kept.
        var rules: [Int: ClientRules] = [:]
        /// Others' guarantees kept something from somebody.
        var isHeldBackByGuarantees = false
        /// Roles whose limits did, by their position among the quotas.
        var heldBackByLimits: [Int] = []
        var split: OfferSplit
        /// Those in `AgentState.passedOn` come last.
        var isPassedOn = false
        /// The first of them.
        var last: (client: Int, Resources)?
    }

    private mutating func serve(
        _ agent: Int, _ stage: Stage, at now: Instant, _ seed: UInt64, _ allocations: inout [Allocation]
    ) {
        let lots = Lots(settings, agentHash: agents.values[agent].visitHash, seed: seed)
        let isForAll = dirtyAgents.contains(agent)
        var notes = Notes(split: OfferSplit(parts: stage == .everybody ? settings.offerSplit : 1))
        swap(&notes.rules, &rules)
        var isLookedAt = false
        while stage == .everybody || quotas.unsatisfied > 0,
            let (client, resources) = nextTake(of: agent, isForAll: isForAll, stage, lots, &notes)
        {
            if !decisions.isIdle {
                swap(&notes.rules, &rules)
                if !isLookedAt { noteLooks(on: agent, before: client, stage, lots, at: now) }
                noteOffer(resources, on: agent, to: client, at: now)
                swap(&notes.rules, &rules)
                isLookedAt = true
            }
            if comesLast(client, on: agent, notes) { agents.values[agent].passedOn.beginAnew() }
            take(resources, for: client, on: agent)
            allocations.append(allocation(of: resources, to: client, on: agent))
        }
        swap(&notes.rules, &rules)
        if !decisions.isIdle, stage == .everybody, !isLookedAt {
            noteLooks(on: agent, before: nil, stage, lots, at: now)
        }
        if notes.isHeldBackByGuarantees { quotas.isHeldBackByGuarantees = true }
        for position in notes.heldBackByLimits { quotas.entries[position].isHeldBack = true }
    }

    /// What was learned about an agent by asking about it.
    private mutating func noteSettled(_ agent: Int) {
        if dirtyAgents.contains(agent) {
            agents.values[agent].settled = agents.values[agent].free
            agents.values[agent].settledRound = round
        } else if !agents.values[agent].free.contains(agents.values[agent].settled) {
            // Something is out in an offer: who was asked has not seen all of it.
            return
        }
        agents.values[agent].unsure.removeAll(keepingCapacity: true)
    }

    /// Agents are visited in an order drawn from the seed. In a fixed order a framework that takes the first offer
    /// would pack one machine while the others idle. The order depends on ids only, not on what happened before.
    private func agentsToVisit(seed: UInt64) -> [Int] {
        // Fresh clients may take what everybody else left, so they see every agent with something free.
        let candidates =
            freshClients.isEmpty
            ? (dirtyAgents.members + touchedAgents.members).filter(agentsWithFree.contains) : agentsWithFree.members
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

    /// Who takes next, and how much.
    private func nextTake(
        of agent: Int, isForAll: Bool, _ stage: Stage, _ lots: Lots, _ notes: inout Notes
    ) -> (client: Int, Resources)? {
        notes.isPassedOn = agents.values[agent].passedOn.applies(to: agents.values[agent].free)
        guard let (client, resources) = nextTaker(of: agent, isForAll: isForAll, stage, lots, &notes) else {
            return notes.split.end() ? nextTaker(of: agent, isForAll: isForAll, stage, lots, &notes) : nil
        }
        defer { notes.split.note(client) }
        if let part = notes.split.part(of: resources), isWorthOffering(part, on: agent, to: client, notes) {
            return (client, part)
        }
        return (client, resources)
    }

    private func isWorthOffering(_ part: Resources, on agent: Int, to client: Int, _ notes: Notes) -> Bool {
        isAllocatable(part, notes.rules[client]?.minAllocatable ?? settings.minAllocatable)
            && !filters.blocks(part, agent: agent, client: client)
    }

    private func nextTaker(
        of agent: Int, isForAll: Bool, _ stage: Stage, _ lots: Lots, _ notes: inout Notes
    ) -> (client: Int, Resources)? {
        let free = agents.values[agent].free
        // Without reservations and the like everybody sees the same, so it is judged once.
        let isOrdinary = free.isOrdinary && ownMinimums == 0
        if isOrdinary, !isAllocatable(free, settings.minAllocatable) { return nil }
        notes.last = nil
        if isForAll {
            // Under a limit that lets nothing through, only what is reserved or revocable could be offered.
            let first = firstTaker(
                below: RoleTree.root, of: free, on: agent, isWithExhausted: !isOrdinary, stage, lots, &notes)
            return first ?? notes.last
        }
        var first: (client: Int, Resources)?
        for client in agents.values[agent].unsure {
            // It may be gone since, and its number another's.
            guard tree.isClient(client), !tree[client: client].isFresh else { continue }
            consider(client, &first, free, on: agent, stage, lots, &notes)
        }
        for client in freshClients { consider(client, &first, free, on: agent, stage, lots, &notes) }
        return first ?? notes.last
    }

    /// Whether a client comes after those who did not refuse what is free.
    private func comesLast(_ client: Int, on agent: Int, _ notes: Notes) -> Bool {
        notes.isPassedOn && agents.values[agent].passedOn.contains(tree[client: client].serial)
    }

    /// Replaces the first taker by a client that can take something and comes before it.
    private func consider(
        _ client: Int, _ first: inout (client: Int, Resources)?, _ free: Resources, on agent: Int, _ stage: Stage,
        _ lots: Lots, _ notes: inout Notes
    ) {
        guard tree[client: client].isHungry, !notes.split.skips(client),
            let resources = offerable(free, on: agent, to: client, stage, &notes)
        else { return }
        if comesLast(client, on: agent, notes) {
            if let last = notes.last, !tree.serves(client, before: last.client, lots) { return }
            notes.last = (client, resources)
        } else {
            if let first, !tree.serves(client, before: first.client, lots) { return }
            first = (client, resources)
        }
    }

    /// The first in order that can take something. A walk down the tree without closures, which would copy the whole
    /// allocator's references at each level.
    private func firstTaker(
        below index: Int, of free: Resources, on agent: Int, isWithExhausted: Bool, _ stage: Stage, _ lots: Lots,
        _ notes: inout Notes
    ) -> (client: Int, Resources)? {
        for child in tree.order(below: index, lots, isWithExhausted: isWithExhausted) {
            if !tree.isClient(child) {
                let found = firstTaker(
                    below: child, of: free, on: agent, isWithExhausted: isWithExhausted, stage, lots, &notes)
                if let found { return found }
            } else if !notes.split.skips(child), let resources = offerable(free, on: agent, to: child, stage, &notes) {
                if !comesLast(child, on: agent, notes) { return (child, resources) }
                if notes.last == nil { notes.last = (child, resources) }
            }
        }
        return nil
    }

    /// Everything on an agent that a client may be offered now, or `nil` if that is nothing worth offering.
    func offerable(
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
            resources = usable(free, by: client)
        }
        if quotas.isActive {
            let cut = withinQuota(resources, of: client)
            if cut.isCut {
                noteHeldBack(cut, client, &notes)
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

    /// What a client may use of some resources, by its role and its abilities.
    func usable(_ resources: Resources, by client: Int) -> Resources {
        let abilities = frameworks.values[tree.framework(of: client)].abilities
        let role = tree.role(of: client)
        return resources.keepingOrdinary { key in
            if key.isRevocable, !abilities.contains(.revocable) { return false }
            if key.isShared, !abilities.contains(.shared) { return false }
            if key.reservations.count > 1, !abilities.contains(.refinedReservations) { return false }
            guard let reserved = key.role else { return true }
            return reserved == role || reserved.isAncestor(of: role)
        }
    }

    private func noteHeldBack(_ cut: QuotaCut, _ client: Int, _ notes: inout Notes) {
        if cut.isBoundByGuarantees { notes.isHeldBackByGuarantees = true }
        let position = tree[client: client].quota
        if position != QuotaBook.none, !quotas.entries[position].isHeldBack,
            !notes.heldBackByLimits.contains(position)
        {
            notes.heldBackByLimits.append(position)
        }
    }

    private func isBelowGuarantee(_ client: Int) -> Bool {
        let position = tree[client: client].quota
        return position != QuotaBook.none && quotas.entries[position].isUnsatisfied
    }

    private func helpsGuarantee(_ resources: Resources, of client: Int) -> Bool {
        var dimensions = dimensions
        return quotas.helps(dimensions.unreserved(of: resources), at: tree[client: client].quota)
    }

    func isAllocatable(_ resources: Resources, _ minimum: [Resources]) -> Bool {
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
