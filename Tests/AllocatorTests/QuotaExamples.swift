// What quotas promise, one conversation each.

import Allocator
import Resources
import Testing

@Suite struct `Quotas` {
    let eng: RoleName
    let ci: RoleName
    let ops: RoleName
    let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
    var allocator = Allocator()

    init() throws {
        eng = try RoleName("eng")
        ci = try RoleName("eng/ci")
        ops = try RoleName("ops")
    }

    private func scalars(_ text: String) throws -> [String: Scalar] {
        try Resources.parse(text).scalars.reduce(into: [:]) { $0[$1.name] = $1.value }
    }

    private mutating func addAgents(_ count: Int, _ text: String) throws {
        for index in 0..<count { allocator.addAgent(AgentID("a\(index)"), total: try .parse(text), at: start) }
    }

    private mutating func allocated(seed: UInt64 = 0) -> [Allocation] {
        let (made, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: seed)
        #expect(violations.isEmpty)
        return made
    }

    private func sum(_ made: [Allocation], _ framework: FrameworkID) -> Resources {
        made.filter { $0.framework == framework }.reduce(into: Resources()) { $0 += $1.resources }
    }

    @Test mutating func `a limit caps what a role's whole subtree is offered and leaves ports alone`() throws {
        try addAgents(3, "cpus:4;mem:100;ports:[1-9]")
        allocator.setQuota(eng, Quota(limits: try scalars("cpus:5")))
        allocator.addFramework("f", roles: [eng])
        allocator.addFramework("g", roles: [ci])
        let made = allocated()
        #expect(made.reduce(Scalar.zero) { $0 + $1.resources["cpus"] } == Scalar(units: 5))
        #expect(made.reduce(Scalar.zero) { $0 + $1.resources["mem"] } == Scalar(units: 300))
        #expect(made.allSatisfy { $0.resources.ports.count == 9 })
    }

    @Test mutating func `a limit of zero gives nothing of a resource`() throws {
        try addAgents(1, "cpus:4;mem:100")
        allocator.setQuota(eng, Quota(limits: ["cpus": .zero]))
        allocator.addFramework("f", roles: [eng])
        #expect(allocated().map(\.resources.description) == ["mem:100"])
    }

    @Test mutating func `what a role gives back under its limit is offered again from any agent`() throws {
        try addAgents(2, "cpus:4;mem:100")
        allocator.setQuota(eng, Quota(limits: try scalars("cpus:4;mem:100")))
        allocator.addFramework("f", roles: [eng])
        let first = try #require(allocated().first)
        #expect(allocated().isEmpty)
        allocator.setAgentActive(first.agent, false)
        allocator.recover("f", role: eng, agent: first.agent, resources: first.resources, filter: nil, at: .zero)
        let second = allocated()
        #expect(second.map(\.resources) == [first.resources])
        #expect(second.first?.agent != first.agent)
    }

    @Test mutating func `a guarantee is kept free for a role that has nobody yet`() throws {
        try addAgents(4, "cpus:4;mem:100")
        allocator.setQuota(eng, Quota(guarantees: try scalars("cpus:6")))
        allocator.addFramework("g", roles: [ops])
        let before = allocated()
        #expect(sum(before, "g").description == "cpus:10;mem:400")
        allocator.addFramework("f", roles: [eng])
        #expect(sum(allocated(), "f").description == "cpus:6")
    }

    @Test mutating func `those below their guarantee are served before those with a smaller share`() throws {
        try addAgents(4, "cpus:4;mem:100")
        allocator.addFramework("f", roles: [eng])
        allocator.addFramework("g", roles: [ops])
        allocator.setQuota(eng, Quota(guarantees: try scalars("cpus:8")))
        let made = allocated()
        #expect(made.map(\.framework) == ["f", "f", "g", "g"])
    }

    @Test mutating func `a guarantee beyond the cluster does not stop the others from using what is not guaranteed`()
        throws
    {
        try addAgents(2, "cpus:4;mem:100;disk:50")
        allocator.setQuota(eng, Quota(guarantees: try scalars("cpus:100")))
        allocator.addFramework("g", roles: [ops])
        #expect(sum(allocated(), "g").description == "mem:200;disk:100")
    }

    @Test mutating func `reservations count as consumed, used or not, and only once`() throws {
        allocator.addAgent("a0", total: try .parse("cpus:4;cpus(eng):2;cpus(eng/ci):1;mem:64"), at: start)
        allocator.setQuota(eng, Quota(guarantees: try scalars("cpus:3"), limits: try scalars("cpus:4")))
        #expect(allocator.quotaConsumption(of: eng) == (try scalars("cpus:3")))
        allocator.addFramework("f", roles: [ci])
        #expect(sum(allocated(), "f").description == "cpus:1;cpus(eng):2;cpus(eng/ci):1;mem:64")
        #expect(allocator.quotaConsumption(of: eng) == (try scalars("cpus:4;mem:64")))
        #expect(allocator.quotaConsumptions()[eng] == (try scalars("cpus:4;mem:64")))
        #expect(allocator.quotaConsumptions()[ci] == (try scalars("cpus:2;mem:64")))
    }

    @Test mutating func `without a quota consumption can be asked for all the same`() throws {
        try addAgents(1, "cpus:4;mem:64;cpus(ops):1;licenses:3")
        allocator.addFramework("f", roles: [eng])
        _ = allocated()
        #expect(allocator.quotaConsumption(of: eng) == (try scalars("cpus:4;mem:64;licenses:3")))
        #expect(allocator.quotaConsumption(of: ops) == (try scalars("cpus:1")))
        #expect(allocator.quotaConsumption(of: .any).isEmpty)
    }

    @Test mutating func `setting the default removes a quota and filters stay`() throws {
        try addAgents(1, "cpus:4;mem:64")
        allocator.setQuota(eng, Quota(limits: try scalars("cpus:1")))
        allocator.addFramework("f", roles: [eng])
        let offer = try #require(allocated().first)
        allocator.recover("f", role: eng, agent: "a0", resources: offer.resources, filter: .seconds(60), at: .zero)
        allocator.setWeight(eng, try #require(Weight(3)))
        #expect(allocated().isEmpty)
        allocator.setQuota(eng, Quota(guarantees: ["cpus": .zero]))
        #expect(allocator.allQuotas.isEmpty)
        #expect(allocator.snapshot.filters.count == 1)
        // What was refused was one CPU; the whole agent is another matter.
        #expect(allocated().map(\.resources.description) == ["cpus:4;mem:64"])
    }

    @Test mutating func `an indivisible disk goes whole or not at all`() throws {
        let mount = DiskIdentity(persistenceID: nil, encoded: [1], isIndivisible: true)
        let small = DiskIdentity(persistenceID: nil, encoded: [2], isIndivisible: true)
        let total = Resources(entries: [
            ResourceEntry(name: "cpus", value: .scalar(Scalar(units: 1))),
            ResourceEntry(name: "disk", value: .scalar(Scalar(units: 10))),
            ResourceEntry(name: "disk", value: .scalar(Scalar(units: 100)), disk: mount),
            ResourceEntry(name: "disk", value: .scalar(Scalar(units: 20)), disk: small),
        ])
        for (limit, expected) in [(5, 5), (29, 10), (30, 30), (129, 30), (130, 130)] {
            var allocator = Allocator()
            allocator.addAgent("a", total: total, at: start)
            allocator.setQuota(eng, Quota(limits: ["disk": Scalar(units: limit)]))
            allocator.addFramework("f", roles: [eng])
            let (made, violations) = AllocationAudit.allocate(&allocator, at: .zero, seed: 0)
            #expect(violations.isEmpty)
            #expect(made.map { $0.resources["disk"] } == [Scalar(units: expected)], "limit \(limit)")
        }
    }

    @Test mutating func `while paused nothing is allocated and afterwards everything is`() throws {
        try addAgents(2, "cpus:4;mem:64")
        allocator.addFramework("f", roles: [eng])
        allocator.pause()
        #expect(allocated().isEmpty)
        allocator.resume()
        #expect(allocated().count == 2)
    }
}

@Suite struct `Converted resources` {
    let eng: RoleName
    let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
    var allocator = Allocator()

    init() throws {
        eng = try RoleName("eng")
        allocator.addAgent("a", total: try .parse("cpus:4;mem:64"), at: start)
        allocator.setQuota(eng, Quota(limits: ["cpus": Scalar(units: 8)]))
    }

    @Test mutating func `stay with the framework that reserved them and count once`() throws {
        allocator.addFramework("f", roles: [eng])
        #expect(allocator.audited(at: .zero, seed: 0).count == 1)
        let isDone = allocator.convert(
            "f", role: eng, agent: "a", from: try .parse("cpus:2"), to: try .parse("cpus(eng):2"))
        #expect(isDone)
        #expect(allocator.held(by: "f", in: eng, on: "a").description == "cpus:2;cpus(eng):2;mem:64")
        #expect(allocator.free(on: "a")?.isEmpty == true)
        #expect(allocator.quotaConsumption(of: eng)["cpus"] == Scalar(units: 4))
        allocator.recover(
            "f", role: eng, agent: "a", resources: try .parse("cpus:2;cpus(eng):2;mem:64"), filter: nil, at: .zero)
        #expect(allocator.quotaConsumption(of: eng) == ["cpus": Scalar(units: 2)])
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
    }

    @Test mutating func `must be held, or free`() throws {
        let (cpu, reserved) = (try Resources.parse("cpus:3"), try Resources.parse("cpus(eng):3"))
        let heldByNobody = allocator.convert("f", role: eng, agent: "a", from: cpu, to: reserved)
        let first = allocator.convertFree(agent: "a", from: cpu, to: reserved)
        let second = allocator.convertFree(agent: "a", from: cpu, to: reserved)
        let elsewhere = allocator.convertFree(agent: "b", from: cpu, to: reserved)
        #expect([heldByNobody, first, second, elsewhere] == [false, true, false, false])
        #expect(allocator.free(on: "a")?.description == "cpus:1;cpus(eng):3;mem:64")
        #expect(allocator.quotaConsumption(of: eng)["cpus"] == Scalar(units: 3))
        let back = allocator.convertFree(agent: "a", from: reserved, to: cpu)
        #expect(back)
        #expect(allocator.quotaConsumption(of: eng).isEmpty)
        #expect(AllocationAudit.bookkeepingViolations(of: allocator).isEmpty)
    }
}
