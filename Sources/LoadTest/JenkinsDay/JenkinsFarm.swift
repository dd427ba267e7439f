// A controller and the framework on a cluster: two processes that can be killed and started again, and what they need.
import DevCluster
import Foundation
import Glibc
import HTTPClient
import Mailbox
import Processes

/// A process of a farm that can be killed and started again with the same command line.
package final class FarmProcess: Sendable {
    package let name: String
    private let cluster: DevCluster
    private let arguments: [String]
    private let running = Locked<LoggedProcess?>(nil)

    init(name: String, arguments: [String], on cluster: DevCluster) {
        self.name = name
        self.arguments = arguments
        self.cluster = cluster
    }

    package var pid: Int32 { running.withLock { $0?.pid } ?? 0 }
    /// How it ended, unless it runs.
    package var ending: ProcessEnd? { running.withLock { $0?.ending() } }
    package var lastLogLine: String { running.withLock { $0?.lastLogLine() } ?? "" }

    package func start() async throws {
        let process = try await cluster.launch(name: name, arguments: arguments)
        running.withLock { $0 = process }
    }

    /// Sends a signal and waits for the end.
    package func kill(_ signal: Int32 = SIGKILL) async {
        guard let process = running.withLock({ $0 }) else { return }
        process.signal(signal)
        if await process.waitForEnd(deadline: .seconds(10)) == nil { process.signal(SIGKILL) }
    }
}

/// One label of a farm's agents.
package struct FarmTemplate: Hashable, Sendable {
    package var name: String
    /// Further lines of the template's YAML, such as `singleUse: true`.
    package var options: [String]
    package var cpus = "0.01"
    /// MiB; nil: as little as the farm's agents need.
    package var memory: Int?

    package init(_ name: String, _ options: String...) {
        self.name = name
        self.options = options
    }
}

/// How a farm is set up.
package struct FarmPlan: Sendable {
    package var templates: [FarmTemplate]
    /// How often the controller is asked; empty: as often as a framework does that was not told.
    package var pace = ["pollInterval: 250ms", "idlePollInterval: 250ms"]
    /// Further lines of YAML at the top level.
    package var options = [
        "limits: {maxAgents: 300, maxPendingAgents: 300, maxLaunchesPerMinute: 100000, maxLaunchesPerHost: 100000}",
        "agents: {connectTimeout: 60s, launchTimeout: 30s, lostGrace: 4s, restartGrace: 2s}",
    ]
    package var quietPeriod = "100ms"
    /// Rights of the framework's user, as the practice controller's users file has them; empty: all.
    package var permissions = ""
    package var frameworkName = "Jenkins farm"

    package init(_ templates: [FarmTemplate]) { self.templates = templates }
}

/// A controller that exists and is used as it is.
package struct ExternalController: Sendable {
    package var url: String
    package var user: String
    /// File with that user's API token.
    package var tokenFile: String

    package init(url: String, user: String, tokenFile: String) {
        self.url = url
        self.user = user
        self.tokenFile = tokenFile
    }
}

/// A practice controller and the Jenkins framework on a cluster that runs plain processes.
package final class JenkinsFarm: Sendable {
    package static let user = "driver"
    static let frameworkUser = "framework"

    package let cluster: DevCluster
    package let plan: FarmPlan
    /// Everything of this farm lies below it.
    package let directory: String
    /// As somebody who may do everything.
    package let controller: FarmController
    package let jenkins: FarmProcess
    package let framework: FarmProcess
    /// The framework's own status.
    package let frameworkURL: String
    package let ledger: BuildLedger
    /// Whether the controller was there before and stays.
    private let isExternal: Bool
    private let created = Locked<[String]>([])

    private init(
        _ cluster: DevCluster, _ plan: FarmPlan, directory: String, controller: FarmController, jenkins: FarmProcess,
        framework: FarmProcess, frameworkURL: String, isExternal: Bool = false
    ) {
        self.cluster = cluster
        self.plan = plan
        self.directory = directory
        self.controller = controller
        self.jenkins = jenkins
        self.framework = framework
        self.frameworkURL = frameworkURL
        self.isExternal = isExternal
        ledger = BuildLedger(directory: directory)
    }

    /// Starts the controller and, unless told otherwise, the framework.
    ///
    /// - Parameters:
    ///   - name: Distinguishes the farms of one cluster.
    ///   - agentScript: The practice agent.
    ///   - external: A real controller to use instead of a practice one, which is then not started.
    ///   - isServed: Whether the framework runs from the beginning.
    package static func start(
        _ plan: FarmPlan, named name: String, on cluster: DevCluster, agentScript: String,
        controller external: ExternalController? = nil, isServed: Bool = true
    ) async throws -> JenkinsFarm {
        let directory = "\(cluster.directory)/\(name)"
        for folder in ["", "/builds", "/agents"] {
            try FileManager.default.createDirectory(
                atPath: directory + folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
        let ports = try FreePorts.pick(2)
        if let external {
            return try await start(plan, named: name, on: cluster, external, port: ports[1], directory, isServed)
        }
        let token = String((0..<12).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "x" })
        let rights = plan.permissions.isEmpty ? "" : ":\(plan.permissions)"
        let users = "\(user):\(token)-p:\(token)\n\(frameworkUser):\(token)-q:\(token)-f\(rights)\n"
        try write(users, to: directory + "/users")
        try write("\(token)-f\n", to: directory + "/token")
        try write(agentScript, to: directory + "/practice-agent.sh")
        try write(
            starter(directory, becomes: "exec /bin/sh \"\(directory)/practice-agent.sh\""), to: directory + "/agent.sh")
        let driver = FarmController(url: "http://127.0.0.1:\(ports[0])", user: user, token: token)
        let served = FarmController(url: driver.url, user: frameworkUser, token: "")
        try write(
            configuration(
                plan, directory: directory, served, tokenFile: directory + "/token", cluster: cluster, port: ports[1]),
            to: directory + "/jenkins.yaml")
        let jenkins = FarmProcess(
            name: "\(name)-jenkins",
            arguments: [
                "practice-jenkins", "--ip=127.0.0.1", "--port=\(ports[0])", "--users_file=\(directory)/users",
                "--state_dir=\(directory)/jenkins", "--quiet_period=\(plan.quietPeriod)",
            ], on: cluster)
        let framework = FarmProcess(
            name: "\(name)-framework", arguments: ["jenkins", "--config=\(directory)/jenkins.yaml"], on: cluster)
        let farm = JenkinsFarm(
            cluster, plan, directory: directory, controller: driver, jenkins: jenkins, framework: framework,
            frameworkURL: "http://127.0.0.1:\(ports[1])")
        try await jenkins.start()
        try await farm.waitForJenkins()
        if isServed { try await framework.start() }
        return farm
    }

    /// With a controller that exists, whose agents are its own agent.jar. Fetched from the controller, so that the two
    /// match; with the options that every line takes.
    private static func start(
        _ plan: FarmPlan, named name: String, on cluster: DevCluster, _ external: ExternalController, port: Int,
        _ directory: String, _ isServed: Bool
    ) async throws -> JenkinsFarm {
        guard let token = try? String(contentsOfFile: external.tokenFile, encoding: .utf8) else {
            throw LoadTestError.host("cannot read \(external.tokenFile)")
        }
        let controller = FarmController(
            url: external.url, user: external.user, token: token.trimmingCharacters(in: .whitespacesAndNewlines))
        try write(
            starter(
                directory,
                becomes: """
                    cd "${MESOS_SANDBOX:-.}" || exit 1
                    curl -fsS -o agent.jar "${JENKINS_URL%/}/jnlpJars/agent.jar" || exit 1
                    secret=$JENKINS_SECRET
                    unset JENKINS_SECRET
                    exec java -Xmx128m -jar agent.jar -secret "$secret" -workDir agent \
                        -jnlpUrl "${JENKINS_URL%/}/computer/$JENKINS_AGENT_NAME/slave-agent.jnlp"
                    """), to: directory + "/agent.sh")
        try write(
            configuration(
                plan, directory: directory, controller, tokenFile: external.tokenFile, cluster: cluster, port: port,
                memory: 256, launch: ", transport: tcp"),
            to: directory + "/jenkins.yaml")
        let farm = JenkinsFarm(
            cluster, plan, directory: directory, controller: controller,
            jenkins: FarmProcess(name: "\(name)-jenkins", arguments: [], on: cluster),
            framework: FarmProcess(
                name: "\(name)-framework", arguments: ["jenkins", "--config=\(directory)/jenkins.yaml"], on: cluster),
            frameworkURL: "http://127.0.0.1:\(port)", isExternal: true)
        if isServed { try await farm.framework.start() }
        return farm
    }

    /// Tells when the task began, waits if a test wants it to, and becomes the agent.
    private static func starter(_ directory: String, becomes agent: String) -> String {
        """
        #!/bin/sh
        date +%s%3N >>"\(directory)/agents/$JENKINS_AGENT_NAME"
        if [ -s "\(directory)/launch-delay" ]; then sleep "$(cat "\(directory)/launch-delay")"; fi
        \(agent)

        """
    }

    private static func configuration(
        _ plan: FarmPlan, directory: String, _ controller: FarmController, tokenFile: String, cluster: DevCluster,
        port: Int, memory: Int = 8, launch: String = ""
    ) -> String {
        let templates = plan.templates.map { template in
            """
              - name: \(template.name)
                cpus: \(template.cpus)
                memMb: \(template.memory ?? memory)
                maxAgents: 300
                remoteFs: work
                launch: {method: custom, command: "exec /bin/sh \(directory)/agent.sh"\(launch)}
            \(template.options.map { "    \($0)" }.joined(separator: "\n"))
            """
        }
        return """
            stateDir: "\(directory)/framework"
            status: {ip: 127.0.0.1, port: \(port)}
            jenkins:
              url: "\(controller.url)/"
              user: \(controller.user)
              tokenFile: "\(tokenFile)"
            \(plan.pace.map { "  \($0)" }.joined(separator: "\n"))
            mesos:
              master: "\(cluster.zooKeeperURL ?? cluster.masters[0].url)"
              frameworkName: "\(plan.frameworkName)"
              roles: ["*"]
              failoverTimeout: 10m
              reconnectBackoff: 100ms..1s
            \(plan.options.joined(separator: "\n"))
            templates:
            \(templates.joined(separator: "\n"))

            """
    }

    private static func write(_ text: String, to path: String) throws {
        let made = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard made else { throw LoadTestError.host("cannot write \(path): \(String(cString: strerror(errno)))") }
    }

    // MARK: Control

    /// Creates a job, to be deleted with the farm if its controller stays.
    package func create(_ job: FarmJob) async throws {
        try await controller.create(job)
        if isExternal { created.withLock { $0.append(job.name) } }
    }

    /// Changes the framework's configuration file; a framework that runs takes it up.
    package func reconfigure(_ change: (String) -> String) throws {
        let path = directory + "/jenkins.yaml"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw LoadTestError.host("cannot read \(path)")
        }
        try Self.write(change(text), to: path)
    }

    /// Lets agents wait so long before they connect, from the next task on.
    package func delayLaunches(seconds: Double) throws {
        try Self.write(seconds > 0 ? "\(seconds)\n" : "", to: directory + "/launch-delay")
    }

    package func waitForJenkins(within limit: Duration = .seconds(30)) async throws {
        let end = ContinuousClock.now + limit
        while await !controller.answers() {
            if let ending = jenkins.ending {
                throw LoadTestError.host("the practice Jenkins \(ending): \(jenkins.lastLogLine)")
            }
            guard .now < end else { throw LoadTestError.notInTime("the practice Jenkins does not answer") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The framework's view of itself, or `nil` while it does not answer.
    package func frameworkState() async -> FrameworkState? {
        var request = HTTPClientRequest(method: "GET", url: frameworkURL + "/state")
        request.totalTimeout = .seconds(2)
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200 else { return nil }
        return try? JSONDecoder().decode(FrameworkState.self, from: Data(reply.body))
    }

    /// Lines of progress that the framework has written since its latest start.
    package func frameworkLines() async -> [String] {
        struct Line: Decodable { var text: String }
        var request = HTTPClientRequest(method: "GET", url: frameworkURL + "/events?since=0")
        request.totalTimeout = .seconds(2)
        guard let reply = try? await HTTPClient.shared.fetch(request) else { return [] }
        return ((try? JSONDecoder().decode([Line].self, from: Data(reply.body))) ?? []).map(\.text)
    }

    /// The leading master's tasks of this farm that have not ended.
    package func tasks() async -> [FarmTask]? {
        for master in cluster.masters {
            var request = HTTPClientRequest(method: "GET", url: master.url + "/master/state")
            request.totalTimeout = .seconds(3)
            guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200,
                let state = try? JSONDecoder().decode(MasterDocument.self, from: Data(reply.body))
            else { continue }
            return state.frameworks.filter { $0.name == plan.frameworkName }.flatMap(\.tasks)
        }
        return nil
    }

    /// What is left when nothing should be: nodes, tasks, agents of the framework. Empty when all is idle.
    package func leftovers() async -> [String] {
        guard let nodes = try? await controller.agents() else { return ["Jenkins does not answer"] }
        guard let tasks = await tasks() else { return ["no master leads"] }
        guard let state = await frameworkState() else { return ["the framework does not answer"] }
        return nodes.map { "node \($0)" } + tasks.map { "task \($0.id) \($0.state)" }
            + state.agents.map { "agent \($0.node) \($0.state)" }
    }

    /// Ends the framework for good, its tasks included, and the controller.
    package func remove() async {
        if let id = await frameworkState()?.framework_id {
            for master in cluster.masters {
                var request = HTTPClientRequest(method: "POST", url: master.url + "/master/teardown")
                request.headers = [("Content-Type", "application/x-www-form-urlencoded")]
                request.body = Array("frameworkId=\(id)".utf8)
                request.totalTimeout = .seconds(5)
                if let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200 { break }
            }
        }
        await framework.kill()
        await jenkins.kill()
        guard isExternal else { return }
        for node in (try? await controller.nodes()) ?? [] where node.hasPrefix("mj-") {
            try? await controller.delete(node: node)
        }
        for job in created.withLock({ $0 }) { try? await controller.delete(job: job) }
    }
}

/// The part of the framework's `/state` that a farm looks at.
package struct FrameworkState: Decodable, Sendable {
    package struct Agent: Decodable, Sendable {
        package var node: String
        package var state: String
        package var host: String
    }
    package struct Waiting: Decodable, Sendable {
        package var job: String
        package var reason: String
    }
    package var framework_id: String?
    package var subscribed: Bool
    package var controller_reachable: Bool
    package var controller_problem: String
    package var agents: [Agent]
    package var waiting: [Waiting]
    package var single_use_violations_total: Int
}

package struct FarmTask: Decodable, Sendable {
    package var id: String
    package var state: String
    package var slave_id: String
    package var resources: Size?

    package struct Size: Decodable, Sendable {
        package var cpus: Double
        package var mem: Double
    }
}

private struct MasterDocument: Decodable {
    struct Framework: Decodable {
        var name: String
        var tasks: [FarmTask]
    }
    var frameworks: [Framework]
}
