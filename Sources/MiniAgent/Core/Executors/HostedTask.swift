// One task that was given to an executor: the agent keeps and delivers what the executor says of it.

import MesosProtocol
import Resources

/// The life of one task of an executor. `ExecutorLife` holds one for each.
///
/// ```
/// recording ─► queued ─► due ─► launched ─► ended
///     └───────────┴────────┴────────┘  killed before delivery, or the executor ended
/// ```
///
/// A task has one end: what an executor says after it is acknowledged to the executor and told to nobody.
package struct HostedTask: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// On its way to disk.
        case recording
        /// On disk, and not given to the executor yet.
        case queued
        /// That it may have been given to the executor is on disk: it can be given now.
        case due
        /// The executor may have it.
        case launched
        case ended
    }

    package enum Effect: Hashable, Sendable {
        case agent(AgentEffect)
        case send(StatusUpdate, latest: V1TaskState)
        case tell(ExecutorEvent)
        /// Nothing more will come of this task.
        case retire
    }

    package let record: TaskRecord
    package let resources: Resources
    package internal(set) var framework: V1FrameworkInfo
    package private(set) var phase: Phase
    package private(set) var stream: StatusUpdateStream
    /// One entry for each state, newest last, without the bulky data.
    package private(set) var history: [StatusUpdate] = []
    /// Somebody wants it ended. Told to the executor when it is on disk, and again whenever the executor comes back.
    package private(set) var kill: KillOrder?
    private var isKillRecorded = false
    /// What is on disk of its way to the executor, or on its way there.
    private var delivery: TaskDelivery?
    /// Updates that the executor may send again; the newest ones.
    private var known: [UpdateID] = []
    /// Updates that wait for the disk before they are acknowledged to the executor.
    private var owed: [UpdateID] = []

    /// A correct executor repeats only what was not acknowledged to it.
    private static let knownMax = 1000
    /// What may wait for the framework. An executor that says more is not acknowledged, and keeps what it said.
    private static let pendingMax = 1000

    init(_ record: TaskRecord, framework: V1FrameworkInfo, resources: Resources) {
        self.record = record
        self.framework = framework
        self.resources = resources
        phase = .recording
        stream = StatusUpdateStream()
        delivery = record.awaitsDelivery ? .awaited : nil
    }

    /// A task as a checkpoint left it.
    ///
    /// - Parameter wasDelivered: Whether the executor may have been given it.
    init(
        recovered checkpoint: AgentCheckpoint.Task, framework: V1FrameworkInfo, resources: Resources, wasDelivered: Bool
    ) {
        self.init(checkpoint.record, framework: framework, resources: resources)
        stream = StatusUpdateStream(recovered: checkpoint.pending, isRetired: checkpoint.isRetired)
        for update in checkpoint.updates { remember(update) }
        known = checkpoint.updates.suffix(Self.knownMax).map(\.id)
        kill = checkpoint.kill
        isKillRecorded = kill != nil
        delivery = checkpoint.delivery
        let undelivered = delivery == .made ? Phase.due : .queued
        phase = checkpoint.terminalUpdate != nil ? .ended : wasDelivered ? .launched : undelivered
    }

    package var key: TaskKey { record.key }
    package var state: V1TaskState { history.last?.state ?? .taskStaging }
    package var isEnded: Bool { phase == .ended }
    /// Whether it has ended and nothing of that would be forgotten in a crash.
    var isSettled: Bool { isEnded && stream.isDurable }
    var isUndelivered: Bool { phase == .recording || isWaiting }
    /// On disk, and not given to the executor.
    var isWaiting: Bool { phase == .queued || phase == .due }
    /// Handed over, and nothing came back.
    var isSilent: Bool { phase == .launched && history.isEmpty }
    var isRetired: Bool { stream.phase == .retired }
    /// What can be told: a crash of the agent may undo what is not on disk.
    var durableHistory: [StatusUpdate] {
        let undurable = Set(stream.undurable.map(\.id))
        return undurable.isEmpty ? history : history.filter { !undurable.contains($0.id) }
    }

    // MARK: On the way to the executor

    mutating func recorded() { if phase == .recording { phase = .queued } }

    /// That its executor has subscribed goes to disk.
    ///
    /// - Returns: Whether that it was not given this task must go with it.
    mutating func awaitDelivery() -> Bool {
        guard isUndelivered, delivery == nil else { return false }
        delivery = .awaited
        return true
    }

    /// It is to be given to the executor, which goes to disk first.
    mutating func announceDelivery() -> [Effect] {
        guard phase == .queued, delivery != .made else { return [] }
        delivery = .made
        return [.agent(.checkpoint(.delivery(key, record.container)))]
    }

    mutating func deliveryRecorded() { if phase == .queued, delivery == .made { phase = .due } }

    /// It is handed to the executor.
    mutating func deliver() { if phase == .due { phase = .launched } }

    /// The executor says that it has it, which nobody knows better.
    mutating func isHeld() { if isUndelivered { phase = .launched } }

    /// - Returns: Effects, and whether the task has ended by it without the executor.
    mutating func requestKill(_ order: KillOrder, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        switch phase {
        case .recording, .queued, .due:
            kill = kill ?? order
            return end(.killedBeforeStart(record), now, &ids)
        case .launched:
            // As often as somebody asks: the executor knows best what a second kill means.
            kill = order
            isKillRecorded = false
            return [.agent(.checkpoint(.kill(key, record.container, order)))]
        case .ended:
            return []
        }
    }

    mutating func killRecorded() -> [Effect] {
        isKillRecorded = true
        return repeatKill()
    }

    /// Tells the executor of a kill it may not have heard of.
    func repeatKill() -> [Effect] {
        guard phase == .launched, isKillRecorded, let kill else { return [] }
        return [.tell(.kill(key.task, grace: kill.grace < .zero ? nil : kill.grace))]
    }

    // MARK: On the way to the framework

    /// An update of the executor.
    ///
    /// - Parameter networks: The container's addresses, for an executor that names none.
    mutating func take(
        _ status: V1TaskStatus, networks: [V1NetworkInfo], _ now: Moment
    ) -> [Effect] {
        guard var update = StatusUpdate(status, framework: key.framework) else { return [] }
        if known.contains(update.id) {
            // Said before: its acknowledgement was lost, unless it is still on its way to disk.
            return owed.contains(update.id) ? [] : [.tell(.acknowledged(key.task, update.id))]
        }
        if isEnded { return [.tell(.acknowledged(key.task, update.id))] }
        guard stream.queue.count < Self.pendingMax || update.isTerminal else {
            let notice = "\(key): \(stream.queue.count) updates wait for the framework; this one is not taken"
            return [.agent(.notice(.warning(notice)))]
        }
        update.executor = record.executor
        update.container = record.container
        update.source = .executor
        if update.timestamp.nanoseconds <= 0 { update.timestamp = now.wall }
        if update.networks.isEmpty { update.networks = networks }
        if let cause = kill?.cause, cause != .request, [.taskKilling, .taskKilled].contains(update.state) {
            update.reason = .agentDraining
            if cause == .drainToGone, update.state == .taskKilled, framework.has(.partitionAware) {
                update.state = .taskGoneByOperator
            }
        }
        if phase != .launched { phase = .launched }
        owed.append(update.id)
        return record(update)
    }

    /// The agent's own word on how it ended.
    mutating func end(_ report: ExitReport, _ now: Moment, _ ids: inout RandomStream) -> [Effect] {
        if isEnded { return [] }
        let report = report.told(asKilledBy: kill?.cause, to: framework)
        let update = StatusUpdate(
            id: WireUUID.random(using: &ids), key: key, executor: record.executor, container: record.container,
            state: report.state, source: report.source, reason: report.reason, message: report.message,
            timestamp: now.wall, limitation: report.limitation, networks: history.last?.networks ?? [])
        return record(update)
    }

    private mutating func record(_ update: StatusUpdate) -> [Effect] {
        if update.isTerminal { phase = .ended }
        known.append(update.id)
        if known.count > Self.knownMax { known.removeFirst() }
        remember(update)
        return translate(stream.step(.produced(update)))
    }

    private mutating func remember(_ update: StatusUpdate) {
        var entry = update
        entry.data = []
        if history.last?.state == update.state { history.removeLast() }
        history.append(entry)
    }

    mutating func step(_ event: StatusUpdateStream.Event) -> [Effect] {
        var effects: [Effect] = []
        if case .checkpointed(let id) = event, let index = owed.firstIndex(of: id) {
            owed.remove(at: index)
            effects.append(.tell(.acknowledged(key.task, id)))
        }
        return effects + translate(stream.step(event))
    }

    private func translate(_ effects: [StatusUpdateStream.Effect]) -> [Effect] {
        effects.map { effect in
            switch effect {
            case .checkpoint(let update): .agent(.checkpoint(.update(update)))
            case .checkpointAcknowledgement(let id): .agent(.checkpoint(.acknowledgement(key, id)))
            case .send(let update, let latest): .send(update, latest: latest)
            case .scheduleRetry(let send, let delay): .agent(.schedule(.retryUpdate(key, send: send), after: delay))
            case .retire: .retire
            }
        }
    }
}

extension KillOrder {
    /// The grace of a kill that names none: an executor knows its own.
    static let ownGrace = Duration.nanoseconds(-1)
}
