// Frameworks on unmodified client libraries run their tasks through the death of the leading master.
import DevCluster
import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)))
struct LeaderLossTests {
    static let jobs = 50

    @Test func `pymesos runs each of fifty tasks once while the leader dies`() async throws {
        let clients = try await MesosClients.python()
        try await throughLeaderLoss { cluster, leader, record in
            let masters = try cluster.zooKeeperURL()
            return try await clients.start("pymesos_client.py", [masters, "\(Self.jobs)", record])
        }
    }

    @Test func `mesos-go runs each of fifty tasks once while the leader dies`() async throws {
        let program = try await MesosClients.mesosGo()
        try await throughLeaderLoss { cluster, leader, record in
            // The leader last, so that the library has to follow a standby's redirection to it.
            let masters = cluster.cluster.masters.filter { $0.url != leader.url } + [leader]
            let list = masters.map(\.hostAndPort).joined(separator: ",")
            return try await startCommand(program, [list, "\(Self.jobs)", record])
        }
    }

    /// Starts a framework, kills the leader in the middle of its work, and checks what came of it.
    private func throughLeaderLoss(
        _ start: (LentCluster, ClusterProcess, _ record: String) async throws -> RunningCommand
    ) async throws {
        try await withTemporaryDirectory("jobs") { directory in
            try await withCluster { cluster in
                let record = "\(directory)/record"
                let leader = try await cluster.leader()
                let framework = try await start(cluster, leader, record)
                try await eventually("a dozen tasks have finished", within: .seconds(40)) {
                    framework.output.contains("finished 12 of \(Self.jobs)")
                }
                leader.kill()
                await leader.waitForEnd()
                let atDeath = framework.output
                let run = await framework.finished(within: .seconds(100))
                #expect(run.succeeded, "\(run)")
                #expect(!atDeath.contains("finished \(Self.jobs) of"), "it was over before the leader died:\n\(run)")
                #expect(run.output.contains("\n2 subscriptions"), "\(run)")

                let names = (0..<Self.jobs).map { "job-\($0)" }
                let ran = try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n").map(String.init)
                #expect(ran.sorted() == names.sorted(), "every command ran once:\n\(run)")
                try await expectGone(frameworkID(run.output), from: cluster)
            }
        }
    }

    /// The framework is only remembered, and nothing of the agents is in use.
    private func expectGone(_ framework: String, from cluster: LentCluster) async throws {
        try await eventually("the framework is gone") { try await !cluster.ids("frameworks").contains(framework) }
        let completed = try await cluster.ids("completed_frameworks")
        #expect(completed.contains(framework))
        let leader = try await cluster.leader()
        try await eventually("the agents are idle") {
            guard let state = await ClusterState.read(leader.url) else { return false }
            return state.activeAgents == 2 && state.activeTasks == 0 && state.usedCPUs == 0 && state.usedMemory == 0
        }
    }

    /// The id in the program's line `framework ID...`.
    private func frameworkID(_ output: String) -> String {
        let line = output.split(separator: "\n").first { $0.hasPrefix("framework ") } ?? ""
        return String(line.dropFirst("framework ".count).prefix { $0 != "," })
    }
}
