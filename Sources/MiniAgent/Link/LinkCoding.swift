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
        case .message, .runTaskGroup, .applyOperation, .acknowledgeOperation, .reconcileOperations, .shutdownExecutor,
            .unknown:
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
        case .pong(let sequence):
            call.type = .pong
            call.pong.sequence = sequence
        case .tasksReconciled:
            call.type = .tasksReconciled
        case .unregister(let reason):
            call.type = .unregister
            call.unregister.reason = reason
        }
        return call
    }
}

extension Registration {
    /// - Parameter description: Everything about the agent that does not change while it runs.
    func message(describing description: V1AgentInfo) -> LinkCall {
        var call = LinkCall()
        call.type = .register
        call.register.agent = description
        if let agent { call.register.agent.id = V1AgentID(agent) }
        if let cluster { call.register.cluster = cluster }
        call.register.linkVersion = Registration.linkVersion
        call.register.version = Versions.mini
        call.register.frameworks = frameworks
        call.register.capabilities = AgentCapabilities.messages
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
