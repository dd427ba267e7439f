// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/mesos.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let mesosTable = #"""
        message mesos.v1.FrameworkID
        1 value required string
        message mesos.v1.OfferID
        1 value required string
        message mesos.v1.AgentID
        1 value required string
        message mesos.v1.TaskID
        1 value required string
        message mesos.v1.ExecutorID
        1 value required string
        message mesos.v1.ContainerID
        1 value required string
        2 parent optional message:mesos.v1.ContainerID
        message mesos.v1.OperationID
        1 value required string
        message mesos.v1.ResourceProviderID
        1 value required string
        message mesos.v1.UUID
        1 value required bytes
        message mesos.v1.TimeInfo
        1 nanoseconds required int64
        message mesos.v1.DurationInfo
        1 nanoseconds required int64
        message mesos.v1.Address
        1 hostname optional string
        2 ip optional string
        3 port required int32
        message mesos.v1.URL
        1 scheme required string
        2 address required message:mesos.v1.Address
        3 path optional string
        4 query repeated message:mesos.v1.Parameter
        5 fragment optional string
        message mesos.v1.Parameter
        1 key required string
        2 value required string
        message mesos.v1.Parameters
        1 parameter repeated message:mesos.v1.Parameter
        message mesos.v1.Label
        1 key required string
        2 value optional string
        message mesos.v1.Labels
        1 labels repeated message:mesos.v1.Label
        message mesos.v1.Port
        1 number required uint32
        2 name optional string
        3 protocol optional string
        4 visibility optional enum:mesos.v1.DiscoveryInfo.Visibility
        5 labels optional message:mesos.v1.Labels
        message mesos.v1.Ports
        1 ports repeated message:mesos.v1.Port
        message mesos.v1.DiscoveryInfo
        1 visibility required enum:mesos.v1.DiscoveryInfo.Visibility
        2 name optional string
        3 environment optional string
        4 location optional string
        5 version optional string
        6 ports optional message:mesos.v1.Ports
        7 labels optional message:mesos.v1.Labels
        enum mesos.v1.DiscoveryInfo.Visibility
        0 FRAMEWORK
        1 CLUSTER
        2 EXTERNAL
        message mesos.v1.Unavailability
        1 start required message:mesos.v1.TimeInfo
        2 duration optional message:mesos.v1.DurationInfo
        message mesos.v1.MachineID
        1 hostname optional string
        2 ip optional string
        message mesos.v1.MachineInfo
        1 id required message:mesos.v1.MachineID
        2 mode optional enum:mesos.v1.MachineInfo.Mode
        3 unavailability optional message:mesos.v1.Unavailability
        enum mesos.v1.MachineInfo.Mode
        1 UP
        2 DRAINING
        3 DOWN
        message mesos.v1.Value
        1 type required enum:mesos.v1.Value.Type
        2 scalar optional message:mesos.v1.Value.Scalar
        3 ranges optional message:mesos.v1.Value.Ranges
        4 set optional message:mesos.v1.Value.Set
        5 text optional message:mesos.v1.Value.Text
        message mesos.v1.Value.Scalar
        1 value required double
        message mesos.v1.Value.Range
        1 begin required uint64
        2 end required uint64
        message mesos.v1.Value.Ranges
        1 range repeated message:mesos.v1.Value.Range
        message mesos.v1.Value.Set
        1 item repeated string
        message mesos.v1.Value.Text
        1 value required string
        enum mesos.v1.Value.Type
        0 SCALAR
        1 RANGES
        2 SET
        3 TEXT
        message mesos.v1.Attribute
        1 name required string
        2 type required enum:mesos.v1.Value.Type
        3 scalar optional message:mesos.v1.Value.Scalar
        4 ranges optional message:mesos.v1.Value.Ranges
        6 set optional message:mesos.v1.Value.Set
        5 text optional message:mesos.v1.Value.Text
        message mesos.v1.DomainInfo
        1 fault_domain optional message:mesos.v1.DomainInfo.FaultDomain
        message mesos.v1.DomainInfo.FaultDomain
        1 region required message:mesos.v1.DomainInfo.FaultDomain.RegionInfo
        2 zone required message:mesos.v1.DomainInfo.FaultDomain.ZoneInfo
        message mesos.v1.DomainInfo.FaultDomain.RegionInfo
        1 name required string
        message mesos.v1.DomainInfo.FaultDomain.ZoneInfo
        1 name required string
        message mesos.v1.Credential
        1 principal required string
        2 secret optional string
        message mesos.v1.Credentials
        1 credentials repeated message:mesos.v1.Credential
        message mesos.v1.Secret
        1 type optional enum:mesos.v1.Secret.Type
        2 reference optional message:mesos.v1.Secret.Reference
        3 value optional message:mesos.v1.Secret.Value
        message mesos.v1.Secret.Reference
        1 name required string
        2 key optional string
        message mesos.v1.Secret.Value
        1 data required bytes
        enum mesos.v1.Secret.Type
        0 UNKNOWN
        1 REFERENCE
        2 VALUE
        message mesos.v1.RateLimit
        1 qps optional double
        2 principal required string
        3 capacity optional uint64
        message mesos.v1.RateLimits
        1 limits repeated message:mesos.v1.RateLimit
        2 aggregate_default_qps optional double
        3 aggregate_default_capacity optional uint64
        message mesos.v1.WeightInfo
        1 weight required double
        2 role optional string
        message mesos.v1.VersionInfo
        1 version required string
        2 build_date optional string
        3 build_time optional double
        4 build_user optional string
        5 git_sha optional string
        6 git_branch optional string
        7 git_tag optional string
        message mesos.v1.Flag
        1 name required string
        2 value optional string
        message mesos.v1.Role
        1 name required string
        2 weight required double
        3 frameworks repeated message:mesos.v1.FrameworkID
        4 resources repeated message:mesos.v1.Resource
        message mesos.v1.Metric
        1 name required string
        2 value optional double
        message mesos.v1.FileInfo
        1 path required string
        2 nlink optional int32
        3 size optional uint64
        4 mtime optional message:mesos.v1.TimeInfo
        5 mode optional uint32
        6 uid optional string
        7 gid optional string
        message mesos.v1.DrainConfig
        1 max_grace_period optional message:mesos.v1.DurationInfo
        2 mark_gone optional bool false
        message mesos.v1.DrainInfo
        1 state required enum:mesos.v1.DrainState
        2 config required message:mesos.v1.DrainConfig
        message mesos.v1.FrameworkInfo
        1 user required string
        2 name required string
        3 id optional message:mesos.v1.FrameworkID
        4 failover_timeout optional double 0
        5 checkpoint optional bool false
        6 role optional string
        12 roles repeated string
        7 hostname optional string
        8 principal optional string
        9 webui_url optional string
        10 capabilities repeated message:mesos.v1.FrameworkInfo.Capability
        11 labels optional message:mesos.v1.Labels
        13 offer_filters map message:mesos.v1.OfferFilters
        message mesos.v1.FrameworkInfo.Capability
        1 type optional enum:mesos.v1.FrameworkInfo.Capability.Type
        enum mesos.v1.FrameworkInfo.Capability.Type
        0 UNKNOWN
        1 REVOCABLE_RESOURCES
        2 TASK_KILLING_STATE
        3 GPU_RESOURCES
        4 SHARED_RESOURCES
        5 PARTITION_AWARE
        6 MULTI_ROLE
        7 RESERVATION_REFINEMENT
        8 REGION_AWARE
        message mesos.v1.MasterInfo
        1 id required string
        2 ip required uint32
        3 port required uint32 5050
        4 pid optional string
        5 hostname optional string
        6 version optional string
        7 address optional message:mesos.v1.Address
        8 domain optional message:mesos.v1.DomainInfo
        9 capabilities repeated message:mesos.v1.MasterInfo.Capability
        message mesos.v1.MasterInfo.Capability
        1 type optional enum:mesos.v1.MasterInfo.Capability.Type
        enum mesos.v1.MasterInfo.Capability.Type
        0 UNKNOWN
        1 AGENT_UPDATE
        2 AGENT_DRAINING
        3 QUOTA_V2
        message mesos.v1.AgentInfo
        1 hostname required string
        8 port optional int32 5051
        3 resources repeated message:mesos.v1.Resource
        5 attributes repeated message:mesos.v1.Attribute
        6 id optional message:mesos.v1.AgentID
        10 domain optional message:mesos.v1.DomainInfo
        message mesos.v1.AgentInfo.Capability
        1 type optional enum:mesos.v1.AgentInfo.Capability.Type
        enum mesos.v1.AgentInfo.Capability.Type
        0 UNKNOWN
        1 MULTI_ROLE
        2 HIERARCHICAL_ROLE
        3 RESERVATION_REFINEMENT
        4 RESOURCE_PROVIDER
        5 RESIZE_VOLUME
        6 AGENT_OPERATION_FEEDBACK
        7 AGENT_DRAINING
        8 TASK_RESOURCE_LIMITS
        message mesos.v1.Resource
        12 provider_id optional message:mesos.v1.ResourceProviderID
        1 name required string
        2 type required enum:mesos.v1.Value.Type
        3 scalar optional message:mesos.v1.Value.Scalar
        4 ranges optional message:mesos.v1.Value.Ranges
        5 set optional message:mesos.v1.Value.Set
        6 role optional string
        11 allocation_info optional message:mesos.v1.Resource.AllocationInfo
        8 reservation optional message:mesos.v1.Resource.ReservationInfo
        13 reservations repeated message:mesos.v1.Resource.ReservationInfo
        7 disk optional message:mesos.v1.Resource.DiskInfo
        9 revocable optional message:mesos.v1.Resource.RevocableInfo
        10 shared optional message:mesos.v1.Resource.SharedInfo
        message mesos.v1.Resource.AllocationInfo
        1 role optional string
        message mesos.v1.Resource.ReservationInfo
        4 type optional enum:mesos.v1.Resource.ReservationInfo.Type
        3 role optional string
        1 principal optional string
        2 labels optional message:mesos.v1.Labels
        enum mesos.v1.Resource.ReservationInfo.Type
        0 UNKNOWN
        1 STATIC
        2 DYNAMIC
        message mesos.v1.Resource.DiskInfo
        1 persistence optional message:mesos.v1.Resource.DiskInfo.Persistence
        2 volume optional message:mesos.v1.Volume
        3 source optional message:mesos.v1.Resource.DiskInfo.Source
        message mesos.v1.Resource.DiskInfo.Persistence
        1 id required string
        2 principal optional string
        message mesos.v1.Resource.DiskInfo.Source
        1 type required enum:mesos.v1.Resource.DiskInfo.Source.Type
        2 path optional message:mesos.v1.Resource.DiskInfo.Source.Path
        3 mount optional message:mesos.v1.Resource.DiskInfo.Source.Mount
        7 vendor optional string
        4 id optional string
        5 metadata optional message:mesos.v1.Labels
        6 profile optional string
        message mesos.v1.Resource.DiskInfo.Source.Path
        1 root optional string
        message mesos.v1.Resource.DiskInfo.Source.Mount
        1 root optional string
        enum mesos.v1.Resource.DiskInfo.Source.Type
        0 UNKNOWN
        1 PATH
        2 MOUNT
        3 BLOCK
        4 RAW
        message mesos.v1.Resource.RevocableInfo
        message mesos.v1.Resource.SharedInfo
        message mesos.v1.Offer
        1 id required message:mesos.v1.OfferID
        2 framework_id required message:mesos.v1.FrameworkID
        3 agent_id required message:mesos.v1.AgentID
        4 hostname required string
        8 url optional message:mesos.v1.URL
        11 domain optional message:mesos.v1.DomainInfo
        5 resources repeated message:mesos.v1.Resource
        7 attributes repeated message:mesos.v1.Attribute
        6 executor_ids repeated message:mesos.v1.ExecutorID
        9 unavailability optional message:mesos.v1.Unavailability
        10 allocation_info optional message:mesos.v1.Resource.AllocationInfo
        message mesos.v1.Offer.Operation
        1 type optional enum:mesos.v1.Offer.Operation.Type
        12 id optional message:mesos.v1.OperationID
        2 launch optional message:mesos.v1.Offer.Operation.Launch
        7 launch_group optional message:mesos.v1.Offer.Operation.LaunchGroup
        3 reserve optional message:mesos.v1.Offer.Operation.Reserve
        4 unreserve optional message:mesos.v1.Offer.Operation.Unreserve
        5 create optional message:mesos.v1.Offer.Operation.Create
        6 destroy optional message:mesos.v1.Offer.Operation.Destroy
        13 grow_volume optional message:mesos.v1.Offer.Operation.GrowVolume
        14 shrink_volume optional message:mesos.v1.Offer.Operation.ShrinkVolume
        15 create_disk optional message:mesos.v1.Offer.Operation.CreateDisk
        16 destroy_disk optional message:mesos.v1.Offer.Operation.DestroyDisk
        message mesos.v1.Offer.Operation.Launch
        1 task_infos repeated message:mesos.v1.TaskInfo
        message mesos.v1.Offer.Operation.LaunchGroup
        1 executor required message:mesos.v1.ExecutorInfo
        2 task_group required message:mesos.v1.TaskGroupInfo
        message mesos.v1.Offer.Operation.Reserve
        2 source repeated message:mesos.v1.Resource
        1 resources repeated message:mesos.v1.Resource
        message mesos.v1.Offer.Operation.Unreserve
        1 resources repeated message:mesos.v1.Resource
        message mesos.v1.Offer.Operation.Create
        1 volumes repeated message:mesos.v1.Resource
        message mesos.v1.Offer.Operation.Destroy
        1 volumes repeated message:mesos.v1.Resource
        message mesos.v1.Offer.Operation.GrowVolume
        1 volume required message:mesos.v1.Resource
        2 addition required message:mesos.v1.Resource
        message mesos.v1.Offer.Operation.ShrinkVolume
        1 volume required message:mesos.v1.Resource
        2 subtract required message:mesos.v1.Value.Scalar
        message mesos.v1.Offer.Operation.CreateDisk
        1 source required message:mesos.v1.Resource
        2 target_type required enum:mesos.v1.Resource.DiskInfo.Source.Type
        3 target_profile optional string
        message mesos.v1.Offer.Operation.DestroyDisk
        1 source required message:mesos.v1.Resource
        enum mesos.v1.Offer.Operation.Type
        0 UNKNOWN
        1 LAUNCH
        6 LAUNCH_GROUP
        2 RESERVE
        3 UNRESERVE
        4 CREATE
        5 DESTROY
        11 GROW_VOLUME
        12 SHRINK_VOLUME
        13 CREATE_DISK
        14 DESTROY_DISK
        message mesos.v1.InverseOffer
        1 id required message:mesos.v1.OfferID
        2 url optional message:mesos.v1.URL
        3 framework_id required message:mesos.v1.FrameworkID
        4 agent_id optional message:mesos.v1.AgentID
        5 unavailability required message:mesos.v1.Unavailability
        6 resources repeated message:mesos.v1.Resource
        message mesos.v1.Filters
        1 refuse_seconds optional double 5
        message mesos.v1.OfferFilters
        1 min_allocatable_resources optional message:mesos.v1.OfferFilters.MinAllocatableResources
        message mesos.v1.OfferFilters.ResourceQuantities
        1 quantities map message:mesos.v1.Value.Scalar
        message mesos.v1.OfferFilters.MinAllocatableResources
        1 quantities repeated message:mesos.v1.OfferFilters.ResourceQuantities
        message mesos.v1.Request
        1 agent_id optional message:mesos.v1.AgentID
        2 resources repeated message:mesos.v1.Resource
        message mesos.v1.Operation
        1 framework_id optional message:mesos.v1.FrameworkID
        2 agent_id optional message:mesos.v1.AgentID
        3 info required message:mesos.v1.Offer.Operation
        4 latest_status required message:mesos.v1.OperationStatus
        5 statuses repeated message:mesos.v1.OperationStatus
        6 uuid required message:mesos.v1.UUID
        message mesos.v1.OperationStatus
        1 operation_id optional message:mesos.v1.OperationID
        2 state required enum:mesos.v1.OperationState
        3 message optional string
        4 converted_resources repeated message:mesos.v1.Resource
        5 uuid optional message:mesos.v1.UUID
        6 agent_id optional message:mesos.v1.AgentID
        7 resource_provider_id optional message:mesos.v1.ResourceProviderID
        message mesos.v1.TaskInfo
        1 name required string
        2 task_id required message:mesos.v1.TaskID
        3 agent_id required message:mesos.v1.AgentID
        4 resources repeated message:mesos.v1.Resource
        5 executor optional message:mesos.v1.ExecutorInfo
        7 command optional message:mesos.v1.CommandInfo
        9 container optional message:mesos.v1.ContainerInfo
        8 health_check optional message:mesos.v1.HealthCheck
        13 check optional message:mesos.v1.CheckInfo
        12 kill_policy optional message:mesos.v1.KillPolicy
        6 data optional bytes
        10 labels optional message:mesos.v1.Labels
        11 discovery optional message:mesos.v1.DiscoveryInfo
        14 max_completion_time optional message:mesos.v1.DurationInfo
        15 limits map message:mesos.v1.Value.Scalar
        message mesos.v1.TaskGroupInfo
        1 tasks repeated message:mesos.v1.TaskInfo
        message mesos.v1.Task
        1 name required string
        2 task_id required message:mesos.v1.TaskID
        3 framework_id required message:mesos.v1.FrameworkID
        4 executor_id optional message:mesos.v1.ExecutorID
        5 agent_id required message:mesos.v1.AgentID
        6 state required enum:mesos.v1.TaskState
        7 resources repeated message:mesos.v1.Resource
        8 statuses repeated message:mesos.v1.TaskStatus
        9 status_update_state optional enum:mesos.v1.TaskState
        10 status_update_uuid optional bytes
        11 labels optional message:mesos.v1.Labels
        12 discovery optional message:mesos.v1.DiscoveryInfo
        13 container optional message:mesos.v1.ContainerInfo
        15 health_check optional message:mesos.v1.HealthCheck
        16 kill_policy optional message:mesos.v1.KillPolicy
        14 user optional string
        17 limits map message:mesos.v1.Value.Scalar
        message mesos.v1.CommandInfo
        1 uris repeated message:mesos.v1.CommandInfo.URI
        2 environment optional message:mesos.v1.Environment
        6 shell optional bool true
        3 value optional string
        7 arguments repeated string
        5 user optional string
        message mesos.v1.CommandInfo.URI
        1 value required string
        2 executable optional bool
        3 extract optional bool true
        4 cache optional bool
        5 output_file optional string
        message mesos.v1.Environment
        1 variables repeated message:mesos.v1.Environment.Variable
        message mesos.v1.Environment.Variable
        1 name required string
        3 type optional enum:mesos.v1.Environment.Variable.Type VALUE
        2 value optional string
        4 secret optional message:mesos.v1.Secret
        enum mesos.v1.Environment.Variable.Type
        0 UNKNOWN
        1 VALUE
        2 SECRET
        message mesos.v1.ExecutorInfo
        15 type optional enum:mesos.v1.ExecutorInfo.Type
        1 executor_id required message:mesos.v1.ExecutorID
        8 framework_id optional message:mesos.v1.FrameworkID
        7 command optional message:mesos.v1.CommandInfo
        11 container optional message:mesos.v1.ContainerInfo
        5 resources repeated message:mesos.v1.Resource
        9 name optional string
        10 source optional string
        4 data optional bytes
        12 discovery optional message:mesos.v1.DiscoveryInfo
        13 shutdown_grace_period optional message:mesos.v1.DurationInfo
        14 labels optional message:mesos.v1.Labels
        enum mesos.v1.ExecutorInfo.Type
        0 UNKNOWN
        1 DEFAULT
        2 CUSTOM
        message mesos.v1.CheckInfo
        1 type optional enum:mesos.v1.CheckInfo.Type
        2 command optional message:mesos.v1.CheckInfo.Command
        3 http optional message:mesos.v1.CheckInfo.Http
        7 tcp optional message:mesos.v1.CheckInfo.Tcp
        4 delay_seconds optional double 15
        5 interval_seconds optional double 10
        6 timeout_seconds optional double 20
        message mesos.v1.CheckInfo.Command
        1 command required message:mesos.v1.CommandInfo
        message mesos.v1.CheckInfo.Http
        1 port required uint32
        2 path optional string
        message mesos.v1.CheckInfo.Tcp
        1 port required uint32
        enum mesos.v1.CheckInfo.Type
        0 UNKNOWN
        1 COMMAND
        2 HTTP
        3 TCP
        message mesos.v1.HealthCheck
        2 delay_seconds optional double 15
        3 interval_seconds optional double 10
        4 timeout_seconds optional double 20
        5 consecutive_failures optional uint32 3
        6 grace_period_seconds optional double 10
        8 type optional enum:mesos.v1.HealthCheck.Type
        7 command optional message:mesos.v1.CommandInfo
        1 http optional message:mesos.v1.HealthCheck.HTTPCheckInfo
        9 tcp optional message:mesos.v1.HealthCheck.TCPCheckInfo
        message mesos.v1.HealthCheck.HTTPCheckInfo
        5 protocol optional enum:mesos.v1.NetworkInfo.Protocol IPv4
        3 scheme optional string
        1 port required uint32
        2 path optional string
        4 statuses repeated uint32
        message mesos.v1.HealthCheck.TCPCheckInfo
        2 protocol optional enum:mesos.v1.NetworkInfo.Protocol IPv4
        1 port required uint32
        enum mesos.v1.HealthCheck.Type
        0 UNKNOWN
        1 COMMAND
        2 HTTP
        3 TCP
        message mesos.v1.KillPolicy
        1 grace_period optional message:mesos.v1.DurationInfo
        message mesos.v1.TaskStatus
        1 task_id required message:mesos.v1.TaskID
        2 state required enum:mesos.v1.TaskState
        4 message optional string
        9 source optional enum:mesos.v1.TaskStatus.Source
        10 reason optional enum:mesos.v1.TaskStatus.Reason
        3 data optional bytes
        5 agent_id optional message:mesos.v1.AgentID
        7 executor_id optional message:mesos.v1.ExecutorID
        6 timestamp optional double
        11 uuid optional bytes
        8 healthy optional bool
        15 check_status optional message:mesos.v1.CheckStatusInfo
        12 labels optional message:mesos.v1.Labels
        13 container_status optional message:mesos.v1.ContainerStatus
        14 unreachable_time optional message:mesos.v1.TimeInfo
        16 limitation optional message:mesos.v1.TaskResourceLimitation
        enum mesos.v1.TaskStatus.Source
        0 SOURCE_MASTER
        1 SOURCE_AGENT
        2 SOURCE_EXECUTOR
        enum mesos.v1.TaskStatus.Reason
        0 REASON_COMMAND_EXECUTOR_FAILED
        21 REASON_CONTAINER_LAUNCH_FAILED
        19 REASON_CONTAINER_LIMITATION
        20 REASON_CONTAINER_LIMITATION_DISK
        8 REASON_CONTAINER_LIMITATION_MEMORY
        17 REASON_CONTAINER_PREEMPTED
        22 REASON_CONTAINER_UPDATE_FAILED
        33 REASON_MAX_COMPLETION_TIME_REACHED
        23 REASON_EXECUTOR_REGISTRATION_TIMEOUT
        24 REASON_EXECUTOR_REREGISTRATION_TIMEOUT
        1 REASON_EXECUTOR_TERMINATED
        2 REASON_EXECUTOR_UNREGISTERED
        3 REASON_FRAMEWORK_REMOVED
        4 REASON_GC_ERROR
        5 REASON_INVALID_FRAMEWORKID
        6 REASON_INVALID_OFFERS
        27 REASON_IO_SWITCHBOARD_EXITED
        7 REASON_MASTER_DISCONNECTED
        9 REASON_RECONCILIATION
        18 REASON_RESOURCES_UNKNOWN
        10 REASON_AGENT_DISCONNECTED
        34 REASON_AGENT_DRAINING
        11 REASON_AGENT_REMOVED
        31 REASON_AGENT_REMOVED_BY_OPERATOR
        32 REASON_AGENT_REREGISTERED
        12 REASON_AGENT_RESTARTED
        13 REASON_AGENT_UNKNOWN
        30 REASON_TASK_KILLED_DURING_LAUNCH
        28 REASON_TASK_CHECK_STATUS_UPDATED
        29 REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
        25 REASON_TASK_GROUP_INVALID
        26 REASON_TASK_GROUP_UNAUTHORIZED
        14 REASON_TASK_INVALID
        15 REASON_TASK_UNAUTHORIZED
        16 REASON_TASK_UNKNOWN
        message mesos.v1.CheckStatusInfo
        1 type optional enum:mesos.v1.CheckInfo.Type
        2 command optional message:mesos.v1.CheckStatusInfo.Command
        3 http optional message:mesos.v1.CheckStatusInfo.Http
        4 tcp optional message:mesos.v1.CheckStatusInfo.Tcp
        message mesos.v1.CheckStatusInfo.Command
        1 exit_code optional int32
        message mesos.v1.CheckStatusInfo.Http
        1 status_code optional uint32
        message mesos.v1.CheckStatusInfo.Tcp
        1 succeeded optional bool
        message mesos.v1.TaskResourceLimitation
        1 resources repeated message:mesos.v1.Resource
        message mesos.v1.ContainerStatus
        4 container_id optional message:mesos.v1.ContainerID
        1 network_infos repeated message:mesos.v1.NetworkInfo
        2 cgroup_info optional message:mesos.v1.CgroupInfo
        3 executor_pid optional uint32
        message mesos.v1.CgroupInfo
        1 net_cls optional message:mesos.v1.CgroupInfo.NetCls
        message mesos.v1.CgroupInfo.NetCls
        1 classid optional uint32
        message mesos.v1.ContainerInfo
        1 type required enum:mesos.v1.ContainerInfo.Type
        2 volumes repeated message:mesos.v1.Volume
        4 hostname optional string
        3 docker optional message:mesos.v1.ContainerInfo.DockerInfo
        5 mesos optional message:mesos.v1.ContainerInfo.MesosInfo
        7 network_infos repeated message:mesos.v1.NetworkInfo
        8 linux_info optional message:mesos.v1.LinuxInfo
        9 rlimit_info optional message:mesos.v1.RLimitInfo
        10 tty_info optional message:mesos.v1.TTYInfo
        message mesos.v1.ContainerInfo.DockerInfo
        1 image required string
        2 network optional enum:mesos.v1.ContainerInfo.DockerInfo.Network HOST
        3 port_mappings repeated message:mesos.v1.ContainerInfo.DockerInfo.PortMapping
        4 privileged optional bool false
        5 parameters repeated message:mesos.v1.Parameter
        6 force_pull_image optional bool
        7 volume_driver optional string
        message mesos.v1.ContainerInfo.DockerInfo.PortMapping
        1 host_port required uint32
        2 container_port required uint32
        3 protocol optional string
        enum mesos.v1.ContainerInfo.DockerInfo.Network
        1 HOST
        2 BRIDGE
        3 NONE
        4 USER
        message mesos.v1.ContainerInfo.MesosInfo
        1 image optional message:mesos.v1.Image
        enum mesos.v1.ContainerInfo.Type
        1 DOCKER
        2 MESOS
        message mesos.v1.Volume
        3 mode required enum:mesos.v1.Volume.Mode
        1 container_path required string
        2 host_path optional string
        4 image optional message:mesos.v1.Image
        5 source optional message:mesos.v1.Volume.Source
        message mesos.v1.Volume.Source
        1 type optional enum:mesos.v1.Volume.Source.Type
        2 docker_volume optional message:mesos.v1.Volume.Source.DockerVolume
        5 host_path optional message:mesos.v1.Volume.Source.HostPath
        3 sandbox_path optional message:mesos.v1.Volume.Source.SandboxPath
        4 secret optional message:mesos.v1.Secret
        message mesos.v1.Volume.Source.DockerVolume
        1 driver optional string
        2 name required string
        3 driver_options optional message:mesos.v1.Parameters
        message mesos.v1.Volume.Source.HostPath
        1 path required string
        2 mount_propagation optional message:mesos.v1.MountPropagation
        message mesos.v1.Volume.Source.SandboxPath
        1 type optional enum:mesos.v1.Volume.Source.SandboxPath.Type
        2 path required string
        enum mesos.v1.Volume.Source.SandboxPath.Type
        0 UNKNOWN
        1 SELF
        2 PARENT
        enum mesos.v1.Volume.Source.Type
        0 UNKNOWN
        1 DOCKER_VOLUME
        4 HOST_PATH
        2 SANDBOX_PATH
        3 SECRET
        5 CSI_VOLUME
        enum mesos.v1.Volume.Mode
        1 RW
        2 RO
        message mesos.v1.MountPropagation
        1 mode optional enum:mesos.v1.MountPropagation.Mode
        enum mesos.v1.MountPropagation.Mode
        0 UNKNOWN
        1 HOST_TO_CONTAINER
        2 BIDIRECTIONAL
        message mesos.v1.Image
        1 type required enum:mesos.v1.Image.Type
        2 appc optional message:mesos.v1.Image.Appc
        3 docker optional message:mesos.v1.Image.Docker
        4 cached optional bool true
        message mesos.v1.Image.Docker
        1 name required string
        2 credential optional message:mesos.v1.Credential
        3 config optional message:mesos.v1.Secret
        message mesos.v1.Image.Appc
        1 name required string
        2 id optional string
        3 labels optional message:mesos.v1.Labels
        enum mesos.v1.Image.Type
        1 APPC
        2 DOCKER
        message mesos.v1.NetworkInfo
        5 ip_addresses repeated message:mesos.v1.NetworkInfo.IPAddress
        6 name optional string
        3 groups repeated string
        4 labels optional message:mesos.v1.Labels
        7 port_mappings repeated message:mesos.v1.NetworkInfo.PortMapping
        message mesos.v1.NetworkInfo.IPAddress
        1 protocol optional enum:mesos.v1.NetworkInfo.Protocol IPv4
        2 ip_address optional string
        message mesos.v1.NetworkInfo.PortMapping
        1 host_port required uint32
        2 container_port required uint32
        3 protocol optional string
        enum mesos.v1.NetworkInfo.Protocol
        1 IPv4
        2 IPv6
        message mesos.v1.LinuxInfo
        1 capability_info optional message:mesos.v1.CapabilityInfo
        2 bounding_capabilities optional message:mesos.v1.CapabilityInfo
        3 effective_capabilities optional message:mesos.v1.CapabilityInfo
        4 share_pid_namespace optional bool
        5 seccomp optional message:mesos.v1.SeccompInfo
        6 ipc_mode optional enum:mesos.v1.LinuxInfo.IpcMode
        7 shm_size optional uint32
        8 share_cgroups optional bool true
        enum mesos.v1.LinuxInfo.IpcMode
        0 UNKNOWN
        1 PRIVATE
        2 SHARE_PARENT
        message mesos.v1.CapabilityInfo
        1 capabilities repeated enum:mesos.v1.CapabilityInfo.Capability
        enum mesos.v1.CapabilityInfo.Capability
        0 UNKNOWN
        1000 CHOWN
        1001 DAC_OVERRIDE
        1002 DAC_READ_SEARCH
        1003 FOWNER
        1004 FSETID
        1005 KILL
        1006 SETGID
        1007 SETUID
        1008 SETPCAP
        1009 LINUX_IMMUTABLE
        1010 NET_BIND_SERVICE
        1011 NET_BROADCAST
        1012 NET_ADMIN
        1013 NET_RAW
        1014 IPC_LOCK
        1015 IPC_OWNER
        1016 SYS_MODULE
        1017 SYS_RAWIO
        1018 SYS_CHROOT
        1019 SYS_PTRACE
        1020 SYS_PACCT
        1021 SYS_ADMIN
        1022 SYS_BOOT
        1023 SYS_NICE
        1024 SYS_RESOURCE
        1025 SYS_TIME
        1026 SYS_TTY_CONFIG
        1027 MKNOD
        1028 LEASE
        1029 AUDIT_WRITE
        1030 AUDIT_CONTROL
        1031 SETFCAP
        1032 MAC_OVERRIDE
        1033 MAC_ADMIN
        1034 SYSLOG
        1035 WAKE_ALARM
        1036 BLOCK_SUSPEND
        1037 AUDIT_READ
        1038 PERFMON
        1039 BPF
        1040 CHECKPOINT_RESTORE
        message mesos.v1.SeccompInfo
        1 profile_name optional string
        2 unconfined optional bool
        message mesos.v1.RLimitInfo
        1 rlimits repeated message:mesos.v1.RLimitInfo.RLimit
        message mesos.v1.RLimitInfo.RLimit
        1 type optional enum:mesos.v1.RLimitInfo.RLimit.Type
        2 hard optional uint64
        3 soft optional uint64
        enum mesos.v1.RLimitInfo.RLimit.Type
        0 UNKNOWN
        1 RLMT_AS
        2 RLMT_CORE
        3 RLMT_CPU
        4 RLMT_DATA
        5 RLMT_FSIZE
        6 RLMT_LOCKS
        7 RLMT_MEMLOCK
        8 RLMT_MSGQUEUE
        9 RLMT_NICE
        10 RLMT_NOFILE
        11 RLMT_NPROC
        12 RLMT_RSS
        13 RLMT_RTPRIO
        14 RLMT_RTTIME
        15 RLMT_SIGPENDING
        16 RLMT_STACK
        message mesos.v1.TTYInfo
        1 window_size optional message:mesos.v1.TTYInfo.WindowSize
        message mesos.v1.TTYInfo.WindowSize
        1 rows required uint32
        2 columns required uint32
        message mesos.v1.ResourceProviderInfo
        1 id optional message:mesos.v1.ResourceProviderID
        2 attributes repeated message:mesos.v1.Attribute
        3 type required string
        4 name required string
        message mesos.v1.ResourceStatistics
        1 timestamp required double
        30 processes optional uint32
        31 threads optional uint32
        2 cpus_user_time_secs optional double
        3 cpus_system_time_secs optional double
        4 cpus_limit optional double
        45 cpus_soft_limit optional double
        7 cpus_nr_periods optional uint32
        8 cpus_nr_throttled optional uint32
        9 cpus_throttled_time_secs optional double
        36 mem_total_bytes optional uint64
        37 mem_total_memsw_bytes optional uint64
        52 mem_kmem_usage_bytes optional uint64
        53 mem_kmem_tcp_usage_bytes optional uint64
        6 mem_limit_bytes optional uint64
        38 mem_soft_limit_bytes optional uint64
        10 mem_file_bytes optional uint64
        11 mem_anon_bytes optional uint64
        39 mem_cache_bytes optional uint64
        5 mem_rss_bytes optional uint64
        12 mem_mapped_file_bytes optional uint64
        40 mem_swap_bytes optional uint64
        41 mem_unevictable_bytes optional uint64
        32 mem_low_pressure_counter optional uint64
        33 mem_medium_pressure_counter optional uint64
        34 mem_critical_pressure_counter optional uint64
        26 disk_limit_bytes optional uint64
        27 disk_used_bytes optional uint64
        43 disk_statistics repeated message:mesos.v1.DiskStatistics
        14 net_rx_packets optional uint64
        15 net_rx_bytes optional uint64
        16 net_rx_errors optional uint64
        17 net_rx_dropped optional uint64
        18 net_tx_packets optional uint64
        19 net_tx_bytes optional uint64
        20 net_tx_errors optional uint64
        21 net_tx_dropped optional uint64
        46 net_tx_rate_limit optional uint64
        47 net_tx_burst_rate_limit optional uint64
        48 net_tx_burst_size optional uint64
        49 net_rx_rate_limit optional uint64
        50 net_rx_burst_rate_limit optional uint64
        51 net_rx_burst_size optional uint64
        55 net_ephemeral_ports optional message:mesos.v1.Value.Range
        22 net_tcp_rtt_microsecs_p50 optional double
        23 net_tcp_rtt_microsecs_p90 optional double
        24 net_tcp_rtt_microsecs_p95 optional double
        25 net_tcp_rtt_microsecs_p99 optional double
        28 net_tcp_active_connections optional double
        29 net_tcp_time_wait_connections optional double
        message mesos.v1.DiskStatistics
        1 source optional message:mesos.v1.Resource.DiskInfo.Source
        2 persistence optional message:mesos.v1.Resource.DiskInfo.Persistence
        3 limit_bytes optional uint64
        4 used_bytes optional uint64
        message mesos.v1.ResourceUsage
        1 executors repeated message:mesos.v1.ResourceUsage.Executor
        2 total repeated message:mesos.v1.Resource
        message mesos.v1.ResourceUsage.Executor
        1 executor_info required message:mesos.v1.ExecutorInfo
        2 allocated repeated message:mesos.v1.Resource
        3 statistics optional message:mesos.v1.ResourceStatistics
        4 container_id required message:mesos.v1.ContainerID
        5 tasks repeated message:mesos.v1.ResourceUsage.Executor.Task
        message mesos.v1.ResourceUsage.Executor.Task
        1 name required string
        2 id required message:mesos.v1.TaskID
        3 resources repeated message:mesos.v1.Resource
        4 labels optional message:mesos.v1.Labels
        enum mesos.v1.DrainState
        0 UNKNOWN
        1 DRAINING
        2 DRAINED
        enum mesos.v1.OperationState
        0 OPERATION_UNSUPPORTED
        1 OPERATION_PENDING
        2 OPERATION_FINISHED
        3 OPERATION_FAILED
        4 OPERATION_ERROR
        5 OPERATION_DROPPED
        6 OPERATION_UNREACHABLE
        7 OPERATION_GONE_BY_OPERATOR
        8 OPERATION_RECOVERING
        9 OPERATION_UNKNOWN
        enum mesos.v1.TaskState
        6 TASK_STAGING
        0 TASK_STARTING
        1 TASK_RUNNING
        8 TASK_KILLING
        2 TASK_FINISHED
        3 TASK_FAILED
        4 TASK_KILLED
        7 TASK_ERROR
        5 TASK_LOST
        9 TASK_DROPPED
        10 TASK_UNREACHABLE
        11 TASK_GONE
        12 TASK_GONE_BY_OPERATOR
        13 TASK_UNKNOWN
        """#
}
