// The life of one task as the program that waits for it sees it. Pure.

import MesosProtocol
import Resources

/// Takes the first offer with room, follows the task to its end, and knows the exit status that follows from it.
struct TaskRunMachine {
    enum Event {
        case subscribed(FrameworkID)
        case offered([V1Offer])
        case updated(V1TaskStatus)
        case refused(String)
        /// Nothing has come of it for a while; say what it waits for.
        case patienceEnded
        /// The user wants it to end: the first time a kill, the second time at once.
        case interrupted
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

    let request: TaskRequest
    let task: TaskID
    private(set) var phase = Phase.waiting
    private var framework: FrameworkID?
    private var isFollowing = false
    private var wasInterrupted = false
    private var sandbox: Sandbox?

    /// Whether a master has taken the framework, and may hold offers or a task for it.
    var isKnownToMaster: Bool { framework != nil }

    init(request: TaskRequest, task: TaskID) {
        self.request = request
        self.task = task
    }

    mutating func step(_ event: Event) -> [Effect] {
        switch (phase, event) {
        case (.waiting, .subscribed(let id)):
            framework = id
            return []
        case (.launched(let agent), .subscribed):
            return [.reconcile(task, agent)]
        case (.waiting, .offered(let offers)):
            return choose(among: offers)
        case (_, .offered(let offers)):
            return [.decline(offers.map { OfferID($0.id.value) })]
        case (.launched, .updated(let status)) where status.taskID.value == task.value:
            return follow(status)
        case (_, .updated(let status)):
            return status.hasUuid ? [.acknowledge(status)] : []
        case (.launched, .updateOverdue(let status)):
            return end(with: status)
        case (.waiting, .refused(let reason)), (.launched, .refused(let reason)):
            return [.say("the master refuses: \(reason)"), .finish(status: 1)]
        case (.waiting, .patienceEnded):
            let wanted = "cpus:\(request.cpus);mem:\(request.memory)"
            return [.say(framework == nil ? "waiting for a leading master" : "waiting for an offer with \(wanted)")]
        case (.waiting, .interrupted):
            return [.finish(status: 130)]
        case (.launched, .interrupted):
            if wasInterrupted { return [.finish(status: 130)] }
            wasInterrupted = true
            return [.say("killing the task"), .kill(task)]
        case (.ended(let status), .outputDrained), (.ended(let status), .interrupted):
            return [.finish(status: status)]
        case (_, .patienceEnded), (_, .outputDrained), (_, .updateOverdue), (.ended, .subscribed), (.ended, .refused):
            return []
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
        phase = .ended(status: wasInterrupted ? 130 : outcome.exitStatus)
        var effects: [Effect] = []
        if let complaint = outcome.complaint { effects.append(.say(complaint)) }
        effects.append(isFollowing ? .drain : .finish(status: outcome.exitStatus))
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
    /// As a shell would report it: the command's own status, 128 + the signal, or 1 when it did not get that far.
    var exitStatus: Int32
    /// What to tell the user; `nil` when the command spoke for itself.
    var complaint: String?

    /// The v1 API carries no exit status; agents say it in words, as Apache Mesos's command executor does:
    /// "Command exited with status 3", "Command terminated with signal Killed".
    init(_ status: V1TaskStatus) {
        if status.state == .taskFinished {
            exitStatus = 0
        } else if let code = Self.number(after: "exited with status ", in: status.message) {
            exitStatus = code == 0 ? 1 : code
        } else if let signal = Self.signal(in: status.message) {
            exitStatus = 128 + signal
            complaint = status.message
        } else {
            exitStatus = 1
            let name = status.state.name
            complaint = status.message.isEmpty ? "the task ended as \(name)" : "\(name): \(status.message)"
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
