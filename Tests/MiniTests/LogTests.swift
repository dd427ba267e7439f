// Lines of logs in their shapes, where they go, and how much of them is kept.
import Foundation
import HTTPServer
import Logging
import Mailbox
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

    @Test func `the journal gets each field under its name in capitals, and no field of a stranger's making`() {
        let entry = line(
            "task\nlaunched", ["task_id": "t1", "request_id": "r-7", "message": "mine", "_uid": "0", "priority": "0"]
        ).journalEntry(.text)
        let text = String(decoding: entry, as: UTF8.self)
        #expect(
            text == """
                PRIORITY=4
                SYSLOG_IDENTIFIER=mini-master
                MESSAGE=task\\nlaunched _uid=0 message=mine priority=0 request_id=r-7 task_id=t1
                REQUEST_ID=r-7
                TASK_ID=t1

                """)
    }

    @Test func `a value of several lines goes to the journal with its length, so that it can forge no field`() {
        let entry = line("m", ["detail": "a\nPRIORITY=0"]).journalEntry(.text)
        let length: [UInt8] = [12, 0, 0, 0, 0, 0, 0, 0]
        var expected = Array("DETAIL\n".utf8)
        expected += length
        expected += Array("a\nPRIORITY=0\n".utf8)
        #expect(Array(entry.suffix(expected.count)) == expected)
        let json = String(decoding: line().journalEntry(.json), as: UTF8.self)
        #expect(json.contains("\nMESSAGE={\"time\":") && json.hasSuffix("\"task_id\":\"t1\"}\nTASK_ID=t1\n"))
    }

    @Test func `an entry reaches the journal's socket; without one, standard error is left`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString.prefix(8))").path
        #expect(!JournalSocket(path: path).send(Array("MESSAGE=x\n".utf8)))
        #expect(!JournalSocket(path: String(repeating: "x", count: 200)).send(Array("MESSAGE=x\n".utf8)))
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(listener)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        let journal = JournalSocket(path: path)
        let entry = line().journalEntry(.text)
        #expect(journal.send(entry))
        var buffer = [UInt8](repeating: 0, count: 1_000)
        let count = recv(listener, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(count == entry.count && Array(buffer.prefix(max(0, count))) == entry)
        // Nobody reads: it must not wait for that.
        var refused = false
        for _ in 0..<10_000 where !refused { refused = !journal.send(entry) }
        #expect(refused)
    }

    @Test func `what is logged while a request is answered has its id`() {
        let lines = Locked<[LogLine]>([])
        let logger = Logger(label: "mini-master") { label in
            LineLogHandler(program: label, sinks: [{ line in lines.withLock { $0.append(line) } }])
        }
        logger.info("before")
        RequestID.$current.withValue(RequestID("r-7")) { logger.info("meanwhile", metadata: ["task_id": "t1"]) }
        let fields = lines.withLock { $0.map { line in line.fields.map { "\($0.name)=\($0.value)" } } }
        #expect(fields == [[], ["request_id=r-7", "task_id=t1"]])
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
