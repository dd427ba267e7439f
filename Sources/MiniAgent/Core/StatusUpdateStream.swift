// Delivers one task's status updates to the master: in order, one in flight, each until acknowledged.

import MesosProtocol

/// The updates of one task that the framework has not acknowledged yet.
///
/// An update is written to disk as soon as it is produced, so that an exit status survives the agent even while an
/// earlier update still waits for its acknowledgement. It is sent only once it is on disk, and the next one only once
/// the acknowledgement of the one before is on disk.
package struct StatusUpdateStream: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        case produced(StatusUpdate)
        case checkpointed(UpdateID)
        case acknowledged(UpdateID)
        case acknowledgementCheckpointed(UpdateID)
        case retryDue(send: Int)
        /// The agent has (re-)registered: whatever was in flight may be lost.
        case masterChanged
        /// The framework may be there again, and may have missed what was in flight.
        case frameworkReturned
    }

    package enum Effect: Hashable, Sendable {
        case checkpoint(StatusUpdate)
        case checkpointAcknowledgement(UpdateID)
        /// `latest` is the newest state on disk, which may be ahead of the update's own.
        case send(StatusUpdate, latest: V1TaskState)
        case scheduleRetry(send: Int, after: Duration)
        /// The terminal update is acknowledged: nothing will ever come again.
        case retire
    }

    package enum Phase: Hashable, Sendable { case idle, awaitingAcknowledgement, recordingAcknowledgement, retired }

    /// How long the first acknowledgement may take; doubles with every resend.
    package static let retryMin: Duration = .seconds(10)
    package static let retryMax: Duration = .seconds(600)

    package private(set) var phase = Phase.idle
    /// The head is in flight or next. Short: a task reports a handful of states.
    package private(set) var queue: [StatusUpdate] = []
    /// How many updates at the front of the queue are on disk.
    private var durableCount = 0
    /// Numbers every send, so that a timer of an earlier one can be told apart.
    private var sends = 0
    private var retryDelay = Self.retryMin

    package init() {}

    /// A stream as a checkpoint left it: `pending` are on disk and not acknowledged.
    package init(recovered pending: [StatusUpdate], isRetired: Bool) {
        queue = pending
        durableCount = pending.count
        phase = isRetired ? .retired : pending.isEmpty ? .idle : .awaitingAcknowledgement
    }

    /// The update that waits for an acknowledgement, if it can have been sent already.
    package var head: StatusUpdate? { durableCount > 0 ? queue.first : nil }

    /// Whether the acknowledgement of the terminal update is on its way to disk: the framework knows, and nothing will
    /// be sent again unless the agent crashes first.
    package var isClosing: Bool { phase == .recordingAcknowledgement && queue.first?.isTerminal == true }

    /// Produced, and not on disk yet.
    package var undurable: ArraySlice<StatusUpdate> { queue.dropFirst(durableCount) }

    /// Whether everything produced so far is on disk.
    package var isDurable: Bool { durableCount == queue.count }

    package mutating func step(_ event: Event) -> [Effect] {
        switch (phase, event) {
        case (.retired, .produced):
            return []
        case (_, .produced(let update)):
            if queue.contains(where: { $0.id == update.id }) { return [] }
            queue.append(update)
            return [.checkpoint(update)]
        case (.idle, .checkpointed(let id)):
            markDurable(id)
            return sendHead(retryAfter: Self.retryMin)
        case (_, .checkpointed(let id)):
            markDurable(id)
            return []
        case (.awaitingAcknowledgement, .acknowledged(queue.first?.id)):
            phase = .recordingAcknowledgement
            return [.checkpointAcknowledgement(queue[0].id)]
        case (.recordingAcknowledgement, .acknowledgementCheckpointed(queue.first?.id)):
            return advance()
        case (.awaitingAcknowledgement, .retryDue(sends)):
            return sendHead(retryAfter: min(retryDelay * 2, Self.retryMax))
        case (.awaitingAcknowledgement, .masterChanged), (.awaitingAcknowledgement, .frameworkReturned):
            return sendHead(retryAfter: Self.retryMin)
        case (_, .acknowledged), (_, .acknowledgementCheckpointed), (_, .retryDue), (_, .masterChanged),
            (_, .frameworkReturned):
            return []  // Late or repeated, as networks do. The head has not changed.
        }
    }

    private mutating func markDurable(_ id: UpdateID) {
        guard durableCount < queue.count, queue[durableCount].id == id else { return }
        durableCount += 1
    }

    private mutating func sendHead(retryAfter delay: Duration) -> [Effect] {
        guard durableCount > 0 else { return [] }
        phase = .awaitingAcknowledgement
        sends += 1
        retryDelay = delay
        return [
            .send(queue[0], latest: queue[durableCount - 1].state), .scheduleRetry(send: sends, after: delay),
        ]
    }

    private mutating func advance() -> [Effect] {
        let acknowledged = queue.removeFirst()
        if queue.isEmpty { queue = [] }  // Or the room for it stays as long as the task runs.
        durableCount -= 1
        if acknowledged.isTerminal {
            phase = .retired
            return [.retire]
        }
        phase = .idle
        return sendHead(retryAfter: Self.retryMin)
    }
}
