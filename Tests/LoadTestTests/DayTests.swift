// What a day of a build farm is drawn from, and how it is judged.
import Testing

@testable import LoadTest

struct DayPlanTests {
    @Test func `the same seed draws the same day, another one another`() {
        let day = DayPlan(builds: 300, jobs: 1_300, burst: 100, kills: 2, seed: 7)
        let again = DayPlan(builds: 300, jobs: 1_300, burst: 100, kills: 2, seed: 7)
        let other = DayPlan(builds: 300, jobs: 1_300, burst: 100, kills: 2, seed: 8)
        #expect(day.jobs == again.jobs && day.waves == again.waves && day.events == again.events)
        #expect(day.jobs != other.jobs)
    }

    @Test(arguments: [1, 7, 100, 300, 3_000])
    func `every build is asked for once, every victim is killed as often as planned`(builds: Int) {
        let day = DayPlan(builds: builds, jobs: builds * 13 / 3, burst: min(100, builds), kills: 3, faults: 5, seed: 1)
        #expect(day.buildCount == builds)
        #expect(day.jobs.count == max(builds, builds * 13 / 3))
        #expect(Set(day.jobs.map(\.name)).count == day.jobs.count)
        for victim in DayVictim.allCases { #expect(day.events.count { $0.blow == .kill(victim) } == 3) }
        #expect(day.events.count == 3 * DayVictim.allCases.count + 5)
        #expect(day.events.map(\.afterBuilds) == day.events.map(\.afterBuilds).sorted())
        #expect(day.events.allSatisfy { $0.afterBuilds < max(builds, 2) })
    }

    @Test func `the full day has bursts of a hundred and all three labels`() {
        let day = DayPlan(builds: 3_000, jobs: 13_000, burst: 100, kills: 10, seed: 1)
        #expect(day.waves.count { $0 == 100 } >= 20)
        for label in DayPlan.Label.allCases {
            #expect(day.jobs.prefix(3_000).count { $0.label == label } > 500)
        }
    }

    @Test func `a part of the day is killed in proportion, and at least once`() {
        var options = JenkinsDayOptions(executable: "", agentScript: "")
        #expect(options.killCount == 10 && options.jobCount == 13_000)
        options.builds = 300
        #expect(options.killCount == 1 && options.jobCount == 1_300)
        options.builds = 20
        #expect(options.killCount == 1)
    }
}

struct DayJudgementTests {
    private let job = DayPlan.PlannedJob(name: "job-1", label: .linux, isPipeline: false, seconds: 1)
    private let ran = [
        LedgerLine(.start, node: "mj-linux-1", at: 2_000), LedgerLine(.end, node: "mj-linux-1", at: 3_000),
    ]

    private func build(_ result: String?, from start: Int64 = 1_900, for duration: Int64 = 1_200) -> FarmBuild {
        FarmBuild(
            job: "job-1", number: 1, result: result, node: "mj-linux-1", startedAt: start,
            durationMilliseconds: duration)
    }

    private func record(_ build: FarmBuild, _ lines: [LedgerLine]) -> DayRecord {
        var record = DayRecord()
        record.asked = [.init(job: job, at: 1_500)]
        record.builds = [build]
        record.ledger = ["job-1.1": lines]
        record.agentStarts = ["mj-linux-1": [1_000]]
        return record
    }

    @Test func `a build that ran once on its label is in order, and its wait is counted from the quiet period's end`() {
        let judgement = DayJudgement(record(build("SUCCESS"), ran))
        #expect(judgement.violations == [])
        #expect(judgement.ranOnce == 1)
        #expect(judgement.waits == [400])
    }

    @Test func `a build that ran twice is a violation, whatever Jenkins says of it`() {
        #expect(!DayJudgement(record(build("SUCCESS"), ran + ran)).violations.isEmpty)
        #expect(!DayJudgement(record(build("FAILURE"), ran + ran)).violations.isEmpty)
    }

    @Test func `success without a run to the end is a violation`() {
        #expect(!DayJudgement(record(build("SUCCESS"), [])).violations.isEmpty)
        #expect(!DayJudgement(record(build("SUCCESS"), [ran[0]])).violations.isEmpty)
    }

    @Test func `a failed build is lost with its controller if that died meanwhile, and a violation if not`() {
        var record = record(build("FAILURE"), [ran[0]])
        #expect(DayJudgement(record).violations.count == 1)
        record.controllerEnds = [2_500]
        let judgement = DayJudgement(record)
        #expect(judgement.violations == [])
        #expect(judgement.lostWithController == 1 && judgement.ranOnce == 0)
        record.controllerEnds = [9_000]
        #expect(DayJudgement(record).violations.count == 1)
    }

    @Test func `a build on an agent of another label is a violation`() {
        let lines = ran.map { LedgerLine($0.kind, node: "mj-once-1", at: $0.at) }
        #expect(DayJudgement(record(build("SUCCESS"), lines)).violations.count == 1)
    }

    @Test func `a build that never ended, was never made, or was made twice is a violation`() {
        #expect(DayJudgement(record(build(nil), [ran[0]])).violations.count == 1)
        var none = record(build("SUCCESS"), ran)
        none.builds = []
        #expect(DayJudgement(none).violations.count == 1)
        none.builds = [build("SUCCESS"), build("SUCCESS")]
        #expect(DayJudgement(none).violations.count == 1)
    }

    @Test func `a step that its restarted controller ran again is resumed, but not without a restart`() {
        var record = record(build("SUCCESS"), [ran[0]] + ran)
        record.asked[0].job.isPipeline = true
        #expect(DayJudgement(record).violations.count == 1)
        record.controllerEnds = [2_500]
        let judgement = DayJudgement(record)
        #expect(judgement.violations == [] && judgement.resumed == 1)
    }

    @Test func `a single-use agent that ran two builds is a violation of a strict label, a figure of another`() {
        var record = DayRecord()
        for number in 1...2 {
            let job = DayPlan.PlannedJob(name: "job-\(number)", label: .once, isPipeline: false, seconds: 1)
            record.asked.append(.init(job: job, at: 0))
            record.builds.append(
                FarmBuild(
                    job: job.name, number: 1, result: "SUCCESS", node: "mj-once-1", startedAt: 0,
                    durationMilliseconds: 1))
            record.ledger["\(job.name).1"] = ran.map { LedgerLine($0.kind, node: "mj-once-1", at: $0.at) }
        }
        let violations = DayJudgement(record).violations
        #expect(violations.count == 1)
        for part in ["single-use agent mj-once-1 ran job-1.1 (start \(ran[0].at), ", "job-2.1 (start"] {
            #expect(violations.first?.contains(part) == true, "\(violations)")
        }
        record.isStrict = false
        let judgement = DayJudgement(record)
        #expect(judgement.violations == [] && judgement.sharedAgents == 1)
    }

    @Test func `an agent whose task began twice and a build nobody asked for are violations`() {
        var record = record(build("SUCCESS"), ran)
        record.agentStarts["mj-linux-1"] = [1_000, 1_100]
        record.ledger["job-9.1"] = ran
        #expect(DayJudgement(record).violations.count == 2)
    }

    @Test func `waits are counted in classes`() {
        let histogram = WaitHistogram([10, 250, 251, 40_000])
        #expect(histogram.counts == [2, 1, 0, 0, 0, 0, 0, 1])
        #expect(histogram.json.hasPrefix("{\"250\": 2, \"500\": 1,"))
        #expect(histogram.json.hasSuffix("\"more\": 1}"))
    }

    @Test func `a line that a build did not finish writing is left out`() {
        #expect(LedgerLine("start mj-linux-1 1700000000123")?.at == 1_700_000_000_123)
        #expect(LedgerLine("start mj-linux") == nil)
        #expect(LedgerLine("begin mj-linux-1 17") == nil)
    }
}
