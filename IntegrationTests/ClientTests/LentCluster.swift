// A cluster of three masters and two agents for one test, and what its leader says.
import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport

/// Lends a cluster to `body` and takes it away afterwards, whatever happens.
func withCluster(_ body: (LentCluster) async throws -> Void) async throws {
    let options = ClusterOptions(
        masters: 3, agents: 2, containerizer: .process, basePort: 0, executable: builtProduct("mini"))
    let cluster = LentCluster(cluster: try await DevCluster.start(options))
    do { try await body(cluster) } catch {
        await cluster.cluster.stop()
        throw error
    }
    let left = await cluster.cluster.stop()
    guard left.isEmpty else { throw LeftBehind(things: left) }
}

struct LeftBehind: Error {
    var things: [String]
}

struct LentCluster: Sendable {
    var cluster: DevCluster

    /// The acting leader's process.
    func leader() async throws -> ClusterProcess {
        try await eventually("a master leads", within: .seconds(20)) {
            let url = await cluster.leaderURL()
            return cluster.masters.first { $0.url == url }
        }
    }

    func zooKeeperURL() throws -> String {
        guard let url = cluster.zooKeeperURL else { throw ClusterError.invalid("a cluster without ZooKeeper") }
        return url
    }

    /// The leader's `/master/state`.
    func state() async throws -> [String: Any] {
        let leader = try await leader()
        let reply = try await ask(leader, "/master/state")
        return try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] ?? [:]
    }

    /// The ids in one of the state's lists.
    func ids(_ list: String) async throws -> [String] {
        (try await state()[list] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }

    /// One request to one master, which may stand by.
    func ask(
        _ master: ClusterProcess, _ path: String, method: String = "GET", body: String? = nil
    ) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: master.url + path, body: body.map { Array($0.utf8) })
        if body != nil { request.headers = [("Content-Type", "application/json")] }
        request.totalTimeout = .seconds(5)
        return try await HTTPClient.shared.fetch(request)
    }
}

extension ClusterProcess {
    /// `host:port`, as clients are given it.
    var hostAndPort: String { String(url.dropFirst("http://".count)) }
}

/// Lends a directory to `body` and removes it afterwards.
func withTemporaryDirectory(_ name: String, _ body: (String) async throws -> Void) async throws {
    let directory = try makeTemporaryDirectory(named: name)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
}
