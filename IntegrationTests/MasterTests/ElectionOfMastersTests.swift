// Whole masters in this process and a real ensemble: who answers what before, during and after an election.

import DevCluster
import HTTPClient
import IntegrationSupport
import Logging
import MesosProtocol
import MiniMaster
import Testing
import ZooKeeper

extension RealEnsemble {
    @Suite struct ElectionOfMasters {
        private let directories = TemporaryDirectories()

        private func start(_ path: String, quorum: Int = 2) async throws -> MasterServer {
            var configuration = MasterConfiguration(workDir: try directories.make(named: "master"))
            configuration.zk = ZooKeeperURL(servers: try RealEnsemble.ensemble.addresses, path: path)
            configuration.quorum = quorum
            configuration.ip = "127.0.0.1"
            configuration.port = 0
            configuration.hostnameLookup = false
            configuration.zkSessionTimeout = .seconds(3)
            return try await MasterServer.start(
                configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        private func get(_ master: MasterServer, _ path: String) async throws -> HTTPClientReply {
            var request = HTTPClientRequest(method: "GET", url: master.url + path)
            request.totalTimeout = .seconds(10)
            return try await HTTPClient.shared.fetch(request)
        }

        private func leads(_ master: MasterServer) async throws -> Bool {
            try await get(master, "/master/state").status == 200
        }

        @Test func `one leads, the others redirect, and without a quorum nobody leads`() async throws {
            let first = try await start("/quorum/mesos")
            try await eventually("the lone master names what is missing") {
                try await get(first, "/master/state").text
                    == "No leader elected: no quorum: 1 of 2 required masters are members of the election group"
            }
            #expect(try await get(first, "/health").status == 200)
            #expect(try await get(first, "/redirect").status == 503)
            let second = try await start("/quorum/mesos")
            try await eventually("the first leads") { try await leads(first) }
            let authority = String(first.url.dropFirst("http:".count))
            try await eventually("the second redirects") { try await get(second, "/state").status == 307 }
            let moved = try await get(second, "/state?jsonp=f")
            #expect(moved.header("Location") == "\(authority)/master/state?jsonp=f")
            #expect(moved.body.isEmpty)
            #expect(try await get(second, "/redirect").header("Location") == authority)
            let call = try await get(second, "/api/v1/scheduler")
            #expect(call.status == 307)
            #expect(call.header("Location") == "\(authority)/master/api/v1/scheduler")
            let metrics = try JSONValue(parsing: try await get(second, "/metrics/snapshot").body)
            #expect(metrics["master/elected"] == .number(.double(0)))

            let third = try await start("/quorum/mesos")
            try await eventually("the third redirects too") { try await get(third, "/state").status == 307 }
            // A clean stop gives the session up, so the next one leads long before a timeout.
            await first.stop()
            try await eventually("the second leads", within: .seconds(2)) { try await leads(second) }
            await second.stop()
            try await eventually("the third does not lead alone") {
                try await get(third, "/master/state").text.hasPrefix("No leader elected: no quorum: 1 of 2")
            }
            let fourth = try await start("/quorum/mesos")
            try await eventually("the third leads with the fourth's help") { try await leads(third) }
            await third.stop()
            await fourth.stop()
        }

        @Test func `a deleted election znode costs the leader its term, and it stands again`() async throws {
            let only = try await start("/deleted/mesos", quorum: 1)
            try await eventually("it leads") { try await leads(only) }
            let session = try await ZooKeeperSession.open(
                servers: try RealEnsemble.ensemble.addresses, timeout: .seconds(10))
            try await eventually("connected") { session.sessionID != nil }
            let name = try #require(try await session.children("/deleted/mesos").first)
            try await session.delete("/deleted/mesos/\(name)")
            try await eventually("it is a member again, under a new name") {
                let names = try await session.children("/deleted/mesos")
                return names.count == 1 && names[0] != name
            }
            try await eventually("it leads again") { try await leads(only) }
            await session.close()
            await only.stop()
        }

        @Test func `an ensemble that is away for longer than the session ends the term, its return starts one`()
            async throws
        {
            try await withTestEnsemble(servers: 1) { ensemble in
                var configuration = MasterConfiguration(workDir: try directories.make(named: "master"))
                configuration.zk = ZooKeeperURL(servers: ensemble.addresses, path: "/mesos")
                configuration.quorum = 1
                configuration.ip = "127.0.0.1"
                configuration.port = 0
                configuration.hostnameLookup = false
                configuration.zkSessionTimeout = .seconds(3)
                let master = try await MasterServer.start(
                    configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                try await eventually("it leads") { try await leads(master) }
                ensemble.freeze(1)
                try await eventually("it steps down by its own clock", within: .seconds(3)) {
                    try await get(master, "/master/state").status == 503
                }
                ensemble.thaw(1)
                try await eventually("it leads again", within: .seconds(20)) { try await leads(master) }
                await master.stop()
            }
        }
    }
}
