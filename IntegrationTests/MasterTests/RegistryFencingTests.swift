// The registry in a real ensemble: what is written is read by the next leader, and a deposed leader writes nothing.

import DevCluster
import IntegrationSupport
import MasterDetection
import MesosProtocol
import Resources
import Testing
import ZooKeeper

@testable import MiniMaster

extension RealEnsemble {
    @Suite struct RegistryFencing {
        /// A master's share in the election, and the registry as it would use it.
        struct Contender {
            let session: ZooKeeperSession
            let membership: ElectionMembership
            let registry: ZooKeeperRegistry
            let term: Term

            init(_ id: String, path: String) async throws {
                let url = ZooKeeperURL(servers: try RealEnsemble.ensemble.addresses, path: path)
                let session = try await ZooKeeperSession.open(servers: url.servers, timeout: .seconds(10))
                try await eventually("connected") { session.sessionID != nil }
                self.session = session
                membership = ElectionMembership(session: session, path: path)
                registry = ZooKeeperRegistry(url: url) { session }
                let info = V1MasterInfo(id: id, ip: "127.0.0.1", port: 5050)
                term = Term(candidate: Candidate(try await membership.join(info)), number: 1)
            }

            func recover() async throws -> RegistryState {
                try await registry.recover(term, claim: V1MasterInfo(id: "x", ip: "127.0.0.1", port: 1)).state
            }

            /// - Returns: Why it failed; nil if it did not.
            func write(_ number: UInt64, _ operations: [RegistryOperation]) async -> RegistryFailure? {
                do throws(RegistryStoreError) {
                    try await registry.write(term, RegistryWrite(number: number, operations: operations))
                    return nil
                } catch {
                    return error.failure
                }
            }
        }

        private func agent(_ id: String) -> RegistryOperation {
            var info = V1AgentInfo()
            info.hostname = "a.example.org"
            info.id.value = id
            return .admitAgent(AgentID(id), info)
        }

        @Test func `the next leader reads what the last one wrote`() async throws {
            let first = try await Contender("m1", path: "/reads/mesos")
            #expect(try await first.recover() == RegistryState())
            var expected = RegistryState()
            let info = V1FrameworkInfo.with(id: "jenkins / 7")
            let batches: [[RegistryOperation]] = [
                (0..<300).map { agent("m1-S\($0)") },
                [.markUnreachable("m1-S0", at: WallTime(nanoseconds: 5)), .removeAgent("m1-S1")],
                [.putFramework("jenkins / 7", FrameworkRecord(info: info, phase: .connected))],
                [
                    .putFramework(
                        "jenkins / 7", FrameworkRecord(info: info, phase: .removed(at: WallTime(nanoseconds: 9))))
                ],
            ]
            for (number, operations) in batches.enumerated() {
                #expect(await first.write(UInt64(number), operations) == nil)
                for operation in operations { expected.apply(operation) }
            }
            let second = try await Contender("m2", path: "/reads/mesos")
            await first.session.close()
            #expect(try await second.recover() == expected)
            await second.session.close()
        }

        @Test func `a leader whose election znode is gone changes nothing`() async throws {
            let old = try await Contender("m1", path: "/fence/mesos")
            _ = try await old.recover()
            let new = try await Contender("m2", path: "/fence/mesos")
            try await new.session.delete("/fence/mesos/\(old.term.candidate?.name ?? "")")
            #expect(await old.write(1, [agent("late")]) == .fenced)
            #expect(try await new.recover() == RegistryState())
            #expect(await new.write(1, [agent("fresh")]) == nil)
            await old.session.close()
            await new.session.close()
        }

        @Test func `an entry somebody else made or removed does not stop the leader`() async throws {
            let leader = try await Contender("m1", path: "/strange/mesos")
            _ = try await leader.recover()
            try await leader.session.create("/strange/mesos-registry/agents/a", data: [1])
            #expect(await leader.write(1, [agent("a")]) == nil)
            try await leader.session.delete("/strange/mesos-registry/agents/a")
            #expect(await leader.write(2, [agent("a")]) == nil)
            try await leader.session.create("/strange/mesos-registry/agents/garbage", data: [0xFF])
            let contents = try await leader.registry.recover(
                leader.term, claim: V1MasterInfo(id: "x", ip: "127.0.0.1", port: 1))
            #expect(contents.unreadable == ["agents/garbage"])
            #expect(contents.state.agents.keys.map(\.value) == ["a"])
            await leader.session.close()
        }
    }
}

extension V1FrameworkInfo {
    static func with(id: String) -> V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = "build"
        info.id.value = id
        return info
    }
}
