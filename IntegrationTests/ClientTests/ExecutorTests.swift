// Custom executors on unmodified client libraries: many tasks in one executor, through the death of their agent.
import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ExecutorTests {
    static let tasks = 4

    @Test func `a pymesos executor keeps its tasks through its agent's death, and each ends once`() async throws {
        let clients = try await MesosClients.python()
        let program = "\(clients.python) -B -u \(PythonClients.scripts)/pymesos_executor.py"
        try await throughAgentDeath(
            clients, command: { "PYTHONPATH=\(PythonClients.scripts) \(program) \($0) \($1)" },
            returns: "reregistered")
    }

    @Test func `a mesos-go executor keeps its tasks through its agent's death, and each ends once`() async throws {
        let clients = try await MesosClients.python()
        let program = try await MesosClients.mesosGoExecutor()
        try await throughAgentDeath(clients, command: { "\(program) \($0) \($1)" }, returns: "registered runner")
    }

    @Test func `a pymesos executor does the same in a container`() async throws {
        let clients = try await MesosClients.python()
        let program = "\(clients.python) -B -u \(PythonClients.scripts)/pymesos_executor.py"
        try await throughAgentDeath(
            clients, command: { "PYTHONPATH=\(PythonClients.scripts) \(program) \($0) \($1)" },
            returns: "reregistered", image: try await Self.image())
    }

    @Test func `a mesos-go executor does the same in a container`() async throws {
        let clients = try await MesosClients.python()
        let program = try await MesosClients.mesosGoExecutor()
        try await throughAgentDeath(
            clients,
            command: { gate, record in
                // Where the container sees it, wherever the engine runs.
                let copy = gate + "-keeper"
                try? FileManager.default.copyItem(atPath: program, toPath: copy)
                return "\(copy) \(gate) \(record)"
            }, returns: "registered runner", image: try await Self.image())
    }

    /// An image of one shell: all else is the host's, so that it stays small.
    private static func image() async throws -> String {
        let name = "mini-executor-test:shell"
        let script = """
            docker image inspect \(name) >/dev/null 2>&1 && exit
            root=$(mktemp -d) && trap 'rm -rf "$root"' EXIT
            mkdir "$root/bin" "$root/tmp" && cp /bin/busybox "$root/bin/sh" && tar -C "$root" -c . | docker import - \(name)
            """
        let made = try await runCommand("/bin/sh", ["-c", script], within: .seconds(60))
        #expect(made.succeeded, "\(made)")
        return name
    }

    /// The executor's container: it sees the programs of the host, and the files of the test.
    private static func container(
        _ image: String, _ directory: String, _ clients: PythonClients
    ) async throws -> String {
        // Its interpreter may lie anywhere.
        let home = try await runCommand(
            clients.python, ["-c", "import sys; print(sys.base_prefix, end='')"], within: .seconds(20))
        let shown = (["/usr", "/lib", "/lib64", repository] + [home.output].filter { !$0.hasPrefix("/usr") })
            .filter(FileManager.default.fileExists(atPath:))
            .map { #"{"host_path":"\#($0)","container_path":"\#($0)","mode":"RO"}"# }
        let written = #"{"host_path":"\#(directory)","container_path":"\#(directory)","mode":"RW"}"#
        return #"{"type":"DOCKER","docker":{"image":"\#(image)","network":"HOST"},"#
            + #""volumes":[\#((shown + [written]).joined(separator: ","))]}"#
    }

    /// - Parameters:
    ///   - returns: What the executor notes when it is subscribed again.
    ///   - image: Nil: the executor is a process of the host.
    private func throughAgentDeath(
        _ clients: PythonClients, command: (_ gate: String, _ record: String) -> String, returns: String,
        image: String? = nil
    ) async throws {
        try await withTemporaryDirectory("executor") { directory in
            let (gate, record, more) = ("\(directory)/gate", "\(directory)/record", "\(directory)/more")
            try await withSmallCluster(image == nil ? .process : .docker) { cluster in
                let master = try #require(cluster.masters.first)
                let agent = try #require(cluster.agents.first)
                let line = command(gate, record)
                var container: [String] = []
                if let image { container = [try await Self.container(image, directory, clients)] }
                let scheduler = try await clients.start(
                    "executor_scheduler.py",
                    [master.hostAndPort, line, "\(Self.tasks)", more] + container)
                try await eventually("all tasks run and a message came back", within: .seconds(30)) {
                    scheduler.output.contains("\(Self.tasks) run, 0 finished")
                        && scheduler.output.contains("message heard hello")
                }
                try await expectShown(by: agent)

                agent.kill()
                await agent.waitForEnd()
                // Long enough for a library to be refused twice and to wait longer for its third try.
                try await Task.sleep(for: .seconds(3))
                try await agent.start()
                try await eventually("the executor is back", within: .seconds(40)) {
                    lines(record).count { $0.hasSuffix(returns) } == (returns == "reregistered" ? 1 : 2)
                }
                try await cluster.waitUntilReady(deadline: .seconds(20))

                #expect(FileManager.default.createFile(atPath: more, contents: nil))
                try await eventually("later tasks run in it, too", within: .seconds(30)) {
                    scheduler.output.contains("\(Self.tasks * 2) run, 0 finished")
                }
                #expect(FileManager.default.createFile(atPath: gate, contents: nil))
                let run = await scheduler.finished(within: .seconds(100))
                #expect(run.succeeded, "\(run)\n\(lines(record))")

                let names = (0..<Self.tasks * 2).map { "done task-\($0)" }
                #expect(lines(record).filter { $0.hasPrefix("done ") }.sorted() == names.sorted(), "each ran once")
                #expect(lines(record).count { $0 == "started" } == 1, "one executor ran them all")
                // Its framework is gone, so the executor is told to end, and does.
                try await eventually("the executor is gone", within: .seconds(20)) {
                    let state = try await json(agent, "/state")
                    return (state["frameworks"] as? [Any])?.isEmpty == true && lines(record).contains("shutdown")
                }
                let state = try await eventually("nothing is held") { await ClusterState.read(master.url) }
                #expect(state.usedCPUs == 0 && state.usedMemory == 0)
            }
        }
    }

    /// The agent shows the executor as Mesos does.
    private func expectShown(by agent: ClusterProcess) async throws {
        let state = try await json(agent, "/state")
        let frameworks = state["frameworks"] as? [[String: Any]] ?? []
        let executors = frameworks.first?["executors"] as? [[String: Any]] ?? []
        let executor = try #require(executors.first)
        #expect(executors.count == 1)
        #expect(executor["id"] as? String == "runner")
        #expect(executor["name"] as? String == "a runner of tasks")
        #expect(executor["source"] as? String == "test")
        let tasks = executor["tasks"] as? [[String: Any]] ?? []
        #expect(tasks.compactMap { $0["executor_id"] as? String } == Array(repeating: "runner", count: Self.tasks))
        let directory = try #require(executor["directory"] as? String)
        #expect(FileManager.default.fileExists(atPath: directory + "/stdout"))
        let resources = executor["resources"] as? [String: Any] ?? [:]
        #expect(resources["mem"] as? Double == Double(32 + 8 * Self.tasks))
    }

    private func json(_ process: ClusterProcess, _ path: String) async throws -> [String: Any] {
        var request = HTTPClientRequest(method: "GET", url: process.url + path, body: nil)
        request.totalTimeout = .seconds(5)
        let reply = try await HTTPClient.shared.fetch(request)
        return try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] ?? [:]
    }

    private func lines(_ path: String) -> [String] {
        let content = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func withSmallCluster(
        _ containerizer: ClusterOptions.Containerizer, _ body: (DevCluster) async throws -> Void
    ) async throws {
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 1, agents: 1, containerizer: containerizer, basePort: 0, executable: builtProduct("mini")))
        do { try await body(cluster) } catch {
            await cluster.stop()
            throw error
        }
        let left = await cluster.stop()
        guard left.isEmpty else { throw LeftBehind(things: left) }
    }
}
