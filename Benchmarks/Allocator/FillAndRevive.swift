// Unused agents are added until all is offered; then frameworks revive with nothing left to offer.

import Allocator
import Resources

enum FillAndRevive {
    static let agents = 10_000
    static let frameworks = 1_000

    static func run() {
        var (fills, revives): ([Duration], [Duration]) = ([], [])
        for _ in 0..<5 {
            var allocator = Allocator()
            for index in 0..<frameworks { allocator.addFramework(Cluster.framework(index), roles: [.any]) }
            fills.append(
                Stopwatch.time {
                    for index in 0..<agents {
                        allocator.addAgent(Cluster.agent(index), total: Cluster.total, at: Cluster.start)
                    }
                    precondition(allocator.allocate(at: .zero, seed: 1).count == agents, "not all was offered")
                })
            revives.append(
                Stopwatch.time {
                    for index in 0..<frameworks {
                        allocator.revive(Cluster.framework(index))
                        _ = allocator.allocate(at: .zero, seed: UInt64(index))
                    }
                })
        }
        Report.line(
            "add-agents-until-all-is-offered", agents: agents, frameworks: frameworks,
            median: Stopwatch.median(fills), target: .milliseconds(65),
            reference: TextbookAllocator.fill(agents: agents, frameworks: frameworks))
        Report.line(
            "thousand-revives-with-nothing-left", agents: agents, frameworks: frameworks,
            median: Stopwatch.median(revives), target: .milliseconds(50),
            reference: TextbookAllocator.revives(agents: agents, frameworks: frameworks))
    }
}

/// Every framework is in a role of its own with a quota while agents are added, with an allocation after each.
enum QuotaRoles {
    static let agents = 5_000
    static let frameworks = 1_000

    static func run() throws {
        let amounts = Cluster.resources("cpus:1;mem:512;disk:256")
        var quota = Quota()
        for (name, value) in amounts.scalars {
            quota.guarantees[name] = value
            quota.limits[name] = value
        }
        var times: [Duration] = []
        for _ in 0..<3 {
            var allocator = Allocator()
            var quotas: [RoleName: Quota?] = [:]
            for index in 0..<frameworks {
                let role = try RoleName("role-\(index)")
                quotas[role] = quota
                allocator.addFramework(Cluster.framework(index), roles: [role])
            }
            allocator.setQuotas(quotas)
            times.append(
                Stopwatch.time {
                    for index in 0..<agents {
                        allocator.addAgent(Cluster.agent(index), total: Cluster.total, at: Cluster.start)
                        _ = allocator.allocate(at: .zero, seed: UInt64(index))
                    }
                })
        }
        Report.line(
            "quota-for-every-role", agents: agents, frameworks: frameworks, median: Stopwatch.median(times),
            target: .milliseconds(500),
            reference: TextbookAllocator.quotaRoles(agents: agents, frameworks: frameworks, quota: amounts))
    }
}

/// Declining rounds beside a hundred times as many frameworks that are suppressed, and without them.
enum SuppressedFrameworks {
    static let agents = 5_000
    static let awake = 10
    static let asleep = 1_000

    static func run() {
        let alone = median(asleep: 0)
        // A quarter is what two runs of the same work differ by here.
        Report.line(
            "suppressed-cost-nothing", agents: agents, frameworks: awake + asleep, median: median(asleep: asleep),
            target: alone * 5 / 4,
            reference: TextbookAllocator.decliningRound(agents: agents, frameworks: awake, asleep: asleep))
    }

    private static func median(asleep: Int) -> Duration {
        var times: [Duration] = []
        for _ in 0..<5 {
            var allocator = Cluster.partlyUsed(agents: agents, frameworks: awake)
            for index in 0..<asleep {
                allocator.addFramework(FrameworkID("asleep-\(index)"), roles: [.any], suppressed: [.any])
            }
            for round in 0..<4 {
                var offers: [Allocation] = []
                times.append(Stopwatch.time { offers = allocator.allocate(at: .zero, seed: UInt64(round)) })
                for offer in offers {
                    allocator.recover(
                        offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources,
                        filter: Cluster.forEver, at: .zero)
                }
            }
        }
        return Stopwatch.median(times)
    }
}
