// Every offer is declined for ever, round after round: the work of Apache Mesos's own benchmark.

import Allocator
import Resources

enum DecliningRounds {
    /// A tenth of what Apache Mesos took on a machine with 2 cores, and two sizes beyond.
    static let sizes: [(agents: Int, frameworks: Int, target: Duration)] = [
        (1_000, 1_000, .microseconds(7_300)), (5_000, 1_000, .microseconds(38_100)), (10_000, 50, .milliseconds(46)),
        (10_000, 1_000, .milliseconds(68)), (20_000, 2_000, .milliseconds(380)), (50_000, 6_000, .seconds(3)),
    ]

    static func run() {
        for size in sizes {
            var times: [Duration] = []
            for _ in 0..<3 { times += rounds(size.agents, size.frameworks) }
            Report.line(
                "declining-round", agents: size.agents, frameworks: size.frameworks, median: Stopwatch.median(times),
                target: size.target,
                reference: TextbookAllocator.decliningRound(agents: size.agents, frameworks: size.frameworks))
        }
    }

    /// Up to six rounds, each over all agents.
    private static func rounds(_ agents: Int, _ frameworks: Int) -> [Duration] {
        var allocator = Cluster.partlyUsed(agents: agents, frameworks: frameworks)
        var times: [Duration] = []
        for round in 0..<6 {
            let now = Instant.zero.advanced(by: .seconds(round))
            var offers: [Allocation] = []
            times.append(Stopwatch.time { offers = allocator.allocate(at: now, seed: UInt64(round)) })
            if offers.isEmpty { break }
            for offer in offers {
                allocator.recover(
                    offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources,
                    filter: Cluster.forEver, at: now)
            }
        }
        return times
    }
}
