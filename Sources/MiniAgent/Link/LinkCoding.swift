// The agent link's messages, to and from the core's own types.

import Foundation
import MesosProtocol
import Resources
import SwiftProtobuf

extension MasterCommand {
    /// - Returns: `nil` for what this agent does not understand: a newer master's commands, or an incomplete one.
    init?(_ command: LinkCommand) {
        switch command.type {
        case .registered:
            guard command.hasRegistered else { return nil }
            let registered = command.registered
            let interval = registered.pingIntervalSeconds
            guard interval.isFinite, interval > 0, interval < 86_400 else { return nil }
            self = .registered(
                RegistrationGrant(
                    agent: AgentID(registered.agentID), pingInterval: .seconds(interval),
                    pingMissesMax: Int(min(registered.pingMissesMax, 1000)),
                    cluster: registered.hasCluster && !registered.cluster.isEmpty ? registered.cluster : nil,
                    clusterAgents: registered.hasAgents ? Int(registered.agents) : nil))
        case .refused:
            self = .refused(reason: command.refused.reason, shutdown: command.refused.shutdown)
        case .runTask:
            guard command.hasRunTask else { return nil }
            self = .runTask(command.runTask.framework, command.runTask.task)
        case .killTask:
            guard command.hasKillTask else { return nil }
            let kill = command.killTask
            let grace: Duration? =
                kill.hasKillPolicy && kill.killPolicy.hasGracePeriod
                ? .nanoseconds(kill.killPolicy.gracePeriod.nanoseconds) : nil
            self = .killTask(
                TaskKey(framework: FrameworkID(kill.frameworkID), task: TaskID(kill.taskID)), grace: grace)
        case .acknowledge:
            let acknowledge = command.acknowledge
            guard let id = WireUUID(bytes: acknowledge.uuid) else { return nil }
            self = .acknowledge(
                TaskKey(framework: FrameworkID(acknowledge.frameworkID), task: TaskID(acknowledge.taskID)), id)
        case .shutdownFramework:
            guard command.hasShutdownFramework else { return nil }
            self = .shutdownFramework(FrameworkID(command.shutdownFramework.frameworkID))
        case .updateFramework:
            guard command.hasUpdateFramework else { return nil }
            self = .updateFramework(command.updateFramework.framework)
        case .drain:
            guard command.hasDrain else { return nil }
            self = .drain(command.drain.config)
        case .endDrain:
            self = .endDrain
        case .ping:
            self = .ping(sequence: command.ping.sequence, connected: command.ping.connected)
        case .reconcileTasks:
            self = .reconcile(
                command.reconcileTasks.tasks.map {
                    TaskKey(framework: FrameworkID($0.frameworkID), task: TaskID($0.taskID))
                })
        case .shutdown:
            self = .shutdown(reason: command.shutdown.reason)
        case .message:
            guard command.hasMessage else { return nil }
            self = .message(
                FrameworkID(command.message.frameworkID), ExecutorID(command.message.executorID),
                Array(command.message.data))
        case .runTaskGroup:
            guard command.hasRunTaskGroup else { return nil }
            let group = command.runTaskGroup
            self = .runTaskGroup(group.framework, group.executor, group.taskGroup.tasks)
        case .shutdownExecutor:
            guard command.hasShutdownExecutor else { return nil }
            self = .shutdownExecutor(
                FrameworkID(command.shutdownExecutor.frameworkID), ExecutorID(command.shutdownExecutor.executorID))
        case .applyOperation:
            guard let id = command.applyOperation.id else { return nil }
            let framework =
                command.applyOperation.hasFrameworkID ? FrameworkID(command.applyOperation.frameworkID) : nil
            self = .applyOperation(id, framework, command.applyOperation.info)
        case .acknowledgeOperation:
            guard let ids = command.acknowledgeOperation.ids else { return nil }
            self = .acknowledgeOperation(ids.operation, status: ids.status)
        case .reconcileOperations:
            self = .reconcileOperations(command.reconcileOperations.ids)
        case .unknown:
            return nil
        }
    }
}

extension AgentCall {
    func message(agent: AgentID?) -> LinkCall {
        var call = LinkCall()
        switch self {
        case .update(let update, let latest):
            call.type = .update
            call.update.frameworkID = V1FrameworkID(update.key.framework)
            call.update.status = update.status(agent: agent ?? AgentID(""))
            call.update.latestState = latest
        case .pong(let sequence, let stall):
            call.type = .pong
            call.pong.sequence = sequence
            if let stall { call.pong.stalledBecause = stall }
        case .tasksReconciled:
            call.type = .tasksReconciled
        case .unregister(let reason):
            call.type = .unregister
            call.unregister.reason = reason
        case .operation(let operation):
            call.type = .operationStatus
            if let framework = operation.framework { call.operationStatus.frameworkID = V1FrameworkID(framework) }
            call.operationStatus.id = operation.id
            call.operationStatus.status = operation.status
            if let agent { call.operationStatus.status.agentID = V1AgentID(agent) }
        case .message(let framework, let executor, let bytes):
            call.type = .message
            call.message.frameworkID = V1FrameworkID(framework)
            if let agent { call.message.agentID = V1AgentID(agent) }
            call.message.executorID = V1ExecutorID(executor)
            call.message.data = Data(bytes)
        case .executorExited(let framework, let executor, let status):
            call.type = .exitedExecutor
            call.exitedExecutor.frameworkID = V1FrameworkID(framework)
            call.exitedExecutor.executorID = V1ExecutorID(executor)
            call.exitedExecutor.status = status
        }
        return call
    }
}

extension Registration {
    /// - Parameters:
    ///   - description: Everything about the agent that does not change while it runs.
    ///   - advertisedIP: Under which others reach it; nil: where the link comes from.
    func message(describing description: V1AgentInfo, at advertisedIP: String? = nil) -> LinkCall {
        var call = LinkCall()
        call.type = .register
        call.register.agent = description
        if let agent { call.register.agent.id = V1AgentID(agent) }
        if let cluster { call.register.cluster = cluster }
        if let advertisedIP { call.register.advertisedIp = advertisedIP }
        call.register.linkVersion = Registration.linkVersion
        call.register.version = Versions.mini
        call.register.capabilities = AgentCapabilities.messages
        if let total { call.register.totalResources = total.protobuf() }
        call.register.operations = operations.map(\.message)
        call.register.frameworks = frameworks
        call.register.executors = executors.map { executor in
            var message = LinkExecutor()
            message.frameworkID = V1FrameworkID(executor.framework)
            message.info = executor.info
            return message
        }
        if let drain { call.register.drainConfig = drain.config }
        call.register.tasks = tasks.map { task in
            var message = LinkTask()
            message.frameworkID = V1FrameworkID(task.record.key.framework)
            message.info = task.record.info
            message.state = task.state
            if let pending = task.pending {
                message.statusUpdateState = pending.state
                message.statusUpdateUuid = Data(pending.id.bytes)
            }
            message.statuses = task.history.map { $0.status(agent: agent ?? AgentID("")) }
            return message
        }
        return call
    }

    /// What this agent understands of the link's messages.
    static let linkVersion: UInt32 = 1
}
