// Masters of the election tests: whole ones in this process, and what a test asks them.

import HTTPClient
import IntegrationSupport
import Logging
import MesosProtocol
import MiniMaster
import ZooKeeper

/// Starts masters on the test's directories and asks them things.
struct MasterLab {
    /// Held by the suite: they go when the test is over.
    let directories: TemporaryDirectories
    let addresses: [String]

    func configuration(
        _ path: String, quorum: Int = 1, session: Duration = .seconds(2), credentials: ZooKeeperCredentials? = nil
    ) throws -> MasterConfiguration {
        var configuration = MasterConfiguration(workDir: try directories.make(named: "master"))
        configuration.zk = ZooKeeperURL(servers: addresses, credentials: credentials, path: path)
        configuration.quorum = quorum
        configuration.ip = "127.0.0.1"
        configuration.port = 0
        configuration.hostnameLookup = false
        configuration.zkSessionTimeout = session
        return configuration
    }

    func start(_ configuration: MasterConfiguration) async throws -> MasterServer {
        try await MasterServer.start(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func start(_ path: String, quorum: Int = 1) async throws -> MasterServer {
        try await start(try configuration(path, quorum: quorum))
    }

    /// A session of the test itself, connected.
    func session(_ credentials: ZooKeeperCredentials? = nil) async throws -> ZooKeeperSession {
        let session = try await ZooKeeperSession.open(
            servers: addresses, timeout: .seconds(10), credentials: credentials)
        try await eventually("connected") { session.sessionID != nil }
        return session
    }
}

extension MasterServer {
    func get(_ path: String) async throws -> HTTPClientReply { try await Self.get(url + path) }

    static func get(_ url: String) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: "GET", url: url)
        request.totalTimeout = .seconds(5)
        return try await HTTPClient.shared.fetch(request)
    }

    func leads() async throws -> Bool { try await get("/master/state").status == 200 }

    /// Subscribes a framework, and leaves it at that: the registry then has something to remember.
    func subscribe(_ name: String) async throws {
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo.user = "root"
        call.subscribe.frameworkInfo.name = name
        call.subscribe.frameworkInfo.failoverTimeout = 3600
        var request = HTTPClientRequest(method: "POST", url: url + "/api/v1/scheduler")
        request.headers = [("Content-Type", MediaType.protobuf.rawValue), ("Accept", MediaType.protobuf.rawValue)]
        request.body = MediaType.protobuf.encode(call)
        let response = try await HTTPClient.shared.execute(request)
        var decoder = RecordIODecoder()
        for try await chunk in response.body {
            decoder.append(chunk)
            if try decoder.next() != nil { return }
        }
    }
}
