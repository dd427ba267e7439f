// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/agent.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let agentTable = #"""
        message mesos.v1.agent.Call
        1 type optional enum:mesos.v1.agent.Call.Type
        2 get_metrics optional message:mesos.v1.agent.Call.GetMetrics
        3 set_logging_level optional message:mesos.v1.agent.Call.SetLoggingLevel
        4 list_files optional message:mesos.v1.agent.Call.ListFiles
        5 read_file optional message:mesos.v1.agent.Call.ReadFile
        20 get_containers optional message:mesos.v1.agent.Call.GetContainers
        6 launch_nested_container optional message:mesos.v1.agent.Call.LaunchNestedContainer
        7 wait_nested_container optional message:mesos.v1.agent.Call.WaitNestedContainer
        8 kill_nested_container optional message:mesos.v1.agent.Call.KillNestedContainer
        12 remove_nested_container optional message:mesos.v1.agent.Call.RemoveNestedContainer
        9 launch_nested_container_session optional message:mesos.v1.agent.Call.LaunchNestedContainerSession
        10 attach_container_input optional message:mesos.v1.agent.Call.AttachContainerInput
        11 attach_container_output optional message:mesos.v1.agent.Call.AttachContainerOutput
        13 launch_container optional message:mesos.v1.agent.Call.LaunchContainer
        14 wait_container optional message:mesos.v1.agent.Call.WaitContainer
        15 kill_container optional message:mesos.v1.agent.Call.KillContainer
        16 remove_container optional message:mesos.v1.agent.Call.RemoveContainer
        17 add_resource_provider_config optional message:mesos.v1.agent.Call.AddResourceProviderConfig
        18 update_resource_provider_config optional message:mesos.v1.agent.Call.UpdateResourceProviderConfig
        19 remove_resource_provider_config optional message:mesos.v1.agent.Call.RemoveResourceProviderConfig
        22 mark_resource_provider_gone optional message:mesos.v1.agent.Call.MarkResourceProviderGone
        21 prune_images optional message:mesos.v1.agent.Call.PruneImages
        message mesos.v1.agent.Call.GetMetrics
        1 timeout optional message:mesos.v1.DurationInfo
        message mesos.v1.agent.Call.SetLoggingLevel
        1 level required uint32
        2 duration required message:mesos.v1.DurationInfo
        message mesos.v1.agent.Call.ListFiles
        1 path required string
        message mesos.v1.agent.Call.ReadFile
        1 path required string
        2 offset required uint64
        3 length optional uint64
        message mesos.v1.agent.Call.GetContainers
        1 show_nested optional bool
        2 show_standalone optional bool
        message mesos.v1.agent.Call.LaunchNestedContainer
        1 container_id required message:mesos.v1.ContainerID
        2 command optional message:mesos.v1.CommandInfo
        3 container optional message:mesos.v1.ContainerInfo
        message mesos.v1.agent.Call.WaitNestedContainer
        1 container_id required message:mesos.v1.ContainerID
        message mesos.v1.agent.Call.KillNestedContainer
        1 container_id required message:mesos.v1.ContainerID
        2 signal optional int32
        message mesos.v1.agent.Call.RemoveNestedContainer
        1 container_id required message:mesos.v1.ContainerID
        message mesos.v1.agent.Call.LaunchNestedContainerSession
        1 container_id required message:mesos.v1.ContainerID
        2 command optional message:mesos.v1.CommandInfo
        3 container optional message:mesos.v1.ContainerInfo
        message mesos.v1.agent.Call.AttachContainerInput
        1 type optional enum:mesos.v1.agent.Call.AttachContainerInput.Type
        2 container_id optional message:mesos.v1.ContainerID
        3 process_io optional message:mesos.v1.agent.ProcessIO
        enum mesos.v1.agent.Call.AttachContainerInput.Type
        0 UNKNOWN
        1 CONTAINER_ID
        2 PROCESS_IO
        message mesos.v1.agent.Call.AttachContainerOutput
        1 container_id required message:mesos.v1.ContainerID
        message mesos.v1.agent.Call.LaunchContainer
        1 container_id required message:mesos.v1.ContainerID
        2 command optional message:mesos.v1.CommandInfo
        3 resources repeated message:mesos.v1.Resource
        4 container optional message:mesos.v1.ContainerInfo
        5 limits map message:mesos.v1.Value.Scalar
        message mesos.v1.agent.Call.WaitContainer
        1 container_id required message:mesos.v1.ContainerID
        message mesos.v1.agent.Call.KillContainer
        1 container_id required message:mesos.v1.ContainerID
        2 signal optional int32
        message mesos.v1.agent.Call.RemoveContainer
        1 container_id required message:mesos.v1.ContainerID
        message mesos.v1.agent.Call.AddResourceProviderConfig
        1 info required message:mesos.v1.ResourceProviderInfo
        message mesos.v1.agent.Call.UpdateResourceProviderConfig
        1 info required message:mesos.v1.ResourceProviderInfo
        message mesos.v1.agent.Call.RemoveResourceProviderConfig
        1 type required string
        2 name required string
        message mesos.v1.agent.Call.MarkResourceProviderGone
        1 resource_provider_id required message:mesos.v1.ResourceProviderID
        message mesos.v1.agent.Call.PruneImages
        1 excluded_images repeated message:mesos.v1.Image
        enum mesos.v1.agent.Call.Type
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
        10 GET_CONTAINERS
        11 GET_FRAMEWORKS
        12 GET_EXECUTORS
        31 GET_OPERATIONS
        13 GET_TASKS
        20 GET_AGENT
        26 GET_RESOURCE_PROVIDERS
        14 LAUNCH_NESTED_CONTAINER
        15 WAIT_NESTED_CONTAINER
        16 KILL_NESTED_CONTAINER
        21 REMOVE_NESTED_CONTAINER
        17 LAUNCH_NESTED_CONTAINER_SESSION
        18 ATTACH_CONTAINER_INPUT
        19 ATTACH_CONTAINER_OUTPUT
        22 LAUNCH_CONTAINER
        23 WAIT_CONTAINER
        24 KILL_CONTAINER
        25 REMOVE_CONTAINER
        27 ADD_RESOURCE_PROVIDER_CONFIG
        28 UPDATE_RESOURCE_PROVIDER_CONFIG
        29 REMOVE_RESOURCE_PROVIDER_CONFIG
        32 MARK_RESOURCE_PROVIDER_GONE
        30 PRUNE_IMAGES
        message mesos.v1.agent.Response
        1 type optional enum:mesos.v1.agent.Response.Type
        2 get_health optional message:mesos.v1.agent.Response.GetHealth
        3 get_flags optional message:mesos.v1.agent.Response.GetFlags
        4 get_version optional message:mesos.v1.agent.Response.GetVersion
        5 get_metrics optional message:mesos.v1.agent.Response.GetMetrics
        6 get_logging_level optional message:mesos.v1.agent.Response.GetLoggingLevel
        7 list_files optional message:mesos.v1.agent.Response.ListFiles
        8 read_file optional message:mesos.v1.agent.Response.ReadFile
        9 get_state optional message:mesos.v1.agent.Response.GetState
        10 get_containers optional message:mesos.v1.agent.Response.GetContainers
        11 get_frameworks optional message:mesos.v1.agent.Response.GetFrameworks
        12 get_executors optional message:mesos.v1.agent.Response.GetExecutors
        18 get_operations optional message:mesos.v1.agent.Response.GetOperations
        13 get_tasks optional message:mesos.v1.agent.Response.GetTasks
        15 get_agent optional message:mesos.v1.agent.Response.GetAgent
        17 get_resource_providers optional message:mesos.v1.agent.Response.GetResourceProviders
        14 wait_nested_container optional message:mesos.v1.agent.Response.WaitNestedContainer
        16 wait_container optional message:mesos.v1.agent.Response.WaitContainer
        message mesos.v1.agent.Response.GetHealth
        1 healthy required bool
        message mesos.v1.agent.Response.GetFlags
        1 flags repeated message:mesos.v1.Flag
        message mesos.v1.agent.Response.GetVersion
        1 version_info required message:mesos.v1.VersionInfo
        message mesos.v1.agent.Response.GetMetrics
        1 metrics repeated message:mesos.v1.Metric
        message mesos.v1.agent.Response.GetLoggingLevel
        1 level required uint32
        message mesos.v1.agent.Response.ListFiles
        1 file_infos repeated message:mesos.v1.FileInfo
        message mesos.v1.agent.Response.ReadFile
        1 size required uint64
        2 data required bytes
        message mesos.v1.agent.Response.GetState
        1 get_tasks optional message:mesos.v1.agent.Response.GetTasks
        2 get_executors optional message:mesos.v1.agent.Response.GetExecutors
        3 get_frameworks optional message:mesos.v1.agent.Response.GetFrameworks
        message mesos.v1.agent.Response.GetContainers
        1 containers repeated message:mesos.v1.agent.Response.GetContainers.Container
        message mesos.v1.agent.Response.GetContainers.Container
        1 framework_id optional message:mesos.v1.FrameworkID
        2 executor_id optional message:mesos.v1.ExecutorID
        3 executor_name optional string
        4 container_id required message:mesos.v1.ContainerID
        5 container_status optional message:mesos.v1.ContainerStatus
        6 resource_statistics optional message:mesos.v1.ResourceStatistics
        message mesos.v1.agent.Response.GetFrameworks
        1 frameworks repeated message:mesos.v1.agent.Response.GetFrameworks.Framework
        2 completed_frameworks repeated message:mesos.v1.agent.Response.GetFrameworks.Framework
        message mesos.v1.agent.Response.GetFrameworks.Framework
        1 framework_info required message:mesos.v1.FrameworkInfo
        message mesos.v1.agent.Response.GetExecutors
        1 executors repeated message:mesos.v1.agent.Response.GetExecutors.Executor
        2 completed_executors repeated message:mesos.v1.agent.Response.GetExecutors.Executor
        message mesos.v1.agent.Response.GetExecutors.Executor
        1 executor_info required message:mesos.v1.ExecutorInfo
        message mesos.v1.agent.Response.GetOperations
        1 operations repeated message:mesos.v1.Operation
        message mesos.v1.agent.Response.GetTasks
        1 pending_tasks repeated message:mesos.v1.Task
        2 queued_tasks repeated message:mesos.v1.Task
        3 launched_tasks repeated message:mesos.v1.Task
        4 terminated_tasks repeated message:mesos.v1.Task
        5 completed_tasks repeated message:mesos.v1.Task
        message mesos.v1.agent.Response.GetAgent
        1 agent_info optional message:mesos.v1.AgentInfo
        2 drain_config optional message:mesos.v1.DrainConfig
        3 estimated_drain_start_time optional message:mesos.v1.TimeInfo
        message mesos.v1.agent.Response.GetResourceProviders
        1 resource_providers repeated message:mesos.v1.agent.Response.GetResourceProviders.ResourceProvider
        message mesos.v1.agent.Response.GetResourceProviders.ResourceProvider
        1 resource_provider_info required message:mesos.v1.ResourceProviderInfo
        2 total_resources repeated message:mesos.v1.Resource
        message mesos.v1.agent.Response.WaitNestedContainer
        1 exit_status optional int32
        2 state optional enum:mesos.v1.TaskState
        3 reason optional enum:mesos.v1.TaskStatus.Reason
        4 limitation optional message:mesos.v1.TaskResourceLimitation
        5 message optional string
        message mesos.v1.agent.Response.WaitContainer
        1 exit_status optional int32
        2 state optional enum:mesos.v1.TaskState
        3 reason optional enum:mesos.v1.TaskStatus.Reason
        4 limitation optional message:mesos.v1.TaskResourceLimitation
        5 message optional string
        enum mesos.v1.agent.Response.Type
        0 UNKNOWN
        1 GET_HEALTH
        2 GET_FLAGS
        3 GET_VERSION
        4 GET_METRICS
        5 GET_LOGGING_LEVEL
        6 LIST_FILES
        7 READ_FILE
        8 GET_STATE
        9 GET_CONTAINERS
        10 GET_FRAMEWORKS
        11 GET_EXECUTORS
        17 GET_OPERATIONS
        12 GET_TASKS
        14 GET_AGENT
        16 GET_RESOURCE_PROVIDERS
        13 WAIT_NESTED_CONTAINER
        15 WAIT_CONTAINER
        message mesos.v1.agent.ProcessIO
        1 type optional enum:mesos.v1.agent.ProcessIO.Type
        2 data optional message:mesos.v1.agent.ProcessIO.Data
        3 control optional message:mesos.v1.agent.ProcessIO.Control
        message mesos.v1.agent.ProcessIO.Data
        1 type optional enum:mesos.v1.agent.ProcessIO.Data.Type
        2 data optional bytes
        enum mesos.v1.agent.ProcessIO.Data.Type
        0 UNKNOWN
        1 STDIN
        2 STDOUT
        3 STDERR
        message mesos.v1.agent.ProcessIO.Control
        1 type optional enum:mesos.v1.agent.ProcessIO.Control.Type
        2 tty_info optional message:mesos.v1.TTYInfo
        3 heartbeat optional message:mesos.v1.agent.ProcessIO.Control.Heartbeat
        message mesos.v1.agent.ProcessIO.Control.Heartbeat
        1 interval optional message:mesos.v1.DurationInfo
        enum mesos.v1.agent.ProcessIO.Control.Type
        0 UNKNOWN
        1 TTY_INFO
        2 HEARTBEAT
        enum mesos.v1.agent.ProcessIO.Type
        0 UNKNOWN
        1 DATA
        2 CONTROL
        """#
}
