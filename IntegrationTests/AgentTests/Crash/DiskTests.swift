// A real agent on a disk that is full, or read-only: a small file system of its own in memory.

import Foundation
import Glibc
import IntegrationSupport
import MesosProtocol
import MiniAgent
import Processes
import Testing

extension SmallDisk {
    fileprivate static func mount(_ host: CrashHost, mebibytes: Int) async throws -> SmallDisk {
        try FileManager.default.createDirectory(atPath: host.workDirectory, withIntermediateDirectories: true)
        return try await mount(on: host.workDirectory, mebibytes: mebibytes)
    }

    /// Runs a shell command where the disk is.
    @discardableResult
    fileprivate func shell(_ line: String) async throws -> ProcessEnd {
        var request = SpawnRequest(
            program: entrance[0], arguments: entrance.dropFirst() + ["/bin/sh", "-c", line])
        request.deathSignal = SIGKILL
        return await (try ChildProcess.spawn(request)).end()
    }

    fileprivate func agent(_ host: CrashHost) async throws -> CrashAgentProcess {
        try await CrashAgentProcess.start(host, step: 0, within: entrance)
    }
}

@Suite(.serialized, .timeLimit(.minutes(3)))
struct DiskTests {
    private func with(
        _ tasks: [V1TaskInfo], mebibytes: Int, _ body: (CrashHost, SmallDisk) async throws -> Void
    ) async throws {
        try await CrashHost.with(tasks) { host in
            let disk = try await SmallDisk.mount(host, mebibytes: mebibytes)
            let result: Result<Void, any Error>
            do { result = .success(try await body(host, disk)) } catch { result = .failure(error) }
            await disk.unmount()
            try result.get()
        }
    }

    @Test func `an agent whose disk is full stops, and the next one tells every end`() async throws {
        let gate = "\(FileManager.default.temporaryDirectory.path)/mini-gate-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: gate) }
        let patient = AgentHost.task("patient", "until [ -e \(gate) ]; do sleep 0.1; done; exit 4")
        try await with([patient], mebibytes: 2) { host, disk in
            let first = try await disk.agent(host)
            try await wait("the task to run: \(first.output)") {
                host.master.history(of: "patient").contains { $0.state == .taskRunning } ? true : nil
            }
            #expect(disk.fill())
            // Ends on a full disk: its supervisor waits for room to write the status.
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            host.master.launch([AgentHost.task("late", "true")])
            try await wait("the agent's end: \(first.output)", .seconds(30)) { first.process.knownEnd }
            #expect(first.output.contains("No space left on device"), "\(first.output)")
            #expect(!host.master.isOver)
            disk.empty()
            let second = try await disk.agent(host)
            try await wait("both ends: \(second.output)", .seconds(30)) { host.master.isOver ? true : nil }
            let ends = host.master.history(of: "patient").filter { $0.state.isTerminal }
            #expect(ends.map(\.message) == ["Command exited with status 4"])
            #expect(host.master.history(of: "late").count { $0.state.isTerminal } == 1)
            await second.kill()
        }
    }

    @Test func `an agent on a read-only disk says so and changes nothing`() async throws {
        try await with([], mebibytes: 4) { host, disk in
            let first = try await disk.agent(host)
            try await wait("a registration: \(first.output)") { first.steps.contains("durable agent") ? true : nil }
            await first.kill()
            #expect(try await disk.shell("mount -o remount,ro '\(disk.directory)'") == .exited(0))
            let second = try await disk.agent(host)
            #expect(await second.process.end() == .exited(1))
            #expect(second.output.contains("Read-only file system"), "\(second.output)")
            #expect(try await disk.shell("mount -o remount,rw '\(disk.directory)'") == .exited(0))
            let registrations = host.master.registrations
            let third = try await disk.agent(host)
            try await wait("another registration: \(third.output)") {
                host.master.registrations > registrations ? true : nil
            }
            #expect(!third.steps.contains("durable agent"), "it is the agent that it was")
            await third.kill()
        }
    }
}
