// `mini explain`, `mini weights preview` and `mini allocator replay` against a master and an agent that really run.

import Foundation
import Glibc
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct AllocatorCommandTests {
    private func run(_ arguments: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
        let run = try await ProgramRun.start(builtProduct("mini"), arguments)
        let end = await run.end(within: .seconds(40))
        defer { run.forget() }
        return (end, run.outputText, run.errorText)
    }

    private func stop(_ run: ProgramRun) async {
        run.process.send(signal: SIGTERM)
        _ = await run.end(within: .seconds(20))
        run.forget()
    }

    /// The address that a daemon's log names.
    private func address(_ run: ProgramRun, after words: String) async throws -> String {
        try await eventually("\(words) appears: \(run.errorText)", within: .seconds(30)) {
            guard let found = run.errorText.firstRange(of: words) else { return nil }
            let rest = run.errorText[found.upperBound...].prefix { !$0.isNewline && $0 != "," }
            return rest.split(separator: ":").last.map { "127.0.0.1:\($0)" }
        }
    }

    @Test func `a cluster's allocator can be asked, and what it decided comes out the same when it is played again`()
        async throws
    {
        let directory = try makeTemporaryDirectory(named: "allocator")
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let record = directory + "/record"
        let daemon = try await ProgramRun.mini(
            "master", "--ip=127.0.0.1", "--hostname=127.0.0.1", "--port=0", "--work_dir=\(directory)/master",
            "--allocator_record=\(record)")
        let master = try await address(daemon, after: "listens on ")
        let agent = try await ProgramRun.mini(
            "agent", "--ip=127.0.0.1", "--hostname=127.0.0.1", "--port=0", "--master=\(master)",
            "--work_dir=\(directory)/agent", "--resources=cpus:2;mem:512", "--containerizers=mesos", "--no-switch_user")
        // A framework that stays, so that there is somebody to explain.
        let framework = try await ProgramRun.mini("run", "--master=\(master)", "--role=eng/ci", "--", "sleep", "600")
        let explained = try await eventually("the framework's task holds something", within: .seconds(60)) {
            let answer = try await run("explain", "role", "eng", "--master=\(master)")
            return answer.end == .exited(0) && !answer.output.contains("holds nothing") ? answer.output : nil
        }
        #expect(explained.hasPrefix("role eng: share "), "\(explained)")
        #expect(explained.contains(" in eng/ci: "), "\(explained)")
        let json = try await run("explain", "role", "eng", "--json", "--master=\(master)")
        #expect(json.end == .exited(0))
        #expect(json.output.hasPrefix(#"{"role":"eng""#), "\(json.output)")

        let nobody = try await run("explain", "role", "nobody", "--master=\(master)")
        #expect(nobody.end == .exited(3))
        #expect(nobody.errors.contains("knows no such thing: "), "\(nobody.errors)")
        #expect(nobody.output == "")
        let preview = try await run("weights", "preview", "eng=3", "--master=\(master)")
        #expect(preview.end == .exited(0), "\(preview.errors)")
        #expect(preview.output.contains("new weight") && preview.output.contains("eng"), "\(preview.output)")
        let wrong = try await run("weights", "preview", "eng=0", "--master=\(master)")
        #expect(wrong.end == .exited(1))
        #expect(wrong.errors.contains("weights: expected role=weight with a weight above 0"), "\(wrong.errors)")

        await stop(framework)
        await stop(agent)
        await stop(daemon)
        let replay = try await run("allocator", "replay", record)
        #expect(replay.end == .exited(0), "\(replay.errors)")
        #expect(replay.output.contains("identical decisions"), "\(replay.output)")
        #expect(!replay.output.contains(" 0 allocations"), "\(replay.output)")
        let gone = try await run("explain", "role", "eng", "--master=\(master)")
        #expect(gone.end == .exited(4), "\(gone.errors)")
    }
}
