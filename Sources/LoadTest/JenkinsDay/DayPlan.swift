// What happens in a day: which builds are asked for when, and who is killed. Drawn from a seed before anything runs.
import Resources

/// Who can be killed.
package enum DayVictim: String, CaseIterable, Sendable { case leader, agent, framework, jenkins }

/// What else can go wrong; only in a day that asks for it.
package enum DayFault: String, CaseIterable, Sendable {
    case freeze, restart, refuse, delay, drop, german, hideJobs, quietDown, expireCrumbs, buildOnDrain
}

package struct DayPlan: Sendable {
    /// A label of the day, and the template that serves it.
    enum Label: String, CaseIterable, Sendable {
        case linux, large, once

        var expression: String { self == .large ? "large && !linux" : rawValue }
    }

    struct PlannedJob: Hashable, Sendable {
        var name: String
        var label: Label
        var isPipeline: Bool
        var seconds: Double
    }

    enum Blow: Hashable, Sendable {
        case kill(DayVictim)
        case fault(DayFault)
    }

    /// Something that goes wrong once so many builds have been asked for.
    struct Event: Hashable, Sendable {
        var blow: Blow
        var afterBuilds: Int
        /// How long to wait then, and how long the victim stays dead or the fault lasts.
        var delay: Duration
        var lasts: Duration
    }

    /// All jobs; those with builds come first, one build each.
    let jobs: [PlannedJob]
    /// How many builds are asked for together, in order; their sum is the number of builds.
    let waves: [Int]
    let events: [Event]

    var buildCount: Int { waves.reduce(0, +) }

    /// - Parameters:
    ///   - builds: How many builds, of as many jobs.
    ///   - jobs: How many jobs Jenkins knows; at least `builds`.
    ///   - kills: How often each victim is killed.
    ///   - faults: How many other faults, drawn in turn.
    init(builds: Int, jobs: Int, burst: Int, kills: Int, faults: Int = 0, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.jobs = (0..<max(jobs, builds)).map { index in
            let dice = Int.random(in: 0..<100, using: &random)
            let label: Label = dice < 50 ? .linux : dice < 75 ? .large : .once
            let seconds = Double(Int.random(in: 2...15, using: &random)) / 10
            return PlannedJob(name: "job-\(index)", label: label, isPipeline: dice < 5, seconds: seconds)
        }
        var waves: [Int] = []
        var left = builds
        while left > 0 {
            // Every full burst is followed by a few that come one by one.
            waves.append(min(burst, left))
            left -= min(burst, left)
            for _ in 0..<min(left, Int.random(in: 0...(burst / 10), using: &random)) {
                waves.append(1)
                left -= 1
            }
        }
        self.waves = waves
        var blows = DayVictim.allCases.flatMap { victim in Array(repeating: Blow.kill(victim), count: kills) }
        for index in 0..<faults { blows.append(.fault(DayFault.allCases[index % DayFault.allCases.count])) }
        blows.shuffle(using: &random)
        events = blows.enumerated().map { index, blow in
            Event(
                blow: blow, afterBuilds: (index + 1) * builds / (blows.count + 1),
                delay: .milliseconds(Int.random(in: 0...3_000, using: &random)),
                lasts: .milliseconds(Int.random(in: 500...4_000, using: &random)))
        }
    }
}
