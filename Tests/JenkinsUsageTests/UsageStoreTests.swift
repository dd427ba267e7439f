// The store of builds: what survives, what is bounded, what happens to a broken file.
import DatabaseFile
import Foundation
import JenkinsUsage
import Testing

@Suite struct UsageStoreTests {
    /// A directory of its own for each test.
    private final class Place {
        let path = NSTemporaryDirectory() + "usage-store-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        var file: String { path + "/" + UsageStore.fileName }
        var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
    }

    private static let day = 86_400.0
    private static let now = 1_000 * day

    private func row(_ number: Int, job: String = "app", at time: Double = now) -> BuildRow {
        BuildRow(
            url: "http://ci/job/\(job)/\(number)/", node: "mj-linux-\(number)", job: job, number: number,
            label: "linux", template: "linux", host: "host-1", result: "SUCCESS", startedAt: time, duration: 12.5,
            asked: BuildSize(cpus: 2, memory: 1_024),
            used: BuildUse(
                cpuPeak: 1.5, cpuP95: 1.25, cpuMean: 0.75, memoryPeak: 300, memoryPeakWithCache: 400,
                throttledSeconds: 0.5, samples: 12, sampledSeconds: 11),
            phases: PhaseTimes(queued: 0.1, offered: 0.2, pulled: 0.3, started: 0.4, connected: 1, ran: 12.5))
    }

    @Test func `a build comes back as it was remembered`() throws {
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        var bare = BuildRow(url: "http://ci/job/b/1/", node: "static", job: "b", number: 1, startedAt: Self.now - 5)
        bare.isShared = true
        bare.wasOutOfMemory = true
        try store.add([row(1), bare], at: Self.now)
        #expect(try store.builds() == [row(1), bare])
        #expect(try store.builds(job: "app") == [row(1)])
        #expect(try store.builds(job: "none").isEmpty)
        #expect(try store.builds(limit: 1) == [row(1)])
    }

    @Test func `a note of one run is there for the next`() throws {
        let place = try Place()
        #expect(try UsageStore.open(directory: place.path, at: Self.now).store.kept(as: "phases") == nil)
        for text in ["{}", "{\"builds\":[]}"] {
            try UsageStore.open(directory: place.path, at: Self.now).store.keep(text, as: "phases", at: Self.now)
            #expect(try UsageStore.open(directory: place.path, at: Self.now).store.kept(as: "phases") == text)
        }
    }

    @Test func `a store is copied part by part, and what came meanwhile with the next`() throws {
        let (first, second) = (try Place(), try Place())
        let source = try UsageStore.open(directory: first.path, at: Self.now).store
        let copy = try UsageStore.open(directory: second.path, at: Self.now).store
        try source.add((1...5).map { row($0, at: Self.now - Double($0)) }, at: Self.now)
        try copy.add([row(2, at: Self.now - 2)], at: Self.now)
        let identity = try source.part(after: .max, limit: 2).identity
        #expect(try identity != copy.part(after: .max, limit: 2).identity)
        #expect(try copy.copied(from: identity) == 0)
        func copyAll() throws -> Int {
            var parts = 0
            while true {
                let part = try source.part(after: copy.copied(from: identity), limit: 2)
                try copy.add(part, at: Self.now)
                parts += 1
                if part.isEnd { return parts }
            }
        }
        #expect(try copyAll() == 3)
        #expect(try copy.builds() == source.builds())
        try source.add([row(6)], at: Self.now)
        #expect(try copyAll() == 1)
        #expect(try copy.builds() == source.builds())
        // What both know keeps its place, so that copying back brings nothing again.
        #expect(try copy.part(after: 0, limit: 1).builds == [row(2, at: Self.now - 2)])
        #expect(
            try UsageStore.open(directory: first.path, at: Self.now).store.part(after: .max, limit: 1).identity
                == identity)
    }

    @Test func `a build told twice is kept once, as it was told last`() throws {
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        var later = row(1)
        later.result = "FAILURE"
        try store.add([row(1)], at: Self.now)
        try store.add([later], at: Self.now)
        #expect(try store.builds().map(\.result) == ["FAILURE"])
    }

    @Test func `after ninety days a build is forgotten`() throws {
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        try store.add([row(1, at: Self.now - 89 * Self.day), row(2)], at: Self.now)
        #expect(try store.builds().map(\.number) == [2, 1])
        try store.add([row(3, at: Self.now + 2 * Self.day)], at: Self.now + 2 * Self.day)
        #expect(try store.builds().map(\.number) == [3, 2])
    }

    @Test func `beyond the row limit the oldest go`() throws {
        var limits = UsageStore.Limits()
        limits.rowsMax = 100
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, limits: limits, at: Self.now).store
        for part in 0..<5 {
            try store.add((0..<50).map { row(part * 50 + $0, at: Self.now + Double(part)) }, at: Self.now)
        }
        let kept = try store.builds()
        #expect(kept.count == 100)
        #expect(kept.allSatisfy { $0.number >= 150 })
    }

    @Test func `the file grows no larger than its limit, and the newest builds are in it`() throws {
        let place = try Place()
        var limits = UsageStore.Limits()
        limits.bytesMax = 512 << 10
        let store = try UsageStore.open(directory: place.path, limits: limits, at: Self.now).store
        for part in 0..<40 {
            try store.add((0..<100).map { row(part * 100 + $0, at: Self.now + Double(part)) }, at: Self.now)
        }
        let bytes = try FileManager.default.attributesOfItem(atPath: place.file)[.size] as? Int ?? 0
        #expect(bytes <= 512 << 10)
        #expect(try store.builds(limit: 1).first.map { $0.number >= 3_900 } == true)
    }

    @Test func `when there is no room the write fails as a whole, and the store works on`() throws {
        let place = try Place()
        var limits = UsageStore.Limits()
        limits.bytesMax = 256 << 10
        let store = try UsageStore.open(directory: place.path, limits: limits, at: Self.now).store
        try store.add([row(1)], at: Self.now)
        let flood = (2...5_000).map { row($0) }
        #expect(throws: DatabaseFileError.unwritable(path: place.file, reason: "database or disk is full")) {
            try store.add(flood, at: Self.now)
        }
        #expect(try store.builds().map(\.number) == [1])
        try store.add([row(2)], at: Self.now)
        #expect(try store.builds().count == 2)
    }

    @Test func `the jobs that have builds are known`() throws {
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        try store.add((1...9).map { row($0, at: Self.now + Double($0)) }, at: Self.now)
        try store.add([row(1, job: "other")], at: Self.now)
        #expect(try store.jobs() == ["app", "other"])
        #expect(try store.builds(job: "app", limit: 2).map(\.number) == [9, 8])
    }

    @Test func `what was written is there when the next run opens the file`() throws {
        let place = try Place()
        do {
            let store = try UsageStore.open(directory: place.path, at: Self.now).store
            try store.add([row(1)], at: Self.now)
            try store.remember(agents: ["S1": "http://host-1:5051"], at: Self.now)
        }
        let opened = try UsageStore.open(directory: place.path, at: Self.now)
        #expect(opened.setAside == nil)
        #expect(try opened.store.builds() == [row(1)])
        #expect(try opened.store.agents() == ["S1": "http://host-1:5051"])
    }

    @Test func `a copy taken in the middle of work, as a crash leaves it, opens with every finished write`() throws {
        let (place, copy) = (try Place(), try Place())
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        for number in 1...20 { try store.add([row(number)], at: Self.now) }
        // The log has not been moved into the file: both are what a killed program leaves behind.
        for name in place.names where !name.hasSuffix("-shm") {
            try FileManager.default.copyItem(atPath: place.path + "/" + name, toPath: copy.path + "/" + name)
        }
        let opened = try UsageStore.open(directory: copy.path, at: Self.now)
        #expect(opened.setAside == nil)
        #expect(try opened.store.builds().count == 20)
    }

    @Test func `a log cut short by a crash loses its last write and nothing else`() throws {
        let (place, copy) = (try Place(), try Place())
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        for number in 1...20 { try store.add([row(number)], at: Self.now) }
        try FileManager.default.copyItem(atPath: place.file, toPath: copy.file)
        let log = try Data(contentsOf: URL(filePath: place.file + "-wal"))
        try log.dropLast(1_000).write(to: URL(filePath: copy.file + "-wal"))
        let kept = try UsageStore.open(directory: copy.path, at: Self.now).store.builds().count
        #expect((18...19).contains(kept), "\(kept) builds")
    }

    @Test func `a file that is no database is set aside, and a new one begun`() throws {
        let place = try Place()
        try Data(repeating: 0x41, count: 20_000).write(to: URL(filePath: place.file))
        let (store, setAside) = try UsageStore.open(directory: place.path, at: 1_234)
        #expect(setAside == place.file + ".corrupt-1234")
        try store.add([row(1)], at: Self.now)
        #expect(try store.builds().count == 1)
        #expect(place.names.contains("usage.sqlite.corrupt-1234"))
    }

    @Test func `a database with broken pages is set aside`() throws {
        let place = try Place()
        do {
            let store = try UsageStore.open(directory: place.path, at: Self.now).store
            try store.add((1...500).map { row($0) }, at: Self.now)
        }
        var bytes = try Data(contentsOf: URL(filePath: place.file))
        try #require(bytes.count > 40_000)
        bytes.replaceSubrange(8_192..<32_768, with: Data(repeating: 0xEE, count: 24_576))
        try bytes.write(to: URL(filePath: place.file))
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: place.file + suffix) }
        let opened = try UsageStore.open(directory: place.path, at: 1)
        #expect(opened.setAside != nil)
        #expect(try opened.store.builds().isEmpty)
    }

    @Test func `a file of a later version is left alone`() throws {
        let place = try Place()
        do { _ = try UsageStore.open(directory: place.path, at: Self.now) }
        // `user_version` stands in four bytes at offset 60 of the header.
        var bytes = try Data(contentsOf: URL(filePath: place.file))
        bytes[63] = 9
        try bytes.write(to: URL(filePath: place.file))
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: place.file + suffix) }
        #expect(throws: DatabaseFileError.wrongVersion(path: place.file, found: 9, supported: 1)) {
            try UsageStore.open(directory: place.path, at: Self.now)
        }
    }

    @Test func `a reader beside the framework sees what it has written`() throws {
        let place = try Place()
        let store = try UsageStore.open(directory: place.path, at: Self.now).store
        let reader = try UsageStore.openForReading(directory: place.path)
        try store.add([row(1)], at: Self.now)
        #expect(try reader.builds().count == 1)
    }

    @Test func `without a file the reader says so`() throws {
        let place = try Place()
        #expect(throws: DatabaseFileError.missing(path: place.file)) {
            try UsageStore.openForReading(directory: place.path)
        }
    }

    @Test func `a directory that cannot be written is a clear error`() throws {
        do {
            _ = try UsageStore.open(directory: "/proc/nowhere", at: 0)
            Issue.record("opened")
        } catch {
            #expect("\(error)".hasPrefix("/proc/nowhere/usage.sqlite cannot be written"))
        }
    }
}
