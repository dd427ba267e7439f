// Commands beside tasks, in real containers and as real processes.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct SessionTests {
    enum Kind: String, Sendable, CaseIterable {
        case docker
        case process

        func task(_ name: String, _ command: String) -> V1TaskInfo {
            self == .docker ? AgentHost.docker(name, command) : AgentHost.task(name, command)
        }
    }

    @Test(arguments: Kind.allCases)
    func `what is typed into a session comes back, and its exit status can be asked for`(kind: Kind) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("t", "sleep 1000"))
            let session = try await SessionClient(host, beside: "t")
            let output = try await session.launch("echo ready; cat; echo gone >&2; exit 3")
            try await output.wait(for: "ready")
            let input = session.attachInput()
            SessionClient.type("one\n", into: input.upload)
            try await output.wait(for: "one\n")
            SessionClient.type("two\n", into: input.upload)
            SessionClient.type("", into: input.upload)
            try await output.readToEnd()
            input.upload.finish()
            #expect(output.output == "ready\none\ntwo\n")
            #expect(output.error == "gone\n")
            #expect(try await session.waitStatus() == 3 << 8)
            #expect([200, 500].contains(try await input.reply.value.status))
        }
    }

    @Test func `what is typed reaches a task that was launched to be typed into, and others say why not`() async throws
    {
        try await AgentHost.with { host in
            var task = AgentHost.docker("typed", "read line; echo got $line; exit 7")
            var parameter = V1Parameter()
            parameter.key = "interactive"
            parameter.value = "true"
            task.container.docker.parameters = [parameter]
            host.master.run(task)
            let session = try await SessionClient(host, beside: "typed")
            let input = session.attachInput(to: session.id.parent)
            SessionClient.type("hello\n", into: input.upload)
            #expect(try await host.master.end(of: "typed").message == "Container exited with status 7")
            input.upload.finish()
            _ = try? await input.reply.value
            #expect(try await host.read("stdout", of: "typed") == "got hello\n")
            for kind in Kind.allCases {
                host.master.run(kind.task("deaf-\(kind)", "sleep 1000"))
                let deaf = try await SessionClient(host, beside: "deaf-\(kind)")
                let input = deaf.attachInput(to: deaf.id.parent)
                input.upload.finish()
                let reply = try await input.reply.value
                #expect(reply.status == 400 && reply.text.hasPrefix("The task's input is not open"), "\(reply.text)")
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `a terminal has the size that its window has`(kind: Kind) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("t", "sleep 1000"))
            let session = try await SessionClient(host, beside: "t")
            let stty = kind == .docker ? "busybox stty size" : "stty size"
            let output = try await session.launch(
                "read line; \(stty); while read line; do \(stty); done", terminal: (24, 80))
            let input = session.attachInput()
            SessionClient.type("\r", into: input.upload)
            try await output.wait(for: "24 80\r\n")
            SessionClient.resize(rows: 50, columns: 132, into: input.upload)
            // The engine resizes while the next line is on its way, so there are more of them.
            try await wait("the new size") {
                SessionClient.type("\r", into: input.upload)
                _ = try await output.readOn()
                return output.output.contains("50 132") ? true : nil
            }
            SessionClient.type("\u{4}", into: input.upload)
            try await output.readToEnd()
            input.upload.finish()
            #expect(try await session.waitStatus() == 0)
        }
    }

    @Test(arguments: Kind.allCases)
    func `when the client goes, the command and what it started are ended`(kind: Kind) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("t", "sleep 1000"))
            let session = try await SessionClient(host, beside: "t")
            // A child in the background, and one with a session of its own: neither may stay.
            let mark = "47\(Int.random(in: 10_000...99_999))"
            let shell = kind == .docker ? "busybox setsid" : "setsid"
            let output = try await session.launch("sleep \(mark) & \(shell) sleep \(mark) & echo ready; sleep \(mark)")
            try await output.wait(for: "ready")
            try await wait("all three") { Self.processes(mark).count >= 3 ? true : nil }
            output.hangUp()
            try await wait("the end of all, but there is \(Self.processes(mark))", .seconds(60)) {
                Self.processes(mark).isEmpty ? true : nil
            }
            #expect(host.master.states(of: "t") == [.taskStarting, .taskRunning])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a session ends with its task`(kind: Kind) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("t", "sleep 1000"))
            let session = try await SessionClient(host, beside: "t")
            let output = try await session.launch("echo ready; sleep 1000")
            try await output.wait(for: "ready")
            host.master.kill("t", grace: .zero)
            try await output.readToEnd()
            #expect(try await session.waitStatus() ?? 0 != 0)
            _ = try await host.master.end(of: "t")
        }
    }

    @Test func `a task's own output can be followed from now on, to its end`() async throws {
        try await AgentHost.with { host in
            host.master.run(
                AgentHost.task("t", "echo before; while [ ! -e go ]; do sleep 0.05; done; echo after; echo oh >&2"))
            let session = try await SessionClient(host, beside: "t")
            try await wait("the first line") { try await host.read("stdout", of: "t") == "before\n" ? true : nil }
            let output = try await session.attachOutput(to: session.id.parent)
            var call = V1AgentAPICall()
            call.type = .launchNestedContainer
            call.launchNestedContainer.containerID = session.id
            call.launchNestedContainer.command.value = "echo from beside; touch go"
            #expect(try await session.post(call).status == 200)
            try await output.readToEnd()
            #expect(output.output == "after\n")
            #expect(output.error == "oh\n")
            #expect(try await session.waitStatus() == 0)
            #expect(try await host.read("containers/\(session.id.value)/stdout", of: "t") == "from beside\n")
            call = V1AgentAPICall()
            call.type = .removeNestedContainer
            call.removeNestedContainer.containerID = session.id
            #expect(try await session.post(call).status == 200)
            #expect(try await session.post(call).status == 404)
        }
    }

    @Test(arguments: Kind.allCases)
    func `an operator can signal a task's container, and wait for its end`(kind: Kind) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("t", "trap 'echo heard' HUP; echo ready; while :; do sleep 0.05; done"))
            let session = try await SessionClient(host, beside: "t")
            try await wait("it listens") { try await host.read("stdout", of: "t") == "ready\n" ? true : nil }
            var call = V1AgentAPICall()
            call.type = .killContainer
            call.killContainer.containerID = session.id.parent
            call.killContainer.signal = 1
            #expect(try await session.post(call).status == 200)
            try await wait("it has heard") { try await host.read("stdout", of: "t").hasSuffix("heard\n") ? true : nil }
            call.killContainer.clearSignal()
            #expect(try await session.post(call).status == 200)
            call = V1AgentAPICall()
            call.type = .waitContainer
            call.waitContainer.containerID = session.id.parent
            let answer = try await session.post(call)
            #expect(answer.status == 200)
            #expect(try await host.master.end(of: "t").state == .taskFailed)
        }
    }

    @Test func `a session is refused where there is no container, and so is input for none`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("t", "sleep 1000"))
            let session = try await SessionClient(host, beside: "t")
            var call = V1AgentAPICall()
            call.type = .launchNestedContainerSession
            call.launchNestedContainerSession.containerID.value = "x"
            call.launchNestedContainerSession.containerID.parent.value = "no-such-container"
            call.launchNestedContainerSession.command.value = "true"
            #expect(try await session.post(call).status == 400)
            call.launchNestedContainerSession.containerID.clearParent()
            #expect(try await session.post(call).text.contains("standalone"))
            let input = session.attachInput()
            #expect(try await input.reply.value.status == 404)
            var waiting = V1AgentAPICall()
            waiting.type = .waitNestedContainer
            waiting.waitNestedContainer.containerID = session.id
            #expect(try await session.post(waiting).status == 404)
        }
    }

    /// Of this host: containers' processes are among them.
    private static func processes(_ mark: String) -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int($0) }.filter { pid in
            guard let content = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
            let words = content.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.contains("sleep") && words.contains(mark)
        }
    }
}
