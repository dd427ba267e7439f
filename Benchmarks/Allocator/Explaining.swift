// What it costs to remember decisions for whoever asks why, and that it costs nothing when nobody does.

import Allocator
import Resources

enum Explaining {
    private static let agents = 2_000
    private static let frameworks = 500

    static func run() {
        let unasked = median(askedAt: nil)
        // A quarter is what two runs of the same work differ by here.
        Report.line(
            "explain-ten-minutes-after-the-last-question", agents: agents, frameworks: frameworks,
            median: median(askedAt: .seconds(-3_600)), target: unasked * 5 / 4, reference: unasked)
        // No target: this is what a question costs, and the reference is the round without it.
        let asked = median(askedAt: .zero)
        Report.figure(
            "explain-while-somebody-asks", [:], "times_a_round_without",
            Report.milliseconds(asked) / Report.milliseconds(unasked), target: nil)
    }

    /// Declining rounds.
    ///
    /// - Parameter askedAt: When somebody asked about the role, counted from the first round.
    private static func median(askedAt: Duration?) -> Duration {
        let start = Instant.zero.advanced(by: .seconds(7_200))
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
