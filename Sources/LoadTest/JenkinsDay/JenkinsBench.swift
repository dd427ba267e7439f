// `mini bench jenkins`: how soon a queued build has an agent, and what it costs the controller to be asked.
import DevCluster
import Foundation
import Mailbox

public struct JenkinsBenchOptions: Sendable {
    public var samples = 25
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

    /// With how many such pages open this is one part in a hundred of what they cost, both in requests and in bytes.
    func pagesForOnePercent(_ page: PollingCost) -> Int {
        Int((max(requests / page.requests, bytes / page.bytes) * 100).rounded(.up))
    }
}

/// What was measured, and which targets it missed.
public struct JenkinsBenchResult: Sendable {
    /// One line.
    public var json: String
    /// In words; empty if all were reached.
    public var missed: [String]
}

public struct JenkinsBench: Sendable {
    /// Half of the builds must have their task by then after they may start.
    private static let startMaxMilliseconds = 300.0
    /// So long after it might start each of those queued at once must have its agent asked for.
    private static let requestMaxMilliseconds = 1_000.0
    /// As Jenkins has it unless somebody changes it.
    private static let quietPeriodSeconds = 5
    /// Builds without a quiet period after which a framework counts on more of them.
    private static let lessons = 6

    private let options: JenkinsBenchOptions
    private let report: @Sendable (String) -> Void

    /// - Parameter report: Called with each line of progress.
    public init(_ options: JenkinsBenchOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
    }

    public func run() async throws -> JenkinsBenchResult {
        guard options.samples > 0, (1...300).contains(options.burst), options.window >= .seconds(1) else {
            throw LoadTestError.invalid("--samples from 1, --burst from 1 to 300, --window from 1 s")
        }
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 1, agents: 3, containerizer: .process, basePort: 0, executable: options.executable),
            report: report)
        do {
            let result = try await measure(cluster)
            await cluster.stop()
            return result
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private func measure(_ cluster: DevCluster) async throws -> JenkinsBenchResult {
        var plan = FarmPlan([FarmTemplate("fresh", "singleUse: true"), FarmTemplate("kept", "idleTimeout: 60s")])
        plan.pace = []
        plan.quietPeriod = "\(Self.quietPeriodSeconds)secs"
        let farm = try await JenkinsFarm.start(plan, named: "bench", on: cluster, agentScript: options.agentScript)
        let announced = try await latencies(farm, "announced", delay: nil)
        let burst = try await burst(farm)
        let latest = burst.requests.last ?? 0
        report("\(options.burst) at once: requested within \(Int(latest)) ms, \(burst.agents) agents")
        let busy = try await polling(farm, jobs: options.burst, seconds: options.window.components.seconds + 40)
        try await emptied(farm)
        let idle = try await count(farm)
        report("polling, per minute: busy \(Self.text(busy.cost)), idle \(Self.text(idle))")
        let sudden = try await latencies(farm, "sudden", delay: 0)
        let eager = try await count(farm)
        report("polling, per minute, idle and without quiet periods: \(Self.text(eager))")

        let idlePage = PollingCost.page(items: 0, nodes: 4, executors: 0)
        let busyPage = PollingCost.page(items: 0, nodes: busy.nodes, executors: busy.nodes)
        let medians = [announced, sudden].map { BenchResult.percentile(50, of: $0) }
        var missed: [String] = []
        for (median, what) in zip(medians, ["after a quiet period", "without one"])
        where median > Self.startMaxMilliseconds {
            missed.append("the median to the task is \(Int(median)) ms \(what)")
        }
        if latest > Self.requestMaxMilliseconds {
            missed.append("\(options.burst) at once were requested within \(Int(latest)) ms")
        }
        if burst.agents != options.burst { missed.append("\(burst.agents) agents for \(options.burst) builds") }
        let number = { (value: Double) in String(format: "%.1f", value) }
        let fields = [
            ("case", "\"jenkins\""), ("samples", "\(announced.count)"),
            ("buildable_to_task_p50_ms", number(medians[0])),
            ("buildable_to_task_p95_ms", number(BenchResult.percentile(95, of: announced))),
            ("unannounced_samples", "\(sudden.count)"), ("unannounced_to_task_p50_ms", number(medians[1])),
            ("unannounced_to_task_p95_ms", number(BenchResult.percentile(95, of: sudden))),
            ("burst", "\(options.burst)"), ("all_requested_ms", number(burst.requested)),
            ("request_p50_ms", number(BenchResult.percentile(50, of: burst.requests))),
            ("request_max_ms", number(latest)),
            ("all_tasks_started_ms", number(burst.started)), ("agents_for_burst", "\(burst.agents)"),
            ("busy_requests_per_minute", number(busy.cost.requests)),
            ("busy_bytes_per_minute", number(busy.cost.bytes)),
            ("idle_requests_per_minute", number(idle.requests)), ("idle_bytes_per_minute", number(idle.bytes)),
            ("unannounced_idle_requests_per_minute", number(eager.requests)),
            ("unannounced_idle_bytes_per_minute", number(eager.bytes)),
            ("page_busy_bytes_per_minute", number(busyPage.bytes)),
            ("page_idle_bytes_per_minute", number(idlePage.bytes)),
            ("page_requests_per_minute", number(idlePage.requests)),
            ("busy_pages_worth", number(busy.cost.bytes / busyPage.bytes)),
            ("idle_pages_worth", number(idle.bytes / idlePage.bytes)),
            ("busy_pages_for_1_percent", "\(busy.cost.pagesForOnePercent(busyPage))"),
            ("idle_pages_for_1_percent", "\(idle.pagesForOnePercent(idlePage))"),
            ("missed", "[" + missed.map { "\"\($0)\"" }.joined(separator: ", ") + "]"),
            ("ok", "\(missed.isEmpty)"),
        ]
        return JenkinsBenchResult(
            json: "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}", missed: missed)
    }

    private static func text(_ cost: PollingCost) -> String {
        "\(Int(cost.requests)) requests and \(Int(cost.bytes / 1_000)) kB"
    }

    // MARK: Latency

    /// One build after the other, each on an agent of its own: from the moment it may start to its task's first command.
    ///
    /// - Parameter delay: Seconds, instead of the controller's quiet period.
    private func latencies(_ farm: JenkinsFarm, _ series: String, delay: Int?) async throws -> [Double] {
        var found: [Double] = []
        let warmUp = delay == nil ? 0 : Self.lessons
        for index in 0..<options.samples + warmUp {
            let name = "\(series)-\(index)"
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "fresh"), command: farm.ledger.command(seconds: 0.1)))
            // Polls are periodic: a build must not always come at the same place between two.
            try await Task.sleep(for: .milliseconds(300 + index * 137 % 600))
            try await farm.controller.build(name, delaySeconds: delay)
            try await until("\(name) ran") { farm.ledger.lines(of: name).contains { $0.kind == .end } }
            guard let node = farm.ledger.lines(of: name).first?.node,
                let began = farm.ledger.agentStarts()[node]?.first,
                let queued = try await farm.controller.events(after: 0).last(where: {
                    $0.kind == "itemQueued" && $0.job == name
                })
            else { throw LoadTestError.host("\(name) left no trace") }
            if index >= warmUp {
                found.append(Double(began - queued.at) - Double((delay ?? Self.quietPeriodSeconds) * 1_000))
            }
        }
        try await emptied(farm)
        found.sort()
        report("\(found.count) \(series) builds: median \(Int(BenchResult.percentile(50, of: found))) ms to the task")
        return found
    }

    private struct Burst {
        /// How long after it might start each build's agent was requested, ascending; a build has its own quiet period.
        var requests: [Double]
        /// From the end of the last quiet period until all were requested, and until all tasks had begun.
        var requested: Double
        var started: Double
        var agents: Int
    }

    /// Many at once: until the framework has an agent on its way for each, until every task has begun, and how many
    /// agents it came to.
    private func burst(_ farm: JenkinsFarm) async throws -> Burst {
        let before = Set(farm.ledger.agentStarts().keys)
        let names = (0..<options.burst).map { "burst-\($0)" }
        for name in names {
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "fresh"), command: farm.ledger.command(seconds: 1)))
        }
        try await withThrowingTaskGroup { group in
            for name in names { group.addTask { try await farm.controller.build(name) } }
            try await group.waitForAll()
        }
        let asked = Set(names)
        let startable = try await farm.controller.events(after: 0)
            .filter { $0.kind == "itemQueued" && asked.contains($0.job) }
            .map { $0.at + Int64(Self.quietPeriodSeconds) * 1_000 }.sorted()
        guard let first = startable.first, let last = startable.last, startable.count == names.count else {
            throw LoadTestError.host("\(startable.count) of \(names.count) builds are queued")
        }
        // Looking would only take the processor's time from those who have to be ready.
        try await Task.sleep(for: .milliseconds(max(0, first - Self.now - 100)))
        var requests = BurstRequests()
        try await until("\(options.burst) agents are requested") {
            let coming = await farm.frameworkState()?.agents.map(\.node) ?? []
            let answered = Self.now
            requests.look(
                coming: coming.filter { !before.contains($0) },
                starts: farm.ledger.agentStarts().filter { !before.contains($0.key) }, at: answered)
            return requests.seenAt.count >= options.burst
        }
        let requested = (requests.seenAt.values.max() ?? last) - last
        try await until("all have ended") {
            names.allSatisfy { name in farm.ledger.lines(of: name).contains { $0.kind == .end } }
        }
        let starts = farm.ledger.agentStarts().filter { !before.contains($0.key) }
        try await emptied(farm)
        return Burst(
            requests: requests.latencies(after: startable), requested: Double(requested),
            started: Double((starts.values.compactMap(\.first).max() ?? last) - last), agents: starts.count)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    // MARK: Polling

    /// With so many builds running.
    private func polling(
        _ farm: JenkinsFarm, jobs: Int, seconds: Int64
    ) async throws -> (cost: PollingCost, nodes: Int) {
        let names = (0..<jobs).map { "long-\($0)" }
        for name in names {
            try await farm.controller.create(
                FarmJob(name, .freestyle(label: "kept"), command: farm.ledger.command(seconds: Double(seconds))))
            try await farm.controller.build(name)
        }
        try await until("all run") { names.allSatisfy { !farm.ledger.lines(of: $0).isEmpty } }
        try await lookedUp(farm)
        let nodes = try await farm.controller.nodes().count
        let cost = try await count(farm)
        for name in names { try await farm.controller.stop(name) }
        return (cost, nodes)
    }

    /// Which build became of an item is asked for once: that is the cost of a build that begins, not of one that runs.
    private func lookedUp(_ farm: JenkinsFarm) async throws {
        var seen = -1
        try await until("all builds are known") {
            let asked = try await farm.controller.events(after: 0).count { $0.request.hasPrefix("GET /queue/item/") }
            defer { seen = asked }
            if asked != seen { try await Task.sleep(for: .seconds(3)) }
            return asked == seen
        }
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
