// Takes each operator call that changes something to the flow of its subject.
import MesosProtocol
import Resources

extension Cluster {
    /// Answers one operator call. The call is complete: the edge has checked that the body of its type is there.
    ///
    /// A change is answered only when the registry holds it.
    mutating func receive(_ request: RequestNumber, _ incoming: OperatorRequest) {
        let call = incoming.call
        if let reason = unauthorizedCall(call, by: incoming.principal) {
            note(.warning, "operator refused: \(reason)")
            return answer(request, .refused(status: 403, reason: reason))
        }
        switch call.type {
        case .teardown: teardown(request, FrameworkID(call.teardown.frameworkID))
        case .updateWeights: updateWeights(request, call.updateWeights)
        case .updateMaintenanceSchedule: updateSchedule(request, call.updateMaintenanceSchedule.schedule)
        case .startMaintenance: startMaintenance(request, call.startMaintenance.machines)
        case .stopMaintenance: stopMaintenance(request, call.stopMaintenance.machines)
        case .drainAgent: drainAgent(request, call.drainAgent)
        case .deactivateAgent: deactivateAgent(request, AgentID(call.deactivateAgent.agentID))
        case .reactivateAgent: reactivateAgent(request, AgentID(call.reactivateAgent.agentID))
        case .markAgentGone: markAgentGone(request, AgentID(call.markAgentGone.agentID))
        case .updateQuota: updateQuota(request, call.updateQuota)
        case .setQuota: setQuota(request, call.setQuota.quotaRequest)
        case .removeQuota: removeQuota(request, call.removeQuota.role)
        case .subscribe: subscribeOperator(request, incoming)
        case .reserveResources, .unreserveResources, .createVolumes, .destroyVolumes, .growVolume, .shrinkVolume:
            operate(request, incoming)
        case .unknown, .getHealth, .getFlags, .getVersion, .getMetrics, .getLoggingLevel, .setLoggingLevel, .listFiles,
            .readFile, .getState, .getAgents, .getFrameworks, .getExecutors, .getOperations, .getTasks, .getRoles,
            .getWeights, .getMaster, .getMaintenanceStatus, .getMaintenanceSchedule, .getQuota:
            // Answered at the edge.
            answer(request, .refused(status: 501, reason: "501 Not Implemented."))
        }
    }
}
