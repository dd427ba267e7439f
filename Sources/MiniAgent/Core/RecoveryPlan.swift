// What to do with each task after a restart, decided from what is on disk and what is found on the host.

import MesosProtocol
import Resources

/// A container of this agent that a containerizer found.
package struct ObservedContainer: Hashable, Sendable {
    package enum Condition: Hashable, Sendable {
        /// Made, never started.
        case created
        case running
        case exited
    }

    package var id: ContainerID
    package var condition: Condition

    package init(id: ContainerID, condition: Condition) {
        self.id = id
        self.condition = condition
    }
}

/// What a containerizer could say about its containers.
package enum Observation: Hashable, Sendable {
    case found([ObservedContainer])
    /// The engine does not answer: containers may or may not be there.
    case unavailable
}

/// A container that bears this agent's name and belongs to none of its tasks.
package struct OrphanContainer: Hashable, Sendable {
    package var id: ContainerID
    package var containerizer: ContainerizerKind

    package init(id: ContainerID, containerizer: ContainerizerKind) {
        self.id = id
        self.containerizer = containerizer
    }
}

/// What each recovered task needs. See ``planRecovery(checkpoint:containers:supervisors:)``.
package struct RecoveryPlan: Hashable, Sendable {
    package enum Fate: Hashable, Sendable {
        /// Nothing was ever started for it: prepare it again.
        case relaunch
        /// Its container is there, or may be: follow it.
        case reattach
        /// The agent ended between announcing the start and starting.
        case lostBeforeStart
        /// Its container is gone, and with it the exit status.
        case vanished(String)
        /// Its terminal update is on disk; the container, if any, can go.
        case ended
        /// Terminal and acknowledged: only the records are left.
        case retired
    }

    package struct Task: Hashable, Sendable {
        package var checkpoint: AgentCheckpoint.Task
        package var fate: Fate

        package init(checkpoint: AgentCheckpoint.Task, fate: Fate) {
            self.checkpoint = checkpoint
            self.fate = fate
        }
    }

    package enum ExecutorFate: Hashable, Sendable {
        /// Nothing was ever started for it: prepare it again.
        case relaunch
        /// Its container is there, or may be: follow it, and wait for it to subscribe.
        case reattach
        /// Its framework does not checkpoint, so it does not wait for this agent: end it.
        case unwanted
        /// Its container is gone.
        case vanished
    }

    package struct Executor: Hashable, Sendable {
        package var checkpoint: AgentCheckpoint.Executor
        /// Sorted by key.
        package var tasks: [AgentCheckpoint.Task]
        package var fate: ExecutorFate

        package init(checkpoint: AgentCheckpoint.Executor, tasks: [AgentCheckpoint.Task], fate: ExecutorFate) {
            self.checkpoint = checkpoint
            self.tasks = tasks
            self.fate = fate
        }
    }

    package var agent: AgentID?
    package var cluster: String?
    package var drain: DrainOrder?
    package var frameworks: [FrameworkID: V1FrameworkInfo] = [:]
    package var resources = ResourceState()
    /// Sorted by key.
    package var tasks: [Task] = []
    /// Custom executors with the tasks that were given to them; sorted by key.
    package var executors: [Executor] = []
    /// Containers that belong to no task; sorted.
    package var orphans: [OrphanContainer] = []

    /// The plan of a first start.
    package init() {}
}

/// Compares what was promised with what is there.
///
/// | terminal update on disk | TASK_STARTING on disk | container | fate |
/// |---|---|---|---|
/// | acknowledged | | | retired |
/// | yes | | | ended |
/// | no | no | | relaunch: the container is created only after TASK_STARTING is on disk |
/// | no | yes | running, exited, or engine silent | reattach |
/// | no | yes | created, never started | lost before start |
/// | no | yes | none, TASK_RUNNING not on disk | lost before start |
/// | no | yes | none, TASK_RUNNING on disk, or the host was started anew | vanished |
///
/// - Parameters:
///   - checkpoint: What could be read from disk.
///   - containers: Docker containers that bear this agent's name.
///   - supervisors: Supervised processes of this work directory.
///   - hostRestarted: Whether everything that ran has ended with the host since the checkpoint was written.
/// - Returns: A plan in which every task of the checkpoint and every unclaimed container appears once.
package func planRecovery(
    checkpoint: AgentCheckpoint, containers: Observation, supervisors: Observation, hostRestarted: Bool = false
) -> RecoveryPlan {
    var plan = RecoveryPlan()
    plan.agent = checkpoint.agent
    plan.cluster = checkpoint.cluster
    plan.drain = checkpoint.drain
    plan.frameworks = checkpoint.frameworks
    plan.resources = checkpoint.resources
    var claimed: Set<ContainerID> = []
    var hosted: [ContainerID: [AgentCheckpoint.Task]] = [:]
    for (_, task) in checkpoint.tasks.sorted(by: { $0.key < $1.key }) {
        claimed.insert(task.record.container)
        // What holds the network of its group bears the executor's run.
        if let group = task.record.group { claimed.insert(group.executorRun) }
        if task.record.host != nil, checkpoint.executors[task.record.container] != nil {
            hosted[task.record.container, default: []].append(task)
            continue
        }
        let observation = task.record.containerizer == .docker ? containers : supervisors
        plan.tasks.append(RecoveryPlan.Task(checkpoint: task, fate: fate(of: task, observation, hostRestarted)))
    }
    for executor in checkpoint.executors.values.sorted(by: { $0.record.key < $1.record.key }) {
        let record = executor.record
        claimed.insert(record.container)
        let observation = record.containerizer == .docker ? containers : supervisors
        let isAwaited = checkpoint.frameworks[record.key.framework]?.checkpoint ?? false
        plan.executors.append(
            RecoveryPlan.Executor(
                checkpoint: executor, tasks: hosted[record.container] ?? [],
                fate: fate(of: executor, isAwaited: isAwaited, observation)))
    }
    for (kind, observation) in [(ContainerizerKind.docker, containers), (.process, supervisors)] {
        guard case .found(let list) = observation else { continue }
        for container in list.sorted(by: { $0.id < $1.id }) where !claimed.contains(container.id) {
            plan.orphans.append(OrphanContainer(id: container.id, containerizer: kind))
        }
    }
    return plan
}

private func fate(
    of task: AgentCheckpoint.Task, _ observation: Observation, _ hostRestarted: Bool
) -> RecoveryPlan.Fate {
    if task.isRetired { return .retired }
    if task.terminalUpdate != nil { return .ended }
    if task.record.host != nil { return .vanished("the record of its executor is lost") }
    guard task.hasStarted else { return .relaunch }
    guard case .found(let list) = observation else { return .reattach }
    switch list.first(where: { $0.id == task.record.container })?.condition {
    case .running, .exited: return .reattach
    case .created: return .lostBeforeStart
    case nil where hostRestarted: return .vanished("the host was started anew")
    case nil where task.isRunning: return .vanished("no container is left of it")
    case nil: return .lostBeforeStart
    }
}

private func fate(
    of executor: AgentCheckpoint.Executor, isAwaited: Bool, _ observation: Observation
) -> RecoveryPlan.ExecutorFate {
    guard executor.steps.contains(.starting) else { return .relaunch }
    guard case .found(let list) = observation else { return isAwaited ? .reattach : .unwanted }
    switch list.first(where: { $0.id == executor.record.container })?.condition {
    case .running, .exited: return isAwaited ? .reattach : .unwanted
    case .created, nil: return .vanished
    }
}
