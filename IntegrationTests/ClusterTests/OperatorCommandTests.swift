// The operator's command line against clusters that really run: every command once, and the ways in which they refuse.

import Foundation
import Glibc
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(4))) struct OperatorCommandTests {
    struct Ended {
        var status: ProcessEnd
        var output: String
        var errors: String

        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
    }

    /// Runs `mini` with nothing of the environment that says which cluster is meant, but what is given here.
    private func mini(_ arguments: [String], environment: [String] = []) async throws -> Ended {
        let own = SpawnRequest.ownEnvironment.filter { variable in
            !["MINI_", "MESOS_", "COLUMNS="].contains { variable.hasPrefix($0) }
        }
        let run = try await ProgramRun.start(builtProduct("mini"), arguments, environment: own + environment)
        let end = await run.end(within: .seconds(60))
        defer { run.forget() }
        return Ended(status: end, output: run.outputText, errors: run.errorText)
    }

    /// A command that must succeed, told where the cluster is by the environment.
    private func ok(
        _ arguments: String..., master: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Ended {
        let ended = try await mini(arguments, environment: ["MINI_MASTER=\(master)"])
        #expect(ended.status == .exited(0), "\(arguments): \(ended.errors)", sourceLocation: sourceLocation)
        return ended
    }

    /// A command that must fail so, on one line.
    private func refused(
        _ status: Int32, _ words: String, _ arguments: String..., master: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let ended = try await mini(arguments, environment: ["MESOS_MASTER=\(master)"])
        #expect(ended.status == .exited(status), "\(arguments): \(ended.errors)", sourceLocation: sourceLocation)
        #expect(ended.errors.contains(words), "\(arguments): \(ended.errors)", sourceLocation: sourceLocation)
        #expect(ended.errors.split(separator: "\n").count == 1, "\(ended.errors)", sourceLocation: sourceLocation)
        #expect(ended.output == "", sourceLocation: sourceLocation)
    }

    /// A task that prints and stays.
    private func startTask(_ name: String, role: String, script: String, master: String) async throws -> ProgramRun {
        let run = try await ProgramRun.mini(
            "run", "--master=\(master)", "--name=\(name)", "--role=\(role)", "--cpus=0.5", "--mem=48", "--", "sh", "-c",
            script)
        try await eventually("\(name) runs: \(run.errorText)", within: .seconds(40)) {
            run.outputText.contains("up\n")
        }
        return run
    }

    @Test func `a cluster is read and changed from the command line`() async throws {
        try await withCluster("--masters=3", "--agents=2", "--containerizer=process") { cluster, document in
            try await document.waitUntilComplete()
            let zk = try #require(document.zk)
            let list = document.masters.map(\.address).joined(separator: ",")
            let stay = try await startTask(
                "stay", role: "eng/ci", script: "echo up; echo warned >&2; echo x > file; exec sleep 1000", master: zk)
            let failed = try await ProgramRun.mini(
                "run", "--master=\(zk)", "--name=broken", "--", "sh", "-c",
                "echo before; echo no such thing >&2; exit 3")
            #expect(await failed.end(within: .seconds(40)) == .exited(3), "\(failed.errorText)")
            failed.forget()

            try await readCluster(zk: zk, list: list)
            try await readTasks(master: list)
            try await changeRoles(master: zk)
            try await endTasks(master: zk)
            #expect(await stay.end(within: .seconds(40)) != .exited(0))
            stay.forget()
            try await changeAgents(master: zk)
            try await refuse(master: zk)
        }
    }

    private func readCluster(zk: String, list: String) async throws {
        let state = try await ok("state", master: zk)
        #expect(state.output.contains("2 active"), "\(state.output)")
        #expect(state.output.contains("Allocated   0.5"), "\(state.output)")
        let leader = try await ok("leader", "--json", master: list).json()
        #expect((leader["members"] as? [Any])?.count == 3 && leader["quorum"] as? Int == 2, "\(leader)")
        let agents = try await ok("agents", "--json", master: list).json()["agents"] as? [[String: Any]] ?? []
        #expect(agents.count == 2 && agents.allSatisfy { $0["state"] as? String == "active" }, "\(agents)")
        let narrow = try await mini(["agents", "--master=\(zk)"], environment: ["COLUMNS=60"])
        #expect(narrow.status == .exited(0))
        #expect(narrow.output.split(separator: "\n").allSatisfy { $0.count <= 60 }, "\(narrow.output)")
        let frameworks = try await ok("frameworks", "--all", master: zk)
        #expect(frameworks.output.contains("active") && frameworks.output.contains("completed"), "\(frameworks.output)")
        let roles = try await ok("roles", master: zk)
        #expect(roles.output.contains("eng/ci"), "\(roles.output)")
        let tasks = try await ok("ps", "--json", "--role=eng", master: zk).json()["tasks"] as? [[String: Any]] ?? []
        #expect(tasks.map { $0["name"] as? String } == ["stay"])
        let all = try await ok("tasks", "--all", "--state=failed", master: zk)
        #expect(all.output.contains("broken") && !all.output.contains("stay"), "\(all.output)")
        #expect(try await ok("explain", "role", "eng", master: zk).output.contains("eng/ci"))
    }

    private func readTasks(master: String) async throws {
        #expect(try await ok("task", "logs", "stay", master: master).output == "up\n")
        #expect(
            try await ok("task", "logs", "broken", "--stderr", "-n", "1", master: master).output == "no such thing\n")
        #expect(try await ok("task", "logs", "-f", "broken", master: master).output == "before\n")
        let piece = try await ok("task", "logs", "stay", "--stderr", "--json", master: master).json()
        #expect(piece["data"] as? String == "warned\n", "\(piece)")
        let files = try await ok("task", "ls", "stay", master: master).output
        for name in ["stdout", "stderr", "file"] { #expect(files.contains(name), "\(files)") }
        #expect(try await ok("task", "cat", "stay", "file", master: master).output == "x\n")
        #expect(try await ok("task", "exec", "stay", "--", "echo", "inside", master: master).output == "inside\n")
        let story = try await ok("task", "explain", "broken", master: master).output
        for words in ["TASK_FAILED", "exited with status 3", "no such thing", "what to do"] {
            #expect(story.contains(words), "\(story)")
        }
    }

    private func changeRoles(master: String) async throws {
        _ = try await ok("weights", "set", "eng=3", master: master)
        #expect(try await ok("weights", master: master).output.contains("eng        3"))
        #expect(try await ok("weights", "preview", "eng=2", "--json", master: master).json()["roles"] != nil)
        _ = try await ok("quota", "set", "eng", "--guarantee=cpus:1;mem:64", "--limit=cpus:2", master: master)
        _ = try await ok("quota", "set", "eng", "--limit=cpus:3", master: master)
        let quota = try await ok("quota", master: master).output
        #expect(quota.contains("cpus:1;mem:64") && quota.contains("cpus:3"), "\(quota)")
        _ = try await ok("quota", "remove", "eng", master: master)
        #expect(try await ok("quota", "get", master: master).output == "no role has a quota\n")
        try await refused(3, "role eng has no quota", "quota", "remove", "eng", master: master)
        _ = try await ok("reserve", "S0", "cpus:0.5;mem:32", "--role=ops", master: master)
        let agents = try await ok("agents", "--json", master: master).json()["agents"] as? [[String: Any]] ?? []
        #expect(agents.contains { ($0["reserved"] as? [String: String])?["ops"]?.contains("0.5") == true }, "\(agents)")
        _ = try await ok("unreserve", "S0", "cpus:0.5;mem:32", "--role=ops", master: master)
    }

    private func endTasks(master: String) async throws {
        let killed = try await ok("task", "kill", "stay", master: master)
        #expect(killed.output.contains("has ended"), "\(killed.output)")
        let state = try await ok("tasks", "--state=killed", master: master).output
        #expect(state.contains("stay"), "\(state)")
        let other = try await startTask("other", role: "web", script: "echo up; exec sleep 1000", master: master)
        try await refused(2, "--yes", "teardown", "mini run: other", master: master)
        _ = try await ok("teardown", "mini run: other", "--yes", master: master)
        #expect(await other.end(within: .seconds(40)) != .exited(0))
        other.forget()
    }

    private func changeAgents(master: String) async throws {
        _ = try await ok("deactivate", "S0", master: master)
        #expect(try await ok("agents", master: master).output.contains("deactivated"))
        _ = try await ok("reactivate", "S0", master: master)
        let task = try await startTask("drained", role: "web", script: "echo up; exec sleep 1000", master: master)
        for agent in ["S0", "S1"] {
            let drained = try await ok("drain", agent, "--max_grace_period=1secs", master: master)
            #expect(drained.output.contains("is drained"), "\(drained.output)")
        }
        _ = await task.end(within: .seconds(40))
        task.forget()
        let agents = try await ok("agents", master: master).output
        #expect(agents.split(separator: "\n").filter { $0.contains("drained") }.count == 2, "\(agents)")
        for agent in ["S0", "S1"] { _ = try await ok("reactivate", agent, master: master) }
        // Both agents are on this host: one machine.
        let plan = try await ok("maintenance", "schedule", "--start=1hrs", "--duration=2hrs", "S0", master: master)
        #expect(plan.output.contains("scheduled"), "\(plan.output)")
        let status = try await ok("maintenance", "--json", master: master).json()
        #expect((status["machines"] as? [Any])?.count == 1, "\(status)")
        #expect(
            try await ok("maintenance", "cancel", "127.0.0.1", master: master).output == "no maintenance is scheduled\n"
        )
    }

    private func refuse(master: String) async throws {
        try await refused(3, "no task is called 'no-such'", "task", "logs", "no-such", master: master)
        try await refused(3, "no agent is called 'S77'", "drain", "S77", master: master)
        try await refused(3, "ambiguous: 2 agents", "deactivate", "127.0.0.1", master: master)
        try await refused(3, "has no 'nothing'", "task", "cat", "broken", "nothing", master: master)
        try await refused(3, "no framework is called", "teardown", "nobody", "--yes", master: master)
        try await refused(2, "expected role=weight", "weights", "set", "eng=0", master: master)
        try await refused(2, "--state: expected one of", "tasks", "--state=dead", master: master)
        try await refused(2, "--guarantee", "quota", "set", "eng", "--guarantee=lots", master: master)
        try await refused(1, "Agent is not deactivated", "reactivate", "S0", master: master)
    }

    @Test func `without a cluster, the exit status says so, and the line what to do`() async throws {
        let nowhere = try await mini(["state"], environment: [])
        #expect(nowhere.status == .exited(2) && nowhere.errors.contains("MINI_MASTER"), "\(nowhere.errors)")
        try await refused(4, "could not connect", "agents", "--timeout=5secs", master: "127.0.0.1:1")
        try await refused(4, "no master leads", "leader", "--timeout=2secs", master: "127.0.0.1:1,127.0.0.1:2")
        try await refused(4, "no master leads at zk://", "ps", "--timeout=2secs", master: "zk://127.0.0.1:1/mesos")
        try await refused(2, "expecting 'zk://", "roles", master: "nonsense")
    }

    @Test func `a master that wants to know who asks is told, or the line says how`() async throws {
        let directory = try makeTemporaryDirectory(named: "operator")
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let credentials = "\(directory)/credentials"
        try #"{"credentials":[{"principal":"ops","secret":"open sesame"}]}"#
            .write(toFile: credentials, atomically: true, encoding: .utf8)
        let secret = "\(directory)/secret"
        try "open sesame\n".write(toFile: secret, atomically: true, encoding: .utf8)
        try "wrong\n".write(toFile: secret + "-wrong", atomically: true, encoding: .utf8)
        for path in [credentials, secret, secret + "-wrong"] { chmod(path, 0o600) }
        let daemon = try await ProgramRun.mini(
            "master", "--ip=127.0.0.1", "--hostname=127.0.0.1", "--port=0", "--work_dir=\(directory)/master",
            "--authenticate_http_readonly=true", "--authenticate_http_readwrite=true", "--credentials=\(credentials)")
        let address = try await eventually("the master listens: \(daemon.errorText)", within: .seconds(30)) {
            guard let found = daemon.errorText.firstRange(of: "listens on ") else { return nil as String? }
            let rest = daemon.errorText[found.upperBound...].prefix { !$0.isNewline && $0 != "," }
            return rest.split(separator: ":").last.map { "127.0.0.1:\($0)" }
        }
        let known = ["MINI_MASTER=\(address)", "MINI_PRINCIPAL=ops", "MINI_SECRET_FILE=\(secret)"]
        let agents = try await mini(["agents"], environment: known)
        #expect(agents.status == .exited(0) && agents.output == "no agents\n", "\(agents.errors)")
        let state = try await mini(["state"], environment: known)
        #expect(state.status == .exited(0) && state.output.contains("Agents      none"), "\(state.errors)")
        try await refused(1, "--principal and --secret_file", "agents", master: address)
        try await refused(
            1, "wants to know who asks", "agents", "--principal=ops", "--secret_file=\(secret)-wrong", master: address)
        daemon.process.send(signal: SIGTERM)
        _ = await daemon.end(within: .seconds(20))
        daemon.forget()
    }
}
