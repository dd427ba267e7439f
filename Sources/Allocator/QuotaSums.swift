// The auditor's own view of quotas: sums over everything, made anew for each state it judges.

import Resources

struct QuotaSums: Sendable {
    private var quotas: [RoleName: Quota] = [:]
    private var consumed: [RoleName: [String: Int64]] = [:]
    /// Free, unreserved and not revocable on agents that may be offered.
    private var available: [String: Int64] = [:]

    init() {}

    init(of state: AllocatorSnapshot) {
        quotas = state.quotas
        if quotas.isEmpty { return }
        for agent in state.agents.values {
            for entry in agent.total.entries where !entry.isRevocable {
                guard let role = entry.role, case .scalar(let value) = entry.value else { continue }
                consumed[role.top, default: [:]][entry.name, default: 0] += value.milli
            }
            for (client, resources) in agent.held {
                for (name, amount) in Self.unreserved(resources) {
                    consumed[client.role.top, default: [:]][name, default: 0] += amount
                }
            }
            if agent.isActive {
                for (name, amount) in Self.unreserved(agent.free) { available[name, default: 0] += amount }
            }
        }
    }

    static func unreserved(_ resources: Resources) -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for entry in resources.entries where entry.reservations.isEmpty && !entry.isRevocable {
            if case .scalar(let value) = entry.value { sums[entry.name, default: 0] += value.milli }
        }
        return sums
    }

    /// What is missing of a role's guarantee.
    func unmet(_ name: String, _ top: RoleName) -> Int64 {
        max(0, (quotas[top]?.guarantees[name]?.milli ?? 0) - (consumed[top]?[name] ?? 0))
    }

    func helps(_ resources: Resources, _ top: RoleName) -> Bool {
        Self.unreserved(resources).contains { $0.value > 0 && unmet($0.key, top) > 0 }
    }

    func allowsByLimit(_ amount: Int64, of name: String, _ top: RoleName) -> Bool {
        guard let limit = quotas[top]?.limits[name] else { return true }
        return amount == 0 || (consumed[top]?[name] ?? 0) + amount <= limit.milli
    }

    /// After taking, others' guarantees can be met as far as before; up to its own guarantee a role may always take.
    func allowsByHeadroom(_ amount: Int64, of name: String, _ top: RoleName) -> Bool {
        let others = quotas.keys.filter { $0 != top }.reduce(0) { $0 + unmet(name, $1) }
        return others == 0 || amount <= unmet(name, top) || (available[name] ?? 0) - amount >= others
    }

    /// The most of these resources that the quotas allow, divisible pieces first.
    func cut(_ usable: [ResourceEntry], _ top: RoleName) -> Resources {
        if quotas.isEmpty { return Resources(entries: usable) }
        var result: [ResourceEntry] = []
        var taken: [String: Int64] = [:]
        let sorted = usable.enumerated().sorted { left, right in
            (Self.wholeSize(left.element), left.offset) < (Self.wholeSize(right.element), right.offset)
        }
        for (_, entry) in sorted {
            guard entry.reservations.isEmpty, !entry.isRevocable, case .scalar(let value) = entry.value else {
                result.append(entry)
                continue
            }
            let before = taken[entry.name] ?? 0
            var (low, high) = (Int64(0), value.milli)  // The largest amount that is still allowed, by halving.
            while low < high {
                let middle = (low + high + 1) / 2
                let isAllowed =
                    allowsByLimit(before + middle, of: entry.name, top)
                    && allowsByHeadroom(before + middle, of: entry.name, top)
                if isAllowed { low = middle } else { high = middle - 1 }
            }
            if Self.wholeSize(entry) > 0, low < value.milli { low = 0 }
            taken[entry.name] = before + low
            result.append(ResourceEntry(key: entry.key, value: .scalar(Scalar(milli: low))))
        }
        return Resources(entries: result)
    }

    /// How large an indivisible piece is; zero for others.
    private static func wholeSize(_ entry: ResourceEntry) -> Int64 {
        guard entry.disk?.isIndivisible == true, case .scalar(let value) = entry.value else { return 0 }
        return value.milli
    }
}
