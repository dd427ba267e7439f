// `mini exec`: a command in a task's container, as if it ran here.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct ExecTests {
    @Test func `input, output, errors and exit status pass through, into a process task and into a container`()
        async throws
    {
        try await withCluster("--masters=1", "--agents=2", "--containerizer=docker") { _, document in
            let master = document.masters[0].address
            let image = try #require(document.sampleImage)
            for flags in [[], ["--docker_image=\(image)"]] {
                let task = try await ProgramRun.start(
                    builtProduct("mini"),
                    ["run", "--master=\(master)"] + flags + ["--", "sh", "-c", "echo up; sleep 1000"])
                try await eventually("the task runs: \(task.errorText)", within: .seconds(20)) {
                    task.outputText == "up\n"
                }
                let id = try await Self.runningTask(document.masters[0].url)
                // The input ends, which ends cat.
                let script = "cat; echo problem >&2; echo from $MESOS_TASK_ID; exit 7"
                let run = try await ProgramRun.start(
                    "/bin/sh",
                    ["-c", "printf 'one\\ntwo\\n' | \"$0\" \"$@\"", builtProduct("mini")]
                        + ["exec", "--master=\(master)", id, "--", "sh", "-c", script])
                #expect(await run.end(within: .seconds(20)) == .exited(7), "\(flags) \(run.errorText)")
                #expect(run.outputText == "one\ntwo\nfrom \(id)\n", "\(flags)")
                #expect(run.errorText == "problem\n", "\(flags)")
                run.forget()
                task.process.send(signal: SIGTERM)
                _ = await task.end(within: .seconds(20))
                task.forget()
            }
        }
    }

    @Test func `a terminal is handed through with its size, and a task that does not run is named`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, document in
            let master = document.masters[0].address
            let task = try await ProgramRun.mini("run", "--master=\(master)", "--", "sh", "-c", "echo up; sleep 1000")
            try await eventually("the task runs: \(task.errorText)", within: .seconds(20)) { task.outputText == "up\n" }
            let id = try await Self.runningTask(document.masters[0].url)
            let command = "'\(builtProduct("mini"))' exec --master=\(master) \(id) --tty -- sh -c 'stty size; exit 5'"
            // `script` is a terminal without a person.
            let run = try await ProgramRun.start(
                "script", ["-q", "-e", "-c", "stty rows 33 cols 99; \(command)", "/dev/null"])
            #expect(await run.end(within: .seconds(20)) == .exited(5), "\(run.outputText) \(run.errorText)")
            #expect(run.outputText.contains("33 99"), "\(run.outputText)")
            run.forget()
            let unknown = try await ProgramRun.mini(
                "exec", "--master=127.0.0.1:1,\(master)", "no-such-task", "--", "true")
            #expect(await unknown.end(within: .seconds(20)) == .exited(125))
            #expect(unknown.errorText.contains("knows no task 'no-such-task'"), "\(unknown.errorText)")
            unknown.forget()
            let missing = try await ProgramRun.mini("exec", "--master=\(master)", id, "--", "/no/such/program")
            #expect(await missing.end(within: .seconds(20)) == .exited(127), "\(missing.errorText)")
            missing.forget()
            task.process.send(signal: SIGTERM)
            _ = await task.end(within: .seconds(20))
            task.forget()
        }
    }

    /// The id of the only task that runs.
    private static func runningTask(_ master: String) async throws -> String {
        var request = HTTPClientRequest(url: "\(master)/tasks?limit=-1")
        request.totalTimeout = .seconds(10)
        let asked = request
        return try await eventually("one task runs", within: .seconds(10)) {
            let reply = try await HTTPClient.shared.fetch(asked)
            let document = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
            let tasks = document?["tasks"] as? [[String: Any]] ?? []
            let running = tasks.filter { $0["state"] as? String == "TASK_RUNNING" }
            return running.count == 1 ? running[0]["id"] as? String : nil
        }
    }
}
