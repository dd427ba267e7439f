// Builds the commands the master sends down an agent's link.
import MesosProtocol
import Resources

extension LinkCommand {
    static func registered(
        _ agent: AgentID, pingInterval: Duration, missesMax: Int, master: V1MasterInfo, cluster: String?, agents: Int
    ) -> LinkCommand {
        var command = LinkCommand()
        command.type = .registered
        command.registered.agentID = V1AgentID(agent)
        command.registered.pingIntervalSeconds = pingInterval.inSeconds
        command.registered.pingMissesMax = UInt32(missesMax)
        command.registered.master = master
        if let cluster { command.registered.cluster = cluster }
        command.registered.agents = UInt32(clamping: agents)
        return command
    }

    static func refused(_ reason: String, shutdown: Bool) -> LinkCommand {
        var command = LinkCommand()
        command.type = .refused
        command.refused.reason = reason
        command.refused.shutdown = shutdown
        return command
    }

    static func run(_ task: V1TaskInfo, of framework: V1FrameworkInfo) -> LinkCommand {
        var command = LinkCommand()
        command.type = .runTask
        command.runTask.framework = framework
        command.runTask.task = task
        return command
    }

    static func run(
        _ tasks: [V1TaskInfo], under executor: V1ExecutorInfo, of framework: V1FrameworkInfo
    ) -> LinkCommand {
        var command = LinkCommand()
        command.type = .runTaskGroup
        command.runTaskGroup.framework = framework
        command.runTaskGroup.executor = executor
        command.runTaskGroup.taskGroup.tasks = tasks
        return command
    }

    static func apply(_ operation: OperationRecord) -> LinkCommand {
        var command = LinkCommand()
        command.type = .applyOperation
        if let framework = operation.framework { command.applyOperation.frameworkID = V1FrameworkID(framework) }
        command.applyOperation.id = operation.id
        command.applyOperation.info = operation.info
        return command
    }

    static func acknowledgeOperation(_ operation: WireUUID, _ status: WireUUID) -> LinkCommand {
        var command = LinkCommand()
        command.type = .acknowledgeOperation
        command.acknowledgeOperation.ids = (operation, status)
        return command
    }

    static func reconcileOperations(_ ids: [WireUUID]) -> LinkCommand {
        var command = LinkCommand()
        command.type = .reconcileOperations
        command.reconcileOperations.ids = ids
        return command
    }

    static func shutdownExecutor(_ framework: FrameworkID, _ executor: ExecutorID) -> LinkCommand {
        var command = LinkCommand()
        command.type = .shutdownExecutor
        command.shutdownExecutor.frameworkID = V1FrameworkID(framework)
        command.shutdownExecutor.executorID = V1ExecutorID(executor)
        return command
    }

    static func kill(_ key: TaskKey, policy: V1KillPolicy?) -> LinkCommand {
        var command = LinkCommand()
        command.type = .killTask
        command.killTask.frameworkID = V1FrameworkID(key.framework)
        command.killTask.taskID = V1TaskID(key.task)
        if let policy { command.killTask.killPolicy = policy }
        return command
    }

    /// Passes a framework's acknowledgement on.
    static func acknowledge(_ framework: FrameworkID, _ call: V1SchedulerCall.Acknowledge) -> LinkCommand {
        var command = LinkCommand()
        command.type = .acknowledge
        command.acknowledge.frameworkID = V1FrameworkID(framework)
        command.acknowledge.taskID = call.taskID
        command.acknowledge.uuid = call.uuid
        return command
    }

    /// Acknowledges an update that no framework will ever see.
    static func acknowledge(_ framework: FrameworkID, _ status: V1TaskStatus) -> LinkCommand {
        var command = LinkCommand()
        command.type = .acknowledge
        command.acknowledge.frameworkID = V1FrameworkID(framework)
        command.acknowledge.taskID = status.taskID
        command.acknowledge.uuid = status.uuid
        return command
    }

    static func shutdownFramework(_ framework: FrameworkID) -> LinkCommand {
        var command = LinkCommand()
        command.type = .shutdownFramework
        command.shutdownFramework.frameworkID = V1FrameworkID(framework)
        return command
    }

    static func updateFramework(_ info: V1FrameworkInfo) -> LinkCommand {
        var command = LinkCommand()
        command.type = .updateFramework
        command.updateFramework.framework = info
        return command
    }

    static func message(_ framework: FrameworkID, _ call: V1SchedulerCall.Message) -> LinkCommand {
        var command = LinkCommand()
        command.type = .message
        command.message.frameworkID = V1FrameworkID(framework)
        command.message.agentID = call.agentID
        command.message.executorID = call.executorID
        command.message.data = call.data
        return command
    }

    static func ping(_ sequence: UInt64, connected: Bool) -> LinkCommand {
        var command = LinkCommand()
        command.type = .ping
        command.ping.connected = connected
        command.ping.sequence = sequence
        return command
    }

    static func reconcile(_ keys: [TaskKey]) -> LinkCommand {
        var command = LinkCommand()
        command.type = .reconcileTasks
        command.reconcileTasks.tasks = keys.map { key in
            var reference = LinkTaskReference()
            reference.frameworkID = V1FrameworkID(key.framework)
            reference.taskID = V1TaskID(key.task)
            return reference
        }
        return command
    }

    static func drain(_ config: V1DrainConfig) -> LinkCommand {
        var command = LinkCommand()
        command.type = .drain
        command.drain.config = config
        return command
    }

    static var endDrain: LinkCommand {
        var command = LinkCommand()
        command.type = .endDrain
        return command
    }

    static func shutdown(_ reason: String) -> LinkCommand {
        var command = LinkCommand()
        command.type = .shutdown
        command.shutdown.reason = reason
        return command
    }
}
