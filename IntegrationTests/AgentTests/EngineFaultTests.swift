// What becomes of tasks when their engine hangs, dies and comes back.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct EngineFaultTests {
    private static let hurried: @Sendable (inout AgentConfiguration) -> Void = { configuration in
        configuration.dockerCallTimeout = .seconds(1)
        configuration.dockerHealthInterval = .milliseconds(300)
    }

    @Test func `an engine that hangs is told of and takes no tasks until it answers again; what runs goes on`()
        async throws
    {
        try await OwnEngine.with { engine in
            try await AgentHost.with(dockerSocket: engine.socket, adjusted: Self.hurried) { host in
                host.master.run(AgentHost.docker("long", "echo before; sleep 6; echo after"))
                _ = try await host.master.update("long", .taskRunning)
                engine.freeze()
                try await wait("the agent's word that its engine is stalled") { host.master.stall }
                host.master.run(AgentHost.docker("refused", "true"))
                let refusal = try await host.master.end(of: "refused", within: .seconds(2))
                #expect(refusal.state == .taskLost)
                #expect(refusal.message.hasPrefix("Engine stalled: timed out"))
                host.master.run(AgentHost.task("process", "true"))
                #expect(try await host.master.end(of: "process").state == .taskFinished)
                let metrics = try await host.get("/metrics/snapshot")
                #expect(metrics.text.contains(#""slave/docker_engine_stalled":1.0"#))
                #expect(try await host.get("/state").text.contains(#""docker_engine_stalled":"timed out"#))
                engine.thaw()
                try await wait("the agent's word that its engine answers") { host.master.stall == nil ? true : nil }
                host.master.run(AgentHost.docker("after", "exit 3"))
                #expect(try await host.master.end(of: "after").message == "Container exited with status 3")
                #expect(try await host.master.end(of: "long").message == "Container exited with status 0")
                #expect(host.master.states(of: "long") == [.taskStarting, .taskRunning, .taskFinished])
                #expect(try await host.read("stdout", of: "long") == "before\nafter\n")
            }
        }
    }

    /// How long: `ENGINE_FREEZE_SECONDS` in the environment. With the deadlines that an agent usually has.
    @Test func `tasks of an engine that is frozen for half a minute are neither lost nor doubled`() async throws {
        let seconds = ProcessInfo.processInfo.environment["ENGINE_FREEZE_SECONDS"].flatMap { Int($0) } ?? 30
        let frozen = Duration.seconds(seconds)
        let names = (0..<20).map { "t\($0)" }
        try await OwnEngine.with { engine in
            try await AgentHost.with(dockerSocket: engine.socket) { host in
                let script = "echo ran; until [ -e $MESOS_SANDBOX/gate ]; do sleep 0.2; done; echo over; exit 6"
                for name in names + ["killed"] { host.master.run(AgentHost.docker(name, script, mem: 32)) }
                for name in names + ["killed"] { _ = try await host.master.update(name, .taskRunning) }
                let thaw = ContinuousClock.now + frozen
                engine.freeze()
                // Half of them end while their engine sees nothing.
                for name in names.prefix(10) { try Self.openGate(of: name, host) }
                host.master.kill("killed", grace: .zero)
                try await wait("the agent's word that its engine is stalled", frozen) { host.master.stall }
                host.master.run(AgentHost.docker("refused", "true"))
                #expect(try await host.master.end(of: "refused", within: .seconds(5)).state == .taskLost)
                while ContinuousClock.now < thaw {
                    #expect(try await host.get("/health").status == 200)
                    try await Task.sleep(for: .seconds(1))
                }
                host.master.run(AgentHost.task("process", "true"))
                #expect(try await host.master.end(of: "process", within: .seconds(5)).state == .taskFinished)
                for name in names { #expect(host.master.states(of: name) == [.taskStarting, .taskRunning]) }
                engine.thaw()
                try await wait("the agent's word that its engine answers") { host.master.stall == nil ? true : nil }
                for name in names.suffix(10) { try Self.openGate(of: name, host) }
                for name in names {
                    #expect(try await host.master.end(of: name).message == "Container exited with status 6")
                    #expect(host.master.states(of: name) == [.taskStarting, .taskRunning, .taskFailed])
                    #expect(try await host.read("stdout", of: name) == "ran\nover\n")
                }
                #expect(try await host.master.end(of: "killed").state == .taskKilled)
                host.master.run(AgentHost.docker("after", "exit 3"))
                #expect(try await host.master.end(of: "after").message == "Container exited with status 3")
                #expect(host.master.registrations.count == 1, "it never left its master")
                try await wait("the containers are gone") { try await host.containers().isEmpty ? true : nil }
            }
        }
    }

    private static func openGate(of name: String, _ host: AgentHost) throws {
        let executors = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors"
        try Data().write(to: URL(fileURLWithPath: "\(executors)/\(name)/runs/latest/gate"))
    }

    @Test func `an engine killed and started again loses no output and no end`() async throws {
        try await OwnEngine.with { engine in
            try await AgentHost.with(dockerSocket: engine.socket, adjusted: Self.hurried) { host in
                host.master.run(
                    AgentHost.docker("talker", "for i in $(seq 1 60); do echo line $i; sleep 0.1; done; exit 5"))
                host.master.run(AgentHost.docker("short", "echo done; sleep 1.5; exit 7"))
                _ = try await host.master.update("talker", .taskRunning)
                _ = try await host.master.update("short", .taskRunning)
                engine.crash()
                try await Task.sleep(for: .seconds(2))  // So that one task ends while nobody looks.
                try await engine.start()
                #expect(try await host.master.end(of: "short").message == "Container exited with status 7")
                #expect(try await host.master.end(of: "talker").message == "Container exited with status 5")
                #expect(try await host.read("stdout", of: "short") == "done\n")
                #expect(
                    try await host.read("stdout", of: "talker") == (1...60).map { "line \($0)\n" }.joined())
                for name in ["short", "talker"] {
                    #expect(host.master.states(of: name) == [.taskStarting, .taskRunning, .taskFailed])
                }
            }
        }
    }

    @Test func `an engine out of space says so, and takes tasks again once there is room`() async throws {
        try await OwnEngine.with(mebibytes: 64) { engine in
            try await AgentHost.with(dockerSocket: engine.socket) { host in
                host.master.run(AgentHost.docker("hog", "dd if=/dev/zero of=/fill bs=4096; echo full; sleep 1000"))
                try await wait("a full disk") { try? await host.read("stdout", of: "hog") == "full\n" ? true : nil }
                host.master.run(AgentHost.docker("late", "true"))
                let late = try await host.master.end(of: "late")
                #expect(late.state == .taskFailed)
                #expect(late.message.contains("no space left on device"), "\(late.message)")
                host.master.run(AgentHost.task("process", "true"))
                #expect(try await host.master.end(of: "process").state == .taskFinished)
                host.master.kill("hog", grace: .zero)
                #expect(try await host.master.end(of: "hog").state == .taskKilled)
                try await wait("the container is gone") { try await host.containers().isEmpty ? true : nil }
                host.master.run(AgentHost.docker("after", "exit 3"))
                #expect(try await host.master.end(of: "after").message == "Container exited with status 3")
            }
        }
    }

    @Test func `a task that is started while the engine is away waits for it`() async throws {
        try await OwnEngine.with { engine in
            try await AgentHost.with(
                dockerSocket: engine.socket, adjusted: { $0.dockerCallTimeout = .seconds(20) }
            ) { host in
                engine.freeze()
                host.master.run(AgentHost.docker("patient", "exit 4"))
                try await Task.sleep(for: .milliseconds(500))
                engine.thaw()
                #expect(try await host.master.end(of: "patient").message == "Container exited with status 4")
            }
        }
    }
}
