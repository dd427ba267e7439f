// What the agent asks of whatever runs its tasks.

import MesosProtocol
import Resources

/// Everything a containerizer needs to know to run one container: a task's own, or an executor's.
///
/// Half a kilobyte of it is kept as long as the container runs, and named by all that waits for the container: copies share it.
package struct Launch: Sendable {
    private struct Fields: Sendable {
        var record: TaskRecord
        var framework: V1FrameworkInfo
        var agent: AgentID
        var run: RunPaths
        var volumes: [PersistentVolume]
        var executorVariables: [ExecutorVariable]
    }

    private final class Shared: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private var shared: Shared

    private subscript<Value>(field field: WritableKeyPath<Fields, Value>) -> Value {
        get { shared.fields[keyPath: field] }
        set {
            var fields = shared.fields
            fields[keyPath: field] = newValue
            shared = Shared(fields)
        }
    }

    /// What is to run. For an executor, a record that describes its container.
    package var record: TaskRecord {
        get { shared.fields.record }
        set { self[field: \.record] = newValue }
    }
    package var framework: V1FrameworkInfo { shared.fields.framework }
    package var agent: AgentID { shared.fields.agent }
    package var run: RunPaths { shared.fields.run }
    package var volumes: [PersistentVolume] { shared.fields.volumes }
    /// What an executor is told by its environment; empty for a task.
    package var executorVariables: [ExecutorVariable] {
        get { shared.fields.executorVariables }
        set { self[field: \.executorVariables] = newValue }
    }

    package init(
        record: TaskRecord, framework: V1FrameworkInfo, agent: AgentID, run: RunPaths,
        volumes: [PersistentVolume] = [], executorVariables: [ExecutorVariable] = []
    ) {
        shared = Shared(
            Fields(
                record: record, framework: framework, agent: agent, run: run, volumes: volumes,
                executorVariables: executorVariables))
    }

    /// What runs in the container: the task's command, or the executor's.
    package var command: V1CommandInfo { record.info.command }

    /// The role that the task's resources were offered to.
    var allocationRole: String? {
        record.info.resources.first { $0.hasAllocationInfo }?.allocationInfo.role
    }
}

extension LaunchFailure: Error {}

/// How far somebody has come who stays with a container until its end.
package enum Following: Sendable {
    case ended(ContainerExit)
    /// Nothing is to be done before that happens.
    case waiting(Awaited, goOn: @Sendable () async -> Following)
    /// The agent stops.
    case cancelled
}

/// Runs containers and knows how they end. One for Docker, one for plain processes.
///
/// Calls may wait, and every wait inside has a deadline of its own. They are cancelled when the agent stops; a container
/// does not notice that.
package protocol Containerizer: Sendable {
    /// The containers of this agent, running or not. For recovery.
    func observe(agent: AgentID) async -> Observation

    /// Gets what the task needs before it can start. Nothing runs yet; cancelling leaves nothing behind.
    func prepare(_ launch: Launch) async throws(LaunchFailure)

    /// Starts the task's container.
    func start(_ launch: Launch) async throws(LaunchFailure) -> StartedContainer

    /// Stays with the container until it has ended, copying its output meanwhile.
    ///
    /// - Parameters:
    ///   - onRunning: Called if the container is found running, with what is known of it. Only when `isRecovered`.
    func follow(
        _ launch: Launch, isRecovered: Bool, onRunning: @Sendable (StartedContainer) -> Void
    ) async -> Following

    /// Asks the container to end, and ends it by force after `grace`. Returns when that is under way.
    func stop(_ launch: Launch, grace: Duration) async

    func kill(_ launch: Launch) async

    /// Sends a signal once, to a container that runs.
    func signal(_ launch: Launch, _ signal: Int32) async

    /// Runs a command where the task runs, and ends it with all it has started at the timeout.
    func check(_ command: V1CommandInfo, in launch: Launch, timeout: Duration?) async -> CheckOutcome

    /// From where the task's loopback address can be reached.
    func checkNetwork(of launch: Launch) async -> CheckNetwork

    /// Fits a running container's limits to what the launch now asks for, as far as there are any.
    func update(_ launch: Launch) async

    /// Removes what is left of an ended container.
    func release(_ launch: Launch) async

    /// Ends and removes a container that belongs to no task.
    func remove(orphan: ContainerID, agent: AgentID) async

    /// Keeps an eye on what it works with, for as long as the agent runs.
    func watch() async
}

extension Containerizer {
    package func watch() async {}
}

extension Containerizer {
    package func update(_ launch: Launch) async {}
}
