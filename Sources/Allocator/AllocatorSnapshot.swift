/// Everything an allocation depends on, in plain dictionaries by id: for audits, tests and explanations.

import Resources

package struct AllocatorSnapshot: Equatable, Sendable {
    /// A framework in one of its roles.
    package struct Client: Hashable, Comparable, Sendable, CustomStringConvertible {
        package var framework: FrameworkID
        package var role: RoleName

        package init(framework: FrameworkID, role: RoleName) {
            self.framework = framework
            self.role = role
        }

        package var description: String { "\(framework) in \(role)" }

        package static func < (left: Client, right: Client) -> Bool {
            left.role != right.role ? left.role < right.role : left.framework < right.framework
        }

        /// The nodes from the top of the role tree down to this client, each named by its whole path.
        package var path: [String] {
            (role.ancestors + [role]).map(\.value) + ["\(role)/.", "\(role)/./\(framework)"]
        }
    }

    package struct Agent: Equatable, Sendable {
        /// Active and whitelisted.
        package var isActive: Bool
        package var traits: AgentTraits
        package var total: Resources
        package var held: [Client: Resources]
        /// Those who gave back what is free since everybody had it, and how much at most.
        package var passedOn: Set<Client>
        package var passedOnResources: Resources

        /// Whether a client comes after those who did not refuse what is free.
        package func comesLast(_ client: Client) -> Bool {
            passedOn.contains(client) && passedOnResources.contains(free)
        }

        package var free: Resources {
            total.without(held.values.reduce(into: Resources()) { $0 += $1 })
        }
    }

    package struct Standing: Equatable, Sendable {
        package var isHungry: Bool
        package var canUseGPUs: Bool
        package var canUseRevocable: Bool
        package var canUseShared: Bool
        package var canUseRefinements: Bool
        package var canUseOtherRegions: Bool
        package var constraints: OfferConstraints?
        /// Its own minimum, instead of the settings'.
        package var minAllocatable: [Resources]?
    }

    package struct Filter: Equatable, Sendable {
        package var client: Client
        package var agent: AgentID
        package var refused: Resources
        package var expiry: Instant
    }

    package var agents: [AgentID: Agent] = [:]
    package var clients: [Client: Standing] = [:]
    package var weights: [RoleName: Weight] = [:]
    package var quotas: [RoleName: Quota] = [:]
    /// In the order they were installed.
    package var filters: [Filter] = []
    /// Allocations made so far, by path.
    package var grants: [String: Int] = [:]
}

extension Allocator {
    package var snapshot: AllocatorSnapshot {
        var snapshot = AllocatorSnapshot()
        snapshot.weights = weights
        snapshot.quotas = quotas.quotas
        let clients = frameworks.occupied.flatMap { frameworks.values[$0.slot].clients.values }
            .map { (serial: tree[client: $0].serial, name: name(of: $0)) }
        for (id, slot) in agents.occupied {
            let agent = agents.values[slot]
            var held: [AllocatorSnapshot.Client: Resources] = [:]
            for holding in agent.holdings { held[name(of: holding.client)] = holding.resources }
            let passedOn =
                agent.passedOn.isEmpty ? [] : clients.filter { agent.passedOn.contains($0.serial) }.map(\.name)
            snapshot.agents[id] = .init(
                isActive: agent.isOfferable, traits: agent.traits, total: agent.total, held: held,
                passedOn: Set(passedOn), passedOnResources: agent.passedOn.refused)
        }
        for (_, slot) in frameworks.occupied {
            let framework = frameworks.values[slot]
            for client in framework.clients.values {
                let name = name(of: client)
                snapshot.clients[name] = .init(
                    isHungry: tree[client: client].isHungry, canUseGPUs: framework.abilities.contains(.gpus),
                    canUseRevocable: framework.abilities.contains(.revocable),
                    canUseShared: framework.abilities.contains(.shared),
                    canUseRefinements: framework.abilities.contains(.refinedReservations),
                    canUseOtherRegions: framework.abilities.contains(.otherRegions),
                    constraints: rules[client]?.constraints, minAllocatable: rules[client]?.minAllocatable)
                for (path, node) in zip(name.path, nodes(above: client)) {
                    snapshot.grants[path] = tree.nodes[node].grants
                }
            }
        }
        snapshot.filters = filters.all.map { pair, filter in
            .init(
                client: name(of: pair.client), agent: agents.values[pair.agent].id, refused: filter.refused,
                expiry: filter.expiry)
        }
        return snapshot
    }

    func name(of client: Int) -> AllocatorSnapshot.Client {
        .init(framework: frameworks.values[tree.framework(of: client)].id, role: tree.role(of: client))
    }

    /// From the top of the tree down to the client itself.
    func nodes(above client: Int) -> [Int] {
        var path: [Int] = []
        var index = client
        while index != RoleTree.root {
            path.append(index)
            index = tree.nodes[index].parent
        }
        return path.reversed()
    }
}
