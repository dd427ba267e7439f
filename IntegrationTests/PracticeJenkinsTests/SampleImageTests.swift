// The sample image in a real Docker Engine, and the agent inside it.
import DevCluster
import Glibc
import IntegrationSupport
import PracticeJenkins
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SampleImageTests {
    private func imageID() async throws -> String {
        let run = try await runCommand(
            "docker", ["image", "inspect", "--format", "{{.Id}} {{.Created}}", SampleImage.reference],
            within: .seconds(20))
        #expect(run.succeeded, "\(run)")
        return run.output
    }

    @Test func `the image is made once`() async throws {
        let image = SampleImage(agentScript: PracticeAgentScript.text)
        #expect(try await image.ensure() == SampleImage.reference)
        let first = try await imageID()
        try await image.ensure()
        #expect(try await imageID() == first)
    }

    @Test func `the image has a shell, users and the agent as its command`() async throws {
        try await SampleImage(agentScript: PracticeAgentScript.text).ensure()
        let shell = try await runCommand(
            "docker",
            ["run", "--rm", "--pull", "never", SampleImage.reference, "sh", "-c", "id -un; ls -d /tmp; exit 7"],
            within: .seconds(30))
        #expect(shell.output == "root\n/tmp\n")
        #expect(shell.end == .exited(7))
        let agent = try await runCommand(
            "docker", ["run", "--rm", "--pull", "never", SampleImage.reference], within: .seconds(30))
        #expect(agent.end == .exited(2))
        #expect(agent.output.contains("practice-agent: JENKINS_URL"))
    }

    @Test func `an engine or a busybox that is not there is named`() async throws {
        let image = SampleImage(agentScript: PracticeAgentScript.text)
        await #expect {
            try await image.ensure(socketPath: "/nonexistent/docker.sock")
        } throws: { error in
            "\(error)".hasPrefix("no Docker Engine at /nonexistent/docker.sock: ")
        }
        await #expect(throws: SampleImageError.noBusybox(path: "/nonexistent/busybox")) {
            try await SampleImage(agentScript: "", busyboxPath: "/nonexistent/busybox").ensure()
        }
        await #expect(throws: SampleImageError.busyboxNotStatic(path: "/bin/bash")) {
            try await SampleImage(agentScript: "", busyboxPath: "/bin/bash").ensure()
        }
    }

    /// Lends a controller whose node's agent runs in a container of the sample image.
    private func withContainer(_ body: (LiveController, RunningCommand, String) async throws -> Void) async throws {
        try await SampleImage(agentScript: PracticeAgentScript.text).ensure()
        try await LiveController.lend { controller in
            let secret = try await controller.createNode("boxed")
            let name = "practice-agent-\(getpid())-\(controller.server.port)"
            let environment = controller.environment(agent: "boxed", secret: secret).sorted { $0.key < $1.key }
            let arguments =
                ["run", "--rm", "--pull", "never", "--network", "host", "--name", name]
                + environment.flatMap { ["-e", "\($0.key)=\($0.value)"] } + [SampleImage.reference]
            let agent = try await startCommand("docker", arguments)
            let remove = { _ = try await runCommand("docker", ["rm", "-f", name], within: .seconds(30)) }
            do {
                try await eventually("the agent connects", within: .seconds(30)) {
                    try await controller.value("offline", of: "/computer/boxed") == "false"
                }
                try await body(controller, agent, name)
            } catch {
                try await remove()
                throw error
            }
            try await remove()
        }
    }

    @Test func `the agent builds, aborts and stops inside a container`() async throws {
        try await withContainer { controller, agent, name in
            try await controller.createJob("good", command: "echo built in $(uname -s) by $(id -un); pwd")
            try await controller.startBuild("good")
            #expect(try await controller.result("good") == "SUCCESS")
            #expect(try await controller.console("good").contains("built in Linux by root\n/tmp/practice-agent."))

            try await controller.createJob("bad", command: "exit 5")
            try await controller.startBuild("bad")
            #expect(try await controller.result("bad") == "FAILURE")
            #expect(try await controller.console("bad").contains("exit code 5"))

            try await controller.createJob("long", command: "sleep 300")
            try await controller.startBuild("long")
            try await controller.send("POST", "/job/long/1/stop")
            #expect(try await controller.result("long") == "ABORTED")

            let stop = try await runCommand("docker", ["stop", "--time", "5", name], within: .seconds(30))
            #expect(stop.succeeded, "\(stop)")
            #expect(await agent.finished(within: .seconds(20)).end == .exited(0))
        }
    }

    @Test func `a killed container fails its build, a restarted controller gets its agent back`() async throws {
        try await withContainer { controller, agent, name in
            try await controller.control("action=restart&seconds=1")
            try await eventually("the agent is back", within: .seconds(20)) {
                try await controller.value("offline", of: "/computer/boxed") == "false"
            }
            try await controller.createJob("long", command: "sleep 300")
            try await controller.startBuild("long")
            _ = try await runCommand("docker", ["kill", name], within: .seconds(30))
            #expect(await agent.finished(within: .seconds(20)).end == .exited(137))
            try await controller.control("action=warp&seconds=31")
            #expect(try await controller.result("long") == "FAILURE")
        }
    }
}
