// Builds the events an operator's stream carries.
import MesosProtocol
import Resources

extension V1OperatorEvent {
    static var heartbeat: V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .heartbeat
        return event
    }

    static func frameworkAdded(_ framework: V1OperatorResponse.GetFrameworks.Framework) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .frameworkAdded
        event.frameworkAdded.framework = framework
        return event
    }

    static func frameworkUpdated(_ framework: V1OperatorResponse.GetFrameworks.Framework) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .frameworkUpdated
        event.frameworkUpdated.framework = framework
        return event
    }

    static func frameworkRemoved(_ info: V1FrameworkInfo) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .frameworkRemoved
        event.frameworkRemoved.frameworkInfo = info
        return event
    }

    static func agentAdded(_ agent: V1OperatorResponse.GetAgents.Agent) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .agentAdded
        event.agentAdded.agent = agent
        return event
    }

    static func agentRemoved(_ id: AgentID) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .agentRemoved
        event.agentRemoved.agentID = V1AgentID(id)
        return event
    }

    static func taskAdded(_ record: TaskRecord) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .taskAdded
        event.taskAdded.task = V1Task(record)
        return event
    }

    /// The newest status of the record, and its state, which may be ahead of it.
    static func taskUpdated(_ record: TaskRecord) -> V1OperatorEvent {
        var event = V1OperatorEvent()
        event.type = .taskUpdated
        event.taskUpdated.frameworkID = V1FrameworkID(record.key.framework)
        event.taskUpdated.state = record.state
        if let latest = record.statuses.last {
            event.taskUpdated.status = V1TaskStatus(latest, of: record)
        } else {
            event.taskUpdated.status.taskID = V1TaskID(record.id)
            event.taskUpdated.status.agentID = V1AgentID(record.agent)
            event.taskUpdated.status.state = record.state
        }
        return event
    }
}
