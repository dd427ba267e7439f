// What the ACLs forbid, where the core decides. Without ACLs nothing here forbids anything.
import MesosProtocol
import Resources
import Security

extension Cluster {
    func allows(_ principal: Principal?, _ action: AuthorizationAction, _ objects: [String]?) -> Bool {
        settings.acls?.allows(principal, action, objects) ?? true
    }

    // MARK: Frameworks

    /// Who a framework is: what it proved when it subscribed, or else what it says.
    static func principal(of info: V1FrameworkInfo) -> Principal? {
        info.hasPrincipal && !info.principal.isEmpty ? Principal(info.principal) : nil
    }

    /// Why a framework may not have its roles; nil if it may.
    func unauthorizedRoles(of info: V1FrameworkInfo) -> String? {
        let roles = Framework.roles(of: info).map(\.value)
        guard !allows(Self.principal(of: info), .registerFrameworks, roles) else { return nil }
        return "Not authorized to use roles '{ \(Set(roles).sorted().joined(separator: ", ")) }'"
    }

    /// Why a framework may not run a task as its user; nil if it may.
    func unauthorizedUser(of task: V1TaskInfo, in framework: Framework) -> String? {
        guard settings.acls != nil else { return nil }
        var user = framework.info.user
        if task.hasCommand, task.command.hasUser {
            user = task.command.user
        } else if task.hasExecutor, task.executor.hasCommand, task.executor.command.hasUser {
            user = task.executor.command.user
        }
        guard !allows(Self.principal(of: framework.info), .runTasks, [user]) else { return nil }
        return "Not authorized to launch as user '\(user)'"
    }

    /// Why a principal may not do this to resources, by a framework's offer or as an operator; nil if it may.
    func unauthorizedOperation(_ operation: V1Offer.Operation, by principal: Principal?) -> String? {
        guard settings.acls != nil else { return nil }
        let (action, objects): (AuthorizationAction, [String])
        switch operation.type {
        case .reserve: (action, objects) = (.reserveResources, operation.reserve.resources.map(\.reservedRole))
        case .unreserve: (action, objects) = (.unreserveResources, operation.unreserve.resources.map(\.reserver))
        case .create: (action, objects) = (.createVolumes, operation.create.volumes.map(\.reservedRole))
        case .destroy:
            (action, objects) = (.destroyVolumes, operation.destroy.volumes.map(\.disk.persistence.principal))
        case .growVolume: (action, objects) = (.resizeVolumes, [operation.growVolume.volume.reservedRole])
        case .shrinkVolume: (action, objects) = (.resizeVolumes, [operation.shrinkVolume.volume.reservedRole])
        case .unknown, .launch, .launchGroup, .createDisk, .destroyDisk: return nil
        }
        guard !allows(principal, action, objects) else { return nil }
        return Self.refusal(action, objects, principal)
    }

    // MARK: Agents

    /// Why an agent may not register; nil if it may.
    func unauthorizedAgent(_ principal: Principal?) -> String? {
        guard !allows(principal, .registerAgents, nil) else { return nil }
        return "Not authorized to register as agent" + Self.suffix(principal)
    }

    // MARK: Operators

    /// Why an operator may not make a call that changes something; nil if they may.
    func unauthorizedCall(_ call: V1OperatorCall, by principal: Principal?) -> String? {
        guard settings.acls != nil, let (action, objects) = need(of: call) else { return nil }
        guard !allows(principal, action, objects) else { return nil }
        return Self.refusal(action, objects, principal)
    }

    /// The action a call is, and its objects. Nil: the call changes nothing, and reads are filtered where they are made.
    private func need(of call: V1OperatorCall) -> (AuthorizationAction, [String]?)? {
        switch call.type {
        case .teardown:
            // One that is not known is answered so.
            guard let framework = frameworks[FrameworkID(call.teardown.frameworkID)] else { return nil }
            return (.teardownFrameworks, Self.principal(of: framework.info).map { [$0.value] })
        case .updateWeights: return (.updateWeights, call.updateWeights.weightInfos.map(\.role))
        case .updateQuota: return (.updateQuotas, call.updateQuota.quotaConfigs.map(\.role))
        case .setQuota: return (.updateQuotas, [call.setQuota.quotaRequest.role])
        case .removeQuota: return (.updateQuotas, [call.removeQuota.role])
        case .updateMaintenanceSchedule:
            // Taking a machine off the schedule needs the same permission as putting it there.
            let windows = call.updateMaintenanceSchedule.schedule.windows + registrar.planned.schedule
            return (.updateMaintenanceSchedules, windows.flatMap(\.machineIds).map(\.shownName))
        case .startMaintenance: return (.startMaintenances, call.startMaintenance.machines.map(\.shownName))
        case .stopMaintenance: return (.stopMaintenances, call.stopMaintenance.machines.map(\.shownName))
        case .drainAgent: return (.drainAgents, [call.drainAgent.agentID.value])
        case .deactivateAgent: return (.deactivateAgents, [call.deactivateAgent.agentID.value])
        case .reactivateAgent: return (.reactivateAgents, [call.reactivateAgent.agentID.value])
        case .markAgentGone: return (.markAgentsGone, [call.markAgentGone.agentID.value])
        case .reserveResources: return (.reserveResources, call.reserveResources.resources.map(\.reservedRole))
        case .unreserveResources: return (.unreserveResources, call.unreserveResources.resources.map(\.reserver))
        case .createVolumes: return (.createVolumes, call.createVolumes.volumes.map(\.reservedRole))
        case .destroyVolumes: return (.destroyVolumes, call.destroyVolumes.volumes.map(\.disk.persistence.principal))
        case .growVolume: return (.resizeVolumes, [call.growVolume.volume.reservedRole])
        case .shrinkVolume: return (.resizeVolumes, [call.shrinkVolume.volume.reservedRole])
        case .setLoggingLevel: return (.setLogLevel, nil)
        case .unknown, .subscribe, .getHealth, .getFlags, .getVersion, .getMetrics, .getLoggingLevel, .listFiles,
            .readFile, .getState, .getAgents, .getFrameworks, .getExecutors, .getOperations, .getTasks, .getRoles,
            .getWeights, .getMaster, .getMaintenanceStatus, .getMaintenanceSchedule, .getQuota:
            return nil
        }
    }

    private static func refusal(
        _ action: AuthorizationAction, _ objects: [String]?, _ principal: Principal?
    ) -> String {
        let named = Set(objects ?? []).sorted().prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        let what = named.isEmpty ? "" : " for \(action.objectField) \(named)"
        return "Not authorized to \(action.rawValue)\(what)\(suffix(principal))"
    }

    private static func suffix(_ principal: Principal?) -> String {
        principal.map { " as principal '\($0)'" } ?? " without a principal"
    }
}

extension V1SchedulerCall {
    /// Who proved to be somebody is that one, whether its FrameworkInfo says so or not.
    mutating func adopt(_ principal: Principal?) {
        guard let principal else { return }
        if hasSubscribe, !subscribe.frameworkInfo.hasPrincipal { subscribe.frameworkInfo.principal = principal.value }
        if hasUpdateFramework, !updateFramework.frameworkInfo.hasPrincipal {
            updateFramework.frameworkInfo.principal = principal.value
        }
    }
}

extension V1Resource {
    /// The role a resource is, or is to be, reserved for.
    fileprivate var reservedRole: String { reservations.last?.role ?? role }

    fileprivate var reserver: String { reservations.last?.principal ?? "" }
}

extension V1MachineID {
    fileprivate var shownName: String { hasHostname && !hostname.isEmpty ? hostname : ip }
}
