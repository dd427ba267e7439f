// Process tasks that ask for a terminal of their own.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct TerminalTaskTests {
    private static func task(_ name: String, _ command: String) -> V1TaskInfo {
        var task = AgentHost.task(name, command)
        task.container.type = .mesos
        task.container.ttyInfo.windowSize.rows = 24
        task.container.ttyInfo.windowSize.columns = 80
        return task
    }

    /// The ways to terminals that an agent keeps.
    private static func pipes(_ host: AgentHost) -> [String] {
        let names = FileManager.default.enumerator(atPath: "\(host.workDirectory)/meta")?.allObjects as? [String]
        return (names ?? []).filter { $0.hasSuffix(".input") || $0.hasSuffix(".window") }
    }

    /// Types a line and waits until the task has read it.
    private static func typeEarly(_ host: AgentHost) async throws {
        let client = try await SessionClient(host, beside: "t")
        let input = client.attachInput(to: client.id.parent)
        SessionClient.type("before\r", into: input.upload)
        input.upload.finish()
        let status = try await input.reply.value.status
        #expect(status == 200)
        try await wait("what was typed") {
            try await host.read("stdout", of: "t").contains("got before\r\n") ? true : nil
        }
    }

    /// - Returns: What is printed from then on, when another window's size and another line have been typed.
    private static func typeLate(_ host: AgentHost) async throws -> String {
        let client = try await SessionClient(host, beside: "t")
        let output = try await client.attachOutput(to: client.id.parent)
        let input = client.attachInput(to: client.id.parent)
        SessionClient.resize(rows: 50, columns: 132, into: input.upload)
        SessionClient.type("after\r", into: input.upload)
        try await output.readToEnd()
        input.upload.finish()
        return output.output
    }

    @Test func `what is typed into a task's terminal reaches it, also through another agent's life`() async throws {
        try await AgentHost.with { host in
            let script = """
                stty size; echo $TERM >/dev/tty; echo oh >&2
                read one; echo got $one; read two; echo got $two; stty size; exit 3
                """
            var task = Self.task("t", script)
            if geteuid() == 0 { task.command.user = "daemon" }
            host.master.run(task)
            try await wait("the first lines") {
                try? await host.read("stdout", of: "t") == "24 80\r\nxterm\r\noh\r\n" ? true : nil
            }
            try await Self.typeEarly(host)
            await host.stop()
            try await host.start()
            let printed = try await Self.typeLate(host)
            #expect(printed == "after\r\ngot after\r\n50 132\r\n")
            let end = try await host.master.end(of: "t")
            #expect(end.message == "Command exited with status 3")
            let errors = try await host.read("stderr", of: "t")
            #expect(errors == "")
            try await wait("the pipes are gone") { Self.pipes(host).isEmpty ? true : nil }
        }
    }

    @Test func `output of a terminal is set aside at its limit, and a kill ends what runs there`() async throws {
        try await AgentHost.with(adjusted: { $0.outputBytesMax = (1000, 500) }) { host in
            host.master.run(Self.task("t", "for i in $(seq 1000 1999); do echo $i; done; sleep 1000"))
            _ = try await host.master.update("t", .taskRunning)
            try await wait("the last line") {
                try await host.read("stdout", of: "t").hasSuffix("1999\r\n") ? true : nil
            }
            #expect(try await host.read("stdout.1", of: "t").utf8.count == 1000)
            host.master.kill("t", grace: .zero)
            let end = try await host.master.end(of: "t")
            #expect(end.state == .taskKilled)
        }
    }
}
