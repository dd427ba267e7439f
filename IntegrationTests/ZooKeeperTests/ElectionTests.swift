// Joining the election and finding the leader, against a real ensemble.

import DevCluster
import IntegrationSupport
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Testing
import ZooKeeper

extension RealZooKeeper {
    @Suite struct Election {
        let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

        private func info(_ number: Int) -> V1MasterInfo {
            V1MasterInfo(id: "master-\(number)", ip: "10.0.0.\(number)", port: 5050)
        }

        private func detector(_ path: String, timeout: Duration = .seconds(10)) throws -> MasterDetector {
            let url = ZooKeeperURL(servers: try RealZooKeeper.ensemble.addresses, path: path)
            return MasterDetector(location: .zooKeeper(url), sessionTimeout: timeout, logger: quiet)
        }

        @Test func `members get distinct, growing counters and read each other`() async throws {
            let (one, two) = (try await connect(), try await connect())
            let path = try await makeDirectory(one) + "/new/mesos"
            let first = ElectionMembership(session: one, path: path)
            let second = ElectionMembership(session: two, path: path)
            let members = [try await first.join(info(1)), try await second.join(info(2))]
            #expect(members[0] < members[1])
            #expect(members.map(\.name) == ["json.info_0000000000", "json.info_0000000001"])
            try await one.sync()
            #expect(try await first.members() == members)
            #expect(try await first.read(members[1])?.info == info(2))
            #expect(try await first.read(members[1])?.miniVersion == Versions.mini)

            // Joining again finds the own member, as after a lost connection.
            #expect(try await first.join(info(1)) == members[0])
            // With something else to say it is a new member: a member's content never changes.
            let moved = try await first.join(info(3))
            #expect(moved.sequence == 2)
            try await two.sync()
            #expect(try await second.members() == [members[1], moved])

            try await second.leave()
            try await second.leave()
            #expect(second.member == nil)
            try await one.sync()
            #expect(try await first.members() == [moved])
            #expect(try await first.read(members[1]) == nil)
            for session in [one, two] { await session.close() }
        }

        @Test func `the members' watch is set once at a time`() async throws {
            let session = try await connect()
            let path = try await makeDirectory(session)
            let membership = ElectionMembership(session: session, path: path)
            let fired = Locked(0)
            for _ in 0..<3 {
                _ = try await membership.members { fired.withLock { $0 += 1 } }
            }
            _ = try await membership.join(info(1))
            try await session.sync()
            #expect(fired.withLock { $0 } == 1)
            _ = try await membership.members { fired.withLock { $0 += 1 } }
            try await membership.leave()
            try await session.sync()
            #expect(fired.withLock { $0 } == 2)
            await session.close()
        }

        @Test func `a leader's write is refused once its member is gone`() async throws {
            let (session, other) = (try await connect(), try await connect())
            let path = try await makeDirectory(session)
            let membership = ElectionMembership(session: session, path: path)
            let member = try await membership.join(info(1))
            let fence = try #require(membership.fence)
            try await session.multi([fence, .create(path: "\(path)/a", data: [])])
            try await other.delete("\(path)/\(member.name)")
            await #expect(throws: ZooKeeperMultiError(index: 0, error: .noNode)) {
                try await session.multi([fence, .create(path: "\(path)/b", data: [])])
            }
            #expect(try await other.children(path) == ["a"])
            for session in [session, other] { await session.close() }
        }

        @Test func `wrong credentials end the attempt to join`() async throws {
            let owner = try await connect(credentials: ZooKeeperCredentials(user: "mesos", password: "secret"))
            let path = try await makeDirectory(owner) + "/mesos"
            let member = try await ElectionMembership(session: owner, path: path).join(info(1))
            let impostor = try await connect(credentials: ZooKeeperCredentials(user: "mesos", password: "wrong"))
            await #expect(throws: ElectionError.zooKeeper(path: path, .noAuth)) {
                try await ElectionMembership(session: impostor, path: path).join(info(2))
            }
            // Whoever only looks needs no credentials.
            let detector = try detector(path)
            try await eventually("detected") { detector.current?.info == info(1) }
            try await impostor.sync()
            #expect(try await impostor.children(path) == [member.name])
            await detector.stop()
            for session in [owner, impostor] { await session.close() }
        }

        @Test func `the detector follows the leader from the first member to the last`() async throws {
            let admin = try await connect()
            let path = try await makeDirectory(admin) + "/mesos"
            let detector = try detector(path)
            let heard = Locked<[String?]>([])
            let listening = Task {
                for await master in detector.masters { heard.withLock { $0.append(master?.info.id) } }
            }
            func expect(_ id: String?) async throws {
                try await eventually("\(id ?? "nobody") leads; heard \(heard.withLock { $0 })") {
                    detector.current?.info.id == id && heard.withLock { $0.last ?? "nothing" } == id
                }
            }
            try await expect(nil)
            let sessions = [try await connect(), try await connect(), try await connect()]
            for (number, session) in sessions.enumerated() {
                _ = try await ElectionMembership(session: session, path: path).join(info(number + 1))
                try await expect("master-1")
            }
            #expect(detector.current?.baseURL == "http://10.0.0.1:5050")
            await sessions[1].close()  // Not the leader: nobody is woken.
            await sessions[0].close()
            try await expect("master-3")
            // It comes back last in line.
            let restarted = try await connect()
            _ = try await ElectionMembership(session: restarted, path: path).join(info(1))
            try await admin.sync()
            #expect(detector.current?.info.id == "master-3")
            await sessions[2].close()
            try await expect("master-1")
            await restarted.close()
            try await expect(nil)
            #expect(heard.withLock { $0 } == [nil, "master-1", "master-3", "master-1", nil])
            await detector.stop()
            await listening.value
            await admin.close()
        }

        @Test func `a leader that cannot be read counts as none until it is gone`() async throws {
            let (admin, leader, successor) = (try await connect(), try await connect(), try await connect())
            let path = try await makeDirectory(admin)
            try await admin.create("\(path)/log_replicas")
            _ = try await ElectionMembership(session: leader, path: path).join(info(1))
            let broken = try await admin.create(
                "\(path)/json.info_", data: Array("{half".utf8), mode: .ephemeralSequential)
            _ = try await ElectionMembership(session: successor, path: path).join(info(2))
            let detector = try detector(path)
            try await eventually("the first leader") { detector.current?.info == info(1) }
            await leader.close()
            try await eventually("nobody") { detector.current == nil }
            try await admin.delete(broken)
            try await eventually("the next leader") { detector.current?.info == info(2) }
            await detector.stop()
            for session in [admin, successor] { await session.close() }
        }

        @Test func `cut off for a whole session timeout, the detector knows nobody, then finds the leader again`()
            async throws
        {
            let ensemble = try RealZooKeeper.ensemble
            let session = try await connect(timeout: .seconds(10))
            let path = try await makeDirectory(session)
            _ = try await ElectionMembership(session: session, path: path).join(info(1))
            let detector = try detector(path, timeout: .seconds(1))
            try await eventually("detected") { detector.current?.info == info(1) }
            for server in [2, 3] { await ensemble.kill(server) }
            try await eventually("nobody known") { detector.current == nil }
            for server in [2, 3] { try await ensemble.restart(server) }
            try await ensemble.waitUntilServing()
            // The member's own session had 10 s; if those were not enough on a slow machine, it joins again.
            if session.state == .expired {
                let again = try await connect()
                _ = try await ElectionMembership(session: again, path: path).join(info(1))
                try await eventually("detected again", within: .seconds(20)) { detector.current?.info == info(1) }
                await again.close()
            } else {
                try await eventually("detected again", within: .seconds(20)) { detector.current?.info == info(1) }
            }
            await detector.stop()
            await session.close()
        }

        @Test func `a fixed address is reported at once`() async throws {
            let detector = MasterDetector(location: .address(host: "10.0.0.9", port: 5050), logger: quiet)
            var masters = detector.masters.makeAsyncIterator()
            let master = try #require(await masters.next() ?? nil)
            #expect(master.baseURL == "http://10.0.0.9:5050")
            #expect(master.info.ip == 150_994_954 && master.info.pid == "master@10.0.0.9:5050")
            await detector.stop()
            #expect(await masters.next() == nil)
        }
    }
}
