// What follows from a task's state and from one of its updates.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension V1TaskState {
    /// The task has ended and its resources are free. An unreachable or unknown task may still come back.
    public var isTerminal: Bool {
        switch self {
        case .taskFinished, .taskFailed, .taskKilled, .taskError, .taskLost, .taskDropped, .taskGone,
            .taskGoneByOperator:
            true
        case .taskStaging, .taskStarting, .taskRunning, .taskKilling, .taskUnreachable, .taskUnknown:
            false
        }
    }

    /// `TASK_RUNNING` and the like, as the wire and the web interface name it.
    public var name: String {
        switch self {
        case .taskStaging: "TASK_STAGING"
        case .taskStarting: "TASK_STARTING"
        case .taskRunning: "TASK_RUNNING"
        case .taskKilling: "TASK_KILLING"
        case .taskFinished: "TASK_FINISHED"
        case .taskFailed: "TASK_FAILED"
        case .taskKilled: "TASK_KILLED"
        case .taskError: "TASK_ERROR"
        case .taskLost: "TASK_LOST"
        case .taskDropped: "TASK_DROPPED"
        case .taskUnreachable: "TASK_UNREACHABLE"
        case .taskGone: "TASK_GONE"
        case .taskGoneByOperator: "TASK_GONE_BY_OPERATOR"
        case .taskUnknown: "TASK_UNKNOWN"
        }
    }
}

extension V1TaskStatus {
    /// The uuid by which this update must be acknowledged; `nil` if it needs no acknowledgement, or its `uuid` is not 16
    /// bytes. Setting `nil` clears the field.
    public var updateUUID: WireUUID? {
        get { hasUuid ? WireUUID(bytes: uuid) : nil }
        set {
            if let newValue {
                uuid = Data(newValue.bytes)
            } else {
                clearUuid()
            }
        }
    }
}
