// `mini bench agent`: what an agent adds to the tasks it runs, in time, processor time and memory.
import DevCluster
import Foundation
import Mailbox
import MesosProtocol
import Resources

public struct AgentBenchOptions: Sendable {
    /// What is measured; each prints its own lines.
    public enum Case: String, CaseIterable, Sendable {
        /// One short command after another: how long until the framework hears of it.
        case latency
        /// Many short commands at once.
        case rate
        /// A container through the agent and a bare one, in turn.
        case docker
        /// Many short containers through the agent, and as many straight from the engine.
        case containers
        /// An agent without tasks, then with many that sleep.
        case idle
    }

    public var cases: [Case] = Case.allCases
    /// The `mini` executable whose master and agent are measured.
    public var executable: String
    /// How often a single launch is timed, for `latency` and `docker`.
    public var samples = 200
    /// Short commands for `rate`.
    public var commands = 3_000
    /// Short containers for `containers`.
    public var containers = 500
    /// Sleeping tasks for `idle`.
    public var sleepers = 100
    /// How long an idle agent's processor time is watched.
    public var idleTime = Duration.seconds(30)
    /// An image of the engine that has `sh`, `true` and `sleep`.
    public var image: String
    public var dockerSocket = "/var/run/docker.sock"

    public init(executable: String, image: String) {
        self.executable = executable
        self.image = image
    }

    public var needsDocker: Bool { cases.contains(.docker) || cases.contains(.containers) || cases.contains(.idle) }
}

/// Starts a master and one agent as processes of their own, and launches tasks as any framework would.
public struct AgentBench: Sendable {
    let options: AgentBenchOptions
    private let report: @Sendable (String) -> Void

    /// - Parameter report: Called with each line: a JSON object.
    public init(_ options: AgentBenchOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
    }

    /// - Throws: The first thing that makes the measurement pointless.
    public func run() async throws {
        let numbers = [options.samples, options.commands, options.containers, options.sleepers]
        guard numbers.allSatisfy({ $0 > 0 }) else { throw LoadTestError.invalid("every count must be at least 1") }
        // What they have written goes only when everything is measured: a file system without a journal looks past each
        // inode that was freed within the last minutes whenever it makes a file, so that one case would slow the next.
        let used = Locked<[MeasuredAgent]>([])
        let result: Result<Void, any Error>
        do {
            for name in options.cases { try await run(name, used) }
            result = .success(())
        } catch { result = .failure(error) }
        for agent in used.withLock({ $0 }) { await agent.clearAway() }
        try result.get()
    }

    private func run(_ name: AgentBenchOptions.Case, _ used: Locked<[MeasuredAgent]>) async throws {
        switch name {
        case .latency: try await withAgent(used) { try await latency($0) }
        case .rate: try await withAgent(used) { try await rate($0) }
        case .docker: try await withAgent(used) { try await dockerPairs($0) }
        case .containers: try await withAgent(used) { try await containerRate($0) }
        case .idle:
            try await withAgent(used) { try await idle($0, docker: false) }
            try await withAgent(used) { try await idle($0, docker: true) }
        }
    }

    func show(_ result: BenchResult) { report(result.line) }

    private func withAgent(
        _ used: Locked<[MeasuredAgent]>, _ body: (MeasuredAgent) async throws -> Void
    ) async throws {
        let agent = try await MeasuredAgent.start(options)
        used.withLock { $0.append(agent) }
        try await body(agent)
        try await agent.stop()
    }

    // MARK: Processes

    private func latency(_ agent: MeasuredAgent) async throws {
        for number in 0..<20 { _ = try await agent.runOne("warm-\(number)", .command("true")) }
        var runs: [TaskTimes] = []
        let before = agent.processorSeconds
        for number in 0..<options.samples { runs.append(try await agent.runOne("task-\(number)", .command("true"))) }
        let spent = agent.processorSeconds - before
        let running = runs.map { $0.running - $0.accepted }
        let finished = runs.map { $0.ended - $0.accepted }
        show(BenchResult("process-running", unit: "ms", running.map { $0 * 1e3 }, atMost: 5))
        show(BenchResult("process-finished", unit: "ms", finished.map { $0 * 1e3 }, atMost: 10))
        show(
            BenchResult("process-cpu-one-by-one", unit: "ms", value: spent / Double(options.samples) * 1e3, atMost: 5))
    }

    private func rate(_ agent: MeasuredAgent) async throws {
        for number in 0..<20 { _ = try await agent.runOne("warm-\(number)", .command("true")) }
        let before = agent.processorSeconds
        let start = MonotonicClock.seconds
        let count = options.commands
        try await agent.runMany((0..<count).map { "task-\($0)" }, .command("true"), atOnce: 500)
        let seconds = MonotonicClock.seconds - start
        let spent = agent.processorSeconds - before
        show(BenchResult("process-rate", unit: "per second", value: Double(count) / seconds, atLeast: 300))
        // Of the agent and of everything it started: supervisors, shells and the commands themselves.
        show(BenchResult("process-cpu", unit: "ms", value: spent / Double(count) * 1e3, atMost: 5))
    }

    // MARK: Idle

    private func idle(_ agent: MeasuredAgent, docker: Bool) async throws {
        let kind = docker ? "containers" : "processes"
        let count = options.sleepers
        // Ten seconds after its start it gives back what only the start has used.
        try await Task.sleep(for: .seconds(15))
        let alone = try await agent.rest(options.idleTime)
        if !docker {
            show(BenchResult("idle-memory", unit: "MB", value: Double(alone.resident) / 1e6, atMost: 25))
            show(BenchResult("idle-cpu", unit: "% of a core", value: alone.share * 100, atMost: 0.1))
        }
        let work: TaskWork = docker ? .container(options.image, ["sleep", "3600"]) : .command("exec sleep 3600")
        try await agent.launchMany((0..<count).map { "sleeper-\($0)" }, work)
        try await Task.sleep(for: .seconds(5))
        let full = try await agent.rest(options.idleTime)
        show(
            BenchResult(
                "\(count)-\(kind)-memory-each", unit: "kB",
                value: Double(full.resident - alone.resident) / Double(count) / 1e3, atMost: 40))
        show(
            BenchResult(
                "\(count)-\(kind)-own-memory-each", unit: "kB",
                value: Double(full.anonymous - alone.anonymous) / Double(count) / 1e3))
        show(BenchResult("\(count)-\(kind)-cpu", unit: "% of a core", value: full.share * 100, atMost: 0.5))
    }
}
