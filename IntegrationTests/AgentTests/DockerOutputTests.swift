// A container's output in its sandbox: all of it, byte by byte, whatever happens to the agent meanwhile.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct DockerOutputTests {
    private func bytes(_ file: String, of task: String, on host: AgentHost) throws -> Data {
        let path =
            "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors/\(task)/runs/latest/\(file)"
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    @Test func `bytes that are no text arrive as they are`() async throws {
        try await AgentHost.with { host in
            host.master.run(
                AgentHost.docker(
                    "binary",
                    "printf '\\377\\376\\000x\\r\\n'; dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr '\\0' '\\303'")
            )
            let end = try await host.master.end(of: "binary")
            #expect(end.state == .taskFinished)
            let expected = Data([0xFF, 0xFE, 0, 0x78, 13, 10]) + Data(repeating: 0xC3, count: 300_000)
            #expect(try bytes("stdout", of: "binary", on: host) == expected)
        }
    }

    @Test func `what came while there was no agent is neither lost nor doubled, not even half a character`()
        async throws
    {
        try await AgentHost.with { host in
            let script = "i=0; while [ $i -lt 40 ]; do printf '\\377\\303'; sleep 0.1; i=$((i+1)); done; exit 2"
            host.master.run(AgentHost.docker("steady", script))
            _ = try await host.master.update("steady", .taskRunning)
            for _ in 0..<2 {
                try await Task.sleep(for: .milliseconds(450))
                await host.stop()
                try await Task.sleep(for: .milliseconds(450))
                try await host.start()
            }
            #expect(try await host.master.end(of: "steady").message == "Container exited with status 2")
            let expected = Data((0..<40).flatMap { _ in [0xFF, 0xC3] as [UInt8] })
            #expect(try bytes("stdout", of: "steady", on: host) == expected)
        }
    }

    @Test func `a program that closes its output goes on, and its end is noticed`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.docker("mute", "echo bye; exec >&- 2>&-; sleep 3; exit 6"))
            let end = try await host.master.end(of: "mute")
            #expect(end.message == "Container exited with status 6")
            #expect(try await host.read("stdout", of: "mute") == "bye\n")
        }
    }

    @Test func `each container holds one connection to the engine`() async throws {
        try await AgentHost.with { host in
            for number in 0..<3 { host.master.run(AgentHost.docker("c\(number)", "sleep 100", mem: 8)) }
            for number in 0..<3 { _ = try await host.master.update("c\(number)", .taskRunning) }
            func connections() -> Int {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
                return names.count {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                        .hasPrefix("socket:") == true
                }
            }
            let few = connections()
            for number in 3..<15 { host.master.run(AgentHost.docker("c\(number)", "sleep 100", mem: 8)) }
            for number in 3..<15 { _ = try await host.master.update("c\(number)", .taskRunning) }
            // Some idle connections are kept for the next call; those of calls under way go.
            try await wait("one connection for each container") { connections() - few <= 12 + 8 ? true : nil }
        }
    }
}
