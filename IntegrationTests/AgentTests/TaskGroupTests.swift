// Task groups under a default executor: processes and containers that share a sandbox and localhost.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

extension StubMaster {
    fileprivate func run(
        group tasks: [V1TaskInfo], under executor: String = "default", network: V1NetworkInfo? = nil
    ) {
        var command = LinkCommand()
        command.type = .runTaskGroup
        command.runTaskGroup.framework.id.value = "test-F0"
        command.runTaskGroup.framework.name = "test"
        command.runTaskGroup.framework.user = "root"
        command.runTaskGroup.framework.checkpoint = true
        command.runTaskGroup.executor.type = .default
        command.runTaskGroup.executor.executorID.value = executor
        command.runTaskGroup.executor.frameworkID.value = "test-F0"
        if let network {
            command.runTaskGroup.executor.container.type = .mesos
            command.runTaskGroup.executor.container.networkInfos = [network]
        }
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

    @Test func `a group on a network of its own is reached through its port, also after its first task is gone`()
        async throws
    {
        try await AgentHost.with { host in
            var network = V1NetworkInfo()
            network.name = "bridge"
            var mapping = V1NetworkInfo.PortMapping()
            mapping.hostPort = 31_077
            mapping.containerPort = 8080
            network.portMappings = [mapping]
            var first = AgentHost.member("first", "until test -f $MESOS_SANDBOX/end; do sleep 0.1; done", image: true)
            var ports = V1Resource()
            ports.name = "ports"
            ports.type = .ranges
            var range = V1Value.Range()
            range.begin = 31_077
            range.end = 31_077
            ports.ranges.range = [range]
            first.resources.append(ports)
            var server = AgentHost.member(
                "server", "cd /tmp; echo hello > index.html; exec /bin/busybox httpd -f -p 8080", image: true)
            server.healthCheck.type = .http
            server.healthCheck.http.port = 8080
            server.healthCheck.http.path = "/index.html"
            server.healthCheck.delaySeconds = 0
            server.healthCheck.intervalSeconds = 0.2
            let client = AgentHost.member(
                "client", "until /bin/busybox wget -q -O - http://127.0.0.1:8080/index.html; do sleep 0.1; done",
                image: true)
            host.master.run(group: [first, server, client], network: network)
            let asked = try await host.master.end(of: "client")
            #expect(
                asked.state == .taskFinished,
                "\(host.master.updates.map { "\($0.taskID.value): \($0.state) \($0.message)" })")
            let running = try await host.master.update("server", .taskRunning)
            let address = running.containerStatus.networkInfos.first?.ipAddresses.first?.ipAddress
            #expect(address != nil && address != "127.0.0.1")
            try await wait("its health") {
                host.master.updates.contains { $0.taskID.value == "server" && $0.healthy } ? true : nil
            }
            await host.stop()
            try await host.start()
            let sandbox = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors/default"
            try Data().write(to: URL(fileURLWithPath: "\(sandbox)/runs/latest/tasks/first/end"))
            #expect(try await host.master.end(of: "first").state == .taskFinished)
            let reply = try await HTTPClient.shared.fetch(
                HTTPClientRequest(url: "http://127.0.0.1:31077/index.html", totalTimeout: .seconds(5)))
            #expect(reply.text == "hello\n")
            host.master.kill("server", grace: .zero)
            _ = try await host.master.end(of: "server")
            try await wait("the end of all containers") { try await host.containers().isEmpty ? true : nil }
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
            let state = try await host.get("/state")
            let object = try JSONSerialization.jsonObject(with: Data(state.body)) as? [String: Any]
            let frameworks = object?["frameworks"] as? [[String: Any]]
            let executors = frameworks?.first?["executors"] as? [[String: Any]]
            #expect(executors?.map { $0["id"] as? String } == ["default"])
            let tasks = executors?.first?["tasks"] as? [[String: Any]]
            #expect(tasks?.map { $0["id"] as? String } == ["checked", "other"])
            host.master.kill("other", grace: .zero)
            #expect(try await host.master.end(of: "checked").state == .taskKilled)
        }
    }
}
