// What `/metrics` says, and what agents' statistics are read as.
import JenkinsUsage
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct FarmMetricsTests {
    private func text(_ farm: WatchedFarm, _ metrics: FarmMetrics = FarmMetrics()) -> String {
        FarmReading(
            status: farm.planner.status(at: farm.now), waiting: farm.explanations, phases: farm.phases,
            metrics: metrics, traffic: ["poll": .init(requests: 12, bytes: 3_400)], now: farm.now.wall
        ).prometheus
    }

    @Test func `waiting items are counted by reason, and unserved ones by label`() {
        var farm = WatchedFarm([.named("linux")])
        farm.poll([farm.item(1, "windows"), farm.item(2, "say \"hi\"")])
        let lines = text(farm).split(separator: "\n")
        #expect(lines.contains("mini_jenkins_waiting_items{reason=\"unserved\"} 2"))
        #expect(lines.contains("mini_jenkins_waiting_items{reason=\"no_offer\"} 0"))
        #expect(lines.contains("mini_jenkins_unserved_items{label=\"windows\"} 1"))
    }

    @Test func `phases are histograms in seconds`() {
        let farm = WatchedFarm([.named("linux")])
        var metrics = FarmMetrics()
        metrics.add(
            BuildRow(
                url: "u", node: "n", job: "j", number: 1, result: "SUCCESS",
                phases: PhaseTimes(queued: 0.2, offered: 0.5, ran: 42)))
        let lines = text(farm, metrics).split(separator: "\n")
        #expect(lines.contains("# TYPE mini_jenkins_build_phase_seconds histogram"))
        #expect(lines.contains("mini_jenkins_build_phase_seconds_bucket{phase=\"ran\",le=\"30\"} 0"))
        #expect(lines.contains("mini_jenkins_build_phase_seconds_bucket{phase=\"ran\",le=\"60\"} 1"))
        #expect(lines.contains("mini_jenkins_build_phase_seconds_sum{phase=\"ran\"} 42"))
        #expect(lines.contains("mini_jenkins_build_wait_seconds_sum 0.7"))
        #expect(lines.contains("mini_jenkins_builds_total{result=\"SUCCESS\"} 1"))
    }

    @Test func `every metric has its help and its type, once`() {
        let lines = text(WatchedFarm([.named("linux")])).split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE") }.map { $0.split(separator: " ")[2] }
        #expect(Set(types).count == types.count)
        let helps = lines.filter { $0.hasPrefix("# HELP") }.map { $0.split(separator: " ")[2] }
        #expect(helps == types)
        #expect(lines.contains("mini_jenkins_single_use_violations_total 0"))
        #expect(lines.contains("mini_jenkins_controller_requests_total{purpose=\"poll\"} 12"))
        #expect(lines.contains("mini_jenkins_controller_response_bytes_total{purpose=\"poll\"} 3400"))
    }

    @Test func `statistics of an agent are read by task`() throws {
        let body = """
            [{"executor_id":"mj-linux-1","framework_id":"f","source":"mj-linux-1","statistics":{"timestamp":12.5,
            "cpus_user_time_secs":3.5,"cpus_system_time_secs":0.5,"cpus_throttled_time_secs":0.25,
            "mem_rss_bytes":1048576,"mem_total_bytes":2097152,"mem_peak_bytes":3145728,
            "mem_oom_kills":2}},
            {"executor_id":"other","statistics":{"timestamp":1}}]
            """
        let samples = try ContainerStatistics.samples(Array(body.utf8))
        #expect(
            samples == [
                "mj-linux-1": UsageSample(
                    time: 12.5, cpuSeconds: 4, throttledSeconds: 0.25, memoryBytes: 1_048_576,
                    memoryPeakBytes: 3_145_728, memoryKills: 2)
            ])
        #expect(throws: (any Error).self) { try ContainerStatistics.samples(Array("<html>".utf8)) }
    }

    @Test func `without bounds of its own a template keeps suggestions between a quarter and four times its size`() {
        let template = AgentTemplate.named("linux") {
            $0.agentCPUs = .zero
            $0.executorCPUs = Scalar(units: 2)
            $0.agentMemory = Scalar(units: 1_000)
            $0.executorMemory = .zero
            $0.memoryOverheadMilli = 0
            $0.sizing.cpusMax = Scalar(units: 3)
        }
        let rule = SuggestionRule(template)
        #expect(rule.least == BuildSize(cpus: 0.5, memory: 250))
        #expect(rule.most == BuildSize(cpus: 3, memory: 4_000))
    }
}
