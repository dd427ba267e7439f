// `mini bench`: measurements that anybody can repeat.

import ArgumentParser
import DevCluster
import Foundation
import LoadTest
import MasterDetection
import PracticeJenkins

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure masters and agents under load.",
        subcommands: [
            AgentBenchCommand.self, AgentsBenchCommand.self, FailoverBenchCommand.self, SlopesBenchCommand.self,
            JenkinsBenchCommand.self, JenkinsDayBenchCommand.self, FleetWorkerCommand.self,
        ])
}

/// What the commands share.
enum Bench {
    static func run(_ body: () async throws -> Void) async throws {
        do { try await body() } catch { throw CommandFailure(description: "bench: \(error)", status: 1) }
    }

    @Sendable static func show(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// This program.
    static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}

struct FleetOptions: ParsableArguments {
    @Option(help: "How many agents to simulate.") var count = 2_000
    @Option(help: "How many tasks they hold together.") var tasks = 0
    @Option(help: "How many frameworks the tasks belong to.") var frameworks = 10
    @Option(help: ArgumentHelp("How many agents may be registering at one time.")) var registering = 500
    @Option(help: ArgumentHelp("The number of the first agent.", visibility: .hidden)) var first = 0

    var plan: FleetPlan {
        FleetPlan(
            agents: count, tasks: tasks, frameworks: frameworks, firstAgent: first, registeringMax: registering)
    }
}

struct AgentsBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents", abstract: "Simulate many agents: registration, a change of leader, the state document.",
        discussion: "Without --master, masters are started for the purpose and the leading one is killed on the way.")

    @OptionGroup var fleet: FleetOptions
    @Option(
        help: ArgumentHelp(
            "Use these masters and kill none. The agents then come with their tasks.",
            valueName: "host:port or zk://..."))
    var master: String?
    @Option(help: "Masters to start: 1 with a file, or 3 with three ZooKeeper servers.") var masters = 1
    @Option(help: "Processes that share the agents.") var processes = 1
    @Option(help: "How long to hold the connections at the end.") var hold = FlagDuration("0secs")

    func run() async throws {
        var options = AgentsBenchOptions(fleet: fleet.plan, executable: Bench.executable)
        if let master {
            do { options.master = try MasterLocation.parse(master) } catch {
                throw CommandFailure(description: "bench: --master: \(error)")
            }
            options.fleet.areKnown = true
        }
        options.masters = masters
        options.processes = processes
        options.hold = hold.duration
        let chosen = options
        try await Bench.run { try await AgentsBench(chosen, report: Bench.show).run() }
    }
}

struct FailoverBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "Kill leading masters and time how soon the next one makes an offer.")

    @OptionGroup var fleet: FleetOptions
    @Option(help: "How many leaders to kill.") var runs = 10
    @Option(name: .customLong("zk_session_timeout"), help: "How long ZooKeeper waits for a silent master.")
    var sessionTimeout = FlagDuration("2secs")

    func run() async throws {
        let options = FailoverBenchOptions(
            fleet: fleet.plan, runs: runs, sessionTimeout: sessionTimeout.duration, executable: Bench.executable)
        try await Bench.run { try await FailoverBench(options, report: Bench.show).run() }
    }
}

struct SlopesBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slopes", abstract: "Measure what one more agent and one more task cost a master in memory.")

    func run() async throws {
        try await Bench.run { try await SlopesBench(executable: Bench.executable, report: Bench.show).run() }
    }
}

struct AgentBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Measure what an agent adds to the tasks it runs.",
        discussion: "Prints a JSON object for each figure. Cases: "
            + AgentBenchOptions.Case.allCases.map(\.rawValue).joined(separator: ", ") + ".")

    @Argument(help: "What to measure; everything if not given.") var cases: [String] = []
    @Option(help: "How often a single launch is timed.") var samples = 200
    @Option(help: "Short commands to run.") var commands = 3_000
    @Option(help: "Short containers to run.") var containers = 500
    @Option(help: "Sleeping tasks on an otherwise idle agent.") var sleepers = 100
    @Option(name: .customLong("idle_time"), help: "How long an idle agent is watched.")
    var idleTime = FlagDuration("30secs")
    @Option(help: ArgumentHelp("Another build of this program to measure.", valueName: "path")) var program: String?

    func run() async throws {
        var options = AgentBenchOptions(executable: program ?? Bench.executable, image: SampleImage.reference)
        if !cases.isEmpty {
            options.cases = try cases.map { text in
                guard let name = AgentBenchOptions.Case(rawValue: text) else {
                    throw CommandFailure(description: "bench: there is no case '\(text)'")
                }
                return name
            }
        }
        options.samples = samples
        options.commands = commands
        options.containers = containers
        options.sleepers = sleepers
        options.idleTime = idleTime.duration
        let chosen = options
        try await Bench.run {
            if chosen.needsDocker {
                try await SampleImage(agentScript: PracticeAgentScript.text).ensure(socketPath: chosen.dockerSocket)
            }
            try await AgentBench(chosen, report: Bench.show).run()
        }
    }
}

/// Not for people: what `--processes` starts.
struct FleetWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "Part of a fleet, told what to do by another process.", shouldDisplay: false)

    @OptionGroup var fleet: FleetOptions

    func run() async throws {
        let plan = fleet.plan
        try await Bench.run { try await FleetWorkerProcess.run(plan) }
    }
}
