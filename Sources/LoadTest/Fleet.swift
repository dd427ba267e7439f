// The fleet of a benchmark: in this process, or shared out among several.
import Foundation
import Mailbox
import Processes

/// One fleet, wherever its agents live.
final class Fleet: Sendable {
    private enum Part: Sendable {
        case here(AgentFleet)
        case there(FleetWorker)
    }

    private let parts: [Part]
    private let agents: Int

    private init(_ parts: [Part], agents: Int) {
        self.parts = parts
        self.agents = agents
    }

    static func start(_ options: AgentsBenchOptions) async throws -> Fleet {
        let plan = options.fleet
        guard plan.agents > 0 else { throw LoadTestError.invalid("--count must be at least 1") }
        guard options.processes > 1 else { return Fleet([.here(try AgentFleet(plan))], agents: plan.agents) }
        var parts: [Part] = []
        var first = 0
        for number in 0..<options.processes {
            var share = plan
            share.agents = plan.agents * (number + 1) / options.processes - first
            share.tasks = plan.tasks * share.agents / plan.agents
            share.firstAgent = plan.firstAgent + first
            share.registeringMax = max(1, plan.registeringMax / options.processes)
            first += share.agents
            if share.agents > 0 { parts.append(.there(try await FleetWorker.start(share, options.executable))) }
        }
        return Fleet(parts, agents: plan.agents)
    }

    /// Sums, and the earliest and latest moments.
    var figures: FleetFigures {
        let all = parts.map { part in
            switch part {
            case .here(let fleet): fleet.figures
            case .there(let worker): worker.figures
            }
        }
        var sum = FleetFigures()
        sum.leaders = all.map(\.leaders).min() ?? 0
        sum.turnedAt = all.map(\.turnedAt).min() ?? 0
        sum.completeAt = all.allSatisfy { $0.completeAt > 0 } ? all.map(\.completeAt).max() ?? 0 : 0
        for part in all {
            sum.registered += part.registered
            sum.retries += part.retries
            sum.refusals += part.refusals
            sum.brokenLinks += part.brokenLinks
            sum.pingsAnswered += part.pingsAnswered
            if !part.lastFault.isEmpty { sum.lastFault = part.lastFault }
        }
        return sum
    }

    func follow(_ master: MasterAddress?) {
        for part in parts {
            switch part {
            case .here(let fleet): fleet.follow(master)
            case .there(let worker): worker.follow(master)
            }
        }
    }

    func loadTasks() async {
        for part in parts {
            switch part {
            case .here(let fleet): await fleet.loadTasks()
            case .there(let worker): worker.loadTasks()
            }
        }
        for case .there(let worker) in parts { await worker.waitForTasks() }
    }

    func stop() async {
        for part in parts {
            switch part {
            case .here(let fleet): await fleet.stop()
            case .there(let worker): await worker.stop()
            }
        }
    }

    func waitUntilComplete(leaders: Int, within limit: Duration) async throws -> FleetFigures {
        let end = ContinuousClock.now + limit
        while true {
            let now = figures
            if now.leaders >= leaders, now.completeAt > 0 { return now }
            guard ContinuousClock.now < end, !Task.isCancelled else {
                throw LoadTestError.notInTime(
                    "\(now.registered) of \(agents) agents registered within \(limit)"
                        + (now.lastFault.isEmpty ? "" : "; last: \(now.lastFault)"))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
