// DO NOT EDIT. Written by Protos/schema_tables.py from mini/link/v1/link.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let linkTable = #"""
        message mini.link.v1.Task
        1 framework_id required message:mesos.v1.FrameworkID
        2 info required message:mesos.v1.TaskInfo
        3 state required enum:mesos.v1.TaskState
        4 status_update_state optional enum:mesos.v1.TaskState
        5 status_update_uuid optional bytes
        6 statuses repeated message:mesos.v1.TaskStatus
        message mini.link.v1.Operation
        1 framework_id optional message:mesos.v1.FrameworkID
        2 operation_id optional message:mesos.v1.OperationID
        3 uuid required bytes
        4 info required message:mesos.v1.Offer.Operation
        5 latest_status required message:mesos.v1.OperationStatus
        6 statuses repeated message:mesos.v1.OperationStatus
        message mini.link.v1.Executor
        1 framework_id required message:mesos.v1.FrameworkID
        2 info required message:mesos.v1.ExecutorInfo
        message mini.link.v1.FrameworkMessage
        1 framework_id required message:mesos.v1.FrameworkID
        2 agent_id required message:mesos.v1.AgentID
        3 executor_id required message:mesos.v1.ExecutorID
        4 data required bytes
        message mini.link.v1.TaskReference
        1 framework_id required message:mesos.v1.FrameworkID
        2 task_id required message:mesos.v1.TaskID
        message mini.link.v1.Call
        1 type optional enum:mini.link.v1.Call.Type
        2 register optional message:mini.link.v1.Call.Register
        3 update optional message:mini.link.v1.Call.Update
        4 pong optional message:mini.link.v1.Call.Pong
        5 message optional message:mini.link.v1.FrameworkMessage
        6 unregister optional message:mini.link.v1.Call.Unregister
        7 operation_status optional message:mini.link.v1.Call.OperationStatus
        8 exited_executor optional message:mini.link.v1.Call.ExitedExecutor
        message mini.link.v1.Call.Register
        1 agent required message:mesos.v1.AgentInfo
        2 link_version required uint32
        3 version required string
        4 tasks repeated message:mini.link.v1.Task
        5 frameworks repeated message:mesos.v1.FrameworkInfo
        6 capabilities repeated message:mesos.v1.AgentInfo.Capability
        7 total_resources repeated message:mesos.v1.Resource
        8 operations repeated message:mini.link.v1.Operation
        9 drain_config optional message:mesos.v1.DrainConfig
        10 cluster optional string
        11 executors repeated message:mini.link.v1.Executor
        12 advertised_ip optional string
        message mini.link.v1.Call.Update
        1 framework_id required message:mesos.v1.FrameworkID
        2 status required message:mesos.v1.TaskStatus
        3 latest_state required enum:mesos.v1.TaskState
        message mini.link.v1.Call.Pong
        1 sequence required uint64
        2 stalled_because optional string
        message mini.link.v1.Call.Unregister
        1 reason optional string
        message mini.link.v1.Call.OperationStatus
        1 framework_id optional message:mesos.v1.FrameworkID
        2 status required message:mesos.v1.OperationStatus
        3 operation_uuid required bytes
        4 latest_state optional enum:mesos.v1.OperationState
        message mini.link.v1.Call.ExitedExecutor
        1 framework_id required message:mesos.v1.FrameworkID
        2 executor_id required message:mesos.v1.ExecutorID
        3 status required sint32
        enum mini.link.v1.Call.Type
        0 UNKNOWN
        1 REGISTER
        2 UPDATE
        3 PONG
        4 MESSAGE
        5 UNREGISTER
        6 TASKS_RECONCILED
        7 OPERATION_STATUS
        8 EXITED_EXECUTOR
        message mini.link.v1.Command
        1 type optional enum:mini.link.v1.Command.Type
        2 registered optional message:mini.link.v1.Command.Registered
        3 refused optional message:mini.link.v1.Command.Refused
        4 run_task optional message:mini.link.v1.Command.RunTask
        5 kill_task optional message:mini.link.v1.Command.KillTask
        6 acknowledge optional message:mini.link.v1.Command.Acknowledge
        7 shutdown_framework optional message:mini.link.v1.Command.ShutdownFramework
        8 update_framework optional message:mini.link.v1.Command.UpdateFramework
        9 message optional message:mini.link.v1.FrameworkMessage
        10 ping optional message:mini.link.v1.Command.Ping
        11 reconcile_tasks optional message:mini.link.v1.Command.ReconcileTasks
        12 shutdown optional message:mini.link.v1.Command.Shutdown
        13 run_task_group optional message:mini.link.v1.Command.RunTaskGroup
        14 apply_operation optional message:mini.link.v1.Command.ApplyOperation
        15 acknowledge_operation optional message:mini.link.v1.Command.AcknowledgeOperation
        16 reconcile_operations optional message:mini.link.v1.Command.ReconcileOperations
        17 drain optional message:mini.link.v1.Command.Drain
        19 shutdown_executor optional message:mini.link.v1.Command.ShutdownExecutor
        message mini.link.v1.Command.Registered
        1 agent_id required message:mesos.v1.AgentID
        2 ping_interval_seconds required double
        3 ping_misses_max required uint32
        4 master required message:mesos.v1.MasterInfo
        5 cluster optional string
        6 agents optional uint32
        message mini.link.v1.Command.Refused
        1 reason required string
        2 shutdown required bool
        message mini.link.v1.Command.RunTask
        1 framework required message:mesos.v1.FrameworkInfo
        2 task required message:mesos.v1.TaskInfo
        message mini.link.v1.Command.KillTask
        1 framework_id required message:mesos.v1.FrameworkID
        2 task_id required message:mesos.v1.TaskID
        3 kill_policy optional message:mesos.v1.KillPolicy
        message mini.link.v1.Command.Acknowledge
        1 framework_id required message:mesos.v1.FrameworkID
        2 task_id required message:mesos.v1.TaskID
        3 uuid required bytes
        message mini.link.v1.Command.ShutdownFramework
        1 framework_id required message:mesos.v1.FrameworkID
        message mini.link.v1.Command.UpdateFramework
        1 framework required message:mesos.v1.FrameworkInfo
        message mini.link.v1.Command.Ping
        1 connected required bool
        2 sequence required uint64
        message mini.link.v1.Command.ReconcileTasks
        1 tasks repeated message:mini.link.v1.TaskReference
        message mini.link.v1.Command.Shutdown
        1 reason required string
        message mini.link.v1.Command.RunTaskGroup
        1 framework required message:mesos.v1.FrameworkInfo
        2 executor required message:mesos.v1.ExecutorInfo
        3 task_group required message:mesos.v1.TaskGroupInfo
        message mini.link.v1.Command.ApplyOperation
        1 framework_id optional message:mesos.v1.FrameworkID
        2 uuid required bytes
        3 info required message:mesos.v1.Offer.Operation
        message mini.link.v1.Command.AcknowledgeOperation
        1 operation_uuid required bytes
        2 status_uuid required bytes
        message mini.link.v1.Command.ReconcileOperations
        1 operation_uuids repeated bytes
        message mini.link.v1.Command.Drain
        1 config required message:mesos.v1.DrainConfig
        message mini.link.v1.Command.ShutdownExecutor
        1 framework_id required message:mesos.v1.FrameworkID
        2 executor_id required message:mesos.v1.ExecutorID
        enum mini.link.v1.Command.Type
        0 UNKNOWN
        1 REGISTERED
        2 REFUSED
        3 RUN_TASK
        4 KILL_TASK
        5 ACKNOWLEDGE
        6 SHUTDOWN_FRAMEWORK
        7 UPDATE_FRAMEWORK
        8 MESSAGE
        9 PING
        10 RECONCILE_TASKS
        11 SHUTDOWN
        12 RUN_TASK_GROUP
        13 APPLY_OPERATION
        14 ACKNOWLEDGE_OPERATION
        15 RECONCILE_OPERATIONS
        16 DRAIN
        17 END_DRAIN
        18 SHUTDOWN_EXECUTOR
        """#
}
