// Operators who watch: the whole state first, then every change of it, in an order that always makes sense.
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Coming and going

    /// SUBSCRIBE: the state goes out as of this step, which changes nothing; every later change follows as an event.
    mutating func subscribeOperator(_ request: RequestNumber, _ incoming: OperatorRequest) {
        let stream = incoming.freshStreamID
        answer(request, .operatorStream(stream))
        if let oldest = operatorStreams.add(stream, max: settings.operatorStreamsMax) {
            emit(.closeOperatorStream(oldest, reason: "more than \(settings.operatorStreamsMax) operators subscribed"))
        }
        journalChanges(true)
        emit(.sendOperatorState(stream))
        operatorHeartbeat(stream)
    }

    mutating func operatorStreamClosed(_ stream: StreamID) {
        operatorStreams.remove(stream)
        if operatorStreams.isEmpty { journalChanges(false) }
    }

    mutating func operatorHeartbeat(_ stream: StreamID) {
        guard operatorStreams.contains(stream) else { return }
        emit(.sendOperatorEvent([stream], .heartbeat))
        emit(.scheduleTimer(.operatorHeartbeat(stream), after: settings.heartbeatInterval))
    }

    // MARK: Changes

    private mutating func journalChanges(_ isWanted: Bool) {
        tasks.keepJournal(isWanted)
        agents.keepJournal(isWanted)
        frameworks.keepJournal(isWanted)
    }

    /// Tells the operators what this step changed; nothing while nobody listens.
    ///
    /// Within a step frameworks come first and go last, and an agent's tasks are spoken of while it is there: a task is
    /// never told of before its framework, nor after its agent has gone.
    mutating func tellOperators() {
        guard !operatorStreams.isEmpty else { return }
        var events: [V1OperatorEvent] = []
        let frameworkChanges = frameworks.takeJournal()
        let agentChanges = agents.takeJournal()
        for change in frameworkChanges {
            guard let framework = frameworks[change.id] else { continue }
            switch change.kind {
            case .added: events.append(.frameworkAdded(description(of: framework)))
            case .updated: events.append(.frameworkUpdated(description(of: framework)))
            case .removed: break
            }
        }
        for case .added(let id) in agentChanges {
            guard let agent = agents[id] else { continue }
            events.append(.agentAdded(description(of: agent)))
        }
        let new = Set(frameworkChanges.filter { $0.kind == .added }.map(\.id))
        for change in tasks.takeJournal() {
            let framework = change.record.key.framework
            // An agent may hold tasks of a framework whose subscription is still being written; they wait for it.
            guard !new.contains(framework), frameworks[framework]?.isAnnounced == true || change.isEnd else { continue }
            events.append(change.isNew ? .taskAdded(change.record) : .taskUpdated(change.record))
        }
        for framework in new.sorted() { events += tasks.tasks(of: framework).map { .taskAdded($0) } }
        for case .removed(let id) in agentChanges { events.append(.agentRemoved(id)) }
        for change in frameworkChanges where change.kind == .removed {
            events.append(.frameworkRemoved(change.info))
        }
        let streams = operatorStreams.all
        for event in events { emit(.sendOperatorEvent(streams, event)) }
    }

    private func description(of framework: Framework) -> V1OperatorResponse.GetFrameworks.Framework {
        var used = HeldByRole()
        for task in tasks.tasks(of: framework.id) where task.isCharged {
            used[task.role, default: Resources()] += task.resources
        }
        for executor in executors.executors(of: framework.id) {
            used[executor.role, default: Resources()] += executor.resources
        }
        let open = offers.offers(to: framework.id)
        var message = V1OperatorResponse.GetFrameworks.Framework(
            framework, used: used, offered: Self.held(in: open), offers: open, isOver: false)
        // In events, not in lists, Apache Mesos gives a time to what has not happened.
        if framework.unregisteredAt == nil { message.unregisteredTime = WallTime(nanoseconds: 0).message }
        return message
    }

    private func description(of agent: Agent) -> V1OperatorResponse.GetAgents.Agent {
        var used = HeldByRole()
        for task in tasks.tasks(on: agent.id) where task.isCharged {
            used[task.role, default: Resources()] += task.resources
        }
        for executor in executors.executors(on: agent.id) {
            used[executor.role, default: Resources()] += executor.resources
        }
        return description(of: agent, used: used, offered: Self.held(in: offers.offers(of: agent.id)))
    }

    /// An agent with what operators decided about it.
    func description(
        of agent: Agent, used: HeldByRole, offered: HeldByRole
    ) -> V1OperatorResponse.GetAgents.Agent {
        var message = V1OperatorResponse.GetAgents.Agent(agent, used: used, offered: offered)
        if isDeactivated(agent.id) {
            message.active = false
            message.deactivated = true
        }
        if let info = drainInfo(of: agent.id) { message.drainInfo = info }
        if let time = estimatedDrainStartTime(of: agent.id) { message.estimatedDrainStartTime = time.message }
        return message
    }

    private static func held(in offers: [Offer]) -> HeldByRole {
        var held = HeldByRole()
        for offer in offers { held[offer.role, default: Resources()] += offer.resources }
        return held
    }
}

/// Who watches, oldest first.
package struct OperatorStreams: Sendable {
    private var streams: [StreamID] = []

    var isEmpty: Bool { streams.isEmpty }
    package var count: Int { streams.count }
    /// Oldest first.
    var all: [StreamID] { streams }

    func contains(_ stream: StreamID) -> Bool { streams.contains(stream) }

    /// - Returns: The oldest, which has to go for the new one.
    mutating func add(_ stream: StreamID, max: Int) -> StreamID? {
        streams.append(stream)
        guard streams.count > Swift.max(1, max) else { return nil }
        return streams.removeFirst()
    }

    mutating func remove(_ stream: StreamID) { streams.removeAll { $0 == stream } }
}
