// Weights of roles: what is refused, what is remembered, what is felt at once.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct WeightsTests {
    @Test func `a weight is answered only when the registry holds it`() throws {
        var talk = MasterConversation()
        talk.writesAtOnce = false
        #expect(talk.setWeights([("dev", 2.5)]) == nil)
        #expect(talk.stored.weights.isEmpty)
        let effects = talk.releaseWrite()
        #expect(talk.stored.weights == [try RoleName("dev"): try #require(Weight(2.5))])
        #expect(effects.contains { if case .answer(_, .done) = $0 { true } else { false } })
    }

    @Test func `what cannot be a weight is refused in the words of Apache Mesos`() {
        var talk = MasterConversation()
        let refusals: [(String, Double, String)] = [
            ("x", -1, " for role 'x': Invalid weight '-1': Weights must be positive"),
            (" x ", 0, " for role 'x': Invalid weight '0': Weights must be positive"),
            ("x", .nan, " for role 'x': Invalid weight 'nan': Weights must be positive"),
            ("-x", 1, ": Invalid role '-x': Role component '-x' is invalid because it begins with a dash"),
        ]
        for (role, weight, reason) in refusals {
            let text = "Failed to validate update weights request JSON\(reason)"
            #expect(talk.setWeights([("good", 2), (role, weight)]) == .refused(status: 400, reason: text))
        }
        #expect(talk.stored.weights.isEmpty)
    }

    @Test func `a role outside of the whitelist is unknown`() throws {
        var settings = MasterSettings()
        settings.roles = [try RoleName("dev")]
        var talk = MasterConversation(settings: settings)
        #expect(
            talk.setWeights([("ops", 2)])
                == .refused(
                    status: 400, reason: "Failed to validate update weights request JSON: Unknown role 'ops'"))
        #expect(talk.setWeights([("dev", 2)]) == .done)
    }

    @Test func `offers are taken back if a framework feels the change, and only then`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.setWeights([("other", 2)])
        #expect(talk.rescinded(pair.stream).isEmpty)
        talk.setWeights([("dev", 2)])
        #expect(talk.rescinded(pair.stream).count == 1)
        #expect(talk.offers(pair.stream).count == 2)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a weight of one is remembered, or the command line's would come back`() throws {
        var settings = MasterSettings()
        settings.weights = [try RoleName("dev"): try #require(Weight(3)), try RoleName("ops"): try #require(Weight(4))]
        var talk = MasterConversation(settings: settings)
        #expect(talk.stored.weights == settings.weights)
        talk.setWeights([("dev", 1)])
        let next = talk.successor(settings: settings)
        #expect(next.core.cluster?.weightInfos.map(\.role) == ["ops"])
        #expect(next.core.cluster?.weightInfos.map(\.weight) == [4])
    }
}
