// Programs started in a running container, as the engine's calls about them go.

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

    @Test func `a program's connection is the caller's, and its end is known`() async throws {
        try await withContainer { engine, container in
            var request = DockerExecRequest(["/bin/sh", "-c", "read line; echo $A$line; exit 4"])
            request.environment = ["A=out"]
            request.takesInput = true
            let id = try await engine.createExec(in: container, request)
            let attachment = try await engine.startExec(id, hasTerminal: false)
            let connection = FileHandle(fileDescriptor: attachment.descriptor, closeOnDealloc: true)
            try connection.write(contentsOf: Data("side\n".utf8))
            let state = try await wait("the exec's end") {
                let state = try await engine.inspectExec(id)
                return state.isRunning ? nil : state
            }
            #expect(state.exitCode == 4)
            #expect(!state.container.isEmpty)
            var decoder = DockerLogDecoder()
            var bytes = decoder.decode(attachment.received).flatMap(\.bytes)
            while bytes.count < 8, let more = try connection.read(upToCount: 100), !more.isEmpty {
                bytes += decoder.decode(Array(more)).flatMap(\.bytes)
            }
            #expect(String(decoding: bytes, as: UTF8.self) == "outside\n")
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
