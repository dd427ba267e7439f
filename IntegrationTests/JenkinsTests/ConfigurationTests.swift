// A farm's configuration is checked against the world, and changed while the framework runs.
import Foundation
import Glibc
import IntegrationSupport
import LoadTest
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(4)))
struct ConfigurationTests {
    private func check(_ farm: JenkinsFarm, _ arguments: String...) async throws -> CommandRun {
        try await startCommand(
            builtProduct("mini"), ["jenkins", "check", farm.directory + "/jenkins.yaml"] + arguments
        ).finished(within: .seconds(90))
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a check of a farm that works finds nothing wrong and leaves nothing behind`() async throws {
        try await withFarm(FarmPlan([FarmTemplate("linux")]), isServed: false) { farm in
            let run = try await check(farm)
            #expect(run.succeeded, "\(run)")
            for what in [
                "controller", "user", "Overall/Read", "Agent/Create", "Agent/Connect", "Agent/Disconnect",
                "Agent/Delete", "agent URL", "master", "principal", "role *", "template linux",
            ] {
                #expect(run.output.contains("\n\(what) "), "\(what) in \(run)")
            }
            #expect(run.output.contains("0 wrong"))
            #expect(try await farm.controller.agents() == [])
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a check names the right that is missing and what to do about it`() async throws {
        var plan = FarmPlan([FarmTemplate("linux")])
        let prefix = "hudson.model."
        plan.permissions = ["Hudson.Read", "Item.Read", "Computer.Connect"].map { prefix + $0 }.joined(separator: ",")
        try await withFarm(plan, isServed: false) { farm in
            let run = try await check(farm, "--json")
            #expect(run.end == .exited(1), "\(run)")
            #expect(run.output.contains("hudson.model.Computer.Create"), "\(run)")
            #expect(run.output.contains("grant Agent/Create to the user"))
        }
    }

    @Test func `a changed file is taken up while builds run, and a broken one is not`() async throws {
        try await withFarm(FarmPlan([FarmTemplate("linux", "idleTimeout: 2s")])) { farm in
            try await farm.createJob("app", label: "linux", seconds: 3)
            try await farm.build("app")
            try await farm.start(of: "app")
            let path = farm.directory + "/jenkins.yaml"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try Data((text + "surprise: 1\n").utf8).write(to: URL(fileURLWithPath: path))
            kill(farm.framework.pid, SIGHUP)
            // A template of another name, started as the first is.
            let start = try #require(text.firstRange(of: "  - name: linux"))
            let late = text[start.lowerBound...].replacing("name: linux", with: "name: late")
            try Data((text + late).utf8).write(to: URL(fileURLWithPath: path))
            try await farm.createJob("next", label: "late")
            try await farm.build("next")
            #expect(try await farm.end(of: "next").result == "SUCCESS")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }
}
