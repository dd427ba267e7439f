// Whether a day was in order: every build once, on an agent of its label, and single-use agents used once. Pure.

/// What is known at the end of a day.
struct DayRecord: Sendable {
    struct Ask: Hashable, Sendable {
        var job: DayPlan.PlannedJob
        /// When the controller had taken the request, in milliseconds since the Unix epoch.
        var at: Int64
    }

    var asked: [Ask] = []
    /// Jobs whose builds test control put onto nodes that were about to be drained, if it came to that.
    var uninvited: [String] = []
    /// As the controller has them at the end.
    var builds: [FarmBuild] = []
    /// By `job.number`, as the builds told themselves.
    var ledger: [String: [LedgerLine]] = [:]
    var agentStarts: [String: [Int64]] = [:]
    /// When the controller died or restarted.
    var controllerEnds: [Int64] = []
    /// How long a build waits before it may start, which is nobody's fault.
    var quietMilliseconds: Int64 = 100
    /// Whether the single-use label promises (`strict`) or tries (`true`) that no build meets a used agent.
    var isStrict = true
}

struct DayJudgement: Sendable {
    private(set) var violations: [String] = []
    private(set) var ranOnce = 0
    /// Freestyle builds that died with their controller, which counts them as failed: they are not run again.
    private(set) var lostWithController = 0
    /// Pipeline steps that a restarted controller had its agent run again, as the practice controller does.
    private(set) var resumed = 0
    /// Single-use agents that ran more than one build.
    private(set) var sharedAgents = 0
    /// Milliseconds from the end of the quiet period to the build's first command, ascending.
    private(set) var waits: [Double] = []

    init(_ record: DayRecord) {
        var byJob: [String: [FarmBuild]] = [:]
        for build in record.builds { byJob[build.job, default: []].append(build) }
        for ask in record.asked { judge(ask, byJob[ask.job.name] ?? [], record) }
        let asked = Set(record.asked.map { "\($0.job.name).1" })
        let uninvited = Set(record.uninvited.map { "\($0).1" })
        for name in record.ledger.keys.sorted() where !asked.contains(name) && !uninvited.contains(name) {
            violations.append("\(name) ran, but was never asked for")
        }
        for job in record.uninvited { judgeUninvited(job, byJob[job] ?? [], record) }
        judgeAgents(record)
        waits.sort()
    }

    private mutating func judge(_ ask: DayRecord.Ask, _ builds: [FarmBuild], _ record: DayRecord) {
        let name = ask.job.name
        guard builds.count == 1, let build = builds.first else {
            violations.append("\(name) has \(builds.count) builds instead of one")
            return
        }
        let lines = record.ledger["\(name).\(build.number)"] ?? []
        let starts = lines.filter { $0.kind == .start }
        let ends = lines.count { $0.kind == .end }
        let isCut = Self.isCut(build, record)
        if let first = starts.first {
            waits.append(Double(max(0, first.at - ask.at - record.quietMilliseconds)))
        }
        for start in starts where !start.node.hasPrefix("mj-\(ask.job.label.rawValue)-") {
            violations.append("\(name) asks for \(ask.job.label.expression) and ran on \(start.node)")
        }
        let runsMax = ask.job.isPipeline && isCut ? 1 + record.controllerEnds.count : 1
        if starts.count > runsMax { violations.append("\(name) ran \(starts.count) times: \(lines)") }
        switch build.result {
        case "SUCCESS":
            if ends < 1 || starts.isEmpty {
                violations.append("\(name) succeeded without running to its end: \(lines)")
            }
            if starts.count > 1 { resumed += 1 }
            ranOnce += 1
        case nil:
            violations.append("\(name) still runs on \(build.node)")
        case let result? where isCut:
            if ask.job.isPipeline {
                violations.append("pipeline \(name) did not outlive its controller: \(result)")
            } else {
                lostWithController += 1
            }
        case let result?:
            violations.append(
                "\(name) ended as \(result) on \(build.node) from \(build.startedAt) to "
                    + "\(build.startedAt + build.durationMilliseconds), and no controller died meanwhile: \(lines)")
        }
    }

    /// A node that is busy when it is about to be removed must stay until its build has ended.
    private mutating func judgeUninvited(_ job: String, _ builds: [FarmBuild], _ record: DayRecord) {
        guard let build = builds.first else { return }
        let lines = record.ledger["\(job).1"] ?? []
        if lines.count(where: { $0.kind == .start }) > 1 { violations.append("\(job) ran more than once: \(lines)") }
        if build.result != "SUCCESS", !Self.isCut(build, record) {
            violations.append("\(job), which came between idle and drained, ended as \(build.result ?? "nothing yet")")
        }
    }

    /// A build that dies with its controller is given an end by the next one, after that moment.
    private static func isCut(_ build: FarmBuild, _ record: DayRecord) -> Bool {
        record.controllerEnds.contains {
            $0 >= build.startedAt - 200 && $0 <= build.startedAt + build.durationMilliseconds + 200
        }
    }

    private mutating func judgeAgents(_ record: DayRecord) {
        for (node, starts) in record.agentStarts.sorted(by: { $0.key < $1.key }) where starts.count > 1 {
            violations.append("agent \(node) was started \(starts.count) times")
        }
        var users: [String: Set<String>] = [:]
        for (build, lines) in record.ledger {
            for line in lines where line.kind == .start { users[line.node, default: []].insert(build) }
        }
        for (node, builds) in users.sorted(by: { $0.key < $1.key })
        where node.hasPrefix("mj-\(DayPlan.Label.once.rawValue)-") && builds.count > 1 {
            sharedAgents += 1
            guard record.isStrict else { continue }
            let times = builds.sorted().map { build in
                let lines = record.ledger[build] ?? []
                return "\(build) (\(lines.map { "\($0.kind) \($0.at)" }.joined(separator: ", ")))"
            }
            violations.append("single-use agent \(node) ran \(times.joined(separator: ", "))")
        }
    }
}

/// How long builds waited, in classes that people can read.
struct WaitHistogram: Hashable, Sendable {
    static let limits: [Double] = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
    /// One more than limits: the last is everything above.
    let counts: [Int]

    init(_ waits: [Double]) {
        var counts = Array(repeating: 0, count: Self.limits.count + 1)
        for wait in waits { counts[Self.limits.firstIndex { wait <= $0 } ?? Self.limits.count] += 1 }
        self.counts = counts
    }

    /// `"250": 12, …, "more": 0`.
    var json: String {
        let names = Self.limits.map { "\(Int($0))" } + ["more"]
        return "{" + zip(names, counts).map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }
}
