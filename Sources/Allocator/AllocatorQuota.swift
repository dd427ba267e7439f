// Quotas as the owner sets and reads them, and the sums behind them.

import Resources

extension Allocator {
    /// Sets the quota of a top-level role; `nil` or a default one removes it.
    ///
    /// Takes effect on the next call of `allocate`; nothing that is held is taken back, and filters stay. Setting many
    /// at once is cheaper with `setQuotas`.
    ///
    /// - Precondition: `role` is a top-level role other than `*`; callers refuse the others.
    public mutating func setQuota(_ role: RoleName, _ quota: Quota?) {
        setQuotas([role: quota])
    }

    /// Sets several quotas; roles that are not named keep theirs.
    public mutating func setQuotas(_ changes: [RoleName: Quota?]) {
        record?.append(.quotas(changes.sorted { $0.key < $1.key }.map { .init(role: $0.key, quota: $0.value) }))
        for role in changes.keys {
            precondition(role.parent == nil && role != .any, "a quota is set on '\(role)', which cannot have one")
        }
        for entry in quotas.entries { tree.setExhausted(false, role: entry.role) }
        quotas.reset(changes, dimensions: &dimensions)
        for (_, framework) in frameworks.occupied {
            for (role, client) in frameworks.values[framework].clients {
                tree[client: client].quota = quotas.position(of: role.top)
            }
        }
        guard quotas.isActive else { return }
        for (_, slot) in agents.occupied {
            countReservations(of: agents.values[slot].total, adding: true)
            noteAvailable(slot)
            for holding in agents.values[slot].holdings {
                let amounts = dimensions.unreserved(of: holding.resources)
                quotas.consume(amounts, at: tree[client: holding.client].quota)
            }
        }
    }

    /// The quota of a role; `nil` if it has none.
    public func quota(of role: RoleName) -> Quota? { quotas.quotas[role] }

    /// All quotas that are not default.
    public var allQuotas: [RoleName: Quota] { quotas.quotas }

    /// What a role and the roles below it consume in the sense of quotas: everything reserved to them, in use or not,
    /// and what their frameworks hold unreserved. Names that amount to nothing are absent.
    ///
    /// A lookup for a role with a quota; for others every agent is asked, so ask for all at once by
    /// `quotaConsumptions`.
    public func quotaConsumption(of role: RoleName) -> [String: Scalar] {
        let position = quotas.position(of: role)
        if position == QuotaBook.none { return quotaConsumptions()[role] ?? [:] }
        return named(quotas.entries[position].consumed)
    }

    /// The consumption of every role that consumes something, with all roles above it.
    public func quotaConsumptions() -> [RoleName: [String: Scalar]] {
        var dimensions = dimensions
        var sums: [RoleName: Amounts] = [:]
        for (_, slot) in agents.occupied {
            let agent = agents.values[slot]
            for entry in agent.total.extraordinaryEntries where !entry.isRevocable {
                guard let role = entry.role, case .scalar(let value) = entry.value else { continue }
                sums[role, default: Amounts()][dimensions.dimension(of: entry.name)] += value.milli
            }
            for holding in agent.holdings {
                let amounts = dimensions.unreserved(of: holding.resources)
                if !amounts.isZero { sums[tree.role(of: holding.client), default: Amounts()] += amounts }
            }
        }
        var subtrees: [RoleName: Amounts] = [:]
        for (role, amounts) in sums {
            for above in role.ancestors + [role] { subtrees[above, default: Amounts()] += amounts }
        }
        return subtrees.mapValues(named)
    }

    private func named(_ amounts: Amounts) -> [String: Scalar] {
        var result: [String: Scalar] = [:]
        for (name, dimension) in dimensions.names where amounts[dimension] != 0 {
            result[name] = Scalar(milli: amounts[dimension])
        }
        return result
    }

    // MARK: Recovery

    /// Stops all allocations until `resume`; everything else goes on. A new leader that has quotas waits for its agents
    /// so that it does not give away what is guaranteed.
    public mutating func pause() {
        record?.append(.paused(true))
        isPaused = true
    }

    public mutating func resume() {
        record?.append(.paused(false))
        isPaused = false
    }

    // MARK: Sums

    /// Counts the reservations in an agent's total.
    mutating func countReservations(of total: Resources, adding: Bool) {
        guard quotas.isActive, !total.isOrdinary else { return }
        for (top, amounts) in dimensions.reserved(of: total) {
            let position = quotas.position(of: top)
            if adding { quotas.consume(amounts, at: position) } else { quotas.giveUp(amounts, at: position) }
        }
    }

    /// Brings an agent's part of the headroom up to date.
    mutating func noteAvailable(_ agent: Int) {
        guard quotas.isActive else { return }
        let state = agents.values[agent]
        quotas.setAvailable(state.isOfferable ? dimensions.unreserved(of: state.free) : Amounts(), on: agent)
    }

    /// What of some resources a client may take under the quotas.
    struct QuotaCut {
        var resources: Resources
        /// Less than all of them.
        var isCut: Bool
        /// For the sake of others' guarantees, not of its own limit.
        var isBoundByGuarantees: Bool
    }

    func withinQuota(_ resources: Resources, of client: Int) -> QuotaCut {
        let position = tree[client: client].quota
        var isBoundByGuarantees = false
        let cut = resources.cuttingUnreserved { name in
            guard let dimension = dimensions.knownDimension(of: name) else { return .max }
            let room = quotas.room(at: position, dimension: dimension)
            if room.isBoundByGuarantees { isBoundByGuarantees = true }
            return room.milli
        }
        return QuotaCut(resources: cut.resources, isCut: cut.isCut, isBoundByGuarantees: isBoundByGuarantees)
    }

    /// Brings the rankings up to date, with who is exhausted.
    mutating func settle() {
        if !quotas.exhaustionChanges.isEmpty {
            for position in quotas.exhaustionChanges {
                tree.setExhausted(quotas.entries[position].isExhausted, role: quotas.entries[position].role)
            }
            quotas.exhaustionChanges.removeAll(keepingCapacity: true)
        }
        tree.settle()
    }

    /// Has those asked again who were held back by a limit that leaves more room now, and everybody if guarantees do.
    mutating func noticeLoosenedQuotas() {
        for position in quotas.loosenedLimits {
            for client in tree.hungryClients(below: quotas.entries[position].role) { markFresh(client) }
        }
        quotas.loosenedLimits.removeAll(keepingCapacity: true)
        if quotas.isHeldBackByGuarantees, quotas.isLoosened {
            for agent in agentsWithFree.members { markDirty(agent) }
            unsettledUntil = round - 1
            quotas.isHeldBackByGuarantees = false
        }
        quotas.isLoosened = false
    }
}
