// What the next build should ask for.
import JenkinsUsage
import Testing

@Suite struct SizeSuggestionTests {
    private let rule = SuggestionRule()

    private func row(
        _ number: Int, p95: Double = 0.5, memory: Double = 400, throttled: Double = 0, isShared: Bool = false,
        outOfMemory: Bool = false, asked: BuildSize = BuildSize(cpus: 2, memory: 1_024)
    ) -> BuildRow {
        BuildRow(
            url: "http://ci/job/app/\(number)/", node: "n\(number)", job: "app", number: number,
            template: "linux", result: "SUCCESS", startedAt: Double(number) * 1_000, duration: 3_600,
            asked: asked, isShared: isShared,
            used: BuildUse(
                cpuPeak: p95, cpuP95: p95, cpuMean: p95, memoryPeak: memory, throttledSeconds: throttled, samples: 60,
                sampledSeconds: 60), wasOutOfMemory: outOfMemory)
    }

    @Test func `a job gets what its builds used and some head-room, rounded up`() throws {
        let suggestion = try #require(rule.suggest(from: (1...5).map { row($0) }))
        #expect(suggestion.size == BuildSize(cpus: 0.6, memory: 512))
        #expect(suggestion.builds == 5)
    }

    @Test func `one build in twenty may be greater than the rest`() throws {
        let rows = (1...19).map { row($0) } + [row(20, p95: 8, memory: 9_000)]
        #expect(try #require(rule.suggest(from: rows)).size == BuildSize(cpus: 0.6, memory: 512))
    }

    @Test func `only the last twenty builds count`() throws {
        let rows = (1...30).map { row($0, p95: 4, memory: 4_000) } + (31...50).map { row($0) }
        #expect(try #require(rule.suggest(from: rows)).size == BuildSize(cpus: 0.6, memory: 512))
    }

    @Test func `two builds are too few`() { #expect(rule.suggest(from: [row(1), row(2)]) == nil) }

    @Test func `builds that shared their agent say nothing`() {
        #expect(rule.suggest(from: (1...10).map { row($0, isShared: true) }) == nil)
    }

    @Test func `after an end for want of memory the next build asks for more than that one had`() throws {
        let rows = [row(1, outOfMemory: true)]
        let suggestion = try #require(rule.suggest(from: rows))
        #expect(suggestion.size.memory == 1_536)
        #expect(suggestion.stepsUpMemory)

        let again = rows + [row(2, outOfMemory: true, asked: BuildSize(cpus: 2, memory: 1_536))]
        #expect(try #require(rule.suggest(from: again)).size.memory == 2_304)
    }

    @Test func `a build that was never measured and ran out of memory keeps its CPUs`() throws {
        var killed = row(1, outOfMemory: true)
        killed.used = nil
        #expect(try #require(rule.suggest(from: [killed])).size == BuildSize(cpus: 2, memory: 1_536))
    }

    @Test func `a build held up by its quota shows no upper end, so it gets more than it had`() throws {
        let asked = BuildSize(cpus: 1, memory: 1_024)
        let rows = (1...3).map { row($0, p95: 1, throttled: 20, asked: asked) }
        let suggestion = try #require(rule.suggest(from: rows))
        #expect(suggestion.size.cpus == 1.5)
        #expect(suggestion.stepsUpCPUs)
    }

    @Test func `bounds hold whatever was used`() throws {
        var bounded = rule
        bounded.least = BuildSize(cpus: 1, memory: 1_000)
        bounded.most = BuildSize(cpus: 2, memory: 2_000)
        #expect(
            try #require(bounded.suggest(from: (1...3).map { row($0, p95: 0.01, memory: 1) })).size == bounded.least)
        #expect(
            try #require(bounded.suggest(from: (1...3).map { row($0, p95: 50, memory: 90_000) })).size == bounded.most)
    }

    // MARK: - Reports

    @Test func `the savings are what the builds remembered would have left free`() throws {
        let report = UsageReport((1...4).map { row($0) }) { _ in SuggestionRule() }
        let job = try #require(report.jobs.first)
        #expect(job.builds == 4)
        #expect(job.used == BuildSize(cpus: 0.5, memory: 400))
        // Four hours of 2 - 0.6 CPUs and of 1024 - 512 MiB.
        #expect(abs(job.savedCPUHours - 5.6) < 1e-9)
        #expect(abs(job.savedGiBHours - 2) < 1e-9)
        #expect(report.savedCPUHours == job.savedCPUHours)
    }

    @Test func `the job that saves most stands first`() {
        var rows = (1...3).map { row($0) }
        rows += (1...9).map {
            var other = row($0)
            other.job = "big"
            return other
        }
        #expect(UsageReport(rows) { _ in SuggestionRule() }.jobs.map(\.job) == ["big", "app"])
    }

    @Test func `a template whose last ten builds used under half of the request is named`() throws {
        let asked = BuildSize(cpus: 2, memory: 1_024)
        let report = UsageReport((1...10).map { row($0, p95: 0.511, memory: 900, asked: asked) }) { _ in
            SuggestionRule()
        }
        let found = try #require(report.oversized.first)
        #expect(report.oversized.count == 1)
        #expect(found.template == "linux")
        #expect(found.resource == "cpus")
        #expect((found.asked, found.used) == (2, 0.511))
    }

    @Test func `nine builds, or one that used half, name no template`() {
        #expect(UsageReport((1...9).map { row($0) }) { _ in SuggestionRule() }.oversized.isEmpty)
        let rows = (1...9).map { row($0) } + [row(10, p95: 1, memory: 512)]
        #expect(UsageReport(rows) { _ in SuggestionRule() }.oversized.isEmpty)
    }
}
