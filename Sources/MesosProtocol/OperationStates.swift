// What follows from the state of an operation, and the uuids by which operations and their statuses go.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension V1OperationState {
    /// Nothing more will come of the operation.
    public var isTerminal: Bool {
        switch self {
        case .operationFinished, .operationFailed, .operationError, .operationDropped, .operationGoneByOperator: true
        case .operationUnsupported, .operationPending, .operationUnreachable, .operationRecovering, .operationUnknown:
            false
        }
    }

    /// `OPERATION_FINISHED` and the like.
    public var name: String {
        switch self {
        case .operationUnsupported: "OPERATION_UNSUPPORTED"
        case .operationPending: "OPERATION_PENDING"
        case .operationFinished: "OPERATION_FINISHED"
        case .operationFailed: "OPERATION_FAILED"
        case .operationError: "OPERATION_ERROR"
        case .operationDropped: "OPERATION_DROPPED"
        case .operationUnreachable: "OPERATION_UNREACHABLE"
        case .operationGoneByOperator: "OPERATION_GONE_BY_OPERATOR"
        case .operationRecovering: "OPERATION_RECOVERING"
        case .operationUnknown: "OPERATION_UNKNOWN"
        }
    }
}

extension V1OperationStatus {
    /// The uuid by which this status must be acknowledged; `nil` if it needs no acknowledgement, or is not 16 bytes.
    public var statusUUID: WireUUID? {
        get { hasUuid ? WireUUID(bytes: uuid.value) : nil }
        set {
            if let newValue { uuid = V1UUID(newValue) } else { clearUuid() }
        }
    }
}

extension V1UUID {
    public init(_ id: WireUUID) {
        self.init()
        value = Data(id.bytes)
    }
}

extension LinkOperation {
    public var id: WireUUID? {
        get { WireUUID(bytes: uuid) }
        set { uuid = newValue.map { Data($0.bytes) } ?? Data() }
    }
}

extension LinkCommand.ApplyOperation {
    public var id: WireUUID? {
        get { WireUUID(bytes: uuid) }
        set { uuid = newValue.map { Data($0.bytes) } ?? Data() }
    }
}

extension LinkCall.OperationStatus {
    public var id: WireUUID? {
        get { WireUUID(bytes: operationUuid) }
        set { operationUuid = newValue.map { Data($0.bytes) } ?? Data() }
    }
}

extension LinkCommand.AcknowledgeOperation {
    public var ids: (operation: WireUUID, status: WireUUID)? {
        get {
            guard let operation = WireUUID(bytes: operationUuid), let status = WireUUID(bytes: statusUuid) else {
                return nil
            }
            return (operation, status)
        }
        set {
            operationUuid = newValue.map { Data($0.operation.bytes) } ?? Data()
            statusUuid = newValue.map { Data($0.status.bytes) } ?? Data()
        }
    }
}

extension LinkCommand.ReconcileOperations {
    public var ids: [WireUUID] {
        get { operationUuids.compactMap { WireUUID(bytes: $0) } }
        set { operationUuids = newValue.map { Data($0.bytes) } }
    }
}
