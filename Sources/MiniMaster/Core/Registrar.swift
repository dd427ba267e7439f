// Puts changes to the registry into batches, one write in flight, and says what may happen once each is durable.
import Resources

/// The queue in front of the registry. What must wait for a change to be durable is given along with it as a value and
/// comes back from `written`; nothing else tells anybody that the change was made.
struct Registrar: Sendable {
    /// What becomes possible once a change is durable.
    enum Continuation: Equatable, Sendable {
        case acknowledgeAgent(AgentID)
        case declareUnreachable(AgentID)
        case finishRemoval(AgentID, message: String)
        case announceSubscription(FrameworkID, StreamID)
        case removeFramework(FrameworkID)
        /// An operator's call takes effect and is answered.
        case operatorChange(OperatorChange)
        case nothing
    }

    private struct Change: Sendable {
        var operations: [RegistryOperation]
        var continuation: Continuation
    }

    /// What is durable.
    private(set) var state: RegistryState
    private var queue: [Change] = []
    private var inFlight: (number: UInt64, changes: [Change])?

    /// One ZooKeeper transaction must stay below the server's packet limit of 1 MB; an agent's record has some 400 B.
    static let operationsPerWriteMax = 256

    init(recovered state: RegistryState) { self.state = state }

    var inFlightNumber: UInt64? { inFlight?.number }
    /// Changes not yet durable.
    var pendingCount: Int { queue.count + (inFlight?.changes.count ?? 0) }

    /// What will be durable when everything that was submitted is. Whoever decides by the registry's contents decides by
    /// this, or two calls that arrive together would not know of each other.
    var planned: RegistryState {
        var planned = state
        for change in (inFlight?.changes ?? []) + queue {
            for operation in change.operations { planned.apply(operation) }
        }
        return planned
    }

    /// Whether the registry is just being told that this agent is gone for good. Looks at what is pending alone: asked for
    /// every agent that registers, ``planned`` would copy the whole registry each time.
    func isBeingMarkedGone(_ id: AgentID) -> Bool {
        func marks(_ change: Change) -> Bool {
            change.operations.contains { if case .markGone(id, _) = $0 { true } else { false } }
        }
        return inFlight?.changes.contains(where: marks) ?? false || queue.contains(where: marks)
    }

    mutating func submit(_ operations: [RegistryOperation], then continuation: Continuation) {
        queue.append(Change(operations: operations, continuation: continuation))
    }

    /// The next write, if none is in flight and something waits.
    mutating func nextWrite(number: () -> UInt64) -> RegistryWrite? {
        guard inFlight == nil, !queue.isEmpty else { return nil }
        var count = 0
        var taken = 0
        for change in queue {
            if taken > 0, count + change.operations.count > Self.operationsPerWriteMax { break }
            count += change.operations.count
            taken += 1
        }
        let changes = Array(queue.prefix(taken))
        queue.removeFirst(taken)
        let write = RegistryWrite(number: number(), operations: changes.flatMap(\.operations))
        inFlight = (write.number, changes)
        return write
    }

    /// The write of that number is durable: what may happen now, in the order the changes were submitted.
    mutating func written(_ number: UInt64) -> [Continuation] {
        guard let (current, changes) = inFlight, current == number else { return [] }
        inFlight = nil
        for change in changes {
            for operation in change.operations { state.apply(operation) }
        }
        return changes.map(\.continuation)
    }
}
