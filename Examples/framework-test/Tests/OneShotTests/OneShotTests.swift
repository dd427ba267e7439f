// Tests of a framework on a real cluster of this host: what it does when all is well, and when something is not.

import DevCluster
import Foundation
import OneShot
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct OneShotTests {
    /// Lends a cluster that is ready, and takes it away afterwards, whatever happens.
    private func withCluster(
        masters: Int, network: ClusterOptions.NetworkChoice = .loopback, _ body: (DevCluster) async throws -> Void
    ) async throws {
        var options = ClusterOptions(
            masters: masters, agents: 2, containerizer: .process, basePort: 0,
            executable: try #require(ClusterOptions.executableOfThisBuild))
        options.network = network
        options.sessionTimeout = .seconds(2)
        options.masterFlags = ["--agent_ping_timeout=1secs", "--max_agent_ping_timeouts=2"]
        let cluster = try await DevCluster.start(options)
        do { try await body(cluster) } catch {
            await cluster.stop()
            throw error
        }
        #expect(await cluster.stop() == [], "nothing of the cluster is left")
    }

    private func location(_ cluster: DevCluster) -> String {
        cluster.zooKeeperURL ?? String(cluster.masters[0].url.dropFirst("http://".count))
    }

    @Test func `commands end as they end`() async throws {
        try await withCluster(masters: 1) { cluster in
            let framework = try OneShot(commands: ["true", "exit 3", "echo out"], master: location(cluster))
            let outcomes = await framework.run()
            #expect(outcomes[0] == .finished && outcomes[2] == .finished)
            #expect(outcomes[1] != .finished)
        }
    }

    @Test func `a command outlives the leading master and the restart of its agent`() async throws {
        try await withCluster(masters: 3) { cluster in
            let file = "\(cluster.directory)/go"
            let framework = try OneShot(
                commands: ["until [ -e \(file) ]; do sleep 0.1; done"], master: location(cluster))
            let running = Task { await framework.run() }
            try await cluster.wait(until: "the command runs") {
                guard let leader = await cluster.leaderURL() else { return false }
                return await ClusterState.read(leader)?.activeTasks == 1
            }

            let leader = try #require(await cluster.leader())
            leader.kill()
            try await cluster.wait(until: "another master leads") {
                await cluster.leader().map { $0 !== leader } ?? false
            }
            try await leader.start()
            for agent in cluster.agents { try await agent.restart() }
            try await cluster.waitUntilReady(deadline: .seconds(60))

            #expect(FileManager.default.createFile(atPath: file, contents: nil))
            #expect(await running.value == [.finished])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "network namespaces need root"))
    func `an agent that nobody hears is missed, and comes back when its link is mended`() async throws {
        try await withCluster(masters: 1, network: .namespaces) { cluster in
            let (master, agent) = (cluster.masters[0], cluster.agents[0])
            try await cluster.cut(.process(agent), .process(master))
            try await cluster.wait(until: "one agent is missed", within: .seconds(60)) {
                await ClusterState.read(master.url)?.activeAgents == 1
            }
            // Meanwhile the other one does the work.
            let framework = try OneShot(commands: ["true", "true"], master: location(cluster))
            #expect(await framework.run() == [.finished, .finished])

            try await cluster.mend(.process(agent), .process(master))
            try await cluster.waitUntilReady(deadline: .seconds(60))
        }
    }

    @Test func `a frozen master holds nothing up for ever`() async throws {
        try await withCluster(masters: 3) { cluster in
            let leader = try #require(await cluster.leader())
            leader.freeze()
            try await cluster.wait(until: "another master leads", within: .seconds(60)) {
                await cluster.leader().map { $0 !== leader } ?? false
            }
            let framework = try OneShot(commands: ["true"], master: location(cluster))
            #expect(await framework.run() == [.finished])
            leader.thaw()
        }
    }
}
