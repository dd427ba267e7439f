// Builds the events a scheduler hears and the statuses the master itself reports.
import MesosProtocol
import Resources

extension V1SchedulerEvent {
    static func subscribed(_ id: FrameworkID, heartbeat: Duration, master: V1MasterInfo) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .subscribed
        event.subscribed.frameworkID = V1FrameworkID(id)
        event.subscribed.heartbeatIntervalSeconds = heartbeat.inSeconds
        event.subscribed.masterInfo = master
        return event
    }

    static var heartbeat: V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .heartbeat
        return event
    }

    static func offers(_ offers: [V1Offer]) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .offers
        event.offers.offers = offers
        return event
    }

    static func rescind(_ id: OfferID) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .rescind
        event.rescind.offerID = V1OfferID(id)
        return event
    }

    static func inverseOffers(_ offers: [V1InverseOffer]) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .inverseOffers
        event.inverseOffers.inverseOffers = offers
        return event
    }

    static func rescindInverseOffer(_ id: OfferID) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .rescindInverseOffer
        event.rescindInverseOffer.inverseOfferID = V1OfferID(id)
        return event
    }

    static func update(_ status: V1TaskStatus) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .update
        event.update.status = status
        return event
    }

    static func operation(_ status: V1OperationStatus) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .updateOperationStatus
        event.updateOperationStatus.status = status
        return event
    }

    static func failure(of agent: AgentID) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .failure
        event.failure.agentID = V1AgentID(agent)
        return event
    }

    /// An executor has ended. A status that is not known is -1.
    static func failure(of agent: AgentID, executor: ExecutorID, status: Int32) -> V1SchedulerEvent {
        var event = failure(of: agent)
        event.failure.executorID = V1ExecutorID(executor)
        event.failure.status = status
        return event
    }

    static func error(_ message: String) -> V1SchedulerEvent {
        var event = V1SchedulerEvent()
        event.type = .error
        event.error.message = message
        return event
    }
}

extension V1TaskStatus {
    /// A status made up by the master. It carries no uuid: nobody acknowledges it.
    static func fromMaster(
        _ task: TaskID, on agent: AgentID?, _ state: V1TaskState, _ reason: V1TaskStatus.Reason, _ message: String,
        at time: WallTime
    ) -> V1TaskStatus {
        var status = V1TaskStatus()
        status.taskID = V1TaskID(task)
        status.state = state
        status.message = message
        status.source = .master
        status.reason = reason
        if let agent { status.agentID = V1AgentID(agent) }
        status.timestamp = time.seconds
        return status
    }
}

extension WallTime {
    var message: V1TimeInfo {
        var info = V1TimeInfo()
        info.nanoseconds = nanoseconds
        return info
    }
}

extension V1TaskStatus {
    /// An agent's word on a task it does not hold. It is on no disk, names no container, and is not repeated.
    var isOnceOnly: Bool { source == .agent && !containerStatus.hasContainerID }
}
