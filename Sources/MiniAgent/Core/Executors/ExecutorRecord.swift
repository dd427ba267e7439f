// A custom executor as it is described, kept on disk and found again.

import MesosProtocol
import Resources

/// Names an executor on this agent: a framework may use one id again once its executor is over.
package struct ExecutorKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let framework: FrameworkID
    package let executor: ExecutorID

    package init(framework: FrameworkID, executor: ExecutorID) {
        self.framework = framework
        self.executor = executor
    }

    package static func < (left: ExecutorKey, right: ExecutorKey) -> Bool {
        (left.framework, left.executor) < (right.framework, right.executor)
    }

    package var description: String { "executor \(executor) of framework \(framework)" }
}

/// One run of an executor as the framework described it, with what the agent chose for it.
package struct ExecutorRecord: Hashable, Sendable {
    package var key: ExecutorKey
    /// Passed through untouched.
    package var info: V1ExecutorInfo
    /// Names this run: the sandbox directory and the container bear it, and all its tasks share it.
    package var container: ContainerID
    package var containerizer: ContainerizerKind
    /// What the container is made for: the executor and the first task.
    package var resources: [V1Resource]

    package init(
        key: ExecutorKey, info: V1ExecutorInfo, container: ContainerID, containerizer: ContainerizerKind,
        resources: [V1Resource]
    ) {
        self.key = key
        self.info = info
        self.container = container
        self.containerizer = containerizer
        self.resources = resources
    }

    /// The executor's container in the words of a task, which is what containerizers understand: a task without an id,
    /// whose command is the executor's.
    package var containerRecord: TaskRecord {
        var task = V1TaskInfo()
        task.name = info.name
        task.executor = info
        task.command = info.command
        if info.hasContainer { task.container = info.container }
        task.resources = resources
        return TaskRecord(
            key: TaskKey(framework: key.framework, task: TaskID(key.executor.value)), info: task, container: container,
            containerizer: containerizer)
    }

    package var containerRef: ContainerRef {
        ContainerRef(
            id: container, containerizer: containerizer,
            key: TaskKey(framework: key.framework, task: TaskID(key.executor.value)))
    }
}

extension TaskRecord {
    /// Whether it describes the container of an executor instead of a task.
    package var isExecutorContainer: Bool { info.hasExecutor && !info.hasTaskID }
}

/// A durable step in the life of an executor's container.
package enum ExecutorStep: String, Hashable, Sendable, CaseIterable {
    /// Its container may have been started.
    case starting
    /// It has subscribed: tasks may have been given to it.
    case subscribed
}

/// How far a task is on its way to its executor, as it is noted on disk.
///
/// The first is noted only when that the executor has subscribed is on disk. Earlier agents, which know of no such notes,
/// take each task that they find of such an executor for given, and never give it. So no task is given twice, whichever
/// agents come one after the other; and one without a note may have been given if its executor has subscribed.
package enum TaskDelivery: String, Hashable, Sendable {
    /// It was not given to the executor.
    case awaited
    /// It may have been given to the executor.
    case made
}

/// Numbers the event streams of executors. Whatever comes from an older one is ignored.
package struct ExecutorStreamID: Hashable, Comparable, Sendable {
    package var number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package static func < (left: ExecutorStreamID, right: ExecutorStreamID) -> Bool { left.number < right.number }
}

/// What an executor asks of its agent, checked by the API.
package enum ExecutorCall: Hashable, Sendable {
    /// - Parameters:
    ///   - tasks: The tasks it was given and of which no update was acknowledged.
    ///   - updates: The updates that were not acknowledged, oldest first.
    case subscribe(ExecutorStreamID, tasks: [TaskID], updates: [V1TaskStatus])
    case update(V1TaskStatus)
    /// Opaque bytes for the scheduler.
    case message([UInt8])
}

/// What an executor is told.
package enum ExecutorEvent: Hashable, Sendable {
    case subscribed(V1ExecutorInfo, V1FrameworkInfo, ContainerID)
    case launch(V1TaskInfo)
    /// Tasks that were sent together.
    case launchGroup([V1TaskInfo])
    /// `grace` only if whoever asked for the kill named one.
    case kill(TaskID, grace: Duration?)
    /// The agent has it on disk and will deliver it.
    case acknowledged(TaskID, UpdateID)
    case message([UInt8])
    case shutdown
}
