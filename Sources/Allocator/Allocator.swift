/// Decides which framework is offered which agent's free resources: weighted dominant-resource fairness.
///
/// Roles are served level by level down their tree, the one furthest below its weighted share first; then frameworks
/// inside a role. Each agent's free resources go whole to the first taker. See Ghodsi et al., *Dominant Resource
/// Fairness*, NSDI 2011.
///
/// It is a value: no clock, no randomness of its own. The owner reports what happened and calls `allocate`, which looks
/// only at agents with something new, and there only at clients for which it is new: `AgentState.settled` says how. So
/// a framework that declines what it was just offered costs a look at that framework, not at all of them.
///
/// Ids that are unknown are ignored, since the owner's news may be older than a removal.

import Resources

public struct Allocator: Sendable {
    public let settings: AllocatorSettings

    var agents = SlotTable<AgentID, AgentState>()
    var frameworks = SlotTable<FrameworkID, FrameworkState>()
    var tree = RoleTree()
    var filters = FilterBook()
    var quotas: QuotaBook
    var weights: [RoleName: Weight] = [:]
    var dimensions = Dimensions()
    /// What all agents have, active or not.
    var capacity = Amounts()
    /// Agents of which everybody is asked in the next call.
    var dirtyAgents = SlotSet()
    /// Agents of which those in `AgentState.unsure` are asked.
    var touchedAgents = SlotSet()
    /// Active agents with something free.
    var agentsWithFree = SlotSet()
    var freshClients: [Int] = []
    /// Clients that were fresh in earlier calls: the youngest, oldest first.
    var freshBefore: [(client: Int, round: Int)] = []
    let rememberingMax: Int
    var decisions = DecisionLog()
    /// Calls since the last `takeRecord`; nil if they are not recorded.
    var record: [AllocatorCall]?
    /// Numbers the calls of `allocate`.
    var round = 0
    /// Agents that were settled in this round or before are no longer: who was fresh since is not all known.
    var unsettledUntil = 0
    /// By client, for those that have some.
    var rules: [Int: ClientRules] = [:]
    /// How many clients have a minimum of their own.
    var ownMinimums = 0
    package internal(set) var isPaused = false
    /// Names of the hosts that may be offered; `nil`: all.
    var whitelist: Set<String>?

    struct AgentState: Sendable {
        var id: AgentID
        var visitHash: UInt64
        var isActive = true
        var isWhitelisted = true
        var hasGPUs = false
        /// In another region than the master.
        var isRemote = false
        var traits = AgentTraits()
        var total = Resources()
        /// The sum of `holdings`. May exceed `total` after the total shrank.
        var allocated = Resources()
        var free = Resources()
        /// Sorted by client.
        var holdings: [Holding] = []
        /// No hungry client can take any part of these resources, except those in `unsure` and those that became
        /// *fresh* (hungry, revived, able to take more) after `settledRound`. Filters that end put their client into
        /// `unsure`, and so does what a client gives back; limits of quotas that leave more room make clients fresh.
        /// It holds for every part of the resources because every reason not to take something is one not to take less.
        var settled = Resources()
        var settledRound = 0
        var unsure: [Int] = []
        var passedOn = PassedOn()
        /// Two reported holders claim one port, set item or volume, so that quantities no longer simply add up.
        var hasContradictions = false

        var isOfferable: Bool { isActive && isWhitelisted }
    }

    /// What one client holds on one agent, offered and used.
    struct Holding: Sendable {
        var client: Int
        var resources: Resources
    }

    struct FrameworkState: Sendable {
        var id: FrameworkID
        var isActive = false
        var abilities: Abilities = []
        var clients: [RoleName: Int] = [:]
    }

    /// What a framework said it can deal with.
    struct Abilities: OptionSet, Sendable {
        let rawValue: UInt8
        static let gpus = Abilities(rawValue: 1)
        static let revocable = Abilities(rawValue: 2)
        static let shared = Abilities(rawValue: 4)
        static let refinedReservations = Abilities(rawValue: 8)
        static let otherRegions = Abilities(rawValue: 16)
    }

    public init(settings: AllocatorSettings = AllocatorSettings()) {
        self.init(settings: settings, rememberingMax: 64)
    }

    /// - Parameter rememberingMax: How many clients are remembered one by one, as unsure about an agent and as having
    ///   been fresh, before everybody is asked. Changes no decision.
    package init(settings: AllocatorSettings, rememberingMax: Int) {
        self.settings = settings
        self.rememberingMax = rememberingMax
        quotas = QuotaBook(minAllocatable: settings.minAllocatable, dimensions: &dimensions)
    }

    /// When a filter ends by itself, so that `allocate` could yield more than now.
    public var nextFilterExpiry: Instant? { filters.nextExpiry }

    /// How many refusals of a framework in a role are in force.
    public func filterCount(of framework: FrameworkID, in role: RoleName) -> Int {
        client(framework, role).map { filters.count(of: $0) } ?? 0
    }

    /// What is neither offered nor used on an agent; `nil` if the agent is unknown.
    public func free(on agent: AgentID) -> Resources? {
        agents.slot(of: agent).map { agents.values[$0].free }
    }

    /// What a framework holds in a role on an agent, offered and used.
    public func held(by framework: FrameworkID, in role: RoleName, on agent: AgentID) -> Resources {
        guard let slot = agents.slot(of: agent), let client = client(framework, role),
            let index = holdingIndex(of: client, on: slot)
        else { return Resources() }
        return agents.values[slot].holdings[index].resources
    }

    // MARK: Agents

    /// Adds an agent, or updates its total and traits if it is known.
    ///
    /// - Parameter traits: What whitelist, regions and offer constraints look at.
    public mutating func addAgent(
        _ id: AgentID, total: Resources, traits: AgentTraits = AgentTraits(), at now: Moment
    ) {
        if agents.slot(of: id) != nil { return updateAgent(id, total: total, traits: traits) }
        record?.append(.agentAdded(id, total: total, traits))
        let slot = agents.insert(id, AgentState(id: id, visitHash: Self.hash(id)))
        setTotal(total, of: slot)
        setTraits(traits, of: slot)
    }

    /// Replaces an agent's total, and its traits if some are given. What is in use stays in use even if the new total
    /// is smaller. Other traits end all decline filters for the agent.
    public mutating func updateAgent(_ id: AgentID, total: Resources, traits: AgentTraits? = nil) {
        record?.append(.agentUpdated(id, total: total, traits))
        guard let slot = agents.slot(of: id) else { return }
        if let traits, traits != agents.values[slot].traits { setTraits(traits, of: slot) }
        if agents.values[slot].total == total { return }
        setTotal(total, of: slot)
        markDirty(slot)
    }

    /// Forgets an agent, what is held on it, and the filters for it.
    public mutating func removeAgent(_ id: AgentID) {
        record?.append(.agentRemoved(id))
        guard let slot = agents.slot(of: id) else { return }
        filters.clear(agent: slot)
        forgetVerdicts(on: slot)
        let holdings = agents.values[slot].holdings
        agents.values[slot].holdings = []
        agents.values[slot].allocated = Resources()
        for holding in holdings {
            tree.subtract(dimensions.amounts(of: holding.resources), from: holding.client)
            tree[client: holding.client].agentsHeldOn -= 1
            if quotas.isActive {
                quotas.giveUp(dimensions.unreserved(of: holding.resources), at: tree[client: holding.client].quota)
            }
            dropClientIfUnused(holding.client)
        }
        setTotal(Resources(), of: slot)
        dirtyAgents.remove(slot)
        touchedAgents.remove(slot)
        agentsWithFree.remove(slot)
        agents.remove(id, leaving: AgentState(id: id, visitHash: 0))
    }

    /// An inactive agent is not offered, but counts in the totals.
    public mutating func setAgentActive(_ id: AgentID, _ isActive: Bool) {
        record?.append(.agentActivity(id, isActive: isActive))
        guard let slot = agents.slot(of: id), agents.values[slot].isActive != isActive else { return }
        agents.values[slot].isActive = isActive
        noteFree(slot)
        markDirty(slot)
        quotas.isLoosened = true
    }

    /// Offers only agents on these hosts; `nil` offers all. The others count in the totals like inactive ones.
    public mutating func setWhitelist(_ hostnames: Set<String>?) {
        record?.append(.whitelist(hostnames))
        whitelist = hostnames
        for (_, slot) in agents.occupied {
            let isWhitelisted = isWhitelisted(agents.values[slot].traits)
            if isWhitelisted == agents.values[slot].isWhitelisted { continue }
            agents.values[slot].isWhitelisted = isWhitelisted
            noteFree(slot)
            markDirty(slot)
            quotas.isLoosened = true
        }
    }

    // MARK: Frameworks

    /// Adds a framework with the roles it subscribes to, or updates it if it is known.
    ///
    /// - Parameters:
    ///   - suppressed: Roles it wants no offers for until it revives them.
    ///   - active: Whether it is connected and can be sent offers.
    ///   - canUseGPUs, canUseRevocable, canUseShared, canUseRefinements, canUseOtherRegions: Its capabilities in the
    ///     sense of the v1 API.
    ///   - constraints: Which agents it wants to be offered, by role; all in roles that are absent.
    ///   - minAllocatable: What an offer must reach, by role: one of the alternatives, or anything if there is none. In
    ///     roles that are absent the settings count.
    public mutating func addFramework(
        _ id: FrameworkID, roles: [RoleName], suppressed: Set<RoleName> = [], active: Bool = true,
        canUseGPUs: Bool = false, canUseRevocable: Bool = false, canUseShared: Bool = false,
        canUseRefinements: Bool = true, canUseOtherRegions: Bool = false,
        constraints: [RoleName: OfferConstraints] = [:], minAllocatable: [RoleName: [Resources]] = [:]
    ) {
        addFramework(
            id,
            AllocatorCall.FrameworkWishes(
                roles: roles, suppressed: suppressed, isActive: active, canUseGPUs: canUseGPUs,
                canUseRevocable: canUseRevocable, canUseShared: canUseShared, canUseRefinements: canUseRefinements,
                canUseOtherRegions: canUseOtherRegions, constraints: constraints, minAllocatable: minAllocatable))
    }

    mutating func addFramework(_ id: FrameworkID, _ wishes: AllocatorCall.FrameworkWishes) {
        record?.append(.framework(id, wishes))
        let slot = frameworkSlot(id)
        var abilities: Abilities = []
        if wishes.canUseGPUs { abilities.insert(.gpus) }
        if wishes.canUseRevocable { abilities.insert(.revocable) }
        if wishes.canUseShared { abilities.insert(.shared) }
        if wishes.canUseRefinements { abilities.insert(.refinedReservations) }
        if wishes.canUseOtherRegions { abilities.insert(.otherRegions) }
        let old = frameworks.values[slot]
        if old.isActive && !wishes.isActive { clearFilters(of: slot) }
        frameworks.values[slot].abilities = abilities
        frameworks.values[slot].isActive = wishes.isActive
        let subscribed = Set(wishes.roles)
        for role in subscribed.sorted() {
            let client = clientSlot(slot, role)
            tree[client: client].isSubscribed = true
            tree[client: client].isSuppressed = wishes.suppressed.contains(role)
            refreshHunger(of: client)
            let rules = ClientRules(constraints: wishes.constraints[role], minAllocatable: wishes.minAllocatable[role])
            let areRulesNew = setRules(rules, of: client)
            if areRulesNew || !abilities.isSubset(of: old.abilities) { markFresh(client) }
        }
        for (role, client) in old.clients.sorted(by: { $0.key < $1.key }) where !subscribed.contains(role) {
            tree[client: client].isSubscribed = false
            refreshHunger(of: client)
            filters.clear(client: client)
            dropClientIfUnused(client)
        }
    }

    /// Replaces everything a framework says about itself; the same as adding it again.
    public mutating func updateFramework(
        _ id: FrameworkID, roles: [RoleName], suppressed: Set<RoleName> = [], active: Bool = true,
        canUseGPUs: Bool = false, canUseRevocable: Bool = false, canUseShared: Bool = false,
        canUseRefinements: Bool = true, canUseOtherRegions: Bool = false,
        constraints: [RoleName: OfferConstraints] = [:], minAllocatable: [RoleName: [Resources]] = [:]
    ) {
        addFramework(
            id, roles: roles, suppressed: suppressed, active: active, canUseGPUs: canUseGPUs,
            canUseRevocable: canUseRevocable, canUseShared: canUseShared, canUseRefinements: canUseRefinements,
            canUseOtherRegions: canUseOtherRegions, constraints: constraints, minAllocatable: minAllocatable)
    }

    /// Forgets a framework and gives back everything it holds.
    public mutating func removeFramework(_ id: FrameworkID) {
        record?.append(.frameworkRemoved(id))
        guard let slot = frameworks.slot(of: id) else { return }
        frameworks.values[slot].isActive = false
        let clients = frameworks.values[slot].clients.sorted { $0.key < $1.key }.map(\.value)
        for client in clients {
            tree[client: client].isSubscribed = false
            refreshHunger(of: client)
            filters.clear(client: client)
        }
        let owned = Set(clients)
        for (_, agent) in agents.occupied {
            for holding in agents.values[agent].holdings where owned.contains(holding.client) {
                release(holding.resources, of: holding.client, on: agent)
            }
        }
        for client in clients { dropClientIfUnused(client) }
        frameworks.remove(id, leaving: FrameworkState(id: id))
    }

    /// A connected framework may be sent offers (again).
    public mutating func activateFramework(_ id: FrameworkID) {
        record?.append(.frameworkActivated(id))
        guard let slot = frameworks.slot(of: id), !frameworks.values[slot].isActive else { return }
        frameworks.values[slot].isActive = true
        for client in frameworks.values[slot].clients.values.sorted() { refreshHunger(of: client) }
    }

    /// A disconnected framework gets no offers and loses its filters. What it holds still counts.
    public mutating func deactivateFramework(_ id: FrameworkID) {
        record?.append(.frameworkDeactivated(id))
        guard let slot = frameworks.slot(of: id) else { return }
        frameworks.values[slot].isActive = false
        clearFilters(of: slot)
        for client in frameworks.values[slot].clients.values.sorted() { refreshHunger(of: client) }
    }

    /// Stops offers in some roles; an empty set means all. What is offered stays offered, and filters stay.
    public mutating func suppress(_ id: FrameworkID, roles: Set<RoleName> = []) {
        record?.append(.suppressed(id, roles))
        for client in clients(of: id, roles) {
            tree[client: client].isSuppressed = true
            refreshHunger(of: client)
        }
    }

    /// Asks for offers again in some roles, and clears their filters; an empty set means all.
    public mutating func revive(_ id: FrameworkID, roles: Set<RoleName> = []) {
        record?.append(.revived(id, roles))
        for client in clients(of: id, roles) {
            tree[client: client].isSuppressed = false
            filters.clear(client: client)
            refreshHunger(of: client)
            markFresh(client)
        }
    }

    /// A role of weight 2 deserves twice the share of a sibling of weight 1. Nothing that is held moves.
    public mutating func setWeight(_ role: RoleName, _ weight: Weight) {
        record?.append(.weight(role, weight))
        weights[role] = weight
        tree.setWeight(weight, of: role)
    }

    // MARK: Resources

    /// Notes that a framework holds resources which this allocator did not allocate, such as tasks that were running
    /// before it was made.
    public mutating func charge(_ id: FrameworkID, role: RoleName, agent: AgentID, resources: Resources) {
        record?.append(.charged(.init(framework: id, role: role, agent: agent), resources))
        guard let slot = agents.slot(of: agent), !resources.isEmpty else { return }
        let client = clientSlot(frameworkSlot(id), role)
        noteContradictions(adding: resources, on: slot)
        hold(resources, for: client, on: slot)
        // A guarantee may now be met by more than was taken from what is free, if the agent reports more than it has.
        quotas.isLoosened = true
    }

    /// Takes back resources: declined, rescinded, or of a task that ended.
    ///
    /// - Parameter filter: How long the framework does not want them, in this role and on this agent; at least one
    ///   allocation interval. `nil` if it may be offered them at once.
    /// - Precondition: The framework holds them in this role on this agent, unless one of the two is unknown.
    public mutating func recover(
        _ id: FrameworkID, role: RoleName, agent: AgentID, resources: Resources, filter: Duration?, at now: Instant
    ) {
        record?.append(.recovered(.init(framework: id, role: role, agent: agent), resources, filter: filter, at: now))
        guard let slot = agents.slot(of: agent), let client = client(id, role), !resources.isEmpty else { return }
        release(resources, of: client, on: slot)
        if let filter, tree[client: client].isSubscribed, frameworks.values[tree.framework(of: client)].isActive {
            let expiry = now.advanced(by: max(filter, settings.allocationInterval))
            filters.add(refused: resources, agent: slot, client: client, until: expiry)
            agents.values[slot].passedOn.note(tree[client: client].serial, free: agents.values[slot].free)
        }
        dropClientIfUnused(client)
    }
}
