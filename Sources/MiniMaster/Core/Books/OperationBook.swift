// The operations on resources that somebody still waits for: sent to an agent, or finished and not acknowledged.
import MesosProtocol
import Resources

/// One RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME or SHRINK_VOLUME that went to an agent.
package struct OperationRecord: Sendable {
    /// Names it between master and agent.
    package let id: WireUUID
    /// Nil when an operator asked for it.
    package let framework: FrameworkID?
    package let agent: AgentID
    /// The role whose allocation it works on; nil for an operator's.
    package let role: RoleName?
    package let info: V1Offer.Operation
    package let conversion: ResourceConversion
    /// What it consumes is held back until the agent has answered: GROW_VOLUME and SHRINK_VOLUME. The others change the
    /// books at once.
    package var isHoldingBack: Bool
    package var latest: V1OperationStatus
    /// Every status so far, oldest first. Short: an operation is pending, and then it is over.
    package var statuses: [V1OperationStatus] = []
    /// Counts operations, so that lists can be shown in the order in which they came.
    package var sequence: UInt64 = 0

    /// The framework's own name for it; nil if it did not ask to hear of it.
    package var operationID: String? { info.hasID ? info.id.value : nil }
    package var isTerminal: Bool { latest.state.isTerminal }

    /// The operation as the operator API shows it.
    package var message: V1Operation {
        var message = V1Operation()
        if let framework { message.frameworkID = V1FrameworkID(framework) }
        message.agentID = V1AgentID(agent)
        message.info = info
        message.latestStatus = latest
        message.statuses = statuses
        message.uuid = V1UUID(id)
        return message
    }
}

/// All of them, found by uuid, by agent, or by a framework's own name.
package struct OperationBook: Sendable {
    /// So many unacknowledged operations on one agent are more than any framework needs; further ones are refused.
    static let perAgentMax = 1000

    private struct Name: Hashable {
        var framework: FrameworkID
        var id: String
    }

    private var records: [WireUUID: OperationRecord] = [:]
    private var byName: [Name: WireUUID] = [:]
    private var byAgent: [AgentID: Set<WireUUID>] = [:]
    private var count: UInt64 = 0

    package init() {}

    package subscript(id: WireUUID) -> OperationRecord? { records[id] }

    package subscript(framework: FrameworkID, id: String) -> OperationRecord? {
        byName[Name(framework: framework, id: id)].flatMap { records[$0] }
    }

    /// In the order they came.
    package var all: [OperationRecord] { records.values.sorted { $0.sequence < $1.sequence } }

    /// In the order they came.
    package func operations(on agent: AgentID) -> [OperationRecord] {
        (byAgent[agent] ?? []).compactMap { records[$0] }.sorted { $0.sequence < $1.sequence }
    }

    /// In the order they came.
    package func operations(of framework: FrameworkID) -> [OperationRecord] {
        all.filter { $0.framework == framework }
    }

    func isFull(_ agent: AgentID) -> Bool { (byAgent[agent]?.count ?? 0) >= Self.perAgentMax }

    mutating func insert(_ record: OperationRecord) {
        precondition(records[record.id] == nil, "operation \(record.id) is already in the book")
        count += 1
        var numbered = record
        numbered.sequence = count
        records[record.id] = numbered
        byAgent[record.agent, default: []].insert(record.id)
        if let framework = record.framework, let id = record.operationID {
            byName[Name(framework: framework, id: id)] = record.id
        }
    }

    mutating func update(_ id: WireUUID, _ change: (inout OperationRecord) -> Void) {
        guard records[id] != nil else { return }
        change(&records[id]!)
    }

    @discardableResult
    mutating func remove(_ id: WireUUID) -> OperationRecord? {
        guard let record = records.removeValue(forKey: id) else { return nil }
        byAgent[record.agent]?.remove(id)
        if byAgent[record.agent]?.isEmpty == true { byAgent[record.agent] = nil }
        if let framework = record.framework, let name = record.operationID {
            let key = Name(framework: framework, id: name)
            if byName[key] == id { byName[key] = nil }
        }
        return record
    }
}
