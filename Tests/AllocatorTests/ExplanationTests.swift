// "Why did I get nothing?" has a true answer, and asking changes no decision.

import Allocator
import Resources
import Testing

@Suite struct `An explanation` {
    private let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
    private let eng: RoleName
    private let ops: RoleName
    private var allocator = Allocator()

    init() throws {
        eng = try RoleName("eng")
        ops = try RoleName("ops")
    }

    private func reasons(_ framework: FrameworkID, in role: RoleName) -> [String: Int] {
        let client = allocator.explain(role)?.clients.first { $0.framework == framework && $0.role == role }
        return (client?.obstacles ?? []).reduce(into: [:]) { $0[$1.obstacle.word] = $1.agents }
    }

    private mutating func allocate(at now: Instant = .zero) -> [Allocation] {
        let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: 1)
        #expect(violations.isEmpty)
        return made
    }

    @Test mutating func `there is none for a role nobody is in`() {
        #expect(allocator.explain(eng) == nil)
    }

    @Test mutating func `a refusal is named with its end`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4;mem:512"), at: start)
        allocator.addFramework("f", roles: [eng])
        for offer in allocate() {
            allocator.recover(
                "f", role: eng, agent: "a", resources: offer.resources, filter: .seconds(305), at: .zero)
        }
        let client = try #require(allocator.explain(eng)?.clients.first)
        #expect(client.standing == .hungry)
        #expect(client.takeable == 0)
        #expect(client.filters == 1)
        #expect(client.obstacles.map(\.obstacle) == [.filtered(until: Instant.zero.advanced(by: .seconds(305)))])
        #expect(client.obstacles.map(\.example) == ["a"])
    }

    @Test mutating func `each kind of obstacle has its own word`() throws {
        allocator = Allocator(settings: AllocatorSettings(region: "here"))
        let plain = try Resources.parse("cpus:4;mem:512")
        allocator.addAgent("busy", total: plain, at: start)
        allocator.addFramework("owner", roles: [ops], suppressed: [ops])
        allocator.charge("owner", role: ops, agent: "busy", resources: plain)
        allocator.addAgent("gpu", total: try .parse("cpus:4;mem:512;gpus:1"), at: start)
        allocator.addAgent("far", total: plain, traits: AgentTraits(hostname: "h", region: "there"), at: start)
        allocator.addAgent("off", total: plain, at: start)
        allocator.setAgentActive("off", false)
        allocator.addAgent("tiny", total: try .parse("mem:1"), at: start)
        allocator.addAgent("theirs", total: try .parse("cpus(ops):4;mem(ops):512"), at: start)
        allocator.addAgent("unwanted", total: plain, traits: AgentTraits(hostname: "unwanted"), at: start)
        let constraint = AttributeConstraint(.hostname, .textNotEquals("unwanted"))
        allocator.addFramework(
            "f", roles: [eng], constraints: [eng: try OfferConstraints(groups: [.init([constraint])])])
        #expect(allocate().isEmpty)
        #expect(
            reasons("f", in: eng) == [
                "nothing-free": 1, "needs-gpu-capability": 1, "other-region": 1, "agent-not-offered": 1,
                "below-minimum": 2, "offer-constraints": 1,
            ])
    }

    @Test mutating func `quotas are told apart: one's own limit and others' guarantees`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [eng])
        allocator.setQuota(eng, Quota(limits: ["cpus": .zero]))
        #expect(allocate().isEmpty)
        #expect(reasons("f", in: eng) == ["quota-limit": 1])
        allocator.setQuotas([eng: nil, ops: Quota(guarantees: ["cpus": Scalar(units: 9)])])
        #expect(allocate().isEmpty)
        #expect(reasons("f", in: eng) == ["guarantees-of-others": 1])
    }

    @Test mutating func `who does not take part is said to be suppressed, disconnected or unsubscribed`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("asleep", roles: [eng], suppressed: [eng])
        allocator.addFramework("away", roles: [eng], active: false)
        allocator.charge("gone", role: eng, agent: "a", resources: try .parse("cpus:1"))
        let standings = allocator.explain(eng)?.clients.map { "\($0.framework) \($0.standing)" }
        #expect(standings == ["asleep suppressed", "away disconnected", "gone unsubscribed"])
    }

    @Test mutating func `while a role is watched its decisions are kept, with both shares`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addAgent("b", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [eng], suppressed: [eng])
        allocator.addFramework("g", roles: [ops], suppressed: [ops])
        allocator.charge("f", role: eng, agent: "a", resources: try .parse("cpus:4"))
        #expect(allocate().isEmpty)
        allocator.watch(eng, at: .zero)
        allocator.revive("f")
        allocator.revive("g")
        #expect(allocate().map(\.framework) == ["g"])
        let decision = try #require(allocator.explain(eng)?.clients.first?.decisions.first)
        guard case .refused(.notItsTurn(let comparison)) = decision.outcome else {
            Issue.record("\(decision)")
            return
        }
        #expect("\(comparison.mine) \(comparison.theirs) \(comparison.winner)" == "0.5000 0.0000 g")
        allocator.recover("g", role: ops, agent: "b", resources: try .parse("cpus:4"), filter: .seconds(60), at: .zero)
        #expect(allocate().map(\.framework) == ["f"])
        let last = try #require(allocator.explain(eng)?.clients.first?.decisions.last)
        #expect(last.outcome == .offered(try .parse("cpus:4")))
        #expect(last.example == "b")
    }

    @Test mutating func `in a large role everybody's case is looked at in turn, and no round looks at many`() throws {
        for index in 0..<40 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:4"), at: start) }
        for index in 0..<60 { allocator.addFramework(FrameworkID("f\(index)"), roles: [eng]) }
        allocator.watch(eng, at: .zero)
        var lookedAt: Set<FrameworkID> = []
        for round in 1...3 {
            let offers = allocate(at: Instant.zero.advanced(by: .seconds(round)))
            #expect(offers.count == 40)
            let decisions = (allocator.explain(eng)?.clients ?? []).flatMap(\.decisions).filter { $0.round == round }
            var refusals: [FrameworkID: Int] = [:]
            var offered = 0
            for decision in decisions {
                if case .offered = decision.outcome {
                    offered += decision.agents
                } else {
                    refusals[decision.framework, default: 0] += decision.agents
                    #expect(decision.agents <= decision.lookedAt)
                }
            }
            #expect(offered == 40, "every offer is remembered")
            #expect(refusals.values.reduce(0, +) <= 80)
            lookedAt.formUnion(refusals.keys)
            for offer in offers {
                allocator.recover(
                    offer.framework, role: eng, agent: offer.agent, resources: offer.resources, filter: .seconds(3_600),
                    at: Instant.zero.advanced(by: .seconds(round)))
            }
        }
        #expect(lookedAt.count > 50)
    }

    @Test mutating func `a large role does not crowd out a small one that is watched as well`() throws {
        for index in 0..<40 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:4"), at: start) }
        for index in 0..<300 { allocator.addFramework(FrameworkID("f\(index)"), roles: [eng]) }
        allocator.addFramework("small", roles: [ops])
        allocator.charge("small", role: ops, agent: "a0", resources: try .parse("cpus:4"))
        allocator.watch(eng, at: .zero)
        allocator.watch(ops, at: .zero)
        _ = allocate()
        let decisions = try #require(allocator.explain(ops)?.clients.first?.decisions)
        #expect(decisions.contains { if case .refused = $0.outcome { true } else { false } })
    }

    @Test mutating func `frameworks that come and go while their role is watched are followed`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [eng])
        allocator.watch(eng, at: .zero)
        for round in 1...3 {
            let now = Instant.zero.advanced(by: .seconds(2 * round))
            for offer in allocate(at: now) {
                allocator.recover(
                    offer.framework, role: eng, agent: "a", resources: offer.resources, filter: nil, at: now)
            }
            allocator.removeFramework(FrameworkID(round == 1 ? "f" : "g\(round - 1)"))
            allocator.addFramework(FrameworkID("g\(round)"), roles: [eng])
        }
        let made = allocate(at: Instant.zero.advanced(by: .seconds(9)))
        #expect(made.map(\.framework) == ["g3"])
        #expect(allocator.explain(eng)?.clients.map(\.framework) == ["g3"])
        #expect(allocator.explain(eng)?.clients.first?.decisions.count == 1)
    }

    @Test mutating func `an answer about a large cluster looks at a sample and says so`() throws {
        for index in 0..<25 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:4"), at: start) }
        for index in 0..<250 { allocator.addFramework(FrameworkID("f\(index)"), roles: [eng]) }
        let explanation = try #require(allocator.explain(eng, looksMax: 2_600))
        #expect(explanation.clients.count == 200 && explanation.omitted == 50)
        #expect(explanation.agents == 25 && explanation.agentsLookedAt == 13)
        #expect(explanation.clients.allSatisfy { $0.takeable == 13 })
    }

    @Test mutating func `who came first by something else than shares is said so`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addAgent("b", total: try .parse("cpus:4"), at: start)
        allocator.charge("g", role: ops, agent: "b", resources: try .parse("cpus:4"))
        allocator.addFramework("f", roles: [eng])
        for offer in allocate() {
            allocator.recover("f", role: eng, agent: "a", resources: offer.resources, filter: .zero, at: .zero)
        }
        allocator.addFramework("g", roles: [ops])
        allocator.watch(eng, at: .zero)
        let later = Instant.zero.advanced(by: .seconds(60))
        #expect(allocate(at: later).map(\.framework) == ["g"])
        guard
            case .refused(.notItsTurn(let comparison)) = allocator.explain(eng)?.clients.first?.decisions.last?.outcome
        else { throw Missing() }
        #expect(comparison.cause == .declinedBefore)
        #expect("\(comparison.mine) \(comparison.theirs)" == "0.0000 0.5000")
    }

    @Test mutating func `a guarantee that is not met is named as what came first`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4;mem:64"), at: start)
        allocator.addAgent("b", total: try .parse("cpus:4;mem:64"), at: start)
        allocator.charge("g", role: ops, agent: "b", resources: try .parse("cpus:4;mem:64"))
        allocator.addFramework("f", roles: [eng])
        allocator.addFramework("g", roles: [ops])
        allocator.setQuota(ops, Quota(guarantees: ["cpus": Scalar(units: 8)]))
        allocator.watch(eng, at: .zero)
        let made = allocate()
        #expect(made.first?.framework == "g" && made.first?.resources["cpus"] == Scalar(units: 4))
        let causes = (allocator.explain(eng)?.clients.first?.decisions ?? []).compactMap {
            if case .refused(.notItsTurn(let comparison)) = $0.outcome { comparison.cause } else { nil }
        }
        #expect(causes == [.guarantee])
    }

    private struct Missing: Error {}

    @Test mutating func `ten minutes after the last question nothing is kept any more`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [eng])
        allocator.watch(eng, at: .zero)
        #expect(allocate().count == 1)
        #expect(allocator.explain(eng)?.clients.first?.decisions.count == 1)
        _ = allocate(at: Instant.zero.advanced(by: .seconds(601)))
        #expect(allocator.explain(eng)?.clients.first?.decisions.isEmpty == true)
    }

    @Test mutating func `a role has a place among the siblings that want something`() throws {
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.charge("f", role: eng, agent: "a", resources: try .parse("cpus:3"))
        allocator.charge("g", role: ops, agent: "a", resources: try .parse("cpus:1"))
        allocator.addFramework("f", roles: [eng])
        allocator.addFramework("g", roles: [ops])
        #expect(allocator.explain(eng)?.place == 2)
        #expect(allocator.explain(ops)?.place == 1)
        #expect(allocator.explain(eng)?.siblings == 2)
        #expect(allocator.explain(eng)?.share.description == "0.7500")
    }
}

@Suite struct `A preview of weights` {
    @Test func `shows what would follow and changes nothing`() throws {
        var allocator = Allocator()
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        for index in 0..<40 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:1;mem:64"), at: start) }
        let (eng, ops) = (try RoleName("eng"), try RoleName("ops"))
        allocator.addFramework("f", roles: [eng])
        allocator.addFramework("g", roles: [ops])
        #expect(allocator.audited(at: .zero, seed: 1).count == 40)
        let before = allocator.snapshot
        let preview = allocator.preview(weights: [eng: try #require(Weight(3))])
        #expect(allocator.snapshot == before)
        #expect(preview.rows.map(\.role) == [eng, ops])
        #expect(preview.rows.map(\.share.approximation) == [0.5, 0.5])
        #expect(preview.rows.map(\.entitled.approximation) == [0.5, 0.5])
        #expect(preview.rows.map(\.newlyEntitled.approximation) == [0.75, 0.25])
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
    }
}
