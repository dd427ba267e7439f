// Is a scheduler call complete enough to be looked at? The reasons are what Apache Mesos answers.
import MesosProtocol
import Resources
import Security

enum SchedulerCallValidation {
    /// Why the call is answered 400, without the common prefix; nil if it is complete.
    /// - Parameter principal: Whom HTTP authentication found behind the call.
    static func fault(in call: V1SchedulerCall, from principal: Principal?) -> String? {
        guard call.hasType else { return "Expecting 'type' to be present" }
        if call.type == .subscribe {
            guard call.hasSubscribe else { return "Expecting 'subscribe' to be present" }
            let inner = call.subscribe.frameworkInfo.hasID ? call.subscribe.frameworkInfo.id.value : ""
            let outer = call.hasFrameworkID ? call.frameworkID.value : ""
            guard inner == outer else { return "'framework_id' differs from 'subscribe.framework_info.id'" }
            return fault(claiming: call.subscribe.frameworkInfo, from: principal)
        }
        guard call.hasFrameworkID else { return "Expecting 'framework_id' to be present" }
        return missingBody(of: call).map { "Expecting '\($0)' to be present" } ?? faultInside(call)
    }

    /// What is wrong with a principal in a FrameworkInfo; nil if it is the one that was proved, or none was.
    static func fault(claiming info: V1FrameworkInfo, from principal: Principal?) -> String? {
        guard let principal, info.hasPrincipal, info.principal != principal.value else { return nil }
        return "Authenticated principal '\(principal)' does not match principal '\(info.principal)' set in "
            + "`FrameworkInfo`"
    }

    private static func missingBody(of call: V1SchedulerCall) -> String? {
        switch call.type {
        case .unknown, .subscribe, .teardown, .revive, .suppress: nil
        case .accept: call.hasAccept ? nil : "accept"
        case .decline: call.hasDecline ? nil : "decline"
        case .acceptInverseOffers: call.hasAcceptInverseOffers ? nil : "accept_inverse_offers"
        case .declineInverseOffers: call.hasDeclineInverseOffers ? nil : "decline_inverse_offers"
        case .kill: call.hasKill ? nil : "kill"
        case .shutdown: call.hasShutdown ? nil : "shutdown"
        case .acknowledge: call.hasAcknowledge ? nil : "acknowledge"
        case .acknowledgeOperationStatus: call.hasAcknowledgeOperationStatus ? nil : "acknowledge_operation_status"
        case .reconcile: call.hasReconcile ? nil : "reconcile"
        case .reconcileOperations: call.hasReconcileOperations ? nil : "reconcile_operations"
        case .message: call.hasMessage ? nil : "message"
        case .request: call.hasRequest ? nil : "request"
        case .updateFramework: call.hasUpdateFramework ? nil : "update_framework"
        }
    }

    private static func faultInside(_ call: V1SchedulerCall) -> String? {
        switch call.type {
        case .acknowledge:
            return WireUUID(bytes: call.acknowledge.uuid) == nil ? "Not a valid UUID" : nil
        case .acknowledgeOperationStatus:
            if WireUUID(bytes: call.acknowledgeOperationStatus.uuid) == nil { return "Not a valid UUID" }
            return call.acknowledgeOperationStatus.hasAgentID ? nil : "Expecting 'agent_id' to be present"
        case .updateFramework:
            let inner = call.updateFramework.frameworkInfo
            guard inner.hasID, inner.id.value == call.frameworkID.value else {
                return "'framework_id' differs from 'update_framework.framework_info.id'"
            }
            return nil
        default:
            return nil
        }
    }
}
