// The controller, the framework, a master and a host fail while builds run.
import DevCluster
import Glibc
import IntegrationSupport
import LoadTest
import Testing

@Suite(.serialized, .timeLimit(.minutes(8)))
struct FaultTests {
    private let linux = FarmPlan([FarmTemplate("linux", "idleTimeout: 1s")])

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a controller that freezes keeps its agent and its build, and no second one is started`() async throws {
        try await withFarm(linux) { farm in
            try await farm.createJob("app", label: "linux", seconds: 2)
            try await farm.build("app")
            try await farm.start(of: "app")
            try await farm.controller.control("action=freeze&seconds=4")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            #expect(try await farm.nodesCreated().count == 1)
            try await farm.createJob("next", label: "linux")
            try await farm.build("next")
            #expect(try await farm.end(of: "next").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a controller killed under builds loses the freestyle one, and the pipeline's step resumes on its own node`()
        async throws
    {
        try await withFarm(linux) { farm in
            try await farm.createJob("app", label: "linux", seconds: 8)
            try await farm.create(
                FarmJob("flow", .pipeline(label: "linux"), command: farm.ledger.command(seconds: 3)))
            try await farm.build("app", "flow")
            try await farm.start(of: "app")
            let node = try await farm.start(of: "flow")
            await farm.jenkins.kill()
            try await farm.jenkins.start()
            try await farm.waitForJenkins()
            #expect(try await farm.end(of: "app").result == "FAILURE")
            #expect(try await farm.end(of: "flow").result == "SUCCESS")
            #expect(Set(farm.ledger.lines(of: "flow").map(\.node)) == [node])
            // Two agents for two builds: neither the restart nor the step bound to its node asked for another.
            #expect(farm.ledger.agentStarts().count == 2)
            try await farm.expectIdle()
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a framework killed while a node is made or deleted cleans up, and the build runs once`() async {
        await atOnce(["registering", "deleting"]) { try await killed(whileNodeIs: $0) }
    }

    private func killed(whileNodeIs state: String) async throws {
        try await withFarm(FarmPlan([FarmTemplate("linux", "idleTimeout: 1s")])) { farm in
            try await farm.createJob("app", label: "linux", seconds: 1)
            let path = state == "registering" ? "doCreateItem" : "doDelete"
            if state == "registering" {
                // The beacons come first; their creation is not meant.
                try await eventually("beacons are there", within: .seconds(30)) {
                    try await farm.controller.nodes().count { $0.hasPrefix("mj-beacon-") } == 2
                }
            }
            try await farm.controller.control("action=delay-answer&path=\(path)&seconds=3&times=1&method=POST")
            try await farm.build("app")
            _ = try await farm.agent(in: state, within: .seconds(60))
            await farm.framework.kill()
            try await farm.framework.start()
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            #expect(farm.ledger.lines(of: "app").map(\.kind) == [.start, .end])
            try await farm.expectIdle()
        }
    }

    @Test func `a framework killed while an agent is there takes it up again`() async {
        await atOnce(["requested", "launching", "connecting", "busy", "idle", "draining"]) {
            try await killed(whileAgentIs: $0)
        }
    }

    private func killed(whileAgentIs state: String) async throws {
        let template = FarmTemplate(
            "linux", state == "draining" ? "singleUse: true" : state == "idle" ? "idleTimeout: 6s" : "idleTimeout: 2s")
        try await withFarm(FarmPlan([template])) { farm in
            try await farm.createJob("app", label: "linux", seconds: 2)
            if state == "launching" || state == "connecting" { try farm.delayLaunches(seconds: 2) }
            if state == "requested" {
                // Nothing fits until the framework is back.
                try farm.reconfigure { $0.replacing("cpus: 0.01", with: "cpus: 5000") }
                try await Task.sleep(for: .seconds(2))
            }
            try await farm.build("app")
            switch state {
            // As soon as the accept is on its way; where exactly it is then differs from run to run.
            case "launching":
                try await eventually("an agent is on its way", within: .seconds(30)) {
                    await farm.frameworkState()?.agents.contains { $0.state != "requested" } == true
                }
            case "connecting":
                try await eventually("the task runs", within: .seconds(30)) { !farm.ledger.agentStarts().isEmpty }
            default: _ = try await farm.agent(in: state)
            }
            await farm.framework.kill()
            if state == "requested" { try farm.reconfigure { $0.replacing("cpus: 5000", with: "cpus: 0.01") } }
            try await farm.framework.start()
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            #expect(farm.ledger.lines(of: "app").count { $0.kind == .start } == 1)
            try await farm.expectIdle()
            if state != "launching" { #expect(farm.ledger.agentStarts().count == 1) }
        }
    }

    private enum Victim: CaseIterable { case framework, host, master }

    /// The tasks ignore SIGTERM, so that each end takes the whole grace period.
    @Test(.enabled(if: RealJenkins.isPractice))
    func `whoever is killed while a task is being killed, the task ends and nothing is left`() async {
        await atOnce(Victim.allCases) { victim in
            let plan = FarmPlan([FarmTemplate("once", "singleUse: true")])
            try await withFarm(plan, isServed: false) { farm in
                try farm.reconfigure { $0.replacing("\"exec /bin/sh", with: "\"trap '' TERM; exec /bin/sh") }
                try await farm.framework.start()
                try await farm.createJob("app", label: "once")
                try await farm.build("app")
                let node = try await farm.start(of: "app")
                let task = try #require(await farm.tasks()?.first { $0.id == node })
                let host = try #require(try await farm.clusterAgent(of: task))
                #expect(try await farm.end(of: "app").result == "SUCCESS")
                _ = try await farm.agent(in: "killing")
                #expect(!farm.processes(of: node).isEmpty, "\(victim): the task was to resist for its grace period")
                switch victim {
                case .framework:
                    await farm.framework.kill()
                    try await farm.framework.start()
                case .host: try await Self.restart(host)
                case .master:
                    let url = await farm.cluster.leaderURL()
                    try await Self.restart(try #require(farm.cluster.masters.first { $0.url == url }))
                }
                try await farm.expectIdle()
                #expect(farm.ledger.lines(of: "app").map(\.kind) == [.start, .end])
                #expect(farm.ledger.agentStarts().mapValues(\.count) == [node: 1])
                try await eventually("\(victim): nothing of the agent runs", within: .seconds(60)) {
                    farm.processes(of: node).isEmpty
                }
            }
        }
    }

    private static func restart(_ process: ClusterProcess) async throws {
        process.kill()
        await process.waitForEnd()
        try await process.start()
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a host that is lost takes its build with it; the next build runs elsewhere and nothing is left`()
        async throws
    {
        try await withFarm(linux) { farm in
            try await farm.createJob("app", label: "linux", seconds: 60)
            try await farm.build("app")
            let node = try await farm.start(of: "app")
            let task = try #require(await farm.tasks()?.first { $0.id == node })
            let agent = try #require(try await farm.clusterAgent(of: task))
            // One that was never seen would be waited for as long as an agent may take to connect.
            try await eventually("the framework has seen the build", within: .seconds(30)) {
                await farm.frameworkState()?.agents.first { $0.node == node }?.state == "busy"
            }
            agent.kill()
            await agent.waitForEnd()
            farm.killAgentProcess(node)
            // The controller misses a silent agent after half a minute; that is not what is tried here.
            try await farm.controller.control("action=drop-channel&node=\(node)")
            #expect(try await farm.end(of: "app").result == "FAILURE")
            try await farm.createJob("next", label: "linux")
            try await farm.build("next")
            #expect(try await farm.end(of: "next").result == "SUCCESS")
            let second = try await farm.start(of: "next")
            #expect(second != node)
            try await agent.start()
            try await farm.cluster.waitUntilReady(deadline: .seconds(60))
            try await farm.expectIdle()
        }
    }

    @Test func `builds outlive the leading master, and new ones are served by the next`() async throws {
        try await withFarm(linux) { farm in
            try await farm.createJob("app", label: "linux", seconds: 4)
            try await farm.createJob("next", label: "linux")
            try await farm.build("app")
            try await farm.start(of: "app")
            let url = await farm.cluster.leaderURL()
            let leader = try #require(farm.cluster.masters.first { $0.url == url })
            leader.kill()
            await leader.waitForEnd()
            try await farm.build("next")
            #expect(try await farm.end(of: "next").result == "SUCCESS")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            #expect(farm.ledger.lines(of: "app").count { $0.kind == .start } == 1)
            try await leader.start()
            try await farm.expectIdle()
        }
    }
}
