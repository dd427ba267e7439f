// Which agents a framework is offered at all: constraints, minimums, regions, the whitelist; and who is drawn by lot.

import Allocator
import Resources
import Testing

@Suite struct `What a framework is offered` {
    let role: RoleName
    let other: RoleName
    let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))

    init() throws {
        role = try RoleName("x")
        other = try RoleName("y")
    }

    private func constraints(_ selector: AttributeConstraint.Selector, _ predicate: AttributeConstraint.Predicate)
        throws
        -> OfferConstraints
    {
        try OfferConstraints(groups: [.init([AttributeConstraint(selector, predicate)])])
    }

    private func offered(_ allocator: inout Allocator, at now: Instant = .zero) -> [Allocation] {
        let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: 0)
        #expect(violations.isEmpty)
        return made
    }

    @Test func `each predicate decides as documented on text, other kinds and absence`() throws {
        let rack = AgentTraits.Attribute(name: "rack", text: "r1")
        let size = AgentTraits.Attribute(name: "rack", text: "7", isText: false)
        let pattern = TextPattern("r.") { $0.count == 2 && $0.first == "r" }
        let cases: [(AttributeConstraint.Predicate, text: Bool, scalar: Bool, absent: Bool)] = [
            (.exists, true, true, false), (.notExists, false, false, true),
            (.textEquals("r1"), true, true, false), (.textEquals("r2"), false, true, false),
            (.textNotEquals("r1"), false, true, true), (.textNotEquals("r2"), true, true, true),
            (.textMatches(pattern), true, true, false), (.textNotMatches(pattern), false, true, true),
        ]
        for (predicate, text, scalar, absent) in cases {
            let wanted = try constraints(.attribute("rack"), predicate)
            #expect(wanted.admit(AgentTraits(attributes: [rack, size])) == text, "\(predicate)")
            #expect(wanted.admit(AgentTraits(attributes: [size, rack])) == scalar, "\(predicate)")
            #expect(wanted.admit(AgentTraits(attributes: [])) == absent, "\(predicate)")
        }
        #expect(try constraints(.hostname, .textEquals("h")).admit(AgentTraits(hostname: "h")))
        #expect(try constraints(.region, .notExists).admit(AgentTraits(zone: "z")))
        #expect(try constraints(.zone, .textEquals("z")).admit(AgentTraits(zone: "z")))
    }

    @Test func `one group whose constraints all hold is enough`() throws {
        let rack = AttributeConstraint(.attribute("rack"), .exists)
        let host = AttributeConstraint(.hostname, .textEquals("h"))
        let wanted = try OfferConstraints(groups: [.init([rack, host]), .init([AttributeConstraint(.zone, .exists)])])
        #expect(!wanted.admit(AgentTraits(hostname: "h")))
        #expect(wanted.admit(AgentTraits(hostname: "h", attributes: [.init(name: "rack", text: "1")])))
        #expect(wanted.admit(AgentTraits(zone: "z")))
    }

    @Test func `empty or endless constraints are refused`() {
        let one = AttributeConstraint(.hostname, .exists)
        #expect(throws: OfferConstraintsError.noGroups) { try OfferConstraints(groups: []) }
        #expect(throws: OfferConstraintsError.emptyGroup) { try OfferConstraints(groups: [.init([one]), .init([])]) }
        #expect(throws: OfferConstraintsError.tooMany(count: 1_001, max: 1_000)) {
            try OfferConstraints(groups: [.init(Array(repeating: one, count: 1_001))])
        }
    }

    @Test func `constraints count for their role only and follow the agent's attributes`() throws {
        var allocator = Allocator()
        let total = try Resources.parse("cpus:4;mem:64")
        allocator.addAgent("a", total: total, traits: AgentTraits(hostname: "h1"), at: start)
        allocator.addFramework(
            "f", roles: [role, other], constraints: [role: try constraints(.attribute("ssd"), .exists)])
        #expect(offered(&allocator).map(\.role) == [other])
        allocator.recover("f", role: other, agent: "a", resources: total, filter: .seconds(60), at: .zero)
        #expect(offered(&allocator).isEmpty)
        let ssd = AgentTraits(hostname: "h1", attributes: [.init(name: "ssd", text: "yes")])
        allocator.suppress("f", roles: [other])
        allocator.updateAgent("a", total: total, traits: ssd)
        #expect(offered(&allocator).map(\.role) == [role])
        #expect(allocator.nextFilterExpiry == nil)
        allocator.updateFramework(
            "f", roles: [role], constraints: [role: try constraints(.hostname, .textEquals("h2"))])
        allocator.recover("f", role: role, agent: "a", resources: total, filter: nil, at: .zero)
        #expect(offered(&allocator).isEmpty)
        allocator.updateFramework("f", roles: [role])
        #expect(offered(&allocator).count == 1)
    }

    @Test func `an agent that takes over a slot is judged by its own attributes`() throws {
        var allocator = Allocator()
        let total = try Resources.parse("cpus:4;mem:64")
        allocator.addFramework("f", roles: [role], constraints: [role: try constraints(.hostname, .textEquals("h2"))])
        allocator.addAgent("a", total: total, traits: AgentTraits(hostname: "h1"), at: start)
        #expect(offered(&allocator).isEmpty)
        allocator.removeAgent("a")
        allocator.addAgent("b", total: total, traits: AgentTraits(hostname: "h2"), at: start)
        #expect(offered(&allocator).map(\.agent) == ["b"])
    }

    @Test func `a framework may ask for more or less than the usual minimum, role by role`() throws {
        var allocator = Allocator()
        allocator.addAgent("small", total: try .parse("disk:10"), at: start)
        allocator.addAgent("large", total: try .parse("cpus:4;mem:64"), at: start)
        allocator.addFramework(
            "f", roles: [role], minAllocatable: [role: [try .parse("cpus:8"), try .parse("mem:100")]])
        #expect(offered(&allocator).isEmpty)
        allocator.updateFramework("f", roles: [role], minAllocatable: [role: []])
        #expect(offered(&allocator).map(\.agent).sorted() == ["large", "small"])
    }

    @Test func `agents in another region are for those who say they can use them`() throws {
        var allocator = Allocator(settings: AllocatorSettings(region: "here"))
        let total = try Resources.parse("cpus:4;mem:64")
        for region in ["here", "there", nil] {
            let traits = AgentTraits(hostname: "h", region: region)
            allocator.addAgent(AgentID(region ?? "nowhere"), total: total, traits: traits, at: start)
        }
        allocator.addFramework("f", roles: [role])
        #expect(offered(&allocator).map(\.agent).sorted() == ["here", "nowhere"])
        allocator.updateFramework("f", roles: [role], canUseOtherRegions: true)
        #expect(offered(&allocator).map(\.agent) == ["there"])
    }

    @Test func `a whitelist leaves out every other host until it is lifted`() throws {
        var allocator = Allocator()
        let total = try Resources.parse("cpus:4;mem:64")
        allocator.addAgent("a", total: total, traits: AgentTraits(hostname: "h1"), at: start)
        allocator.setWhitelist(["h2"])
        allocator.addAgent("b", total: total, traits: AgentTraits(hostname: "h2"), at: start)
        allocator.addAgent("c", total: total, traits: AgentTraits(hostname: "h3"), at: start)
        allocator.addFramework("f", roles: [role])
        #expect(offered(&allocator).map(\.agent) == ["b"])
        allocator.setWhitelist(["h3"])
        #expect(offered(&allocator).map(\.agent) == ["c"])
        allocator.setWhitelist(nil)
        #expect(offered(&allocator).map(\.agent) == ["a"])
    }

    @Test func `by lot a role of weight three comes first three times as often`() throws {
        var allocator = Allocator(settings: AllocatorSettings(roleSorter: .random))
        for index in 0..<4_000 {
            allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:1;mem:64"), at: start)
        }
        allocator.addFramework("f", roles: [role])
        allocator.addFramework("g", roles: [other])
        allocator.setWeight(other, try #require(Weight(3)))
        let made = allocator.audited(at: .zero, seed: 5)
        let ofOther = made.count { $0.role == other }
        #expect(made.count == 4_000)
        #expect((2_900...3_100).contains(ofOther), "\(ofOther) of 4,000")
    }

    @Test func `frameworks drawn by lot share a role about evenly, and the same seed draws the same`() throws {
        func made(_ seed: UInt64) throws -> [Allocation] {
            var allocator = Allocator(settings: AllocatorSettings(frameworkSorter: .random))
            for index in 0..<1_000 {
                allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:1;mem:64"), at: start)
            }
            for name in ["f", "g", "h", "i"] { allocator.addFramework(FrameworkID(name), roles: [role]) }
            return allocator.audited(at: .zero, seed: seed)
        }
        let first = try made(1)
        #expect(try made(1) == first)
        #expect(try made(2) != first)
        for name in ["f", "g", "h", "i"] {
            let count = first.count { $0.framework.value == name }
            #expect((190...310).contains(count), "\(name) got \(count)")
        }
    }
}
