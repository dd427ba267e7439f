// What frameworks have declined, for how long, and when the next of these refusals ends.

import Resources

/// A refusal: while it lives, the client is not offered a part of `refused` on that agent.
struct DeclineFilter: Sendable {
    var client: Int
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

    /// By agent; each list sorted by client, one client's filters in the order they were installed.
    private var lists: [[DeclineFilter]] = []
    /// By client: how many of the living ones are its own.
    private var counts: [Int] = []
    /// A binary heap. Filters that were cleared early stay in it as stale deadlines until they surface or outnumber
    /// the living ones.
    private var deadlines: [Deadline] = []
    private var living = 0
    private var nextNumber: UInt64 = 0

    var count: Int { living }
    var isEmpty: Bool { living == 0 }

    /// When the first living filter ends.
    var nextExpiry: Instant? { deadlines.first?.expiry }

    /// Every living filter in the order they were installed, for inspection.
    var all: [(pair: Pair, filter: DeclineFilter)] {
        lists.enumerated().flatMap { agent, list in
            list.map { (pair: Pair(agent: agent, client: $0.client), filter: $0) }
        }.sorted { $0.filter.number < $1.filter.number }
    }

    func blocks(_ resources: Resources, agent: Int, client: Int) -> Bool {
        guard client < counts.count, counts[client] > 0, agent < lists.count else { return false }
        for index in range(of: client, on: agent) where lists[agent][index].refused.contains(resources) { return true }
        return false
    }

    /// How many living filters a client has.
    func count(of client: Int) -> Int { client < counts.count ? counts[client] : 0 }

    /// When the last of a client's filters that block `resources` ends; nil if none does.
    func end(of client: Int, agent: Int, blocking resources: Resources) -> Instant? {
        guard agent < lists.count else { return nil }
        return range(of: client, on: agent).map { lists[agent][$0] }.filter { $0.refused.contains(resources) }
            .map(\.expiry).max()
    }

    mutating func add(refused: Resources, agent: Int, client: Int, until expiry: Instant) {
        while lists.count <= agent { lists.append([]) }
        while counts.count <= client { counts.append(0) }
        // A filter that outlives another and refuses as much makes it pointless, so a framework that declines the
        // same agent again and again does not grow the list.
        var range = range(of: client, on: agent)
        for index in range where lists[agent][index].expiry >= expiry && lists[agent][index].refused.contains(refused) {
            return
        }
        for index in range.reversed()
        where lists[agent][index].expiry <= expiry && refused.contains(lists[agent][index].refused) {
            drop(index, of: agent)
            range = range.lowerBound..<(range.upperBound - 1)
        }
        // Most often everybody refused the same of an agent: one copy of its ports is enough.
        let isKnown = lists[agent].first?.refused == refused
        let shared = isKnown ? lists[agent][0].refused : refused
        let filter = DeclineFilter(client: client, refused: shared, expiry: expiry, number: nextNumber)
        lists[agent].insert(filter, at: range.upperBound)
        living += 1
        counts[client] += 1
        push(Deadline(expiry: expiry, number: nextNumber, pair: Pair(agent: agent, client: client)))
        nextNumber += 1
        dropStaleDeadlines()
    }

    /// Removes what has expired.
    /// - Returns: The pairs that lost a filter, in the order of expiry; one may come twice.
    mutating func expire(at now: Instant) -> [Pair] {
        var freed: [Pair] = []
        while let first = deadlines.first, first.expiry <= now {
            popFirst()
            guard let index = index(of: first) else { continue }
            drop(index, of: first.pair.agent)
            freed.append(first.pair)
        }
        dropStaleDeadlines()
        return freed
    }

    mutating func clear(client: Int) {
        guard client < counts.count else { return }
        // Every agent is asked, but the walk ends with the last of the client's filters.
        var agent = 0
        while counts[client] > 0 {
            for index in range(of: client, on: agent).reversed() { drop(index, of: agent) }
            agent += 1
        }
        dropStaleDeadlines()
    }

    mutating func clear(agent: Int) {
        guard agent < lists.count else { return }
        for filter in lists[agent] { counts[filter.client] -= 1 }
        living -= lists[agent].count
        lists[agent] = []
        dropStaleDeadlines()
    }

    /// Where a client's filters stand, or would stand, in an agent's list.
    private func range(of client: Int, on agent: Int) -> Range<Int> {
        var (low, high) = (0, lists[agent].count)
        while low < high {
            let middle = (low + high) / 2
            if lists[agent][middle].client < client { low = middle + 1 } else { high = middle }
        }
        let start = low
        var end = start
        while end < lists[agent].count, lists[agent][end].client == client { end += 1 }
        return start..<end
    }

    private mutating func drop(_ index: Int, of agent: Int) {
        counts[lists[agent][index].client] -= 1
        lists[agent].remove(at: index)
        living -= 1
    }

    /// Where the filter of a deadline is, if it lives.
    private func index(of deadline: Deadline) -> Int? {
        let agent = deadline.pair.agent
        return range(of: deadline.pair.client, on: agent).first { lists[agent][$0].number == deadline.number }
    }

    private mutating func dropStaleDeadlines() {
        while let first = deadlines.first, index(of: first) == nil { popFirst() }
        if deadlines.count > 2 * living + 64 {
            deadlines = deadlines.filter { index(of: $0) != nil }.sorted { $0.precedes($1) }
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
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < deadlines.count && deadlines[child].precedes(deadlines[least]) {
                least = child
            }
            if least == parent { return }
            deadlines.swapAt(parent, least)
            parent = least
        }
    }
}
