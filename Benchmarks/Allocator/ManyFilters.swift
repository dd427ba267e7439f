// A hundred thousand outstanding filters, half of which end within one second.

import Allocator
import Resources

enum ManyFilters {
    private static let agents = 1_000
    private static let frameworks = 100

    static func run() {
        var worst: [Duration] = []
        for _ in 0..<5 { worst.append(worstRound(instants: 1_000)) }
        Report.line(
            "worst-round-while-half-of-the-filters-end-within-a-second", agents: agents, frameworks: frameworks,
            median: Stopwatch.median(worst), target: .milliseconds(10),
            reference: TextbookAllocator.endingFilters(agents: agents, frameworks: frameworks, rounds: 50))
    }

    /// Every framework has declined every agent: half of that until some instant between 100 s and 101 s, half for ever.
    /// Whoever is offered something declines it again.
    ///
    /// - Returns: The longest round, with all declines that led to it.
    private static func worstRound(instants: Int) -> Duration {
        var allocator = Cluster.partlyUsed(agents: agents, frameworks: frameworks)
        var random = SplitMix64(seed: 3)
        while true {
            let offers = allocator.allocate(at: .zero, seed: random.next())
            if offers.isEmpty { break }
            for offer in offers {
                var life = Cluster.forEver
                if Bool.random(using: &random) {
                    let instant = Int.random(in: 0..<instants, using: &random)
                    life = .milliseconds(100_000 + instant * 1_000 / instants)
                }
                allocator.recover(
                    offer.framework, role: .any, agent: offer.agent, resources: offer.resources, filter: life, at: .zero
                )
            }
        }
        var worst = Duration.zero
        let last = Instant.zero.advanced(by: .seconds(102))
        while let due = allocator.nextFilterExpiry, due < last {
            worst = max(
                worst,
                Stopwatch.time {
                    for offer in allocator.allocate(at: due, seed: random.next()) {
                        allocator.recover(
                            offer.framework, role: .any, agent: offer.agent, resources: offer.resources,
                            filter: Cluster.forEver, at: due)
                    }
                })
            // What was declined is offered to the next, whose filter has ended too, until none is left.
            while true {
                var offers: [Allocation] = []
                worst = max(worst, Stopwatch.time { offers = allocator.allocate(at: due, seed: random.next()) })
                if offers.isEmpty { break }
                for offer in offers {
                    allocator.recover(
                        offer.framework, role: .any, agent: offer.agent, resources: offer.resources,
                        filter: Cluster.forEver, at: due)
                }
            }
        }
        return worst
    }
}
