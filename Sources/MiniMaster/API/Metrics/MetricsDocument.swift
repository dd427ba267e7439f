// What a master's figures are read from, and the documents made of them.
import MesosProtocol
import Metrics
import Resources

/// One look at a master for all of its figures.
struct MetricsDocument: Sendable {
    let core: MasterCore
    let now: Moment
    let facts: MasterFacts
    let inboxDepth: Int
    let timers: MasterTimers?
    let machine = MachineFigures.now()
    /// Nil unless this master leads.
    let cluster: ClusterReading?

    init(snapshot: MasterSnapshot, facts: MasterFacts, inboxDepth: Int, timers: MasterTimers? = nil) {
        core = snapshot.core
        now = snapshot.now
        self.facts = facts
        self.inboxDepth = inboxDepth
        self.timers = timers
        cluster = snapshot.core.cluster.map { ClusterReading($0) }
    }

    /// The answer of `/metrics/snapshot`: one flat object of numbers under the names of Apache Mesos, sorted.
    func bytes() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, value) in sorted { json.member(name, value) }
        }
        return json.bytes
    }

    /// Every metric that Apache Mesos has a name for, sorted by name.
    var sorted: [(name: String, value: Double)] { MasterMetrics.catalog.mesos(self) }

    /// The answer of `/metrics`.
    func prometheus() -> String { MasterMetrics.catalog.prometheus(self, knowsCluster: cluster != nil) }

    func counter(_ name: String) -> Double { Double(core.counters[name]) }
}

/// Sums over the cluster, computed once for one answer.
struct ClusterReading: Sendable {
    /// Numbers of agents that have registered under this leader, and of those it waits for no more.
    struct Agents: Sendable {
        var connected = 0
        var disconnected = 0
        var active = 0
        var inactive = 0
        var unreachable = 0
        var stalled = 0
    }

    let cluster: Cluster
    let figures: ClusterFigures
    let roles: [RoleFigures.Row]
    let offered: Resources
    private(set) var agents = Agents()
    /// What agents that get offers have free, by whom it is reserved for; nil: for nobody.
    private var free: [RoleName?: [String: Double]] = [:]

    init(_ cluster: Cluster) {
        self.cluster = cluster
        figures = ClusterFigures(cluster)
        roles = RoleFigures(cluster, figures).rows
        offered = cluster.offers.all.reduce(into: Resources()) { $0 += $1.resources }
        agents.unreachable = cluster.registry.unreachable.count
        for agent in cluster.agents.all where !agent.isRecovered {
            let isActive = agent.isConnected && !cluster.isDeactivated(agent.id)
            if agent.isConnected { agents.connected += 1 } else { agents.disconnected += 1 }
            if isActive { agents.active += 1 } else { agents.inactive += 1 }
            if agent.stall != nil { agents.stalled += 1 }
            if isActive, agent.stall == nil { addFree(of: agent) }
        }
    }

    private mutating func addFree(of agent: Agent) {
        let used = figures.used(on: agent.id).total
        let roles: [RoleName?] = [nil] + agent.total.reservedRoles
        for role in roles {
            let total = role.map { agent.total.reserved(for: $0).flattened } ?? agent.total.unreserved
            let taken = role.map { used.reserved(for: $0).flattened } ?? used.unreserved
            for resource in MeasuredResource.allCases {
                let name = resource.mesosName
                let left = total.nonRevocable[name].doubleValue - taken.nonRevocable[name].doubleValue
                free[role, default: [:]][name, default: 0] += max(0, left)
            }
        }
    }

    /// What a role could be offered: what is reserved for nobody, for it, or for a role above it, and in use by nobody.
    func obtainable(_ resource: MeasuredResource, by role: RoleName) -> Double {
        let owners: [RoleName?] = [nil, role] + role.ancestors
        return owners.reduce(0) { $0 + (free[$1]?[resource.mesosName] ?? 0) }
    }

    /// Frameworks of the role that would take offers.
    func wanting(_ role: RoleName) -> Int {
        cluster.frameworks.all.count {
            $0.isConnected && $0.roles.contains(role) && !$0.suppressed.contains(role)
        }
    }
}

/// The resources that have figures of their own.
enum MeasuredResource: String, CaseIterable, Sendable {
    case cpus, gpus, memory, disk

    /// In resource strings and in Mesos's names.
    var mesosName: String { self == .memory ? "mem" : rawValue }
    /// Mesos counts memory and disk in MiB.
    var scale: Double { self == .memory || self == .disk ? 1_048_576 : 1 }
    /// How sentences speak of it.
    var words: String {
        switch self {
        case .cpus: "CPUs"
        case .gpus: "GPUs"
        case .memory: "Bytes of memory"
        case .disk: "Bytes of disk"
        }
    }

    /// `memory_used_bytes` of `used`.
    func metricName(_ kind: String) -> String {
        let stem = kind.isEmpty ? rawValue : "\(rawValue)_\(kind)"
        return scale == 1 ? stem : "\(stem)_bytes"
    }
}
