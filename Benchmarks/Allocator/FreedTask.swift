// The step that matters in life: one task ends, and its resources are offered again.

import Allocator
import Resources

enum FreedTask {
    static let task = Cluster.resources("cpus:1;mem:128;disk:64;ports:[31000-31000]")

    static func run() {
        let usual = (agents: 10_000, frameworks: 1_000)
        let byAgents = leastMedians(of: [1_250, 2_500, 5_000, 10_000, 20_000, 40_000]) { median($0, 1_000) }
        let byFrameworks = leastMedians(of: [125, 250, 500, 1_000, 2_000, 4_000, 8_000]) { median(10_000, $0) }
        func reference(_ agents: Int, _ frameworks: Int) -> (size: Int, median: Duration) {
            let steps = TextbookAllocator.freedTask(agents: agents, frameworks: frameworks, task, steps: 50)
            return (agents == usual.agents ? frameworks : agents, steps)
        }
        Report.line(
            "task-ends-and-is-offered-again", agents: usual.agents, frameworks: usual.frameworks,
            median: median(usual.agents, usual.frameworks), target: .microseconds(50),
            reference: TextbookAllocator.freedTask(agents: usual.agents, frameworks: usual.frameworks, task),
            .init("growth_in_agents", Report.growth(byAgents), target: 0.1),
            .init("growth_in_frameworks", Report.growth(byFrameworks), target: 0.3),
            .init("reference_growth_in_agents", Report.growth([1_250, 5_000, 20_000].map { reference($0, 1_000) })),
            .init("reference_growth_in_frameworks", Report.growth([125, 1_000, 8_000].map { reference(10_000, $0) })))
    }

    /// The sizes take turns, three times, and the least median of each counts: what else the machine does comes and goes,
    /// and would look like growth if it fell on one size.
    private static func leastMedians(
        of sizes: [Int], _ measure: (Int) -> Duration
    ) -> [(size: Int, median: Duration)] {
        var points = sizes.map { (size: $0, median: measure($0)) }
        for _ in 0..<2 {
            for index in points.indices { points[index].median = min(points[index].median, measure(sizes[index])) }
        }
        return points
    }

    /// - Parameter isAsked: Whether somebody asks about the role all the while.
    static func median(_ agents: Int, _ frameworks: Int, isAsked: Bool = false) -> Duration {
        Stopwatch.median(times(agents: agents, frameworks: frameworks, steps: 5_000, isAsked: isAsked))
    }

    /// A full cluster where tasks end one after the other, on agents and of frameworks drawn by lot. Whoever is offered
    /// the room takes it. Some agents have something left that everybody declined for ever.
    static func times(agents: Int, frameworks: Int, steps: Int, isAsked: Bool = false) -> [Duration] {
        var allocator = Cluster.partlyUsed(agents: agents, frameworks: frameworks)
        var offers = allocator.allocate(at: .zero, seed: 0)
        while !offers.isEmpty {
            for offer in offers where offer.agent.value.hasSuffix("99") && offer.agent.value.utf8.count < 10 {
                allocator.recover(
                    offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources,
                    filter: Cluster.forEver, at: .zero)
            }
            offers = allocator.allocate(at: .zero, seed: 0)
        }
        if isAsked { allocator.watch(.any, at: .zero) }
        var owners = (0..<agents).map { Cluster.framework($0 % frameworks) }
        var random = SplitMix64(seed: 7)
        var times: [Duration] = []
        for step in 0..<steps {
            var index = Int.random(in: 0..<agents, using: &random)
            if index % 100 == 99 { index -= 1 }
            let agent = Cluster.agent(index)
            let owner = owners[index]
            let now = Instant.zero.advanced(by: .milliseconds(step))
            var offers: [Allocation] = []
            times.append(
                Stopwatch.time {
                    allocator.recover(owner, role: .any, agent: agent, resources: task, filter: nil, at: now)
                    offers = allocator.allocate(at: now, seed: UInt64(step))
                })
            precondition(offers.count == 1 && offers[0].resources == task, "expected one offer, got \(offers)")
            owners[index] = offers[0].framework
        }
        return times
    }
}
