// Farms for tests: one cluster for all of them, and for each test its own controller and framework.
import DevCluster
import Foundation
import Glibc
import IntegrationSupport
import LoadTest
import PracticeJenkins
import Processes
import Testing

/// The cluster that the tests of this target share: three masters, so that one of them can be killed. The janitor takes it
/// away when this process ends.
private actor SharedCluster {
    static let shared = SharedCluster()
    private var starting: Task<DevCluster, any Error>?

    func cluster() async throws -> DevCluster {
        let task =
            starting
            ?? Task {
                try await DevCluster.start(
                    ClusterOptions(
                        masters: 3, agents: 3, containerizer: .process, basePort: 0, executable: builtProduct("mini"),
                        sessionTimeout: .seconds(3)))
            }
        starting = task
        return try await task.value
    }
}

/// Lends a farm of its own to `body` and removes it afterwards, whatever happens.
func withFarm(
    _ plan: FarmPlan, isServed: Bool = true, isolation: isolated (any Actor)? = #isolation,
    _ body: (JenkinsFarm) async throws -> Void
) async throws {
    let cluster = try await SharedCluster.shared.cluster()
    try await cluster.waitUntilReady(deadline: .seconds(30))
    var named = plan
    let name = "farm-" + String(UInt32.random(in: .min ... .max), radix: 36)
    named.frameworkName = name
    let farm = try await JenkinsFarm.start(
        named, named: name, on: cluster, agentScript: PracticeAgentScript.text, controller: RealJenkins.ofThisRun,
        isServed: isServed)
    do {
        try await body(farm)
        await farm.remove()
    } catch {
        let lines = await farm.frameworkLines().suffix(30).joined(separator: "\n")
        let end = farm.framework.ending.map { "it \($0): \(farm.framework.lastLogLine)" } ?? ""
        Issue.record("the framework's last words:\n\(lines)\n\(end)")
        await farm.remove()
        throw error
    }
}

/// Runs scenarios at the same time: each has a farm of its own, and what they do most is wait.
func atOnce<Scenario: Sendable>(
    _ scenarios: [Scenario], _ run: @escaping @Sendable (Scenario) async throws -> Void
) async {
    await withTaskGroup { group in
        for scenario in scenarios {
            group.addTask {
                do {
                    try await run(scenario)
                } catch {
                    Issue.record("\(scenario): \(error)")
                }
            }
        }
    }
}

/// A controller that exists, by `make test-real-jenkins`.
enum RealJenkins {
    static let ofThisRun: ExternalController? = {
        let environment = ProcessInfo.processInfo.environment
        guard let url = environment["REAL_JENKINS_URL"], let user = environment["REAL_JENKINS_USER"],
            let file = environment["REAL_JENKINS_TOKEN_FILE"]
        else { return nil }
        return ExternalController(url: url, user: user, tokenFile: file)
    }()

    /// Whether tests have a controller that does what tests ask of it.
    static var isPractice: Bool { ofThisRun == nil }
    /// How long a build may take: a real controller's agents are Java programs.
    static var patience: Duration { isPractice ? .seconds(60) : .seconds(300) }
}

extension JenkinsFarm {
    /// Creates a freestyle job whose builds tell when they ran.
    func createJob(_ name: String, label: String?, seconds: Double = 0.2, isConcurrent: Bool = false) async throws {
        try await create(
            FarmJob(
                name, .freestyle(label: label), command: ledger.command(seconds: seconds), isConcurrent: isConcurrent))
    }

    /// Queues a build of each job.
    func build(_ jobs: [String]) async throws {
        for job in jobs { try await controller.build(job, delaySeconds: 0) }
    }

    func build(_ jobs: String...) async throws { try await build(jobs) }

    /// Waits for the end of a job's build.
    func end(of job: String, _ number: Int = 1, within limit: Duration = RealJenkins.patience) async throws -> FarmBuild
    {
        try await eventually("\(job) #\(number) ends", within: limit) {
            try await controller.builds(of: job).first { $0.number == number && $0.result != nil }
        }
    }

    /// Waits until a build's script runs.
    ///
    /// - Returns: The node.
    @discardableResult
    func start(of job: String, _ number: Int = 1, within limit: Duration = RealJenkins.patience) async throws -> String
    {
        try await eventually("\(job) #\(number) runs", within: limit) { ledger.lines(of: job, number).first?.node }
    }

    /// Waits until nothing is left of any build.
    func expectIdle(within limit: Duration = RealJenkins.patience, _ sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let deadline = ContinuousClock.now + limit
        var left = await leftovers()
        while !left.isEmpty, .now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            left = await leftovers()
        }
        #expect(left == [], sourceLocation: sourceLocation)
    }

    /// Nodes of agents that were ever created; of the practice controller only.
    func nodesCreated() async throws -> [String] {
        try await controller.events(after: 0).filter {
            $0.kind == "nodeCreated" && $0.node.hasPrefix("mj-") && !$0.node.hasPrefix("mj-beacon-")
        }.map(\.node)
    }

    /// Waits until an agent of the framework is in a state.
    func agent(in state: String, within limit: Duration = .seconds(30)) async throws -> FrameworkState.Agent {
        try await eventually("an agent is \(state)", within: limit) {
            await frameworkState()?.agents.first { $0.state == state }
        }
    }
}
