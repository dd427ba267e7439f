// A cluster that `mini up` runs beside a test, and the certainty that nothing of it is left.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Processes
import Testing

/// What `mini up --json` prints.
struct ClusterDocument: Decodable, Sendable {
    struct Daemon: Decodable, Sendable {
        var url: String
        var pid: pid_t
        var address: String { String(url.dropFirst("http://".count)) }
        var port: Int { Int(url.split(separator: ":").last ?? "") ?? 0 }
    }
    var masters: [Daemon]
    var agents: [Daemon]
    var zk: String?
    var jenkins: Daemon?
    var sampleImage: String?
    var workDirectory: String
    private enum CodingKeys: String, CodingKey {
        case masters, agents, zk, jenkins, sampleImage = "sample_image", workDirectory = "work_dir"
    }
}

/// A running `mini up` in a folder of its own.
struct UpCluster: Sendable {
    let program: ProgramRun
    let look: HostLook

    static func start(_ arguments: [String]) async throws -> UpCluster {
        let look = HostLook(mark: UUID().uuidString, directory: try makeTemporaryDirectory(named: "cluster"))
        let program = try await ProgramRun.start(
            builtProduct("mini"), ["up", "--base_port=0", "--work_dir=\(look.directory)"] + arguments,
            environment: SpawnRequest.ownEnvironment + ["\(HostLook.markName)=\(look.mark)"])
        return UpCluster(program: program, look: look)
    }

    /// Waits until the cluster is ready and has said so in JSON.
    func document() async throws -> ClusterDocument {
        let line = try await eventually("mini up prints its document: \(program.errorText)", within: .seconds(90)) {
            if let end = program.process.knownEnd { throw UnexpectedEnd(end: end, errors: program.errorText) }
            return program.output.last == UInt8(ascii: "\n") ? program.output : nil
        }
        return try JSONDecoder().decode(ClusterDocument.self, from: Data(line))
    }

    /// Waits until nothing of the cluster is left, and complains about what is.
    func expectNothingLeft(within limit: Duration = .seconds(20), _ sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let deadline = ContinuousClock.now + limit
        var left = try await look.leftovers()
        while !left.isEmpty, .now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            left = try await look.leftovers()
        }
        #expect(left == [], sourceLocation: sourceLocation)
    }

    /// Ends whatever still runs, also after a failed expectation.
    func remove() async {
        program.process.send(signal: SIGTERM)
        _ = await program.end(within: .seconds(45))
        try? FileManager.default.removeItem(atPath: look.directory)
        program.forget()
    }
}

struct UnexpectedEnd: Error, CustomStringConvertible {
    var end: ProcessEnd
    var errors: String
    var description: String { "mini up \(end): \(errors)" }
}

/// Lends a ready cluster, ends it by SIGTERM, and expects that nothing is left.
func withCluster(
    _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation,
    isolation: isolated (any Actor)? = #isolation, _ body: (UpCluster, ClusterDocument) async throws -> Void
) async throws {
    let cluster = try await UpCluster.start(arguments + ["--json"])
    do {
        try await body(cluster, try await cluster.document())
        cluster.program.process.send(signal: SIGTERM)
        #expect(await cluster.program.end(within: .seconds(45)) == .exited(0), sourceLocation: sourceLocation)
        try await cluster.expectNothingLeft(sourceLocation)
        await cluster.remove()
    } catch {
        await cluster.remove()
        throw error
    }
}

// MARK: - Questions to a master

/// The part of `/master/state` that the tests look at.
struct MasterState: Decodable, Sendable {
    /// Quantities of the resources named here; others are left out.
    struct Quantities: Decodable, Equatable, Sendable {
        var cpus: Double
        var mem: Double
        var disk: Double
        static let zero = Quantities(cpus: 0, mem: 0, disk: 0)
    }
    struct Agent: Decodable, Sendable {
        var id: String
        var active: Bool
        var resources: Quantities
        var used: Quantities
        var offered: Quantities
        private enum CodingKeys: String, CodingKey {
            case id, active, resources, used = "used_resources", offered = "offered_resources"
        }
    }
    struct Framework: Decodable, Sendable {
        struct Task: Decodable, Sendable {
            var id: String
            var state: String
        }
        var id: String
        var name: String
        var tasks: [Task]
    }
    var slaves: [Agent]
    var frameworks: [Framework]

    /// - Returns: `nil` unless this master leads.
    static func read(_ masterURL: String) async throws -> MasterState? {
        guard let reply = await get("\(masterURL)/master/state"), reply.status == 200 else { return nil }
        return try JSONDecoder().decode(MasterState.self, from: Data(reply.body))
    }
}

/// Asks a daemon; `nil` if it does not answer within two seconds.
func get(_ url: String) async -> HTTPClientReply? {
    try? await HTTPClient.shared.fetch(HTTPClientRequest(url: url, totalTimeout: .seconds(2)))
}

extension ClusterDocument {
    /// The one master that answers as the leader.
    func leader(besides others: [String] = []) async throws -> Daemon? {
        for master in masters where !others.contains(master.url) {
            if try await MasterState.read(master.url) != nil { return master }
        }
        return nil
    }

    /// Waits until a master leads and has all agents.
    func waitUntilComplete(within limit: Duration = .seconds(20)) async throws {
        try await eventually("a leader has \(agents.count) agents", within: limit) {
            for master in masters {
                if let state = try await MasterState.read(master.url) {
                    return state.slaves.count { $0.active } == agents.count
                }
            }
            return false
        }
    }
}
