// The work of the cases, done by the reference.

import Resources

extension TextbookAllocator {
    static let forEver = Cluster.forEver

    /// The work of `Cluster.partlyUsed`.
    static func partlyUsed(agents: Int, frameworks: Int) -> TextbookAllocator {
        var allocator = TextbookAllocator(frameworks: frameworks)
        for index in 0..<agents { allocator.addAgent(Cluster.total, use: Cluster.used, by: index % frameworks) }
        return allocator
    }

    /// One declining round over all agents, the second.
    ///
    /// - Parameter asleep: Suppressed frameworks beside the others.
    static func decliningRound(agents: Int, frameworks: Int, asleep: Int = 0) -> Duration {
        var allocator = partlyUsed(agents: agents, frameworks: frameworks)
        for index in 0..<asleep {
            allocator.addFramework(role: 0)
            allocator.suppress(frameworks + index)
        }
        for offer in allocator.allocate() { allocator.recover(offer, declinedUntil: forEver) }
        return Stopwatch.time { _ = allocator.allocate() }
    }

    /// All agents are added, then one round.
    static func fill(agents: Int, frameworks: Int) -> Duration {
        var allocator = TextbookAllocator(frameworks: frameworks)
        return Stopwatch.time {
            for _ in 0..<agents { allocator.addAgent(Cluster.total) }
            _ = allocator.allocate()
        }
    }

    /// Revives with nothing left to offer, each with a round.
    static func revives(agents: Int, frameworks: Int) -> Duration {
        var allocator = TextbookAllocator(frameworks: frameworks)
        for _ in 0..<agents { allocator.addAgent(Cluster.total) }
        _ = allocator.allocate()
        return Stopwatch.time {
            for framework in 0..<frameworks {
                allocator.revive(framework)
                _ = allocator.allocate()
            }
        }
    }

    /// A role with a quota for each framework; agents are added, with a round about each.
    static func quotaRoles(agents: Int, frameworks: Int, quota: Resources) -> Duration {
        var allocator = TextbookAllocator()
        for index in 0..<frameworks {
            allocator.addRole(quota: Bag(quota))
            allocator.addFramework(role: index)
        }
        return Stopwatch.time {
            for index in 0..<agents {
                allocator.addAgent(Cluster.total)
                _ = allocator.allocate(on: index)
            }
        }
    }

    /// A task ends in a full cluster, and a round follows; median of some.
    static func freedTask(agents: Int, frameworks: Int, _ task: Resources, steps: Int = 100) -> Duration {
        var allocator = partlyUsed(agents: agents, frameworks: frameworks)
        _ = allocator.allocate()
        var (random, times) = (SplitMix64(seed: 7), [Duration]())
        for _ in 0..<steps {
            let agent = Int.random(in: 0..<agents, using: &random)
            let ended = Offer(framework: agent % frameworks, agent: agent, bag: Bag(task))
            times.append(
                Stopwatch.time {
                    allocator.recover(ended)
                    _ = allocator.allocate()
                })
        }
        return Stopwatch.median(times)
    }

    /// Everybody has declined everything, and the filters end one after the other: the longest of some rounds, with the
    /// declines that follow it.
    static func endingFilters(agents: Int, frameworks: Int, rounds: Int) -> Duration {
        var allocator = partlyUsed(agents: agents, frameworks: frameworks)
        var random = SplitMix64(seed: 3)
        for agent in 0..<agents {
            for framework in 0..<frameworks {
                let life = Duration.milliseconds(100_000 + Int.random(in: 0..<1_000, using: &random))
                allocator.decline(agent: agent, by: framework, until: Bool.random(using: &random) ? life : forEver)
            }
        }
        var worst = Duration.zero
        for round in 0..<rounds {
            let now = Duration.milliseconds(100_000 + round)
            worst = max(
                worst,
                Stopwatch.time {
                    for offer in allocator.allocate(at: now) { allocator.recover(offer, declinedUntil: forEver) }
                })
        }
        return worst
    }
}
