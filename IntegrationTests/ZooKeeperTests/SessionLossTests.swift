// What ends a session, and what its end takes along.

import DevCluster
import Glibc
import IntegrationSupport
import Mailbox
import Processes
import Testing
import ZooKeeper

extension RealZooKeeper {
    @Suite struct SessionEnds {
        @Test func `a closed session's ephemeral znodes are gone at once`() async throws {
            let (observer, owner) = (try await connect(), try await connect())
            let path = try await owner.create("/closed-", mode: .ephemeralSequential)
            try await observer.sync()
            #expect(try await observer.exists(path)?.ephemeralOwner == owner.sessionID)
            await owner.close()
            try await observer.sync()
            #expect(try await observer.exists(path) == nil)
            await observer.close()
        }

        @Test func `a session that nobody holds any more is closed`() async throws {
            let observer = try await connect()
            var owner: ZooKeeperSession? = try await connect()
            let path = try await owner?.create("/dropped-", mode: .ephemeralSequential) ?? ""
            try await observer.sync()
            #expect(try await observer.exists(path) != nil)
            withExtendedLifetime(owner) {}
            owner = nil
            // Well before the 10 s after which the ensemble would have ended it.
            try await eventually("the znode is gone", within: .seconds(5)) { try await observer.exists(path) == nil }
            await observer.close()
        }

        @Test func `a killed owner's znode goes after the session timeout, and its watchers learn of it`() async throws
        {
            let observer = try await connect()
            let root = try await makeDirectory(observer)
            let holder = try await SessionHolder(
                servers: try RealZooKeeper.ensemble.addresses, timeoutMilliseconds: 2000, path: "\(root)/owned")
            try await observer.sync()
            let gone = Locked<ContinuousClock.Instant?>(nil)
            #expect(try await observer.children(root, watch: { _ in gone.withLock { $0 = .now } }) == ["owned"])
            let killed = ContinuousClock.now
            await holder.kill()
            let seen = try await eventually("the child watch") { gone.withLock { $0 } }
            #expect((.seconds(1)...(.seconds(5))).contains(killed.duration(to: seen)))
            #expect(try await observer.children(root) == [])
            await observer.close()
        }

        @Test func `a frozen owner loses its session, and notices when it wakes`() async throws {
            let observer = try await connect()
            let root = try await makeDirectory(observer)
            let holder = try await SessionHolder(
                servers: try RealZooKeeper.ensemble.addresses, timeoutMilliseconds: 2000, path: "\(root)/owned")
            try await observer.sync()
            #expect(try await observer.children(root) == ["owned"])
            holder.send(SIGSTOP)
            try await eventually("the ensemble ends the session") { try await observer.children(root) == [] }
            #expect(!holder.lines.contains("expired"))
            holder.send(SIGCONT)
            try await holder.waitForLine("expired")
            #expect(holder.lines.suffix(2) == ["connecting", "expired"])
            #expect(await holder.finish() == .exited(0))
            await observer.close()
        }

    }

    @Suite struct EnsembleFailures {
        @Test func `a session survives the ensemble's leader being killed`() async throws {
            let ensemble = try RealZooKeeper.ensemble
            let session = try await connect()
            let path = try await session.create("/survivor-", mode: .ephemeralSequential)
            let id = session.sessionID
            let leader = try #require(await ensemble.leader())
            await ensemble.kill(leader)
            try await eventually("a write is accepted again") {
                do throws(ZooKeeperError) {
                    try await session.set(path, data: [1], deadline: .seconds(2))
                    return true
                } catch {
                    guard error.isRetryable else { throw error }
                    return false
                }
            }
            #expect(session.sessionID == id)
            #expect(try await session.exists(path)?.ephemeralOwner == id)
            try await ensemble.restart(leader)
            try await ensemble.waitUntilServing()
            await session.close()
        }

        @Test func `a request that nobody answers ends at its deadline`() async throws {
            let ensemble = try RealZooKeeper.ensemble
            let session = try await connect()
            let root = try await makeDirectory(session)
            for server in ensemble.servers { ensemble.freeze(server) }
            let started = ContinuousClock.now
            let fired = Locked(false)
            await #expect(throws: ZooKeeperError.operationTimeout) {
                _ = try await session.children(
                    root, watch: { _ in fired.withLock { $0 = true } }, deadline: .milliseconds(300))
            }
            await #expect(throws: ZooKeeperMultiError(index: nil, error: .operationTimeout)) {
                try await session.multi([.set(path: root, data: [1])], deadline: .milliseconds(300))
            }
            let waited = started.duration(to: .now)
            for server in ensemble.servers { ensemble.thaw(server) }
            #expect((.milliseconds(600)...(.seconds(5))).contains(waited))
            // The transaction was sent, and happens after all: a timeout is no refusal.
            try await eventually("the late transaction") { try await session.get(root).stat.version == 1 }
            try await session.create("\(root)/child")
            try await session.sync()
            #expect(!fired.withLock { $0 }, "the caller was told that no watch is set")
            await session.close()
        }

        @Test func `without a quorum requests fail in time, and work again when it is back`() async throws {
            let ensemble = try RealZooKeeper.ensemble
            let states = Locked<[SessionState]>([])
            let session = try await connect(timeout: .seconds(2), probesContact: true) { state in
                states.withLock { $0.append(state) }
            }
            _ = try await eventually("contact") { session.silence }
            for server in [1, 2] { await ensemble.kill(server) }
            try await eventually("cut off") { session.state == .connecting }
            let started = ContinuousClock.now
            do throws(ZooKeeperError) {
                _ = try await session.get("/", deadline: .seconds(1))
                Issue.record("a server without a quorum answered")
            } catch {
                #expect(error == .connectionLoss || error == .operationTimeout)
            }
            #expect(started.duration(to: .now) < .seconds(3))
            // A leader steps down on this, long before the client library says anything.
            try await eventually("silence beyond two thirds of the timeout") {
                session.silence.map { $0 > session.timeout * 2 / 3 } ?? false
            }
            #expect(session.state == .connecting)
            for server in [1, 2] { try await ensemble.restart(server) }
            try await ensemble.waitUntilServing()
            // Whether the session has outlived the outage is up to the ensemble's clock.
            try await eventually("connected or expired") { session.state != .connecting }
            let seen = states.withLock { $0 }
            #expect(seen.dropFirst().first == .connecting, "\(seen)")
            for (earlier, later) in zip(seen, seen.dropFirst()) { #expect(earlier != later) }
            await session.close()
        }
    }
}
