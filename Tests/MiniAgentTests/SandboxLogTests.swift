// A task's output files: nothing lost below the limit, nothing written twice after a restart, and no way out of the sandbox.

import Glibc
import Resources
import SimKit
import Testing

@testable import MiniAgent

struct SandboxLogTests {
    private let directory = TemporaryDirectory()
    private var run: RunPaths {
        AgentPaths(workDirectory: directory.path).run("a1", TaskKey(framework: "f1", task: "t1"), "c1")
    }
    private let limit = OutputLimit(bytesMax: 10, keptMax: 2)

    init() throws {
        try DurableFile.createDirectories(run.sandbox)
        try DurableFile.createDirectories(DurableFile.parent(of: run.meta))
    }

    private func text(_ name: String) -> String? {
        (try? DurableFile.read("\(run.sandbox)/\(name)")).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
    }

    private func log(_ limit: OutputLimit?) throws -> SandboxLog {
        try #require(SandboxLog(run, .standardOutput, limit: limit))
    }

    @Test func `without a limit everything is in one file`() throws {
        let log = try log(nil)
        for _ in 0..<100 { log.append(Array("line\n".utf8)) }
        #expect(text("stdout") == String(repeating: "line\n", count: 100))
        #expect(log.streamBytes == 500)
        #expect(DurableFile.names(in: run.sandbox) == ["stdout"])
    }

    @Test func `what a task has put in the place of its output is refused, and nothing else is closed with it`() throws
    {
        #expect(mkfifo("\(run.sandbox)/stdout", 0o600) == 0)
        let reader = open("\(run.sandbox)/stdout", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        var opened = 0
        let lost = descriptorsLost {
            for _ in 0..<50_000 where SandboxFile("\(run.sandbox)/stdout") != nil { opened += 1 }
        }
        #expect(opened == 0)
        #expect(lost == 0)
    }

    @Test func `at the limit the file is set aside, and no byte is lost until the oldest piece goes`() throws {
        let log = try log(limit)
        log.append(Array("0123456789abcdefghijABCDE".utf8))
        #expect(text("stdout") == "ABCDE")
        #expect(text("stdout.1") == "abcdefghij")
        #expect(text("stdout.2") == "0123456789")
        log.append(Array("FGHIJKLMNO".utf8))
        #expect(text("stdout") == "KLMNO")
        #expect(text("stdout.1") == "ABCDEFGHIJ")
        #expect(text("stdout.2") == "abcdefghij")
        #expect(log.streamBytes == 35)
        #expect(DurableFile.names(in: run.sandbox) == ["stdout", "stdout.1", "stdout.2"])
    }

    @Test func `a later life of the agent knows how much has been written`() throws {
        try log(limit).append(Array("0123456789abcdef".utf8))
        let again = try log(limit)
        #expect(again.streamBytes == 16)
        again.append(Array("ghij".utf8))
        #expect(text("stdout") == "abcdefghij")
        #expect(try log(nil).streamBytes == 20)
    }

    @Test func `lines of the agent before the task's own do not count as the task's`() throws {
        let log = try log(nil)
        log.append(Array("fetching\n".utf8))
        log.beginStream()
        #expect(log.streamBytes == 0)
        log.append(Array("task\n".utf8))
        #expect(log.streamBytes == 5)
        #expect(try self.log(nil).streamBytes == 5)
        #expect(text("stdout") == "fetching\ntask\n")
    }

    @Test func `a crash in the middle of a rotation is finished by the next life`() throws {
        let log = try log(limit)
        log.append(Array("0123456789".utf8))
        // What a rotation does first: the next file, and its record.
        try DurableFile.replace("\(run.sandbox)/stdout.next", with: [])
        var status = stat()
        #expect(lstat("\(run.sandbox)/stdout.next", &status) == 0)
        try DurableFile.replace(run.beginning(of: .standardOutput), with: Array("10 \(status.st_ino)\n".utf8))
        let again = try self.log(limit)
        #expect(again.streamBytes == 10)
        again.append(Array("ab".utf8))
        #expect(text("stdout") == "ab")
        #expect(text("stdout.1") == "0123456789")
        #expect(text("stdout.next") == nil)
    }

    @Test func `what a task puts in the way of a rotation cannot lift the limit or lead out of the sandbox`() throws {
        try DurableFile.replace("\(directory.path)/secret", with: Array("secret".utf8))
        let log = try log(limit)
        log.append(Array("0123456789".utf8))
        try DurableFile.relink("\(run.sandbox)/stdout.1", to: "\(directory.path)/secret")
        try DurableFile.createDirectories("\(run.sandbox)/stdout.next/full")
        for _ in 0..<10 { log.append(Array("abcdefghij".utf8)) }
        #expect((text("stdout")?.count ?? 0) <= 10)
        #expect(log.streamBytes == 110)
        let secret = try #require(try DurableFile.read("\(directory.path)/secret"))
        #expect(String(decoding: secret, as: UTF8.self) == "secret")
    }

    @Test func `a link, a fifo or a directory of that name is not written to`() throws {
        try DurableFile.replace("\(directory.path)/secret", with: [])
        try DurableFile.relink("\(run.sandbox)/stdout", to: "\(directory.path)/secret")
        #expect(SandboxLog(run, .standardOutput, limit: nil) == nil)
        unlink("\(run.sandbox)/stdout")
        #expect(mkfifo("\(run.sandbox)/stdout", 0o644) == 0)
        #expect(SandboxLog(run, .standardOutput, limit: nil) == nil)
        unlink("\(run.sandbox)/stdout")
        #expect(mkdir("\(run.sandbox)/stdout", 0o755) == 0)
        #expect(SandboxLog(run, .standardOutput, limit: nil) == nil)
    }
}
