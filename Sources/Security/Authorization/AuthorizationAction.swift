// What can be allowed: the actions of Mesos ACLs, and what each is done to.

/// An action that a rule may speak of. Raw values are the members of the ACL document.
public enum AuthorizationAction: String, Hashable, Sendable, CaseIterable {
    case registerFrameworks = "register_frameworks"
    case runTasks = "run_tasks"
    case teardownFrameworks = "teardown_frameworks"
    case viewFrameworks = "view_frameworks"
    case viewTasks = "view_tasks"
    case viewExecutors = "view_executors"
    case viewRoles = "view_roles"
    case viewFlags = "view_flags"
    case getEndpoints = "get_endpoints"
    case updateWeights = "update_weights"
    case updateQuotas = "update_quotas"
    case getQuotas = "get_quotas"
    case reserveResources = "reserve_resources"
    case unreserveResources = "unreserve_resources"
    case createVolumes = "create_volumes"
    case destroyVolumes = "destroy_volumes"
    case resizeVolumes = "resize_volumes"
    case accessSandboxes = "access_sandboxes"
    case accessMesosLogs = "access_mesos_logs"
    case registerAgents = "register_agents"
    case markAgentsGone = "mark_agents_gone"
    case drainAgents = "drain_agents"
    case deactivateAgents = "deactivate_agents"
    case reactivateAgents = "reactivate_agents"
    case updateMaintenanceSchedules = "update_maintenance_schedules"
    case getMaintenanceSchedules = "get_maintenance_schedules"
    case getMaintenanceStatuses = "get_maintenance_statuses"
    case startMaintenances = "start_maintenances"
    case stopMaintenances = "stop_maintenances"
    case setLogLevel = "set_log_level"
    case attachContainersInput = "attach_containers_input"
    case attachContainersOutput = "attach_containers_output"
    case launchNestedContainersAsUser = "launch_nested_containers_as_user"
    case launchNestedContainersUnderParentWithUser = "launch_nested_containers_under_parent_with_user"
    case launchNestedContainerSessionsAsUser = "launch_nested_container_sessions_as_user"
    case launchNestedContainerSessionsUnderParentWithUser = "launch_nested_container_sessions_under_parent_with_user"
    case killNestedContainers = "kill_nested_containers"
    case waitNestedContainers = "wait_nested_containers"
    case waitStandaloneContainers = "wait_standalone_containers"
    case removeNestedContainers = "remove_nested_containers"
    case viewContainers = "view_containers"
    case pruneImages = "prune_images"

    /// The member of a rule that lists what the action is done to.
    public var objectField: String {
        switch self {
        case .registerFrameworks, .viewRoles, .updateWeights, .updateQuotas, .getQuotas, .reserveResources,
            .createVolumes, .resizeVolumes:
            "roles"
        case .runTasks, .viewFrameworks, .viewTasks, .viewExecutors, .accessSandboxes, .attachContainersInput,
            .attachContainersOutput, .launchNestedContainersAsUser, .launchNestedContainersUnderParentWithUser,
            .launchNestedContainerSessionsAsUser, .launchNestedContainerSessionsUnderParentWithUser,
            .killNestedContainers, .waitNestedContainers, .waitStandaloneContainers,
            .removeNestedContainers,
            .viewContainers:
            "users"
        case .teardownFrameworks: "framework_principals"
        case .viewFlags: "flags"
        case .getEndpoints: "paths"
        case .unreserveResources: "reserver_principals"
        case .destroyVolumes: "creator_principals"
        case .accessMesosLogs: "logs"
        case .registerAgents, .markAgentsGone, .drainAgents, .deactivateAgents, .reactivateAgents: "agents"
        case .updateMaintenanceSchedules, .getMaintenanceSchedules, .getMaintenanceStatuses, .startMaintenances,
            .stopMaintenances:
            "machines"
        case .setLogLevel: "level"
        case .pruneImages: "images"
        }
    }

    /// Names of earlier Mesos versions.
    static let formerNames: [String: AuthorizationAction] = [
        "shutdown_frameworks": .teardownFrameworks, "set_quotas": .updateQuotas, "remove_quotas": .updateQuotas,
    ]

    /// Actions of Mesos on things this project does not have. Rules about them are accepted and change nothing.
    static let withoutEffect: Set<String> = [
        "create_block_disks", "create_mount_disks", "destroy_block_disks", "destroy_mount_disks", "destroy_raw_disks",
        "kill_standalone_containers", "launch_standalone_containers", "mark_resource_providers_gone",
        "modify_resource_provider_configs", "remove_standalone_containers", "view_resource_providers",
        "view_standalone_containers",
    ]
}
