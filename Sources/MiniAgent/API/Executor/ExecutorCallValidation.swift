// Is an executor's call complete enough to be looked at? The reasons are what Apache Mesos answers.

import MesosProtocol
import Resources

package enum ExecutorCallValidation {
    /// Why the call is answered 400, without the common prefix; nil if it is complete.
    package static func fault(in call: V1ExecutorCall) -> String? {
        guard call.hasType else { return "Expecting 'type' to be present" }
        guard call.hasExecutorID else { return "Expecting 'executor_id' to be present" }
        guard call.hasFrameworkID else { return "Expecting 'framework_id' to be present" }
        switch call.type {
        case .subscribe:
            guard call.hasSubscribe else { return "Expecting 'subscribe' to be present" }
            return call.subscribe.unacknowledgedUpdates.lazy.compactMap { fault(in: $0.status, of: call) }.first
        case .update:
            return call.hasUpdate ? fault(in: call.update.status, of: call) : "Expecting 'update' to be present"
        case .message:
            return call.hasMessage ? nil : "Expecting 'message' to be present"
        case .heartbeat, .unknown:
            return nil
        }
    }

    private static func fault(in status: V1TaskStatus, of call: V1ExecutorCall) -> String? {
        guard status.hasUuid else { return "Expecting 'uuid' to be present" }
        guard WireUUID(bytes: status.uuid) != nil else { return "Not a valid UUID" }
        if status.hasExecutorID, status.executorID != call.executorID {
            return "ExecutorID in Call: \(call.executorID.value) does not match ExecutorID in TaskStatus: "
                + status.executorID.value
        }
        let who = "executor '\(call.executorID.value)' of framework \(call.frameworkID.value)"
        guard status.source == .executor else {
            return "Received Call from \(who) with invalid source, expecting 'SOURCE_EXECUTOR'"
        }
        guard status.state != .taskStaging else { return "Received TASK_STAGING from \(who) which is not allowed" }
        return status.hasCheckStatus ? fault(in: status.checkStatus) : nil
    }

    private static func fault(in check: V1CheckStatusInfo) -> String? {
        guard check.hasType else { return "CheckStatusInfo must specify 'type'" }
        switch check.type {
        case .command:
            return check.hasCommand ? nil : "Expecting 'command' to be set for COMMAND check's status"
        case .http:
            return check.hasHTTP ? nil : "Expecting 'http' to be set for HTTP check's status"
        case .tcp:
            return check.hasTcp ? nil : "Expecting 'tcp' to be set for TCP check's status"
        case .unknown:
            return "'UNKNOWN' is not a valid check's status type"
        }
    }
}
