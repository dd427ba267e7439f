// A client of the agent's session calls, as small as a test can use.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent

/// One command beside a task.
struct SessionClient: Sendable {
    let url: String
    let id: V1ContainerID

    /// - Parameter task: A task of `host` that runs.
    init(_ host: AgentHost, beside task: String) async throws {
        guard let agent = host.agent else { throw Timeout(description: "no agent runs") }
        url = agent.url + "/api/v1"
        var id = V1ContainerID()
        id.value = UUID().uuidString.lowercased()
        id.parent = try await host.master.update(task, .taskRunning).containerStatus.containerID
        self.id = id
    }

    /// Launches a command and returns its output as it comes.
    func launch(
        _ command: String, terminal: (rows: UInt32, columns: UInt32)? = nil
    ) async throws -> SessionOutput {
        var call = V1AgentAPICall()
        call.type = .launchNestedContainerSession
        call.launchNestedContainerSession.containerID = id
        call.launchNestedContainerSession.command.value = command
        if let terminal {
            call.launchNestedContainerSession.container.type = .mesos
            call.launchNestedContainerSession.container.ttyInfo.windowSize.rows = terminal.rows
            call.launchNestedContainerSession.container.ttyInfo.windowSize.columns = terminal.columns
        }
        return try await open(call)
    }

    /// Reads what the container, or its parent if it is a task's, prints from now on.
    func attachOutput(to container: V1ContainerID) async throws -> SessionOutput {
        var call = V1AgentAPICall()
        call.type = .attachContainerOutput
        call.attachContainerOutput.containerID = container
        return try await open(call)
    }

    private func open(_ call: V1AgentAPICall) async throws -> SessionOutput {
        let request = HTTPClientRequest(
            method: "POST", url: url,
            headers: [
                ("Content-Type", "application/json"), ("Accept", "application/recordio"),
                ("Message-Accept", "application/json"),
            ], body: MediaType.json.encode(call), idleTimeout: .seconds(60))
        let response = try await HTTPClient.shared.execute(request)
        guard response.status == 200 else {
            var text: [UInt8] = []
            for try await piece in response.body { text += piece }
            throw Timeout(description: "\(response.status): \(String(decoding: text, as: UTF8.self))")
        }
        guard response.header("Content-Type") == "application/recordio" else {
            throw Timeout(description: "the answer is \(response.header("Content-Type") ?? "of no type")")
        }
        return SessionOutput(body: response.body)
    }

    // MARK: Input

    /// Opens the input: the first record names the container.
    func attachInput(to container: V1ContainerID? = nil) -> (
        upload: HTTPClientUpload, reply: Task<HTTPClientReply, any Error>
    ) {
        let upload = HTTPClientUpload()
        var first = V1AgentAPICall()
        first.type = .attachContainerInput
        first.attachContainerInput.type = .containerID
        first.attachContainerInput.containerID = container ?? id
        upload.write(RecordIO.encode(MediaType.json.encode(first)))
        let request: HTTPClientRequest = {
            var request = HTTPClientRequest(
                method: "POST", url: url,
                headers: [("Content-Type", "application/recordio"), ("Message-Content-Type", "application/json")],
                totalTimeout: .seconds(60))
            request.upload = upload
            return request
        }()
        return (upload, Task { try await HTTPClient.shared.fetch(request) })
    }

    /// Types; nothing at all ends the input.
    static func type(_ text: String, into upload: HTTPClientUpload) {
        var message = V1AgentAPIProcessIO()
        message.type = .data
        message.data.type = .stdin
        message.data.data = Data(text.utf8)
        send(message, into: upload)
    }

    static func resize(rows: UInt32, columns: UInt32, into upload: HTTPClientUpload) {
        var message = V1AgentAPIProcessIO()
        message.type = .control
        message.control.type = .ttyInfo
        message.control.ttyInfo.windowSize.rows = rows
        message.control.ttyInfo.windowSize.columns = columns
        send(message, into: upload)
    }

    private static func send(_ message: V1AgentAPIProcessIO, into upload: HTTPClientUpload) {
        var call = V1AgentAPICall()
        call.type = .attachContainerInput
        call.attachContainerInput.type = .processIo
        call.attachContainerInput.processIo = message
        upload.write(RecordIO.encode(MediaType.json.encode(call)))
    }

    // MARK: The end

    func post(_ call: V1AgentAPICall) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(
            method: "POST", url: url, headers: [("Content-Type", "application/json")],
            body: MediaType.json.encode(call))
        request.totalTimeout = .seconds(30)
        return try await HTTPClient.shared.fetch(request)
    }

    /// The command's wait status.
    func waitStatus() async throws -> Int32? {
        var call = V1AgentAPICall()
        call.type = .waitNestedContainer
        call.waitNestedContainer.containerID = id
        let reply = try await post(call)
        guard reply.status == 200 else { throw Timeout(description: "\(reply.status): \(reply.text)") }
        let answer = try MesosJSON.decode(V1AgentAPIResponse.self, from: reply.body).waitNestedContainer
        return answer.hasExitStatus ? answer.exitStatus : nil
    }
}

/// What a command prints, both streams apart.
final class SessionOutput {
    private let body: HTTPClientBody
    private var pieces: HTTPClientBody.AsyncIterator
    private var decoder = RecordIODecoder()
    private(set) var output = ""
    private(set) var error = ""

    init(body: HTTPClientBody) {
        self.body = body
        pieces = body.makeAsyncIterator()
    }

    /// Reads until `text` has been printed.
    func wait(for text: String) async throws {
        while !output.contains(text) {
            guard try await readOn() else {
                throw Timeout(description: "'\(text)' was not printed, but '\(output)' and '\(error)'")
            }
        }
    }

    func readToEnd() async throws { while try await readOn() {} }

    func hangUp() { body.cancel() }

    func readOn() async throws -> Bool {
        guard let piece = try await pieces.next() else { return false }
        decoder.append(piece)
        while let record = try decoder.next() {
            let message = try MesosJSON.decode(V1AgentAPIProcessIO.self, from: record)
            guard message.type == .data else { continue }
            let text = String(decoding: message.data.data, as: UTF8.self)
            if message.data.type == .stderr { error += text } else { output += text }
        }
        return true
    }
}
