// Which roles have a quota, what they consume, and what is free for everybody; kept up step by step while any role has
// one, and idle otherwise.

import Resources

struct QuotaBook: Sendable {
    struct Entry: Sendable {
        var role: RoleName
        var guarantee = Amounts()
        /// By dimension; `nil` and missing positions are unlimited.
        var limits: [Int64?] = []
        var consumed = Amounts()
        /// What is missing of the guarantee.
        var unmet = Amounts()
        var isUnsatisfied = false
        /// No minimum worth offering fits below its limits any more, so that only what is reserved or revocable could
        /// be offered to it.
        var isExhausted = false
        /// Somebody below it was given less than it could have had, or nothing, for the sake of its limits.
        var isHeldBack = false
    }

    /// As set, without default ones.
    private(set) var quotas: [RoleName: Quota] = [:]
    var entries: [Entry] = []
    private var positions: [RoleName: Int] = [:]
    /// The sum of what is missing of all guarantees.
    private(set) var required = Amounts()
    /// What is free, unreserved and not revocable on the agents that may be offered.
    private(set) var available = Amounts()
    /// By agent's slot: its part of `available`.
    private var shares: [Amounts] = []
    private(set) var unsatisfied = 0
    /// Whether somebody was given less than it could have had, or nothing, for the sake of others' guarantees, and no
    /// later call looked at everything without finding such a case.
    var isHeldBackByGuarantees = false
    /// Whether since the last call something happened that could leave room for guarantees where there was none.
    var isLoosened = false
    /// Roles that were held back by their limits, and consume less than then.
    var loosenedLimits: [Int] = []
    /// Roles that became exhausted, or ceased to be.
    var exhaustionChanges: [Int] = []
    /// What an offer must reach, in the dimensions of amounts: one of the alternatives. `nil`: anything will do.
    private var minimums: [[(dimension: Int, milli: Int64)]]?

    /// - Parameter minAllocatable: What an offer must reach.
    init(minAllocatable: [Resources], dimensions: inout Dimensions) {
        if minAllocatable.isEmpty { return }
        minimums = []
        for alternative in minAllocatable {
            minimums?.append(alternative.scalars.map { (dimensions.dimension(of: $0.name), $0.value.milli) })
        }
    }

    /// Position of a role without a quota.
    static let none = -1

    var isActive: Bool { !entries.isEmpty }

    func position(of top: RoleName) -> Int { positions[top] ?? Self.none }

    /// Replaces the quotas and forgets all sums; the allocator adds everything up again.
    mutating func reset(_ changes: [RoleName: Quota?], dimensions: inout Dimensions) {
        for (role, quota) in changes {
            quotas[role] = quota.flatMap { $0.isDefault ? nil : $0 }
        }
        entries = []
        positions = [:]
        required = Amounts()
        available = Amounts()
        shares = []
        unsatisfied = 0
        isLoosened = true
        // Whatever was held back was so by quotas that may be gone.
        isHeldBackByGuarantees = true
        loosenedLimits = []
        exhaustionChanges = []
        for (role, quota) in quotas.sorted(by: { $0.key < $1.key }) {
            var entry = Entry(role: role)
            for (name, value) in quota.guarantees.sorted(by: { $0.key < $1.key }) {
                entry.guarantee[dimensions.dimension(of: name)] = value.milli
            }
            for (name, value) in quota.limits.sorted(by: { $0.key < $1.key }) {
                let dimension = dimensions.dimension(of: name)
                while entry.limits.count <= dimension { entry.limits.append(nil) }
                entry.limits[dimension] = value.milli
            }
            positions[role] = entries.count
            entries.append(entry)
            refresh(entries.count - 1)
        }
    }

    mutating func consume(_ amounts: Amounts, at position: Int) {
        guard position != Self.none else { return }
        entries[position].consumed += amounts
        refresh(position)
    }

    mutating func giveUp(_ amounts: Amounts, at position: Int) {
        guard position != Self.none else { return }
        entries[position].consumed -= amounts
        if entries[position].isHeldBack, !amounts.isZero {
            entries[position].isHeldBack = false
            loosenedLimits.append(position)
        }
        refresh(position)
    }

    /// Replaces an agent's part of what is free for everybody.
    mutating func setAvailable(_ amounts: Amounts, on agent: Int) {
        while shares.count <= agent { shares.append(Amounts()) }
        available -= shares[agent]
        available += amounts
        shares[agent] = amounts
    }

    private mutating func refresh(_ position: Int) {
        let entry = entries[position]
        var unmet = entry.guarantee
        unmet -= entry.consumed
        unmet.clampAtZero()
        required -= entry.unmet
        required += unmet
        let isUnsatisfied = !unmet.isZero
        if isUnsatisfied != entry.isUnsatisfied { unsatisfied += isUnsatisfied ? 1 : -1 }
        entries[position].unmet = unmet
        entries[position].isUnsatisfied = isUnsatisfied
        if !entry.limits.isEmpty { refreshExhaustion(position) }
    }

    private mutating func refreshExhaustion(_ position: Int) {
        guard let minimums else { return }
        let isExhausted = !minimums.contains { alternative in
            alternative.allSatisfy { limitRoom(at: position, dimension: $0.dimension) >= $0.milli }
        }
        if isExhausted { entries[position].isHeldBack = true }
        if isExhausted == entries[position].isExhausted { return }
        entries[position].isExhausted = isExhausted
        exhaustionChanges.append(position)
    }

    private func limitRoom(at position: Int, dimension: Int) -> Int64 {
        guard dimension < entries[position].limits.count, let limit = entries[position].limits[dimension] else {
            return .max
        }
        return max(0, limit - entries[position].consumed[dimension])
    }

    /// How much unreserved of one scalar a role may take: up to its limit, and no more of what other roles' guarantees
    /// still need than is missing of its own. `Int64.max` if nothing stands in the way.
    ///
    /// While nothing is given back this only shrinks, whoever takes: a taker lowers what is available by all it takes
    /// and what is required by no more than that.
    func room(at position: Int, dimension: Int) -> (milli: Int64, isBoundByGuarantees: Bool) {
        var room = Int64.max
        var own: Int64 = 0
        if position != Self.none {
            own = entries[position].unmet[dimension]
            room = limitRoom(at: position, dimension: dimension)
        }
        let others = required[dimension] - own
        if others <= 0 { return (room, false) }
        let left = max(own, available[dimension] - others)
        return left < room ? (left, true) : (room, false)
    }

    /// Whether `amounts` bring a role nearer to its guarantee.
    func helps(_ amounts: Amounts, at position: Int) -> Bool {
        guard position != Self.none, entries[position].isUnsatisfied else { return false }
        return entries[position].unmet.sharesDimension(with: amounts)
    }
}
