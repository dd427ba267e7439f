// What it costs to remember decisions for whoever asks why, and that it costs nothing when nobody does.

import Allocator
import Resources

enum Explaining {
    private static let agents = 2_000
    private static let frameworks = 500
    private static let start = Instant.zero.advanced(by: .seconds(7_200))

    static func run() {
        let reference = TextbookAllocator.decliningRound(agents: agents, frameworks: frameworks)
        let unasked = rounds(askedAt: nil)
        // A quarter is what two runs of the same work differ by here.
        report(
            "explain-ten-minutes-after-the-last-question", rounds(askedAt: .seconds(-3_600)), unasked, 1.25, reference)
        report("explain-while-somebody-asks", rounds(askedAt: .zero), unasked, 2, reference)
        let step = FreedTask.median(2_000, 500)
        Report.line(
            "explain-while-somebody-asks-and-a-task-ends", agents: agents, frameworks: frameworks,
            median: FreedTask.median(2_000, 500, isAsked: true), target: step * 2,
            reference: TextbookAllocator.freedTask(agents: agents, frameworks: frameworks, FreedTask.task))
        var allocator = Cluster.partlyUsed(agents: agents, frameworks: frameworks)
        allocator.watch(.any, at: start)
        _ = allocator.allocate(at: start, seed: 1)
        // The answer itself is worked out beside the rounds, on a copy: at most 400,000 looks, however large the cluster.
        let times = (0..<5).map { _ in Stopwatch.time { _ = allocator.explain(.any) } }
        Report.line(
            "explain-the-answer", agents: agents, frameworks: frameworks, median: Stopwatch.median(times), target: nil,
            reference: reference)
    }

    private static func report(
        _ name: String, _ median: Duration, _ unasked: Duration, _ factor: Double, _ reference: Duration
    ) {
        Report.line(
            name, agents: agents, frameworks: frameworks, median: median, target: unasked * factor,
            reference: reference,
            .init("unasked_ms", Report.milliseconds(unasked)),
            .init("times_a_round_without", Report.milliseconds(median) / Report.milliseconds(unasked), target: factor))
    }

    /// The median of declining rounds.
    ///
    /// - Parameter askedAt: When somebody asked about the role, counted from the first round.
    private static func rounds(askedAt: Duration?) -> Duration {
        var times: [Duration] = []
        for _ in 0..<5 {
            var allocator = Cluster.partlyUsed(agents: agents, frameworks: frameworks)
            if let askedAt { allocator.watch(.any, at: start.advanced(by: askedAt)) }
            // What was remembered is forgotten at the end of a round.
            for round in 0..<5 {
                let now = start.advanced(by: .seconds(round))
                var offers: [Allocation] = []
                let time = Stopwatch.time { offers = allocator.allocate(at: now, seed: UInt64(round)) }
                if round > 0 { times.append(time) }
                for offer in offers {
                    allocator.recover(
                        offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources,
                        filter: Cluster.forEver, at: now)
                }
            }
        }
        return Stopwatch.median(times)
    }
}
