// The reference beside the cases: two-level fairness as a textbook has it, with nothing remembered between rounds.

import Resources

/// A round sorts all frameworks by dominant share for each agent with something free, and walks through them until one is
/// not held off by its filter, as Apache Mesos does. Plain numbers of cpus, mem and disk; one role; no ports.
///
/// It says how fast the machine is: a case's `ratio` compares two programs that ran side by side, so that a busy or slow
/// machine tells in both.
struct TextbookAllocator {
    struct Bag {
        var cpus = 0.0
        var mem = 0.0
        var disk = 0.0

        init(_ resources: Resources = Resources()) {
            cpus = resources["cpus"].doubleValue
            mem = resources["mem"].doubleValue
            disk = resources["disk"].doubleValue
        }

        var isEmpty: Bool { cpus <= 0 && mem <= 0 && disk <= 0 }

        mutating func add(_ other: Bag, times sign: Double = 1) {
            cpus += sign * other.cpus
            mem += sign * other.mem
            disk += sign * other.disk
        }
    }

    struct Offer {
        var framework: Int
        var agent: Int
        var bag: Bag
    }

    private(set) var free: [Bag] = []
    private var held: [Bag]
    private var capacity = Bag()
    /// By agent: the frameworks that declined it.
    private var filters: [Set<Int>] = []
    private var random: SplitMix64

    init(frameworks: Int, seed: UInt64 = 1) {
        held = Array(repeating: Bag(), count: frameworks)
        random = SplitMix64(seed: seed)
    }

    /// - Parameter use: What `framework` holds of the agent already.
    mutating func addAgent(_ total: Resources, use: Resources = Resources(), by framework: Int = 0) {
        let (total, use) = (Bag(total), Bag(use))
        var rest = total
        rest.add(use, times: -1)
        free.append(rest)
        held[framework].add(use)
        capacity.add(total)
        filters.append([])
    }

    /// An offer that comes back, or resources of a task that ended.
    mutating func recover(_ offer: Offer, isDeclined: Bool) {
        held[offer.framework].add(offer.bag, times: -1)
        free[offer.agent].add(offer.bag)
        if isDeclined { filters[offer.agent].insert(offer.framework) }
    }

    mutating func revive(_ framework: Int) {
        for agent in filters.indices { filters[agent].remove(framework) }
    }

    mutating func allocate() -> [Offer] {
        var offers: [Offer] = []
        for agent in free.indices.shuffled(using: &random) where !free[agent].isEmpty {
            let shares = held.map { max($0.cpus / capacity.cpus, $0.mem / capacity.mem, $0.disk / capacity.disk) }
            let order = shares.indices.sorted { shares[$0] != shares[$1] ? shares[$0] < shares[$1] : $0 < $1 }
            guard let taker = order.first(where: { !filters[agent].contains($0) }) else { continue }
            offers.append(Offer(framework: taker, agent: agent, bag: free[agent]))
            held[taker].add(free[agent])
            free[agent] = Bag()
        }
        return offers
    }

    /// The work of `Cluster.partlyUsed`.
    static func partlyUsed(agents: Int, frameworks: Int) -> TextbookAllocator {
        var allocator = TextbookAllocator(frameworks: frameworks)
        for index in 0..<agents { allocator.addAgent(Cluster.total, use: Cluster.used, by: index % frameworks) }
        return allocator
    }

    /// One declining round over all agents.
    static func decliningRound(agents: Int, frameworks: Int) -> Duration {
        var allocator = partlyUsed(agents: agents, frameworks: frameworks)
        for offer in allocator.allocate() { allocator.recover(offer, isDeclined: true) }
        return Stopwatch.time { _ = allocator.allocate() }
    }

    /// All agents are added, then one round.
    static func fill(agents: Int, frameworks: Int) -> Duration {
        var allocator = TextbookAllocator(frameworks: frameworks)
        return Stopwatch.time {
            for _ in 0..<agents { allocator.addAgent(Cluster.total) }
            _ = allocator.allocate()
        }
    }

    /// Revives with nothing left to offer, each with a round.
    static func revives(agents: Int, frameworks: Int) -> Duration {
        var allocator = TextbookAllocator(frameworks: frameworks)
        for _ in 0..<agents { allocator.addAgent(Cluster.total) }
        _ = allocator.allocate()
        return Stopwatch.time {
            for framework in 0..<frameworks {
                allocator.revive(framework)
                _ = allocator.allocate()
            }
        }
    }

    /// A task ends in a full cluster, and a round follows; median of 100.
    static func freedTask(agents: Int, frameworks: Int, _ task: Resources) -> Duration {
        var allocator = partlyUsed(agents: agents, frameworks: frameworks)
        _ = allocator.allocate()
        var (random, times) = (SplitMix64(seed: 7), [Duration]())
        for _ in 0..<100 {
            let agent = Int.random(in: 0..<agents, using: &random)
            let ended = Offer(framework: agent % frameworks, agent: agent, bag: Bag(task))
            times.append(
                Stopwatch.time {
                    allocator.recover(ended, isDeclined: false)
                    _ = allocator.allocate()
                })
        }
        return Stopwatch.median(times)
    }
}
