// What rules say about reading that is not a list of frameworks or tasks: files, flags, quotas, maintenance.
import HTTPServer
import MesosProtocol
import Security

extension Viewer {
    /// What the viewer lacks for an endpoint as a whole; nil if it answers, with what may be seen.
    func missingPermission(for request: RoutedRequest) -> AuthorizationAction? {
        if seesEverything { return nil }
        switch request.route {
        case .flags: return canSeeFlags ? nil : .viewFlags
        case .filesBrowse, .filesRead, .filesDownload: return canSeeMasterLog ? nil : .accessMesosLogs
        case .loggingToggle where request.http.query("level") != nil && !canSetLogLevel:
            return .setLogLevel
        case .metrics, .prometheus, .alerts, .loggingToggle, .filesDebug, .registry, .systemStats:
            return canGet(request.route.rawValue) ? nil : .getEndpoints
        case .schedulerAPI, .agentLink, .operatorAPI, .state, .stateSummary, .slaves, .frameworks, .tasks, .roles,
            .roleExplanation, .history, .historySlots, .weights, .weightsPreview, .quota, .maintenanceSchedule,
            .maintenanceStatus, .teardown,
            .reserve, .unreserve,
            .createVolumes, .destroyVolumes, .machineDown, .machineUp, .health, .redirect, .version,
            .masters, .webFile, .root:
            return nil
        }
    }

    // MARK: Parts of answers

    func visible(_ schedule: V1MaintenanceSchedule) -> V1MaintenanceSchedule {
        if seesEverything { return schedule }
        var visible = schedule
        for index in visible.windows.indices {
            visible.windows[index].machineIds.removeAll { !allows(.getMaintenanceSchedules, $0.ruleName) }
        }
        visible.windows.removeAll { $0.machineIds.isEmpty }
        return visible
    }

    func visible(_ status: V1MaintenanceClusterStatus) -> V1MaintenanceClusterStatus {
        if seesEverything { return status }
        var visible = status
        visible.drainingMachines.removeAll { !allows(.getMaintenanceStatuses, $0.id.ruleName) }
        visible.downMachines.removeAll { !allows(.getMaintenanceStatuses, $0.ruleName) }
        return visible
    }
}

extension V1MachineID {
    /// By what rules know a machine.
    fileprivate var ruleName: String { hasHostname && !hostname.isEmpty ? hostname : ip }
}
