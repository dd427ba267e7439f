// Sums over a cluster, computed once for one answer: who uses and who is offered how much, and how tasks stand.
import MesosProtocol
import Resources

/// Resources by the role they are allocated to.
struct Held: Sendable {
    /// Of one or two roles, nearly always.
    private var entries: [(role: RoleName, resources: Resources)] = []

    var byRole: [RoleName: Resources] { Dictionary(entries.map { ($0.role, $0.resources) }) { first, _ in first } }

    var total: Resources { entries.reduce(into: Resources()) { $0 += $1.resources } }

    mutating func add(_ resources: Resources, _ role: RoleName) {
        if let index = entries.firstIndex(where: { $0.role == role }) {
            entries[index].resources += resources
        } else {
            entries.append((role, resources))
        }
    }
}

/// Numbers of tasks by state, as the summary endpoint has them.
struct TaskCounts: Sendable {
    /// By the state's number on the wire.
    private var byNumber: [Int32] = []

    mutating func add(_ task: borrowing TaskRecord) {
        if byNumber.isEmpty { byNumber = [Int32](repeating: 0, count: Self.numbers) }
        byNumber[(task.isUnreachable ? V1TaskState.taskUnreachable : task.state).rawValue] += 1
    }

    subscript(state: V1TaskState) -> Int { byNumber.isEmpty ? 0 : Int(byNumber[state.rawValue]) }

    private static let numbers = 1 + (V1TaskState.allCases.map(\.rawValue).max() ?? 0)

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
        addTasks(cluster.tasks)
        for executor in cluster.executors.all {
            used += executor.resources
            usedByAgent[executor.key.agent, default: Held()].add(executor.resources, executor.role)
            usedByFramework[executor.key.framework, default: Held()].add(executor.resources, executor.role)
        }
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

    /// What has been added up of one agent's or one framework's tasks.
    private struct Sum {
        var held = Held()
        var counts = TaskCounts()
    }

    /// One pass over the tasks, agent by agent: with a hundred thousand of them, each search in a dictionary shows.
    private mutating func addTasks(_ tasks: TaskBook) {
        let frameworks = tasks.frameworks
        let positions = Dictionary(uniqueKeysWithValues: zip(frameworks, frameworks.indices))
        var ofFrameworks = [Sum](repeating: Sum(), count: frameworks.count)
        var agents = [Set<AgentID>](repeating: [], count: frameworks.count)
        tasks.forEachAgent { agent, slots in
            var ofAgent = Sum()
            var present: Set<Int> = []
            for slot in slots {
                tasks.withTask(at: slot) { task in
                    guard let position = positions[task.key.framework] else { return }
                    present.insert(position)
                    counts.add(task)
                    ofAgent.counts.add(task)
                    ofFrameworks[position].counts.add(task)
                    guard task.isCharged else { return }
                    used += task.resources
                    ofAgent.held.add(task.resources, task.role)
                    ofFrameworks[position].held.add(task.resources, task.role)
                }
            }
            usedByAgent[agent] = ofAgent.held
            countsByAgent[agent] = ofAgent.counts
            frameworksByAgent[agent] = Set(present.map { frameworks[$0] })
            for position in present { agents[position].insert(agent) }
        }
        for (position, framework) in frameworks.enumerated() {
            usedByFramework[framework] = ofFrameworks[position].held
            countsByFramework[framework] = ofFrameworks[position].counts
            agentsByFramework[framework] = agents[position]
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
