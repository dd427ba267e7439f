// Resources that become others in place: reserved, unreserved, made into a volume or back.

import Resources

extension Allocator {
    /// Converts resources a framework holds, offered or used: RESERVE, UNRESERVE, CREATE, DESTROY in an ACCEPT.
    ///
    /// The agent's total changes along, at once, before the agent has confirmed; if the operation fails, convert back.
    /// What is free does not change.
    ///
    /// - Returns: Whether it was done. `false` if the framework does not hold all of `from` in this role there, or one
    ///   of them is unknown.
    @discardableResult
    public mutating func convert(
        _ id: FrameworkID, role: RoleName, agent: AgentID, from: Resources, to: Resources
    ) -> Bool {
        record?.append(.converted(.init(framework: id, role: role, agent: agent), from: from, to: to))
        guard let slot = agents.slot(of: agent), let client = client(id, role),
            let index = holdingIndex(of: client, on: slot),
            agents.values[slot].holdings[index].resources.contains(from)
        else { return false }
        let free = agents.values[slot].free
        let total = agents.values[slot].total.without(from) + to
        release(from, of: client, on: slot, isGivenBack: false)
        if !to.isEmpty {
            noteContradictions(adding: to, on: slot)
            hold(to, for: client, on: slot)
        }
        setTotal(total, of: slot)
        if agents.values[slot].free != free { markDirty(slot) }
        dropClientIfUnused(client)
        return true
    }

    /// Converts free resources of an agent, for an operator.
    ///
    /// - Returns: Whether it was done. `false` if not all of `from` is free there; the caller may then rescind offers
    ///   and try again.
    @discardableResult
    public mutating func convertFree(agent: AgentID, from: Resources, to: Resources) -> Bool {
        record?.append(.convertedFree(agent, from: from, to: to))
        guard let slot = agents.slot(of: agent), agents.values[slot].free.contains(from) else { return false }
        setTotal(agents.values[slot].total - from + to, of: slot)
        markDirty(slot)
        return true
    }

    /// Replaces an agent's total and whatever depends on it.
    mutating func setTotal(_ total: Resources, of slot: Int) {
        let old = agents.values[slot].total
        var difference = dimensions.amounts(of: total)
        difference -= dimensions.amounts(of: old)
        changeCapacity(by: difference)
        countReservations(of: old, adding: false)
        countReservations(of: total, adding: true)
        agents.values[slot].total = total
        agents.values[slot].hasGPUs = !total["gpus"].isZero
        quotas.isLoosened = true
        refreshFree(slot)
    }
}
