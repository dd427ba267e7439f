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
            let isOffered = agent.isActive && !agent.free.isEmpty
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
        found += treeViolations(in: allocator)
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

    private static func treeViolations(in allocator: Allocator) -> [String] {
        var found: [String] = []
        var tree = allocator.tree
        tree.settle()
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
            if node.ranked != hungry { found.append("\(node.kind) ranks \(node.ranked), should rank \(hungry)") }
        }
        return found
    }
}
