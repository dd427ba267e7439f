/// Judges the outcome of `allocate` from what went in and what came out, by the rules alone.
///
/// It shares no decision with the allocator: sums are taken anew, fractions are compared in another way, and every
/// client is asked about every agent. It is slow on purpose; tests and simulations run it on every allocation.

import Resources

/// A rule that an allocation broke.
public enum AllocationViolation: Hashable, Sendable, CustomStringConvertible {
    case unknownAgent(Allocation)
    case inactiveAgent(Allocation)
    case notHungry(Allocation)
    case overAllocated(Allocation, free: Resources)
    case notEntitled(Allocation, entitledTo: Resources)
    case notWhole(Allocation, expected: Resources)
    case agentHasGPUs(Allocation)
    case otherRegion(Allocation)
    case againstConstraints(Allocation)
    case belowMinimum(Allocation)
    case filtered(Allocation, refused: Resources)
    case outOfTurn(Allocation, before: String)
    case overLimit(Allocation, of: String)
    case headroomTaken(Allocation, of: String)
    case guaranteePassedOver(Allocation, for: String)
    case leftOver(agent: AgentID, takers: String, resources: Resources)
    case whilePaused
    case sumsDiffer(String)

    public var description: String {
        switch self {
        case .unknownAgent(let made): "\(made): the agent is unknown"
        case .inactiveAgent(let made): "\(made): the agent is not active"
        case .notHungry(let made): "\(made): the framework is inactive, not subscribed or suppressed in this role"
        case .overAllocated(let made, let free): "\(made): only \(free) was free"
        case .notEntitled(let made, let entitled): "\(made): it may only use \(entitled)"
        case .notWhole(let made, let expected): "\(made): expected everything it can use, \(expected)"
        case .agentHasGPUs(let made): "\(made): the agent has GPUs and the framework cannot use them"
        case .otherRegion(let made): "\(made): the agent is in another region and the framework cannot use it"
        case .againstConstraints(let made): "\(made): the framework's constraints exclude the agent"
        case .belowMinimum(let made): "\(made): less than the minimum worth offering"
        case .filtered(let made, let refused): "\(made): it has refused \(refused) there"
        case .outOfTurn(let made, let before): "\(made): it was the turn of \(before)"
        case .overLimit(let made, let name): "\(made): the role may not have so much of \(name)"
        case .headroomTaken(let made, let name): "\(made): other roles are guaranteed some of this \(name)"
        case .guaranteePassedOver(let made, let client): "\(made): \(client) is still below its guarantee"
        case .leftOver(let agent, let takers, let resources): "\(agent): \(takers) could have had \(resources)"
        case .whilePaused: "something was allocated while allocations were paused"
        case .sumsDiffer(let what): "sums differ: \(what)"
        }
    }
}

public struct AllocationAudit: Sendable {
    private let settings: AllocatorSettings
    private let seed: UInt64
    var state: AllocatorSnapshot
    /// Sums for the quotas in the present state; empty without quotas.
    var quotaSums = QuotaSums()
    /// Until the first allocation that brings no role nearer to its guarantee.
    private var servesGuarantees = true
    /// Who has a part of which agent, if offers are split.
    private var parts: [AgentID: Set<AllocatorSnapshot.Client>] = [:]
    private var capacity: [String: UInt128] = [:]
    private var held: [String: [String: UInt128]] = [:]
    private var found: [AllocationViolation] = []

    /// Runs one allocation and judges it.
    public static func allocate(
        _ allocator: inout Allocator, at now: Instant, seed: UInt64
    ) -> (allocations: [Allocation], violations: [AllocationViolation]) {
        let before = allocator
        let allocations = allocator.allocate(at: now, seed: seed)
        return (
            allocations, violations(before: before, allocations: allocations, after: allocator, at: now, seed: seed)
        )
    }

    /// Everything wrong with `allocations`, which turned `before` into `after`; empty if all is well.
    ///
    /// - Parameter seed: The round's. Matters only if lots decide.
    public static func violations(
        before: Allocator, allocations: [Allocation], after: Allocator, at now: Instant,
        seed: UInt64 = 0
    ) -> [AllocationViolation] {
        var audit = AllocationAudit(settings: before.settings, state: before.snapshot, at: now, seed: seed)
        for allocation in allocations { audit.judge(allocation) }
        if !before.isPaused {
            audit.judgeWhatIsLeft()
        } else if !allocations.isEmpty {
            audit.found.append(.whilePaused)
        }
        audit.judgeSums(after.snapshot)
        return audit.found + bookkeepingViolations(of: after)
    }

    private init(settings: AllocatorSettings, state: AllocatorSnapshot, at now: Instant, seed: UInt64) {
        self.settings = settings
        self.seed = seed
        self.state = state
        self.state.filters.removeAll { $0.expiry <= now }
        for agent in state.agents.values {
            for (name, amount) in Self.amounts(of: agent.total) where !settings.fairSharingExcluded.contains(name) {
                capacity[name, default: 0] += amount
            }
            for (client, resources) in agent.held { charge(resources, to: client) }
        }
        quotaSums = QuotaSums(of: self.state)
    }

    // MARK: The rules

    private mutating func judge(_ made: Allocation) {
        let client = AllocatorSnapshot.Client(framework: made.framework, role: made.role)
        guard let agent = state.agents[made.agent] else { return found.append(.unknownAgent(made)) }
        guard let standing = state.clients[client], standing.isHungry else { return found.append(.notHungry(made)) }
        if !agent.isActive { found.append(.inactiveAgent(made)) }
        let entitled = entitlement(of: client, standing, on: agent)
        if !agent.free.contains(made.resources) {
            found.append(.overAllocated(made, free: agent.free))
        } else if !entitled.contains(made.resources) {
            found.append(.notEntitled(made, entitledTo: entitled))
        } else if entitled != made.resources, settings.offerSplit == 1 || parts[made.agent]?.contains(client) == true {
            // Whoever has a part already takes all that is left, since nobody else wants it.
            found.append(.notWhole(made, expected: entitled))
        }
        if isWithheldForGPUs(agent, standing) { found.append(.agentHasGPUs(made)) }
        if isWithheldAsRemote(agent, standing) { found.append(.otherRegion(made)) }
        if standing.constraints?.admit(agent.traits) == false { found.append(.againstConstraints(made)) }
        if !isWorthOffering(made.resources, standing) { found.append(.belowMinimum(made)) }
        if let refused = refusal(of: made.resources, by: client, on: made.agent) {
            found.append(.filtered(made, refused: refused))
        }
        judgeQuotas(made, client)
        for (other, otherStanding) in state.clients.sorted(by: { $0.key < $1.key }) where other != client {
            guard let taken = canTake(other, otherStanding, made.agent, agent) else { continue }
            let (isOtherLast, isLast) = (agent.comesLast(other), agent.comesLast(client))
            guard isOtherLast != isLast ? isLast : precedes(other, client, on: made.agent) else { continue }
            if servesGuarantees, !quotaSums.helps(taken, other.role.top) { continue }
            if parts[made.agent]?.contains(other) == true, parts[made.agent]?.contains(client) != true { continue }
            found.append(.outOfTurn(made, before: "\(other)"))
        }
        if agent.comesLast(client) {
            state.agents[made.agent]?.passedOn = []
            state.agents[made.agent]?.passedOnResources = Resources()
        }
        state.agents[made.agent]?.held[client, default: Resources()] += made.resources
        charge(made.resources, to: client)
        for path in client.path { state.grants[path, default: 0] += 1 }
        if settings.offerSplit > 1, !servesGuarantees { parts[made.agent, default: []].insert(client) }
        quotaSums = QuotaSums(of: state)
    }

    /// Limits hold, guarantees can still be kept, and those below theirs are served first.
    private mutating func judgeQuotas(_ made: Allocation, _ client: AllocatorSnapshot.Client) {
        for (name, amount) in QuotaSums.unreserved(made.resources).sorted(by: { $0.key < $1.key }) {
            if !quotaSums.allowsByLimit(amount, of: name, client.role.top) { found.append(.overLimit(made, of: name)) }
            if !quotaSums.allowsByHeadroom(amount, of: name, client.role.top) {
                found.append(.headroomTaken(made, of: name))
            }
        }
        if servesGuarantees, !quotaSums.helps(made.resources, client.role.top) {
            servesGuarantees = false
            for (id, agent) in state.agents.sorted(by: { $0.key < $1.key }) {
                for (other, standing) in state.clients.sorted(by: { $0.key < $1.key }) {
                    guard let taken = canTake(other, standing, id, agent), quotaSums.helps(taken, other.role.top) else {
                        continue
                    }
                    found.append(.guaranteePassedOver(made, for: "\(other)"))
                }
            }
        }
    }

    /// Nothing may stay idle that somebody would take.
    private mutating func judgeWhatIsLeft() {
        for (id, agent) in state.agents.sorted(by: { $0.key < $1.key }) {
            for (client, standing) in state.clients.sorted(by: { $0.key < $1.key }) {
                guard let resources = canTake(client, standing, id, agent) else { continue }
                found.append(.leftOver(agent: id, takers: "\(client)", resources: resources))
            }
        }
    }

    private mutating func judgeSums(_ after: AllocatorSnapshot) {
        for (id, agent) in state.agents.sorted(by: { $0.key < $1.key }) where after.agents[id] != agent {
            found.append(.sumsDiffer("agent \(id) should be \(agent), is \(String(describing: after.agents[id]))"))
        }
        if after.agents.count != state.agents.count { found.append(.sumsDiffer("agents came or went")) }
        if after.clients != state.clients { found.append(.sumsDiffer("clients changed")) }
        if after.grants != state.grants { found.append(.sumsDiffer("allocations were miscounted")) }
        if after.filters != state.filters { found.append(.sumsDiffer("filters changed")) }
    }

    private func canTake(
        _ client: AllocatorSnapshot.Client, _ standing: AllocatorSnapshot.Standing, _ id: AgentID,
        _ agent: AllocatorSnapshot.Agent
    ) -> Resources? {
        guard standing.isHungry, agent.isActive, !isWithheldForGPUs(agent, standing),
            !isWithheldAsRemote(agent, standing), standing.constraints?.admit(agent.traits) != false
        else { return nil }
        let entitled = entitlement(of: client, standing, on: agent)
        guard isWorthOffering(entitled, standing), refusal(of: entitled, by: client, on: id) == nil else { return nil }
        return entitled
    }

    private func entitlement(
        of client: AllocatorSnapshot.Client, _ standing: AllocatorSnapshot.Standing, on agent: AllocatorSnapshot.Agent
    ) -> Resources {
        let usable = agent.free.entries.filter { entry in
            (!entry.isRevocable || standing.canUseRevocable) && (!entry.isShared || standing.canUseShared)
                && (entry.reservations.count < 2 || standing.canUseRefinements)
                && (entry.role.map { ([client.role] + client.role.ancestors).contains($0) } ?? true)
        }
        return quotaSums.cut(usable, client.role.top)
    }

    private func isWithheldForGPUs(
        _ agent: AllocatorSnapshot.Agent, _ standing: AllocatorSnapshot.Standing
    ) -> Bool {
        settings.filtersGPUs && !agent.total["gpus"].isZero && !standing.canUseGPUs
    }

    private func isWithheldAsRemote(
        _ agent: AllocatorSnapshot.Agent, _ standing: AllocatorSnapshot.Standing
    ) -> Bool {
        guard let region = agent.traits.region, let mine = settings.region else { return false }
        return region != mine && !standing.canUseOtherRegions
    }

    private func isWorthOffering(_ resources: Resources, _ standing: AllocatorSnapshot.Standing) -> Bool {
        let alternatives = standing.minAllocatable ?? settings.minAllocatable
        if resources.isEmpty || alternatives.isEmpty { return !resources.isEmpty }
        return alternatives.contains { minimum in
            !minimum.scalars.contains { resources[$0.name] < $0.value }
        }
    }

    private func refusal(
        of resources: Resources, by client: AllocatorSnapshot.Client, on agent: AgentID
    ) -> Resources? {
        state.filters.first { $0.client == client && $0.agent == agent && $0.refused.contains(resources) }?.refused
    }

    // MARK: Whose turn it is

    private func precedes(
        _ left: AllocatorSnapshot.Client, _ right: AllocatorSnapshot.Client, on agent: AgentID
    ) -> Bool {
        // Both paths share their beginning; what differs first are siblings.
        for (mine, theirs) in zip(left.path, right.path) where mine != theirs {
            let areFrameworks = mine == left.path.last
            if (areFrameworks ? settings.frameworkSorter : settings.roleSorter) == .random {
                let (lot, otherLot) = (self.lot(of: mine, on: agent), self.lot(of: theirs, on: agent))
                if lot != otherLot { return lot < otherLot }
                return Self.lastComponent(mine, of: left) < Self.lastComponent(theirs, of: right)
            }
            let order = share(of: mine).compare(to: share(of: theirs))
            if order != 0 { return order < 0 }
            let (made, otherMade) = (state.grants[mine, default: 0], state.grants[theirs, default: 0])
            if made != otherMade { return made < otherMade }
            return Self.lastComponent(mine, of: left) < Self.lastComponent(theirs, of: right)
        }
        return false
    }

    private func lot(of path: String, on agent: AgentID) -> Double {
        Allocator.lot(of: path, weight: weight(of: path), agent: agent, seed: seed, settings: settings)
    }

    private func weight(of path: String) -> Weight { state.weights.first { $0.key.value == path }?.value ?? .one }

    /// A path's name among its siblings; framework ids may contain slashes of their own.
    private static func lastComponent(_ path: String, of client: AllocatorSnapshot.Client) -> String {
        if path == client.path.last { return client.framework.value }
        return path.split(separator: "/").last.map(String.init) ?? path
    }

    /// The dominant share of everything below a path over its weight.
    private func share(of path: String) -> ExactFraction {
        var largest = ExactFraction(0, over: 1)
        let weight = weight(of: path)
        for (name, amount) in held[path] ?? [:] {
            guard let total = capacity[name], total > 0 else { continue }
            let fraction = ExactFraction(amount * 1_000_000, over: total * UInt128(UInt64(weight.micro)))
            if fraction.compare(to: largest) > 0 { largest = fraction }
        }
        return largest
    }

    private mutating func charge(_ resources: Resources, to client: AllocatorSnapshot.Client) {
        for (name, amount) in Self.amounts(of: resources) {
            for path in client.path { held[path, default: [:]][name, default: 0] += amount }
        }
    }

    private static func amounts(of resources: Resources) -> [(String, UInt128)] {
        var result: [(String, UInt128)] = resources.entries.compactMap { entry in
            guard case .scalar(let value) = entry.value else { return nil }
            return (entry.name, UInt128(UInt64(value.milli)))
        }
        let ports = resources.entries.filter { $0.name == "ports" }.reduce(0) { sum, entry in
            guard case .ranges(let ranges) = entry.value else { return sum }
            return sum + ranges.intersection(Ranges([0...65_535])).count
        }
        result.append(("ports", UInt128(ports)))
        return result
    }
}
