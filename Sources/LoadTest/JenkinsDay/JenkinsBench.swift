// `mini bench jenkins`: how soon a queued build has an agent, and what it costs the controller to be asked.
import DevCluster
import Foundation
import Mailbox

public struct JenkinsBenchOptions: Sendable {
    public var samples = 40
    public var burst = 100
    /// How long requests are counted, busy and idle.
    public var window = Duration.seconds(20)
    public var executable: String
    public var agentScript: String

    public init(executable: String, agentScript: String) {
        self.executable = executable
        self.agentScript = agentScript
    }
}

/// Requests and the bytes of their answers' bodies, per minute.
struct PollingCost: Hashable, Sendable {
    var requests: Double
    var bytes: Double

    /// What one open page of the controller's own costs: it fetches its build queue and its executors again every five
    /// seconds while it is visible (`refreshPart` in Jenkins' `hudson-behavior.js`), as HTML fragments.
    ///
    /// The sizes are an assumption, on the low side: a kilobyte for each empty fragment, half a kilobyte for a queued item
    /// and for an executor, a quarter for a node.
    static func page(items: Int, nodes: Int, executors: Int) -> PollingCost {
        PollingCost(requests: 24, bytes: 12 * Double(2_048 + 512 * (items + executors) + 256 * nodes))
    }
}

public struct JenkinsBench: Sendable {
    private let options: JenkinsBenchOptions
    private let report: @Sendable (String) -> Void

    /// - Parameter report: Called with each line of progress.
    public init(_ options: JenkinsBenchOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
    }

    /// - Returns: One line of JSON.
    public func run() async throws -> String {
        guard options.samples > 0, (1...300).contains(options.burst), options.window >= .seconds(1) else {
            throw LoadTestError.invalid("--samples from 1, --burst from 1 to 300, --window from 1 s")
        }
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 1, agents: 3, containerizer: .process, basePort: 0, executable: options.executable),
            report: report)
        do {
            let json = try await measure(cluster)
            await cluster.stop()
            return json
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private func measure(_ cluster: DevCluster) async throws -> String {
        var plan = FarmPlan([FarmTemplate("fresh", "singleUse: true"), FarmTemplate("kept", "idleTimeout: 60s")])
        plan.pace = []
        let farm = try await JenkinsFarm.start(plan, named: "bench", on: cluster, agentScript: options.agentScript)
        let latencies = try await latencies(farm)
        report(
            "\(latencies.count) single builds: median \(Int(BenchResult.percentile(50, of: latencies))) ms to the task")
        let burst = try await burst(farm)
        report("\(options.burst) at once: requested within \(Int(burst.requested)) ms, \(burst.agents) agents")
        let busy = try await polling(farm, jobs: options.burst, seconds: options.window.components.seconds + 20)
        try await emptied(farm)
        let idle = try await count(farm)
        report("polling, per minute: busy \(Self.text(busy.cost)), idle \(Self.text(idle))")
        let idlePage = PollingCost.page(items: 0, nodes: 4, executors: 0)
        let busyPage = PollingCost.page(items: 0, nodes: busy.nodes, executors: busy.nodes)
        let number = { (value: Double) in String(format: "%.1f", value) }
        let fields = [
            ("case", "\"jenkins\""), ("samples", "\(latencies.count)"),
            ("buildable_to_task_p50_ms", number(BenchResult.percentile(50, of: latencies))),
            ("buildable_to_task_p95_ms", number(BenchResult.percentile(95, of: latencies))),
            ("burst", "\(options.burst)"), ("all_requested_ms", number(burst.requested)),
            ("all_tasks_started_ms", number(burst.started)), ("agents_for_burst", "\(burst.agents)"),
            ("busy_requests_per_minute", number(busy.cost.requests)),
            ("busy_bytes_per_minute", number(busy.cost.bytes)),
            ("idle_requests_per_minute", number(idle.requests)), ("idle_bytes_per_minute", number(idle.bytes)),
            ("page_busy_bytes_per_minute", number(busyPage.bytes)),
            ("page_idle_bytes_per_minute", number(idlePage.bytes)),
            ("page_requests_per_minute", number(idlePage.requests)),
            ("busy_pages_worth", number(busy.cost.bytes / busyPage.bytes)),
            ("idle_pages_worth", number(idle.bytes / idlePage.bytes)),
        ]
        return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
    }

    private static func text(_ cost: PollingCost) -> String {
        "\(Int(cost.requests)) requests and \(Int(cost.bytes / 1_000)) kB"
    }

    // MARK: Latency

    /// One build after the other, each on an agent of its own: from the moment it may start to its task's first command.
    private func latencies(_ farm: JenkinsFarm) async throws -> [Double] {
        var found: [Double] = []
        for index in 0..<options.samples {
            let name = "single-\(index)"
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "fresh"), command: farm.ledger.command(seconds: 0.1)))
            // Polls are periodic: a build must not always come at the same place between two.
            try await Task.sleep(for: .milliseconds(300 + index * 137 % 600))
            try await farm.controller.build(name, delaySeconds: 0)
            try await until("\(name) ran") { farm.ledger.lines(of: name).contains { $0.kind == .end } }
            guard let node = farm.ledger.lines(of: name).first?.node,
                let began = farm.ledger.agentStarts()[node]?.first,
                let queued = try await farm.controller.events(after: 0).last(where: {
                    $0.kind == "itemQueued" && $0.job == name
                })
            else { throw LoadTestError.host("\(name) left no trace") }
            found.append(Double(began - queued.at))
        }
        try await emptied(farm)
        return found.sorted()
    }

    /// Many at once: until the framework has an agent on its way for each, until every task has begun, and how many
    /// agents it came to.
    private func burst(_ farm: JenkinsFarm) async throws -> (requested: Double, started: Double, agents: Int) {
        let before = farm.ledger.agentStarts().count
        let names = (0..<options.burst).map { "burst-\($0)" }
        for name in names {
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "fresh"), command: farm.ledger.command(seconds: 1)))
        }
        try await withThrowingTaskGroup { group in
            for name in names { group.addTask { try await farm.controller.build(name, delaySeconds: 0) } }
            try await group.waitForAll()
        }
        let queued = try await farm.controller.events(after: 0).last { $0.kind == "itemQueued" }?.at ?? 0
        try await until("\(options.burst) agents are requested") {
            // Those of the first builds may be gone already.
            let begun = farm.ledger.agentStarts().count - before
            let coming = await farm.frameworkState()?.agents.filter { farm.ledger.agentStarts()[$0.node] == nil }.count
            return begun + (coming ?? 0) >= options.burst
        }
        let requested = Double(Int64(Date().timeIntervalSince1970 * 1_000) - queued)
        try await until("all have ended") {
            names.allSatisfy { name in farm.ledger.lines(of: name).contains { $0.kind == .end } }
        }
        let starts = farm.ledger.agentStarts().values.compactMap(\.first).sorted()
        try await emptied(farm)
        return (requested, Double((starts.last ?? queued) - queued), farm.ledger.agentStarts().count - before)
    }

    // MARK: Polling

    /// With so many builds running.
    private func polling(
        _ farm: JenkinsFarm, jobs: Int, seconds: Int64
    ) async throws -> (cost: PollingCost, nodes: Int) {
        let names = (0..<jobs).map { "long-\($0)" }
        for name in names {
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "kept"), command: farm.ledger.command(seconds: Double(seconds))))
            try await farm.controller.build(name, delaySeconds: 0)
        }
        try await until("all run") { names.allSatisfy { !farm.ledger.lines(of: $0).isEmpty } }
        let nodes = try await farm.controller.nodes().count
        let cost = try await count(farm)
        for name in names { try await farm.controller.stop(name) }
        return (cost, nodes)
    }

    private func count(_ farm: JenkinsFarm) async throws -> PollingCost {
        let last = try await farm.controller.events(after: 0).last?.sequence ?? 0
        let began = ContinuousClock.now
        try await Task.sleep(for: options.window)
        let events = try await farm.controller.events(after: last).filter { $0.user == JenkinsFarm.frameworkUser }
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        let minutes = (Double(seconds) + Double(attoseconds) / 1e18) / 60
        return PollingCost(
            requests: Double(events.count) / minutes, bytes: Double(events.reduce(0) { $0 + $1.bytes }) / minutes)
    }

    // MARK: Waiting

    /// Nothing is left of any build.
    private func emptied(_ farm: JenkinsFarm) async throws {
        try await until("everything is idle again") { await farm.leftovers().isEmpty }
    }

    private func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(180)
        while try await !isTrue() {
            guard .now < end else { throw LoadTestError.notInTime("waited too long until \(what)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
