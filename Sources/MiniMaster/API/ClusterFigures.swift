// Sums over a cluster, computed once for one answer: who uses and who is offered how much, and how tasks stand.
import MesosProtocol
import Resources

/// Resources by the role they are allocated to.
struct Held: Sendable {
    var byRole: [RoleName: Resources] = [:]

    var total: Resources { byRole.values.reduce(into: Resources()) { $0 += $1 } }

    mutating func add(_ resources: Resources, _ role: RoleName) { byRole[role, default: Resources()] += resources }
}

/// Numbers of tasks by state, as the summary endpoint has them.
struct TaskCounts: Sendable {
    private(set) var byState: [V1TaskState: Int] = [:]

    mutating func add(_ task: TaskRecord) {
        byState[task.isUnreachable ? .taskUnreachable : task.state, default: 0] += 1
    }

    subscript(state: V1TaskState) -> Int { byState[state] ?? 0 }

    static let shown: [V1TaskState] = [
        .taskStaging, .taskStarting, .taskRunning, .taskKilling, .taskFinished, .taskKilled, .taskFailed, .taskLost,
        .taskError, .taskUnreachable,
    ]
}

struct ClusterFigures: Sendable {
    private var usedByAgent: [AgentID: Held] = [:]
    private var offeredByAgent: [AgentID: Held] = [:]
    private var usedByFramework: [FrameworkID: Held] = [:]
    private var offeredByFramework: [FrameworkID: Held] = [:]
    private(set) var countsByAgent: [AgentID: TaskCounts] = [:]
    private(set) var countsByFramework: [FrameworkID: TaskCounts] = [:]
    private(set) var frameworksByAgent: [AgentID: Set<FrameworkID>] = [:]
    private(set) var agentsByFramework: [FrameworkID: Set<AgentID>] = [:]
    private(set) var counts = TaskCounts()
    /// Resources of connected agents.
    private(set) var total = Resources()
    private(set) var used = Resources()

    init(_ cluster: Cluster) {
        var figures = Figures()
        cluster.tasks.forEach { figures.add($0) }
        usedByAgent = figures.usedByAgent
        usedByFramework = figures.usedByFramework
        countsByAgent = figures.countsByAgent
        countsByFramework = figures.countsByFramework
        frameworksByAgent = figures.frameworksByAgent
        agentsByFramework = figures.agentsByFramework
        counts = figures.counts
        used = figures.used
        for offer in cluster.offers.all {
            offeredByAgent[offer.agent, default: Held()].add(offer.resources, offer.role)
            offeredByFramework[offer.framework, default: Held()].add(offer.resources, offer.role)
        }
        for framework in cluster.frameworks.all {
            for task in framework.completedTasks {
                countsByFramework[framework.id, default: TaskCounts()].add(task)
                countsByAgent[task.agent, default: TaskCounts()].add(task)
            }
        }
        for agent in cluster.agents.all where agent.isConnected { total += agent.total }
    }

    /// The figures of a cluster as somebody sees it: what agents and roles hold is that of all, what is counted and who runs
    /// where is that of `visible`. Nil: all is seen.
    init(_ cluster: Cluster, countsOf visible: Cluster?) {
        self.init(cluster)
        guard let visible else { return }
        let seen = ClusterFigures(visible)
        countsByAgent = seen.countsByAgent
        countsByFramework = seen.countsByFramework
        frameworksByAgent = seen.frameworksByAgent
        agentsByFramework = seen.agentsByFramework
        counts = seen.counts
    }

    /// Collects what one pass over the tasks yields.
    private struct Figures {
        var usedByAgent: [AgentID: Held] = [:]
        var usedByFramework: [FrameworkID: Held] = [:]
        var countsByAgent: [AgentID: TaskCounts] = [:]
        var countsByFramework: [FrameworkID: TaskCounts] = [:]
        var frameworksByAgent: [AgentID: Set<FrameworkID>] = [:]
        var agentsByFramework: [FrameworkID: Set<AgentID>] = [:]
        var counts = TaskCounts()
        var used = Resources()

        mutating func add(_ task: TaskRecord) {
            counts.add(task)
            countsByAgent[task.agent, default: TaskCounts()].add(task)
            countsByFramework[task.key.framework, default: TaskCounts()].add(task)
            frameworksByAgent[task.agent, default: []].insert(task.key.framework)
            agentsByFramework[task.key.framework, default: []].insert(task.agent)
            guard task.isCharged else { return }
            used += task.resources
            usedByAgent[task.agent, default: Held()].add(task.resources, task.role)
            usedByFramework[task.key.framework, default: Held()].add(task.resources, task.role)
        }
    }

    func used(on agent: AgentID) -> Held { usedByAgent[agent] ?? Held() }
    func offered(on agent: AgentID) -> Held { offeredByAgent[agent] ?? Held() }
    func used(by framework: FrameworkID) -> Held { usedByFramework[framework] ?? Held() }
    func offered(to framework: FrameworkID) -> Held { offeredByFramework[framework] ?? Held() }

    var usedByRole: [RoleName: Resources] { Self.byRole(usedByFramework.values) }
    var offeredByRole: [RoleName: Resources] { Self.byRole(offeredByFramework.values) }

    private static func byRole(_ all: some Sequence<Held>) -> [RoleName: Resources] {
        var sum: [RoleName: Resources] = [:]
        for held in all {
            for (role, resources) in held.byRole { sum[role, default: Resources()] += resources }
        }
        return sum
    }
}
