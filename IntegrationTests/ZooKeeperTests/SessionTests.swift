// Requests, watches and transactions against a real ensemble.

import IntegrationSupport
import Mailbox
import Testing
import ZooKeeper

extension RealZooKeeper {
    @Suite struct Requests {
        @Test func `data and version are kept, and a stale version is refused`() async throws {
            let session = try await connect()
            let path = try await session.create("/kept-", data: Array("one".utf8), mode: .persistentSequential)
            #expect(try await session.get(path).data == Array("one".utf8))
            #expect(try await session.set(path, data: Array("two".utf8), version: 0).version == 1)
            await #expect(throws: ZooKeeperError.badVersion) {
                try await session.set(path, data: [], version: 0)
            }
            let (data, stat) = try await session.get(path)
            #expect(data == Array("two".utf8))
            #expect(stat.version == 1 && stat.dataBytes == 3 && stat.ephemeralOwner == 0)
            await #expect(throws: ZooKeeperError.badVersion) { try await session.delete(path, version: 0) }
            try await session.delete(path, version: 1)
            #expect(try await session.exists(path) == nil)
            await session.close()
        }

        @Test func `refusals are told apart`() async throws {
            let session = try await connect()
            let path = try await makeDirectory(session)
            await #expect(throws: ZooKeeperError.nodeExists) { try await session.create(path) }
            await #expect(throws: ZooKeeperError.noNode) { _ = try await session.get("\(path)/absent") }
            await #expect(throws: ZooKeeperError.noNode) { try await session.create("\(path)/absent/child") }
            try await session.create("\(path)/ephemeral", mode: .ephemeral)
            await #expect(throws: ZooKeeperError.notEmpty) { try await session.delete(path) }
            await #expect(throws: ZooKeeperError.noChildrenForEphemerals) {
                try await session.create("\(path)/ephemeral/child")
            }
            await #expect(throws: ZooKeeperError.badArguments) { try await session.create("relative") }
            await #expect(throws: ZooKeeperError.badArguments) { try await session.create("\(path)/a\u{0}b") }
            await #expect(throws: ZooKeeperError.badArguments) { try await session.create("\(path)//b") }
            let tooLarge = [UInt8](repeating: 7, count: ZooKeeperSession.dataBytesMax + 1)
            await #expect(throws: ZooKeeperError.dataTooLarge) { try await session.set(path, data: tooLarge) }
            #expect(try await session.set(path, data: Array(tooLarge.dropLast())).dataBytes == 1_000_000)
            await session.close()
        }

        @Test func `missing parents are created, existing ones are left alone`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            try await session.createParents("\(root)/a/b/c")
            #expect(try await session.exists("\(root)/a/b") != nil)
            #expect(try await session.exists("\(root)/a/b/c") == nil)
            try await session.set("\(root)/a", data: [1])
            try await session.createMissing("\(root)/a/b/c")
            #expect(try await session.get("\(root)/a").data == [1])
            #expect(try await session.exists("\(root)/a/b/c") != nil)
            await session.close()
        }

        @Test func `thousands of requests in flight are all answered`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            let count = 2_000
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask { try await session.create("\(root)/\(number)", data: [UInt8(number % 256)]) }
                }
                try await group.waitForAll()
            }
            #expect(try await session.children(root).count == count)
            await session.close()
        }

        @Test func `after close every request fails, those under way included`() async throws {
            let session = try await connect()
            let underWay = (0..<200).map { _ in
                Task { _ = try await session.exists("/zookeeper") }
            }
            await session.close()
            for task in underWay {
                if case .failure(let error) = await task.result { #expect(error as? ZooKeeperError == .closing) }
            }
            await #expect(throws: ZooKeeperError.closing) { _ = try await session.get("/zookeeper") }
            #expect(session.state == .closed)
            await session.close()
        }

        @Test func `probing keeps the last contact fresh`() async throws {
            let session = try await connect(timeout: .seconds(2), probesContact: true)
            let first = try await eventually("a first answer") { session.lastContact }
            try await eventually("a later answer without any request of ours") {
                session.lastContact.map { $0 > first } ?? false
            }
            #expect(try #require(session.silence) < .seconds(2))
            await session.close()
        }
    }

    @Suite struct Transactions {
        @Test func `all operations are applied, each with its result`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            try await session.create("\(root)/old")
            let results = try await session.multi([
                .check(path: root, version: 0),
                .create(path: "\(root)/new-", data: [1], mode: .persistentSequential),
                .set(path: "\(root)/old", data: [2, 3]),
                .delete(path: "\(root)/old", version: 1),
            ])
            #expect(results.count == 4)
            #expect(results[0] == .checked)
            guard case .created(let path) = results[1], case .set(let stat) = results[2] else {
                Issue.record("unexpected results \(results)")
                return
            }
            #expect(path.hasPrefix("\(root)/new-00000000"))
            #expect(stat.version == 1 && stat.dataBytes == 2)
            #expect(results[3] == .deleted)
            #expect(try await session.children(root).map { "\(root)/\($0)" } == [path])
            await session.close()
        }

        @Test func `a refused operation is named, and nothing is applied`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            await #expect(throws: ZooKeeperMultiError(index: 1, error: .badVersion)) {
                try await session.multi([
                    .create(path: "\(root)/a", data: []), .check(path: root, version: 7),
                    .create(path: "\(root)/b", data: []),
                ])
            }
            await #expect(throws: ZooKeeperMultiError(index: 0, error: .noNode)) {
                try await session.multi([
                    .set(path: "\(root)/absent", data: []), .create(path: "\(root)/a", data: []),
                ])
            }
            await #expect(throws: ZooKeeperMultiError(index: 2, error: .nodeExists)) {
                try await session.multi([
                    .create(path: "\(root)/a", data: []), .check(path: root), .create(path: root, data: []),
                ])
            }
            #expect(try await session.children(root) == [])
            #expect(try await session.multi([]) == [])
            await session.close()
        }

        @Test func `a write fenced by a znode fails as soon as that znode is gone`() async throws {
            let session = try await connect()
            let rival = try await connect()
            let root = try await makeDirectory(session)
            let fence = try await session.create("\(root)/fence-", mode: .ephemeralSequential)
            try await session.create("\(root)/registry", data: [0])
            let write: [ZooKeeperOperation] = [
                .check(path: fence, version: 0), .set(path: "\(root)/registry", data: [1]),
            ]
            try await session.multi(write)
            try await rival.delete(fence)
            await #expect(throws: ZooKeeperMultiError(index: 0, error: .noNode)) { try await session.multi(write) }
            #expect(try await rival.get("\(root)/registry").stat.version == 1)
            await session.close()
            await rival.close()
        }
    }

    @Suite struct Watches {
        @Test func `a child watch fires once, and again only when set again`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            let events = Locked<[WatchEvent]>([])
            let watch: @Sendable (WatchEvent) -> Void = { event in events.withLock { $0.append(event) } }
            #expect(try await session.children(root, watch: watch) == [])
            try await session.create("\(root)/a")
            try await session.create("\(root)/b")
            try await session.sync()
            #expect(events.withLock { $0 } == [WatchEvent(kind: .childrenChanged, path: root)])
            #expect(try await session.children(root, watch: watch) == ["a", "b"])
            try await session.delete("\(root)/a")
            try await session.sync()
            #expect(events.withLock { $0.count } == 2)
            await session.close()
        }

        @Test func `an absent znode can be watched for its creation`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            let events = Locked<[WatchEvent]>([])
            #expect(
                try await session.exists("\(root)/a", watch: { event in events.withLock { $0.append(event) } }) == nil)
            try await session.create("\(root)/a")
            try await session.sync()
            #expect(events.withLock { $0 } == [WatchEvent(kind: .created, path: "\(root)/a")])
            await session.close()
        }

        @Test func `a data watch sees a change and a deletion`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            let events = Locked<[WatchEvent.Kind]>([])
            let watch: @Sendable (WatchEvent) -> Void = { event in events.withLock { $0.append(event.kind) } }
            _ = try await session.get(root, watch: watch)
            try await session.set(root, data: [1])
            _ = try await session.get(root, watch: watch)
            try await session.delete(root)
            try await session.sync()
            #expect(events.withLock { $0 } == [.dataChanged, .deleted])
            await session.close()
        }

        @Test func `a refused request leaves no watch behind`() async throws {
            let session = try await connect()
            let root = try await makeDirectory(session)
            let fired = Locked(false)
            await #expect(throws: ZooKeeperError.noNode) {
                _ = try await session.get("\(root)/a", watch: { _ in fired.withLock { $0 = true } })
            }
            try await session.create("\(root)/a")
            try await session.delete("\(root)/a")
            try await session.sync()
            #expect(!fired.withLock { $0 })
            await session.close()
        }
    }

    @Suite struct Credentials {
        let owner = ZooKeeperCredentials(user: "mesos", password: "secret")

        @Test func `with credentials only their user may write, and everybody may read`() async throws {
            let session = try await connect(credentials: owner)
            let stranger = try await connect()
            let impostor = try await connect(credentials: ZooKeeperCredentials(user: "mesos", password: "wrong"))
            let root = try await makeDirectory(session) + "/closed"
            try await session.createMissing("\(root)/deep", acl: .creatorAllWorldRead)
            try await session.set(root, data: [1])
            for other in [stranger, impostor] {
                try await other.sync()
                #expect(try await other.get(root).data == [1])
                await #expect(throws: ZooKeeperError.noAuth) { try await other.set(root, data: [2]) }
                await #expect(throws: ZooKeeperError.noAuth) { try await other.create("\(root)/x") }
                // What exists need not be created, even where we could not.
                try await other.createMissing("\(root)/deep")
                await #expect(throws: ZooKeeperMultiError(index: 0, error: .noAuth)) {
                    try await other.multi([.set(path: root, data: [2])])
                }
                await other.close()
            }
            await session.close()
        }

        @Test func `a closed ACL needs credentials`() async throws {
            let session = try await connect()
            await #expect(throws: ZooKeeperError.invalidACL) {
                try await session.create("/no-creator", acl: .creatorAllWorldRead)
            }
            await session.close()
        }
    }
}
