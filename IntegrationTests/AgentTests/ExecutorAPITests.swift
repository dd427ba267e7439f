// The executor API of a real agent over HTTP: what each call is answered, and executors as processes and in containers.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct ExecutorAPITests {
    private func executor(_ command: String) -> V1ExecutorInfo {
        var info = V1ExecutorInfo()
        info.type = .custom
        info.executorID.value = "e1"
        info.frameworkID.value = "test-F0"
        info.name = "an executor"
        info.command.value = command
        return info
    }

    private func task(_ name: String, of executor: V1ExecutorInfo) -> V1TaskInfo {
        var task = AgentHost.task(name, "unused")
        task.clearCommand()
        task.executor = executor
        return task
    }

    private static let ids = #""executor_id":{"value":"e1"},"framework_id":{"value":"test-F0"}"#

    private func post(
        _ host: AgentHost, _ body: String, path: String = "/api/v1/executor", method: String = "POST",
        contentType: String? = "application/json", accept: String? = nil, token: String? = nil
    ) async throws -> (status: Int, text: String) {
        guard let agent = host.agent else { throw Timeout(description: "no agent runs") }
        var request = HTTPClientRequest(method: method, url: agent.url + path, body: Array(body.utf8))
        request.headers = [contentType.map { ("Content-Type", $0) }, accept.map { ("Accept", $0) }].compactMap { $0 }
        if let token { request.headers.append(("Authorization", "Bearer \(token)")) }
        request.totalTimeout = .seconds(10)
        let reply = try await HTTPClient.shared.fetch(request)
        return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }

    @Test func `every check is answered with its status and its words`() async throws {
        try await AgentHost.with { host in
            let message = #"{"type":"MESSAGE",\#(Self.ids),"message":{"data":""}}"#
            func expect(
                _ body: String, _ status: Int, _ text: String, path: String = "/api/v1/executor",
                contentType: String? = "application/json", accept: String? = nil
            ) async throws {
                let answer = try await post(host, body, path: path, contentType: contentType, accept: accept)
                #expect(answer.status == status && answer.text.hasPrefix(text), "\(body): \(answer)")
            }
            let method = try await post(host, "", method: "PUT")
            #expect(method.status == 405)
            try await expect("{}", 400, "Expecting 'Content-Type' to be present", contentType: nil)
            try await expect("{}", 415, "Expecting 'Content-Type' of", contentType: "text/plain")
            try await expect("{", 400, "Failed to parse body into JSON")
            try await expect(
                #"{\#(Self.ids)}"#, 400, "Failed to validate Executor::Call: Expecting 'type' to be present")
            try await expect(#"{"type":"HEARTBEAT",\#(Self.ids)}"#, 202, "")
            try await expect(message, 400, "Framework cannot be found")
            host.master.run(task("t1", of: executor("sleep 300")))
            try await wait("the executor is known") {
                try await post(host, message).status == 403 ? true : nil
            }
            for path in ["/api/v1/executor", "/slave(1)/api/v1/executor", "/slave%281%29/api/v1/executor"] {
                try await expect(message, 403, "Executor is not subscribed", path: path)
            }
            let other = message.replacingOccurrences(of: "e1", with: "e2")
            try await expect(other, 400, "Executor cannot be found")
            try await expect(
                #"{"type":"SUBSCRIBE",\#(Self.ids),"subscribe":{}}"#, 406, "Expecting 'Accept' to allow",
                accept: "text/html")
            try await expect(
                #"{"type":"UPDATE",\#(Self.ids),"update":{"status":{"task_id":{"value":"t1"},"state":"TASK_RUNNING"}}}"#,
                400, "Failed to validate Executor::Call: Expecting 'uuid' to be present")
        }
    }

    @Test func `an executor speaks with the token that it was started with, and for nobody else`() async throws {
        try await AgentHost.with(adjusted: {
            $0.security.authenticatesExecutors = true
            $0.security.executorTokens = ExecutorTokens(key: Array("a key".utf8))
        }) { host in
            let message = #"{"type":"MESSAGE",\#(Self.ids),"message":{"data":""}}"#
            host.master.run(task("t1", of: executor("env >environment; sleep 300")))
            let token = try await wait("its environment") { () -> String? in
                let text = try? await host.read("environment", of: "e1")
                let mark = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN="
                return text?.split(separator: "\n").first { $0.hasPrefix(mark) }.map {
                    String($0.dropFirst(mark.count))
                }
            }
            #expect(try await post(host, message).status == 401)
            #expect(try await post(host, message, token: "nonsense").status == 401)
            // Past the door: what an executor without a subscription is answered.
            try await wait("it is known") {
                try await post(host, message, token: token).text.hasPrefix("Executor is not subscribed") ? true : nil
            }
            let other = try await post(host, message.replacingOccurrences(of: "e1", with: "e2"), token: token)
            #expect(other.status == 403 && other.text.isEmpty)
            await host.stop()
            try await host.start()
            #expect(try await post(host, message, token: token).status == 403)
            #expect(try await post(host, message).status == 401)
        }
    }

    @Test func `an executor's process is told what it needs to know, and its end ends its task`() async throws {
        try await AgentHost.with { host in
            host.master.run(task("t1", of: executor("env >environment; until [ -e end ]; do sleep 0.05; done; exit 3")))
            let environment = try await wait("the environment") { () -> [String: String]? in
                guard let text = try? await host.read("environment", of: "e1"), text.contains("LIBPROCESS_PORT") else {
                    return nil
                }
                let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
                return Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { $1 }
            }
            let port = try #require(host.agent).port
            #expect(environment["MESOS_AGENT_ENDPOINT"] == "127.0.0.1:\(port)")
            #expect(environment["MESOS_SLAVE_PID"] == "slave(1)@127.0.0.1:\(port)")
            #expect(environment["MESOS_SLAVE_ID"] == host.master.agentID)
            #expect(environment["MESOS_FRAMEWORK_ID"] == "test-F0" && environment["MESOS_EXECUTOR_ID"] == "e1")
            #expect(environment["MESOS_CHECKPOINT"] == "1" && environment["MESOS_RECOVERY_TIMEOUT"] == "15mins")
            #expect(environment["MESOS_SUBSCRIPTION_BACKOFF_MAX"] == "2secs")
            #expect(environment["MESOS_DIRECTORY"]?.contains("/executors/e1/runs/") == true)
            #expect(environment["MESOS_SANDBOX"] == environment["MESOS_DIRECTORY"])
            #expect(environment["MESOS_TASK_ID"] == nil)
            let directory = try #require(environment["MESOS_DIRECTORY"])
            #expect(FileManager.default.createFile(atPath: directory + "/end", contents: nil))
            let end = try await host.master.end(of: "t1")
            #expect(end.state == .taskFailed && end.reason == .executorTerminated)
            #expect(end.message == "Executor terminated" && end.executorID.value == "e1")
            try await wait("the executor's exit status") {
                host.master.exitedExecutors.first { $0.executorID.value == "e1" && $0.status == 3 << 8 }
            }
        }
    }

    @Test func `an executor in a container is told where its sandbox is, and is killed when it does not register`()
        async throws
    {
        try await AgentHost.with { host in
            await host.stop()
            var configuration = host.configuration
            configuration.executorRegistrationTimeout = .seconds(6)
            try await host.start(configuration)
            var info = executor("env >$MESOS_SANDBOX/environment; sleep 300")
            info.container.type = .docker
            info.container.docker.image = BusyboxImage.name
            info.container.docker.network = .host
            host.master.run(task("t1", of: info))
            let environment = try await wait("the environment") { () -> String? in
                let text = try? await host.read("environment", of: "e1")
                return text?.contains("MESOS_AGENT_ENDPOINT") == true ? text : nil
            }
            #expect(environment.contains("MESOS_SANDBOX=/mnt/mesos/sandbox\n"))
            #expect(environment.contains("MESOS_DIRECTORY=\(host.workDirectory)"))
            let end = try await host.master.end(of: "t1")
            #expect(end.state == .taskFailed && end.reason == .executorRegistrationTimeout)
            #expect(end.message == "Executor did not register within 6secs")
            try await wait("the container is gone") { try await host.containers().isEmpty ? true : nil }
        }
    }

    @Test func `an executor that stays away after a restart is ended, and its task is lost`() async throws {
        try await AgentHost.with(
            adjusted: { $0.executorReregistrationTimeout = .seconds(2) }
        ) { host in
            host.master.run(task("t1", of: executor("exec sleep 300")))
            try await wait("it may subscribe") {
                try await post(host, #"{"type":"MESSAGE",\#(Self.ids),"message":{"data":""}}"#).status == 403
                    ? true : nil
            }
            // It speaks once, by our mouth, and never again.
            try await wait("it has subscribed") { try await subscribe(host).contains("SUBSCRIBED") ? true : nil }
            await host.stop()
            try await host.start()
            let end = try await host.master.end(of: "t1")
            #expect(end.state == .taskLost && end.reason == .executorReregistrationTimeout)
            #expect(end.message == "Executor did not reregister within 2secs")
        }
    }

    @Test func `a task that came while its executor was away is given to it after a restart, once`() async throws {
        try await AgentHost.with(
            adjusted: { $0.executorReregistrationTimeout = .seconds(15) }
        ) { host in
            let info = executor("exec sleep 300")
            host.master.run(task("t1", of: info))
            // It speaks by our mouth.
            try await wait("its first task") { try await subscribe(host).contains(#""value":"t1""#) ? true : nil }
            let status = #"{"task_id":{"value":"t1"},"state":"TASK_RUNNING","source":"SOURCE_EXECUTOR","#
            let uuid = Data(repeating: 1, count: 16).base64EncodedString()
            let update = #"{"type":"UPDATE",\#(Self.ids),"update":{"status":\#(status)"uuid":"\#(uuid)"}}}"#
            #expect(try await post(host, update).status == 202)
            host.master.run(task("t2", of: info))
            try await wait("the task on disk") {
                let paths = FileManager.default.subpaths(atPath: host.workDirectory + "/meta") ?? []
                return paths.contains { $0.hasSuffix("/tasks/t2/task.info") } ? true : nil
            }
            for _ in 0..<2 {
                // The second agent ends before the executor comes back.
                await host.stop()
                try await host.start()
            }
            let events = try await wait("it is back") { () -> String? in
                let events = try await subscribe(host)
                return events.contains("SUBSCRIBED") ? events : nil
            }
            #expect(events.contains("LAUNCH") && events.contains(#""value":"t2""#), "\(events)")
            #expect(host.master.states(of: "t2") == [])
            await host.stop()
            try await host.start()
            let later = try await wait("it is back again") { () -> String? in
                let events = try await subscribe(host)
                return events.contains("SUBSCRIBED") ? events : nil
            }
            #expect(!later.contains("LAUNCH"), "\(later)")
            // It does not say that it has it.
            let end = try await host.master.end(of: "t2")
            #expect(end.state == .taskLost && end.message == "Task launched during agent restart")
            #expect(host.master.states(of: "t1") == [.taskRunning])
        }
    }

    /// Subscribes, reads for a second and hangs up.
    private func subscribe(_ host: AgentHost) async throws -> String {
        guard let agent = host.agent else { return "" }
        let body = #"{"type":"SUBSCRIBE",\#(Self.ids),"subscribe":{}}"#
        let run = Process()
        let output = Pipe()
        run.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        run.arguments = [
            "-sN", "-m", "1", "-H", "Content-Type: application/json", "-H", "Accept: application/json", "-d", body,
            agent.url + "/api/v1/executor",
        ]
        run.standardOutput = output
        try run.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        run.waitUntilExit()
        return text
    }
}
