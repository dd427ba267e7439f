// The core's words to an executor as messages of the v1 executor API.

import Foundation
import MesosProtocol
import Resources

extension ExecutorEvent {
    /// - Parameter agent: How the agent describes itself, with its id.
    package func message(agent: V1AgentInfo) -> V1ExecutorEvent {
        var event = V1ExecutorEvent()
        switch self {
        case .subscribed(let executor, let framework, let container):
            event.type = .subscribed
            event.subscribed.executorInfo = executor
            event.subscribed.frameworkInfo = framework
            event.subscribed.agentInfo = agent
            event.subscribed.containerID = V1ContainerID(container)
        case .launch(let task):
            event.type = .launch
            event.launch.task = task
        case .launchGroup(let tasks):
            event.type = .launchGroup
            event.launchGroup.taskGroup.tasks = tasks
        case .kill(let task, let grace):
            event.type = .kill
            event.kill.taskID = V1TaskID(task)
            if let grace { event.kill.killPolicy.gracePeriod.nanoseconds = grace.clampedNanoseconds }
        case .acknowledged(let task, let id):
            event.type = .acknowledged
            event.acknowledged.taskID = V1TaskID(task)
            event.acknowledged.uuid = Data(id.bytes)
        case .message(let bytes):
            event.type = .message
            event.message.data = Data(bytes)
        case .shutdown:
            event.type = .shutdown
        }
        return event
    }
}
