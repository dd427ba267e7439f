// Executors on the wire: what a call must hold, how events read, what the environment says, what lies on disk.

import Mailbox
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct ExecutorWireTests {
    private func call(_ type: V1ExecutorCall.TypeEnum) -> V1ExecutorCall {
        var call = V1ExecutorCall()
        call.type = type
        call.executorID.value = "e1"
        call.frameworkID.value = "f1"
        return call
    }

    private func fault(_ type: V1ExecutorCall.TypeEnum, _ change: (inout V1ExecutorCall) -> Void = { _ in }) -> String?
    {
        var call = call(type)
        change(&call)
        return ExecutorCallValidation.fault(in: call)
    }

    private func update(_ change: (inout V1TaskStatus) -> Void) -> String? {
        fault(.update) { call in
            call.update.status = AgentConversation.status("t1", .taskRunning)
            change(&call.update.status)
        }
    }

    @Test func `calls without their bodies are refused by name`() {
        #expect(fault(.subscribe) == "Expecting 'subscribe' to be present")
        #expect(fault(.update) == "Expecting 'update' to be present")
        #expect(fault(.message) == "Expecting 'message' to be present")
        #expect(fault(.heartbeat) == nil)
        #expect(fault(.heartbeat) { $0.clearExecutorID() } == "Expecting 'executor_id' to be present")
        #expect(fault(.heartbeat) { $0.clearFrameworkID() } == "Expecting 'framework_id' to be present")
        #expect(fault(.heartbeat) { $0.clearType() } == "Expecting 'type' to be present")
    }

    @Test func `an update is refused unless it can be one`() {
        #expect(update { _ in } == nil)
        #expect(update { $0.clearUuid() } == "Expecting 'uuid' to be present")
        #expect(update { $0.uuid = $0.uuid.dropLast() } == "Not a valid UUID")
        #expect(update { $0.executorID.value = "e1" } == nil)
        #expect(update { $0.executorID.value = "e2" }?.contains("does not match ExecutorID in TaskStatus: e2") == true)
        #expect(update { $0.source = .agent }?.hasSuffix("expecting 'SOURCE_EXECUTOR'") == true)
        #expect(update { $0.clearSource() }?.hasSuffix("expecting 'SOURCE_EXECUTOR'") == true)
        #expect(update { $0.state = .taskStaging }?.contains("TASK_STAGING") == true)
        #expect(update { $0.checkStatus.type = .command }?.contains("'command'") == true)
    }

    @Test func `an unacknowledged update in a subscription is held to the same`() {
        let bad = fault(.subscribe) { call in
            var update = V1ExecutorCall.Update()
            update.status = AgentConversation.status("t1", .taskRunning)
            update.status.clearUuid()
            call.subscribe.unacknowledgedUpdates = [update]
        }
        #expect(bad == "Expecting 'uuid' to be present")
    }

    @Test func `events carry what clients rely on`() throws {
        var agent = V1AgentInfo()
        agent.hostname = "h1"
        agent.id.value = "a1"
        let subscribed = ExecutorEvent.subscribed(
            AgentConversation.executorInfo(), AgentConversation.frameworkInfo(), ContainerID("c1")
        ).message(agent: agent)
        #expect(subscribed.isInitialized)
        #expect(subscribed.subscribed.agentInfo.id.value == "a1")
        #expect(subscribed.subscribed.containerID.value == "c1")
        let kill = ExecutorEvent.kill(TaskID("t1"), grace: nil).message(agent: agent)
        #expect(kill.type == .kill && !kill.kill.hasKillPolicy)
        let group = ExecutorEvent.launchGroup([AgentConversation.hosted("t1"), AgentConversation.hosted("t2")])
            .message(agent: agent)
        #expect(group.type == .launchGroup && group.isInitialized)
        #expect(group.launchGroup.taskGroup.tasks.map(\.taskID.value) == ["t1", "t2"])
        let polite = ExecutorEvent.kill(TaskID("t1"), grace: .seconds(2)).message(agent: agent)
        #expect(polite.kill.killPolicy.gracePeriod.nanoseconds == 2_000_000_000)
        let id = try #require(WireUUID(bytes: [UInt8](repeating: 5, count: 16)))
        let text = MediaType.json.encode(ExecutorEvent.acknowledged(TaskID("t1"), id).message(agent: agent))
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"type":"ACKNOWLEDGED","acknowledged":{"task_id":{"value":"t1"},"uuid":"BQUFBQUFBQUFBQUFBQUFBQ=="}}"#
        )
    }

    @Test func `the environment of a checkpointing framework's executor`() {
        let environment = ExecutorEnvironment(endpoint: "10.0.0.7:5051", ip: "10.0.0.7")
        let variables = environment.variables(
            of: AgentConversation.executorInfo(), framework: AgentConversation.checkpointing(),
            agent: AgentConversation.agentID, container: ContainerID("c1"), sandbox: "/work/sandbox")
        let values = Dictionary(variables.map { ($0.name, $0.value) }) { $1 }
        #expect(
            values == [
                "MESOS_FRAMEWORK_ID": "f1", "MESOS_EXECUTOR_ID": "e1", "MESOS_AGENT_ENDPOINT": "10.0.0.7:5051",
                "MESOS_SLAVE_ID": "a1", "MESOS_SLAVE_PID": "slave(1)@10.0.0.7:5051", "MESOS_DIRECTORY": "/work/sandbox",
                "MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs",
                "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs", "MESOS_HTTP_COMMAND_EXECUTOR": "0",
                "LIBPROCESS_PORT": "0", "LIBPROCESS_IP": "10.0.0.7",
            ])
    }

    @Test func `without checkpointing an executor is not told to wait for its agent`() {
        var executor = AgentConversation.executorInfo()
        executor.shutdownGracePeriod.nanoseconds = 1_500_000_000
        let variables = ExecutorEnvironment(endpoint: "10.0.0.7:5051").variables(
            of: executor, framework: AgentConversation.frameworkInfo(), agent: AgentConversation.agentID,
            container: ContainerID("c1"), sandbox: "/s")
        let values = Dictionary(variables.map { ($0.name, $0.value) }) { $1 }
        #expect(values["MESOS_CHECKPOINT"] == "0")
        #expect(values["MESOS_RECOVERY_TIMEOUT"] == nil && values["MESOS_SUBSCRIPTION_BACKOFF_MAX"] == nil)
        #expect(values["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] == "1500ms")
        #expect(values["LIBPROCESS_IP"] == nil)
    }

    @Test func `durations are written in the units that clients parse`() {
        let texts = [
            (Duration.seconds(60), "1mins"), (.seconds(90), "90secs"), (.seconds(7200), "2hrs"), (.zero, "0ns"),
            (.seconds(86400 * 14), "2weeks"), (.milliseconds(5), "5ms"), (.nanoseconds(1001), "1001ns"),
        ]
        for (duration, text) in texts { #expect(DurationText.mesos(duration) == text) }
    }

    // MARK: On disk

    private static let container = ContainerID("c1")

    private static let record = ExecutorRecord(
        key: AgentConversation.executor, info: AgentConversation.executorInfo(), container: container,
        containerizer: .process, resources: AgentConversation.info("t1").resources)

    private static func update(_ task: String, _ number: UInt8, _ state: V1TaskState) -> StatusUpdate {
        var details = V1TaskStatus()
        details.containerStatus.executorPid = 7
        return StatusUpdate(
            id: WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random(), key: AgentConversation.key(task),
            executor: ExecutorID("e1"), container: container, state: state, source: .executor,
            timestamp: WallTime(nanoseconds: 1_800_000_000_500_000_000), details: details)
    }

    private static func task(_ name: String, awaitsDelivery: Bool = false) -> CheckpointWrite {
        var record = TaskRecord(
            key: AgentConversation.key(name), info: AgentConversation.hosted(name), container: container,
            containerizer: .process, host: ExecutorID("e1"))
        record.group = group
        record.awaitsDelivery = awaitsDelivery
        return .task(record)
    }

    private static let group = GroupMembership(
        group: WireUUID(bytes: [UInt8](repeating: 9, count: 16)) ?? .random(), tasks: [TaskID("e1"), TaskID("t2")],
        executorRun: container)

    private static let writes: [CheckpointWrite] = [
        .agent(AgentConversation.agentID), .framework(AgentConversation.checkpointing()), .executor(record),
        task("e1"), task("t2"), .executorStep(record.key, container, .starting),
        .subscription(record.key, container, waiting: [AgentConversation.key("e1"), AgentConversation.key("t2")]),
        .delivery(AgentConversation.key("t2"), container), task("t3", awaitsDelivery: true),
        .update(update("t2", 1, .taskRunning)), .delivery(AgentConversation.key("t3"), container),
        .acknowledgement(AgentConversation.key("t2"), update("t2", 1, .taskRunning).id),
        .update(update("t2", 2, .taskFinished)), .update(update("e1", 3, .taskRunning)),
        .kill(AgentConversation.key("e1"), container, KillOrder(grace: KillOrder.ownGrace)),
        .retirement(AgentConversation.key("t2"), container), .retirement(AgentConversation.key("e1"), container),
        .retirement(AgentConversation.key("t3"), container), .executorRetirement(record.key, container),
    ]

    @Test func `an executor's records are read back as they were written, after every single step`() {
        for count in 3...Self.writes.count {
            let directory = TemporaryDirectory()
            let paths = AgentPaths(workDirectory: directory.path)
            let failures = Locked<[FileError]>([])
            var info = V1AgentInfo()
            info.hostname = "h1"
            let store = CheckpointStore(paths: paths, agentInfo: info, recovered: AgentCheckpoint()) { _, error in
                if let error { failures.withLock { $0.append(error) } }
            }
            var value = AgentCheckpoint()
            for write in Self.writes.prefix(count) {
                store.perform(write)
                value.apply(write)
            }
            store.drain()
            #expect(failures.withLock { $0 } == [])
            let loaded = CheckpointLoader(paths: paths, repairs: true).load()
            #expect(loaded.problems.isEmpty, "after \(count): \(loaded.problems)")
            #expect(loaded.checkpoint.executors == value.executors, "after \(count) writes")
            #expect(loaded.checkpoint.tasks == value.tasks, "after \(count) writes")
        }
    }
}
