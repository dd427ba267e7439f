// RECONCILE: one line of the table per test.
import HTTPClient
import HTTPServer
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct ReconciliationTests {
    private func reconcile(
        _ talk: inout MasterConversation, _ pair: MasterConversation.Pair, _ task: String, on agent: AgentID? = nil
    ) -> V1TaskStatus? {
        talk.drain()
        talk.call(pair.stream, pair.framework, .reconcile) { call in
            var named = V1SchedulerCall.Reconcile.Task()
            named.taskID.value = task
            if let agent { named.agentID = V1AgentID(agent) }
            call.reconcile.tasks = [named]
        }
        return talk.statuses(pair.stream).first
    }

    @Test func `asking for everything tells the latest state of each task`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)], pair)
        talk.update(pair.link, pair.framework, "t2", on: pair.agent, .taskRunning, uuid: 1)
        talk.drain()
        talk.call(pair.stream, pair.framework, .reconcile) { $0.reconcile = .init() }
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.taskID.value) == ["t1", "t2"])
        #expect(statuses.map(\.state) == [.taskStaging, .taskRunning])
        #expect(
            statuses.allSatisfy {
                $0.reason == .reconciliation && $0.source == .master && !$0.hasUuid
                    && $0.message == "Reconciliation: Latest task state"
            })
    }

    @Test func `a task unknown to a registered agent is gone`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let status = reconcile(&talk, pair, "never", on: pair.agent)
        #expect(status?.state == .taskGone)
        #expect(status?.message == "Reconciliation: Task is unknown to the agent")
    }

    @Test func `a task of nobody's is unknown`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        for agent in [nil, AgentID("gone")] {
            let status = reconcile(&talk, pair, "never", on: agent)
            #expect(status?.state == .taskUnknown)
            #expect(status?.message == "Reconciliation: Task is unknown")
        }
    }

    @Test func `a framework that is not partition-aware hears TASK_LOST for all of these`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(capabilities: [.multiRole]))
        #expect(reconcile(&talk, pair, "never", on: pair.agent)?.state == .taskLost)
        #expect(reconcile(&talk, pair, "never")?.state == .taskLost)
    }

    @Test func `a task of an unreachable agent is unreachable, with the time`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(91))
        for task in ["t1", "never"] {
            let status = reconcile(&talk, pair, task, on: pair.agent)
            #expect(status?.state == .taskUnreachable)
            #expect(status?.message == "Reconciliation: Task is unreachable")
            #expect(status?.hasUnreachableTime == true)
        }
    }

    @Test func `a task of an agent declared gone is gone by operator`() {
        var stored = RegistryState()
        stored.gone["a-S0"] = WallTime(nanoseconds: 1)
        var talk = MasterConversation(stored: stored)
        let pair = talk.pair()
        let status = reconcile(&talk, pair, "t1", on: "a-S0")
        #expect(status?.state == .taskGoneByOperator)
        #expect(status?.message == "Reconciliation: Task is gone")
    }

    @Test func `nothing is said while an agent that may know is still expected`() {
        var stored = RegistryState()
        var info = Samples.agent(id: "a-S0").agent
        info.id.value = "a-S0"
        stored.agents["a-S0"] = info
        var talk = MasterConversation(stored: stored)
        let stream = talk.subscribe(Samples.framework(id: "f"))
        let pair = MasterConversation.Pair(framework: "f", stream: stream, agent: "a-S0", link: LinkID("none"))
        #expect(reconcile(&talk, pair, "t1", on: "a-S0") == nil)
        #expect(reconcile(&talk, pair, "t1") == nil)
        #expect(reconcile(&talk, pair, "t1", on: "stranger")?.state == .taskUnknown)
        talk.register(Samples.agent(id: "a-S0"))
        #expect(reconcile(&talk, pair, "t1", on: "a-S0")?.state == .taskGone)
    }

    @Test(.timeLimit(.minutes(2))) func `a framework that reads late gets every answer, and few wait for it at a time`()
        async throws
    {
        try await RunningMaster.with { master in
            let response = try await master.stream(
                "/api/v1/scheduler",
                Array(#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}}"#.utf8),
                headers: [("Content-Type", "application/json")])
            let stream = try #require(response.header("Mesos-Stream-Id"))
            var records = RecordReader(response)
            let first = try MesosJSON.decode(V1SchedulerEvent.self, from: #require(try await records.next()))
            let count = 40_000
            var call = V1SchedulerCall()
            call.type = .reconcile
            call.frameworkID = first.subscribed.frameworkID
            call.reconcile.tasks = (0..<count).map { index in
                var task = V1SchedulerCall.Reconcile.Task()
                task.taskID.value = "a task with a name of some length, as builds have them, number \(index)"
                return task
            }
            let reply = try await HTTPClient.shared.fetch(
                master.request(
                    "POST", "/api/v1/scheduler",
                    [("Content-Type", "application/x-protobuf"), ("Mesos-Stream-Id", stream)],
                    MediaType.protobuf.encode(call)))
            #expect(reply.status == 202)
            // What one piece of answers takes, beyond the bound.
            let bound = MasterShell.reconciliationBytesMax + 1 << 20
            var told = 0
            while told < count {
                #expect(master.server.shell.streamBudget.bytes <= bound)
                let event = try MesosJSON.decode(V1SchedulerEvent.self, from: #require(try await records.next()))
                if event.type == .update { told += 1 }
            }
        }
    }
}
