// Quotas: what is refused and how, what they do to offers, and what a new leader makes of them.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct QuotaTests {
    private func refused(_ reason: String, status: Int = 400) -> MasterAnswer {
        .refused(status: status, reason: reason)
    }

    @Test func `what cannot be a quota is refused in the words of Apache Mesos`() {
        var talk = MasterConversation()
        talk.register(Samples.agent())
        #expect(
            talk.setQuota("a/b", limits: ["cpus": 1])
                == refused("Updating quota on nested role 'a/b' is not supported yet"))
        #expect(
            talk.setQuota("*", limits: ["cpus": 1])
                == refused(
                    "Invalid QuotaConfig: Invalid 'QuotaConfig.role': setting quota for the default '*' role is not "
                        + "supported"))
        #expect(
            talk.setQuota("dev", limits: ["cpus": -1])
                == refused(
                    "Invalid QuotaConfig: Invalid limit configuration {'cpus': -1}: Negative values not supported"))
        #expect(
            talk.setQuota("dev", guarantees: ["cpus": .nan])
                == refused(
                    "Invalid QuotaConfig: Invalid guarantee configuration {'cpus': nan}: NaN not supported"))
        #expect(
            talk.setQuota("dev", limits: ["mem": 1_099_511_627_777])
                == refused(
                    "Invalid QuotaConfig: Invalid 'QuotaConfig.limits': {'mem': 1099511627777} is invalid: values "
                        + "greater than 1 exabyte (1099511627776) are not supported"))
        #expect(
            talk.setQuota("dev", guarantees: ["cpus": 2], limits: ["cpus": 1], force: true)
                == refused(
                    "Invalid QuotaConfig: 'QuotaConfig.guarantees' { cpus: 2 } is not contained within the "
                        + "'QuotaConfig.limits' { cpus: 1 }"))
        #expect(
            talk.setQuota("dev", guarantees: ["cpus": 5])
                == refused(
                    "Invalid QuotaConfig: total quota guarantees 'cpus:5' exceed cluster capacity "
                        + "'cpus:4; mem:4096' (use 'force' flag to bypass this check)"))
        #expect(talk.stored.quotas.isEmpty)
        #expect(talk.setQuota("dev", guarantees: ["cpus": 5], force: true) == .done)
        #expect(talk.stored.quotas.count == 1)
    }

    @Test func `a limit below what the role consumes needs force`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent, resources: "cpus:2;mem:128")], pair)
        #expect(
            talk.setQuota("dev", limits: ["cpus": 1])
                == refused(
                    "Invalid QuotaConfig: Role 'dev' is already consuming 'cpus:2; mem:128'; this is more than the "
                        + "requested limits 'cpus:1' (use 'force' flag to bypass this check)"))
        #expect(talk.setQuota("dev", limits: ["cpus": 1], force: true) == .done)
    }

    @Test func `an exabyte is a limit like any other, and the default removes the quota`() {
        var talk = MasterConversation()
        #expect(talk.setQuota("dev", limits: ["mem": 1_099_511_627_776]) == .done)
        #expect(talk.core.cluster?.quotaStatus.configs.first?.limits["mem"]?.value == 1_099_511_627_776)
        #expect(talk.setQuota("dev") == .done)
        #expect(talk.stored.quotas.isEmpty)
        #expect(talk.setQuota("dev") == .done)
    }

    @Test func `offers above a new limit are taken back and made again within it`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(talk.setQuota("dev", limits: ["cpus": 1]) == .done)
        #expect(talk.rescinded(pair.stream).count == 1)
        let cpus = talk.offers(pair.stream).last?.resources.first { $0.name == "cpus" }?.scalar.value
        #expect(cpus == 1)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `offers of others are taken back for a guarantee`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(talk.offers(pair.stream).count == 1)
        #expect(talk.setQuota("ops", guarantees: ["cpus": 4]) == .done)
        #expect(talk.rescinded(pair.stream).count == 1)
        #expect(!talk.offers(pair.stream).dropFirst().contains { $0.resources.contains { $0.name == "cpus" } })
        let ops = talk.subscribe(Samples.framework("ops", roles: ["ops"]))
        #expect(talk.offers(ops).flatMap(\.resources).contains { $0.name == "cpus" && $0.scalar.value == 4 })
    }

    @Test func `a quota is answered only when the registry holds it`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.writesAtOnce = false
        #expect(talk.setQuota("dev", limits: ["cpus": 1]) == nil)
        #expect(talk.rescinded(pair.stream).isEmpty)
        talk.releaseWrite()
        #expect(talk.rescinded(pair.stream).count == 1)
    }

    @Test func `two quotas that arrive together are judged together`() {
        var talk = MasterConversation()
        talk.register(Samples.agent())
        talk.writesAtOnce = false
        #expect(talk.setQuota("a", guarantees: ["cpus": 3]) == nil)
        #expect(
            talk.setQuota("b", guarantees: ["cpus": 3])
                == refused(
                    "Invalid QuotaConfig: total quota guarantees 'cpus:6' exceed cluster capacity "
                        + "'cpus:4; mem:4096' (use 'force' flag to bypass this check)"))
    }

    // MARK: The older calls

    private func setLegacy(
        _ talk: inout MasterConversation, _ role: String, _ resources: String, force: Bool = false
    ) -> MasterAnswer? {
        talk.operate(.setQuota) { call in
            call.setQuota.quotaRequest.role = role
            call.setQuota.quotaRequest.force = force
            call.setQuota.quotaRequest.guarantee = resources.isEmpty ? [] : Samples.bag(resources).protobuf()
        }
    }

    private func removeLegacy(_ talk: inout MasterConversation, _ role: String) -> MasterAnswer? {
        talk.operate(.removeQuota) { $0.removeQuota.role = role }
    }

    @Test func `an older quota is guarantee and limit, set once, and removed`() throws {
        var talk = MasterConversation()
        talk.register(Samples.agent())
        #expect(setLegacy(&talk, "q1", "cpus:1") == .done)
        let quota = talk.stored.quotas[try RoleName("q1")]
        #expect(quota == Quota(guarantees: ["cpus": Scalar(units: 1)], limits: ["cpus": Scalar(units: 1)]))
        #expect(
            setLegacy(&talk, "q1", "cpus:1")
                == refused(
                    "Failed to validate set quota request: Cannot set quota for role 'q1' which already has quota"))
        #expect(removeLegacy(&talk, "q1") == .done)
        #expect(removeLegacy(&talk, "q1") == refused("Failed to remove quota: Role 'q1' has no quota set"))
    }

    @Test func `an older quota that overcommits the cluster is a conflict`() {
        var talk = MasterConversation()
        talk.register(Samples.agent())
        #expect(
            setLegacy(&talk, "q1", "cpus:9")
                == refused(
                    "Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota "
                        + "guarantees 'cpus:9' exceed cluster capacity 'cpus:4; mem:4096'", status: 409))
        #expect(setLegacy(&talk, "q1", "cpus:9", force: true) == .done)
        #expect(
            setLegacy(&talk, "a/b", "cpus:1")
                == refused("Setting quota on nested role 'a/b' is not supported yet"))
        #expect(
            setLegacy(&talk, "q2", "ports:[1-2]")
                == refused("Failed to validate set quota request: QuotaInfo must not include non-scalar resources"))
        #expect(
            setLegacy(&talk, "q2", "")
                == refused("Failed to validate set quota request: QuotaInfo with empty 'guarantee'"))
    }

    // MARK: After a change of leader

    private func stored(agents: Int) throws -> RegistryState {
        var state = RegistryState()
        for number in 0..<agents {
            var info = Samples.agent("a\(number)", id: "old-S\(number)").agent
            info.id.value = "old-S\(number)"
            state.agents[AgentID("old-S\(number)")] = info
        }
        state.quotas[try RoleName("ops")] = Quota(guarantees: ["cpus": Scalar(units: 4)])
        return state
    }

    @Test func `a new leader with quotas makes no offers until four fifths of the agents are back`() throws {
        var talk = MasterConversation(stored: try stored(agents: 5))
        let stream = talk.subscribe(Samples.framework())
        for number in 0..<3 {
            talk.register(Samples.agent("a\(number)", id: "old-S\(number)"), from: "10.0.0.\(number)")
        }
        talk.pass(.seconds(5))
        #expect(talk.offers(stream).isEmpty)
        talk.register(Samples.agent("a3", id: "old-S3"), from: "10.0.0.3")
        #expect(!talk.offers(stream).isEmpty)
    }

    @Test func `after ten minutes it makes offers with what is there`() throws {
        var talk = MasterConversation(stored: try stored(agents: 5))
        let stream = talk.subscribe(Samples.framework())
        let link = talk.register(Samples.agent("a0", id: "old-S0"))
        talk.register(Samples.agent("a1", id: "old-S1"), from: "10.0.0.2")
        talk.passAnsweringPings(.seconds(590), on: link)
        #expect(talk.offers(stream).isEmpty)
        talk.passAnsweringPings(.seconds(11), on: link)
        #expect(talk.stored.quotas.count == 1)
        #expect(talk.core.cluster?.quotaStatus.infos.first?.guarantee.first?.scalar.value == 4)
    }

    @Test func `without quotas it does not wait`() throws {
        var state = try stored(agents: 5)
        state.quotas = [:]
        var talk = MasterConversation(stored: state)
        let stream = talk.subscribe(Samples.framework())
        talk.register(Samples.agent("a0", id: "old-S0"))
        #expect(!talk.offers(stream).isEmpty)
    }
}
