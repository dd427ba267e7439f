// `mini up`: a cluster on this host, in the foreground, gone without a trace when it ends.

import ArgumentParser
import DevCluster
import Foundation
import Mailbox
import PracticeJenkins
import Processes

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a whole cluster on this host until Ctrl-C.",
        discussion: """
            Masters, agents and ZooKeeper servers are processes of their own. Whatever ends this command, nothing of \
            the cluster is left: no process, no container, no file.
            """)

    struct Size: ParsableArguments {
        @Option(help: "How many masters.") var masters = 1
        @Option(help: "How many agents.") var agents = 2
        @Option(help: "How tasks run: auto (docker if the engine answers), docker, process.")
        var containerizer = "auto"
        @Option(
            help: ArgumentHelp(
                "Where masters elect: auto (three servers are started if there is more than one master), none, or an "
                    + "ensemble that exists.", valueName: "auto | none | zk://..."))
        var zk = "auto"
    }

    struct Place: ParsableArguments {
        @Option(
            name: .customLong("base_port"),
            help: "First port: masters take it and the following, agents those after them; 0 for free ones.")
        var basePort = 5050
        @Option(
            name: .customLong("work_dir"),
            help: ArgumentHelp(
                "Where to make the cluster's folder; the temporary directory if not given.", valueName: "path"))
        var workDirectory: String?
        @Option(name: .customLong("docker_socket"), help: "The engine's socket.")
        var dockerSocket = "/var/run/docker.sock"
        @Option(name: .customLong("zk_session_timeout"), help: "How long a killed leader is missed.")
        var sessionTimeout = FlagDuration("4secs")
    }

    struct Output: ParsableArguments {
        @Flag(help: "Once the cluster is ready, print one line of JSON; everything else goes to standard error.")
        var json = false
    }

    struct Demo: ParsableArguments {
        @Flag(help: "Start a practice Jenkins and the Jenkins framework, and build six sample jobs.") var demo = false
        @Flag(
            name: .customLong("exit_when_done"),
            help: "Leave when the builds are done: 0 if all succeeded and nothing is left of them, else 1.")
        var exitWhenDone = false
        @Option(help: "A real controller to use instead of the practice Jenkins.") var jenkins: String?
        @Option(name: .customLong("jenkins_user"), help: "Its user.") var jenkinsUser: String?
        @Option(
            name: .customLong("jenkins_token_file"),
            help: ArgumentHelp("File with that user's API token.", valueName: "path"))
        var jenkinsTokenFile: String?
    }

    @OptionGroup(title: "Size and shape") var size: Size
    @OptionGroup(title: "Place") var place: Place
    @OptionGroup(title: "Output") var output: Output
    @OptionGroup(title: "Demo") var demo: Demo

    func run() async throws {
        let options = try clusterOptions()
        let jenkins = try jenkinsChoice()
        let signals = StopSignals()
        // The work goes on beside the wait for a signal: Ctrl-C must end a cluster that is still starting, too.
        let work = Task { try await bringUp(options, jenkins) }
        let watching = Task {
            if await signals.next() != nil { work.cancel() }
        }
        defer {
            watching.cancel()
            signals.giveUp()
        }
        try await work.value
    }

    private func bringUp(_ options: ClusterOptions, _ jenkins: DemoRun.Jenkins?) async throws {
        let report = reporter()
        let cluster: DevCluster
        do { cluster = try await DevCluster.start(options, report: report) } catch {
            if Task.isCancelled { return }
            let isUsage = if case .invalid = error { true } else { false }
            throw CommandFailure(description: "up: \(error)", status: isUsage ? 2 : 1)
        }
        let failure = await attempt(on: cluster, jenkins, report)
        let left = await cluster.stop()
        guard left.isEmpty else {
            throw CommandFailure(description: "up: could not remove \(left.joined(separator: "; "))", status: 1)
        }
        if let failure { throw CommandFailure(description: "up: \(failure)", status: 1) }
    }

    /// - Returns: What went wrong, or `nil`.
    private func attempt(
        on cluster: DevCluster, _ jenkins: DemoRun.Jenkins?, _ report: @escaping @Sendable (String) -> Void
    ) async -> String? {
        do {
            let image = try await sampleImage(cluster)
            var run: DemoRun?
            if demo.demo {
                run = try await DemoRun.start(
                    on: cluster, jenkins: jenkins ?? .practice, sampleImage: image,
                    agentScript: PracticeAgentScript.text, report: report)
            }
            announce(cluster, run, image, report)
            let isLeaving = Locked(false)
            defer { isLeaving.withLock { $0 = true } }
            for process in cluster.masters + cluster.agents {
                process.onEnd { end in
                    if !isLeaving.withLock({ $0 }) { Task { report(Self.news(of: process, end)) } }
                }
            }
            if let run {
                let outcome = await run.follow()
                if Task.isCancelled { return nil }
                report(outcome.summary)
                for complaint in outcome.complaints { report(complaint) }
                if demo.exitWhenDone { return outcome.complaints.isEmpty ? nil : outcome.complaints[0] }
            }
            report("ready; Ctrl-C ends it")
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            return nil
        } catch { return Task.isCancelled ? nil : "\(error)" }
    }

    /// Nothing is started again: whoever kills a part of the cluster wants to see what the others do.
    private static func news(of process: ClusterProcess, _ end: ProcessEnd) -> String {
        let words = process.commandLine.map { word in
            word.allSatisfy { $0.isLetter || $0.isNumber || "-_=/:.,@".contains($0) }
                ? word : "'\(word.replacingOccurrences(of: "'", with: #"'\''"#))'"
        }
        return "\(process.plan.name) \(end); its log: \(process.logPath); to start it again: "
            + words.joined(separator: " ")
    }

    private func sampleImage(_ cluster: DevCluster) async throws -> String? {
        guard cluster.containerizer == .docker else { return nil }
        return try await SampleImage(agentScript: PracticeAgentScript.text).ensure(socketPath: place.dockerSocket)
    }

    private func announce(
        _ cluster: DevCluster, _ run: DemoRun?, _ image: String?, _ report: @Sendable (String) -> Void
    ) {
        for master in cluster.masters { report("\(master.plan.name)  \(master.url)  pid \(master.pid)") }
        for agent in cluster.agents { report("\(agent.plan.name)   \(agent.url)  pid \(agent.pid)") }
        if let url = cluster.zooKeeperURL { report("zookeeper \(url)") }
        if let run { report("jenkins   \(run.controller.url)  user \(run.controller.user)") }
        report("logs      \(cluster.directory)")
        guard output.json else { return }
        print(ClusterDocument(cluster: cluster, demo: run, sampleImage: image).json)
        fflush(nil)
    }

    private func reporter() -> @Sendable (String) -> Void {
        let handle: FileHandle = output.json ? .standardError : .standardOutput
        // A terminal that has gone away must not keep the cluster from being taken down.
        return { line in try? handle.write(contentsOf: Data("\(line)\n".utf8)) }
    }

    private func clusterOptions() throws -> ClusterOptions {
        guard let containerizer = ClusterOptions.Containerizer(rawValue: size.containerizer) else {
            throw CommandFailure(
                description: "up: --containerizer: expected auto, docker or process, found '\(size.containerizer)'")
        }
        let zooKeeper: ClusterOptions.ZooKeeperChoice
        switch size.zk {
        case "auto": zooKeeper = .auto
        case "none": zooKeeper = .none
        default:
            try FlagCheck.zooKeeper(size.zk, "up: --zk")
            zooKeeper = .external(size.zk)
        }
        return ClusterOptions(
            masters: size.masters, agents: size.agents, containerizer: containerizer, basePort: place.basePort,
            workDirectory: place.workDirectory, zooKeeper: zooKeeper, executable: try Self.ownPath(),
            dockerSocket: place.dockerSocket, sessionTimeout: place.sessionTimeout.duration)
    }

    private func jenkinsChoice() throws -> DemoRun.Jenkins? {
        guard let url = demo.jenkins else {
            guard demo.jenkinsUser == nil, demo.jenkinsTokenFile == nil else {
                throw CommandFailure(description: "up: --jenkins_user and --jenkins_token_file go with --jenkins")
            }
            return nil
        }
        guard demo.demo else { throw CommandFailure(description: "up: --jenkins goes with --demo") }
        guard let user = demo.jenkinsUser, let file = demo.jenkinsTokenFile else {
            throw CommandFailure(description: "up: --jenkins needs --jenkins_user and --jenkins_token_file")
        }
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw CommandFailure(description: "up: --jenkins_token_file: cannot read \(file)")
        }
        return .external(url: url, user: user, tokenFile: file)
    }

    /// The path of this executable, for the processes of the cluster.
    private static func ownPath() throws -> String {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw CommandFailure(description: "up: cannot read /proc/self/exe", status: 1)
        }
        return path
    }
}

/// What `mini up --json` prints.
struct ClusterDocument: Encodable {
    struct Daemon: Encodable {
        var url: String
        var pid: Int32
    }

    private enum CodingKeys: String, CodingKey {
        case masters, agents, zk, jenkins
        case sampleImage = "sample_image"
        case workDirectory = "work_dir"
    }

    var masters: [Daemon]
    var agents: [Daemon]
    var zk: String?
    var jenkins: Daemon?
    var sampleImage: String?
    var workDirectory: String

    init(cluster: DevCluster, demo: DemoRun?, sampleImage: String?) {
        masters = cluster.masters.map { Daemon(url: $0.url, pid: $0.pid) }
        agents = cluster.agents.map { Daemon(url: $0.url, pid: $0.pid) }
        zk = cluster.zooKeeperURL
        jenkins = demo.flatMap { demo in
            demo.practiceJenkins.map { Daemon(url: demo.controller.url, pid: $0.pid) }
        }
        self.sampleImage = sampleImage
        workDirectory = cluster.directory
    }

    /// Absent values are written as null: readers look for the keys.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(masters, forKey: .masters)
        try container.encode(agents, forKey: .agents)
        try container.encode(zk, forKey: .zk)
        try container.encode(jenkins, forKey: .jenkins)
        try container.encode(sampleImage, forKey: .sampleImage)
        try container.encode(workDirectory, forKey: .workDirectory)
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
