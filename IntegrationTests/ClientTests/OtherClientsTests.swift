// Smaller third-party clients: the framework library mesoshttp, and the command line tool of Mesos.
import DevCluster
import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct OtherClientsTests {
    @Test func `mesos-cli lists agents, frameworks and the tasks that mesoshttp runs`() async throws {
        let clients = try await MesosClients.python()
        try await withTemporaryDirectory("mesos-cli") { directory in
            try await withCluster { cluster in
                let gate = "\(directory)/gate"
                let masters = try cluster.zooKeeperURL()
                let framework = try await clients.start("mesoshttp_client.py", [masters, gate])
                try await eventually("three tasks run", within: .seconds(60)) {
                    framework.output.split(separator: "\n").count { $0.hasSuffix(" TASK_RUNNING") } == 3
                }
                let cli = try CommandLineTool(clients: clients, directory: directory, masters: masters)
                try await expectListed(cli, cluster: cluster)

                #expect(FileManager.default.createFile(atPath: gate, contents: nil))
                let run = await framework.finished(within: .seconds(110))
                #expect(run.succeeded, "\(run)")
                let all = try await cli.run(["task", "list", "--all"])
                #expect(all.components(separatedBy: "TASK_FINISHED").count == 4, "\(all)")
                #expect(try await cluster.ids("frameworks").isEmpty)
            }
        }
    }

    private func expectListed(_ cli: CommandLineTool, cluster: LentCluster) async throws {
        let agents = try await cli.run(["agent", "list"])
        for id in try await cluster.ids("slaves") { #expect(agents.contains(id), "\(agents)") }
        #expect(agents.components(separatedBy: "True").count == 3, "\(agents)")

        let frameworks = try await cli.run(["framework", "list"])
        #expect(frameworks.contains("mesoshttp tasks"), "\(frameworks)")

        let tasks = try await cli.run(["task", "list"])
        for name in ["http-0", "http-1", "http-2"] { #expect(tasks.contains(name), "\(tasks)") }
        #expect(tasks.components(separatedBy: "TASK_RUNNING").count == 4, "\(tasks)")

        let task = try await cli.run(["task", "inspect", "http-1"])
        #expect(task.contains("\"state\": \"TASK_RUNNING\""), "\(task)")
    }
}

/// `mesos-cli` with a configuration that names the ensemble.
private struct CommandLineTool {
    var clients: PythonClients
    var configuration: String

    init(clients: PythonClients, directory: String, masters: String) throws {
        self.clients = clients
        configuration = "\(directory)/mesos-cli.toml"
        let parts = masters.dropFirst("zk://".count).split(separator: "/", maxSplits: 1)
        let servers = (parts.first ?? "").split(separator: ",").map { "\"\($0)\"" }.joined(separator: ", ")
        let text = "[master.zookeeper]\naddresses = [\(servers)]\npath = \"/\(parts.last ?? "")\"\n"
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// What the tool prints; it must succeed.
    func run(_ arguments: [String]) async throws -> String {
        let run = try await clients.runInstalled(
            "mesos-cli", arguments, environment: ["MESOS_CLI_CONFIG": configuration], within: .seconds(30))
        #expect(run.succeeded, "\(run)")
        return run.output
    }
}
