// `mini bench jenkins` and `mini bench jenkins-day`: the Jenkins framework measured, alone and through a whole day.

import ArgumentParser
import LoadTest
import PracticeJenkins

struct JenkinsDayBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jenkins-day",
        abstract: "Run a day of a build farm in minutes, while master, agents, framework and Jenkins are killed.",
        discussion: """
            Three masters, ZooKeeper, agents with plain processes, a practice Jenkins and the framework, all on this host. \
            Ends with a line of JSON, and with status 1 if a build did not run exactly once or anything is left over.
            """)

    @Option(help: "How many builds, of as many jobs.") var builds = 3_000
    @Option(help: "How many jobs Jenkins knows; 13,000 for 3,000 builds if not given.") var jobs: Int?
    @Option(help: "How many builds are queued at once.") var burst = 100
    @Option(help: "How often each of leader, agent, framework and Jenkins is killed; 10 for 3,000 builds if not given.")
    var kills: Int?
    @Option(help: "How many other faults of Jenkins there are.") var faults = 0
    @Option(help: "How many cluster agents.") var agents = 4
    @Option(
        name: .customLong("single_use"),
        help: ArgumentHelp("How the single-use label keeps its promise.", valueName: "true | strict"))
    var singleUse = JenkinsDayOptions.singleUseDefault
    @Option(help: "What the day is drawn from.") var seed: UInt64 = 1
    @Option(help: "When all must be over.") var limit = FlagDuration("30mins")

    func run() async throws {
        var options = JenkinsDayOptions(executable: Bench.executable, agentScript: PracticeAgentScript.text)
        options.builds = builds
        options.jobs = jobs
        options.burst = burst
        options.kills = kills
        options.faults = faults
        options.agents = agents
        options.singleUse = singleUse
        options.seed = seed
        options.limit = limit.duration
        let chosen = options
        try await Bench.run {
            let result = try await JenkinsDay(chosen, report: Bench.show).run()
            Bench.show(result.json)
            if !result.violations.isEmpty {
                throw CommandFailure(description: "\(result.violations.count) violations", status: 1)
            }
        }
    }
}

struct JenkinsBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jenkins",
        abstract: "Measure how soon a queued build has an agent, and what polling costs Jenkins.",
        discussion: """
            With one master, agents with plain processes and a practice Jenkins, all on this host. Ends with a line of JSON, \
            and with status 1 if a target is missed.
            """)

    @Option(help: "How often a single build is timed, after a quiet period and without one.") var samples = 25
    @Option(help: "How many builds are queued at once.") var burst = 100
    @Option(help: "How long polling is counted, busy and idle.") var window = FlagDuration("20secs")

    func run() async throws {
        var options = JenkinsBenchOptions(executable: Bench.executable, agentScript: PracticeAgentScript.text)
        options.samples = samples
        options.burst = burst
        options.window = window.duration
        let chosen = options
        try await Bench.run {
            let result = try await JenkinsBench(chosen, report: Bench.show).run()
            Bench.show(result.json)
            if !result.missed.isEmpty {
                throw CommandFailure(description: result.missed.joined(separator: "; "), status: 1)
            }
        }
    }
}
