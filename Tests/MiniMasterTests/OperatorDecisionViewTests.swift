// What operators are shown of quotas, weights, maintenance and drains, in both API generations.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OperatorDecisionViewTests {
    private func operate(_ talk: inout MasterConversation, _ json: String) throws {
        let call: V1OperatorCall = try MediaType.json.decode(from: Array(json.utf8))
        talk.send(.operatorCalled(RequestNumber(900_000), OperatorRequest(call: call)))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `a quota shows in both forms and with its role`() throws {
        var talk = MasterConversation()
        try operate(
            &talk,
            #"{"type":"UPDATE_QUOTA","update_quota":{"force":true,"quota_configs":[{"role":"dev","#
                + #""limits":{"cpus":{"value":10}},"guarantees":{"cpus":{"value":1}}}]}}"#)
        let cluster = try #require(talk.core.cluster)
        #expect(
            text(MesosJSON.encode(RegistryViews.quota(cluster)))
                == #"{"infos":[{"role":"dev","guarantee":[{"name":"cpus","type":"SCALAR","scalar":{"value":1.0}}]}],"#
                + #""configs":[{"role":"dev","guarantees":{"cpus":{"value":1.0}},"limits":{"cpus":{"value":10.0}}}]}"#)
        let roles = RoleFigures(cluster, ClusterFigures(cluster)).rows
        #expect(roles.map(\.role.value) == ["dev"])
        #expect(roles.first?.guarantee == ["cpus": 1])
        #expect(roles.first?.limit == ["cpus": 10])
    }

    @Test func `a deactivated agent is not active, and a drained one says how`() throws {
        var talk = MasterConversation()
        let pair = talk.pair()
        try operate(
            &talk,
            #"{"type":"DEACTIVATE_AGENT","deactivate_agent":{"agent_id":{"value":"\#(pair.agent)"}}}"#)
        var cluster = try #require(talk.core.cluster)
        var agent = try #require(cluster.agents[pair.agent])
        var message = cluster.description(of: agent, used: [:], offered: [:])
        #expect(!message.active)
        #expect(message.deactivated)
        #expect(!message.hasDrainInfo)
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/x"), selfInfo: talk.core.selfInfo, build: BuildInfo(),
            startedAt: talk.now.wall)
        let state = try JSONValue(parsing: StateDocuments(cluster, facts).state())
        #expect(state["activated_slaves"] == .number(.double(0)))
        #expect(state["deactivated_slaves"] == .number(.double(1)))

        try operate(
            &talk, #"{"type":"REACTIVATE_AGENT","reactivate_agent":{"agent_id":{"value":"\#(pair.agent)"}}}"#)
        var register = Samples.agent(id: pair.agent.value)
        var capability = V1AgentInfo.Capability()
        capability.type = .agentDraining
        register.capabilities = [capability]
        talk.register(register)
        try operate(
            &talk,
            #"{"type":"DRAIN_AGENT","drain_agent":{"agent_id":{"value":"\#(pair.agent)"},"#
                + #""max_grace_period":{"seconds":1}}}"#)
        cluster = try #require(talk.core.cluster)
        agent = try #require(cluster.agents[pair.agent])
        message = cluster.description(of: agent, used: [:], offered: [:])
        #expect(message.hasDrainInfo)
        #expect(message.drainInfo.config.maxGracePeriod.nanoseconds == 1_000_000_000)
        #expect(message.estimatedDrainStartTime.nanoseconds == talk.now.wall.nanoseconds)
        var json = JSONWriter()
        json.object { $0.agentMembers(agent, ClusterFigures(cluster), cluster, isFull: true) }
        let slave = try JSONValue(parsing: json.bytes)
        #expect(slave["drain_info"]?["config"]?["max_grace_period"]?["nanoseconds"] == .number(.integer(1_000_000_000)))
        #expect(slave["estimated_drain_start_time_seconds"] != nil)
    }

    @Test func `the maintenance schedule is shown as it was posted`() throws {
        var talk = MasterConversation()
        let schedule =
            #"{"windows":[{"machine_ids":[{"hostname":"h","ip":"10.0.0.1"}],"#
            + #""unavailability":{"start":{"nanoseconds":2000000000000000000}}}]}"#
        try operate(
            &talk,
            #"{"type":"UPDATE_MAINTENANCE_SCHEDULE","update_maintenance_schedule":{"schedule":\#(schedule)}}"#)
        let cluster = try #require(talk.core.cluster)
        #expect(text(MesosJSON.encode(cluster.maintenanceSchedule)) == schedule)
        #expect(
            text(MesosJSON.encode(cluster.maintenanceStatus))
                == #"{"draining_machines":[{"id":{"hostname":"h","ip":"10.0.0.1"}}]}"#)
    }

    @Test func `an executor shows with its agent, and its resources are in use`() throws {
        var talk = MasterConversation()
        let pair = talk.pair()
        var task = Samples.task("t1", on: pair.agent, command: nil)
        task.executor.executorID.value = "e1"
        task.executor.name = "the executor"
        task.executor.command.value = "./run"
        task.executor.resources = Samples.bag("cpus:0.5;mem:32").protobuf()
        talk.launch([task], pair)
        let cluster = try #require(talk.core.cluster)
        let executors = ExecutorViews.all(cluster)
        #expect(executors.map(\.executorInfo.executorID.value) == ["e1"])
        #expect(executors.map(\.agentID.value) == [pair.agent.value])
        #expect(ClusterFigures(cluster).used(on: pair.agent).total["cpus"].doubleValue == 1.5)
        let framework = try #require(cluster.frameworks[pair.framework])
        var json = JSONWriter()
        json.framework(framework, ClusterFigures(cluster), cluster, isActive: true)
        guard case .array(let shown)? = try JSONValue(parsing: json.bytes)["executors"], let first = shown.first else {
            Issue.record("no executors")
            return
        }
        #expect(first["executor_id"] == .string("e1"))
        #expect(first["command"]?["value"] == .string("./run"))
        #expect(first["resources"]?["cpus"] == .number(.double(0.5)))
        #expect(first["slave_id"] == .string(pair.agent.value))
    }
}
