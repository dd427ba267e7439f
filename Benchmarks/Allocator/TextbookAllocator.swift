// The reference beside the cases: two-level fairness as a textbook has it, with nothing remembered between rounds.

import Resources

/// A round goes through the agents with something free. For each it sorts the roles by dominant share over weight, and the
/// frameworks of each role by dominant share, and walks through them until one is not held off by its filter or its role's
/// quota, as Apache Mesos does. Plain numbers of cpus, mem and disk; no role below another; no ports.
///
/// It says how fast the machine is: a case's `ratio` compares two programs that ran side by side, so that a busy or slow
/// machine tells in both.
struct TextbookAllocator {
    /// In thousandths.
    struct Bag {
        var cpus: Int64 = 0
        var mem: Int64 = 0
        var disk: Int64 = 0

        init(_ resources: Resources = Resources()) {
            cpus = resources["cpus"].milli
            mem = resources["mem"].milli
            disk = resources["disk"].milli
        }

        var isEmpty: Bool { cpus <= 0 && mem <= 0 && disk <= 0 }

        mutating func add(_ other: Bag, times sign: Int64 = 1) {
            cpus += sign * other.cpus
            mem += sign * other.mem
            disk += sign * other.disk
        }

        func contains(_ other: Bag) -> Bool { cpus >= other.cpus && mem >= other.mem && disk >= other.disk }

        func cut(to other: Bag) -> Bag {
            var bag = self
            bag.cpus = max(0, min(cpus, other.cpus))
            bag.mem = max(0, min(mem, other.mem))
            bag.disk = max(0, min(disk, other.disk))
            return bag
        }

        func share(of capacity: Bag) -> Double {
            max(
                Double(cpus) / Double(max(1, capacity.cpus)), Double(mem) / Double(max(1, capacity.mem)),
                Double(disk) / Double(max(1, capacity.disk)))
        }
    }

    struct Offer {
        var framework: Int
        var agent: Int
        var bag: Bag
    }

    private struct Role {
        var weight: Double
        /// Guarantee and limit alike.
        var quota: Bag?
        var held = Bag()
        var frameworks: [Int] = []
    }

    private var roles: [Role] = []
    /// By framework.
    private var roleOf: [Int] = []
    private var held: [Bag] = []
    private var isSuppressed: [Bool] = []
    private(set) var free: [Bag] = []
    private var capacity = Bag()
    /// By agent: the frameworks that declined it, and until when.
    private var filters: [[Int: Duration]] = []
    private var random: SplitMix64

    /// Some frameworks in one role.
    init(frameworks: Int = 0, seed: UInt64 = 1) {
        random = SplitMix64(seed: seed)
        if frameworks > 0 { addRole() }
        for _ in 0..<frameworks { addFramework(role: 0) }
    }

    mutating func addRole(weight: Double = 1, quota: Bag? = nil) {
        roles.append(Role(weight: weight, quota: quota))
    }

    mutating func addFramework(role: Int) {
        roles[role].frameworks.append(held.count)
        roleOf.append(role)
        held.append(Bag())
        isSuppressed.append(false)
    }

    mutating func suppress(_ framework: Int) { isSuppressed[framework] = true }

    /// - Parameter use: What `framework` holds of the agent already.
    mutating func addAgent(_ total: Resources, use: Resources = Resources(), by framework: Int = 0) {
        let (total, use) = (Bag(total), Bag(use))
        var rest = total
        rest.add(use, times: -1)
        free.append(rest)
        if !use.isEmpty { charge(use, to: framework) }
        capacity.add(total)
        filters.append([:])
    }

    /// An offer that comes back, or resources of a task that ended.
    ///
    /// - Parameter end: Until when the framework does not want them.
    mutating func recover(_ offer: Offer, declinedUntil end: Duration? = nil) {
        held[offer.framework].add(offer.bag, times: -1)
        roles[roleOf[offer.framework]].held.add(offer.bag, times: -1)
        free[offer.agent].add(offer.bag)
        if let end { filters[offer.agent][offer.framework] = end }
    }

    mutating func decline(agent: Int, by framework: Int, until end: Duration) { filters[agent][framework] = end }

    mutating func revive(_ framework: Int) {
        for agent in filters.indices { filters[agent][framework] = nil }
    }

    private mutating func charge(_ bag: Bag, to framework: Int) {
        held[framework].add(bag)
        roles[roleOf[framework]].held.add(bag)
    }

    /// - Parameter agent: The only one that is looked at; nil for all.
    mutating func allocate(at now: Duration = .zero, on agent: Int? = nil) -> [Offer] {
        var offers: [Offer] = []
        let hasQuotas = roles.contains { $0.quota != nil }
        for agent in agent.map({ [$0] }) ?? free.indices.shuffled(using: &random) {
            while !free[agent].isEmpty, let offer = nextOffer(of: agent, at: now, hasQuotas: hasQuotas) {
                offers.append(offer)
                charge(offer.bag, to: offer.framework)
                free[agent].add(offer.bag, times: -1)
            }
        }
        return offers
    }

    private func nextOffer(of agent: Int, at now: Duration, hasQuotas: Bool) -> Offer? {
        let headroom = hasQuotas ? headroom : capacity
        for role in order(Array(roles.indices), by: { roles[$0].held.share(of: capacity) / roles[$0].weight }) {
            var bag = free[agent]
            if let quota = roles[role].quota {
                var room = quota
                room.add(roles[role].held, times: -1)
                bag = bag.cut(to: room)
            } else {
                bag = bag.cut(to: headroom)
            }
            if bag.isEmpty { continue }
            let awake = roles[role].frameworks.filter { !isSuppressed[$0] }
            for framework in order(awake, by: { held[$0].share(of: capacity) }) {
                if let end = filters[agent][framework], end > now { continue }
                return Offer(framework: framework, agent: agent, bag: bag)
            }
        }
        return nil
    }

    /// What is free beyond what roles are guaranteed and do not have.
    private var headroom: Bag {
        var sum = free.reduce(into: Bag()) { $0.add($1) }
        for role in roles {
            guard var missing = role.quota else { continue }
            missing.add(role.held, times: -1)
            sum.add(missing.cut(to: missing), times: -1)
        }
        return sum
    }

    private func order(_ items: [Int], by share: (Int) -> Double) -> [Int] {
        if items.count < 2 { return items }
        let keyed = items.map { (share: share($0), item: $0) }
        return keyed.sorted { $0.share != $1.share ? $0.share < $1.share : $0.item < $1.item }.map(\.item)
    }
}
