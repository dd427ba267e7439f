// Days of a build farm drawn from seeds: a small one with every run of the tests, many by `make chaos`.
import Foundation
import IntegrationSupport
import LoadTest
import PracticeJenkins
import Testing

@Suite(.serialized, .timeLimit(.minutes(60)), .enabled(if: RealJenkins.isPractice))
struct ChaosDayTests {
    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    /// Everybody is killed, and every fault of the controller comes once in a day of the long form.
    @Test func `every build runs once through kills and faults drawn from a seed, and nothing is left`() async throws {
        let minutes = Self.number("JENKINS_MINUTES") ?? 0
        var seed = UInt64(Self.number("JENKINS_SEED") ?? 1)
        let end = ContinuousClock.now + .seconds(60 * minutes)
        repeat {
            var options = JenkinsDayOptions(
                executable: builtProduct("mini"), agentScript: PracticeAgentScript.text)
            options.builds = minutes > 0 ? 150 : 24
            options.burst = minutes > 0 ? 40 : 10
            options.faults = minutes > 0 ? 20 : 3
            options.kills = minutes > 0 ? 3 : 1
            options.agents = 3
            options.seed = seed
            options.limit = .seconds(minutes > 0 ? 600 : 180)
            let name = "day \(seed)"
            let result = try await JenkinsDay(options) { line in
                if minutes > 0 { print("\(name): \(line)") }
            }.run()
            if minutes > 0 { print("\(name): \(result.json)") }
            #expect(result.violations == [], "seed \(seed): \(result.json)")
            seed += 1
        } while ContinuousClock.now < end
    }
}
