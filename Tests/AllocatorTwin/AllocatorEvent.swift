// What can happen to an allocator, as values: applied to the real one and to its slow twin, and drawn from a seed.

import Allocator
import SimKit
import Resources

enum AllocatorEvent {
    case agentAdded(AgentID, Resources, AgentTraits)
    case agentUpdated(AgentID, Resources, AgentTraits?)
    case agentRemoved(AgentID)
    case agentActivityChanged(AgentID, Bool)
    case frameworkAdded(FrameworkID, ReferenceAllocator.Framework)
    case frameworkRemoved(FrameworkID)
    case frameworkActivated(FrameworkID)
    case frameworkDeactivated(FrameworkID)
    case suppressed(FrameworkID, Set<RoleName>)
    case revived(FrameworkID, Set<RoleName>)
    case weightSet(RoleName, Weight)
    case charged(ReferenceAllocator.Holder, Resources)
    case recovered(ReferenceAllocator.Holder, Resources, filter: Duration?)
    case quotaSet(RoleName, Quota?)
    case converted(ReferenceAllocator.Holder, from: Resources, to: Resources)
    case convertedFree(AgentID, from: Resources, to: Resources)
    case whitelisted(Set<String>?)
    case paused(Bool)
}

extension Allocator {
    mutating func apply(_ event: AllocatorEvent, at now: Instant) {
        switch event {
        case .agentAdded(let id, let total, let traits):
            addAgent(id, total: total, traits: traits, at: Moment(instant: now, wall: WallTime(nanoseconds: 0)))
        case .agentUpdated(let id, let total, let traits): updateAgent(id, total: total, traits: traits)
        case .agentRemoved(let id): removeAgent(id)
        case .agentActivityChanged(let id, let isActive): setAgentActive(id, isActive)
        case .frameworkAdded(let id, let new):
            addFramework(
                id, roles: Array(new.roles), suppressed: new.suppressed, active: new.isActive,
                canUseGPUs: new.canUseGPUs, canUseRevocable: new.canUseRevocable,
                canUseOtherRegions: new.canUseOtherRegions, constraints: new.constraints, minAllocatable: new.minimums)
        case .frameworkRemoved(let id): removeFramework(id)
        case .frameworkActivated(let id): activateFramework(id)
        case .frameworkDeactivated(let id): deactivateFramework(id)
        case .suppressed(let id, let roles): suppress(id, roles: roles)
        case .revived(let id, let roles): revive(id, roles: roles)
        case .weightSet(let role, let weight): setWeight(role, weight)
        case .charged(let holder, let resources):
            charge(holder.framework, role: holder.role, agent: holder.agent, resources: resources)
        case .recovered(let holder, let resources, let filter):
            recover(
                holder.framework, role: holder.role, agent: holder.agent, resources: resources, filter: filter,
                at: now)
        case .quotaSet(let role, let quota): setQuota(role, quota)
        case .converted(let holder, let from, let to):
            convert(holder.framework, role: holder.role, agent: holder.agent, from: from, to: to)
        case .convertedFree(let agent, let from, let to): convertFree(agent: agent, from: from, to: to)
        case .whitelisted(let hostnames): setWhitelist(hostnames)
        case .paused(let isPaused): if isPaused { pause() } else { resume() }
        }
    }
}

/// Draws events that could happen, given what the twin knows.
struct EventSource {
    var random: SeededRandom
    let agents: [AgentID]
    let frameworks: [FrameworkID]
    let roles: [RoleName]
    /// Percent of agents with something besides plain unreserved resources.
    let oddity: Int
    /// Percent of events that set a quota.
    let quotas: Int
    /// Percent of frameworks and events that are about constraints, minimums, regions, the whitelist or a pause.
    let rules: Int

    init(seed: UInt64) throws {
        random = SeededRandom(seed: seed)
        agents = (0..<Int.random(in: 1...5, using: &random)).map { AgentID("a\($0)") }
        frameworks = (0..<Int.random(in: 1...5, using: &random)).map { FrameworkID("f\($0)") }
        var roles: [RoleName] = []
        for name in ["*", "eng", "eng/ci", "eng/ci/night", "eng/dev", "ops"].shuffled(using: &random) {
            roles.append(try RoleName(name))
        }
        self.roles = Array(roles.prefix(Int.random(in: 1...5, using: &random)))
        oddity = [0, 0, 30, 70][Int.random(in: 0..<4, using: &random)]
        rules = [0, 0, 15, 40][Int.random(in: 0..<4, using: &random)]
        quotas = [0, 5, 15][Int.random(in: 0..<3, using: &random)]
    }

    mutating func next(given twin: ReferenceAllocator) -> AllocatorEvent {
        let framework = pick(frameworks)
        if random.chance(quotas), let event = quotaSet() { return event }
        if random.chance(oddity / 5), let event = random.chance(50) ? conversion(twin) : freeConversion(twin) {
            return event
        }
        if random.chance(rules / 5) {
            if random.chance(30) { return .paused(random.chance(40)) }
            return .whitelisted(
                random.chance(50) ? nil : Set(agents.map { "h\($0)" }.filter { _ in random.chance(70) }))
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<14: return .agentAdded(pick(agents), agentTotal(), traits(of: pick(agents)))
        case 14..<17:
            return .agentUpdated(pick(agents), agentTotal(), random.chance(50) ? nil : traits(of: pick(agents)))
        case 17..<20: return .agentRemoved(pick(agents))
        case 20..<24: return .agentActivityChanged(pick(agents), random.chance(70))
        case 24..<38: return .frameworkAdded(framework, frameworkShape())
        case 38..<40: return .frameworkRemoved(framework)
        case 40..<43: return .frameworkActivated(framework)
        case 43..<45: return .frameworkDeactivated(framework)
        case 45..<48: return .suppressed(framework, someRoles(of: framework, twin))
        case 48..<53: return .revived(framework, someRoles(of: framework, twin))
        case 53..<56: return .weightSet(pick(roles), Weight([0.5, 2, 3, 0.333333][pickIndex(4)]) ?? .one)
        case 56..<60: return charge(twin)
        default: return recovery(twin) ?? .agentAdded(pick(agents), agentTotal(), traits(of: pick(agents)))
        }
    }

    private mutating func frameworkShape() -> ReferenceAllocator.Framework {
        var shape = ReferenceAllocator.Framework()
        shape.roles = Set(roles.filter { _ in random.chance(45) })
        if shape.roles.isEmpty, random.chance(90) { shape.roles = [pick(roles)] }
        shape.suppressed = random.chance(15) ? Set(shape.roles.sorted().filter { _ in random.chance(50) }) : []
        shape.isActive = random.chance(90)
        shape.canUseGPUs = random.chance(40)
        shape.canUseRevocable = random.chance(40)
        shape.canUseOtherRegions = random.chance(40)
        for role in shape.roles.sorted() where random.chance(rules) {
            if random.chance(60) { shape.constraints[role] = try? OfferConstraints(groups: [group(), group()]) }
            if random.chance(60) { shape.minimums[role] = [[], [Resources(cpus: Scalar(milli: 1_500))]][pickIndex(2)] }
        }
        return shape
    }

    private mutating func traits(of agent: AgentID) -> AgentTraits {
        var traits = AgentTraits(hostname: "h\(agent)")
        if !random.chance(rules) { return traits }
        if random.chance(50) { traits.region = ["here", "there"][pickIndex(2)] }
        if random.chance(50) { traits.zone = ["z1", "z2"][pickIndex(2)] }
        for _ in 0..<pickIndex(3) {
            let name = ["rack", "level"][pickIndex(2)]
            traits.attributes.append(.init(name: name, text: ["r1", "r2"][pickIndex(2)], isText: random.chance(70)))
        }
        return traits
    }

    private mutating func group() -> OfferConstraints.Group {
        var constraints: [AttributeConstraint] = []
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let selectors: [AttributeConstraint.Selector] = [
                .hostname, .region, .zone, .attribute("rack"), .attribute("level"),
            ]
            let text = ["r1", "r2", "here", "z1", "ha0"][pickIndex(5)]
            let pattern = TextPattern("\(text)|z2") { $0 == text || $0 == "z2" }
            let predicates: [AttributeConstraint.Predicate] = [
                .exists, .notExists, .textEquals(text), .textNotEquals(text), .textMatches(pattern),
                .textNotMatches(pattern),
            ]
            constraints.append(AttributeConstraint(selectors[pickIndex(5)], predicates[pickIndex(6)]))
        }
        return OfferConstraints.Group(constraints)
    }

    private mutating func agentTotal() -> Resources {
        var entries: [ResourceEntry] = []
        let steps: [(String, Int64)] = [("cpus", 500), ("mem", 16_000), ("disk", 1_000)]
        for (name, step) in steps where random.chance(90) {
            entries.append(ResourceEntry(name: name, value: .scalar(amount(upTo: 6, step))))
        }
        if random.chance(40) { entries.append(ResourceEntry(name: "ports", value: .ranges(Ranges([1...9])))) }
        guard random.chance(oddity) else { return Resources(entries: entries) }
        for (index, role) in roles.enumerated() where random.chance(40) && role != .any {
            let reservations = [Reservation(kind: .static, role: role)]
            entries.append(
                ResourceEntry(name: "cpus", value: .scalar(amount(upTo: 3, 500)), reservations: reservations))
            if random.chance(30) {
                let first = UInt64(20 + 3 * index)
                let ports = ResourceValue.ranges(Ranges([first...(first + 2)]))
                entries.append(ResourceEntry(name: "ports", value: ports, reservations: reservations))
            }
        }
        if random.chance(20) { entries.append(ResourceEntry(name: "gpus", value: .scalar(Scalar(units: 1)))) }
        if random.chance(20) { entries.append(ResourceEntry(name: "licenses", value: .scalar(amount(upTo: 3, 1_000)))) }
        if random.chance(20) {
            entries.append(ResourceEntry(name: "cpus", value: .scalar(amount(upTo: 4, 500)), isRevocable: true))
        }
        return Resources(entries: entries)
    }

    private mutating func charge(_ twin: ReferenceAllocator) -> AllocatorEvent {
        let holder = ReferenceAllocator.Holder(framework: pick(frameworks), role: pick(roles), agent: pick(agents))
        return .charged(holder, Resources(cpus: amount(upTo: 3, 250), mem: amount(upTo: 3, 8_000)))
    }

    /// Some of what somebody holds comes back.
    private mutating func recovery(_ twin: ReferenceAllocator) -> AllocatorEvent? {
        let holders = twin.held.sorted { left, right in
            (left.key.agent, left.key.role, left.key.framework)
                < (right.key.agent, right.key.role, right.key.framework)
        }
        if holders.isEmpty { return nil }
        let (holder, resources) = holders[pickIndex(holders.count)]
        let filter: Duration? = random.chance(60) ? .milliseconds([0, 1_000, 2_500, 5_000, 60_000][pickIndex(5)]) : nil
        return .recovered(holder, random.chance(60) ? resources : part(of: resources), filter: filter)
    }

    private mutating func quotaSet() -> AllocatorEvent? {
        guard
            let role = Set(roles.filter { $0 != .any }.map { $0.ancestors.first ?? $0 }).sorted().randomElement(
                using: &random)
        else { return nil }
        if random.chance(15) { return .quotaSet(role, nil) }
        var quota = Quota()
        for (name, step) in [("cpus", Int64(500)), ("mem", 16_000), ("licenses", 1_000)] {
            if random.chance(40) { quota.guarantees[name] = amount(upTo: 10, step) }
            if random.chance(30) {
                quota.limits[name] = (quota.guarantees[name] ?? .zero) + amount(upTo: 8, step) - Scalar(milli: step)
            }
        }
        return .quotaSet(role, quota)
    }

    /// Somebody reserves some of what it holds for its role, or gives such a reservation up.
    private mutating func conversion(_ twin: ReferenceAllocator) -> AllocatorEvent? {
        let holders = twin.held.sorted { left, right in
            (left.key.agent, left.key.role, left.key.framework)
                < (right.key.agent, right.key.role, right.key.framework)
        }
        if holders.isEmpty { return nil }
        let (holder, resources) = holders[pickIndex(holders.count)]
        guard let (from, to) = reservation(of: resources, for: holder.role) else { return nil }
        return .converted(holder, from: from, to: to)
    }

    private mutating func freeConversion(_ twin: ReferenceAllocator) -> AllocatorEvent? {
        let agent = pick(agents)
        let role = pick(roles)
        guard let free = twin.free(on: agent), let (from, to) = reservation(of: free, for: role) else { return nil }
        return .convertedFree(agent, from: from, to: to)
    }

    private mutating func reservation(of resources: Resources, for role: RoleName) -> (Resources, Resources)? {
        if role == .any || resources.isEmpty { return nil }
        let mine = [Reservation(kind: .dynamic, role: role)]
        let before = random.chance(60) ? [] : mine
        let entries = part(of: resources).entries.filter { $0.reservations == before && !$0.isRevocable }
        if entries.isEmpty { return nil }
        let converted = entries.map { entry in
            ResourceEntry(name: entry.name, value: entry.value, reservations: before.isEmpty ? mine : [])
        }
        return (Resources(entries: entries), Resources(entries: converted))
    }

    private mutating func part(of resources: Resources) -> Resources {
        var entries: [ResourceEntry] = []
        for entry in resources.entries where random.chance(60) {
            switch entry.value {
            case .scalar(let scalar):
                let piece = Scalar(milli: scalar.milli / Int64(Int.random(in: 1...3, using: &random)))
                entries.append(ResourceEntry(key: entry.key, value: .scalar(piece)))
            case .ranges(let ranges):
                let piece = ranges.lowest(Int.random(in: 1...ranges.count, using: &random)) ?? ranges
                entries.append(ResourceEntry(key: entry.key, value: .ranges(piece)))
            case .set:
                entries.append(entry)
            }
        }
        let part = Resources(entries: entries)
        return part.isEmpty ? resources : part
    }

    private mutating func someRoles(of framework: FrameworkID, _ twin: ReferenceAllocator) -> Set<RoleName> {
        guard let subscribed = twin.frameworks[framework]?.roles.sorted(), !subscribed.isEmpty, random.chance(60) else {
            return []
        }
        return [subscribed[pickIndex(subscribed.count)]]
    }

    private mutating func amount(upTo count: Int, _ stepMilli: Int64) -> Scalar {
        Scalar(milli: Int64(Int.random(in: 1...count, using: &random)) * stepMilli)
    }

    private mutating func pickIndex(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private mutating func pick<Element>(_ list: [Element]) -> Element { list[pickIndex(list.count)] }
}
