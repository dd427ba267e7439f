// Programs started in a running container, with their input and output as streams.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct DockerExecTests {
    private func withContainer(_ body: (DockerEngine, String) async throws -> Void) async throws {
        try await BusyboxImage.provide()
        let name = "mini-exec-\(UUID().uuidString.prefix(8))"
        _ = try await BusyboxImage.json(
            "POST", "/containers/create?name=\(name)",
            body: #"{"Image":"\#(BusyboxImage.name)","Cmd":["sleep","100"],"HostConfig":{"NetworkMode":"none"}}"#)
        _ = try await BusyboxImage.json("POST", "/containers/\(name)/start", body: "")
        do { try await body(DockerEngine(socketPath: BusyboxImage.socket), name) } catch {
            _ = try await BusyboxImage.call("DELETE", "/containers/\(name)?force=1")
            throw error
        }
        _ = try await BusyboxImage.call("DELETE", "/containers/\(name)?force=1")
    }

    @Test func `a short program's output and exit code`() async throws {
        try await withContainer { engine, container in
            var request = DockerExecRequest(["/bin/sh", "-c", "echo $A; echo err >&2; exit 4"])
            request.environment = ["A=out"]
            let result = try await engine.runExec(in: container, request, timeout: .seconds(10))
            #expect(result.exitCode == 4)
            #expect(String(decoding: result.standardOutput, as: UTF8.self) == "out\n")
            #expect(String(decoding: result.standardError, as: UTF8.self) == "err\n")
        }
    }

    @Test func `input goes in, output comes out, and the end of the input is one`() async throws {
        try await withContainer { engine, container in
            var request = DockerExecRequest(["/bin/cat"])
            request.takesInput = true
            let id = try await engine.createExec(in: container, request)
            let stream = try await engine.startExec(id, hasTerminal: false)
            let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let writing = Task {
                for start in stride(from: 0, to: sent.count, by: 10_000) {
                    try await stream.write(Array(sent[start..<(start + 10_000)]))
                }
                stream.closeInput()
            }
            var decoder = DockerLogDecoder()
            var received: [UInt8] = []
            while let bytes = try await stream.read() { received += decoder.decode(bytes).flatMap(\.bytes) }
            try await writing.value
            #expect(received == sent)
            let state = try await wait("the exec's end") {
                let state = try await engine.inspectExec(id)
                return state.isRunning ? nil : state
            }
            #expect(state.exitCode == 0)
        }
    }

    @Test func `a terminal has a size, echoes, and its stream can be let go of`() async throws {
        try await withContainer { engine, container in
            var request = DockerExecRequest(["/bin/sh"])
            request.takesInput = true
            request.hasTerminal = true
            let id = try await engine.createExec(in: container, request)
            do {
                let stream = try await engine.startExec(id, hasTerminal: true)
                try await engine.resizeExec(id, rows: 33, columns: 99)
                try await stream.write(Array("echo $((40+2))\n".utf8))
                var text = ""
                while !text.contains("42\r\n"), let bytes = try await stream.read() {
                    text += String(decoding: bytes, as: UTF8.self)
                }
                #expect(text.contains("42\r\n"))
                stream.close()
                await #expect(throws: DockerError.self) { while try await stream.read() != nil {} }
            }
            // The engine keeps the program; it ends with its container.
            #expect(try await engine.inspectExec(id).isRunning)
        }
    }

    @Test func `a container that is not there is refused in the engine's words`() async throws {
        let engine = DockerEngine(socketPath: BusyboxImage.socket)
        await #expect(throws: DockerError.refused(status: 404, message: "No such container: mini-none")) {
            _ = try await engine.createExec(in: "mini-none", DockerExecRequest(["true"]))
        }
        await #expect(throws: DockerError.self) { _ = try await engine.startExec("none", hasTerminal: false) }
    }
}
