// `mini bench slopes`: what one more agent and one more task cost a master in memory.
import DevCluster
import Foundation

/// Starts one master for each size, lets a fleet register that comes with its tasks, and looks at the master's memory.
public struct SlopesBench: Sendable {
    /// Sizes to measure, ascending.
    public var agents = [1_000, 2_000, 4_000]
    /// Tasks on the middle number of agents, ascending.
    public var tasks = [25_000, 50_000, 100_000]
    private let executable: String
    private let report: @Sendable (String) -> Void

    public init(executable: String, report: @escaping @Sendable (String) -> Void) {
        self.executable = executable
        self.report = report
    }

    public func run() async throws {
        var points: [(Int, Int)] = []
        for count in agents { points.append((count, try await memory(agents: count, tasks: 0))) }
        report("an agent: \(Self.slope(points)) bytes")
        points = []
        let count = agents[agents.count / 2]
        for tasks in tasks { points.append((tasks, try await memory(agents: count, tasks: tasks))) }
        report("a task: \(Self.slope(points)) bytes")
    }

    /// Anonymous memory of a master that has just taken in such a fleet.
    private func memory(agents: Int, tasks: Int) async throws -> Int {
        let cluster = try await DevCluster.start(
            ClusterOptions(masters: 1, agents: 0, containerizer: .process, basePort: 0, executable: executable))
        do {
            let fleet = try AgentFleet(FleetPlan(agents: agents, tasks: tasks, areKnown: true))
            let leader = try await AgentsBench.leader(of: cluster, among: cluster.masters)
            fleet.follow(leader.address)
            let end = ContinuousClock.now + .seconds(120)
            while fleet.figures.completeAt == 0 {
                guard ContinuousClock.now < end else {
                    throw LoadTestError.notInTime("\(fleet.figures.registered) of \(agents) agents: \(fleet.figures)")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            try await Task.sleep(for: .seconds(3))
            let memory = ProcessMemory.of(leader.process.pid)
            await fleet.stop()
            await cluster.stop()
            guard let memory else { throw LoadTestError.master("the master has ended") }
            report(
                String(
                    format: "%d agents, %d tasks: %.1f MiB resident, %.1f MiB of it anonymous", agents, tasks,
                    Double(memory.resident) / 1_048_576, Double(memory.anonymous) / 1_048_576))
            return memory.anonymous
        } catch {
            await cluster.stop()
            throw error
        }
    }

    /// The least-squares line through the points.
    static func slope(_ points: [(Int, Int)]) -> Int {
        let count = Double(points.count)
        let meanX = points.reduce(0) { $0 + Double($1.0) } / count
        let meanY = points.reduce(0) { $0 + Double($1.1) } / count
        let above = points.reduce(0) { $0 + (Double($1.0) - meanX) * (Double($1.1) - meanY) }
        let below = points.reduce(0) { $0 + (Double($1.0) - meanX) * (Double($1.0) - meanX) }
        return below == 0 ? 0 : Int((above / below).rounded())
    }
}
