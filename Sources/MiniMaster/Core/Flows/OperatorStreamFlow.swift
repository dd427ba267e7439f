// Operators who watch: the whole state first, then every change of it, in an order that always makes sense.
import MesosProtocol
import Resources
import Security

extension Cluster {
    // MARK: Coming and going

    /// SUBSCRIBE: the state goes out as of this step, which changes nothing; every later change follows as an event.
    mutating func subscribeOperator(_ request: RequestNumber, _ incoming: OperatorRequest) {
        let stream = incoming.freshStreamID
        answer(request, .operatorStream(stream))
        if let oldest = operatorStreams.add(stream, of: incoming.principal, max: settings.operatorStreamsMax) {
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
        var events: [OperatorNews] = []
        let frameworkChanges = frameworks.takeJournal()
        let agentChanges = agents.takeJournal()
        for change in frameworkChanges {
            guard let framework = frameworks[change.id] else { continue }
            let user = framework.info.user
            switch change.kind {
            case .added: events.append(OperatorNews(.frameworkAdded(description(of: framework)), ofFrameworkOf: user))
            case .updated:
                events.append(OperatorNews(.frameworkUpdated(description(of: framework)), ofFrameworkOf: user))
            case .removed: break
            }
        }
        for case .added(let id) in agentChanges {
            guard let agent = agents[id] else { continue }
            events.append(OperatorNews(.agentAdded(description(of: agent))))
        }
        let new = Set(frameworkChanges.filter { $0.kind == .added }.map(\.id))
        for change in tasks.takeJournal() {
            let id = change.record.key.framework
            let framework = frameworks[id]
            // An agent may hold tasks of a framework whose subscription is still being written; they wait for it.
            guard !new.contains(id), framework?.isAnnounced == true || change.isEnd else { continue }
            events.append(
                OperatorNews(
                    change.isNew ? .taskAdded(change.record) : .taskUpdated(change.record), of: change.record,
                    framework ?? (settings.acls == nil ? nil : frameworks.completed.last { $0.id == id })))
        }
        for id in new.sorted() {
            events += tasks.tasks(of: id).map { OperatorNews(.taskAdded($0), of: $0, frameworks[id]) }
        }
        for case .removed(let id) in agentChanges { events.append(OperatorNews(.agentRemoved(id))) }
        for change in frameworkChanges where change.kind == .removed {
            events.append(OperatorNews(.frameworkRemoved(change.info), ofFrameworkOf: change.info.user))
        }
        for news in events {
            if news.differsByViewer, let acls = settings.acls {
                for stream in operatorStreams.all(where: { _ in true }) {
                    let viewer = Viewer(principal: operatorStreams.principal(of: stream), acls: acls)
                    emit(.sendOperatorEvent([stream], news.event(for: viewer)))
                }
                continue
            }
            let streams = operatorStreams.all { news.isVisible(to: Viewer(principal: $0, acls: settings.acls)) }
            if !streams.isEmpty { emit(.sendOperatorEvent(streams, news.event)) }
        }
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

/// An event, and what a watcher must be allowed to see to hear of it. Agents are seen by everybody, as in their lists, but not
/// all of their resources.
private struct OperatorNews {
    let event: V1OperatorEvent
    private var frameworkUser: String?
    private var task: TaskRecord?
    private var framework: Framework?

    init(_ event: V1OperatorEvent, ofFrameworkOf user: String? = nil) {
        self.event = event
        frameworkUser = user
    }

    init(_ event: V1OperatorEvent, of task: TaskRecord, _ framework: Framework?) {
        self.event = event
        self.task = task
        self.framework = framework
    }

    var differsByViewer: Bool { event.type == .agentAdded }

    func event(for viewer: Viewer) -> V1OperatorEvent {
        var event = self.event
        event.agentAdded.agent = viewer.visible(event.agentAdded.agent)
        return event
    }

    func isVisible(to viewer: Viewer) -> Bool {
        if viewer.seesEverything { return true }
        if let task { return viewer.canSee(task, of: framework) }
        return frameworkUser.map { viewer.canSeeFramework(user: $0) } ?? true
    }
}

/// Who watches, oldest first.
package struct OperatorStreams: Sendable {
    private struct Entry: Sendable {
        var stream: StreamID
        /// Nil: nobody had to say who they are.
        var principal: Principal?
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    /// Oldest first.
    func all(where isIncluded: (Principal?) -> Bool) -> [StreamID] {
        entries.filter { isIncluded($0.principal) }.map(\.stream)
    }

    func contains(_ stream: StreamID) -> Bool { entries.contains { $0.stream == stream } }

    func principal(of stream: StreamID) -> Principal? { entries.first { $0.stream == stream }?.principal }

    /// - Returns: The oldest, which has to go for the new one.
    mutating func add(_ stream: StreamID, of principal: Principal?, max: Int) -> StreamID? {
        entries.append(Entry(stream: stream, principal: principal))
        guard entries.count > Swift.max(1, max) else { return nil }
        return entries.removeFirst().stream
    }

    mutating func remove(_ stream: StreamID) { entries.removeAll { $0.stream == stream } }
}
