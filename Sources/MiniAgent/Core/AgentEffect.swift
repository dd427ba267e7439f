// Everything the agent's core asks its shell to do.

import MesosProtocol
import Resources

/// A task as it is reported to a master that may know nothing of it.
package struct ReportedTask: Hashable, Sendable {
    package var record: TaskRecord
    package var state: V1TaskState
    /// The update that waits for an acknowledgement.
    package var pending: StatusUpdate?
    /// One entry for each state the task went through.
    package var history: [StatusUpdate]
}

/// An executor as it is reported to a master.
package struct ReportedExecutor: Hashable, Sendable {
    package var framework: FrameworkID
    package var info: V1ExecutorInfo
}

/// What an agent says of itself when it registers; the shell adds addresses, attributes and versions.
package struct Registration: Hashable, Sendable {
    package var agent: AgentID?
    /// The cluster it has registered with before.
    package var cluster: String?
    package var tasks: [ReportedTask]
    package var frameworks: [V1FrameworkInfo]
    package var drain: DrainOrder?
    /// What this host has after reservations and volumes; nil when there are none.
    package var total: Resources?
    /// Operations whose end was not acknowledged.
    package var operations: [AgentOperation] = []
    /// Those that run or are about to.
    package var executors: [ReportedExecutor] = []
}

/// A call to the leading master on a registered link.
package enum AgentCall: Hashable, Sendable {
    case update(StatusUpdate, latest: V1TaskState)
    /// - Parameter stalledBecause: Why nothing of this host should be offered for now.
    case pong(sequence: UInt64, stalledBecause: String? = nil)
    case tasksReconciled
    case unregister(reason: String)
    /// What became of an operation.
    case operation(AgentOperation)
    /// Opaque bytes of an executor for its scheduler.
    case message(FrameworkID, ExecutorID, [UInt8])
    /// No task of this executor runs or will run.
    case executorExited(FrameworkID, ExecutorID, status: Int32)
}

/// What a containerizer needs to find a container again.
package struct ContainerRef: Hashable, Sendable {
    package var id: ContainerID
    package var containerizer: ContainerizerKind
    package var key: TaskKey
}

/// What an operator should read in the log, at the level that it deserves.
package enum AgentNotice: Hashable, Sendable {
    case info(String)
    case warning(String)
}

/// Why the agent must stop.
package enum AgentStop: Hashable, Sendable {
    /// Told to leave, and everything is done.
    case unregistered(reason: String)
    /// Going on would do harm; the text says what an operator can do.
    case fatal(String)
}

/// What the shell must now do: the outputs of ``AgentCore``.
package enum AgentEffect: Hashable, Sendable {
    case checkpoint(CheckpointWrite)
    /// Open a link: POST the registration and read commands from the answer.
    case register(LinkID, with: MasterAddress, Registration)
    case closeLink(LinkID)
    case send(LinkID, AgentCall)
    case schedule(AgentTimer, after: Duration)
    /// Make the sandbox, fetch the image. Nothing may run yet.
    case prepareContainer(TaskRecord, V1FrameworkInfo)
    /// The preparation is no longer wanted.
    case cancelPreparation(ContainerRef)
    case startContainer(TaskRecord, V1FrameworkInfo)
    /// Find a container of an earlier life of this agent and report what becomes of it.
    case reattachContainer(TaskRecord)
    /// Stop signal, then the end by force after `grace`. May be asked again, with less.
    case stopContainer(ContainerRef, grace: Duration)
    /// The end by force, now.
    case killContainer(ContainerRef)
    /// The task's end is on disk: the container and what was kept of it can go.
    case releaseContainer(ContainerRef)
    /// Look once at how a task does. Answered by ``AgentEvent/checkFinished(_:_:)``.
    case runCheck(CheckRun)
    /// What is being checked of this container does not matter any more.
    case endChecks(ContainerID)
    /// No task of this run of a default executor is left: what holds its network can go.
    case closeGroupNetwork(ContainerID)
    /// A container that bears this agent's name but belongs to no task.
    case removeOrphan(OrphanContainer)
    /// What runs in the executor's container has changed: its limits follow. The record names all that it needs now.
    case updateContainer(TaskRecord)
    case tellExecutor(ExecutorStreamID, ExecutorEvent)
    /// What was told before is still sent.
    case closeExecutorStream(ExecutorStreamID)
    case notice(AgentNotice)
    case stop(AgentStop)
}
