// Everything that can happen to an agent, as its core is told of it.

import MesosProtocol
import Resources

/// Numbers the agent's attempts to register. Whatever arrives for an older link is ignored.
package struct LinkID: Hashable, Comparable, Sendable {
    package var number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package static func < (left: LinkID, right: LinkID) -> Bool { left.number < right.number }
}

/// Where a leading master listens.
package struct MasterAddress: Hashable, Sendable {
    /// The master's own id, new with each of its lives.
    package var id: String
    /// `http://host:port`.
    package var url: String
    package var hostname: String

    package init(id: String, url: String, hostname: String = "") {
        self.id = id
        self.url = url
        self.hostname = hostname
    }
}

/// What the master said when it took the agent in.
package struct RegistrationGrant: Hashable, Sendable {
    package var agent: AgentID
    package var pingInterval: Duration
    package var pingMissesMax: Int
    /// What tells the cluster from every other; nil if the master did not say.
    package var cluster: String?
    /// How many agents the cluster has; nil if the master did not say.
    package var clusterAgents: Int?

    package init(
        agent: AgentID, pingInterval: Duration, pingMissesMax: Int, cluster: String? = nil, clusterAgents: Int? = nil
    ) {
        self.agent = agent
        self.pingInterval = pingInterval
        self.pingMissesMax = pingMissesMax
        self.cluster = cluster
        self.clusterAgents = clusterAgents
    }
}

/// A command from the leading master.
package enum MasterCommand: Hashable, Sendable {
    case registered(RegistrationGrant)
    /// With `shutdown` the agent must end its tasks and exit.
    case refused(reason: String, shutdown: Bool)
    case runTask(V1FrameworkInfo, V1TaskInfo)
    /// `grace` overrides the task's own kill policy.
    case killTask(TaskKey, grace: Duration?)
    case acknowledge(TaskKey, UpdateID)
    case drain(V1DrainConfig)
    case endDrain
    case shutdownFramework(FrameworkID)
    case updateFramework(V1FrameworkInfo)
    case ping(sequence: UInt64, connected: Bool)
    case reconcile([TaskKey])
    case shutdown(reason: String)
    case runTaskGroup(V1FrameworkInfo, V1ExecutorInfo, [V1TaskInfo])
    case shutdownExecutor(FrameworkID, ExecutorID)
    /// Opaque bytes for an executor.
    case message(FrameworkID, ExecutorID, [UInt8])
    case applyOperation(WireUUID, FrameworkID?, V1Offer.Operation)
    case acknowledgeOperation(WireUUID, status: WireUUID)
    case reconcileOperations([WireUUID])
}

/// What is known of a container once it runs.
package struct StartedContainer: Hashable, Sendable {
    package var networks: [V1NetworkInfo]
    /// What the engine's inspect said, as JSON text; empty for a process.
    package var inspection: [UInt8]
    /// Who it is to the engine and to the kernel; nil for a process.
    package var engineProcess: EngineProcess?

    package struct EngineProcess: Hashable, Sendable {
        /// The engine's id of the container.
        package var id: String
        /// Its first process on this host.
        package var pid: Int32
    }

    package init(
        networks: [V1NetworkInfo] = [], inspection: [UInt8] = [], engineProcess: EngineProcess? = nil
    ) {
        self.networks = networks
        self.inspection = inspection
        self.engineProcess = engineProcess
    }
}

/// How a container ended.
package enum ContainerExit: Hashable, Sendable {
    case exited(status: Int)
    case signaled(signal: Int, coreDumped: Bool)
    /// The kernel ended it for exceeding its memory limit.
    case memoryLimitExceeded(message: String)
    /// Its supervisor could not start it.
    case notStarted(String)
    /// It is over, but its exit status is not to be had; the text says why.
    case unknown(String)
}

/// Why a container did not come to run.
package enum LaunchFailure: Hashable, Sendable {
    /// The sandbox could not be made, or the image could not be pulled.
    case preparation(String)
    /// The task asks for something that cannot be mapped to a container.
    case options(String)
    /// The engine or the kernel refused to start it.
    case start(String)
}

/// A timer the core asked for, given back when it is due.
package enum AgentTimer: Hashable, Sendable {
    case register(LinkID)
    case registrationDeadline(LinkID)
    /// No ping since the one that set this watchdog.
    case pingDeadline(LinkID, pings: UInt64)
    case retryUpdate(TaskKey, send: Int)
    case repeatKill(ContainerID, attempt: Int)
    /// An executor should have subscribed by now.
    case executorDeadline(ContainerID, attempt: Int)
    /// The container of an executor that was told to end should be gone by now.
    case executorKill(ContainerID, attempt: Int)
    case retryOperation(WireUUID, send: Int)
    case checkDue(CheckRun.ID)
    /// The task may not run any longer.
    case completionTimeReached(ContainerID)
}

/// What happened: the inputs of ``AgentCore``.
package enum AgentEvent: Hashable, Sendable {
    /// Checkpoint and containers have been compared. Always the first event.
    case recovered(RecoveryPlan)
    /// The leader changed, or there is none.
    case masterDetected(MasterAddress?)
    case commandReceived(LinkID, MasterCommand)
    /// The registration could not be sent, or its stream ended.
    case linkLost(LinkID, reason: String)
    case checkpointed(CheckpointWrite.Token)
    case containerPrepared(ContainerID)
    /// It runs. Comes again after a recovery.
    case containerStarted(ContainerID, StartedContainer)
    case containerFailed(ContainerID, LaunchFailure)
    case containerExited(ContainerID, ContainerExit)
    case checkFinished(CheckRun.ID, CheckOutcome)
    /// How far its preparation has come, for the framework to read.
    case containerProgressed(ContainerID, String)
    /// The Docker engine does not answer, and why; nil: it answers again.
    case engineStalled(String?)
    case timerFired(AgentTimer)
    /// Checked by the API: the executor is here, and may call this.
    case executorCalled(ExecutorKey, ExecutorCall)
    case executorDisconnected(ExecutorKey, ExecutorStreamID, reason: String)
    /// An operator wants a task ended, as its kill policy says.
    case killAsked(TaskKey)
    /// The operator wants this agent out of the cluster: tasks are ended, then the agent stops.
    case unregisterRequested(reason: String)
}
