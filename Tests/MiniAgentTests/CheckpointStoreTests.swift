// The checkpoint on a real disk: what is read back equals what the core believes to be there.

import Glibc
import Mailbox
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

/// A directory that goes when the test ends.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/mini-agent-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit { DurableFile.remove(path) }
}

struct CheckpointStoreTests {
    private let directory = TemporaryDirectory()
    private var paths: AgentPaths { AgentPaths(workDirectory: directory.path) }

    private static let key = AgentConversation.key("t1")
    private static let container = ContainerID("c1")

    private static func update(_ number: UInt8, _ state: V1TaskState) -> StatusUpdate {
        StatusUpdate(
            id: WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random(), key: key,
            executor: ExecutorID("t1"), container: container, state: state, source: .executor, message: "m\(number)",
            timestamp: WallTime(nanoseconds: 1_800_000_000_500_000_000))
    }

    private static let writes: [CheckpointWrite] = [
        .agent(AgentConversation.agentID),
        .framework(AgentConversation.frameworkInfo([.partitionAware])),
        .drain(
            DrainOrder(
                maxGrace: .milliseconds(2500), marksGone: true,
                since: WallTime(nanoseconds: 1_800_000_000_000_000_001))),
        .task(
            TaskRecord(
                key: key, info: AgentConversation.info("t1", docker: true), container: container, containerizer: .docker
            )),
        .update(update(1, .taskStarting)),
        .acknowledgement(key, update(1, .taskStarting).id),
        .update(update(2, .taskRunning)),
        .kill(key, container, KillOrder(grace: .milliseconds(1500), cause: .drainToGone)),
        .update(update(3, .taskKilled)),
    ]

    /// Performs writes and returns the value they add up to.
    @discardableResult
    private func write(
        _ writes: [CheckpointWrite], on old: AgentCheckpoint = AgentCheckpoint(), inFolders: Set<ContainerID> = []
    ) -> AgentCheckpoint {
        var paths = paths
        paths.inFolders = inFolders
        let failures = Locked<[FileError]>([])
        var info = V1AgentInfo()
        info.hostname = "h1"
        let store = CheckpointStore(paths: paths, agentInfo: info, recovered: old) { _, error in
            if let error { failures.withLock { $0.append(error) } }
        }
        var value = old
        for write in writes {
            store.perform(write)
            value.apply(write)
        }
        store.drain()
        #expect(failures.withLock { $0 } == [])
        return value
    }

    private func load(repairs: Bool = true) -> LoadedCheckpoint {
        CheckpointLoader(paths: paths, repairs: repairs).load()
    }

    @Test func `what was written is what is loaded, after every single step`() {
        for count in 0...Self.writes.count {
            DurableFile.remove(paths.meta)
            let value = write(Array(Self.writes.prefix(count)))
            let loaded = load(repairs: false)
            #expect(loaded.problems == [])
            #expect(loaded.checkpoint == value, "after \(count) steps")
            #expect(loaded.agentInfo?.hostname == (count == 0 ? nil : "h1"))
        }
    }

    @Test func `a retired task leaves no record, and at the next start nothing of its framework`() {
        let value = write(Self.writes + [.retirement(Self.key, Self.container)])
        #expect(value.tasks.isEmpty)
        #expect(load(repairs: false).checkpoint == value)
        #expect(load().checkpoint.frameworks.isEmpty)
        #expect(DurableFile.names(in: paths.metaFrameworks(AgentConversation.agentID)) == [])
        #expect(load().problems == [])
    }

    @Test func `a retirement cut short is finished, and the task does not come back`() {
        write(Self.writes)
        let run = paths.run(AgentConversation.agentID, Self.key, Self.container)
        try? DurableFile.replace(run.status, with: Array("12 34\n".utf8))
        try? DurableFile.replace(run.beginning(of: .standardOutput), with: Array("10 1\n".utf8))
        unlink(run.taskInfo)
        #expect(load(repairs: false).checkpoint.tasks.isEmpty)
        #expect(access(run.status, F_OK) == 0)
        #expect(load().checkpoint.tasks.isEmpty)
        #expect(DurableFile.names(in: DurableFile.parent(of: run.meta)) == [])
    }

    @Test func `what belongs to a living task is not swept away`() {
        let value = write(Self.writes)
        let run = paths.run(AgentConversation.agentID, Self.key, Self.container)
        try? DurableFile.replace(run.status, with: Array("12 34\n".utf8))
        #expect(load().checkpoint == value)
        #expect(access(run.status, F_OK) == 0)
    }

    @Test func `a task takes one file, and what was begun for another is gone with the next start`() {
        write(Self.writes)
        let run = paths.run(AgentConversation.agentID, Self.key, Self.container)
        let directory = DurableFile.parent(of: run.meta)
        #expect(DurableFile.names(in: directory) == ["c1.task"])
        try? DurableFile.replace("\(directory)/c2.task.tmp", with: [1])
        #expect(load().checkpoint.tasks.count == 1)
        #expect(DurableFile.names(in: directory) == ["c1.task"])
    }

    @Test func `what needs no flush is written at once, and nothing is waited for`() throws {
        let path = "\(directory.path)/log"
        var first = CheckpointCommit()
        try first.append([1], to: path, header: [9])
        let firstIsEmpty = first.isEmpty
        #expect(!firstIsEmpty)
        try first.sync()
        var second = CheckpointCommit()
        try second.append([2], to: path, header: [9], isFlushed: false)
        let secondIsEmpty = second.isEmpty
        #expect(secondIsEmpty)
        #expect(try DurableFile.read(path) == [9, 1, 2])
        var third = CheckpointCommit()
        try third.append([3], to: path, header: [9])
        try third.sync()
        #expect(try DurableFile.read(path) == [9, 1, 2, 3])
    }

    @Test func `each write is answered once, acknowledgements of every kind included`() {
        let answered = Locked<[CheckpointWrite.Token: Int]>([:])
        var info = V1AgentInfo()
        info.hostname = "h1"
        let store = CheckpointStore(paths: paths, agentInfo: info, recovered: AgentCheckpoint()) { token, _ in
            answered.withLock { $0[token, default: 0] += 1 }
        }
        let writes =
            Self.writes.prefix(5) + [
                .update(Self.update(2, .taskRunning)), .acknowledgement(Self.key, Self.update(1, .taskStarting).id),
                .acknowledgement(Self.key, Self.update(2, .taskRunning).id), .update(Self.update(3, .taskFinished)),
                .acknowledgement(Self.key, Self.update(3, .taskFinished).id),
            ]
        for write in writes { store.perform(write) }
        store.drain()
        #expect(answered.withLock { $0 } == Dictionary(uniqueKeysWithValues: writes.map { ($0.token, 1) }))
        #expect(load().checkpoint.tasks[Self.key]?.isRetired == true)
    }

    private func store(
        patience: Duration, _ answered: Locked<Set<CheckpointWrite.Token>>
    ) -> CheckpointStore {
        var info = V1AgentInfo()
        info.hostname = "h1"
        let store = CheckpointStore(
            paths: paths, agentInfo: info, recovered: AgentCheckpoint(), patience: patience
        ) { token, error in
            if error == nil { answered.withLock { _ = $0.insert(token) } }
        }
        for write in Self.writes.prefix(4) { store.perform(write) }
        return store
    }

    @Test func `an acknowledgement that nothing waits for is written with what comes next`() throws {
        let answered = Locked<Set<CheckpointWrite.Token>>([])
        let store = store(patience: .seconds(3600), answered)
        store.perform(.update(Self.update(1, .taskStarting)))
        store.drain()
        let acknowledgement = CheckpointWrite.acknowledgement(Self.key, Self.update(1, .taskStarting).id)
        store.perform(acknowledgement)
        #expect(load(repairs: false).checkpoint.tasks[Self.key]?.pending.map(\.state) == [.taskStarting])

        let update = CheckpointWrite.update(Self.update(2, .taskRunning))
        store.perform(update)
        try eventually("both to be written") {
            answered.withLock { $0.isSuperset(of: [acknowledgement.token, update.token]) }
        }
        #expect(load(repairs: false).checkpoint.tasks[Self.key]?.pending.map(\.state) == [.taskRunning])
    }

    @Test(arguments: [
        // After a moment; at once, since it lets the task go.
        (Duration.zero, V1TaskState.taskRunning), (.seconds(3600), .taskFinished),
    ])
    func `an acknowledgement is also written when nothing comes next`(patience: Duration, state: V1TaskState) throws {
        let answered = Locked<Set<CheckpointWrite.Token>>([])
        let store = store(patience: patience, answered)
        store.perform(.update(Self.update(1, state)))
        store.drain()
        let acknowledgement = CheckpointWrite.acknowledgement(Self.key, Self.update(1, state).id)
        store.perform(acknowledgement)
        try eventually("it to be written") { answered.withLock { $0.contains(acknowledgement.token) } }
        #expect(load(repairs: false).checkpoint.tasks[Self.key]?.pending == [])
    }

    @Test func `one acknowledgement after another is written when nothing comes next`() throws {
        let answered = Locked<Set<CheckpointWrite.Token>>([])
        let store = store(patience: .milliseconds(1), answered)
        for (number, state) in [(1, V1TaskState.taskStarting), (2, .taskRunning), (3, .taskKilling)] {
            let update = Self.update(UInt8(number), state)
            store.perform(.update(update))
            store.drain()
            let acknowledgement = CheckpointWrite.acknowledgement(Self.key, update.id)
            store.perform(acknowledgement)
            try eventually("number \(number) to be written") {
                answered.withLock { $0.contains(acknowledgement.token) }
            }
        }
        #expect(load(repairs: false).checkpoint.tasks[Self.key]?.pending == [])
    }

    @Test func `an acknowledgement that the next update waits for is written at once`() throws {
        let answered = Locked<Set<CheckpointWrite.Token>>([])
        let store = store(patience: .seconds(3600), answered)
        let update = Self.update(1, .taskStarting)
        for write in [update, Self.update(2, .taskRunning)] { store.perform(.update(write)) }
        store.drain()
        let acknowledgement = CheckpointWrite.acknowledgement(Self.key, update.id)
        store.perform(acknowledgement)
        try eventually("it to be written") { answered.withLock { $0.contains(acknowledgement.token) } }
    }

    @Test func `an agent that ends leaves no acknowledgement unwritten`() {
        let answered = Locked<Set<CheckpointWrite.Token>>([])
        let store = store(patience: .seconds(3600), answered)
        let update = Self.update(1, .taskStarting)
        store.perform(.update(update))
        store.drain()
        store.perform(.acknowledgement(Self.key, update.id))
        store.drain()
        #expect(load(repairs: false).checkpoint.tasks[Self.key]?.pending == [])
    }

    // MARK: Version 1

    @Test func `the folders of an agent of version 1 are read, written on and removed`() throws {
        let value = write(Array(Self.writes.dropLast()))
        try VersionOne.convert(paths, AgentConversation.agentID, Self.key, Self.container)
        let loaded = load()
        #expect(loaded.problems == [])
        #expect(loaded.checkpoint == value)
        #expect(loaded.inFolders == [Self.container])
        #expect(loaded.isOfEarlierVersion)

        let after = write([.update(Self.update(3, .taskKilled))], on: loaded.checkpoint, inFolders: loaded.inFolders)
        #expect(load().checkpoint == after)
        #expect(load().problems == [])

        write([.retirement(Self.key, Self.container)], on: after, inFolders: loaded.inFolders)
        try eventually("the folder to go") {
            DurableFile.names(
                in: "\(paths.metaFramework(AgentConversation.agentID, AgentConversation.framework))/executors"
            )
            .isEmpty
        }
        #expect(load().checkpoint.tasks.isEmpty)
    }

    @Test func `a retirement of version 1 cut short is finished`() throws {
        write(Self.writes)
        try VersionOne.convert(paths, AgentConversation.agentID, Self.key, Self.container)
        var old = paths
        old.inFolders = [Self.container]
        let run = old.run(AgentConversation.agentID, Self.key, Self.container)
        rename(run.meta, run.meta + CheckpointStore.retiredSuffix)
        unlink(run.meta + CheckpointStore.retiredSuffix + "/tasks/t1/task.updates")
        #expect(load().checkpoint.tasks.isEmpty)
        #expect(access(run.meta + CheckpointStore.retiredSuffix, F_OK) != 0)
    }

    private func eventually(_ what: String, _ condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            usleep(10_000)
        }
    }

    @Test func `a torn last record is cut off, reported, and does not disturb what is appended later`() {
        let value = write(Self.writes)
        let path = paths.run(AgentConversation.agentID, Self.key, Self.container).taskUpdates
        let whole = ((try? DurableFile.read(path)) ?? nil) ?? []
        #expect(truncate(path, whole.count - 3) == 0)
        let loaded = load()
        #expect(loaded.problems.map(\.isHarmless) == [true])
        var expected = value
        expected.tasks[Self.key]?.updates.removeLast()
        #expect(loaded.checkpoint == expected)
        let after = write([.update(Self.update(4, .taskFailed))], on: loaded.checkpoint)
        #expect(load().checkpoint == after)
        #expect(load().problems == [])
    }

    @Test func `a corrupt log keeps the records before the damage and is set aside whole`() {
        write(Self.writes)
        let path = paths.run(AgentConversation.agentID, Self.key, Self.container).taskUpdates
        var bytes = ((try? DurableFile.read(path)) ?? nil) ?? []
        bytes[VersionOne.descriptionBytes(bytes) + 20] ^= 0xFF
        try? DurableFile.replace(path, with: bytes)
        let loaded = load()
        #expect(loaded.problems.count == 1)
        #expect(loaded.problems.first?.isHarmless == false)
        #expect(loaded.checkpoint.tasks[Self.key]?.updates == [])
        #expect(((try? DurableFile.read(path + ".corrupt-1")) ?? nil) == bytes)
        #expect(load().problems == [])
    }

    @Test func `one corrupt task does not take the others with it`() {
        let other = AgentConversation.key("t2")
        write(
            Self.writes + [
                .task(
                    TaskRecord(
                        key: other, info: AgentConversation.info("t2"), container: ContainerID("c2"),
                        containerizer: .process))
            ])
        let run = paths.run(AgentConversation.agentID, Self.key, Self.container)
        try? DurableFile.replace(run.taskInfo, with: Array("garbage".utf8))
        let loaded = load()
        #expect(loaded.checkpoint.tasks.keys.sorted() == [other])
        #expect(loaded.problems.map(\.kind) == [.notACheckpoint])
        #expect(access(run.taskInfo + ".corrupt-1", F_OK) == 0)
    }

    @Test func `without leave to repair nothing on disk changes`() {
        write(Self.writes)
        let run = paths.run(AgentConversation.agentID, Self.key, Self.container)
        try? DurableFile.replace(run.taskInfo, with: Array("garbage".utf8))
        #expect(load(repairs: false).problems.count == 1)
        #expect(access(run.taskInfo, F_OK) == 0)
        #expect(load(repairs: false).problems.count == 1)
    }

    @Test func `a lost framework file is made good by the tasks' own copies`() {
        let value = write(Self.writes)
        unlink(paths.frameworkInfo(AgentConversation.agentID, AgentConversation.framework))
        #expect(load().checkpoint == value)
    }

    @Test func `one agent at a time may use a work directory`() throws {
        let first = try WorkDirectoryLock.acquire(paths.lock)
        #expect(throws: WorkDirectoryLock.Refusal.heldBy(pid: "\(getpid())")) {
            try WorkDirectoryLock.acquire(paths.lock)
        }
        withExtendedLifetime(first) {}
    }

    @Test func `the lock is free again when its holder is gone`() throws {
        do {
            let first = try WorkDirectoryLock.acquire(paths.lock)
            withExtendedLifetime(first) {}
        }
        _ = try WorkDirectoryLock.acquire(paths.lock)
    }
}
