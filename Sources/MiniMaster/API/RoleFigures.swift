// What each role has: weight, quota, resources, frameworks. For /roles and GET_ROLES.
import Allocator
import MesosProtocol
import Resources

struct RoleFigures {
    struct Row {
        var role: RoleName
        var weight: Double
        /// Used by tasks of the role's frameworks, reserved or not.
        var allocated = Resources()
        var offered = Resources()
        /// Reserved for exactly this role on any agent, in use or not.
        var reserved = Resources()
        /// What counts against the quota: all reservations, and what is used beyond them, with those of roles below.
        var consumed = Resources()
        var guarantee: [String: Double] = [:]
        var limit: [String: Double] = [:]
        var frameworks: [FrameworkID] = []
    }

    /// Every known role, sorted by name.
    let rows: [Row]

    /// A role is known while it has frameworks, allocations, reservations, a weight or a quota; so are those above it.
    init(_ cluster: Cluster, _ figures: ClusterFigures) {
        let used = figures.usedByRole
        let offered = figures.offeredByRole
        var reserved: [RoleName: Resources] = [:]
        for agent in cluster.agents.all where agent.isConnected {
            for role in agent.total.reservedRoles {
                reserved[role, default: Resources()] += agent.total.reserved(for: role).flattened
            }
        }
        var members: [RoleName: [FrameworkID]] = [:]
        for framework in cluster.frameworks.all {
            for role in framework.roles { members[role, default: []].append(framework.id) }
        }
        let weights = Dictionary(uniqueKeysWithValues: RegistryViews.weights(cluster).map { ($0.role, $0.weight) })
        let quotas = RegistryViews.quotas(cluster)
        var known = Set(used.keys).union(offered.keys).union(reserved.keys).union(members.keys).union(weights.keys)
        known.formUnion(quotas.keys)
        for role in known { known.formUnion(role.ancestors) }

        var consumed: [RoleName: Resources] = [:]
        for role in known {
            var own = reserved[role] ?? Resources()
            own += (used[role] ?? Resources()).unreserved
            for above in [role] + role.ancestors { consumed[above, default: Resources()] += own }
        }
        rows = known.sorted().map { role in
            var row = Row(role: role, weight: weights[role] ?? 1)
            row.allocated = used[role] ?? Resources()
            row.offered = offered[role] ?? Resources()
            row.reserved = reserved[role] ?? Resources()
            row.consumed = consumed[role] ?? Resources()
            row.guarantee = quotas[role]?.guarantee ?? [:]
            row.limit = quotas[role]?.limit ?? [:]
            row.frameworks = members[role] ?? []
            return row
        }
    }
}
