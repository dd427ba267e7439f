// `mini run`: a task's output and exit status arrive as if the command had run here.

import Foundation
import Glibc
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct RunTests {
    @Test func `output, errors and exit status of a command come through, from a process and from a container`()
        async throws
    {
        try await withCluster("--masters=1", "--agents=2", "--containerizer=docker") { _, document in
            let image = try #require(document.sampleImage)
            for flags in [[], ["--docker_image=\(image)"]] {
                let run = try await start(
                    document.masters[0].address, flags + ["--", "sh", "-c", "echo hi; echo problem >&2; exit 3"])
                #expect(await run.end(within: .seconds(20)) == .exited(3), "\(flags) \(run.errorText)")
                #expect(run.outputText == "hi\n", "\(flags)")
                #expect(run.errorText.contains("problem\n"), "\(flags)")
                run.forget()
            }
            // Of a list, the first master that answers is asked.
            let run = try await start("127.0.0.1:1,\(document.masters[0].address)", ["--", "true"])
            #expect(await run.end(within: .seconds(60)) == .exited(0))
            #expect(run.outputText == "" && run.errorText == "", "\(run.errorText)")
            run.forget()
        }
    }

    @Test func `a megabyte of arbitrary bytes arrives complete from a process`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, document in
            // Every byte value, at every offset to every power of two: no character, line or block ends where it should.
            var expected = (0..<4100).flatMap { number in [UInt8](0...255) + [UInt8(number % 256)] }
            expected += [0xFF, 0x80] + Array("end".utf8)
            let file = "\(document.workDirectory)/bytes"
            try Data(expected).write(to: URL(fileURLWithPath: file))
            let run = try await start(document.masters[0].address, ["--", "cat", file])
            #expect(await run.end(within: .seconds(30)) == .exited(0), "\(run.errorText)")
            #expect(run.output.count == expected.count)
            #expect(run.output == expected)
            run.forget()
        }
    }

    @Test func `a megabyte of text arrives complete from a container, on both streams`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=docker") { _, document in
            // The last line is longer than the 16 KiB pieces that the engine reads, and has no end.
            let script = "seq 1 150000; echo Grüße; seq -s , 1 8000; printf end; seq 1 1000 >&2"
            let run = try await start(
                document.masters[0].address,
                ["--docker_image=\(document.sampleImage ?? "")", "--", "sh", "-c", script])
            #expect(await run.end(within: .seconds(30)) == .exited(0), "\(run.errorText.prefix(500))")
            let numbers = (1...150_000).map { "\($0)\n" }.joined()
            let line = (1...8000).map(String.init).joined(separator: ",")
            #expect(run.outputText.count == numbers.count + line.count + "Grüße\n\nend".count)
            #expect(run.outputText == numbers + "Grüße\n" + line + "\nend")
            #expect(run.errorText == (1...1000).map { "\($0)\n" }.joined())
            run.forget()
        }
    }

    @Test func `an image that does not exist is named at once, with the engine's reason`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=docker") { _, document in
            let image = "mini-mesos/no-such-image:7"
            let run = try await start(document.masters[0].address, ["--docker_image=\(image)", "--", "true"])
            let end = await run.end(within: .seconds(10))
            guard case .exited(let status) = end else { throw UnexpectedEnd(end: end, errors: run.errorText) }
            #expect(status != 0)
            #expect(run.errorText.contains(image), "\(run.errorText)")
            // What the engine says depends on its network; that it cannot be nothing does not.
            #expect(run.errorText.contains(/no such host|not found|denied|refused|timeout|unreachable|No such image/))
            run.forget()
        }
    }

    @Test func `Ctrl-C kills the task`() async throws {
        try await withCluster("--masters=1", "--agents=2", "--containerizer=docker") { cluster, document in
            let image = try #require(document.sampleImage)
            for flags in [[], ["--docker_image=\(image)"]] {
                let run = try await start(
                    document.masters[0].address, flags + ["--", "sh", "-c", "echo up; exec sleep 4321"])
                try await eventually("the task runs: \(run.errorText)", within: .seconds(20)) {
                    run.outputText == "up\n"
                }
                run.process.send(signal: SIGINT)
                #expect(await run.end(within: .seconds(15)) == .exited(130), "\(flags) \(run.errorText)")
                try await eventually("the task is gone") {
                    let state = try await MasterState.read(document.masters[0].url)
                    let containers = try await cluster.look.containers()
                    return state?.frameworks.isEmpty == true && state?.slaves.allSatisfy { $0.used == .zero } == true
                        && !cluster.look.processes().contains { $0.contains("sleep 4321") }
                        && !containers.contains { $0.state == "running" }
                }
                run.forget()
            }
        }
    }

    @Test(arguments: ["127.0.0.1:1", "zk://127.0.0.1:1/mesos"])
    func `Ctrl-C ends the wait for a master that is not there`(location: String) async throws {
        let run = try await start(location, ["--", "true"])
        try await eventually("it says what it waits for") { run.errorText.contains("waiting for a leading master") }
        run.process.send(signal: SIGINT)
        #expect(await run.end(within: .seconds(5)) == .exited(130), "\(run.errorText)")
        run.forget()
    }

    @Test func `a master that never comes is given up with the reason`() async throws {
        let run = try await start("127.0.0.1:1", ["--leader_timeout=1secs", "--", "true"])
        #expect(await run.end(within: .seconds(60)) == .exited(125), "\(run.errorText)")
        #expect(run.errorText.contains("no leading master took the task within 1.0 seconds"), "\(run.errorText)")
        run.forget()
    }

    @Test func `SIGTERM ends a command whose cluster is gone`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, document in
            let run = try await start(document.masters[0].address, ["--", "sh", "-c", "echo up; exec sleep 4322"])
            try await eventually("the task runs: \(run.errorText)", within: .seconds(60)) { run.outputText == "up\n" }
            kill(document.masters[0].pid, SIGKILL)
            run.process.send(signal: SIGTERM)
            #expect(await run.end(within: .seconds(60)) == .exited(130), "\(run.errorText)")
            #expect(run.errorText.contains("no master leads; the next one will end the task"), "\(run.errorText)")
            run.forget()
        }
    }

    @Test func `a command outlives the leader`() async throws {
        try await withCluster("--masters=3", "--agents=1", "--containerizer=process", "--zk_session_timeout=2secs") {
            cluster, document in
            let gate = "\(document.workDirectory)/gate"
            let run = try await start(
                try #require(document.zk),
                ["--", "sh", "-c", "echo begin; while [ ! -e \(gate) ]; do sleep 0.1; done; echo end; exit 5"])
            try await eventually("the task runs: \(run.errorText)", within: .seconds(20)) {
                run.outputText == "begin\n"
            }
            let leader = try #require(try await document.leader())
            kill(leader.pid, SIGKILL)
            try await eventually("another master leads", within: .seconds(15)) {
                try await document.leader(besides: [leader.url]) != nil
            }
            _ = FileManager.default.createFile(atPath: gate, contents: nil)
            #expect(await run.end(within: .seconds(30)) == .exited(5), "\(run.errorText)")
            #expect(run.outputText == "begin\nend\n")
            run.forget()
        }
    }

    private func start(_ master: String, _ arguments: [String]) async throws -> ProgramRun {
        try await ProgramRun.start(builtProduct("mini"), ["run", "--master=\(master)"] + arguments)
    }
}
