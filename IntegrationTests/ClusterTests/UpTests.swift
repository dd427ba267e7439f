// `mini up` from the outside: the demo, the document it prints, and that every kind of end leaves nothing behind.

import Foundation
import Glibc
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct UpTests {
    @Test(arguments: [
        ["--masters=3", "--agents=3", "--containerizer=docker"],
        ["--masters=1", "--agents=2", "--containerizer=process"],
    ])
    func `the demo builds six jobs, exits with 0 and leaves nothing`(shape: [String]) async throws {
        let cluster = try await UpCluster.start(["--demo", "--exit_when_done"] + shape)
        let end = await cluster.program.end(within: .seconds(90))
        let lines = cluster.program.outputText.split(separator: "\n")
        #expect(end == .exited(0), "\(cluster.program.outputText)\(cluster.program.errorText)")
        #expect(lines.count { $0.contains("SUCCESS") } == 6, "\(cluster.program.outputText)")
        #expect(try await cluster.look.leftovers() == [])
        await cluster.remove()
    }

    @Test func `with --json standard output is one line with the documented keys`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process", "--demo") { cluster, document in
            try await eventually("the demo is done", within: .seconds(60)) {
                cluster.program.errorText.contains("6 of 6 builds succeeded")
            }
            let lines = cluster.program.outputText.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 2 && lines.last == "")
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(cluster.program.output)) as? [String: Any])
            #expect(object.keys.sorted() == ["agents", "jenkins", "masters", "sample_image", "work_dir", "zk"])
            for daemon in [object["jenkins"], (object["masters"] as? [Any])?[0], (object["agents"] as? [Any])?[0]] {
                let daemon = try #require(daemon as? [String: Any])
                #expect(daemon.keys.sorted() == ["pid", "url"])
            }
            #expect(object["zk"] is NSNull)
            #expect(document.masters.count == 1 && document.agents.count == 1)
            #expect(document.workDirectory.hasPrefix(cluster.look.directory))
            for daemon in document.masters + document.agents + [try #require(document.jenkins)] {
                #expect(HostLook.isAlive(daemon.pid), "\(daemon.url)")
            }
        }
    }

    @Test func `a master started again by hand works and is taken away too`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { cluster, document in
            let master = document.masters[0]
            let commandLine = HostLook.arguments(of: master.pid)
            kill(master.pid, SIGKILL)
            try await eventually("the master is gone") { !HostLook.isAlive(master.pid) }
            let second = try await startByHand(commandLine, logPath: "\(document.workDirectory)/second.log")
            try await document.waitUntilComplete()
            #expect(second.knownEnd == nil)
        }
    }

    @Test func `a part of the cluster that ends unasked is spoken of, with what starts it again`() async throws {
        let cluster = try await UpCluster.start(["--json", "--masters=1", "--agents=1", "--containerizer=process"])
        let document = try await cluster.document()
        let agent = document.agents[0]
        kill(agent.pid, SIGKILL)
        let start = "to start it again: "
        let line = try await eventually("the end is told: \(cluster.program.errorText)") {
            cluster.program.errorText.split(separator: "\n").first { $0.hasPrefix("agent-1 ended by signal 9") }
        }
        let command = line.components(separatedBy: start).last ?? ""
        let second = try await startByHand(
            ["/bin/sh", "-c", "exec \(command)"], logPath: "\(document.workDirectory)/second.log")
        try await document.waitUntilComplete()
        #expect(second.knownEnd == nil)
        cluster.program.process.send(signal: SIGTERM)
        #expect(await cluster.program.end(within: .seconds(45)) == .exited(0))
        #expect(cluster.program.errorText.components(separatedBy: start).count == 2, "\(cluster.program.errorText)")
        try await cluster.expectNothingLeft()
        await cluster.remove()
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL])
    func `any end of mini up takes tasks and daemons away`(signal: Int32) async throws {
        let cluster = try await UpCluster.start(
            ["--json", "--masters=1", "--agents=2", "--containerizer=docker"])
        let document = try await cluster.document()
        let address = document.masters[0].address
        let process = try await ProgramRun.mini("run", "--master=\(address)", "--", "sh", "-c", "echo up; sleep 1000")
        let container = try await ProgramRun.mini(
            "run", "--master=\(address)", "--docker_image=\(document.sampleImage ?? "")", "--", "sh", "-c",
            "echo up; sleep 1000")
        for run in [process, container] {
            try await eventually("the task runs: \(run.errorText)", within: .seconds(20)) { run.outputText == "up\n" }
        }
        #expect(try await cluster.look.containers().map(\.state) == ["running"])
        // The look sees what must be gone later: mini up, janitor, master, agents, supervisor, task.
        #expect(cluster.look.processes().count >= 7)

        cluster.program.process.send(signal: signal)
        let end = await cluster.program.end(within: .seconds(45))
        #expect(end == (signal == SIGKILL ? .signaled(SIGKILL) : .exited(0)), "\(cluster.program.errorText)")
        try await cluster.expectNothingLeft()
        for run in [process, container] {
            run.process.send(signal: SIGKILL)
            _ = await run.end(within: .seconds(5))
            run.forget()
        }
        await cluster.remove()
    }

    /// The moments: before anything, with ZooKeeper servers starting, with masters starting.
    @Test(arguments: [(SIGINT, 0.2), (SIGKILL, 1.0), (SIGTERM, 2.5), (SIGKILL, 4.0)])
    func `an end during the start takes away what was started so far`(signal: Int32, seconds: Double) async throws {
        let cluster = try await UpCluster.start(["--masters=3", "--agents=2", "--containerizer=docker", "--demo"])
        try await Task.sleep(for: .seconds(seconds))
        cluster.program.process.send(signal: signal)
        let end = await cluster.program.end(within: .seconds(45))
        // On a busy machine the first may come before the program listens to signals, and then does what it does anyhow.
        let isHeard = signal != SIGKILL && !(seconds < 1 && end == .signaled(signal))
        #expect(end == (isHeard ? .exited(0) : .signaled(signal)), "\(cluster.program.errorText)")
        try await cluster.expectNothingLeft()
        await cluster.remove()
    }

    @Test(arguments: [SIGINT, SIGKILL]) func `a frozen agent is taken away too, and its task`(signal: Int32)
        async throws
    {
        let cluster = try await UpCluster.start(["--json", "--masters=1", "--agents=1", "--containerizer=docker"])
        let document = try await cluster.document()
        let run = try await ProgramRun.mini(
            "run", "--master=\(document.masters[0].address)", "--docker_image=\(document.sampleImage ?? "")", "--",
            "sh",
            "-c", "echo up; sleep 1000")
        try await eventually("the task runs: \(run.errorText)", within: .seconds(20)) { run.outputText == "up\n" }
        kill(document.agents[0].pid, SIGSTOP)
        cluster.program.process.send(signal: signal)
        _ = await cluster.program.end(within: .seconds(45))
        try await cluster.expectNothingLeft()
        run.process.send(signal: SIGKILL)
        _ = await run.end(within: .seconds(5))
        run.forget()
        await cluster.remove()
    }

    @Test func `two clusters run beside each other and end by themselves`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, first in
            try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, second in
                #expect(Set([first, second].flatMap { $0.masters + $0.agents }.map(\.url)).count == 4)
            }
            #expect(HostLook.isAlive(first.masters[0].pid) && HostLook.isAlive(first.agents[0].pid))
            try await first.waitUntilComplete()
        }
    }
}
