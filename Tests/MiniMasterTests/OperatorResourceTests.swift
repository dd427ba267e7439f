// Operators reserve and create volumes on what is free, and make it free if offers hold it.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OperatorResourceTests {
    private static func reserve(
        _ talk: inout MasterConversation, _ agent: AgentID, _ resources: [V1Resource]
    ) -> MasterAnswer? {
        talk.operatorCall(.reserveResources) { call in
            call.reserveResources.agentID = V1AgentID(agent)
            call.reserveResources.resources = resources
        }
    }

    @Test func `a reservation takes offers back until the resources are free, and is sent to the agent`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id.value
        #expect(Self.reserve(&talk, pair.agent, Samples.reserved("cpus:1", for: "ops")) == .accepted)
        #expect(talk.rescinded(pair.stream) == [offer])
        #expect(talk.applied(pair.link).map(\.hasFrameworkID) == [false])
        let left = talk.offers(pair.stream).last?.resources.filter { $0.name == "cpus" }.map(\.scalar.value)
        #expect(left == [3])
        #expect(talk.isBalanced(pair.agent))
        talk.finish(talk.applied(pair.link)[0], on: pair.link)
        #expect(talk.core.cluster?.operations.all.isEmpty == true)
    }

    @Test func `what tasks use cannot be reserved, and nothing is rescinded for it`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent, resources: "cpus:2;mem:128")], pair, refuseSeconds: 0)
        talk.drain()
        let answer = Self.reserve(&talk, pair.agent, Samples.reserved("cpus:3", for: "ops"))
        guard case .refused(let status, let reason) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(status == 409)
        #expect(reason.contains("do not contain cpus:3"))
        #expect(talk.rescinded(pair.stream).isEmpty)
    }

    @Test func `an unknown agent and an invalid operation are refused with the reason`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(
            Self.reserve(&talk, "nope", []) == .refused(status: 400, reason: "No agent found with specified ID"))
        #expect(
            Self.reserve(&talk, pair.agent, Samples.bag("cpus:1").protobuf())
                == .refused(
                    status: 400,
                    reason: "Invalid RESERVE operation: Resource cpus:1 is not dynamically reserved"))
        let unreserve = talk.operatorCall(.unreserveResources) { call in
            call.unreserveResources.agentID = V1AgentID(pair.agent)
            call.unreserveResources.resources = Samples.reserved("cpus:1", for: "ops")
        }
        guard case .refused(409, _) = unreserve else {
            Issue.record("\(String(describing: unreserve))")
            return
        }
    }

    @Test func `a volume is created, grown, shrunk and destroyed`() {
        var talk = MasterConversation()
        let pair = talk.pair(
            Samples.framework(), Samples.agent(resources: "cpus:4;mem:4096;disk:1000;ports:[31000-31099]"))
        #expect(Self.reserve(&talk, pair.agent, Samples.reserved("disk:200", for: "dev")) == .accepted)
        let created = talk.operatorCall(.createVolumes) { call in
            call.createVolumes.agentID = V1AgentID(pair.agent)
            call.createVolumes.volumes = [Samples.volume("v1")]
        }
        #expect(created == .accepted)
        let grown = talk.operatorCall(.growVolume) { call in
            call.growVolume.agentID = V1AgentID(pair.agent)
            call.growVolume.volume = Samples.volume("v1")
            call.growVolume.addition = Samples.reserved("disk:36", for: "dev")[0]
        }
        #expect(grown == .accepted)
        let shrunk = talk.operatorCall(.shrinkVolume) { call in
            call.shrinkVolume.agentID = V1AgentID(pair.agent)
            call.shrinkVolume.volume = Samples.volume("v1", megabytes: 100)
            call.shrinkVolume.subtract.value = 50
        }
        #expect(shrunk == .accepted)
        let destroyed = talk.operatorCall(.destroyVolumes) { call in
            call.destroyVolumes.agentID = V1AgentID(pair.agent)
            call.destroyVolumes.volumes = [Samples.volume("v1", megabytes: 50)]
        }
        #expect(destroyed == .accepted)
        #expect(talk.applied(pair.link).count == 5)
        #expect(talk.isBalanced(pair.agent))
    }
}
