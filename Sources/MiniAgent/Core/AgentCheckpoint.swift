// What an agent remembers over a restart: the records it writes, and the value they add up to.

import MesosProtocol
import Resources

/// Which containerizer runs a task.
package enum ContainerizerKind: String, Hashable, Sendable, CaseIterable {
    case docker
    case process
}

/// One task as the master gave it, with what the agent chose for it.
package struct TaskRecord: Hashable, Sendable {
    package var key: TaskKey
    /// Passed through untouched.
    package var info: V1TaskInfo
    /// Names this run: the sandbox directory and the container bear it.
    package var container: ContainerID
    package var containerizer: ContainerizerKind
    /// Its place in a task group, under a default executor unless there is a ``host``; nil for a task that came by itself.
    package var group: GroupMembership?
    /// The executor that the task was given to, whose container is also the task's. Nil: the agent runs it itself.
    package var host: ExecutorID?
    /// It came when that its executor has subscribed was on disk already, or on its way there. See ``TaskDelivery``.
    package var awaitsDelivery = false

    package init(
        key: TaskKey, info: V1TaskInfo, container: ContainerID, containerizer: ContainerizerKind,
        host: ExecutorID? = nil
    ) {
        self.host = host
        self.key = key
        self.info = info
        self.container = container
        self.containerizer = containerizer
    }

    /// A command task's executor bears the task's id.
    package var executor: ExecutorID {
        info.hasExecutor ? ExecutorID(info.executor.executorID) : ExecutorID(key.task.value)
    }
}

/// A request to end a task. Kept on disk: an exit that follows it is a kill, whatever the exit status.
package struct KillOrder: Hashable, Sendable {
    /// On whose behalf; the framework is told of it.
    package enum Cause: String, Hashable, Sendable {
        case request
        /// The agent is drained.
        case drain
        /// The agent is drained and will be marked gone.
        case drainToGone
        /// The task has taken longer than it may.
        case completionTime

        var isDrain: Bool { self == .drain || self == .drainToGone }
    }

    /// Time between the stop signal and the end by force.
    package var grace: Duration
    package var cause: Cause

    package init(grace: Duration, cause: Cause = .request) {
        self.grace = grace
        self.cause = cause
    }
}

/// One durable step. The shell answers each with `AgentEvent.checkpointed` of its ``token`` once it is on disk.
///
/// Writes that concern one task become durable in the order in which they were asked for.
package enum CheckpointWrite: Hashable, Sendable {
    /// The agent's identity: from now on it is this agent of this cluster.
    case agent(AgentID)
    /// The cluster the agent belongs to, after its identity.
    case cluster(String)
    /// Nil: no drain is under way.
    case drain(DrainOrder?)
    case framework(V1FrameworkInfo)
    /// A task, before anything is done for it.
    case task(TaskRecord)
    /// A custom executor, before anything is done for it.
    case executor(ExecutorRecord)
    case executorStep(ExecutorKey, ContainerID, ExecutorStep)
    /// The executor has subscribed, which is answered as that step; of these tasks it was given none.
    case subscription(ExecutorKey, ContainerID, waiting: [TaskKey])
    /// The task may be given to its executor from now on.
    case delivery(TaskKey, ContainerID)
    /// The executor is over, and so are all its tasks.
    case executorRetirement(ExecutorKey, ContainerID)
    case update(StatusUpdate)
    case acknowledgement(TaskKey, UpdateID)
    case kill(TaskKey, ContainerID, KillOrder)
    /// The task is over and acknowledged (or its framework is gone): its records are no longer needed.
    case retirement(TaskKey, ContainerID)
    /// Reservations, volumes and the operations that made them, as a whole; with it the volumes' directories come and go.
    case resources(ResourceState)

    /// Identifies a write in the answer to it.
    package enum Token: Hashable, Sendable {
        case agent(AgentID)
        case cluster
        case drain(DrainOrder?)
        case framework(FrameworkID)
        case task(TaskKey, ContainerID)
        case executor(ExecutorKey, ContainerID)
        case executorStep(ExecutorKey, ContainerID, ExecutorStep)
        case delivery(TaskKey, ContainerID)
        case executorRetirement(ExecutorKey, ContainerID)
        case update(TaskKey, UpdateID)
        case acknowledgement(TaskKey, UpdateID)
        case kill(TaskKey, ContainerID)
        case retirement(TaskKey, ContainerID)
        /// There is only one on its way at a time.
        case resources
    }

    package var token: Token {
        switch self {
        case .agent(let id): .agent(id)
        case .cluster: .cluster
        case .drain(let order): .drain(order)
        case .framework(let info): .framework(FrameworkID(info.id.value))
        case .task(let record): .task(record.key, record.container)
        case .executor(let record): .executor(record.key, record.container)
        case .executorStep(let key, let container, let step): .executorStep(key, container, step)
        case .subscription(let key, let container, _): .executorStep(key, container, .subscribed)
        case .delivery(let key, let container): .delivery(key, container)
        case .executorRetirement(let key, let container): .executorRetirement(key, container)
        case .update(let update): .update(update.key, update.id)
        case .acknowledgement(let key, let id): .acknowledgement(key, id)
        case .kill(let key, let container, _): .kill(key, container)
        case .retirement(let key, let container): .retirement(key, container)
        case .resources: .resources
        }
    }
}

/// Everything on disk, as a value. ``apply(_:)`` adds one write, so a simulation needs no disk.
package struct AgentCheckpoint: Hashable, Sendable {
    package struct Task: Hashable, Sendable {
        package var record: TaskRecord
        /// All updates so far, oldest first.
        package var updates: [StatusUpdate] = []
        /// How many of them are acknowledged.
        package var acknowledgedCount = 0
        package var kill: KillOrder?
        /// Whether it was given to its executor; nil if that was not noted.
        package var delivery: TaskDelivery?

        package init(record: TaskRecord) {
            self.record = record
            if record.awaitsDelivery { delivery = .awaited }
        }

        package var pending: [StatusUpdate] { Array(updates.dropFirst(acknowledgedCount)) }
        package var hasStarted: Bool { updates.contains { $0.state == .taskStarting } }
        package var isRunning: Bool { updates.contains { $0.state == .taskRunning } }
        package var terminalUpdate: StatusUpdate? { updates.last { $0.isTerminal } }
        /// Whether its executor has said anything of it.
        package var wasSpokenOf: Bool { updates.contains { $0.source == .executor } }
        package var isRetired: Bool { terminalUpdate != nil && acknowledgedCount == updates.count }

        /// Adds an update unless it is there already.
        package mutating func add(_ update: StatusUpdate) {
            if !updates.contains(where: { $0.id == update.id }) { updates.append(update) }
        }

        /// Counts an acknowledgement of the oldest pending update; any other is a repetition.
        package mutating func acknowledge(_ id: UpdateID) {
            if acknowledgedCount < updates.count, updates[acknowledgedCount].id == id { acknowledgedCount += 1 }
        }
    }

    package struct Executor: Hashable, Sendable {
        package var record: ExecutorRecord
        package var steps: Set<ExecutorStep> = []

        package init(record: ExecutorRecord) { self.record = record }
    }

    package var agent: AgentID?
    package var cluster: String?
    package var drain: DrainOrder?
    package var executors: [ContainerID: Executor] = [:]
    package var frameworks: [FrameworkID: V1FrameworkInfo] = [:]
    package var tasks: [TaskKey: Task] = [:]
    package var resources = ResourceState()

    package init() {}

    /// What the tasks hold that have not ended.
    package var resourcesInUse: Resources {
        var sum = Resources()
        var counted: Set<ContainerID> = []
        for (_, task) in tasks.sorted(by: { $0.key < $1.key }) where task.terminalUpdate == nil {
            // What could not be read was refused when it came.
            if let held = try? Resources(task.record.info.resources) { sum += held }
            if let group = task.record.defaultExecutor, counted.insert(group.run).inserted { sum += group.resources }
        }
        for (_, executor) in executors.sorted(by: { $0.key < $1.key }) {
            if let held = try? Resources(executor.record.info.resources) { sum += held }
        }
        return sum
    }

    /// Adds one write. A record about a task that is not there is ignored: its retirement came first.
    package mutating func apply(_ write: CheckpointWrite) {
        switch write {
        case .agent(let id):
            agent = id
        case .cluster(let name):
            cluster = name
        case .drain(let order):
            drain = order
        case .framework(let info):
            frameworks[FrameworkID(info.id.value)] = info
        case .task(let record):
            tasks[record.key] = Task(record: record)
        case .update(let update):
            tasks[update.key]?.add(update)
        case .acknowledgement(let key, let id):
            tasks[key]?.acknowledge(id)
        case .kill(let key, _, let order):
            tasks[key]?.kill = order
        case .executor(let record):
            executors[record.container] = Executor(record: record)
        case .executorStep(_, let container, let step):
            executors[container]?.steps.insert(step)
        case .subscription(_, let container, let waiting):
            executors[container]?.steps.insert(.subscribed)
            for key in waiting where tasks[key]?.record.container == container { tasks[key]?.delivery = .awaited }
        case .delivery(let key, let container):
            if tasks[key]?.record.container == container { tasks[key]?.delivery = .made }
        case .executorRetirement(_, let container):
            executors[container] = nil
        case .resources(let state):
            resources = state
        case .retirement(let key, let container):
            guard tasks[key]?.record.container == container else { return }
            tasks[key] = nil  // The framework stays: another of its tasks may be on its way to disk.
        }
    }
}
