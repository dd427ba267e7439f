// The life of one task as the program that waits for it sees it. Pure.

import MesosProtocol
import Resources

/// Takes the first offer with room, follows the task to its end, and knows the exit status that follows from it.
struct TaskRunMachine {
    enum Event {
        /// The first of all events.
        case started
        case happened(FrameworkHappening)
        /// Nothing has come of it for a while; say what it waits for.
        case patienceEnded
        /// Nobody has led for as long as one may wait for it.
        case leaderOverdue(absence: Int)
        /// The task should have ended of its kill by now.
        case killOverdue
        /// The sandbox has been read to its end.
        case outputDrained
        /// The agent's own update has not come; this is the master's word of the task's end.
        case updateOverdue(V1TaskStatus)
    }

    enum Effect {
        case launch(OfferID, V1TaskInfo)
        case decline([OfferID])
        /// No further offers are wanted.
        case suppress
        case acknowledge(V1TaskStatus)
        case kill(TaskID)
        /// The state may have changed while we were away.
        case reconcile(TaskID, AgentID)
        /// Report `.updateOverdue` if the machine has not finished after a while.
        case expectUpdate(insteadOf: V1TaskStatus)
        /// Report `.leaderOverdue` with the number if the machine has not finished by then.
        case expectLeader(absence: Int, within: Duration)
        /// Report `.killOverdue` if the machine has not finished by then.
        case expectEnd(within: Duration)
        /// Print the sandbox's stdout and stderr as they grow.
        case follow(Sandbox)
        /// Read what is left of the sandbox, then report `.outputDrained`.
        case drain
        case say(String)
        case finish(status: Int32)
    }

    enum Phase: Equatable {
        case waiting
        case launched(AgentID)
        case ended(status: Int32)
    }

    /// What the command ends with when nobody can say how the task ended, or it never began.
    static let failed: Int32 = 125
    /// What it ends with when the user does not want to wait.
    static let interrupted: Int32 = 130
    /// How long a task that was launched may go without a leading master to tell of it: time enough to start one again.
    static let outageMax = Duration.seconds(600)
    /// How long a kill may take: the agent kills for good after 3 seconds, an engine needs some more.
    static let killMax = Duration.seconds(8)

    let request: TaskRequest
    let task: TaskID
    let leaderTimeout: Duration
    private(set) var phase = Phase.waiting
    private var isConnected = false
    /// Counts the times without a leader, so that a deadline of an earlier one is ignored.
    private var absences = 0
    private var framework: FrameworkID?
    private var isFollowing = false
    private var wasInterrupted = false
    private var sandbox: Sandbox?

    /// Whether a master has taken the framework, and may hold offers or a task for it.
    var isKnownToMaster: Bool { framework != nil }

    /// - Parameter leaderTimeout: How long to wait for a leading master before the task is launched.
    init(request: TaskRequest, task: TaskID, leaderTimeout: Duration) {
        self.request = request
        self.task = task
        self.leaderTimeout = leaderTimeout
    }

    mutating func step(_ event: Event) -> [Effect] {
        switch event {
        case .started: return [.expectLeader(absence: absences, within: leaderTimeout)]
        case .happened(let happening): return hear(happening)
        case .patienceEnded:
            guard case .waiting = phase else { return [] }
            let wanted = "cpus:\(request.cpus);mem:\(request.memory)"
            return [.say(isConnected ? "waiting for an offer with \(wanted)" : "waiting for a leading master")]
        case .leaderOverdue(let absence): return leaderOverdue(absence)
        case .killOverdue:
            guard case .launched = phase else { return [] }
            return [.say("the task has not ended; the master is left to end it"), .finish(status: Self.interrupted)]
        case .outputDrained:
            guard case .ended(let status) = phase else { return [] }
            return [.finish(status: status)]
        case .updateOverdue(let status):
            guard case .launched = phase else { return [] }
            return end(with: status)
        }
    }

    private mutating func hear(_ happening: FrameworkHappening) -> [Effect] {
        switch (phase, happening) {
        case (_, .subscribed(let id)):
            isConnected = true
            if case .launched(let agent) = phase { return [.reconcile(task, agent)] }
            framework = framework ?? id
            return []
        case (.waiting, .disconnected), (.launched, .disconnected):
            isConnected = false
            absences += 1
            if wasInterrupted { return leaveWithoutMaster() }
            return [.expectLeader(absence: absences, within: phase == .waiting ? leaderTimeout : Self.outageMax)]
        case (.ended, .disconnected): return []
        case (.waiting, .offered(let offers)): return choose(among: offers)
        case (_, .offered(let offers)): return [.decline(offers.map { OfferID($0.id.value) })]
        case (.launched, .updated(let status)) where status.taskID.value == task.value: return follow(status)
        case (_, .updated(let status)): return status.hasUuid ? [.acknowledge(status)] : []
        case (.waiting, .refused(let reason)), (.launched, .refused(let reason)):
            return [.say("the master refuses: \(reason)"), .finish(status: Self.failed)]
        case (.ended, .refused): return []
        case (.waiting, .interrupted): return [.finish(status: Self.interrupted)]
        case (.launched, .interrupted):
            guard isConnected else { return leaveWithoutMaster() }
            if wasInterrupted { return [.finish(status: Self.interrupted)] }
            wasInterrupted = true
            return [.say("killing the task"), .kill(task), .expectEnd(within: Self.killMax)]
        case (.ended(let status), .interrupted): return [.finish(status: status)]
        }
    }

    /// There is nobody to ask for a kill. Whoever leads next misses this framework, and ends its tasks.
    private func leaveWithoutMaster() -> [Effect] {
        [.say("no master leads; the next one will end the task"), .finish(status: Self.interrupted)]
    }

    private func leaderOverdue(_ absence: Int) -> [Effect] {
        guard absence == absences, !isConnected else { return [] }
        switch phase {
        case .waiting:
            return [
                .say("no leading master took the task within \(leaderTimeout); is --master right?"),
                .finish(status: Self.failed),
            ]
        case .launched:
            return [
                .say("no master has led for \(Self.outageMax); what became of the task is not known"),
                .finish(status: Self.failed),
            ]
        case .ended: return []
        }
    }

    private mutating func choose(among offers: [V1Offer]) -> [Effect] {
        guard let offer = offers.first(where: request.fits) else {
            return [.decline(offers.map { OfferID($0.id.value) })]
        }
        let agent = AgentID(offer.agentID.value)
        phase = .launched(agent)
        sandbox = framework.flatMap { Sandbox(offer: offer, framework: $0, task: task) }
        let others = offers.filter { $0.id != offer.id }.map { OfferID($0.id.value) }
        return [.launch(OfferID(offer.id.value), request.task(id: task, on: offer))]
            + (others.isEmpty ? [] : [.decline(others)]) + [.suppress]
    }

    private mutating func follow(_ status: V1TaskStatus) -> [Effect] {
        var effects: [Effect] = status.hasUuid ? [.acknowledge(status)] : []
        if status.state == .taskRunning || status.state.isTerminal, !isFollowing, let sandbox {
            isFollowing = true
            effects.append(.follow(sandbox))
        }
        guard status.state.isTerminal else { return effects }
        // The master's answer to a reconciliation has the state alone. The agent resends its update, which has the exit
        // status, to every new leader until it is acknowledged.
        if status.reason == .reconciliation, Self.reportedByAgents.contains(status.state) {
            return effects + [.expectUpdate(insteadOf: status)]
        }
        return effects + end(with: status)
    }

    /// Terminal states of which the agent knows more than the master.
    private static let reportedByAgents: [V1TaskState] = [.taskFinished, .taskFailed, .taskKilled, .taskError]

    private mutating func end(with status: V1TaskStatus) -> [Effect] {
        let outcome = TaskOutcome(status)
        let exitStatus = wasInterrupted ? Self.interrupted : outcome.exitStatus
        phase = .ended(status: exitStatus)
        var effects: [Effect] = []
        if !wasInterrupted, let complaint = outcome.complaint { effects.append(.say(complaint)) }
        effects.append(isFollowing ? .drain : .finish(status: exitStatus))
        return effects
    }
}

/// Where the output of the task can be read.
struct Sandbox: Equatable, Sendable {
    /// `http://host:port` of the agent.
    var agentURL: String
    /// The run's folder as the agent's files endpoint names it.
    var path: String

    /// - Returns: `nil` if the offer does not say where the agent listens.
    init?(offer: V1Offer, framework: FrameworkID, task: TaskID) {
        guard offer.hasURL, offer.url.hasAddress else { return nil }
        let address = offer.url.address
        // Certificates name hosts.
        let prefersName = offer.url.scheme == "https" && !address.hostname.isEmpty
        let host = address.hasIp && !address.ip.isEmpty && !prefersName ? address.ip : address.hostname
        agentURL = "\(offer.url.scheme)://\(host):\(address.port)"
        path = "/frameworks/\(framework)/executors/\(task)/runs/latest"
    }
}

/// What a terminal update means for whoever ran the command.
struct TaskOutcome: Equatable {
    /// As a shell would report it: the command's own status or 128 + the signal; 125 when it did not get that far or nobody
    /// knows how it ended.
    var exitStatus: Int32
    /// What to tell the user; `nil` when the command spoke for itself.
    var complaint: String?

    /// The v1 API carries no exit status; agents say it in words, as Apache Mesos's command executor does:
    /// "Command exited with status 3", "Command terminated with signal Killed".
    init(_ status: V1TaskStatus) {
        let name = status.state.name
        let story = status.message.isEmpty ? "the task ended as \(name)" : "\(name): \(status.message)"
        if status.state == .taskFinished {
            exitStatus = 0
        } else if let code = Self.number(after: "exited with status ", in: status.message) {
            exitStatus = code == 0 ? 1 : code
            // Somebody killed it, or it went beyond a limit.
            let endedByItself = !status.hasReason || status.reason == .commandExecutorFailed
            if status.state != .taskFailed || !endedByItself { complaint = story }
        } else if let signal = Self.signal(in: status.message) {
            exitStatus = 128 + signal
            complaint = story
        } else {
            exitStatus = TaskRunMachine.failed
            complaint = story
        }
    }

    private static func number(after words: String, in message: String) -> Int32? {
        guard let range = message.firstRange(of: words) else { return nil }
        return Int32(message[range.upperBound...].prefix { $0.isNumber })
    }

    private static func signal(in message: String) -> Int32? {
        let words = "terminated with signal "
        if let number = number(after: words, in: message) { return number }
        guard let range = message.firstRange(of: words) else { return nil }
        let names: [(String, Int32)] = [
            ("Hangup", 1), ("Interrupt", 2), ("Quit", 3), ("Aborted", 6), ("Killed", 9), ("Segmentation fault", 11),
            ("Terminated", 15),
        ]
        return names.first { message[range.upperBound...].hasPrefix($0.0) }?.1
    }
}
