// Health checks, checks and time limits of real processes and real containers.

import Foundation
import Glibc
import HTTPServer
import MesosProtocol
import MiniAgent
import Resources
import Testing

extension V1HealthCheck {
    /// Runs every 200 ms from the start.
    fileprivate static func quick(_ change: (inout V1HealthCheck) -> Void) -> V1HealthCheck {
        var check = V1HealthCheck()
        check.delaySeconds = 0
        check.intervalSeconds = 0.2
        check.timeoutSeconds = 5
        check.gracePeriodSeconds = 0
        change(&check)
        return check
    }

    fileprivate static func quickCommand(_ command: String, grace: Double = 0, failures: UInt32 = 3) -> V1HealthCheck {
        quick {
            $0.type = .command
            $0.command.value = command
            $0.gracePeriodSeconds = grace
            $0.consecutiveFailures = failures
        }
    }
}

extension StubMaster {
    /// Waits until a task is told to be healthy, or not.
    @discardableResult
    fileprivate func health(_ name: String, _ healthy: Bool) async throws -> V1TaskStatus {
        try await wait("\(name) healthy=\(healthy); there are \(updates.map { "\($0.state) \($0.message)" })") {
            self.updates.first { $0.taskID.value == name && $0.hasHealthy && $0.healthy == healthy }
        }
    }

    fileprivate func count(_ name: String, _ reason: V1TaskStatus.Reason) -> Int {
        var seen: Set<Data> = []
        return updates.count { $0.taskID.value == name && $0.reason == reason && seen.insert($0.uuid).inserted }
    }
}

/// Answers any HTTP request with 200 on the loopback address of the container, and nowhere else.
private let loopbackServer = """
    mkdir -p /tmp/www && echo hello > /tmp/www/index.html && \
    exec /bin/busybox httpd -f -p 127.0.0.1:8080 -h /tmp/www
    """

@Suite(.serialized, .timeLimit(.minutes(4)))
struct HealthCheckTests {
    @Test func `a command check of a process sees its sandbox and its variables`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.task("ok", "echo ready > flag; sleep 100")
            task.command.environment.variables = [.value("COLOUR", "green")]
            task.healthCheck = .quickCommand(
                "grep -q ready flag && test \"$COLOUR\" = green && test \"$MESOS_TASK_ID\" = ok", grace: 10)
            host.master.run(task)
            let status = try await host.master.health("ok", true)
            #expect(status.state == .taskRunning)
            #expect(status.reason == .taskHealthCheckStatusUpdated)
            #expect(status.containerStatus.networkInfos.first?.ipAddresses.isEmpty == false)
            try await Task.sleep(for: .seconds(1))
            #expect(host.master.count("ok", .taskHealthCheckStatusUpdated) == 1, "told once")
            host.master.kill("ok")
            #expect(try await host.master.end(of: "ok").healthy)
        }
    }

    @Test func `a process whose check fails is killed and unhealthy`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.task("bad", "sleep 100")
            task.healthCheck = .quickCommand("exit 7", failures: 2)
            host.master.run(task)
            let end = try await host.master.end(of: "bad")
            #expect(end.state == .taskKilled)
            #expect(end.hasHealthy && !end.healthy)
            #expect(end.message == "Command terminated with signal Terminated")
            #expect(host.master.count("bad", .taskHealthCheckStatusUpdated) == 2)
        }
    }

    @Test func `a check that takes too long has failed, and nothing of it lives on`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.task("slow", "sleep 100")
            task.healthCheck = .quickCommand("(setsid sleep 1000 & echo $! > hidden); sleep 1000", failures: 9)
            task.healthCheck.timeoutSeconds = 0.5
            host.master.run(task)
            let status = try await host.master.health("slow", false)
            #expect(status.message.contains("timed out after 0.5 s"))
            let pid = try await wait("the hidden pid") {
                pid_t(
                    (try? await host.read("hidden", of: "slow"))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "")
            }
            host.master.kill("slow")
            _ = try await host.master.end(of: "slow")
            try await wait("the end of process \(pid)", .seconds(5)) { kill(pid, 0) != 0 ? true : nil }
        }
    }

    @Test func `checks of a process go on when its agent comes back, and a check under way ends with the agent`()
        async throws
    {
        try await AgentHost.with { host in
            var task = AgentHost.task("long", "touch good; sleep 100")
            task.healthCheck = .quickCommand("echo $$ >> runs; test -f good", grace: 10, failures: 3)
            host.master.run(task)
            try await host.master.health("long", true)
            await host.stop()
            try await host.start()
            let runs = try await host.read("runs", of: "long").count
            try await wait("another run") { try await host.read("runs", of: "long").count > runs ? true : nil }
            #expect(host.master.count("long", .taskHealthCheckStatusUpdated) == 1)
            let sandbox =
                "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors/long/runs/latest"
            try FileManager.default.removeItem(atPath: sandbox + "/good")
            let end = try await host.master.end(of: "long")
            #expect(end.state == .taskKilled)
            #expect(end.hasHealthy && !end.healthy)
        }
    }

    @Test func `HTTP and TCP checks of a process go to this host's loopback address`() async throws {
        try await AgentHost.with { host in
            let port = try await host.freePort()
            var task = AgentHost.task(
                "web", "mkdir www; echo hi > www/index.html; exec /bin/busybox httpd -f -p 127.0.0.1:\(port) -h www")
            task.healthCheck = .quick {
                $0.type = .http
                $0.http.port = UInt32(port)
                $0.http.path = "/"
                $0.gracePeriodSeconds = 10
            }
            task.check.type = .tcp
            task.check.tcp.port = UInt32(port)
            task.check.delaySeconds = 0
            task.check.intervalSeconds = 0.2
            host.master.run(task)
            try await host.master.health("web", true)
            let told = try await wait("the TCP check's result") {
                host.master.updates.first { $0.hasCheckStatus && $0.checkStatus.tcp.succeeded }
            }
            #expect(told.checkStatus.type == .tcp)
            let end = try await endAfterKill(host, "web")
            #expect(end.state == .taskKilled)
        }
    }

    // MARK: Containers

    @Test(arguments: [V1ContainerInfo.DockerInfo.Network.none, .bridge])
    func `an HTTP check reaches a server on the loopback address of its container`(
        network: V1ContainerInfo.DockerInfo.Network
    ) async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker("web", loopbackServer)
            task.container.docker.network = network
            task.healthCheck = .quick {
                $0.type = .http
                $0.http.port = 8080
                $0.http.path = "/index.html"
                $0.gracePeriodSeconds = 10
            }
            task.check.type = .tcp
            task.check.tcp.port = 9
            task.check.delaySeconds = 0
            host.master.run(task)
            let status = try await host.master.health("web", true)
            #expect(status.reason == .taskHealthCheckStatusUpdated)
            let told = try await wait("the TCP check's result") {
                host.master.updates.first { $0.hasCheckStatus && $0.checkStatus.tcp.hasSucceeded }
            }
            #expect(!told.checkStatus.tcp.succeeded, "nobody listens on port 9")
            await host.stop()
            try await host.start()
            let end = try await endAfterKill(host, "web")
            #expect(end.healthy)
        }
    }

    @Test func `a command check runs in the container`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker("inside", "echo yes > /tmp/inside; sleep 100")
            task.healthCheck = .quickCommand("test -f /tmp/inside && test \"$EXTRA\" = 1", grace: 10)
            task.healthCheck.command.environment.variables = [.value("EXTRA", "1")]
            host.master.run(task)
            try await host.master.health("inside", true)
            host.master.kill("inside", grace: .zero)
            #expect(try await host.master.end(of: "inside").healthy)
        }
    }

    @Test func `a container whose check hangs is killed, and the hanging command with it`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker("hang", "sleep 100")
            task.killPolicy.gracePeriod.nanoseconds = 0
            // The number tells this command from all others on the host.
            let number = UInt32.random(in: 10_000...1_000_000)
            task.healthCheck = .quickCommand("echo > /tmp/runs; sleep \(number); true", failures: 2)
            task.healthCheck.intervalSeconds = 3
            task.healthCheck.timeoutSeconds = 0.5
            host.master.run(task)
            try await host.master.health("hang", false)
            // The container runs on, the command in it does not.
            try await wait("the end of sleep \(number)", .seconds(60)) { isRunning("sleep \(number)") ? nil : true }
            #expect(host.master.states(of: "hang").last == .taskRunning)
            let end = try await host.master.end(of: "hang")
            #expect(end.state == .taskKilled)
            #expect(end.hasHealthy && !end.healthy)
        }
    }

    @Test func `an HTTP check follows redirects, and an error is a failure`() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0) { request in
            switch request.path {
            case "/moved": HTTPResponse(status: 302, headers: [("Location", "/here")])
            case "/here": .text(204, "")
            default: .text(503, "no")
            }
        }
        try await AgentHost.with { host in
            for (name, path) in [("moved", "/moved"), ("gone", "/gone")] {
                var task = AgentHost.task(name, "sleep 100")
                task.healthCheck = .quick {
                    $0.type = .http
                    $0.http.port = UInt32(server.port)
                    $0.http.path = path
                }
                host.master.run(task)
            }
            try await host.master.health("moved", true)
            let status = try await host.master.health("gone", false)
            #expect(status.message == "HTTP health check failed (1 in a row): Unexpected HTTP response code: 503")
        }
        await server.stop(within: .milliseconds(100))
    }

    @Test func `an HTTPS check believes any certificate`() async throws {
        try await AgentHost.with { host in
            let port = try await host.freePort()
            var task = AgentHost.task(
                "tls",
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=elsewhere -days 1 "
                    + "-keyout key -out cert && exec openssl s_server -accept \(port) -cert cert -key key -www")
            task.healthCheck = .quick {
                $0.type = .http
                $0.http.scheme = "https"
                $0.http.port = UInt32(port)
                $0.http.path = "/"
                $0.gracePeriodSeconds = 20
            }
            host.master.run(task)
            try await host.master.health("tls", true)
        }
    }

    /// Whether a process of this host has these words as its arguments.
    private func isRunning(_ command: String) -> Bool {
        let pids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) } ?? []
        return pids.contains { pid in
            let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.joined(separator: " ") == command
        }
    }

    // MARK: The time limit

    @Test func `a task that takes longer than it may has failed, also with a restart in between`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.task("late", "trap '' TERM; while true; do sleep 0.05; done")
            task.maxCompletionTime.nanoseconds = 2_000_000_000
            host.master.run(task)
            _ = try await host.master.update("late", .taskRunning)
            let start = ContinuousClock.now
            await host.stop()
            try await host.start()
            let end = try await host.master.end(of: "late")
            #expect(ContinuousClock.now - start > .seconds(1))
            #expect(end.state == .taskFailed)
            #expect(end.reason == .maxCompletionTimeReached)
            #expect(end.message == "Command terminated with signal Killed")
        }
    }

    private func endAfterKill(_ host: AgentHost, _ name: String) async throws -> V1TaskStatus {
        host.master.kill(name, grace: .zero)
        return try await host.master.end(of: name)
    }
}

extension V1Environment.Variable {
    static func value(_ name: String, _ value: String) -> V1Environment.Variable {
        var variable = V1Environment.Variable()
        variable.name = name
        variable.value = value
        return variable
    }
}

extension AgentHost {
    /// A port nobody listens on just now.
    func freePort() async throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else { throw Timeout(description: "no free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
