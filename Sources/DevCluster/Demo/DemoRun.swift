// The demo: a controller, the framework, six builds, and a line for everything that happens.

import Foundation
import Glibc
import HTTPClient
import Processes

/// Runs the six sample builds on a cluster.
public struct DemoRun: Sendable {
    /// Which controller to use.
    public enum Jenkins: Sendable {
        case practice
        /// A real one; the token is read from the file.
        case external(url: String, user: String, tokenFile: String)
    }

    /// How it went.
    public struct Outcome: Sendable {
        /// What is wrong, one line each; empty when all is well.
        public var complaints: [String]
        public var summary: String
    }

    public let cluster: DevCluster
    public let controller: DemoController
    /// The practice controller's process; `nil` with an external one.
    public let practiceJenkins: LoggedProcess?
    private let plan: DemoPlan
    private let framework: LoggedProcess
    private let isExternal: Bool
    private let report: @Sendable (String) -> Void

    /// Starts the controller (unless there is one) and the framework, and queues the builds.
    ///
    /// - Parameter sampleImage: The image of the practice agents, or `nil` to run them as processes.
    /// - Throws: ``ClusterError``.
    public static func start(
        on cluster: DevCluster, jenkins: Jenkins, sampleImage: String?, agentScript: String,
        report: @escaping @Sendable (String) -> Void
    ) async throws(ClusterError) -> DemoRun {
        let ports = try FreePorts.pick(2)
        var practice: LoggedProcess?
        let controller: DemoController
        let tokenFile: String
        switch jenkins {
        case .practice:
            let token = ClusterID.random()
            let usersFile = try write("demo:\(ClusterID.random()):\(token)\n", to: "jenkins-users", of: cluster)
            tokenFile = try write("\(token)\n", to: "jenkins-token", of: cluster)
            practice = try await cluster.launch(
                name: "jenkins",
                arguments: ["practice-jenkins", "--ip=127.0.0.1", "--port=\(ports[0])", "--users_file=\(usersFile)"])
            controller = DemoController(url: "http://127.0.0.1:\(ports[0])", user: "demo", token: token)
        case .external(let url, let user, let file):
            guard let token = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw .host("--jenkins_token_file: cannot read \(file)")
            }
            tokenFile = file
            controller = DemoController(
                url: url, user: user, token: token.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        try await waitFor(controller, process: practice)

        let isExternal = practice == nil
        let configuration = DemoConfiguration(
            stateDirectory: "\(cluster.directory)/framework", jenkinsURL: controller.url + "/", user: controller.user,
            tokenFile: tokenFile, master: cluster.zooKeeperURL ?? cluster.masters[0].url,
            agents: try agents(cluster, isExternal: isExternal, sampleImage: sampleImage, script: agentScript),
            port: ports[1])
        let path = try write(configuration.yaml, to: "jenkins.yaml", of: cluster)
        let framework = try await cluster.launch(name: "framework", arguments: ["jenkins", "--config=\(path)"])
        let plan = DemoPlan(tag: ClusterID.random().prefix(4).lowercased())
        let run = DemoRun(
            cluster: cluster, controller: controller, practiceJenkins: practice, plan: plan, framework: framework,
            isExternal: isExternal, report: report)
        try await run.queueBuilds()
        return run
    }

    /// Follows the builds until all have ended and nothing of them is left.
    public func follow(deadline: Duration = .seconds(300)) async -> Outcome {
        let begin = ContinuousClock.now
        var progress = DemoProgress(jobs: plan.jobs)
        while ContinuousClock.now < begin + deadline, !Task.isCancelled {
            if let ending = framework.ending() {
                return Outcome(
                    complaints: ["the Jenkins framework \(ending): \(framework.lastLogLine())"], summary: "")
            }
            if let snapshot = await look(since: progress.last) {
                for line in progress.lines(for: snapshot) { report(line) }
                if snapshot.builds.values.allSatisfy(Self.hasEnded), snapshot.isIdle { break }
            }
            try? await Task.sleep(for: .milliseconds(150))
        }
        if isExternal { for job in plan.jobs { try? await controller.delete(job) } }
        return outcome(progress.last, after: ContinuousClock.now - begin, deadline: deadline)
    }

    private func queueBuilds() async throws(ClusterError) {
        do {
            for job in plan.jobs { try await controller.create(job) }
            for job in plan.jobs { try await controller.build(job) }
        } catch { throw .host("cannot queue the sample builds: \(error)") }
    }

    /// `nil` while the controller does not answer.
    private func look(since last: DemoSnapshot?) async -> DemoSnapshot? {
        do {
            var builds: [String: DemoController.BuildView] = [:]
            for job in plan.jobs {
                if let known = last?.builds[job.name], Self.hasEnded(known) {
                    builds[job.name] = known
                } else {
                    builds[job.name] = try await controller.view(of: job)
                }
            }
            let nodes = try await controller.nodes().filter { name in
                DemoPlan.labels.contains { name.hasPrefix("mj-\($0)-") }
            }
            let (state, tasks) = await clusterView()
            return DemoSnapshot(builds: builds, nodes: nodes, tasks: tasks, cluster: state)
        } catch { return nil }
    }

    private func clusterView() async -> (ClusterState?, [DemoTask]) {
        for master in cluster.masters {
            guard let view = await ClusterView.read(master.url, agents: cluster.agents) else { continue }
            return (view.state, view.tasks.filter { $0.id.hasPrefix("mj-demo-") })
        }
        return (nil, [])
    }

    private func outcome(_ last: DemoSnapshot?, after duration: Duration, deadline: Duration) -> Outcome {
        var complaints: [String] = []
        var succeeded = 0
        for job in plan.jobs {
            switch last?.builds[job.name] {
            case .ended("SUCCESS", _, _): succeeded += 1
            case .ended(let result, _, _): complaints.append("\(job.name) ended as \(result)")
            case .running(let node):
                complaints.append("\(job.name) still runs on \(node) after \(deadline.components.seconds) s")
            case .queued, nil:
                complaints.append("\(job.name) still waits after \(deadline.components.seconds) s")
            }
        }
        for node in last?.nodes ?? [] { complaints.append("node \(node) was not removed from Jenkins") }
        if complaints.isEmpty, last?.isIdle != true { complaints.append("resources are not idle again") }
        let seconds = Double(duration.milliseconds) / 1000
        let summary = "\(succeeded) of \(plan.jobs.count) builds succeeded in \((seconds * 10).rounded() / 10) s"
        return Outcome(complaints: complaints, summary: summary)
    }

    private static func hasEnded(_ view: DemoController.BuildView) -> Bool {
        if case .ended = view { true } else { false }
    }
}

extension DemoRun {
    private static func write(_ text: String, to name: String, of cluster: DevCluster) throws(ClusterError) -> String {
        let path = "\(cluster.directory)/\(name)"
        let created = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard created else { throw .host("cannot write \(path): \(String(cString: strerror(errno)))") }
        return path
    }

    private static func waitFor(_ controller: DemoController, process: LoggedProcess?) async throws(ClusterError) {
        let end = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < end, !Task.isCancelled {
            if await controller.answers() { return }
            if let process, let ending = process.ending() {
                throw .exited(process: "jenkins", status: ending.description, log: process.lastLogLine())
            }
            try? await Task.sleep(for: .milliseconds(25))
        }
        throw .notReady("Jenkins at \(controller.url) does not answer user \(controller.user)")
    }

    private static func agents(
        _ cluster: DevCluster, isExternal: Bool, sampleImage: String?, script: String
    ) throws(ClusterError) -> DemoAgents {
        if isExternal { return sampleImage == nil ? .javaProcess : .inboundAgentImage("jenkins/inbound-agent") }
        if let sampleImage { return .sampleImage(sampleImage) }
        return .script(path: try write(script, to: "practice-agent.sh", of: cluster))
    }
}
