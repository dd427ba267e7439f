// The auditor must object to allocations that break a rule; an auditor that never objects proves nothing.

import Allocator
import Resources
import Testing

@Suite struct `The auditor objects` {
    let eng: RoleName
    let ops: RoleName
    var before: Allocator

    init() throws {
        eng = try RoleName("eng")
        ops = try RoleName("ops")
        before = Allocator()
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        before.addAgent("a", total: try .parse("cpus:4;mem:64;cpus(ops):2"), at: start)
        before.addAgent("off", total: try .parse("cpus:4"), at: start)
        before.setAgentActive("off", false)
        before.addAgent("gpu", total: try .parse("cpus:4;gpus:1"), at: start)
        before.addFramework("f", roles: [eng])
        before.addFramework("g", roles: [ops], suppressed: [ops])
    }

    /// Whether the auditor finds what `matches` in a single allocation.
    private func objects(
        to framework: FrameworkID, _ role: RoleName, _ agent: AgentID, _ text: String, in before: Allocator? = nil,
        _ matches: (AllocationViolation) -> Bool
    ) throws -> Bool {
        let made = Allocation(framework: framework, role: role, agent: agent, resources: try .parse(text))
        let start = before ?? self.before
        return AllocationAudit.violations(before: start, allocations: [made], after: start, at: .zero).contains(
            where: matches)
    }

    @Test func `to nothing in a real allocation`() {
        var allocator = before
        #expect(AllocationAudit.allocate(&allocator, at: .zero, seed: 0).violations.isEmpty)
    }

    @Test func `to more than is free`() throws {
        #expect(try objects(to: "f", eng, "a", "cpus:5") { if case .overAllocated = $0 { true } else { false } })
    }

    @Test func `to another role's reservation`() throws {
        #expect(
            try objects(to: "f", eng, "a", "cpus(ops):2;cpus:4;mem:64") {
                if case .notEntitled = $0 { true } else { false }
            })
    }

    @Test func `to a part of what could be had`() throws {
        #expect(try objects(to: "f", eng, "a", "cpus:3;mem:64") { if case .notWhole = $0 { true } else { false } })
    }

    @Test func `to crumbs`() throws {
        #expect(try objects(to: "f", eng, "a", "mem:1") { if case .belowMinimum = $0 { true } else { false } })
    }

    @Test func `to a suppressed, unknown or inactive party`() throws {
        #expect(try objects(to: "g", ops, "a", "cpus:4;mem:64") { if case .notHungry = $0 { true } else { false } })
        #expect(try objects(to: "nobody", ops, "a", "cpus:4") { if case .notHungry = $0 { true } else { false } })
        #expect(try objects(to: "f", eng, "none", "cpus:4") { if case .unknownAgent = $0 { true } else { false } })
        #expect(try objects(to: "f", eng, "off", "cpus:4") { if case .inactiveAgent = $0 { true } else { false } })
    }

    @Test func `to an agent with GPUs for a framework that cannot use them`() throws {
        #expect(
            try objects(to: "f", eng, "gpu", "cpus:4;gpus:1") { if case .agentHasGPUs = $0 { true } else { false } })
    }

    @Test func `to what was declined`() throws {
        var declined = before
        let offers = declined.allocate(at: .zero, seed: 0)
        for offer in offers {
            declined.recover(
                "f", role: eng, agent: offer.agent, resources: offer.resources, filter: .seconds(5), at: .zero)
        }
        #expect(
            try objects(to: "f", eng, "a", "cpus:4;mem:64", in: declined) {
                if case .filtered = $0 { true } else { false }
            })
    }

    @Test func `to more than a limit leaves`() throws {
        var limited = before
        limited.setQuota(eng, Quota(limits: ["cpus": Scalar(units: 3)]))
        #expect(
            try objects(to: "f", eng, "a", "cpus:4;mem:64", in: limited) {
                if case .overLimit(_, of: "cpus") = $0 { true } else { false }
            })
        #expect(
            try !objects(to: "f", eng, "a", "cpus:3;mem:64", in: limited) {
                if case .overLimit = $0 { true } else if case .notWhole = $0 { true } else { false }
            })
    }

    @Test func `to what others are guaranteed`() throws {
        var guaranteed = before
        guaranteed.setQuota(ops, Quota(guarantees: ["cpus": Scalar(units: 8)]))
        // Reserved to ops are 2 CPUs; of the 8 that are free for all, 6 must stay.
        #expect(
            try objects(to: "f", eng, "a", "cpus:3;mem:64", in: guaranteed) {
                if case .headroomTaken(_, of: "cpus") = $0 { true } else { false }
            })
    }

    @Test func `to serving somebody before those below their guarantee`() throws {
        var guaranteed = before
        guaranteed.addFramework("g", roles: [ops])
        guaranteed.setQuota(ops, Quota(guarantees: ["mem": Scalar(units: 10)]))
        #expect(
            try objects(to: "f", eng, "a", "cpus:4;mem:54", in: guaranteed) {
                if case .guaranteePassedOver(_, for: "g in ops") = $0 { true } else { false }
            })
    }

    @Test func `to an agent that constraints or its region exclude, and to anything while paused`() throws {
        var strict = Allocator(settings: AllocatorSettings(region: "here"))
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        let there = AgentTraits(hostname: "h1", region: "there")
        strict.addAgent("a", total: try .parse("cpus:4"), traits: there, at: start)
        let wanted = AttributeConstraint(.hostname, .textEquals("h2"))
        strict.addFramework("f", roles: [eng], constraints: [eng: try OfferConstraints(groups: [.init([wanted])])])
        strict.pause()
        #expect(
            try objects(to: "f", eng, "a", "cpus:4", in: strict) { if case .otherRegion = $0 { true } else { false } })
        #expect(
            try objects(to: "f", eng, "a", "cpus:4", in: strict) {
                if case .againstConstraints = $0 { true } else { false }
            })
        #expect(try objects(to: "f", eng, "a", "cpus:4", in: strict) { $0 == .whilePaused })
    }

    @Test func `to an allocation out of turn`() throws {
        var two = before
        two.revive("g")
        // Both hold nothing and were served equally often: the lower name, eng, is first.
        #expect(
            try objects(to: "g", ops, "a", "cpus:4;cpus(ops):2;mem:64", in: two) {
                if case .outOfTurn = $0 { true } else { false }
            })
    }

    @Test func `to resources that stay idle though somebody would take them`() {
        let found = AllocationAudit.violations(before: before, allocations: [], after: before, at: .zero)
        #expect(found.count == 1)
        #expect(found.first.map { if case .leftOver(agent: "a", _, _) = $0 { true } else { false } } == true)
    }

    @Test func `to sums that differ`() {
        var after = before
        let made = after.allocate(at: .zero, seed: 0)
        let found = AllocationAudit.violations(before: before, allocations: made, after: before, at: .zero)
        #expect(found.contains { if case .sumsDiffer = $0 { true } else { false } })
    }
}
