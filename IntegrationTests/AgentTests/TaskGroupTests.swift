// Task groups under a default executor: processes and containers that share a sandbox and localhost.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

extension StubMaster {
    fileprivate func run(group tasks: [V1TaskInfo], under executor: String = "default") {
        var command = LinkCommand()
        command.type = .runTaskGroup
        command.runTaskGroup.framework.id.value = "test-F0"
        command.runTaskGroup.framework.name = "test"
        command.runTaskGroup.framework.user = "root"
        command.runTaskGroup.framework.checkpoint = true
        command.runTaskGroup.executor.type = .default
        command.runTaskGroup.executor.executorID.value = executor
        command.runTaskGroup.executor.frameworkID.value = "test-F0"
        command.runTaskGroup.taskGroup.tasks = tasks.map { task in
            var task = task
            task.agentID.value = agentID
            return task
        }
        send(command)
    }
}

extension V1Volume {
    /// A directory of the executor's sandbox.
    fileprivate static func shared(_ path: String, at place: String) -> V1Volume {
        var volume = V1Volume()
        volume.mode = .rw
        volume.containerPath = place
        volume.source.type = .sandboxPath
        volume.source.sandboxPath.type = .parent
        volume.source.sandboxPath.path = path
        return volume
    }
}

extension AgentHost {
    fileprivate static func member(_ name: String, _ command: String, image: Bool = false) -> V1TaskInfo {
        var member = task(name, command)
        member.container.type = .mesos
        if image {
            member.container.mesos.image.type = .docker
            member.container.mesos.image.docker.name = BusyboxImage.name
        }
        return member
    }

    fileprivate func readShared(_ file: String) async throws -> String {
        let path = "/frameworks/test-F0/executors/default/runs/latest/\(file)"
        let reply = try await get("/files/read?path=\(path)&offset=0")
        guard reply.status == 200,
            let object = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
        else { throw Timeout(description: "\(path): \(reply.status)") }
        return object["data"] as? String ?? ""
    }
}

@Suite(.serialized, .timeLimit(.minutes(4)))
struct TaskGroupTests {
    @Test(arguments: [false, true])
    func `two tasks share a directory and localhost`(inContainers: Bool) async throws {
        try await AgentHost.with { host in
            let port = try await host.freePort()
            var server = AgentHost.member(
                "server", "echo hello > common/index.html; exec /bin/busybox httpd -f -p 127.0.0.1:\(port) -h common",
                image: inContainers)
            var client = AgentHost.member(
                "client",
                "until /bin/busybox wget -q -O got http://127.0.0.1:\(port)/index.html; do sleep 0.1; done; "
                    + "cat got common/index.html",
                image: inContainers)
            if inContainers {
                // A container begins in its image's directory.
                server.command.value = "cd $MESOS_SANDBOX; " + server.command.value
                client.command.value = "cd $MESOS_SANDBOX; " + client.command.value
            }
            server.container.volumes = [.shared("meeting", at: "common")]
            client.container.volumes = [.shared("meeting", at: "common")]
            host.master.run(group: [server, client])
            let end = try await host.master.end(of: "client")
            #expect(end.state == .taskFinished)
            #expect(end.message == "Command exited with status 0")
            #expect(end.executorID.value == "default")
            #expect(try await host.readShared("tasks/client/stdout") == "hello\nhello\n")
            #expect(try await host.readShared("meeting/index.html") == "hello\n")
            let other = try await host.master.update("server", .taskRunning)
            #expect(other.containerStatus.containerID.parent == end.containerStatus.containerID.parent)
            #expect(other.containerStatus.containerID.value != end.containerStatus.containerID.value)
            host.master.kill("server", grace: .zero)
            #expect(try await host.master.end(of: "server").state == .taskKilled)
            try await wait("the containers' removal") { try await host.containers().isEmpty ? true : nil }
        }
    }

    @Test(arguments: [false, true])
    func `when one fails the other is killed, also when the agent was away meanwhile`(
        inContainers: Bool
    ) async throws {
        try await AgentHost.with { host in
            host.master.run(group: [
                AgentHost.member("fails", "sleep 1; exit 4", image: inContainers),
                AgentHost.member("lives", "exec sleep 100", image: inContainers),
            ])
            _ = try await host.master.update("fails", .taskRunning)
            _ = try await host.master.update("lives", .taskRunning)
            await host.stop()
            try await Task.sleep(for: .seconds(1.5))
            try await host.start()
            #expect(host.master.registrations.last?.executors.map(\.info.executorID.value) == ["default"])
            let failed = try await host.master.end(of: "fails")
            #expect(failed.message == "Command exited with status 4")
            let killed = try await host.master.end(of: "lives")
            #expect(killed.state == .taskKilled)
            #expect(host.master.states(of: "fails") == [.taskStarting, .taskRunning, .taskFailed])
            #expect(host.master.states(of: "lives") == [.taskStarting, .taskRunning, .taskKilled])
            try await wait("the executor's end") { host.master.executorEnds.contains("default") ? true : nil }
        }
    }

    @Test func `a health check of a task in a group runs where the task runs`() async throws {
        try await AgentHost.with { host in
            var checked = AgentHost.member("checked", "echo > $MESOS_SANDBOX/good; exec sleep 100", image: true)
            checked.healthCheck.type = .command
            checked.healthCheck.command.value = "test -f $MESOS_SANDBOX/good"
            checked.healthCheck.delaySeconds = 0
            checked.healthCheck.intervalSeconds = 0.2
            host.master.run(group: [checked, AgentHost.member("other", "sleep 100")])
            try await wait("its health") {
                host.master.updates.contains { $0.taskID.value == "checked" && $0.healthy } ? true : nil
            }
            host.master.kill("other", grace: .zero)
            #expect(try await host.master.end(of: "checked").state == .taskKilled)
        }
    }
}
