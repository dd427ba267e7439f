// Nobody starves: the bound, over random clusters in which everybody else does what it can to be in the way.

import Allocator
import Resources
import SimKit
import Testing

@Suite struct `Nobody starves` {
    /// The bound: as long as an agent has no more to offer than was refused before, each other framework is offered it at
    /// most once before one that can take something of it and never was. So in a cluster of n hungry frameworks that
    /// one is offered it in the n-th round at the latest in which the agent has something free.
    ///
    /// The others decline everything, for no time at all or for long, at once or only after their filters have ended
    /// elsewhere; they revive, reconnect and hold nothing, so that every share puts them first. The one in question
    /// holds much.
    @Test(arguments: 0..<300)
    func `whatever the others decline, each of them is offered an agent at most once before the one that waits`(
        seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        var allocator = Allocator(settings: AllocatorSettings(allocationInterval: .milliseconds(100)))
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        let agents = (0..<Int.random(in: 1...6, using: &random)).map { AgentID("a\($0)") }
        let others = (0..<Int.random(in: 1...12, using: &random)).map { FrameworkID("f\($0)") }
        let roles = try ["eng", "eng/ci", "ops", "*"].map { try RoleName($0) }
        let victimsRole = random.pick(roles)
        let total = try Resources.parse("cpus:8;mem:800;ports:[1-9]")
        for agent in agents { allocator.addAgent(agent, total: total, at: start) }
        allocator.addAgent("mine", total: total, at: start)
        allocator.addFramework("victim", roles: [victimsRole])
        allocator.charge("victim", role: victimsRole, agent: "mine", resources: total)
        for other in others {
            let role = random.pick(roles)
            allocator.setWeight(role, try #require(Weight([0.001, 1, 1_000][Int.random(in: 0..<3, using: &random)])))
            allocator.addFramework(other, roles: [role])
        }
        var waiting = Set(agents)
        var outstanding: [Allocation] = []
        var offered: [AgentID: [FrameworkID: Int]] = [:]
        var now = Instant.zero
        for _ in 0..<(4 * (others.count + 1)) where !waiting.isEmpty {
            now = now.advanced(by: random.milliseconds(1...400))
            let made = allocator.audited(at: now, seed: random.next())
            for offer in made where waiting.contains(offer.agent) {
                if offer.framework == "victim" { waiting.remove(offer.agent) }
                offered[offer.agent, default: [:]][offer.framework, default: 0] += 1
            }
            outstanding += made.filter { $0.framework != "victim" }
            let kept = outstanding.filter { _ in random.chance(20) }
            for offer in outstanding where !kept.contains(offer) {
                let filter = [Duration.zero, .milliseconds(100), .seconds(3_600)][Int.random(in: 0..<3, using: &random)]
                allocator.recover(
                    offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources, filter: filter,
                    at: now)
            }
            outstanding = kept
            for other in others where random.chance(30) { allocator.revive(other) }
            for other in others where random.chance(5) && !outstanding.contains(where: { $0.framework == other }) {
                allocator.deactivateFramework(other)
                allocator.activateFramework(other)
            }
        }
        for (agent, counts) in offered {
            for (framework, count) in counts { #expect(count == 1, "\(framework) had \(agent) \(count) times") }
        }
        #expect(waiting.isSubset(of: Set(outstanding.map(\.agent))), "still waiting for \(waiting)")
    }

    @Test func `a framework that declines in turn with another comes first no more often than the third`() throws {
        var allocator = Allocator()
        let role = try RoleName("eng")
        let total = try Resources.parse("cpus:8;mem:800")
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        allocator.addAgent("a", total: total, at: start)
        allocator.addAgent("b", total: total, at: start)
        for name in ["f", "g", "victim"] { allocator.addFramework(FrameworkID(name), roles: [role]) }
        allocator.charge("victim", role: role, agent: "b", resources: total)
        var order: [String] = []
        var now = Instant.zero
        for _ in 0..<9 {
            for offer in allocator.audited(at: now, seed: 0) {
                order.append(offer.framework.value)
                allocator.recover(
                    offer.framework, role: role, agent: "a", resources: total, filter: .zero, at: now)
            }
            now = now.advanced(by: .seconds(1))
        }
        #expect(order == ["f", "g", "victim", "f", "g", "victim", "f", "g", "victim"])
    }

    @Test func `who refused less than is free now is not put last`() throws {
        var allocator = Allocator()
        let role = try RoleName("eng")
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        allocator.addAgent("a", total: try .parse("cpus:8;mem:800"), at: start)
        allocator.addAgent("b", total: try .parse("cpus:8;mem:800"), at: start)
        let half = try Resources.parse("cpus:4;mem:400")
        allocator.charge("h", role: role, agent: "b", resources: try .parse("cpus:8;mem:800"))
        allocator.charge("h", role: role, agent: "a", resources: half)
        allocator.addFramework("f", roles: [role])
        #expect(allocator.audited(at: .zero, seed: 0).map(\.framework) == ["f"])
        allocator.recover("f", role: role, agent: "a", resources: half, filter: .seconds(60), at: .zero)
        // The task that ends makes more of the agent free than f refused.
        allocator.recover("h", role: role, agent: "a", resources: half, filter: nil, at: .zero)
        allocator.addFramework("h", roles: [role])
        #expect(allocator.audited(at: .zero, seed: 0).map(\.framework) == ["f"])
    }
}
