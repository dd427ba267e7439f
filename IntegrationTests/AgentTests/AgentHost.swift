// A work directory with an agent on it that can be stopped and started again, beside a stub master.

import Foundation
import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import MiniAgent
import Resources

final class AgentHost: Sendable {
    let master: StubMaster
    let workDirectory: String
    /// Of the engine that runs its containers.
    let dockerSocket: String
    private let running = Locked<AgentServer?>(nil)
    private let adjust: @Sendable (inout AgentConfiguration) -> Void

    private init(
        master: StubMaster, workDirectory: String, dockerSocket: String,
        adjust: @escaping @Sendable (inout AgentConfiguration) -> Void
    ) {
        self.master = master
        self.workDirectory = workDirectory
        self.dockerSocket = dockerSocket
        self.adjust = adjust
    }

    /// Runs `body` with a registered agent; afterwards nothing of it is left.
    static func with(_ body: (AgentHost) async throws -> Void) async throws {
        try await with(dockerSocket: BusyboxImage.socket, body)
    }

    static func with(dockerSocket: String, _ body: (AgentHost) async throws -> Void) async throws {
        try await with(dockerSocket: dockerSocket, adjusted: { _ in }, body)
    }

    static func with(
        dockerSocket: String = BusyboxImage.socket,
        adjusted adjust: @escaping @Sendable (inout AgentConfiguration) -> Void,
        _ body: (AgentHost) async throws -> Void
    ) async throws {
        try await BusyboxImage.provide(in: dockerSocket)
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("mini-agent-\(UUID().uuidString)")
            .path
        let host = AgentHost(
            master: try await StubMaster.start(), workDirectory: directory, dockerSocket: dockerSocket, adjust: adjust)
        do {
            try await host.start()
            try await body(host)
        } catch {
            await host.clean()
            throw error
        }
        await host.clean()
    }

    var configuration: AgentConfiguration {
        var configuration = AgentConfiguration(
            master: .address(host: "127.0.0.1", port: master.port), workDirectory: workDirectory)
        configuration.ip = "127.0.0.1"
        configuration.port = 0
        configuration.hostname = "testhost"
        configuration.resources = "cpus:4;mem:4096;disk:10000;ports:[31000-31100]"
        configuration.attributes = "rack:r1"
        configuration.dockerRemoveDelay = .zero
        configuration.registrationBackoffFactor = .milliseconds(50)
        configuration.supervisorPath = Self.program("mini-supervisor")
        configuration.fetcherPath = Self.program("mini-fetcher")
        configuration.dockerSocket = dockerSocket
        adjust(&configuration)
        return configuration
    }

    /// A program that was built beside this test bundle.
    private static func program(_ name: String) -> String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    }

    func start(_ configuration: AgentConfiguration? = nil) async throws {
        var logger = Logger(label: "agent")
        logger.logLevel = .error
        let agent = try await AgentServer.start(configuration ?? self.configuration, logger: logger)
        running.withLock { $0 = agent }
        try await wait("the agent's registration") { await agent.isRegistered ? true : nil }
    }

    /// Ends the agent as a crash would: tasks are not touched, nobody is told.
    func stop() async {
        let agent = running.withLock { running in
            defer { running = nil }
            return running
        }
        await agent?.stop()
    }

    var agent: AgentServer? { running.withLock { $0 } }

    private func clean() async {
        if let agent {
            agent.unregister(reason: "the test is over")
            let patience = Timers.shared.scheduleOnce(after: .seconds(20)) { Task { await agent.stop() } }
            await agent.run()
            patience.cancel()
        }
        await master.stop()
        // A container whose agent is gone.
        if let list = try? await containers() {
            for container in list {
                _ = try? await BusyboxImage.call(
                    "DELETE", "/containers/\(container.id)?force=1", socket: dockerSocket)
            }
        }
        try? FileManager.default.removeItem(atPath: workDirectory)
    }

    // MARK: Looking around

    /// Containers with this host's label.
    func containers() async throws -> [(id: String, name: String, state: String)] {
        let filter = #"{"label":["org.mini-mesos.work_dir=\#(workDirectory)"]}"#
        let escaped = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let reply = try await BusyboxImage.call(
            "GET", "/containers/json?all=1&filters=\(escaped)", socket: dockerSocket)
        guard let list = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]] else {
            return []
        }
        return list.map { entry in
            (
                entry["Id"] as? String ?? "", (entry["Names"] as? [String])?.first ?? "",
                entry["State"] as? String ?? ""
            )
        }
    }

    func get(_ path: String) async throws -> HTTPClientReply {
        guard let agent else { throw Timeout(description: "no agent runs") }
        var request = HTTPClientRequest(url: agent.url + path)
        request.totalTimeout = .seconds(10)
        return try await HTTPClient.shared.fetch(request)
    }

    /// A file in a task's sandbox, read through the agent as `mini run` does.
    func read(_ file: String, of task: String) async throws -> String {
        let path = "/frameworks/test-F0/executors/\(task)/runs/latest/\(file)"
        let reply = try await get("/files/read?path=\(path)&offset=0")
        guard reply.status == 200,
            let object = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
        else { throw Timeout(description: "\(path): \(reply.status)") }
        return object["data"] as? String ?? ""
    }

    // MARK: Tasks

    static func task(_ name: String, _ command: String, cpus: Double = 0.1, mem: Double = 64) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = name
        task.taskID.value = name
        task.command.value = command
        task.resources = [resource("cpus", cpus), resource("mem", mem)]
        return task
    }

    static func docker(_ name: String, _ command: String, mem: Double = 64) -> V1TaskInfo {
        var task = task(name, command, mem: mem)
        task.container.type = .docker
        task.container.docker.image = BusyboxImage.name
        task.container.docker.network = .none
        return task
    }

    private static func resource(_ name: String, _ value: Double) -> V1Resource {
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = value
        return resource
    }
}
