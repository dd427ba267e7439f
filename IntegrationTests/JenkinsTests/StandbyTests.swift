// The framework twice: one leads, the other takes over what runs, under the same id.
import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import JenkinsUsage
import LoadTest
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)))
struct StandbyTests {
    /// A second process beside the farm's framework, with a state directory and a port of its own.
    private struct Standby {
        let process: LoggedProcess
        let url: String

        func ask(_ path: String) async -> String? {
            var request = HTTPClientRequest(method: "GET", url: url + path)
            request.totalTimeout = .seconds(2)
            return try? await HTTPClient.shared.fetch(request).text
        }

        func state() async -> FrameworkState? {
            guard let text = await ask("/state") else { return nil }
            return try? JSONDecoder().decode(FrameworkState.self, from: Data(text.utf8))
        }

        /// Whether it knows of a build that runs on a node and of the queue item that this was.
        func knowsItem(ofBuildOn node: String) async -> Bool {
            struct Memory: Decodable {
                struct UnderWay: Decodable { var builds: [Build] }
                struct Build: Decodable {
                    var node: String
                    var item: UInt64?
                }
                var under_way: UnderWay?
            }
            guard let text = await ask("/memory?after=\(Int64.max)"),
                let memory = try? JSONDecoder().decode(Memory.self, from: Data(text.utf8))
            else { return false }
            return memory.under_way?.builds.contains { $0.node == node && $0.item != nil } ?? false
        }
    }

    /// A finished build of a job, with its phases, as a process tells it.
    private func build(of job: String, at url: String) async -> BuildRow? {
        var request = HTTPClientRequest(method: "GET", url: "\(url)/builds?job=\(job)")
        request.totalTimeout = .seconds(2)
        guard let reply = try? await HTTPClient.shared.fetch(request) else { return nil }
        return (try? JSONDecoder().decode(BuildsAnswer.self, from: Data(reply.body)))?.builds.first
    }

    /// Gives the farm's configuration an election, and starts a second process on a copy.
    private func start(_ farm: JenkinsFarm) async throws -> Standby {
        let url = try #require(farm.cluster.zooKeeperURL)
        let servers = url.dropFirst("zk://".count).prefix { $0 != "/" }
        let name = farm.plan.frameworkName
        let path = farm.directory + "/jenkins.yaml"
        let text =
            try String(contentsOfFile: path, encoding: .utf8)
            + "ha: {zk: \"zk://\(servers)/\(name)\", sessionTimeout: 2s}\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let ports = try FreePorts.pick(1)
        let port = try #require(farm.frameworkURL.split(separator: ":").last)
        let copy = text.replacing("\(farm.directory)/framework", with: "\(farm.directory)/standby")
            .replacing("port: \(port)", with: "port: \(ports[0])")
        try Data(copy.utf8).write(to: URL(fileURLWithPath: farm.directory + "/standby.yaml"))
        try await farm.framework.start()
        try await eventually("the first process leads", within: .seconds(45)) {
            await farm.frameworkState()?.subscribed ?? false
        }
        let process = try await farm.cluster.launch(
            name: "\(name)-standby", arguments: ["jenkins", "--config=\(farm.directory)/standby.yaml"])
        return Standby(process: process, url: "http://127.0.0.1:\(ports[0])")
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a leader killed under a build is followed by the standby, which ends it once and retires the agent`()
        async throws
    {
        try await withFarm(FarmPlan([FarmTemplate("linux", "idleTimeout: 2s")]), isServed: false) { farm in
            let standby = try await start(farm)
            try await eventually("the second process stands by", within: .seconds(30)) {
                await standby.ask("/health")?.hasPrefix("standby: ") ?? false
            }
            try await farm.createJob("app", label: "linux", seconds: 8)
            try await farm.build("app")
            let node = try await farm.start(of: "app")
            let id = try #require(await farm.frameworkState()?.framework_id)
            try await eventually("the standby has heard of the build", within: .seconds(60)) {
                await standby.knowsItem(ofBuildOn: node)
            }

            await farm.framework.kill(SIGKILL)
            try await eventually("the standby has taken over", within: .seconds(45)) {
                let state = await standby.state()
                return state?.subscribed == true && state?.agents.map(\.node) == [node]
            }
            #expect(await standby.state()?.framework_id == id)
            #expect(await standby.ask("/health") == "ok")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            #expect(farm.ledger.lines(of: "app").map(\.kind) == [.start, .end])
            #expect(farm.ledger.agentStarts().count == 1)
            let row = try await eventually("the standby knows the whole build", within: .seconds(60)) {
                await build(of: "app", at: standby.url)
            }
            #expect(row.node == node && row.label == "linux" && row.asked != nil)
            #expect(row.phases.offered != nil && row.phases.started != nil, "the leader saw its agent start: \(row)")
            try await eventually("the standby retires the agent", within: .seconds(45)) {
                let (nodes, tasks) = (try await farm.controller.agents(), await farm.tasks())
                return nodes.isEmpty && tasks?.isEmpty == true
            }

            // The other way round: the old leader comes back and waits, until the new one leaves in good order.
            try await farm.framework.start()
            try await eventually("the first process stands by", within: .seconds(30)) {
                var request = HTTPClientRequest(method: "GET", url: farm.frameworkURL + "/health")
                request.totalTimeout = .seconds(2)
                return (try? await HTTPClient.shared.fetch(request))?.text.hasPrefix("standby: ") ?? false
            }
            try await eventually("it has a copy of what happened meanwhile", within: .seconds(60)) {
                await build(of: "app", at: farm.frameworkURL) == row
            }
            standby.process.signal(SIGTERM)
            #expect(await standby.process.waitForEnd(deadline: .seconds(20)) != nil)
            try await eventually("the first process leads again", within: .seconds(30)) {
                let state = await farm.frameworkState()
                return state?.subscribed == true && state?.framework_id == id
            }
            try await farm.createJob("next", label: "linux")
            try await farm.build("next")
            #expect(try await farm.end(of: "next").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }
}
