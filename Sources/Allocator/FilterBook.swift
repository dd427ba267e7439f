// What frameworks have declined, for how long, and when the next of these refusals ends.

import Resources

/// A refusal: while it lives, the client is not offered a part of `refused` on that agent.
struct DeclineFilter: Sendable {
    var refused: Resources
    var expiry: Instant
    var number: UInt64
}

/// All living decline filters, found by agent and client (a framework in one of its roles).
struct FilterBook: Sendable {
    struct Pair: Hashable, Sendable {
        var agent: Int
        var client: Int
    }

    private struct Deadline: Sendable {
        var expiry: Instant
        var number: UInt64
        var pair: Pair

        func precedes(_ other: Deadline) -> Bool {
            expiry != other.expiry ? expiry < other.expiry : number < other.number
        }
    }

    private var filters: [Pair: [DeclineFilter]] = [:]
    private var clientsByAgent: [Int: Set<Int>] = [:]
    private var agentsByClient: [Int: Set<Int>] = [:]
    /// A binary heap. Filters that were cleared early stay in it as stale deadlines until they surface or outnumber
    /// the living ones.
    private var deadlines: [Deadline] = []
    private var living = 0
    private var nextNumber: UInt64 = 0

    var count: Int { living }
    var isEmpty: Bool { living == 0 }

    /// When the first living filter ends.
    var nextExpiry: Instant? { deadlines.first?.expiry }

    /// Every living filter, for inspection.
    var all: [(pair: Pair, filter: DeclineFilter)] {
        filters.flatMap { pair, list in list.map { (pair: pair, filter: $0) } }
            .sorted { $0.filter.number < $1.filter.number }
    }

    func blocks(_ resources: Resources, agent: Int, client: Int) -> Bool {
        guard living > 0, let list = filters[Pair(agent: agent, client: client)] else { return false }
        return list.contains { $0.refused.contains(resources) }
    }

    mutating func add(refused: Resources, agent: Int, client: Int, until expiry: Instant) {
        let pair = Pair(agent: agent, client: client)
        // A filter that outlives another and refuses as much makes it pointless, so a framework that declines the
        // same agent again and again does not grow the list.
        var list = filters[pair] ?? []
        if list.contains(where: { $0.expiry >= expiry && $0.refused.contains(refused) }) { return }
        let before = list.count
        list.removeAll { $0.expiry <= expiry && refused.contains($0.refused) }
        living -= before - list.count
        list.append(DeclineFilter(refused: refused, expiry: expiry, number: nextNumber))
        living += 1
        filters[pair] = list
        clientsByAgent[agent, default: []].insert(client)
        agentsByClient[client, default: []].insert(agent)
        push(Deadline(expiry: expiry, number: nextNumber, pair: pair))
        nextNumber += 1
        dropStaleDeadlines()
    }

    /// Removes what has expired.
    /// - Returns: The pairs that lost a filter, in the order of expiry; one may come twice.
    mutating func expire(at now: Instant) -> [Pair] {
        var freed: [Pair] = []
        while let first = deadlines.first, first.expiry <= now {
            popFirst()
            if remove(first) { freed.append(first.pair) }
        }
        dropStaleDeadlines()
        return freed
    }

    mutating func clear(client: Int) {
        for agent in agentsByClient[client] ?? [] { drop(Pair(agent: agent, client: client)) }
        dropStaleDeadlines()
    }

    mutating func clear(agent: Int) {
        for client in clientsByAgent[agent] ?? [] { drop(Pair(agent: agent, client: client)) }
        dropStaleDeadlines()
    }

    private mutating func remove(_ deadline: Deadline) -> Bool {
        guard var list = filters[deadline.pair],
            let index = list.firstIndex(where: { $0.number == deadline.number })
        else { return false }
        if list.count == 1 {
            drop(deadline.pair)
        } else {
            list.remove(at: index)
            filters[deadline.pair] = list
            living -= 1
        }
        return true
    }

    private mutating func drop(_ pair: Pair) {
        guard let list = filters.removeValue(forKey: pair) else { return }
        living -= list.count
        clientsByAgent[pair.agent]?.remove(pair.client)
        if clientsByAgent[pair.agent]?.isEmpty == true { clientsByAgent[pair.agent] = nil }
        agentsByClient[pair.client]?.remove(pair.agent)
        if agentsByClient[pair.client]?.isEmpty == true { agentsByClient[pair.client] = nil }
    }

    private func isLiving(_ deadline: Deadline) -> Bool {
        filters[deadline.pair]?.contains { $0.number == deadline.number } ?? false
    }

    private mutating func dropStaleDeadlines() {
        while let first = deadlines.first, !isLiving(first) { popFirst() }
        if deadlines.count > 2 * living + 64 {
            deadlines = deadlines.filter(isLiving).sorted { $0.precedes($1) }
        }
    }

    private mutating func push(_ deadline: Deadline) {
        deadlines.append(deadline)
        var child = deadlines.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard deadlines[child].precedes(deadlines[parent]) else { return }
            deadlines.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() {
        deadlines.swapAt(0, deadlines.count - 1)
        deadlines.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < deadlines.count && deadlines[child].precedes(deadlines[least]) {
                least = child
            }
            if least == parent { return }
            deadlines.swapAt(parent, least)
            parent = least
        }
    }
}
