// The state file: whole or not at all, corrupt ones set aside; and the progress lines people read.
import FoundationEssentials
import Resources
import SimKit
import Testing

@testable import JenkinsFramework

@Suite struct StateFileTests {
    private let record = PlannerRecord(
        frameworkID: "fw-1",
        agents: [
            .init(name: "mj-a-1", template: "a", executors: 2, agentID: "S1", hostname: "h", sawBuild: true),
            .init(name: "mj-a-2", template: "a", executors: 1, agentID: nil, hostname: "", sawBuild: false),
        ])

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "state-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func `what is saved is loaded and nothing else lies about`() throws {
        try withDirectory { path in
            let file = StateFile(directory: path + "/deep")
            try file.prepare()
            #expect(try file.load().record == PlannerRecord())
            try file.save(PlannerRecord())
            try file.save(record)
            #expect(try file.load().record == record)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/deep") == ["state.json"])
        }
    }

    @Test func `looking whether the directory is free leaves nothing in it, and says when it is not`() throws {
        try withDirectory { path in
            try StateFile(directory: path).prepare()
            try StateLock.probe(directory: path)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
            let lock = try StateLock(directory: path)
            #expect(throws: StateFileError.self) { try StateLock.probe(directory: path) }
            let lost = descriptorsLost {
                for _ in 0..<5000 { _ = try? StateLock(directory: path) }
            }
            #expect(lost == 0)
            withExtendedLifetime(lock) {}
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["lock"])
        }
    }

    @Test(arguments: ["", "{", "[]", "{\"version\":1}", "\u{0}\u{1}", "{\"version\":1,\"agents\":[{}]}"])
    func `a corrupt file is set aside and reported`(text: String) throws {
        try withDirectory { path in
            let file = StateFile(directory: path)
            try file.prepare()
            try Data(text.utf8).write(to: URL(filePath: file.path))
            let loaded = try file.load()
            #expect(loaded.record == PlannerRecord())
            let aside = try #require(loaded.setAside)
            #expect(try Data(contentsOf: URL(filePath: aside)) == Data(text.utf8))
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }

    @Test func `a file of a later version is refused and left alone`() throws {
        try withDirectory { path in
            let file = StateFile(directory: path)
            try file.prepare()
            try Data("{\"version\":9,\"agents\":[]}".utf8).write(to: URL(filePath: file.path))
            #expect(throws: StateFileError.wrongVersion(path: file.path, found: 9, supported: 1)) { try file.load() }
            #expect(FileManager.default.fileExists(atPath: file.path))
        }
    }

    @Test func `a directory that is a file cannot be prepared`() {
        #expect(throws: StateFileError.self) { try StateFile(directory: "/dev/null/x").prepare() }
    }

    @Test func `progress reads as lines in order and is asked for by number`() {
        var log = ProgressLog()
        let time = WallTime(nanoseconds: 1_500_000_000)
        let steps: [JenkinsFramework.Progress] = [
            .queued(1, job: "a", label: "linux"), .agentStarting("mj-1", "linux", host: "agent-1"),
            .agentConnected("mj-1", host: "agent-1"), .buildRunning(build: "a #1", node: "mj-1", host: "agent-1"),
            .buildFinished(build: "a #1", node: "mj-1", result: "SUCCESS", duration: .milliseconds(2_449)),
            .agentRemoved("mj-1"), .cancelled(2, job: "b"), .problem("oh"),
        ]
        let lines = steps.map { log.add($0, at: time) }
        #expect(
            lines.map(\.text) == [
                "a queued for linux", "agent mj-1 starting on agent-1", "agent mj-1 connected from agent-1",
                "a #1 running on mj-1 (agent-1)", "a #1 SUCCESS 2.4 s", "agent mj-1 removed", "b cancelled", "oh",
            ])
        #expect(lines.map(\.sequence) == Array(1...8))
        #expect(lines[4].durationSeconds == 2.449 && lines[4].time == 1.5)
        #expect(log.since(0) == lines && log.since(7) == [lines[7]] && log.since(8) == [] && log.since(99) == [])
    }

    @Test func `old progress is dropped and the numbers go on`() {
        var log = ProgressLog()
        for _ in 1...12_000 { _ = log.add(.problem("x"), at: WallTime(nanoseconds: 0)) }
        #expect(log.lines.count <= 11_000)
        #expect(log.since(0).first?.sequence ?? 0 > 1)
        #expect(log.since(11_999).map(\.sequence) == [12_000])
    }
}
