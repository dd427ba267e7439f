// Is an operator call complete enough to be looked at? The reasons are what Apache Mesos answers.
import MesosProtocol

enum OperatorCallValidation {
    /// Why the call is answered 400, without the common prefix; nil if it is complete.
    static func fault(in call: V1OperatorCall) -> String? {
        guard call.hasType else { return "Expecting 'type' to be present" }
        return missingBody(of: call).map { "Expecting '\($0)' to be present" }
    }

    private static func missingBody(of call: V1OperatorCall) -> String? {
        switch call.type {
        case .unknown, .getHealth, .getFlags, .getVersion, .getLoggingLevel, .getState, .getAgents, .getFrameworks,
            .getExecutors, .getOperations, .getTasks, .getRoles, .getWeights, .getMaster, .subscribe,
            .getMaintenanceStatus, .getMaintenanceSchedule, .getQuota:
            nil
        case .getMetrics: call.hasGetMetrics ? nil : "get_metrics"
        case .setLoggingLevel: call.hasSetLoggingLevel ? nil : "set_logging_level"
        case .listFiles: call.hasListFiles ? nil : "list_files"
        case .readFile: call.hasReadFile ? nil : "read_file"
        case .updateWeights: call.hasUpdateWeights ? nil : "update_weights"
        case .reserveResources: call.hasReserveResources ? nil : "reserve_resources"
        case .unreserveResources: call.hasUnreserveResources ? nil : "unreserve_resources"
        case .createVolumes: call.hasCreateVolumes ? nil : "create_volumes"
        case .destroyVolumes: call.hasDestroyVolumes ? nil : "destroy_volumes"
        case .growVolume: call.hasGrowVolume ? nil : "grow_volume"
        case .shrinkVolume: call.hasShrinkVolume ? nil : "shrink_volume"
        case .updateMaintenanceSchedule: call.hasUpdateMaintenanceSchedule ? nil : "update_maintenance_schedule"
        case .startMaintenance: call.hasStartMaintenance ? nil : "start_maintenance"
        case .stopMaintenance: call.hasStopMaintenance ? nil : "stop_maintenance"
        case .drainAgent: call.hasDrainAgent ? nil : "drain_agent"
        case .deactivateAgent: call.hasDeactivateAgent ? nil : "deactivate_agent"
        case .reactivateAgent: call.hasReactivateAgent ? nil : "reactivate_agent"
        case .updateQuota: call.hasUpdateQuota ? nil : "update_quota"
        case .setQuota: call.hasSetQuota ? nil : "set_quota"
        case .removeQuota: call.hasRemoveQuota ? nil : "remove_quota"
        case .teardown: call.hasTeardown ? nil : "teardown"
        case .markAgentGone: call.hasMarkAgentGone ? nil : "mark_agent_gone"
        }
    }
}
