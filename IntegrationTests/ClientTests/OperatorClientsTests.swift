// Operators' clients of Mesos, unmodified: pymesos's operator driver, and what mesos-dns reads.
import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct OperatorClientsTests {
    @Test func `pymesos reads, changes and watches a cluster as an operator`() async throws {
        let clients = try await MesosClients.python()
        try await withTemporaryDirectory("pymesos-operator") { directory in
            try await withCluster { cluster in
                let leader = try await cluster.leader()
                let standby = try #require(cluster.cluster.masters.first { $0.url != leader.url })
                let agent = try #require(cluster.cluster.agents.first)
                let gate = "\(directory)/gate"
                let operating = try await clients.start(
                    "pymesos_operator_client.py",
                    [standby.hostAndPort, leader.hostAndPort, gate, agent.hostAndPort])
                try await eventually("the operator watches: \(operating.output)", within: .seconds(60)) {
                    FileManager.default.fileExists(atPath: gate) || operating.process.knownEnd != nil
                }
                let work = try await runCommand(
                    builtProduct("mini"), ["run", "--master", leader.hostAndPort, "--", "echo", "watched"],
                    within: .seconds(60))
                #expect(work.succeeded, "\(work)")
                let run = await operating.finished(within: .seconds(90))
                #expect(run.succeeded, "\(run)")
                #expect(run.output.contains("pymesos operator: done"))
            }
        }
    }

    @Test func `mesos-dns finds a name and an address for a running task`() async throws {
        try await withCluster { cluster in
            let leader = try await cluster.leader()
            let task = try await startCommand(
                builtProduct("mini"),
                ["run", "--master", leader.hostAndPort, "--name", "named_task", "--", "sleep", "300"])
            defer { task.process.send(signal: SIGTERM) }
            try await eventually("the task runs", within: .seconds(30)) {
                let reply = try await cluster.ask(leader, "/master/state")
                return reply.text.contains("TASK_RUNNING")
            }
            let run = try await MesosClients.runPlainPython(
                "mesos_dns_poll.py", [leader.url, "named_task"], within: .seconds(20))
            #expect(run.succeeded, "\(run)")
        }
    }
}
