// One report about a task on its way to the framework, in the core's own compact form.

import MesosProtocol
import Resources

/// Names a status update until it is acknowledged.
package typealias UpdateID = WireUUID

/// A task's state as the framework will read it, kept until the framework has acknowledged it.
package struct StatusUpdate: Hashable, Sendable {
    package var id: UpdateID
    package var key: TaskKey
    /// A command task's executor bears the task's id.
    package var executor: ExecutorID
    /// Absent for a task that the agent never held.
    package var container: ContainerID?
    /// The container of its default executor; nil for a task that is in no group.
    package var parent: ContainerID?
    package var state: V1TaskState
    package var source: V1TaskStatus.Source
    package var reason: V1TaskStatus.Reason?
    package var message: String?
    package var timestamp: WallTime
    /// The resource whose limit ended the task.
    package var limitation: Resources?
    /// Addresses of the container.
    package var networks: [V1NetworkInfo]
    /// For Docker tasks, what the engine's inspect said, as JSON text.
    package var data: [UInt8]
    /// What the health check has found; nil without one, and before its first result that counts.
    package var healthy: Bool?
    /// What the check has found; nil without one.
    package var checkStatus: V1CheckStatusInfo?
    /// What an executor said besides: labels, more of the container. Passed through.
    package var details: V1TaskStatus?

    package init(
        id: UpdateID, key: TaskKey, executor: ExecutorID, container: ContainerID? = nil, state: V1TaskState,
        source: V1TaskStatus.Source, reason: V1TaskStatus.Reason? = nil, message: String? = nil, timestamp: WallTime,
        limitation: Resources? = nil, networks: [V1NetworkInfo] = [], data: [UInt8] = [],
        healthy: Bool? = nil, checkStatus: V1CheckStatusInfo? = nil, details: V1TaskStatus? = nil
    ) {
        self.details = details
        self.id = id
        self.key = key
        self.executor = executor
        self.container = container
        self.state = state
        self.source = source
        self.reason = reason
        self.message = message
        self.timestamp = timestamp
        self.limitation = limitation
        self.networks = networks
        self.data = data
        self.healthy = healthy
        self.checkStatus = checkStatus
    }

    /// Whether this ends the task.
    package var isTerminal: Bool { state.isTerminal }
}
