// Types and states of operations as metric names spell them, and the counters of those that ended.
import MesosProtocol

enum OperationWords {
    /// `create_disk`
    static func type(_ type: V1Offer.Operation.TypeEnum) -> String { MetricWords.snakeCase("\(type)") }

    /// `gone_by_operator`; nil for states that no operation in the books has.
    static func state(_ state: V1OperationState) -> String? {
        switch state {
        case .operationPending: "pending"
        case .operationFinished: "finished"
        case .operationFailed: "failed"
        case .operationError: "error"
        case .operationDropped: "dropped"
        case .operationUnreachable: "unreachable"
        case .operationGoneByOperator: "gone_by_operator"
        case .operationRecovering: "recovering"
        case .operationUnsupported, .operationUnknown: nil
        }
    }
}

extension Cluster {
    /// Counts an operation's end, by type and state.
    mutating func countEnd(of record: OperationRecord, in state: V1OperationState) {
        guard let word = OperationWords.state(state) else { return }
        numbers.counters.count("master/operations/\(OperationWords.type(record.info.type))/\(word)")
    }
}
