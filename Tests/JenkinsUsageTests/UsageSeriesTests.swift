// From samples of a container to what a build used.
import JenkinsUsage
import Testing

@Suite struct UsageSeriesTests {
    private static let mebibyte = 1_048_576.0

    /// A container looked at every second, using so many CPUs in each.
    private func series(_ rates: [Double], memory: [Double] = []) -> UsageSeries {
        var series = UsageSeries()
        var cpu = 100.0
        series.add(UsageSample(time: 1_000, cpuSeconds: cpu, memoryBytes: (memory.first ?? 0) * Self.mebibyte))
        for (second, rate) in rates.enumerated() {
            cpu += rate
            let held = memory.indices.contains(second + 1) ? memory[second + 1] : 0
            series.add(
                UsageSample(time: 1_001 + Double(second), cpuSeconds: cpu, memoryBytes: held * Self.mebibyte))
        }
        return series
    }

    @Test func `the peak is the busiest second, and the p95 leaves the busiest twentieth out`() throws {
        let use = try #require(series(Array(repeating: 0.5, count: 19) + [2]).use)
        #expect(use.cpuPeak == 2)
        #expect(use.cpuP95 == 0.5)
        #expect(use.cpuMean == 0.575)
        #expect(use.samples == 21)
        #expect(use.sampledSeconds == 20)
    }

    @Test func `a steady load is its own peak and p95`() throws {
        let use = try #require(series(Array(repeating: 1.5, count: 30)).use)
        #expect(use.cpuPeak == 1.5)
        #expect(use.cpuP95 == 1.5)
        #expect(use.cpuMean == 1.5)
    }

    @Test func `memory is the most of any sample, the first and the last included`() throws {
        #expect(try #require(series([0, 0], memory: [300, 20, 10]).use).memoryPeak == 300)
        #expect(try #require(series([0, 0], memory: [10, 20, 300]).use).memoryPeak == 300)
    }

    @Test func `what the container used before the build began is not the build's`() throws {
        let use = try #require(series([1]).use)
        #expect(use.cpuMean == 1)
    }

    @Test func `an answer given twice counts once`() throws {
        var twice = UsageSeries()
        for time in [1.0, 2, 2, 3, 3] {
            twice.add(UsageSample(time: time, cpuSeconds: time, memoryBytes: 0))
        }
        let use = try #require(twice.use)
        #expect(use.samples == 3)
        #expect(use.cpuPeak == 1)
    }

    @Test func `two looks within a moment do not make a peak of a clock tick`() throws {
        var series = UsageSeries()
        series.add(UsageSample(time: 1, cpuSeconds: 0, memoryBytes: 0))
        series.add(UsageSample(time: 1.001, cpuSeconds: 0.01, memoryBytes: 5 * Self.mebibyte))
        series.add(UsageSample(time: 2, cpuSeconds: 0.5, memoryBytes: 0))
        let use = try #require(series.use)
        #expect(use.cpuPeak == 0.5)
        #expect(use.memoryPeak == 5)
    }

    @Test func `a pause between samples gives the mean over the pause`() throws {
        var series = UsageSeries()
        series.add(UsageSample(time: 0, cpuSeconds: 0, memoryBytes: 0))
        series.add(UsageSample(time: 10, cpuSeconds: 5, memoryBytes: 0))
        #expect(try #require(series.use).cpuPeak == 0.5)
    }

    @Test func `counters that went back are another container's and give no rate`() throws {
        var series = UsageSeries()
        series.add(UsageSample(time: 1, cpuSeconds: 50, memoryBytes: 0))
        series.add(UsageSample(time: 2, cpuSeconds: 0, memoryBytes: 0))
        series.add(UsageSample(time: 3, cpuSeconds: 1, memoryBytes: 0))
        #expect(try #require(series.use).cpuPeak == 1)
    }

    @Test func `throttled time is that of the build`() throws {
        var series = UsageSeries()
        series.add(UsageSample(time: 1, cpuSeconds: 0, throttledSeconds: 7, memoryBytes: 0))
        series.add(UsageSample(time: 2, cpuSeconds: 1, throttledSeconds: 7.25, memoryBytes: 0))
        #expect(try #require(series.use).throttledSeconds == 0.25)
    }

    @Test func `a record of memory that an earlier build set is not taken for this one's`() throws {
        let look = { (time: Double, now: Double, record: Double) in
            UsageSample(
                time: time, cpuSeconds: 0, memoryBytes: now * Self.mebibyte, memoryPeakBytes: record * Self.mebibyte)
        }
        var second = UsageSeries()
        second.add(look(1, 100, 900))
        second.add(look(2, 200, 900))
        #expect(try #require(second.use).memoryPeakWithCache == nil)

        var breaking = UsageSeries()
        breaking.add(look(1, 100, 900))
        breaking.add(look(2, 950, 1_000))
        #expect(try #require(breaking.use).memoryPeakWithCache == 1_000)
    }

    @Test func `nothing measured is nothing, not zero`() { #expect(UsageSeries().use == nil) }

    @Test func `numbers no agent should send change nothing`() {
        var series = UsageSeries()
        series.add(UsageSample(time: .nan, cpuSeconds: 0, memoryBytes: 0))
        series.add(UsageSample(time: 1, cpuSeconds: .infinity, memoryBytes: 0))
        #expect(series.isEmpty)
    }
}
