// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/master.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let masterTable = #"""
        message mesos.v1.master.Call
        1 type optional enum:mesos.v1.master.Call.Type
        2 get_metrics optional message:mesos.v1.master.Call.GetMetrics
        3 set_logging_level optional message:mesos.v1.master.Call.SetLoggingLevel
        4 list_files optional message:mesos.v1.master.Call.ListFiles
        5 read_file optional message:mesos.v1.master.Call.ReadFile
        6 update_weights optional message:mesos.v1.master.Call.UpdateWeights
        7 reserve_resources optional message:mesos.v1.master.Call.ReserveResources
        8 unreserve_resources optional message:mesos.v1.master.Call.UnreserveResources
        9 create_volumes optional message:mesos.v1.master.Call.CreateVolumes
        10 destroy_volumes optional message:mesos.v1.master.Call.DestroyVolumes
        18 grow_volume optional message:mesos.v1.master.Call.GrowVolume
        19 shrink_volume optional message:mesos.v1.master.Call.ShrinkVolume
        11 update_maintenance_schedule optional message:mesos.v1.master.Call.UpdateMaintenanceSchedule
        12 start_maintenance optional message:mesos.v1.master.Call.StartMaintenance
        13 stop_maintenance optional message:mesos.v1.master.Call.StopMaintenance
        21 drain_agent optional message:mesos.v1.master.Call.DrainAgent
        22 deactivate_agent optional message:mesos.v1.master.Call.DeactivateAgent
        23 reactivate_agent optional message:mesos.v1.master.Call.ReactivateAgent
        20 update_quota optional message:mesos.v1.master.Call.UpdateQuota
        16 teardown optional message:mesos.v1.master.Call.Teardown
        17 mark_agent_gone optional message:mesos.v1.master.Call.MarkAgentGone
        14 set_quota optional message:mesos.v1.master.Call.SetQuota
        15 remove_quota optional message:mesos.v1.master.Call.RemoveQuota
        message mesos.v1.master.Call.GetMetrics
        1 timeout optional message:mesos.v1.DurationInfo
        message mesos.v1.master.Call.SetLoggingLevel
        1 level required uint32
        2 duration required message:mesos.v1.DurationInfo
        message mesos.v1.master.Call.ListFiles
        1 path required string
        message mesos.v1.master.Call.ReadFile
        1 path required string
        2 offset required uint64
        3 length optional uint64
        message mesos.v1.master.Call.UpdateWeights
        1 weight_infos repeated message:mesos.v1.WeightInfo
        message mesos.v1.master.Call.ReserveResources
        1 agent_id required message:mesos.v1.AgentID
        3 source repeated message:mesos.v1.Resource
        2 resources repeated message:mesos.v1.Resource
        message mesos.v1.master.Call.UnreserveResources
        1 agent_id required message:mesos.v1.AgentID
        2 resources repeated message:mesos.v1.Resource
        message mesos.v1.master.Call.CreateVolumes
        1 agent_id required message:mesos.v1.AgentID
        2 volumes repeated message:mesos.v1.Resource
        message mesos.v1.master.Call.DestroyVolumes
        1 agent_id required message:mesos.v1.AgentID
        2 volumes repeated message:mesos.v1.Resource
        message mesos.v1.master.Call.GrowVolume
        1 agent_id optional message:mesos.v1.AgentID
        2 volume required message:mesos.v1.Resource
        3 addition required message:mesos.v1.Resource
        message mesos.v1.master.Call.ShrinkVolume
        1 agent_id optional message:mesos.v1.AgentID
        2 volume required message:mesos.v1.Resource
        3 subtract required message:mesos.v1.Value.Scalar
        message mesos.v1.master.Call.UpdateMaintenanceSchedule
        1 schedule required message:mesos.v1.maintenance.Schedule
        message mesos.v1.master.Call.StartMaintenance
        1 machines repeated message:mesos.v1.MachineID
        message mesos.v1.master.Call.StopMaintenance
        1 machines repeated message:mesos.v1.MachineID
        message mesos.v1.master.Call.DrainAgent
        1 agent_id required message:mesos.v1.AgentID
        2 max_grace_period optional message:google.protobuf.Duration
        3 mark_gone optional bool false
        message mesos.v1.master.Call.DeactivateAgent
        1 agent_id required message:mesos.v1.AgentID
        message mesos.v1.master.Call.ReactivateAgent
        1 agent_id required message:mesos.v1.AgentID
        message mesos.v1.master.Call.UpdateQuota
        1 force optional bool
        2 quota_configs repeated message:mesos.v1.quota.QuotaConfig
        message mesos.v1.master.Call.SetQuota
        1 quota_request required message:mesos.v1.quota.QuotaRequest
        message mesos.v1.master.Call.RemoveQuota
        1 role required string
        message mesos.v1.master.Call.Teardown
        1 framework_id required message:mesos.v1.FrameworkID
        message mesos.v1.master.Call.MarkAgentGone
        1 agent_id required message:mesos.v1.AgentID
        enum mesos.v1.master.Call.Type
        0 UNKNOWN
        1 GET_HEALTH
        2 GET_FLAGS
        3 GET_VERSION
        4 GET_METRICS
        5 GET_LOGGING_LEVEL
        6 SET_LOGGING_LEVEL
        7 LIST_FILES
        8 READ_FILE
        9 GET_STATE
        10 GET_AGENTS
        11 GET_FRAMEWORKS
        12 GET_EXECUTORS
        33 GET_OPERATIONS
        13 GET_TASKS
        14 GET_ROLES
        15 GET_WEIGHTS
        16 UPDATE_WEIGHTS
        17 GET_MASTER
        18 SUBSCRIBE
        19 RESERVE_RESOURCES
        20 UNRESERVE_RESOURCES
        21 CREATE_VOLUMES
        22 DESTROY_VOLUMES
        34 GROW_VOLUME
        35 SHRINK_VOLUME
        23 GET_MAINTENANCE_STATUS
        24 GET_MAINTENANCE_SCHEDULE
        25 UPDATE_MAINTENANCE_SCHEDULE
        26 START_MAINTENANCE
        27 STOP_MAINTENANCE
        37 DRAIN_AGENT
        38 DEACTIVATE_AGENT
        39 REACTIVATE_AGENT
        28 GET_QUOTA
        36 UPDATE_QUOTA
        29 SET_QUOTA
        30 REMOVE_QUOTA
        31 TEARDOWN
        32 MARK_AGENT_GONE
        message mesos.v1.master.Response
        1 type optional enum:mesos.v1.master.Response.Type
        2 get_health optional message:mesos.v1.master.Response.GetHealth
        3 get_flags optional message:mesos.v1.master.Response.GetFlags
        4 get_version optional message:mesos.v1.master.Response.GetVersion
        5 get_metrics optional message:mesos.v1.master.Response.GetMetrics
        6 get_logging_level optional message:mesos.v1.master.Response.GetLoggingLevel
        7 list_files optional message:mesos.v1.master.Response.ListFiles
        8 read_file optional message:mesos.v1.master.Response.ReadFile
        9 get_state optional message:mesos.v1.master.Response.GetState
        10 get_agents optional message:mesos.v1.master.Response.GetAgents
        11 get_frameworks optional message:mesos.v1.master.Response.GetFrameworks
        12 get_executors optional message:mesos.v1.master.Response.GetExecutors
        20 get_operations optional message:mesos.v1.master.Response.GetOperations
        13 get_tasks optional message:mesos.v1.master.Response.GetTasks
        14 get_roles optional message:mesos.v1.master.Response.GetRoles
        15 get_weights optional message:mesos.v1.master.Response.GetWeights
        16 get_master optional message:mesos.v1.master.Response.GetMaster
        17 get_maintenance_status optional message:mesos.v1.master.Response.GetMaintenanceStatus
        18 get_maintenance_schedule optional message:mesos.v1.master.Response.GetMaintenanceSchedule
        19 get_quota optional message:mesos.v1.master.Response.GetQuota
        message mesos.v1.master.Response.GetHealth
        1 healthy required bool
        message mesos.v1.master.Response.GetFlags
        1 flags repeated message:mesos.v1.Flag
        message mesos.v1.master.Response.GetVersion
        1 version_info required message:mesos.v1.VersionInfo
        message mesos.v1.master.Response.GetMetrics
        1 metrics repeated message:mesos.v1.Metric
        message mesos.v1.master.Response.GetLoggingLevel
        1 level required uint32
        message mesos.v1.master.Response.ListFiles
        1 file_infos repeated message:mesos.v1.FileInfo
        message mesos.v1.master.Response.ReadFile
        1 size required uint64
        2 data required bytes
        message mesos.v1.master.Response.GetState
        1 get_tasks optional message:mesos.v1.master.Response.GetTasks
        2 get_executors optional message:mesos.v1.master.Response.GetExecutors
        3 get_frameworks optional message:mesos.v1.master.Response.GetFrameworks
        4 get_agents optional message:mesos.v1.master.Response.GetAgents
        message mesos.v1.master.Response.GetAgents
        1 agents repeated message:mesos.v1.master.Response.GetAgents.Agent
        2 recovered_agents repeated message:mesos.v1.AgentInfo
        message mesos.v1.master.Response.GetAgents.Agent
        1 agent_info required message:mesos.v1.AgentInfo
        2 active required bool
        12 deactivated optional bool
        3 version required string
        4 pid optional string
        5 registered_time optional message:mesos.v1.TimeInfo
        6 reregistered_time optional message:mesos.v1.TimeInfo
        7 total_resources repeated message:mesos.v1.Resource
        8 allocated_resources repeated message:mesos.v1.Resource
        9 offered_resources repeated message:mesos.v1.Resource
        10 capabilities repeated message:mesos.v1.AgentInfo.Capability
        11 resource_providers repeated message:mesos.v1.master.Response.GetAgents.Agent.ResourceProvider
        13 drain_info optional message:mesos.v1.DrainInfo
        14 estimated_drain_start_time optional message:mesos.v1.TimeInfo
        message mesos.v1.master.Response.GetAgents.Agent.ResourceProvider
        1 resource_provider_info required message:mesos.v1.ResourceProviderInfo
        2 total_resources repeated message:mesos.v1.Resource
        message mesos.v1.master.Response.GetFrameworks
        1 frameworks repeated message:mesos.v1.master.Response.GetFrameworks.Framework
        2 completed_frameworks repeated message:mesos.v1.master.Response.GetFrameworks.Framework
        3 recovered_frameworks repeated message:mesos.v1.FrameworkInfo
        message mesos.v1.master.Response.GetFrameworks.Framework
        1 framework_info required message:mesos.v1.FrameworkInfo
        2 active required bool
        3 connected required bool
        11 recovered required bool
        4 registered_time optional message:mesos.v1.TimeInfo
        5 reregistered_time optional message:mesos.v1.TimeInfo
        6 unregistered_time optional message:mesos.v1.TimeInfo
        7 offers repeated message:mesos.v1.Offer
        8 inverse_offers repeated message:mesos.v1.InverseOffer
        9 allocated_resources repeated message:mesos.v1.Resource
        10 offered_resources repeated message:mesos.v1.Resource
        12 offer_constraints optional message:mesos.v1.scheduler.OfferConstraints
        message mesos.v1.master.Response.GetExecutors
        1 executors repeated message:mesos.v1.master.Response.GetExecutors.Executor
        2 orphan_executors repeated message:mesos.v1.master.Response.GetExecutors.Executor
        message mesos.v1.master.Response.GetExecutors.Executor
        1 executor_info required message:mesos.v1.ExecutorInfo
        2 agent_id required message:mesos.v1.AgentID
        message mesos.v1.master.Response.GetOperations
        1 operations repeated message:mesos.v1.Operation
        message mesos.v1.master.Response.GetTasks
        1 pending_tasks repeated message:mesos.v1.Task
        2 tasks repeated message:mesos.v1.Task
        5 unreachable_tasks repeated message:mesos.v1.Task
        3 completed_tasks repeated message:mesos.v1.Task
        4 orphan_tasks repeated message:mesos.v1.Task
        message mesos.v1.master.Response.GetRoles
        1 roles repeated message:mesos.v1.Role
        message mesos.v1.master.Response.GetWeights
        1 weight_infos repeated message:mesos.v1.WeightInfo
        message mesos.v1.master.Response.GetMaster
        1 master_info optional message:mesos.v1.MasterInfo
        2 start_time optional double
        3 elected_time optional double
        message mesos.v1.master.Response.GetMaintenanceStatus
        1 status required message:mesos.v1.maintenance.ClusterStatus
        message mesos.v1.master.Response.GetMaintenanceSchedule
        1 schedule required message:mesos.v1.maintenance.Schedule
        message mesos.v1.master.Response.GetQuota
        1 status required message:mesos.v1.quota.QuotaStatus
        enum mesos.v1.master.Response.Type
        0 UNKNOWN
        1 GET_HEALTH
        2 GET_FLAGS
        3 GET_VERSION
        4 GET_METRICS
        5 GET_LOGGING_LEVEL
        6 LIST_FILES
        7 READ_FILE
        8 GET_STATE
        9 GET_AGENTS
        10 GET_FRAMEWORKS
        11 GET_EXECUTORS
        19 GET_OPERATIONS
        12 GET_TASKS
        13 GET_ROLES
        14 GET_WEIGHTS
        15 GET_MASTER
        16 GET_MAINTENANCE_STATUS
        17 GET_MAINTENANCE_SCHEDULE
        18 GET_QUOTA
        message mesos.v1.master.Event
        1 type optional enum:mesos.v1.master.Event.Type
        2 subscribed optional message:mesos.v1.master.Event.Subscribed
        3 task_added optional message:mesos.v1.master.Event.TaskAdded
        4 task_updated optional message:mesos.v1.master.Event.TaskUpdated
        5 agent_added optional message:mesos.v1.master.Event.AgentAdded
        6 agent_removed optional message:mesos.v1.master.Event.AgentRemoved
        7 framework_added optional message:mesos.v1.master.Event.FrameworkAdded
        8 framework_updated optional message:mesos.v1.master.Event.FrameworkUpdated
        9 framework_removed optional message:mesos.v1.master.Event.FrameworkRemoved
        message mesos.v1.master.Event.Subscribed
        1 get_state optional message:mesos.v1.master.Response.GetState
        2 heartbeat_interval_seconds optional double
        message mesos.v1.master.Event.TaskAdded
        1 task required message:mesos.v1.Task
        message mesos.v1.master.Event.TaskUpdated
        1 framework_id required message:mesos.v1.FrameworkID
        2 status required message:mesos.v1.TaskStatus
        3 state required enum:mesos.v1.TaskState
        message mesos.v1.master.Event.FrameworkAdded
        1 framework required message:mesos.v1.master.Response.GetFrameworks.Framework
        message mesos.v1.master.Event.FrameworkUpdated
        1 framework required message:mesos.v1.master.Response.GetFrameworks.Framework
        message mesos.v1.master.Event.FrameworkRemoved
        1 framework_info required message:mesos.v1.FrameworkInfo
        message mesos.v1.master.Event.AgentAdded
        1 agent required message:mesos.v1.master.Response.GetAgents.Agent
        message mesos.v1.master.Event.AgentRemoved
        1 agent_id required message:mesos.v1.AgentID
        enum mesos.v1.master.Event.Type
        0 UNKNOWN
        1 SUBSCRIBED
        2 TASK_ADDED
        3 TASK_UPDATED
        4 AGENT_ADDED
        5 AGENT_REMOVED
        6 FRAMEWORK_ADDED
        7 FRAMEWORK_UPDATED
        8 FRAMEWORK_REMOVED
        9 HEARTBEAT
        """#
}
