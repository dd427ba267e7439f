// The cluster under attack: three masters, three ZooKeeper servers and agents as real processes, with faulty roads
// between them.

import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Mailbox
import MesosProtocol
import Processes

/// One process of the cluster, killed and started again with the same command line.
final class Victim: Sendable {
    let name: String
    let arguments: [String]
    private let running = Locked<RunningCommand?>(nil)
    private let isKilledOnPurpose = Locked(false)

    init(name: String, arguments: [String]) {
        self.name = name
        self.arguments = arguments
    }

    var pid: pid_t { running.withLock { $0?.process.pid } ?? 0 }

    func start() async throws {
        let command = try await startCommand(builtProduct("mini"), arguments)
        isKilledOnPurpose.withLock { $0 = false }
        running.withLock { $0 = command }
    }

    func kill() async {
        isKilledOnPurpose.withLock { $0 = true }
        guard let process = running.withLock({ $0?.process }) else { return }
        process.send(signal: SIGKILL)
        _ = await process.end()
    }

    /// SIGTERM, and SIGKILL if that takes too long.
    ///
    /// - Returns: Whether it left by itself.
    func stop(within limit: Duration = .seconds(10)) async -> Bool {
        isKilledOnPurpose.withLock { $0 = true }
        guard let command = running.withLock({ $0 }) else { return true }
        command.process.send(signal: SIGTERM)
        return await command.finished(within: limit).end == .exited(0)
    }

    func freeze() { _ = running.withLock { $0?.process.send(signal: SIGSTOP) } }
    func thaw() { _ = running.withLock { $0?.process.send(signal: SIGCONT) } }

    /// How it ended, if nobody here made it.
    var unexpectedEnd: ProcessEnd? {
        isKilledOnPurpose.withLock { $0 } ? nil : running.withLock { $0?.process.knownEnd }
    }

    /// What it has written in its present life.
    var output: String { running.withLock { $0?.output } ?? "" }

    /// The last lines of its present life.
    var lastLines: String {
        output.split(separator: "\n").suffix(15).joined(separator: "\n")
    }
}

/// A master, the road on which agents and frameworks reach it, and its roads to ZooKeeper.
struct ChaosMaster: Sendable {
    let victim: Victim
    /// Where it listens itself: how the campaign looks at it.
    let url: String
    /// What it advertises.
    let front: Road
    let toZooKeeper: [Road]

    func setZooKeeper(_ condition: RoadCondition) { for road in toZooKeeper { road.set(condition) } }

    func restoreRoads() {
        front.set(.open)
        setZooKeeper(.open)
    }
}

final class ChaosCluster: Sendable {
    static let electionPath = "/mesos"
    static let sessionTimeout = Duration.seconds(3)
    /// Pings of one second, five misses.
    static let unreachableAfter = Duration.seconds(5)

    let ensemble: ZooKeeperEnsemble
    let masters: [ChaosMaster]
    let agents: [Victim]
    let directory: String
    /// How frameworks and agents find the leader: no faulty road to ZooKeeper, faulty ones to the masters.
    var location: String { ensemble.url(path: Self.electionPath) }

    private init(ensemble: ZooKeeperEnsemble, masters: [ChaosMaster], agents: [Victim], directory: String) {
        self.ensemble = ensemble
        self.masters = masters
        self.agents = agents
        self.directory = directory
    }

    /// Starts everything and waits until a master leads and has all agents.
    static func start(agents count: Int = 3) async throws -> ChaosCluster {
        let directory = try makeTemporaryDirectory(named: "chaos")
        let ensemble = try await startTestEnsemble()
        do {
            let ports = try (0..<3 + count).map { _ in try freePort() }
            let masters = try (0..<3).map { index in
                try master(index, port: ports[index], ensemble: ensemble, directory: directory)
            }
            let agents = (0..<count).map { index in
                agent(index, port: ports[3 + index], ensemble: ensemble, directory: directory)
            }
            let cluster = ChaosCluster(ensemble: ensemble, masters: masters, agents: agents, directory: directory)
            do {
                for victim in cluster.victims { try await victim.start() }
                try await eventually("a leader has all agents", within: .seconds(40)) { await cluster.isComplete() }
                return cluster
            } catch {
                await cluster.remove()
                throw error
            }
        } catch {
            await ensemble.stop()
            throw error
        }
    }

    var victims: [Victim] { masters.map(\.victim) + agents }

    /// Ends every process and removes every file.
    func remove() async {
        for victim in victims {
            victim.thaw()
            await victim.kill()
        }
        for master in masters { for road in [master.front] + master.toZooKeeper { road.close() } }
        await ensemble.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func master(
        _ index: Int, port: Int, ensemble: ZooKeeperEnsemble, directory: String
    ) throws -> ChaosMaster {
        let front = try Road(to: port)
        let roads = try ensemble.clientPorts.map { try Road(to: $0) }
        let servers = roads.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let name = "master-\(index + 1)"
        let victim = Victim(
            name: name,
            arguments: [
                "master", "--ip=127.0.0.1", "--port=\(port)", "--advertise_ip=127.0.0.1",
                "--advertise_port=\(front.port)", "--hostname=127.0.0.1", "--work_dir=\(directory)/\(name)",
                "--zk=zk://\(servers)\(electionPath)", "--quorum=2", "--zk_session_timeout=3secs",
                "--agent_ping_timeout=1secs", "--max_agent_ping_timeouts=5", "--cluster=chaos",
            ])
        return ChaosMaster(victim: victim, url: "http://127.0.0.1:\(port)", front: front, toZooKeeper: roads)
    }

    private static func agent(_ index: Int, port: Int, ensemble: ZooKeeperEnsemble, directory: String) -> Victim {
        let name = "agent-\(index + 1)"
        return Victim(
            name: name,
            arguments: [
                "agent", "--master=\(ensemble.url(path: electionPath))", "--ip=127.0.0.1", "--port=\(port)",
                "--hostname=127.0.0.1", "--work_dir=\(directory)/\(name)", "--containerizers=process",
                "--resources=cpus:4;mem:1024;disk:1024;ports:[\(40_000 + 100 * index)-\(40_099 + 100 * index)]",
                "--zk_session_timeout=3secs", "--registration_backoff_factor=100ms",
            ])
    }

    static func freePort() throws -> Int {
        let road = try Road(to: 1)
        road.close()
        return road.port
    }
}

// MARK: - Questions

/// What the campaign reads of a master's state.
struct ChaosSummary: Decodable, Sendable {
    struct Agent: Decodable, Sendable {
        struct Quantities: Decodable, Equatable, Sendable {
            var cpus: Double
            var mem: Double
        }
        var id: String
        var active: Bool
        var used: Quantities
        private enum CodingKeys: String, CodingKey { case id, active, used = "used_resources" }
    }
    var slaves: [Agent]
}

extension ChaosCluster {
    /// - Returns: `nil` if the master does not answer as the leader within half a second.
    static func summary(of master: ChaosMaster) async -> ChaosSummary? {
        guard let reply = await ask(master, "GET", "/master/state-summary"), reply.status == 200 else { return nil }
        return try? JSONDecoder().decode(ChaosSummary.self, from: Data(reply.body))
    }

    static func ask(
        _ master: ChaosMaster, _ method: String, _ path: String, body: String? = nil,
        within limit: Duration = .milliseconds(1500)
    ) async -> HTTPClientReply? {
        var request = HTTPClientRequest(method: method, url: master.url + path)
        request.totalTimeout = limit
        request.connectTimeout = .milliseconds(500)
        if let body {
            request.body = Array(body.utf8)
            request.headers.append(("Content-Type", "application/json"))
        }
        return try? await HTTPClient.shared.fetch(request)
    }

    /// The master that answers as the leader now.
    func leader() async -> ChaosMaster? {
        for master in masters where await Self.leads(master) { return master }
        return nil
    }

    static func leads(_ master: ChaosMaster) async -> Bool {
        await ask(master, "GET", "/master/roles", within: .milliseconds(700))?.status == 200
    }

    /// Whether a leader has every agent connected.
    func isComplete() async -> Bool {
        for master in masters {
            if let summary = await Self.summary(of: master) {
                return summary.slaves.count { $0.active } == agents.count
            }
        }
        return false
    }
}
