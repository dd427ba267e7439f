// The fault campaign: a short one with every run of the tests, a long one by `make chaos`.

import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(60)))
struct ChaosTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `a cluster keeps its promises through faults drawn from a seed`() async throws {
        let faults = Int(Self.number("CHAOS_FAULTS") ?? 10)
        let seed = Self.number("CHAOS_SEED") ?? 1
        let campaign = Campaign(seed: seed, faults: faults, minuteAllowed: faults >= 100)
        let result = try await campaign.run { print("chaos: \($0)") }
        #expect(result.violations.isEmpty, "seed \(seed):\n\(result.violations.joined(separator: "\n"))")
        #expect(result.outcomes.count >= faults * 9 / 10)
        if let path = ProcessInfo.processInfo.environment["CHAOS_TABLE"] {
            try ReliabilityTable(result).markdown.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}
