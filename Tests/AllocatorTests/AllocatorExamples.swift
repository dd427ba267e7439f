// The allocator's promises, one conversation each, where a script would hide the point.

import Allocator
import Resources
import Testing

@Suite struct `The allocator` {
    let role: RoleName
    let other: RoleName
    let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))

    init() throws {
        role = try RoleName("x")
        other = try RoleName("y")
    }

    @Test func `ten thousand tiny tasks leave its sums exactly as they were`() throws {
        var allocator = Allocator()
        let total = try Resources.parse("cpus:16;mem:20000;ports:[31000-32000]")
        allocator.addAgent("a", total: total, at: start)
        allocator.addFramework("f", roles: [role])
        let task = try Resources.parse("cpus:0.001;mem:1")
        #expect(allocator.audited(at: .zero, seed: 0).map(\.resources) == [total])
        for _ in 0..<10_000 {
            allocator.recover("f", role: role, agent: "a", resources: task, filter: nil, at: .zero)
        }
        #expect(allocator.free(on: "a")?.description == "cpus:10;mem:10000")
        allocator.recover(
            "f", role: role, agent: "a", resources: try .parse("cpus:6;mem:10000;ports:[31000-32000]"), filter: nil,
            at: .zero)
        #expect(allocator.free(on: "a") == total)
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
        #expect(allocator.audited(at: .zero, seed: 0).map(\.resources) == [total])
    }

    @Test func `the same seed visits agents in the same order and another seed in another`() throws {
        let agents = (0..<20).map { AgentID("a\($0)") }
        func order(_ seed: UInt64, adding agents: [AgentID]) throws -> [AgentID] {
            var allocator = Allocator()
            for agent in agents { allocator.addAgent(agent, total: try .parse("cpus:1"), at: start) }
            allocator.addFramework("f", roles: [role])
            return allocator.audited(at: .zero, seed: seed).map(\.agent)
        }
        #expect(try order(7, adding: agents) == order(7, adding: agents.reversed()))
        #expect(try order(7, adding: agents) != order(8, adding: agents))
        #expect(try order(7, adding: agents).sorted() == agents.sorted())
    }

    @Test func `nothing changed means nothing to allocate`() throws {
        var allocator = Allocator()
        for index in 0..<10 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:1"), at: start) }
        allocator.addFramework("f", roles: [role])
        #expect(allocator.audited(at: .zero, seed: 0).count == 10)
        #expect(allocator.audited(at: .zero, seed: 1).isEmpty)
        #expect(allocator.nextFilterExpiry == nil)
    }

    @Test func `unknown ids are ignored`() throws {
        var allocator = Allocator()
        let cpu = try Resources.parse("cpus:1")
        allocator.removeAgent("a")
        allocator.updateAgent("a", total: cpu)
        allocator.setAgentActive("a", false)
        allocator.removeFramework("f")
        allocator.activateFramework("f")
        allocator.deactivateFramework("f")
        allocator.suppress("f")
        allocator.revive("f", roles: [role])
        allocator.charge("f", role: role, agent: "a", resources: cpu)
        allocator.recover("f", role: role, agent: "a", resources: cpu, filter: .seconds(1), at: .zero)
        #expect(allocator.audited(at: .zero, seed: 0).isEmpty)
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
    }

    @Test func `an agent that reports one port twice stops nobody`() throws {
        var allocator = Allocator()
        allocator.addAgent("a", total: try .parse("cpus:4;ports:[1-9]"), at: start)
        let claims = [("f", "cpus:1;ports:[1-3]"), ("g", "cpus:1;ports:[3-5]"), ("f", "ports:[2-3]")]
        for (framework, text) in claims {
            allocator.charge(FrameworkID(framework), role: role, agent: "a", resources: try .parse(text))
        }
        allocator.recover(
            "f", role: role, agent: "a", resources: try .parse("cpus:1;ports:[1-3]"), filter: nil, at: .zero)
        #expect(allocator.free(on: "a")?.ports.description == "[1-2, 6-9]")
        allocator.recover("f", role: role, agent: "a", resources: try .parse("ports:[2-3]"), filter: nil, at: .zero)
        allocator.recover(
            "g", role: role, agent: "a", resources: try .parse("cpus:1;ports:[3-5]"), filter: nil, at: .zero)
        #expect(allocator.free(on: "a")?.description == "cpus:4;ports:[1-9]")
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
    }

    @Test func `a role given up gets no more but what it holds still counts until it is back`() throws {
        var allocator = Allocator()
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [role])
        #expect(allocator.audited(at: .zero, seed: 0).count == 1)
        allocator.updateFramework("f", roles: [other])
        #expect(allocator.held(by: "f", in: role, on: "a").description == "cpus:4")
        allocator.recover("f", role: role, agent: "a", resources: try .parse("cpus:4"), filter: .seconds(9), at: .zero)
        #expect(allocator.nextFilterExpiry == nil)
        #expect(allocator.audited(at: .zero, seed: 0).map(\.role) == [other])
    }

    @Test func `declining the same again and again keeps one filter`() throws {
        var allocator = Allocator()
        allocator.addAgent("a", total: try .parse("cpus:4"), at: start)
        allocator.addFramework("f", roles: [role])
        var now = Instant.zero
        for _ in 0..<50 {
            for offer in allocator.audited(at: now, seed: 0) {
                allocator.recover(
                    "f", role: role, agent: "a", resources: offer.resources, filter: .seconds(5), at: now)
            }
            #expect(allocator.snapshot.filters.count == 1)
            now = now.advanced(by: .seconds(5))
        }
    }

    @Test func `a larger weight is served in proportion over many small agents`() throws {
        var allocator = Allocator()
        for index in 0..<300 { allocator.addAgent(AgentID("a\(index)"), total: try .parse("cpus:1;mem:64"), at: start) }
        allocator.addFramework("f", roles: [role])
        allocator.addFramework("g", roles: [other])
        allocator.setWeight(other, try #require(Weight(2)))
        let (offers, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: 3)
        #expect(violations.isEmpty)
        #expect(offers.filter { $0.role == role }.count == 100)
        #expect(offers.filter { $0.role == other }.count == 200)
    }

    @Test func `what fairness leaves out does not count`() throws {
        var allocator = Allocator(settings: AllocatorSettings(fairSharingExcluded: ["gpus"]))
        allocator.addAgent("a", total: try .parse("cpus:8;gpus:1"), at: start)
        allocator.charge("f", role: role, agent: "a", resources: try .parse("gpus:1"))
        allocator.charge("g", role: other, agent: "a", resources: try .parse("cpus:1"))
        allocator.addFramework("f", roles: [role], canUseGPUs: true)
        allocator.addFramework("g", roles: [other], canUseGPUs: true)
        let (offers, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: 0)
        #expect(offers.map(\.framework) == ["f"])
        #expect(violations.isEmpty)
    }

    @Test func `whose filter ended while somebody else looked at the agent is offered it after that`() throws {
        var allocator = Allocator()
        // What is reserved for x is left whoever of y takes the rest, so that the agent is never without anything.
        allocator.addAgent("a", total: try .parse("cpus:4;mem:64;cpus(x):2"), at: start)
        for name in ["f", "g"] { allocator.addFramework(FrameworkID(name), roles: [other]) }
        let part = try Resources.parse("cpus:4;mem:64")
        func offered(at second: Int) -> [FrameworkID] {
            let now = Instant.zero.advanced(by: .seconds(second))
            let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: 0)
            #expect(violations.isEmpty)
            return made.map(\.framework)
        }
        func decline(_ framework: FrameworkID, at second: Int, for life: Duration) {
            let now = Instant.zero.advanced(by: .seconds(second))
            allocator.recover(framework, role: other, agent: "a", resources: part, filter: life, at: now)
        }
        #expect(offered(at: 0) == ["f"])
        decline("f", at: 0, for: .seconds(2))
        #expect(offered(at: 0) == ["g"])
        decline("g", at: 0, for: .seconds(3))
        #expect(offered(at: 0).isEmpty)
        #expect(offered(at: 2) == ["f"])
        #expect(offered(at: 3).isEmpty)
        decline("f", at: 4, for: .seconds(60))
        #expect(offered(at: 4) == ["g"])
    }

    @Test func `a share is of what the cluster has now, also if nobody competed when that changed`() throws {
        var allocator = Allocator()
        allocator.addAgent("a", total: try .parse("cpus:8"), at: start)
        allocator.charge("f", role: role, agent: "a", resources: try .parse("cpus:8"))
        allocator.addFramework("f", roles: [role])
        #expect(allocator.audited(at: .zero, seed: 0).isEmpty)
        // f's half becomes a tenth of the cluster's CPUs; g has two tenths.
        allocator.addAgent("b", total: try .parse("cpus:72;mem:64"), at: start)
        allocator.setAgentActive("b", false)
        #expect(allocator.audited(at: .zero, seed: 0).isEmpty)
        allocator.setAgentActive("b", true)
        allocator.charge("g", role: other, agent: "b", resources: try .parse("cpus:16"))
        allocator.addFramework("g", roles: [other])
        let (offers, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: 0)
        #expect(offers.map(\.framework) == ["f"])
        #expect(violations.isEmpty)
    }

    @Test func `custom scalars and ports count towards the dominant share`() throws {
        for text in ["licenses:2", "ports:[1-2]"] {
            var allocator = Allocator()
            allocator.addAgent("a", total: try .parse("cpus:8;licenses:4;ports:[1-4]"), at: start)
            allocator.charge("f", role: role, agent: "a", resources: try .parse(text))
            allocator.charge("g", role: other, agent: "a", resources: try .parse("cpus:1"))
            allocator.addFramework("f", roles: [role])
            allocator.addFramework("g", roles: [other])
            #expect(allocator.audited(at: .zero, seed: 0).map(\.framework) == ["g"], "\(text)")
        }
    }

    @Test func `stacked reservations and shared volumes are kept from those who cannot read them`() throws {
        let stack = [Reservation(kind: .static, role: role), Reservation(kind: .dynamic, role: try RoleName("x/z"))]
        let cpu = ResourceValue.scalar(Scalar(units: 1))
        let total = Resources(entries: [
            ResourceEntry(name: "cpus", value: cpu),
            ResourceEntry(name: "cpus", value: cpu, reservations: stack),
            ResourceEntry(name: "disk", value: cpu, isShared: true),
        ])
        func offered(refinements: Bool, shared: Bool) throws -> String {
            var allocator = Allocator()
            allocator.addAgent("a", total: total, at: start)
            allocator.addFramework(
                "f", roles: [try RoleName("x/z")], canUseShared: shared, canUseRefinements: refinements)
            let (offers, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: 0)
            #expect(violations.isEmpty)
            return offers.map(\.resources.description).joined(separator: " ")
        }
        #expect(try offered(refinements: false, shared: false) == "cpus:1")
        #expect(try offered(refinements: true, shared: false) == "cpus:1;cpus(x>x/z,dynamic):1")
        #expect(try offered(refinements: false, shared: true) == "cpus:1;disk{shared}:1")
    }
}

@Suite struct `Weights` {
    @Test(arguments: [0, -1, .nan, .infinity, 1e-7, 1e10] as [Double])
    func `what is no weight is refused`(value: Double) {
        #expect(Weight(value) == nil)
    }

    @Test func `a weight is kept in millionths`() {
        #expect(Weight(2.5)?.micro == 2_500_000)
        #expect(Weight(1) == .one)
        #expect(Weight(0.000001)?.micro == 1)
    }
}
