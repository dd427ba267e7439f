// The agent script as a process of this host, under the shells it may meet.
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct AgentScriptTests {
    /// Lends a controller with one node and a running agent.
    private func withAgent(
        shell: [String] = ["/bin/sh"], options: [String] = [], executors: Int = 1,
        _ body: (LiveController, RunningCommand) async throws -> Void
    ) async throws {
        try await withAgentScript { script in
            try await LiveController.lend { controller in
                let secret = try await controller.createNode("n1", executors: executors)
                var environment = controller.environment(agent: "n1", secret: secret)
                environment["TMPDIR"] = (script as NSString).deletingLastPathComponent
                let agent = try await startCommand(
                    shell[0], shell.dropFirst() + [script] + options, environment: environment)
                defer { agent.process.sendToGroup(signal: SIGKILL) }
                try await eventually("the agent connects") {
                    try await controller.value("offline", of: "/computer/n1") == "false"
                }
                try await body(controller, agent)
                agent.process.send(signal: SIGTERM)
                #expect(await !agent.finished(within: .seconds(5)).output.contains(secret))
            }
        }
    }

    @Test(arguments: [["/bin/busybox", "sh"], ["/bin/dash"], ["/bin/bash"]])
    func `a build's output and exit code reach the controller`(shell: [String]) async throws {
        try await withAgent(shell: shell) { controller, _ in
            try await controller.createJob(
                "good", command: "echo \"on $NODE_NAME: $JOB_NAME $BUILD_NUMBER\"; echo err >&2")
            try await controller.startBuild("good")
            #expect(try await controller.result("good") == "SUCCESS")
            let console = try await controller.console("good")
            #expect(console.contains("on n1: good 1\nerr\n"), "\(console)")

            try await controller.createJob("bad", command: "echo before; exit 3; echo after")
            try await controller.startBuild("bad")
            #expect(try await controller.result("bad") == "FAILURE")
            let failure = try await controller.console("bad")
            #expect(failure.contains("before\n") && failure.contains("exit code 3") && !failure.contains("after"))
        }
    }

    @Test func `a command that fails in the middle ends the build`() async throws {
        try await withAgent { controller, _ in
            try await controller.createJob("strict", command: "false\necho after")
            try await controller.startBuild("strict")
            #expect(try await controller.result("strict") == "FAILURE")
            #expect(try await !controller.console("strict").contains("after\n"))
        }
    }

    @Test func `output of any bytes and size arrives once and in order`() async throws {
        try await withAgent { controller, _ in
            try await controller.createJob(
                "noisy", command: "printf '100%% & a=b+c\\n'; seq 1 60000; sleep 0.5; echo last")
            try await controller.startBuild("noisy")
            #expect(try await controller.result("noisy") == "SUCCESS")
            let lines = try await controller.console("noisy").split(separator: "\n")
            #expect(lines.contains("100% & a=b+c"))
            let numbers = lines.compactMap { Int($0) }
            #expect(numbers == Array(1...60_000))
            #expect(lines.suffix(2) == ["last", "Finished: SUCCESS"])
        }
    }

    @Test(arguments: [["/bin/busybox", "sh"], ["/bin/dash"]])
    func `an aborted build ends with everything it started`(shell: [String]) async throws {
        try await withAgent(shell: shell) { controller, agent in
            try await controller.createJob("long", command: "echo group $$; (sleep 300) & sleep 300")
            try await controller.startBuild("long")
            let group = try await eventually("the build tells its group") {
                try await controller.console("long").split(separator: "\n").first { $0.hasPrefix("group ") }
                    .flatMap { pid_t($0.dropFirst(6)) }
            }
            try await controller.send("POST", "/job/long/1/stop")
            #expect(try await controller.result("long") == "ABORTED")
            #expect(liveProcesses(inGroup: group).isEmpty)
            #expect(agent.process.knownEnd == nil)
            #expect(try await controller.value("idle", of: "/computer/n1") == "true")
        }
    }

    @Test func `two executors build side by side`() async throws {
        try await withAgent(executors: 2) { controller, _ in
            for job in ["left", "right"] { try await controller.createJob(job, command: "sleep 300") }
            for job in ["left", "right"] { try await controller.startBuild(job) }
            for job in ["left", "right"] { try await controller.send("POST", "/job/\(job)/1/stop") }
            for job in ["left", "right"] { #expect(try await controller.result(job) == "ABORTED") }
        }
    }

    @Test func `SIGTERM ends agent and build within two seconds`() async throws {
        try await withAgent { controller, agent in
            try await controller.createJob("long", command: "sleep 300")
            try await controller.startBuild("long")
            let start = ContinuousClock.now
            agent.process.send(signal: SIGTERM)
            let run = await agent.finished(within: .seconds(10))
            #expect(run.end == .exited(0), "\(run)")
            // One second by design; the rest is for a busy machine.
            #expect(.now - start < .seconds(3))
            #expect(try await controller.result("long") == "FAILURE")
            #expect(try await controller.value("offline", of: "/computer/n1") == "true")
        }
    }

    @Test func `a killed agent is noticed by its silence`() async throws {
        try await withAgent { controller, agent in
            // The build has a session of its own and outlives this kill, so it is short.
            try await controller.createJob("long", command: "sleep 10")
            try await controller.startBuild("long")
            agent.process.sendToGroup(signal: SIGKILL)
            _ = await agent.finished(within: .seconds(5))
            try await controller.control("action=warp&seconds=31")
            #expect(try await controller.result("long") == "FAILURE")
        }
    }

    @Test func `a controller frozen for ten minutes has not missed its agent, and the build goes on`() async throws {
        try await withAgent { controller, agent in
            try await controller.createJob("long", command: "sleep 2")
            try await controller.startBuild("long")
            try await controller.control("action=freeze&seconds=600")
            // Ten minutes for the controller; the agent is not that patient.
            try await controller.control("action=warp&seconds=599500ms")
            #expect(try await controller.result("long") == "SUCCESS")
            #expect(!agent.output.contains("connection is over"))
        }
    }

    @Test func `after a controller restart the agent connects again and its build is lost`() async throws {
        try await withAgent { controller, agent in
            try await controller.createJob("long", command: "sleep 300")
            try await controller.createJob("short", command: "echo again")
            try await controller.startBuild("long")
            try await controller.control("action=restart&seconds=1")
            #expect(try await controller.send("GET", "/api/json").status == 503)
            #expect(try await controller.result("long") == "FAILURE")
            try await eventually("the agent is back", within: .seconds(20)) {
                try await controller.value("offline", of: "/computer/n1") == "false"
            }
            try await controller.startBuild("short")
            #expect(try await controller.result("short") == "SUCCESS")
            #expect(agent.output.contains("connecting again"))
        }
    }

    @Test func `a step that runs when its controller restarts runs again on its agent`() async throws {
        try await withAgent { controller, _ in
            let xml = """
                <flow-definition><stages><stage><step><label>practice</label>
                <command>trap '' TERM; echo begins; sleep 2; echo ends</command></step></stage></stages></flow-definition>
                """
            try await controller.send("POST", "/createItem?name=flow", body: xml)
            try await controller.startBuild("flow")
            try await eventually("the step runs") { try await controller.console("flow").contains("begins\n") }
            try await controller.control("action=restart&seconds=1")
            // Its first run ignores being stopped and is still being put away when the second begins.
            #expect(try await controller.result("flow") == "SUCCESS")
            #expect(try await controller.console("flow").contains("ends\n"))
        }
    }

    @Test func `with noReconnect a lost connection ends the agent`() async throws {
        try await withAgent(options: ["-noReconnect"]) { controller, agent in
            try await controller.control("action=drop-channel&node=n1")
            let run = await agent.finished(within: .seconds(20))
            #expect(run.end == .exited(4), "\(run)")
        }
    }

    @Test func `an agent whose connection was taken and not answered comes in all the same`() async throws {
        try await withAgentScript { script in
            try await LiveController.lend { controller in
                let secret = try await controller.createNode("n1")
                try await controller.control("action=drop-answer&path=/standin/agent/connect&times=1")
                let agent = try await startCommand(
                    "/bin/sh", [script], environment: controller.environment(agent: "n1", secret: secret))
                defer { agent.process.sendToGroup(signal: SIGKILL) }
                try await eventually("the agent is refused, for the controller has a connection that nobody holds") {
                    agent.output.contains("not let in yet")
                }
                // The agent is refused until the controller has missed the other one for half a minute.
                try await controller.control("action=warp&seconds=31")
                try await eventually("the agent is in", within: .seconds(20)) {
                    agent.output.contains("connected as n1")
                }
                try await controller.createJob("good", command: "echo built")
                try await controller.startBuild("good")
                #expect(try await controller.result("good") == "SUCCESS")
                agent.process.send(signal: SIGTERM)
                #expect(await agent.finished(within: .seconds(10)).end == .exited(0))
            }
        }
    }

    @Test func `an agent that comes before its node waits for it`() async throws {
        try await withAgentScript { script in
            try await LiveController.lend { controller in
                // The secret depends on the name alone.
                let secret = try await controller.createNode("n1")
                try await controller.send("POST", "/computer/n1/doDelete")
                let agent = try await startCommand(
                    "/bin/sh", [script], environment: controller.environment(agent: "n1", secret: secret))
                defer { agent.process.sendToGroup(signal: SIGKILL) }
                try await eventually("the agent is refused") { agent.output.contains("not let in yet") }
                _ = try await controller.createNode("n1")
                try await eventually("the agent is in", within: .seconds(20)) {
                    try await controller.value("offline", of: "/computer/n1") == "false"
                }
                agent.process.send(signal: SIGTERM)
                #expect(await agent.finished(within: .seconds(10)).end == .exited(0))
            }
        }
    }

    @Test func `an agent without its secret is refused`() async throws {
        try await withAgentScript { script in
            try await LiveController.lend { controller in
                _ = try await controller.createNode("n1")
                let wrong = try await runCommand(
                    "/bin/sh", [script], environment: controller.environment(agent: "n1", secret: "0123"),
                    within: .seconds(20))
                #expect(wrong.end == .exited(3), "\(wrong)")
                let missing = try await runCommand(
                    "/bin/sh", [script], environment: ["JENKINS_URL": controller.url], within: .seconds(20))
                #expect(missing.end == .exited(2), "\(missing)")
            }
        }
    }

    @Test func `a pipeline's steps run on the agent`() async throws {
        try await withAgent(executors: 2) { controller, _ in
            let xml = """
                <flow-definition><stages>
                  <stage>
                    <step><label>practice</label><command>echo one</command></step>
                    <step><label>practice</label><command>echo two</command></step>
                  </stage>
                  <stage><step><label>practice</label><command>echo three</command><seconds>1</seconds></step></stage>
                </stages></flow-definition>
                """
            try await controller.send("POST", "/createItem?name=flow", body: xml)
            try await controller.startBuild("flow")
            #expect(try await controller.result("flow") == "SUCCESS")
            let console = try await controller.console("flow")
            for word in ["one", "two", "three"] { #expect(console.contains("\(word)\n"), "\(console)") }
        }
    }
}

/// Processes of a group that have not ended; those that ended and are not yet collected do not count.
private func liveProcesses(inGroup group: pid_t) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.filter { name in
        guard Int(name) != nil, let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
            let afterName = stat.lastIndex(of: ")")
        else { return false }
        let fields = stat[stat.index(after: afterName)...].split(separator: " ")
        return fields.count > 2 && fields[0] != "Z" && fields[2] == "\(group)"
    }
}
