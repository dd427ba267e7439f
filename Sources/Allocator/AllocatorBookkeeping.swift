// The steps that keep the allocator's sums, sets and marks in agreement with one another.

import Resources

extension Allocator {
    func client(_ id: FrameworkID, _ role: RoleName) -> Int? {
        frameworks.slot(of: id).flatMap { frameworks.values[$0].clients[role] }
    }

    /// The subscribed clients of a framework in `roles`, or in all its roles if that is empty; sorted by role.
    func clients(of id: FrameworkID, _ roles: Set<RoleName>) -> [Int] {
        guard let slot = frameworks.slot(of: id) else { return [] }
        return frameworks.values[slot].clients
            .filter { (roles.isEmpty || roles.contains($0.key)) && tree[client: $0.value].isSubscribed }
            .sorted { $0.key < $1.key }.map(\.value)
    }

    mutating func frameworkSlot(_ id: FrameworkID) -> Int {
        frameworks.slot(of: id) ?? frameworks.insert(id, FrameworkState(id: id))
    }

    mutating func clientSlot(_ framework: Int, _ role: RoleName) -> Int {
        if let known = frameworks.values[framework].clients[role] { return known }
        let name = frameworks.values[framework].id.value
        let client = tree.addClient(framework: framework, name: name, role: role, weights: weights)
        frameworks.values[framework].clients[role] = client
        if quotas.isActive {
            let position = quotas.position(of: role.top)
            tree[client: client].quota = position
            if position != QuotaBook.none, quotas.entries[position].isExhausted {
                tree.setExhausted(true, role: role.top)
            }
        }
        return client
    }

    /// A client that is not subscribed lives as long as it holds something.
    mutating func dropClientIfUnused(_ client: Int) {
        let state = tree[client: client]
        guard !state.isSubscribed, state.agentsHeldOn == 0 else { return }
        let framework = tree.framework(of: client)
        frameworks.values[framework].clients[tree.role(of: client)] = nil
        if state.isFresh { freshClients.removeAll { $0 == client } }
        if state.hasRules { _ = setRules(ClientRules(constraints: nil, minAllocatable: nil), of: client) }
        tree.removeClient(client)
    }

    mutating func refreshHunger(of client: Int) {
        let state = tree[client: client]
        let isActive = frameworks.values[tree.framework(of: client)].isActive
        let isHungry = isActive && state.isSubscribed && !state.isSuppressed
        if isHungry == state.isHungry { return }
        tree.setHungry(isHungry, client: client)
        if isHungry { markFresh(client) }
    }

    mutating func markFresh(_ client: Int) {
        guard !tree[client: client].isFresh else { return }
        tree[client: client].isFresh = true
        freshClients.append(client)
    }

    mutating func clearFilters(of framework: Int) {
        for client in frameworks.values[framework].clients.values.sorted() { filters.clear(client: client) }
    }

    /// To be asked before somebody holds what did not come from the agent's free resources.
    mutating func noteContradictions(adding resources: Resources, on agent: Int) {
        let allocated = agents.values[agent].allocated
        if (allocated + resources).without(resources) != allocated { agents.values[agent].hasContradictions = true }
    }

    /// A client holds what is not free: reported, or put in the place of something else.
    mutating func hold(_ resources: Resources, for client: Int, on agent: Int) {
        if agents.values[agent].hasContradictions {
            let held = holdingIndex(of: client, on: agent).map { agents.values[agent].holdings[$0].resources }
            tree.subtract(dimensions.amounts(of: held ?? Resources()), from: client)
            tree.add(dimensions.amounts(of: (held ?? Resources()) + resources), to: client)
        } else {
            tree.add(dimensions.amounts(of: resources), to: client)
        }
        addHolding(resources, of: client, on: agent)
        refreshFree(agent)
    }

    /// A client takes something that is free. Keeps the rankings settled, if they are.
    mutating func take(_ resources: Resources, for client: Int, on agent: Int) {
        tree.grant(dimensions.amounts(of: resources), to: client)
        addHolding(resources, of: client, on: agent)
        if agents.values[agent].free == resources {
            agents.values[agent].free = Resources()
        } else {
            agents.values[agent].free -= resources
        }
        noteFree(agent)
        if !quotas.exhaustionChanges.isEmpty { settle() }
    }

    private mutating func addHolding(_ resources: Resources, of client: Int, on agent: Int) {
        let index = insertionIndex(of: client, on: agent)
        if index < agents.values[agent].holdings.count, agents.values[agent].holdings[index].client == client {
            agents.values[agent].holdings[index].resources += resources
        } else {
            agents.values[agent].holdings.insert(Holding(client: client, resources: resources), at: index)
            tree[client: client].agentsHeldOn += 1
        }
        agents.values[agent].allocated += resources
        if quotas.isActive { quotas.consume(dimensions.unreserved(of: resources), at: tree[client: client].quota) }
    }

    /// - Parameter isGivenBack: Whether what is released may be offered; otherwise the caller puts something else in
    ///   its place.
    mutating func release(_ resources: Resources, of client: Int, on agent: Int, isGivenBack: Bool = true) {
        if agents.values[agent].hasContradictions {
            releaseDespiteContradictions(resources, of: client, on: agent)
        } else {
            guard let index = holdingIndex(of: client, on: agent) else {
                preconditionFailure("\(tree.nodes[client].name) holds nothing on \(agents.values[agent].id)")
            }
            agents.values[agent].holdings[index].resources -= resources
            dropHoldingIfEmpty(index, on: agent)
            agents.values[agent].allocated -= resources
            tree.subtract(dimensions.amounts(of: resources), from: client)
            if quotas.isActive { quotas.giveUp(dimensions.unreserved(of: resources), at: tree[client: client].quota) }
        }
        refreshFree(agent)
        quotas.isLoosened = true
        if isGivenBack { noteGivenBack(by: client, on: agent) }
    }

    // MARK: Who is asked again

    /// Everybody is asked about the agent in the next call.
    mutating func markDirty(_ agent: Int) {
        agents.values[agent].settled = Resources()
        agents.values[agent].unsure.removeAll(keepingCapacity: true)
        touchedAgents.remove(agent)
        dirtyAgents.insert(agent)
    }

    /// One client is asked about the agent in the next call.
    mutating func markUnsure(_ client: Int, on agent: Int) {
        if dirtyAgents.contains(agent) { return }
        touchedAgents.insert(agent)
        if agents.values[agent].unsure.contains(client) { return }
        agents.values[agent].unsure.append(client)
        if agents.values[agent].unsure.count > rememberingMax { markDirty(agent) }
    }

    /// What a client gives back is news only for itself, unless it is more than others have been asked about.
    private mutating func noteGivenBack(by client: Int, on agent: Int) {
        if dirtyAgents.contains(agent) { return }
        let settledRound = agents.values[agent].settledRound
        if settledRound <= unsettledUntil || !agents.values[agent].settled.contains(agents.values[agent].free) {
            return markDirty(agent)
        }
        markUnsure(client, on: agent)
        for fresh in freshBefore.reversed() {
            if fresh.round <= settledRound { break }
            markUnsure(fresh.client, on: agent)
        }
    }

    /// To be called at the end of a call of `allocate`.
    mutating func rememberFreshClients() {
        for client in freshClients {
            tree[client: client].isFresh = false
            freshBefore.append((client, round))
        }
        freshClients.removeAll(keepingCapacity: true)
        let surplus = freshBefore.count - rememberingMax
        if surplus > 0 {
            unsettledUntil = max(unsettledUntil, freshBefore[surplus - 1].round - 1)
            freshBefore.removeFirst(surplus)
        }
    }

    /// An agent reported tasks that share a port or a volume. That is its fault and no reason to stop: what is left is
    /// summed up anew, and ends with the last of the claims.
    private mutating func releaseDespiteContradictions(_ resources: Resources, of client: Int, on agent: Int) {
        guard let index = holdingIndex(of: client, on: agent) else { return }
        let held = agents.values[agent].holdings[index].resources
        let rest = held.without(resources)
        tree.subtract(dimensions.amounts(of: held), from: client)
        tree.add(dimensions.amounts(of: rest), to: client)
        if quotas.isActive {
            quotas.giveUp(dimensions.unreserved(of: held), at: tree[client: client].quota)
            quotas.consume(dimensions.unreserved(of: rest), at: tree[client: client].quota)
        }
        agents.values[agent].holdings[index].resources = rest
        dropHoldingIfEmpty(index, on: agent)
        agents.values[agent].allocated = agents.values[agent].holdings.reduce(into: Resources()) { $0 += $1.resources }
        if agents.values[agent].holdings.isEmpty { agents.values[agent].hasContradictions = false }
    }

    private mutating func dropHoldingIfEmpty(_ index: Int, on agent: Int) {
        guard agents.values[agent].holdings[index].resources.isEmpty else { return }
        tree[client: agents.values[agent].holdings[index].client].agentsHeldOn -= 1
        agents.values[agent].holdings.remove(at: index)
    }

    func holdingIndex(of client: Int, on agent: Int) -> Int? {
        let index = insertionIndex(of: client, on: agent)
        let holdings = agents.values[agent].holdings
        return index < holdings.count && holdings[index].client == client ? index : nil
    }

    private func insertionIndex(of client: Int, on agent: Int) -> Int {
        let holdings = agents.values[agent].holdings
        var (low, high) = (0, holdings.count)
        while low < high {
            let middle = (low + high) / 2
            if holdings[middle].client < client { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func refreshFree(_ agent: Int) {
        agents.values[agent].free = agents.values[agent].total.without(agents.values[agent].allocated)
        noteFree(agent)
    }

    mutating func noteFree(_ agent: Int) {
        if agents.values[agent].isOfferable, !agents.values[agent].free.isEmpty {
            agentsWithFree.insert(agent)
        } else {
            agentsWithFree.remove(agent)
        }
        noteAvailable(agent)
    }

    func isWhitelisted(_ traits: AgentTraits) -> Bool { whitelist?.contains(traits.hostname) ?? true }

    mutating func setTraits(_ traits: AgentTraits, of agent: Int) {
        agents.values[agent].traits = traits
        agents.values[agent].isWhitelisted = isWhitelisted(traits)
        agents.values[agent].isRemote = traits.region.map { $0 != settings.region ?? $0 } ?? false
        filters.clear(agent: agent)
        forgetVerdicts(on: agent)
        noteFree(agent)
        markDirty(agent)
        quotas.isLoosened = true
    }

    mutating func changeCapacity(by difference: Amounts) {
        capacity += difference
        tree.setCapacity(dimensions.without(settings.fairSharingExcluded, capacity))
    }

    /// A hash that is the same in every process (FNV-1a), unlike Swift's own.
    static func hash(_ agent: AgentID) -> UInt64 { hash(agent.value) }

    static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}
