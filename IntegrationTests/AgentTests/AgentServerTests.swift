// The agent as a program among others: its endpoints, its work directory, its coming and going.

import Foundation
import HTTPClient
import Logging
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct AgentServerTests {
    @Test func `the endpoints answer as those of a Mesos agent do`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("sleeper", "sleep 60"))
            _ = try await host.master.update("sleeper", .taskRunning)
            #expect(try await host.get("/health").status == 200)
            #expect(try await host.get("/slave(1)/health").status == 200)
            #expect(try await host.get("/version").text.contains(#""version":"1.11.0""#))
            #expect(try await host.get("/nonsense").status == 404)
            let reply = try await host.get("/state")
            let state = try #require(try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])
            #expect(state["id"] as? String == host.master.agentID)
            #expect(state["hostname"] as? String == "testhost")
            #expect((state["resources"] as? [String: Any])?["ports"] as? String == "[31000-31100]")
            #expect((state["attributes"] as? [String: String]) == ["rack": "r1"])
            #expect((state["unreserved_resources_allocated"] as? [String: Any])?["cpus"] as? Double == 0.1)
            let framework = try #require((state["frameworks"] as? [[String: Any]])?.first)
            let executor = try #require((framework["executors"] as? [[String: Any]])?.first)
            #expect(
                Set(executor.keys) == [
                    "id", "name", "source", "container", "directory", "resources", "role", "tasks", "queued_tasks",
                    "completed_tasks",
                ])
            #expect(executor["name"] as? String == "Command Executor (Task: sleeper) (Command: sh -c 'sleep 60')")
            let task = try #require((executor["tasks"] as? [[String: Any]])?.first)
            #expect(task["state"] as? String == "TASK_RUNNING")
            #expect(task["slave_id"] as? String == host.master.agentID)
            let metrics = try await host.get("/metrics/snapshot").text
            #expect(metrics.contains(#""slave/registered":1.0"#))
            #expect(metrics.contains(#""slave/tasks_running":1.0"#))
            host.master.kill("sleeper")
            _ = try await host.master.end(of: "sleeper")
            try await wait("the task among the completed ones") {
                try await host.get("/state").text.contains(#""completed_tasks":[{"id":"sleeper""#) ? true : nil
            }
        }
    }

    @Test func `a second agent on the same work directory is refused`() async throws {
        try await AgentHost.with { host in
            var logger = Logging.Logger(label: "second")
            logger.logLevel = .critical
            do {
                _ = try await AgentServer.start(host.configuration, logger: logger)
                Issue.record("it started")
            } catch {
                #expect("\(error)".hasPrefix("work_dir \(host.workDirectory) is in use by another agent (pid "))
            }
        }
    }

    @Test func `flags that change what the master was told are refused with the difference`() async throws {
        try await AgentHost.with { host in
            await host.stop()
            var configuration = host.configuration
            configuration.resources = "cpus:8;mem:4096;disk:10000;ports:[31000-31100]"
            do {
                try await host.start(configuration)
                Issue.record("it started")
            } catch {
                #expect("\(error)".hasPrefix("Incompatible agent info detected: resources were 'cpus:4;"))
                #expect("\(error)".contains("meta/slaves/latest"))
            }
            try await host.start()
        }
    }

    @Test func `a corrupt checkpoint keeps a strict agent from starting and is set aside by another`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("victim", "sleep 60"))
            let running = try await host.master.update("victim", .taskRunning)
            await host.stop()
            let container = running.containerStatus.containerID.value
            let file =
                "\(host.workDirectory)/meta/slaves/\(host.master.agentID)/frameworks/test-F0/runs/\(container).task"
            try Data("garbage".utf8).write(to: URL(fileURLWithPath: file))
            do {
                try await host.start()
                Issue.record("it started")
            } catch {
                #expect("\(error)".contains("\(container).task") && "\(error)".contains("--no-strict"))
            }
            var configuration = host.configuration
            configuration.strict = false
            try await host.start(configuration)
            #expect(FileManager.default.fileExists(atPath: "\(file).corrupt-1"))
            #expect(host.master.registrations.last?.tasks.isEmpty == true)
        }
    }

    @Test func `an agent told to leave ends its tasks and says goodbye`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("one", "sleep 60"))
            host.master.run(AgentHost.docker("two", "sleep 60"))
            _ = try await host.master.update("one", .taskRunning)
            _ = try await host.master.update("two", .taskRunning)
            await host.stop()
            var configuration = host.configuration
            configuration.dockerRemoveDelay = .seconds(3600)
            try await host.start(configuration)
            let agent = try #require(host.agent)
            agent.unregister(reason: "maintenance")
            #expect(await agent.run() == .unregistered(reason: "maintenance"))
            #expect(host.master.states(of: "one").last == .taskKilled)
            #expect(host.master.hasUnregistered)
            #expect(try await host.containers().isEmpty)
        }
    }

    @Test func `garbage on the port gets an answer and the agent goes on`() async throws {
        try await AgentHost.with { host in
            for path in ["/files/read?path=%00", "/files/read?path=/etc/passwd&offset=0", "/state?jsonp=f", "/%ff"] {
                _ = try await host.get(path)
            }
            #expect(try await host.get("/health").status == 200)
        }
    }
}
