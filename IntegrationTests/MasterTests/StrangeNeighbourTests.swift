// A real election directory with strangers in it: forged and stale znodes, other products, twins, other users.

import DevCluster
import HTTPClient
import IntegrationSupport
import MasterDetection
import MesosProtocol
import MiniMaster
import Testing
import ZooKeeper

extension RealEnsemble {
    @Suite struct StrangeNeighbours {
        private let directories = TemporaryDirectories()

        private var lab: MasterLab {
            get throws { MasterLab(directories: directories, addresses: try RealEnsemble.ensemble.addresses) }
        }

        @Test func `a missing chroot is made, other children are no members, and a rewritten znode is replaced`()
            async throws
        {
            let lab = try lab
            let path = "/strange/deep/down/mesos"
            let master = try await lab.start(path)
            try await eventually("it leads") { try await master.leads() }
            let session = try await lab.session()
            for name in ["log_replicas", "registry", "zone_a", "x_", "json.info"] {
                try await session.create("\(path)/\(name)", data: Array("{".utf8))
            }
            try await session.create(
                "\(path)/log_replicas/0000000000", data: Array("log-replica(1)@10.0.0.1:5050".utf8))
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await master.leads())

            let own = try #require(try await session.children(path).first { $0.hasPrefix("json.info_") })
            try await session.set("\(path)/\(own)", data: Array("forged".utf8))
            // The next write finds out: the fence is the znode as it was made.
            try await master.subscribe("f")
            let fresh = try await eventually("it stands under a new znode") {
                let names = try await session.children(path).filter { $0.hasPrefix("json.info_") }
                return names.count == 1 && names[0] != own ? names[0] : nil
            }
            try await eventually("it leads again") { try await master.leads() }
            #expect(try MasterInfoJSON.decode(try await session.get("\(path)/\(fresh)").data).miniVersion != nil)
            await session.close()
            await master.stop()
        }

        @Test func `a forged first member means that nobody leads, until it is gone`() async throws {
            let lab = try lab
            let path = "/forged/mesos"
            let session = try await lab.session()
            try await session.createMissing(path)
            try await session.create("\(path)/burnt-", mode: .persistentSequential)
            let master = try await lab.start(path)
            try await eventually("it leads") { try await master.leads() }
            try await session.delete("\(path)/burnt-0000000000")
            try await session.create("\(path)/json.info_0000000000", data: Array(#"{"id": 7, "pid": ["#.utf8))
            try await eventually("it steps down") {
                try await master.get("/master/state").text == "No leader elected"
            }
            try await session.delete("\(path)/json.info_0000000000")
            try await eventually("it leads again") { try await master.leads() }
            await session.close()
            await master.stop()
        }

        @Test func `a master waits for another product's to go, and then stands`() async throws {
            let lab = try lab
            let path = "/mixed/mesos"
            let session = try await lab.session()
            try await session.createMissing(path)
            let mesos = V1MasterInfo(id: "mesos", ip: "10.0.0.9", port: 5050)
            try await session.create(
                "\(path)/json.info_", data: MesosJSON.encode(mesos), mode: .ephemeralSequential)
            let master = try await lab.start(path)
            try await eventually("it says why it does not stand") {
                try await master.get("/master/state").text.hasPrefix(
                    "No leader elected: master@10.0.0.9:5050, a master of another product, is a member")
            }
            #expect(try await session.children(path).count == 1)
            await session.close()
            try await eventually("it leads") { try await master.leads() }
            await master.stop()
        }

        @Test func `of two masters with one address the younger goes and names the other`() async throws {
            let lab = try lab
            var configuration = try lab.configuration("/twins/mesos")
            configuration.advertisePort = 5050
            let first = try await lab.start(configuration)
            try await eventually("it leads") {
                try await MasterServer.get("http://127.0.0.1:\(first.port)/master/state").status == 200
            }
            configuration.workDir = try lab.directories.make(named: "twin")
            let second = try await lab.start(configuration)
            let reason = try #require(await second.run())
            #expect(reason.hasPrefix("Another master (id "))
            #expect(reason.contains("master@127.0.0.1:5050"))
            #expect(try await MasterServer.get("http://127.0.0.1:\(first.port)/master/state").status == 200)
            await second.stop()
            await first.stop()
        }

        @Test func `with credentials members can be read by all and changed by their user alone`() async throws {
            let lab = try lab
            let path = "/secret/mesos"
            let right = ZooKeeperCredentials(user: "mini", password: "right")
            let master = try await lab.start(try lab.configuration(path, credentials: right))
            try await eventually("it leads") { try await master.leads() }
            let stranger = try await lab.session()
            let name = try #require(try await stranger.children(path).first)
            #expect(try MasterInfoJSON.decode(try await stranger.get("\(path)/\(name)").data).miniVersion != nil)
            await #expect(throws: ZooKeeperError.noAuth) { try await stranger.delete("\(path)/\(name)") }
            await #expect(throws: ZooKeeperError.noAuth) {
                try await stranger.create("\(path)/json.info_", mode: .ephemeralSequential)
            }
            await stranger.close()

            for credentials in [ZooKeeperCredentials(user: "mini", password: "wrong"), nil] {
                let other = try await lab.start(try lab.configuration(path, credentials: credentials))
                let reason = try #require(await other.run())
                #expect(
                    reason
                        == "ZooKeeper refused the session: ZooKeeper authentication: cannot join the election at \(path): "
                        + "not authorized by the znode's ACL; check the ZooKeeper credentials")
                #expect(!reason.contains("wrong"))
                await other.stop()
            }
            #expect(try await master.leads())
            await master.stop()
        }

        @Test func `a registry that belongs to another user ends the master with a message`() async throws {
            let lab = try lab
            let path = "/owned/mesos"
            let owner = ZooKeeperCredentials(user: "owner", password: "o")
            let session = try await lab.session(owner)
            try await session.createMissing("/owned")
            try await session.createMissing("\(path)-registry", acl: .forMembers(of: owner))
            let master = try await lab.start(path)
            let reason = try #require(await master.run())
            #expect(reason.hasPrefix("ZooKeeper authentication: the registry cannot be used: \(path)-registry: "))
            await master.stop()
            await session.close()
        }
    }
}
