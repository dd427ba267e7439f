// `mini bench jenkins-day`: a day of a build farm in minutes, while everything that can be killed is.
import DevCluster
import Foundation
import Glibc
import Mailbox
import Resources

/// How large a day is.
public struct JenkinsDayOptions: Sendable {
    public var builds = 3_000
    /// Jobs that Jenkins knows; `nil` for the proportion of the full size, 13,000 to 3,000 builds.
    public var jobs: Int?
    public var burst = 100
    /// How often each victim is killed; `nil` for the proportion of the full size, ten times, and at least once.
    public var kills: Int?
    /// Faults of the controller besides the kills.
    public var faults = 0
    public var agents = 4
    /// The single-use label's `singleUse`: `strict` makes a second build on one of its agents a violation, `true` a figure.
    public var singleUse = Self.singleUseDefault
    public static let singleUseDefault = "strict"
    public var seed: UInt64 = 1
    /// All of it must be over by then.
    public var limit = Duration.seconds(1_800)
    /// The `mini` executable.
    public var executable: String
    /// The practice agent.
    public var agentScript: String

    public init(executable: String, agentScript: String) {
        self.executable = executable
        self.agentScript = agentScript
    }

    var jobCount: Int { max(builds, jobs ?? builds * 13_000 / 3_000) }
    var killCount: Int { kills ?? max(1, (builds * 10 + 1_500) / 3_000) }

    func validate() throws {
        guard (1...100_000).contains(builds) else { throw LoadTestError.invalid("--builds must be 1 to 100000") }
        guard (1...500).contains(burst) else { throw LoadTestError.invalid("--burst must be 1 to 500") }
        guard ["true", "strict"].contains(singleUse) else {
            throw LoadTestError.invalid("--single_use must be true or strict")
        }
        guard (1...20).contains(agents) else { throw LoadTestError.invalid("--agents must be 1 to 20") }
    }
}

/// What a day came to.
public struct JenkinsDayResult: Sendable {
    public var violations: [String]
    /// One line of JSON.
    public var json: String
}

public final class JenkinsDay: Sendable {
    private let options: JenkinsDayOptions
    private let plan: DayPlan
    private let report: @Sendable (String) -> Void
    let progress = Locked(Progress())

    struct Progress {
        var asked: [DayRecord.Ask] = []
        var ended = 0
        var kills: [DayVictim: Int] = [:]
        var faults = 0
        var controllerEnds: [Int64] = []
        var uninvited: [String] = []
        var isOver = false
    }

    /// - Parameter report: Called with each line of progress.
    public init(_ options: JenkinsDayOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
        plan = DayPlan(
            builds: options.builds, jobs: options.jobCount, burst: min(options.burst, options.builds),
            kills: options.killCount, faults: options.faults, seed: options.seed)
    }

    /// - Throws: What keeps the day from being judged.
    public func run() async throws -> JenkinsDayResult {
        try options.validate()
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 3, agents: options.agents, containerizer: .process, basePort: 0,
                executable: options.executable, sessionTimeout: .seconds(2)),
            report: report)
        do {
            let result = try await run(on: cluster)
            let left = await cluster.stop()
            guard left.isEmpty else { throw LoadTestError.host("left behind: \(left.joined(separator: "; "))") }
            return result
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private var farmPlan: FarmPlan {
        var plan = FarmPlan([
            FarmTemplate("linux", "idleTimeout: 4s"),
            FarmTemplate("large", "minExecutors: 1", "maxExecutors: 2", "idleTimeout: 4s"),
            FarmTemplate("once", "singleUse: \(options.singleUse)", "idleTimeout: 10s"),
        ])
        plan.frameworkName = "Jenkins day"
        return plan
    }

    private func run(on cluster: DevCluster) async throws -> JenkinsDayResult {
        let began = ContinuousClock.now
        let farm = try await JenkinsFarm.start(
            farmPlan, named: "day", on: cluster, agentScript: options.agentScript, isServed: false)
        try await createJobs(farm)
        report("\(plan.jobs.count) jobs in \(Self.seconds(.now - began)) s")
        try await farm.framework.start()
        let dayBegan = ContinuousClock.now
        let end = dayBegan + options.limit
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.askForBuilds(farm, until: end) }
            group.addTask { try await self.strike(farm) }
            group.addTask { await self.follow(farm, until: end) }
            // Whoever counts goes on until all has ended that was asked for.
            for _ in 0..<2 { _ = try await group.next() }
            progress.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        let leftovers = try await settle(farm, until: end)
        let duration = ContinuousClock.now - dayBegan
        return try await judge(farm, leftovers: leftovers, duration: duration)
    }

    // MARK: Jobs

    private func createJobs(_ farm: JenkinsFarm) async throws {
        try await inParallel(plan.jobs, width: 8) { job in
            let command = farm.ledger.command(seconds: job.seconds)
            let kind: FarmJob.Kind =
                job.isPipeline ? .pipeline(label: job.label.expression) : .freestyle(label: job.label.expression)
            try await farm.controller.create(FarmJob(job.name, kind, command: command))
        }
    }

    private func inParallel<Element: Sendable>(
        _ elements: [Element], width: Int, _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            var rest = elements[...]
            for _ in 0..<min(width, rest.count) {
                let element = rest.removeFirst()
                group.addTask { try await body(element) }
            }
            while try await group.next() != nil {
                guard let element = rest.popFirst() else { continue }
                group.addTask { try await body(element) }
            }
        }
    }

    // MARK: Builds

    private func askForBuilds(_ farm: JenkinsFarm, until end: ContinuousClock.Instant) async throws {
        var next = 0
        for wave in plan.waves {
            // The next burst comes when the last is nearly done: this host has few cores, and a day has pauses.
            let allowed = wave > 1 ? options.burst / 5 : options.burst
            while outstanding > allowed {
                guard .now < end else {
                    throw LoadTestError.notInTime("\(outstanding) builds had not ended within \(options.limit)")
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            // Builds do not run away from the blows: at most a burst is asked for before the next one is struck.
            while isAhead(at: next) {
                guard .now < end else { throw LoadTestError.notInTime("the kills took longer than \(options.limit)") }
                try await Task.sleep(for: .milliseconds(50))
            }
            let jobs = Array(plan.jobs[next..<next + wave])
            next += wave
            try await inParallel(jobs, width: 16) { try await self.ask(for: $0, farm) }
            if wave == 1 { try await Task.sleep(for: .milliseconds(150)) }
        }
    }

    private func isAhead(at asked: Int) -> Bool {
        let due = plan.events.count { $0.afterBuilds <= asked - options.burst }
        return progress.withLock { $0.kills.values.reduce(0, +) + $0.faults } < due
    }

    private var outstanding: Int { progress.withLock { $0.asked.count - $0.ended } }

    /// Asks once. After a lost answer the controller is asked whether it knows before the request is repeated.
    private func ask(for job: DayPlan.PlannedJob, _ farm: JenkinsFarm) async throws {
        var controller = farm.controller
        // Longer than any freeze: a request that was given up is carried out after it, and perhaps after the question whether
        // it was.
        controller.timeout = .seconds(30)
        let end = ContinuousClock.now + .seconds(120)
        while true {
            do {
                try await controller.build(job.name)
                break
            } catch {
                guard .now < end else { throw error }
                try await Task.sleep(for: .milliseconds(200))
                if (try? await controller.knowsBuild(of: job.name)) == true { break }
            }
        }
        let now = Self.milliseconds
        progress.withLock { $0.asked.append(.init(job: job, at: now)) }
    }

    /// Counts the ends of builds, from the controller's history while it has one and from its builds after it died.
    private func follow(_ farm: JenkinsFarm, until end: ContinuousClock.Instant) async {
        var last = 0
        var ends = 0
        var (shownAt, countedAt) = (ContinuousClock.now, ContinuousClock.now)
        var controllerPid = farm.jenkins.pid
        while !isDone, ContinuousClock.now < end, !Task.isCancelled {
            if ContinuousClock.now - shownAt > .seconds(10) {
                shownAt = .now
                await show(farm)
            }
            // What the history held when the controller died is gone with it; its builds are not.
            let isNew = farm.jenkins.pid != controllerPid
            do {
                if isNew || ContinuousClock.now - countedAt > .seconds(45) {
                    let pid = farm.jenkins.pid
                    last = try await farm.controller.events(after: last).last?.sequence ?? last
                    ends = try await farm.controller.allBuilds().count { $0.result != nil }
                    (controllerPid, countedAt) = (pid, .now)
                } else {
                    let events = try await farm.controller.events(after: last)
                    last = events.last?.sequence ?? last
                    ends += events.count { $0.kind == "buildEnded" }
                }
                let count = ends
                progress.withLock { $0.ended = count }
            } catch {}  // It is down; the next look tells.
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private var isDone: Bool { progress.withLock { $0.isOver && $0.asked.count <= $0.ended } }

    private func show(_ farm: JenkinsFarm) async {
        let (asked, ended, blows) = progress.withLock {
            ($0.asked.count, $0.ended, $0.kills.values.reduce(0, +) + $0.faults)
        }
        let agents = await farm.frameworkState()?.agents.count
        report(
            "\(asked)/\(plan.buildCount) builds asked for, \(ended) ended; "
                + "\(agents.map { "\($0)" } ?? "?") agents; \(blows)/\(plan.events.count) blows")
    }

    // MARK: Blows

    private func strike(_ farm: JenkinsFarm) async throws {
        var random = SplitMix64(seed: options.seed &+ 1)
        for event in plan.events {
            while progress.withLock({ $0.asked.count }) < event.afterBuilds {
                try await Task.sleep(for: .milliseconds(20))
            }
            try await Task.sleep(for: event.delay)
            switch event.blow {
            case .kill(let victim):
                try await kill(victim, farm, downFor: event.lasts, &random)
                progress.withLock { $0.kills[victim, default: 0] += 1 }
            case .fault(let fault):
                try await perform(fault, farm, lasting: event.lasts)
                progress.withLock { $0.faults += 1 }
            }
        }
    }

    private func kill(
        _ victim: DayVictim, _ farm: JenkinsFarm, downFor pause: Duration, _ random: inout SplitMix64
    ) async throws {
        report("\(victim) is killed at \(Self.milliseconds), and dead for \(Self.seconds(pause)) s")
        switch victim {
        case .leader, .agent:
            var process: ClusterProcess?
            if victim == .agent {
                process = farm.cluster.agents.randomElement(using: &random)
            } else {
                for _ in 0..<200 where process == nil {
                    let url = await farm.cluster.leaderURL()
                    process = farm.cluster.masters.first { $0.url == url }
                    if process == nil { try await Task.sleep(for: .milliseconds(100)) }
                }
            }
            guard let process else { throw LoadTestError.master("no master leads") }
            process.kill()
            await process.waitForEnd()
            try await Task.sleep(for: pause)
            try await process.start()
        case .framework:
            await farm.framework.kill()
            try await Task.sleep(for: pause)
            try await farm.framework.start()
        case .jenkins:
            note(controllerEnd: Self.milliseconds)
            await farm.jenkins.kill()
            try await Task.sleep(for: pause)
            try await farm.jenkins.start()
            try await farm.waitForJenkins()
        }
    }

    func note(controllerEnd moment: Int64) { progress.withLock { $0.controllerEnds.append(moment) } }

    // MARK: The end

    /// Waits until every build has ended and nothing is left of any.
    ///
    /// - Returns: What is left all the same.
    private func settle(_ farm: JenkinsFarm, until end: ContinuousClock.Instant) async throws -> [String] {
        let limit = min(end, ContinuousClock.now + .seconds(120))
        var left = ["nothing was looked at"]
        while ContinuousClock.now < limit {
            left = await farm.leftovers()
            if left.isEmpty { return [] }
            try await Task.sleep(for: .milliseconds(200))
        }
        return left
    }

    private func judge(
        _ farm: JenkinsFarm, leftovers: [String], duration: Duration
    ) async throws -> JenkinsDayResult {
        let done = progress.withLock { $0 }
        var record = DayRecord()
        record.asked = done.asked
        record.builds = try await farm.controller.allBuilds()
        record.ledger = farm.ledger.all()
        record.agentStarts = farm.ledger.agentStarts()
        record.controllerEnds = done.controllerEnds
        record.uninvited = done.uninvited
        record.isStrict = options.singleUse == "strict"
        let judgement = DayJudgement(record)
        var violations = judgement.violations + leftovers.map { "left at the end: \($0)" }
        if done.asked.count != plan.buildCount {
            violations.append("\(done.asked.count) of \(plan.buildCount) builds were asked for")
        }
        for process in [farm.jenkins, farm.framework] {
            if let ending = process.ending { violations.append("\(process.name) \(ending): \(process.lastLogLine)") }
        }
        for violation in violations.prefix(50) { report("VIOLATION: \(violation)") }
        let single = record.agentStarts.keys.count { $0.hasPrefix("mj-once-") }
        let percentile = { (percent: Int) in "\(Int(BenchResult.percentile(percent, of: judgement.waits)))" }
        let kills = DayVictim.allCases.map { "\"\($0.rawValue)\": \(done.kills[$0] ?? 0)" }.joined(separator: ", ")
        let fields = [
            ("case", "\"jenkins-day\""), ("seed", "\(options.seed)"), ("jobs", "\(plan.jobs.count)"),
            ("builds", "\(plan.buildCount)"), ("seconds", Self.seconds(duration)), ("ran_once", "\(judgement.ranOnce)"),
            ("lost_with_jenkins", "\(judgement.lostWithController)"), ("resumed_steps", "\(judgement.resumed)"),
            ("agents_started", "\(record.agentStarts.count)"), ("single_use_agents", "\(single)"),
            ("single_use", "\"\(options.singleUse)\""), ("single_use_shared", "\(judgement.sharedAgents)"),
            ("kills", "{\(kills)}"), ("faults", "\(done.faults)"), ("wait_p50_ms", percentile(50)),
            ("wait_p95_ms", percentile(95)), ("wait_p99_ms", percentile(99)),
            ("wait_ms_at_most", WaitHistogram(judgement.waits).json), ("violations", "\(violations.count)"),
        ]
        let json = "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
        return JenkinsDayResult(violations: violations, json: json)
    }

    static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return String(format: "%.1f", Double(seconds) + Double(attoseconds) / 1e18)
    }
}
