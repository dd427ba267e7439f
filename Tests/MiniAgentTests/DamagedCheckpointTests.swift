// Every file of a checkpoint, cut short at every byte and changed at every byte: the rest is recovered.

import Glibc
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct DamagedCheckpointTests {
    private let directory = TemporaryDirectory()
    private var paths: AgentPaths { AgentPaths(workDirectory: directory.path) }

    private static func key(_ name: String) -> TaskKey { AgentConversation.key(name) }
    private static let names = ["t1", "t2", "t3"]

    private static func update(_ name: String, _ number: UInt8, _ state: V1TaskState) -> StatusUpdate {
        StatusUpdate(
            id: WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random(), key: key(name),
            executor: ExecutorID(name), container: ContainerID("c-\(name)"), state: state, source: .executor,
            message: "m", timestamp: WallTime(nanoseconds: 1_800_000_000_500_000_000))
    }

    /// An agent with three running tasks, as it is on disk.
    private func write() -> AgentCheckpoint {
        var writes: [CheckpointWrite] = [
            .agent(AgentConversation.agentID), .framework(AgentConversation.frameworkInfo([])),
        ]
        for (index, name) in Self.names.enumerated() {
            writes += [
                .task(
                    TaskRecord(
                        key: Self.key(name), info: AgentConversation.info(name), container: ContainerID("c-\(name)"),
                        containerizer: .process)),
                .update(Self.update(name, UInt8(index * 2 + 1), .taskStarting)),
                .update(Self.update(name, UInt8(index * 2 + 2), .taskRunning)),
            ]
        }
        var info = V1AgentInfo()
        info.hostname = "h1"
        let store = CheckpointStore(paths: paths, agentInfo: info, recovered: AgentCheckpoint()) { _, error in
            #expect(error == nil)
        }
        for write in writes { store.perform(write) }
        store.drain()
        return writes.reduce(into: AgentCheckpoint()) { $0.apply($1) }
    }

    private func run(_ name: String) -> RunPaths {
        paths.run(AgentConversation.agentID, Self.key(name), ContainerID("c-\(name)"))
    }

    private func load() -> LoadedCheckpoint { CheckpointLoader(paths: paths, repairs: false).load() }

    private func content(_ path: String) throws -> [UInt8] { try #require(try DurableFile.read(path)) }

    /// Puts bytes in the place of a file for as long as `body` runs.
    private func with(_ bytes: [UInt8], at path: String, _ body: () throws -> Void) throws {
        let whole = try content(path)
        try DurableFile.replace(path, with: bytes)
        try body()
        try DurableFile.replace(path, with: whole)
    }

    private func expectOthers(_ loaded: LoadedCheckpoint, _ value: AgentCheckpoint, _ what: String) {
        for name in ["t1", "t3"] {
            #expect(loaded.checkpoint.tasks[Self.key(name)] == value.tasks[Self.key(name)], "\(what)")
        }
    }

    @Test func `a task description cut short anywhere takes only its own task along, and is named`() throws {
        let value = write()
        let path = run("t2").taskInfo
        let whole = try content(path)
        for length in 0..<VersionOne.descriptionBytes(whole) {
            try with(Array(whole.prefix(length)), at: path) {
                let loaded = load()
                expectOthers(loaded, value, "cut at \(length)")
                #expect(loaded.checkpoint.tasks[Self.key("t2")] == nil, "cut at \(length)")
                #expect(loaded.problems.map(\.path) == [path], "cut at \(length)")
                #expect(loaded.problems.first?.isHarmless == false, "cut at \(length)")
            }
        }
        #expect(load().problems == [])
    }

    @Test func `a log cut short anywhere keeps the records before the cut`() throws {
        let value = write()
        let path = run("t2").taskUpdates
        let whole = try content(path)
        for length in VersionOne.descriptionBytes(whole)..<whole.count {
            try with(Array(whole.prefix(length)), at: path) {
                let loaded = load()
                expectOthers(loaded, value, "cut at \(length)")
                let updates = try #require(loaded.checkpoint.tasks[Self.key("t2")]?.updates, "cut at \(length)")
                let all = try #require(value.tasks[Self.key("t2")]?.updates)
                #expect(updates == Array(all.prefix(updates.count)), "cut at \(length)")
                #expect(updates.count < all.count, "cut at \(length)")
                #expect(loaded.problems.filter { !$0.isHarmless } == [], "cut at \(length): \(loaded.problems)")
            }
        }
    }

    @Test func `a changed byte anywhere is noticed, and never becomes another update`() throws {
        let value = write()
        let all = try #require(value.tasks[Self.key("t2")]?.updates)
        for path in [run("t2").taskInfo] {
            let whole = try content(path)
            // The revision of the format may be a higher one.
            for offset in whole.indices where !(6...7).contains(offset) {
                var bytes = whole
                bytes[offset] ^= 0x55
                try with(bytes, at: path) {
                    let loaded = load()
                    expectOthers(loaded, value, "byte \(offset) of \(path)")
                    #expect(loaded.problems.map(\.path) == [path], "byte \(offset) of \(path)")
                    let updates = loaded.checkpoint.tasks[Self.key("t2")]?.updates ?? []
                    #expect(updates == Array(all.prefix(updates.count)), "byte \(offset) of \(path)")
                }
            }
        }
    }

    @Test func `every file that is not a checkpoint any more is named, and nothing stops the reading`() throws {
        let value = write()
        let files = [
            paths.agentInfo(AgentConversation.agentID),
            paths.frameworkInfo(AgentConversation.agentID, AgentConversation.framework),
            run("t2").taskInfo,
        ]
        for path in files {
            for bytes in [Array("garbage, and more of it".utf8), [UInt8](repeating: 0, count: 4096)] {
                try with(bytes, at: path) {
                    let loaded = load()
                    #expect(loaded.problems.contains { $0.path == path && !$0.isHarmless }, "\(path)")
                    if path != files[0] { expectOthers(loaded, value, path) }
                }
            }
        }
    }

    // MARK: Other versions

    private func changeHeader(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try content(path)
        change(&bytes)
        try DurableFile.replace(path, with: bytes)
    }

    @Test func `a later revision is read, and what is new in it left out`() throws {
        let value = write()
        for path in [run("t2").taskInfo] {
            try changeHeader(path) { bytes in
                bytes[6] = UInt8(RecordFile.revision + 1)
                bytes += RecordFile.encode(RecordFile.Record(tag: 250, payload: [1, 2, 3]))
            }
        }
        let loaded = load()
        #expect(loaded.problems == [])
        #expect(loaded.checkpoint == value)
    }

    @Test func `an unknown record of this revision is no record of ours`() throws {
        _ = write()
        let path = run("t2").taskUpdates
        try changeHeader(path) { $0 += RecordFile.encode(RecordFile.Record(tag: 250, payload: [1, 2, 3])) }
        #expect(load().problems.map(\.path) == [path])
    }

    @Test func `a later version is refused by name, and the other tasks are recovered`() throws {
        let value = write()
        let path = run("t2").taskInfo
        try changeHeader(path) { $0[4] = UInt8(RecordFile.version + 1) }
        let loaded = load()
        #expect(loaded.problems.map(\.description) == ["\(path): has version 3; this agent reads versions up to 2"])
        #expect(loaded.problems.first?.isHarmless == false)
        expectOthers(loaded, value, "version")
    }
}
