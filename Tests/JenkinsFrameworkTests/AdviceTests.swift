// From remembered builds to the sizes the planner is told.
import Foundation
import JenkinsUsage
import Logging
import Mailbox
import MasterDetection
import Resources
import Testing

@testable import JenkinsFramework

@Suite(.timeLimit(.minutes(1))) struct AdviceTests {
    private static func configuration(_ directory: String, _ change: (inout AgentTemplate) -> Void)
        -> JenkinsConfiguration
    {
        let template = AgentTemplate.named("linux") {
            $0.agentCPUs = .zero
            $0.executorCPUs = Scalar(units: 4)
            $0.agentMemory = Scalar(units: 4_096)
            $0.executorMemory = .zero
            $0.memoryOverheadMilli = 0
            change(&$0)
        }
        return JenkinsConfiguration(
            stateDirectory: directory, jenkins: .init(url: "http://127.0.0.1:1"),
            mesos: .init(master: .address(host: "127.0.0.1", port: 1)), planner: PlannerSettings(templates: [template]))
    }

    /// What a ledger says that finds three measured builds of `app` on disk.
    private func advice(_ change: (inout AgentTemplate) -> Void) async throws -> [String: Resources]? {
        let directory = NSTemporaryDirectory() + "advice-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        do {
            let now = Date().timeIntervalSince1970
            let store = try UsageStore.open(directory: directory, at: now).store
            try store.add(
                (1...3).map {
                    BuildRow(
                        url: "u\($0)", node: "n", job: "app", number: $0, template: "linux",
                        startedAt: now - 100 + Double($0), duration: 10, asked: BuildSize(cpus: 4, memory: 4_096),
                        used: BuildUse(
                            cpuPeak: 2, cpuP95: 2, cpuMean: 1, memoryPeak: 2_000, samples: 9, sampledSeconds: 9))
                }, at: now)
        }
        let ledger = FarmLedger(
            Self.configuration(directory, change), credentials: nil, logger: Logger(label: "advice"))
        let (told, teller) = AsyncStream.makeStream(of: [String: Resources].self)
        async let running: Void = ledger.run { advice in
            teller.yield(advice)
            teller.finish()
        }
        // Without advice nothing would ever be told: the ledger is stopped once it has its store.
        let watch = Task {
            while ledger.state.withLock({ $0.store == nil }) { await Task.yield() }
            ledger.stop()
            return
        }
        await watch.value
        await running
        teller.finish()
        return await told.first { _ in true }
    }

    @Test func `with autoSize apply the planner hears what a job used, with head-room`() async throws {
        let told = try await advice { $0.sizing.automatic = .apply }
        #expect(told == ["app": Resources(cpus: Scalar(milli: 2_400), mem: Scalar(units: 2_528))])
    }

    @Test func `with autoSize suggest it hears nothing`() async throws {
        #expect(try await advice { $0.sizing.automatic = .suggest } == nil)
    }

    @Test func `the bounds of the template hold`() async throws {
        let told = try await advice {
            $0.sizing.automatic = .apply
            $0.sizing.cpusMax = Scalar(units: 1)
            $0.sizing.memoryMin = Scalar(units: 3_000)
        }
        #expect(told == ["app": Resources(cpus: Scalar(units: 1), mem: Scalar(units: 3_000))])
    }
}
