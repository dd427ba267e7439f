// Judges the allocator's own books: that every sum, set and ranking it keeps up step by step is what it would be if it
// were made anew.

import Resources

extension AllocationAudit {
    /// Everything that does not add up inside `allocator`; meaningful at any time, not only after an allocation.
    public static func bookkeepingViolations(of allocator: Allocator) -> [AllocationViolation] {
        var found: [String] = []
        var allocator = allocator
        var capacity = Amounts()
        var holders: [Int: (amounts: Amounts, agents: Int)] = [:]
        for (id, slot) in allocator.agents.occupied {
            let agent = allocator.agents.values[slot]
            let allocated = agent.holdings.reduce(into: Resources()) { $0 += $1.resources }
            capacity += allocator.dimensions.amounts(of: agent.total)
            if allocated != agent.allocated { found.append("\(id) allocated \(agent.allocated), held \(allocated)") }
            if agent.free != agent.total.without(allocated) { found.append("\(id) free is \(agent.free)") }
            let isOffered = agent.isOfferable && !agent.free.isEmpty
            if agent.hasGPUs != !agent.total["gpus"].isZero { found.append("\(id) has GPUs or not") }
            if allocator.agentsWithFree.contains(slot) != isOffered { found.append("\(id) is in the wrong set") }
            for (left, right) in zip(agent.holdings, agent.holdings.dropFirst()) where left.client >= right.client {
                found.append("\(id) holdings out of order")
            }
            for holding in agent.holdings {
                if holding.resources.isEmpty { found.append("\(id) keeps an empty holding") }
                var sum = holders[holding.client] ?? (Amounts(), 0)
                sum.amounts += allocator.dimensions.amounts(of: holding.resources)
                sum.agents += 1
                holders[holding.client] = sum
            }
        }
        if !capacity.equals(allocator.capacity) { found.append("capacity \(allocator.capacity), agents \(capacity)") }
        found += clientViolations(in: allocator, holders: holders)
        allocator.settle()
        found += treeViolations(in: allocator.tree)
        found += quotaViolations(in: allocator)
        found += rulesViolations(in: allocator)
        return found.map { .sumsDiffer($0) }
    }

    private static func clientViolations(
        in allocator: Allocator, holders: [Int: (amounts: Amounts, agents: Int)]
    ) -> [String] {
        var found: [String] = []
        for (id, slot) in allocator.frameworks.occupied {
            let framework = allocator.frameworks.values[slot]
            for (role, client) in framework.clients.sorted(by: { $0.key < $1.key }) {
                let state = allocator.tree[client: client]
                let held = holders[client] ?? (Amounts(), 0)
                if !held.amounts.equals(allocator.tree.nodes[client].held) || held.agents != state.agentsHeldOn {
                    found.append("\(id) in \(role) holds \(allocator.tree.nodes[client].held), agents say \(held)")
                }
                if state.isHungry != (framework.isActive && state.isSubscribed && !state.isSuppressed) {
                    found.append("\(id) in \(role) is wrongly hungry or not")
                }
                if !state.isSubscribed, state.agentsHeldOn == 0 { found.append("\(id) in \(role) should be gone") }
                if state.isFresh != allocator.freshClients.contains(client) { found.append("\(id) freshness") }
            }
        }
        return found
    }

    /// The sums kept for quotas against sums made by setting the same quotas in a copy.
    private static func quotaViolations(in allocator: Allocator) -> [String] {
        guard allocator.quotas.isActive else { return [] }
        var found: [String] = []
        var anew = allocator
        anew.setQuotas([:])
        for (mine, theirs) in zip(allocator.quotas.entries, anew.quotas.entries) {
            if !mine.consumed.equals(theirs.consumed) {
                found.append("\(mine.role) consumes \(theirs.consumed), counted \(mine.consumed)")
            }
            if !mine.unmet.equals(theirs.unmet) || mine.isUnsatisfied != theirs.isUnsatisfied {
                found.append("\(mine.role) misses \(theirs.unmet) of its guarantee, counted \(mine.unmet)")
            }
        }
        if !allocator.quotas.required.equals(anew.quotas.required) { found.append("required headroom is miscounted") }
        if !allocator.quotas.available.equals(anew.quotas.available) { found.append("headroom is miscounted") }
        if allocator.quotas.unsatisfied != anew.quotas.unsatisfied { found.append("unmet guarantees are miscounted") }
        for (id, slot) in allocator.frameworks.occupied {
            for (role, client) in allocator.frameworks.values[slot].clients.sorted(by: { $0.key < $1.key })
            where allocator.tree[client: client].quota != anew.tree[client: client].quota {
                found.append("\(id) in \(role) points to another role's quota")
            }
        }
        return found
    }

    /// What is remembered about constraints against asking them again.
    private static func rulesViolations(in allocator: Allocator) -> [String] {
        var found: [String] = []
        var clients: Set<Int> = []
        for (_, slot) in allocator.frameworks.occupied {
            clients.formUnion(allocator.frameworks.values[slot].clients.values)
        }
        for (client, rules) in allocator.rules.sorted(by: { $0.key < $1.key }) {
            if !clients.contains(client) || !allocator.tree[client: client].hasRules {
                found.append("rules of client \(client), which has none")
                continue
            }
            var rules = rules
            for (id, slot) in allocator.agents.occupied {
                let traits = allocator.agents.values[slot].traits
                if rules.admits(slot, traits) != (rules.constraints?.admit(traits) ?? true) {
                    found.append("\(allocator.name(of: client)): wrong verdict about \(id)")
                }
            }
        }
        let minimums = allocator.rules.values.count { $0.minAllocatable != nil }
        if minimums != allocator.ownMinimums {
            found.append("\(allocator.ownMinimums) own minimums, \(minimums) found")
        }
        for client in clients where allocator.tree[client: client].hasRules != (allocator.rules[client] != nil) {
            found.append("rules of client \(client) are lost")
        }
        return found
    }

    private static func treeViolations(in tree: RoleTree) -> [String] {
        var found: [String] = []
        var pending = [RoleTree.root]
        while let index = pending.popLast() {
            let node = tree.nodes[index]
            pending += node.children
            if case .client = node.kind { continue }
            var held = Amounts()
            for child in node.children { held += tree.nodes[child].held }
            if index != RoleTree.root, !held.equals(node.held) { found.append("\(node.kind) holds \(node.held)") }
            if node.hungry != node.children.reduce(0, { $0 + tree.nodes[$1].hungry }) {
                found.append("\(node.kind) hunger is miscounted")
            }
            if index != RoleTree.root, node.children.isEmpty { found.append("\(node.kind) has nothing below it") }
            let hungry = node.children.filter { tree.nodes[$0].hungry > 0 }.sorted(by: tree.precedes)
            let exhausted = hungry.filter { tree.nodes[$0].isExhausted }
            if node.aside.sorted(by: tree.precedes) != exhausted {
                found.append("\(node.kind) sets aside \(node.aside)")
            }
            let served = hungry.filter { !tree.nodes[$0].isExhausted }
            if node.ranked != served { found.append("\(node.kind) ranks \(node.ranked), should rank \(served)") }
        }
        return found
    }
}
