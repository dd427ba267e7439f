// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/executor.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let executorTable = #"""
        message mesos.v1.executor.Call
        1 executor_id required message:mesos.v1.ExecutorID
        2 framework_id required message:mesos.v1.FrameworkID
        3 type optional enum:mesos.v1.executor.Call.Type
        4 subscribe optional message:mesos.v1.executor.Call.Subscribe
        5 update optional message:mesos.v1.executor.Call.Update
        6 message optional message:mesos.v1.executor.Call.Message
        message mesos.v1.executor.Call.Subscribe
        1 unacknowledged_tasks repeated message:mesos.v1.TaskInfo
        2 unacknowledged_updates repeated message:mesos.v1.executor.Call.Update
        message mesos.v1.executor.Call.Update
        1 status required message:mesos.v1.TaskStatus
        message mesos.v1.executor.Call.Message
        2 data required bytes
        enum mesos.v1.executor.Call.Type
        0 UNKNOWN
        1 SUBSCRIBE
        2 UPDATE
        3 MESSAGE
        4 HEARTBEAT
        message mesos.v1.executor.Event
        1 type optional enum:mesos.v1.executor.Event.Type
        2 subscribed optional message:mesos.v1.executor.Event.Subscribed
        3 acknowledged optional message:mesos.v1.executor.Event.Acknowledged
        4 launch optional message:mesos.v1.executor.Event.Launch
        8 launch_group optional message:mesos.v1.executor.Event.LaunchGroup
        5 kill optional message:mesos.v1.executor.Event.Kill
        6 message optional message:mesos.v1.executor.Event.Message
        7 error optional message:mesos.v1.executor.Event.Error
        message mesos.v1.executor.Event.Subscribed
        1 executor_info required message:mesos.v1.ExecutorInfo
        2 framework_info required message:mesos.v1.FrameworkInfo
        3 agent_info required message:mesos.v1.AgentInfo
        4 container_id optional message:mesos.v1.ContainerID
        message mesos.v1.executor.Event.Launch
        1 task required message:mesos.v1.TaskInfo
        message mesos.v1.executor.Event.LaunchGroup
        1 task_group required message:mesos.v1.TaskGroupInfo
        message mesos.v1.executor.Event.Kill
        1 task_id required message:mesos.v1.TaskID
        2 kill_policy optional message:mesos.v1.KillPolicy
        message mesos.v1.executor.Event.Acknowledged
        1 task_id required message:mesos.v1.TaskID
        2 uuid required bytes
        message mesos.v1.executor.Event.Message
        1 data required bytes
        message mesos.v1.executor.Event.Error
        1 message required string
        enum mesos.v1.executor.Event.Type
        0 UNKNOWN
        1 SUBSCRIBED
        2 LAUNCH
        8 LAUNCH_GROUP
        3 KILL
        4 ACKNOWLEDGED
        5 MESSAGE
        6 ERROR
        7 SHUTDOWN
        9 HEARTBEAT
        """#
}
