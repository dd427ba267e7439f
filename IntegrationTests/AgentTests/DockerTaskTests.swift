// Tasks in a real Docker engine.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct DockerTaskTests {
    @Test func `a task runs, its output is in the sandbox, and nothing is left when it is over`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker(
                "ok", "echo out; echo err >&2; echo from $MESOS_TASK_ID > $MESOS_SANDBOX/note; env > $MESOS_SANDBOX/env"
            )
            var variable = V1Environment.Variable()
            variable.name = "GREETING"
            variable.value = "hello"
            task.command.environment.variables = [variable]
            host.master.run(task)
            let end = try await host.master.end(of: "ok")
            #expect(end.state == .taskFinished)
            #expect(end.message == "Container exited with status 0")
            #expect(host.master.states(of: "ok") == [.taskStarting, .taskRunning, .taskFinished])
            #expect(try await host.read("stdout", of: "ok") == "out\n")
            #expect(try await host.read("stderr", of: "ok") == "err\n")
            #expect(try await host.read("note", of: "ok") == "from ok\n")
            let environment = try await host.read("env", of: "ok")
            #expect(environment.contains("GREETING=hello"))
            #expect(environment.contains("MESOS_SANDBOX=/mnt/mesos/sandbox"))
            let container = end.containerStatus.containerID.value
            #expect(environment.contains("MESOS_CONTAINER_NAME=mesos-\(host.master.agentID).\(container)"))
            let running = try await host.master.update("ok", .taskRunning)
            let inspection = try JSONSerialization.jsonObject(with: running.data) as? [[String: Any]]
            #expect(inspection?.first?["Name"] as? String == "/mesos-\(host.master.agentID).\(container)")
            try await wait("the container's removal") { try await host.containers().isEmpty ? true : nil }
        }
    }

    @Test func `an exit code is a failed task`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("three", "exit 3"))
            let end = try await host.master.end(of: "three")
            #expect(end.state == .taskFailed)
            #expect(end.message == "Container exited with status 3")
            #expect(end.source == .executor)
        }
    }

    @Test func `more short containers than are started at a time each end as they did`() async throws {
        try await AgentHost.with { host in
            let names = (0..<24).map { "short-\($0)" }
            for (status, name) in names.enumerated() {
                host.master.run(AgentHost.docker(name, "echo this is \(name); exit \(status)"))
            }
            for (status, name) in names.enumerated() {
                let end = try await host.master.end(of: name)
                let state: V1TaskState = status == 0 ? .taskFinished : .taskFailed
                #expect(end.state == state && end.message == "Container exited with status \(status)")
                #expect(host.master.states(of: name) == [.taskStarting, .taskRunning, state])
                #expect(try await host.read("stdout", of: name) == "this is \(name)\n")
                let inspection = try JSONSerialization.jsonObject(
                    with: try await host.master.update(name, .taskRunning).data)
                let container = end.containerStatus.containerID.value
                #expect(
                    (inspection as? [[String: Any]])?.first?["Name"] as? String
                        == "/mesos-\(host.master.agentID).\(container)")
            }
        }
    }

    @Test func `an image that does not exist is named together with the engine's reason`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker("noimage", "true")
            // Nobody listens on this port of the loopback address, so no name has to be looked up.
            task.container.docker.image = "127.0.0.1:1/no/such:image"
            host.master.run(task)
            let end = try await host.master.end(of: "noimage", within: .seconds(10))
            #expect(end.state == .taskFailed)
            #expect(end.reason == .containerLaunchFailed)
            #expect(
                end.message.hasPrefix(
                    "Failed to launch container: Failed to pull Docker image '127.0.0.1:1/no/such:image': "))
            #expect(end.message.contains("connection refused"))
        }
    }

    @Test func `a task that needs more memory than it has is ended by the kernel, and the update says so`() async throws
    {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("oom", "head -c 300000000 /dev/zero | tail -c 299000000 | tail", mem: 32))
            let end = try await host.master.end(of: "oom")
            #expect(end.state == .taskFailed)
            #expect(end.reason == .containerLimitationMemory)
            #expect(end.message.contains("64 MB"))
            #expect(end.limitation.resources.first?.name == "mem")
        }
    }

    @Test func `a task that heeds its stop signal ends before the grace period is over`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("polite", "trap 'echo bye; exit 7' TERM; while true; do sleep 0.05; done"))
            _ = try await host.master.update("polite", .taskRunning)
            host.master.kill("polite", grace: .seconds(20))
            let end = try await host.master.end(of: "polite", within: .seconds(10))
            #expect(end.state == .taskKilled)
            #expect(end.message == "Container exited with status 7")
            #expect(try await host.read("stdout", of: "polite") == "bye\n")
        }
    }

    @Test func `a task that ignores its stop signal is ended by force after the grace period`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("stubborn", "trap '' TERM; while true; do sleep 0.05; done"))
            _ = try await host.master.update("stubborn", .taskRunning)
            host.master.kill("stubborn", grace: .seconds(1))
            let end = try await host.master.end(of: "stubborn", within: .seconds(10))
            #expect(end.state == .taskKilled)
            #expect(end.message == "Container exited with status 137")
        }
    }

    @Test func `what cannot be mapped and what cannot be executed fails with a reason`() async throws {
        try await AgentHost.with { host in
            var unmapped = AgentHost.docker("unmapped", "true")
            unmapped.container.docker.parameters = [.init()]
            unmapped.container.docker.parameters[0].key = "teleport"
            unmapped.container.docker.parameters[0].value = "1"
            host.master.run(unmapped)
            #expect(
                try await host.master.end(of: "unmapped").message
                    == "Failed to create docker run options: Parameter 'teleport' is not supported")
            var missing = AgentHost.docker("missing", "/no/such/program")
            missing.command.shell = false
            host.master.run(missing)
            let end = try await host.master.end(of: "missing")
            #expect(end.state == .taskFailed)
            #expect(end.message.contains("/no/such/program"))
            try await wait("the failed containers' removal") { try await host.containers().isEmpty ? true : nil }
        }
    }

    @Test func `a container outlives its agent and is found again with its output whole`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("long", "for i in $(seq 1 40); do echo line $i; sleep 0.1; done; exit 5"))
            let running = try await host.master.update("long", .taskRunning)
            let before = try await host.containers()
            await host.stop()
            #expect(try await host.containers().map(\.id) == before.map(\.id))
            try await host.start()
            #expect(host.master.registrations.last?.agent.id.value == host.master.agentID)
            #expect(host.master.registrations.last?.tasks.map(\.state) == [.taskRunning])
            let end = try await host.master.end(of: "long")
            #expect(end.state == .taskFailed)
            #expect(end.message == "Container exited with status 5")
            #expect(end.containerStatus.containerID == running.containerStatus.containerID)
            #expect(host.master.states(of: "long") == [.taskStarting, .taskRunning, .taskFailed])
            #expect(try await host.read("stdout", of: "long") == (1...40).map { "line \($0)\n" }.joined())
        }
    }

    @Test func `a container that ends while there is no agent is reported once by the next one`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("short", "sleep 1; echo done; exit 4"))
            _ = try await host.master.update("short", .taskRunning)
            await host.stop()
            try await wait("the container's end") {
                try await host.containers().allSatisfy { $0.state == "exited" } ? true : nil
            }
            try await host.start()
            let end = try await host.master.end(of: "short")
            #expect(end.message == "Container exited with status 4")
            #expect(host.master.states(of: "short") == [.taskStarting, .taskRunning, .taskFailed])
            #expect(try await host.read("stdout", of: "short") == "done\n")
        }
    }

    @Test func `an orphan of this agent is removed and a stranger's container is left alone`() async throws {
        try await AgentHost.with { host in
            let orphan = try await host.createContainer(of: host.master.agentID)
            let stranger = try await host.createContainer(of: "other-\(host.master.agentID)")
            await host.stop()
            try await host.start()
            try await wait("the orphan's removal") {
                try await BusyboxImage.call("GET", "/containers/\(orphan)/json").status == 404 ? true : nil
            }
            #expect(try await BusyboxImage.call("GET", "/containers/\(stranger)/json").status == 200)
            _ = try await BusyboxImage.call("DELETE", "/containers/\(stranger)?force=1")
        }
    }
}

extension AgentHost {
    /// A running container that no agent asked for.
    fileprivate func createContainer(of agent: String) async throws -> String {
        let name = "mesos-\(agent).orphan"
        let body = """
            {"Image":"\(BusyboxImage.name)","Cmd":["sleep","100"],"Labels":{"org.mini-mesos.agent_id":"\(agent)",\
            "org.mini-mesos.container_id":"orphan"},"HostConfig":{"NetworkMode":"none"}}
            """
        let reply = try await BusyboxImage.json("POST", "/containers/create?name=\(name)", body: body)
        _ = try await BusyboxImage.json("POST", "/containers/\(name)/start", body: "")
        guard reply.status == 201 else { throw Timeout(description: "cannot create \(name): \(reply.text)") }
        return name
    }
}
