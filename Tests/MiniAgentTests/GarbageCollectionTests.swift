// Which sandboxes go, when, and how: by the rule of Mesos, never one in use, never anything outside.

import Glibc
import Resources
import Testing

@testable import MiniAgent

struct GarbageCollectionTests {
    private static let day: Int64 = 86_400_000_000_000
    private let now = WallTime(nanoseconds: 100 * day)

    private func candidate(_ name: String, daysOld: Int64) -> GarbageCandidate {
        GarbageCandidate(path: name, modified: WallTime(nanoseconds: (100 - daysOld) * Self.day))
    }

    @Test(
        arguments: [
            (0.0, 6.3), (0.5, 2.8), (0.8, 0.7), (0.9, 0.0), (1.0, 0.0),
        ])
    func `the fuller the disk, the younger they go`(usage: Double, days: Double) {
        let age = GarbagePolicy(delay: .seconds(7 * 86_400), diskHeadroom: 0.1).ageMax(diskUsage: usage)
        #expect(abs(age.inSeconds / 86_400 - days) < 0.001)
    }

    @Test func `a week counts whole when nothing is to stay free`() {
        #expect(GarbagePolicy(diskHeadroom: 0).ageMax(diskUsage: 0) == .seconds(7 * 86_400))
        #expect(GarbagePolicy(diskHeadroom: 0).ageMax(diskUsage: -5) == .seconds(7 * 86_400))
    }

    @Test func `the oldest go first, the young stay, and what is in the future is young`() {
        var collection = GarbageCollection(policy: GarbagePolicy())
        let all = [
            candidate("b", daysOld: 8), candidate("a", daysOld: 9), candidate("c", daysOld: 1),
            candidate("d", daysOld: -50),
        ]
        #expect(collection.found(all, diskUsage: 0, at: now).map(\.path) == ["a", "b"])
        #expect(collection.pending == 2)
    }

    @Test func `a full disk takes all that nobody uses`() {
        var collection = GarbageCollection(policy: GarbagePolicy())
        let all = [candidate("a", daysOld: 0), candidate("b", daysOld: 1)]
        #expect(collection.found(all, diskUsage: 0.95, at: now).map(\.path) == ["b", "a"])
    }

    @Test func `nobody looks again before something can be due, but a filling disk changes that`() {
        var collection = GarbageCollection(policy: GarbagePolicy())
        #expect(collection.isDue(diskUsage: 0, at: now))
        _ = collection.found([candidate("a", daysOld: 1)], diskUsage: 0, at: now)
        #expect(!collection.isDue(diskUsage: 0, at: now))
        #expect(collection.isDue(diskUsage: 0.89, at: now))
        #expect(collection.isDue(diskUsage: 0, at: WallTime(nanoseconds: now.nanoseconds + 6 * Self.day)))
    }

    @Test func `many go in batches`() {
        var collection = GarbageCollection(policy: GarbagePolicy(), batchMax: 2)
        let all = (0..<5).map { candidate("\($0)", daysOld: 20 - Int64($0)) }
        #expect(collection.found(all, diskUsage: 0, at: now).map(\.path) == ["0", "1"])
        #expect(collection.pending == 3)
        #expect(collection.isDue(diskUsage: 0, at: now))
    }
}

struct SandboxScanTests {
    private let directory = TemporaryDirectory()
    private var paths: AgentPaths { AgentPaths(workDirectory: directory.path) }
    private var executors: String { "\(directory.path)/slaves/a1/frameworks/f1/executors" }

    private func run(_ task: String, _ container: String, daysOld: Int = 30) throws {
        let path = "\(executors)/\(task)/runs/\(container)"
        try DurableFile.createDirectories(path)
        try DurableFile.replace("\(path)/stdout", with: [])
        try DurableFile.relink("\(executors)/\(task)/runs/latest", to: container)
        for name in ["\(path)/stdout", path] { Self.age(name, daysOld) }
    }

    private static func age(_ path: String, _ days: Int) {
        let then = timespec(tv_sec: time(nil) - days * 86_400, tv_nsec: 0)
        utimensat(AT_FDCWD, path, [then, then], AT_SYMLINK_NOFOLLOW)
    }

    private func scan(inUse: Set<String> = []) -> [String] {
        SandboxScan(paths: paths, agent: "a1", inUse: inUse).candidates()
            .map { String($0.path.dropFirst(directory.path.count + 1)) }.sorted()
    }

    @Test func `runs in use, runs with records, and the links to them are left out`() throws {
        try run("t1", "c1")
        try run("t2", "c2")
        try run("t3", "c3")
        try DurableFile.createDirectories("\(directory.path)/meta/slaves/a1/frameworks/f1/executors/t2/runs/c2")
        #expect(scan(inUse: ["c3"]) == ["slaves/a1/frameworks/f1/executors/t1/runs/c1"])
    }

    @Test func `an agent that this one was before is of the past, its records included`() throws {
        try DurableFile.createDirectories("\(directory.path)/slaves/old/frameworks/f/executors/t/runs/c")
        try DurableFile.createDirectories("\(directory.path)/meta/slaves/old")
        try DurableFile.createDirectories("\(directory.path)/slaves/a1")
        try DurableFile.relink("\(directory.path)/slaves/latest", to: "a1")
        #expect(scan() == ["meta/slaves/old", "slaves/old"])
    }

    @Test func `a run is as old as its newest output`() throws {
        try run("t1", "c1", daysOld: 30)
        Self.age("\(executors)/t1/runs/c1/stdout", 2)
        let found = try #require(SandboxScan(paths: paths, agent: "a1", inUse: []).candidates().first)
        let age = (Int64(time(nil)) * 1_000_000_000 - found.modified.nanoseconds) / 86_400_000_000_000
        #expect(age == 2)
    }

    @Test func `what a task has made cannot keep its sandbox, lead out of it or hold anybody up`() throws {
        try run("t1", "c1")
        let sandbox = "\(executors)/t1/runs/c1"
        try DurableFile.replace("\(directory.path)/secret", with: Array("secret".utf8))
        try DurableFile.createDirectories("\(directory.path)/outside/kept")
        try DurableFile.relink("\(sandbox)/file", to: "\(directory.path)/secret")
        try DurableFile.relink("\(sandbox)/tree", to: "\(directory.path)/outside")
        #expect(mkfifo("\(sandbox)/fifo", 0o600) == 0)
        #expect(mkdir("\(sandbox)/closed", 0) == 0)
        try DurableFile.replace("\(sandbox)/a\nb \u{1b}", with: [])
        for number in 0..<3000 { try DurableFile.relink("\(sandbox)/many-\(number)", to: "nothing") }
        // Deeper than a path can say.
        var here = open(sandbox, O_RDONLY | O_DIRECTORY)
        for _ in 0..<3000 {
            #expect(mkdirat(here, "deep", 0o700) == 0)
            let next = openat(here, "deep", O_RDONLY | O_DIRECTORY)
            close(here)
            here = next
        }
        close(here)
        var remover = try TreeRemover(basket: "\(directory.path)/gc")
        try remover.take(sandbox)
        #expect(access(sandbox, F_OK) != 0)
        var turns = 0
        while turns < 1000 {
            let (isEmpty, stuck) = remover.empty(entriesMax: 100)
            #expect(stuck == 0)
            turns += 1
            if isEmpty { break }
        }
        #expect(turns > 10)
        #expect(DurableFile.names(in: "\(directory.path)/gc").isEmpty)
        #expect(DurableFile.names(in: "\(directory.path)/outside") == ["kept"])
        #expect(try DurableFile.read("\(directory.path)/secret") == Array("secret".utf8))
    }
}
