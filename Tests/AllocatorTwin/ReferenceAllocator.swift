/// The slow, obviously right twin of `Allocator`: plain dictionaries, everything worked out anew at every step.

import Allocator
import Resources

struct ReferenceAllocator {
    struct Agent {
        var total: Resources
        var isActive = true
        var traits = AgentTraits()
        /// Who gave back what is free since everybody had it, and how much of it at most.
        var passedOn: Set<Client> = []
        var passedOnResources = Resources()
    }
    struct Framework {
        var roles: Set<RoleName> = []
        var suppressed: Set<RoleName> = []
        var isActive = false
        var canUseGPUs = false
        var canUseRevocable = false
        var canUseOtherRegions = false
        var constraints: [RoleName: OfferConstraints] = [:]
        var minimums: [RoleName: [Resources]] = [:]
    }
    struct Holder: Hashable {
        var framework: FrameworkID
        var role: RoleName
        var agent: AgentID
    }
    struct Filter {
        var holder: Holder
        var refused: Resources
        var expiry: Instant
    }
    struct Client: Hashable {
        var framework: FrameworkID
        var role: RoleName
        var path: [String] { role.components + [".", framework.value] }
    }

    var settings: AllocatorSettings
    var agents: [AgentID: Agent] = [:]
    var frameworks: [FrameworkID: Framework] = [:]
    var held: [Holder: Resources] = [:]
    var filters: [Filter] = []
    var weights: [RoleName: Weight] = [:]
    var quotas: [RoleName: Quota] = [:]
    var whitelist: Set<String>?
    var isPaused = false
    /// Allocations so far by path; forgotten with the last client below the path.
    var grants: [[String]: Int] = [:]

    // MARK: What happened

    mutating func apply(_ event: AllocatorEvent, at now: Instant) {
        switch event {
        case .agentAdded(let id, let total, let traits):
            if agents[id] == nil { agents[id] = Agent(total: total, traits: traits) }
            update(id, total: total, traits: traits)
        case .agentUpdated(let id, let total, let traits): update(id, total: total, traits: traits)
        case .agentRemoved(let id):
            agents[id] = nil
            held = held.filter { $0.key.agent != id }
            filters.removeAll { $0.holder.agent == id }
        case .agentActivityChanged(let id, let isActive): agents[id]?.isActive = isActive
        case .frameworkAdded(let id, let new):
            if !new.isActive { filters.removeAll { $0.holder.framework == id } }
            filters.removeAll { $0.holder.framework == id && !new.roles.contains($0.holder.role) }
            frameworks[id] = new
        case .frameworkRemoved(let id):
            frameworks[id] = nil
            held = held.filter { $0.key.framework != id }
            filters.removeAll { $0.holder.framework == id }
        case .frameworkActivated(let id): frameworks[id]?.isActive = true
        case .frameworkDeactivated(let id):
            frameworks[id]?.isActive = false
            filters.removeAll { $0.holder.framework == id }
        case .suppressed(let id, let roles):
            let affected = roles.isEmpty ? frameworks[id]?.roles ?? [] : roles
            frameworks[id]?.suppressed.formUnion(affected)
        case .revived(let id, let roles):
            let affected = roles.isEmpty ? frameworks[id]?.roles ?? [] : roles
            frameworks[id]?.suppressed.subtract(affected)
            filters.removeAll { $0.holder.framework == id && affected.contains($0.holder.role) }
        case .weightSet(let role, let weight): weights[role] = weight
        case .charged(let holder, let resources):
            guard agents[holder.agent] != nil, !resources.isEmpty else { return }
            if frameworks[holder.framework] == nil { frameworks[holder.framework] = Framework() }
            held[holder, default: Resources()] += resources
        case .recovered(let holder, let resources, let filter):
            guard agents[holder.agent] != nil, let before = held[holder] else { return }
            held[holder] = before == resources ? nil : before - resources
            guard let filter, let framework = frameworks[holder.framework], framework.isActive,
                framework.roles.contains(holder.role)
            else { break }
            let expiry = now.advanced(by: max(filter, settings.allocationInterval))
            filters.append(Filter(holder: holder, refused: resources, expiry: expiry))
            guard let free = free(on: holder.agent), var agent = agents[holder.agent] else { break }
            if !agent.passedOnResources.contains(free) {
                agent.passedOn = []
                agent.passedOnResources = free
            }
            agent.passedOn.insert(Client(framework: holder.framework, role: holder.role))
            agents[holder.agent] = agent
        case .quotaSet(let role, let quota): quotas[role] = quota
        case .converted(let holder, let from, let to):
            guard let total = agents[holder.agent]?.total, let before = held[holder], before.contains(from) else {
                return
            }
            held[holder] = before - from + to
            agents[holder.agent]?.total = total.without(from) + to
        case .convertedFree(let id, let from, let to):
            guard let free = free(on: id), free.contains(from), let agent = agents[id] else { return }
            agents[id]?.total = agent.total - from + to
        case .whitelisted(let hostnames): whitelist = hostnames
        case .paused(let isPaused): self.isPaused = isPaused
        }
        forgetGrants()
    }

    private mutating func update(_ id: AgentID, total: Resources, traits: AgentTraits?) {
        agents[id]?.total = total
        guard let traits, agents[id]?.traits != traits else { return }
        agents[id]?.traits = traits
        filters.removeAll { $0.holder.agent == id }
    }

    private mutating func forgetGrants() {
        var paths: Set<[String]> = []
        for client in clients { paths.formUnion(prefixes(of: client.path)) }
        grants = grants.filter { paths.contains($0.key) }
        let known = clients
        for id in agents.keys { agents[id]?.passedOn.formIntersection(known) }
    }

    private var clients: Set<Client> {
        var result = Set(held.keys.map { Client(framework: $0.framework, role: $0.role) })
        for (id, framework) in frameworks {
            for role in framework.roles { result.insert(Client(framework: id, role: role)) }
        }
        return result
    }

    // MARK: Allocation

    mutating func allocate(at now: Instant, seed: UInt64) -> [Allocation] {
        filters.removeAll { $0.expiry <= now }
        if isPaused { return [] }
        var made: [Allocation] = []
        let order = Allocator.visitOrder(of: Array(agents.keys), seed: seed)
        for isForGuarantees in [true, false] {
            for agent in order {
                var served: [Client] = []
                while let allocation =
                    isForGuarantees
                    ? firstTake(of: agent, isForGuarantees: true, seed) : nextPart(of: agent, &served, seed)
                {
                    made.append(allocation)
                    let holder = Holder(framework: allocation.framework, role: allocation.role, agent: agent)
                    held[holder, default: Resources()] += allocation.resources
                    let path = Client(framework: allocation.framework, role: allocation.role).path
                    for prefix in prefixes(of: path) { grants[prefix, default: 0] += 1 }
                }
            }
        }
        return made
    }

    /// With offers split in n: the first n - 1 takers get one part of n, of n - 1 and so on, if that is worth it.
    private mutating func nextPart(of agent: AgentID, _ served: inout [Client], _ seed: UInt64) -> Allocation? {
        guard var next = firstTake(of: agent, isForGuarantees: false, seed, sparing: served) else {
            return served.isEmpty ? nil : firstTake(of: agent, isForGuarantees: false, seed)
        }
        let client = Client(framework: next.framework, role: next.role)
        let count = settings.offerSplit - served.count
        if count > 1, next.resources.entries.allSatisfy({ isDivisible($0) }) {
            let part = divided(next.resources, count)
            if part["cpus"].milli >= 1_000, isWorth(part, of: agent, for: client) { next.resources = part }
        }
        served.append(client)
        return next
    }

    private func isDivisible(_ entry: ResourceEntry) -> Bool {
        ["cpus", "mem", "disk", "gpus", "ports"].contains(entry.name) && entry.reservations.isEmpty
            && !entry.isRevocable
    }

    private func divided(_ whole: Resources, _ count: Int) -> Resources {
        Resources(
            entries: whole.entries.map { entry in
                switch entry.value {
                case .scalar(let scalar):
                    let step: Int64 = entry.name == "gpus" ? 1_000 : 1
                    let milli = scalar.milli / step / Int64(count) * step
                    return ResourceEntry(name: entry.name, value: .scalar(Scalar(milli: milli)))
                case .ranges(let ranges):
                    let lowest = ranges.ranges.flatMap { Array($0) }.prefix(ranges.count / count)
                    return ResourceEntry(name: entry.name, value: .ranges(Ranges(lowest.map { $0...$0 })))
                case .set: return entry
                }
            })
    }

    func free(on agent: AgentID) -> Resources? {
        let used = held.filter { $0.key.agent == agent }.values.reduce(Resources(), +)
        return agents[agent]?.total.without(used)
    }

    private mutating func firstTake(
        of agent: AgentID, isForGuarantees: Bool, _ seed: UInt64, sparing served: [Client] = []
    ) -> Allocation? {
        guard let free = free(on: agent), !free.isEmpty else { return nil }
        let takers: [(Client, Resources)] = hungryClients.compactMap { client in
            guard !served.contains(client), let taken = take(free, of: agent, for: client) else { return nil }
            let isServed = !isForGuarantees || helps(taken, top(client.role))
            return isServed ? (client, taken) : nil
        }
        if takers.isEmpty { return nil }
        let passedOn = agents[agent].map { $0.passedOnResources.contains(free) ? $0.passedOn : [] } ?? []
        let others = takers.filter { !passedOn.contains($0.0) }
        if others.isEmpty, !passedOn.isEmpty {
            agents[agent]?.passedOn = []
            agents[agent]?.passedOnResources = Resources()
        }
        let order = ranked(
            (others.isEmpty ? takers : others).map(\.0), below: [], sums: heldByPath, totals: capacity, agent: agent,
            seed: seed)
        guard let first = order.first, let take = takers.first(where: { $0.0 == first }) else { return nil }
        return Allocation(framework: first.framework, role: first.role, agent: agent, resources: take.1)
    }

    private var hungryClients: [Client] {
        frameworks.flatMap { id, framework in
            framework.isActive
                ? framework.roles.subtracting(framework.suppressed).map { Client(framework: id, role: $0) } : []
        }
    }

    private func take(_ free: Resources, of id: AgentID, for client: Client) -> Resources? {
        guard let agent = agents[id], isOffered(agent), let framework = frameworks[client.framework] else { return nil }
        if agent.total["gpus"] > .zero, !framework.canUseGPUs { return nil }
        if agent.traits.region == "there", settings.region == "here", !framework.canUseOtherRegions { return nil }
        if let constraints = framework.constraints[client.role], !satisfies(agent.traits, constraints) { return nil }
        var usable = free.allocatable(to: client.role)
        if !framework.canUseRevocable { usable = usable.nonRevocable }
        usable = cut(usable, for: top(client.role))
        return isWorth(usable, of: id, for: client) ? usable : nil
    }

    private func isWorth(_ usable: Resources, of id: AgentID, for client: Client) -> Bool {
        if usable.isEmpty { return false }
        let minimum = frameworks[client.framework]?.minimums[client.role] ?? settings.minAllocatable
        guard minimum.isEmpty || minimum.contains(where: { usable.flattened.totals(cover: $0) }) else {
            return false
        }
        let holder = Holder(framework: client.framework, role: client.role, agent: id)
        return !filters.contains { $0.holder == holder && $0.refused.contains(usable) }
    }

    private func isOffered(_ agent: Agent) -> Bool {
        agent.isActive && (whitelist?.contains(agent.traits.hostname) ?? true)
    }

    private func satisfies(_ traits: AgentTraits, _ constraints: OfferConstraints) -> Bool {
        for group in constraints.groups {
            var isMet = true
            for constraint in group.constraints {
                var value: String?
                var isText = true
                switch constraint.selector {
                case .hostname: value = traits.hostname
                case .region: value = traits.region
                case .zone: value = traits.zone
                case .attribute(let name):
                    for attribute in traits.attributes.reversed() where attribute.name == name {
                        (value, isText) = (attribute.text, attribute.isText)
                    }
                }
                switch constraint.predicate {
                case .exists: isMet = isMet && value != nil
                case .notExists: isMet = isMet && value == nil
                case .textEquals(let text): isMet = isMet && (!isText || value == text)
                case .textNotEquals(let text): isMet = isMet && (!isText || value != text)
                case .textMatches(let pattern): isMet = isMet && (!isText || value.map(pattern.matches) == true)
                case .textNotMatches(let pattern): isMet = isMet && (!isText || value.map(pattern.matches) != true)
                }
            }
            if isMet { return true }
        }
        return false
    }

    // MARK: Quotas

    private func top(_ role: RoleName) -> RoleName { role.ancestors.first ?? role }

    private func plain(_ resources: Resources) -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for (name, value) in resources.unreserved.nonRevocable.scalars { sums[name] = value.milli }
        return sums
    }

    private func consumed(_ top: RoleName, _ name: String) -> Int64 {
        var sum: Int64 = 0
        for agent in agents.values {
            for entry in agent.total.nonRevocable.entries where entry.name == name {
                guard let role = entry.role, self.top(role) == top, case .scalar(let value) = entry.value else {
                    continue
                }
                sum += value.milli
            }
        }
        for (holder, resources) in held where self.top(holder.role) == top { sum += plain(resources)[name] ?? 0 }
        return sum
    }

    private func unmet(_ top: RoleName, _ name: String) -> Int64 {
        guard let guarantee = quotas[top]?.guarantees[name] else { return 0 }
        return max(0, guarantee.milli - consumed(top, name))
    }

    private func helps(_ taken: Resources, _ top: RoleName) -> Bool {
        quotas[top] != nil && plain(taken).contains { $0.value > 0 && unmet(top, $0.key) > 0 }
    }

    /// What the limit and others' guarantees leave of `usable`. The source of events has no indivisible disks.
    private func cut(_ usable: Resources, for top: RoleName) -> Resources {
        if quotas.isEmpty { return usable }
        var result: [ResourceEntry] = []
        for entry in usable.entries {
            guard entry.reservations.isEmpty, !entry.isRevocable, case .scalar(let value) = entry.value else {
                result.append(entry)
                continue
            }
            var room = value.milli
            if let limit = quotas[top]?.limits[entry.name] {
                room = min(room, max(0, limit.milli - consumed(top, entry.name)))
            }
            let others = quotas.keys.filter { $0 != top }.map { unmet($0, entry.name) }.reduce(0, +)
            if others > 0 {
                let available = agents.filter { isOffered($0.value) }.keys.compactMap { free(on: $0) }
                    .map { plain($0)[entry.name] ?? 0 }.reduce(0, +)
                room = min(room, max(unmet(top, entry.name), available - others))
            }
            result.append(ResourceEntry(key: entry.key, value: .scalar(Scalar(milli: max(0, room)))))
        }
        return Resources(entries: result)
    }

    // MARK: Order

    /// Sorts clients level by level: whole subtrees first, then what is inside them.
    private func ranked(
        _ clients: [Client], below prefix: [String], sums: [[String]: [String: UInt128]], totals: [String: UInt128],
        agent: AgentID, seed: UInt64
    ) -> [Client] {
        if clients.count < 2 { return clients }
        let sorter = prefix.last == "." ? settings.frameworkSorter : settings.roleSorter
        let subtrees = Dictionary(grouping: clients) { $0.path[prefix.count] }
        let names = subtrees.keys.sorted { left, right in
            let (mine, theirs) = (prefix + [left], prefix + [right])
            if sorter == .random {
                let (lot, otherLot) = (self.lot(mine, agent, seed), self.lot(theirs, agent, seed))
                return lot != otherLot ? lot < otherLot : left < right
            }
            let order = share(mine, sums, totals).compare(to: share(theirs, sums, totals))
            if order != 0 { return order < 0 }
            let (made, otherMade) = (grants[mine] ?? 0, grants[theirs] ?? 0)
            return made != otherMade ? made < otherMade : left < right
        }
        return names.flatMap { name in
            ranked(
                subtrees[name] ?? [], below: prefix + [name], sums: sums, totals: totals, agent: agent, seed: seed)
        }
    }

    private func lot(_ path: [String], _ agent: AgentID, _ seed: UInt64) -> Double {
        Allocator.lot(
            of: path.joined(separator: "/"), weight: weight(of: path), agent: agent, seed: seed, settings: settings)
    }

    private func weight(of path: [String]) -> Weight {
        path.contains(".") ? .one : weights.first { $0.key.components == path }?.value ?? .one
    }

    private func share(
        _ path: [String], _ sums: [[String]: [String: UInt128]], _ totals: [String: UInt128]
    ) -> ExactFraction {
        var largest = ExactFraction(0, over: 1)
        let weight = weight(of: path)
        for (name, amount) in sums[path] ?? [:] {
            guard let total = totals[name], total > 0 else { continue }
            let share = ExactFraction(amount * 1_000_000, over: total * UInt128(weight.micro))
            if share.compare(to: largest) > 0 { largest = share }
        }
        return largest
    }

    private var heldByPath: [[String]: [String: UInt128]] {
        var sums: [[String]: [String: UInt128]] = [:]
        for (holder, resources) in held {
            let path = Client(framework: holder.framework, role: holder.role).path
            for prefix in prefixes(of: path) {
                for (name, amount) in amounts(of: resources) { sums[prefix, default: [:]][name, default: 0] += amount }
            }
        }
        return sums
    }

    private var capacity: [String: UInt128] {
        var totals: [String: UInt128] = [:]
        for agent in agents.values {
            for (name, amount) in amounts(of: agent.total) { totals[name, default: 0] += amount }
        }
        for name in settings.fairSharingExcluded { totals[name] = nil }
        return totals
    }

    /// A port that is held under two reservations, because its agent came back with others, counts twice, as in Apache Mesos.
    private func amounts(of resources: Resources) -> [(String, UInt128)] {
        let ports = resources.entries.reduce(UInt128(0)) { count, entry in
            guard entry.name == "ports", case .ranges(let ranges) = entry.value else { return count }
            return count + UInt128(ranges.count)
        }
        return resources.scalars.map { ($0.name, UInt128($0.value.milli)) } + [("ports", ports)]
    }

    private func prefixes(of path: [String]) -> [[String]] { (1...path.count).map { Array(path.prefix($0)) } }
}

extension Resources {
    /// Whether every quantity of `minimum` is reached, whoever it is reserved for.
    fileprivate func totals(cover minimum: Resources) -> Bool {
        minimum.scalars.allSatisfy { self[$0.name] >= $0.value }
    }
}
