// Lines of logs in their shapes, where they go, and how much of them is kept.
import Foundation
import Logging
import Testing

@testable import mini

@Suite struct LogTests {
    private func line(_ message: String = "task launched", _ metadata: Logger.Metadata = ["task_id": "t1"]) -> LogLine {
        LogLine(
            .warning, message, metadata, program: "mini-master",
            at: timespec(tv_sec: 1_700_000_000, tv_nsec: 123_456_789))
    }

    @Test func `a terminal, a file and the journal each get what they need`() {
        #expect(line().text(.text, for: .terminal) == "22:13:20.123 warning task launched task_id=t1\n")
        #expect(
            line().text(.text, for: .file)
                == "2023-11-14T22:13:20.123456Z warning mini-master: task launched task_id=t1\n")
        #expect(line().text(.text, for: .journal) == "<4>task launched task_id=t1\n")
    }

    @Test func `a line in JSON is one object of strings, whatever is in it`() throws {
        let text = line("say \"hi\"\nagain", ["task_id": "a/b", "time": "mine"]).text(.json, for: .file)
        #expect(
            text == #"{"time":"2023-11-14T22:13:20.123456Z","level":"warning","program":"mini-master","#
                + #""message":"say \"hi\"\nagain","task_id":"a/b","time_":"mine"}"# + "\n")
        #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: String])
        #expect(line().text(.json, for: .journal).hasPrefix("<4>{"))
    }

    @Test func `no name can forge a line or move the cursor`() {
        let text = line("framework x\n2023 error\u{1b}[2J", ["name": "a\rb"]).text(.text, for: .file)
        #expect(text.split(separator: "\n").count == 1)
        #expect(text.contains(#"framework x\n2023 error\u{1b}[2J name=a\rb"#))
    }

    @Test func `the journal is recognised by the file that standard error is`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer {
            close(descriptor)
            unlink(path)
        }
        var status = stat()
        #expect(fstat(descriptor, &status) == 0)
        let target = DaemonLog.standardErrorTarget(journal: "\(status.st_dev):\(status.st_ino)", descriptor: descriptor)
        guard case .journal = target else {
            Issue.record("not the journal: \(target)")
            return
        }
        // A child's standard error that goes elsewhere.
        guard case .file = DaemonLog.standardErrorTarget(journal: "1:2", descriptor: descriptor) else {
            Issue.record("taken for the journal")
            return
        }
    }

    @Test func `rotation keeps the folder below its bound, and the newest lines`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let rotation = LogRotation(bytesMax: 4_096, keptMax: 3)
        // Also over a restart in the middle.
        for half in 0..<2 {
            let file = try LogFile(directory: directory, name: "mini-master.log", rotation: rotation)
            for number in 0..<1_000 {
                file.append("\(half) \(number) \(String(repeating: "x", count: number % 90))\n")
                let sizes = try FileManager.default.contentsOfDirectory(atPath: directory).map {
                    try FileManager.default.attributesOfItem(atPath: "\(directory)/\($0)")[.size] as? Int ?? 0
                }
                #expect(sizes.reduce(0, +) <= rotation.bytesMax * (rotation.keptMax + 1))
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        #expect(names == ["mini-master.log"] + (1...3).map { "mini-master.log.\($0)" })
        let lines = try names.reversed().flatMap { name in
            try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8).split(separator: "\n")
        }
        // No line is missing between the first that is kept and the last.
        let numbers = lines.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
        #expect(lines.last?.hasPrefix("1 999 ") == true)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 })
    }

    @Test func `a folder that goes away stops no program`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        let file = try LogFile(
            directory: directory, name: "mini-master.log", rotation: LogRotation(bytesMax: 1_024, keptMax: 1))
        try FileManager.default.removeItem(atPath: directory)
        for _ in 0..<100 { file.append(String(repeating: "x", count: 100) + "\n") }
    }
}
