// Tasks that print more than anybody wants to keep, through an agent that comes and goes.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct OutputTests {
    private static func withLimits(_ body: (AgentHost, AgentConfiguration) async throws -> Void) async throws {
        try await AgentHost.with { host in
            await host.stop()
            var configuration = host.configuration
            configuration.outputBytesMax = (1000, 500)
            configuration.outputPiecesKept = 3
            try await host.start(configuration)
            try await body(host, configuration)
        }
    }

    /// Everything that is left of a stream, the oldest piece first.
    private static func pieces(_ host: AgentHost, _ task: String, _ name: String) async -> [String] {
        var all: [String] = []
        for piece in ["\(name).3", "\(name).2", "\(name).1", name] {
            if let text = try? await host.read(piece, of: task) { all.append(text) }
        }
        return all
    }

    @Test func `output of a process is set aside at its limit, and only the oldest is lost`() async throws {
        try await Self.withLimits { host, _ in
            host.master.run(
                AgentHost.task("loud", "for i in $(seq 1000 1999); do echo $i; done; echo err >&2"))
            let end = try await host.master.end(of: "loud")
            #expect(end.state == .taskFinished)
            let pieces = await Self.pieces(host, "loud", "stdout")
            #expect(pieces.count == 4)
            #expect(pieces.dropLast().allSatisfy { $0.utf8.count == 1000 })
            #expect(pieces.joined().hasSuffix((1900...1999).map { "\($0)\n" }.joined()))
            #expect(try await host.read("stderr", of: "loud") == "err\n")
        }
    }

    @Test func `the limit holds while the agent is away, and nothing is lost over its return`() async throws {
        try await Self.withLimits { host, configuration in
            host.master.run(
                AgentHost.task("long", "for i in $(seq 1000 1399); do echo $i; sleep 0.005; done; exit 7"))
            _ = try await host.master.update("long", .taskRunning)
            await host.stop()
            try await host.start(configuration)
            #expect(try await host.master.end(of: "long").message == "Command exited with status 7")
            let whole = (1000...1399).map { "\($0)\n" }.joined()
            let text = try await wait("the last line") {
                let text = await Self.pieces(host, "long", "stdout").joined()
                return text.hasSuffix("1399\n") ? text : nil
            }
            #expect(text == whole)
        }
    }

    @Test func `output of a container is set aside at its limit, too`() async throws {
        try await Self.withLimits { host, configuration in
            host.master.run(
                AgentHost.docker("box", "for i in $(seq 1000 1399); do echo $i; usleep 5000; done; sleep 1"))
            _ = try await host.master.update("box", .taskRunning)
            await host.stop()
            try await host.start(configuration)
            #expect(try await host.master.end(of: "box").state == .taskFinished)
            #expect(await Self.pieces(host, "box", "stdout").joined() == (1000...1399).map { "\($0)\n" }.joined())
        }
    }

    @Test func `what is fetched is told before the container's own errors, and nothing twice`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.docker("box", "echo one >&2; sleep 1; echo two >&2")
            var uri = V1CommandInfo.URI()
            uri.value = "/etc/hostname"
            task.command.uris = [uri]
            host.master.run(task)
            #expect(try await host.master.end(of: "box").state == .taskFinished)
            let text = try await host.read("stderr", of: "box")
            #expect(text.hasPrefix("Fetching '/etc/hostname'\n"))
            #expect(text.hasSuffix("'hostname'\none\ntwo\n"))
        }
    }

    @Test func `old sandboxes go while tasks run, and the count says so`() async throws {
        try await AgentHost.with { host in
            await host.stop()
            var configuration = host.configuration
            configuration.gcDelay = .seconds(1)
            configuration.diskWatchInterval = .milliseconds(200)
            try await host.start(configuration)
            host.master.run(AgentHost.task("stays", "echo here; sleep 1000"))
            _ = try await host.master.update("stays", .taskRunning)
            host.master.run(AgentHost.task("goes", "mkdir a; ln -s /etc a/out; mkfifo a/fifo; echo bye"))
            _ = try await host.master.end(of: "goes")
            #expect(try await host.read("stdout", of: "goes") == "bye\n")
            let executors = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors"
            try await wait("the sandbox's removal", .seconds(20)) {
                access("\(executors)/goes", F_OK) != 0 ? true : nil
            }
            #expect(try await host.read("stdout", of: "stays") == "here\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: executors) == ["stays"])
            try await wait("an empty basket") {
                try FileManager.default.contentsOfDirectory(atPath: "\(host.workDirectory)/gc").isEmpty ? true : nil
            }
            #expect(try await host.get("/metrics/snapshot").text.contains(#""gc/path_removals_succeeded":1"#))
            #expect(access("/etc/passwd", F_OK) == 0)
        }
    }
}
