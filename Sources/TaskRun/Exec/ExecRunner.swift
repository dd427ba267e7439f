// Runs a command beside a task, in the task's container, as if it ran here: its input, its output, its exit status.

import CLinux
import Foundation
import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import OperatorClient

/// One command beside one task.
public struct ExecRunner: Sendable {
    public var masters: MasterLocations
    public var task: String
    /// Whose task; nil if there is only one of that name.
    public var framework: String?
    public var command: [String]
    public var environment: [(name: String, value: String)] = []
    /// Whom the command runs as; nil: as the task.
    public var user: String?
    /// Whether the command gets a terminal.
    public var hasTerminal = false
    public var credentials: (principal: String, secret: String)?
    /// Nil: plain HTTP.
    public var tls: ClientTLS?

    public init(masters: MasterLocations, task: String, command: [String]) {
        self.masters = masters
        self.task = task
        self.command = command
    }

    /// Runs the command. While a terminal is attached, this process's own terminal hands every key through.
    ///
    /// - Parameter found: Called when it is known where the task is, before anything is printed.
    /// - Returns: The command's exit status; 128 and the signal's number if a signal ended it.
    public func run(found isFound: @Sendable () async -> Void = {}) async throws(ExecFailure) -> Int32 {
        let http = tls.map { HTTPClient(tls: $0) } ?? .shared
        let authorization = credentials.map { principal, secret in
            "Basic " + Data("\(principal):\(secret)".utf8).base64EncodedString()
        }
        let connection = OperatorConnection(master: masters, credentials: credentials, tls: tls)
        let found = try await TaskFinder(connection: connection).find(task, framework: framework)
        await isFound()
        var id = V1ContainerID()
        id.value = "\(UUID())".lowercased()
        id.parent = found.container
        let agent = AgentCalls(url: found.agentURL, http: http, authorization: authorization)
        let output = try await agent.stream(launch(id))
        let terminal = hasTerminal ? RawTerminal() : nil
        defer { terminal?.restore() }
        let upload = HTTPClientUpload()
        let typing = Task { await agent.type(upload) }
        Typist(upload: upload, id: id, terminal: terminal).start()
        let isWhole = await Printer(body: output).run()
        upload.finish()
        typing.cancel()
        guard isWhole else { throw ExecFailure(description: "the connection to the agent at \(found.agentURL) broke") }
        return try await agent.exitStatus(of: id)
    }

    private func launch(_ id: V1ContainerID) -> V1AgentAPICall {
        var call = V1AgentAPICall()
        call.type = .launchNestedContainerSession
        call.launchNestedContainerSession.containerID = id
        var info = V1CommandInfo()
        info.shell = false
        info.value = command.first ?? ""
        info.arguments = command
        if let user { info.user = user }
        var variables = environment
        if hasTerminal, let term = ProcessInfo.processInfo.environment["TERM"],
            !variables.contains(where: { $0.name == "TERM" })
        {
            variables.append((name: "TERM", value: term))
        }
        info.environment.variables = variables.map { name, value in
            var variable = V1Environment.Variable()
            variable.name = name
            variable.value = value
            return variable
        }
        call.launchNestedContainerSession.command = info
        if hasTerminal {
            call.launchNestedContainerSession.container.type = .mesos
            call.launchNestedContainerSession.container.ttyInfo = RawTerminal.size(of: STDIN_FILENO)
        }
        return call
    }
}

/// The agent's side of the conversation.
private struct AgentCalls: Sendable {
    private static let json = MediaType.json.rawValue

    let url: String
    let http: HTTPClient
    let authorization: String?

    private func request(_ headers: [(String, String)]) -> HTTPClientRequest {
        HTTPClientRequest(
            method: "POST", url: "\(url)/api/v1",
            headers: headers + (authorization.map { [("Authorization", $0)] } ?? []))
    }

    /// Opens a stream of records.
    func stream(_ call: V1AgentAPICall) async throws(ExecFailure) -> HTTPClientBody {
        var request = request([
            ("Content-Type", Self.json), ("Accept", "application/recordio"), ("Message-Accept", Self.json),
        ])
        request.body = MediaType.json.encode(call)
        // The agent gives a sign of life every 30 seconds.
        request.idleTimeout = .seconds(120)
        let response: HTTPClientResponse
        do throws(HTTPClientError) { response = try await http.execute(request) } catch {
            throw ExecFailure(description: "\(url): \(error)")
        }
        guard response.status == 200 else {
            var text: [UInt8] = []
            do throws(HTTPClientError) {
                for try await piece in response.body where text.count < 1000 { text += piece }
            } catch { text = Array("\(error)".utf8) }
            throw ExecFailure(
                description: "the agent at \(url) answered \(response.status): \(String(decoding: text, as: UTF8.self))"
            )
        }
        return response.body
    }

    /// Sends what is typed until it is finished or the command has ended. What the agent answers is of no interest: the
    /// command's own stream says more.
    func type(_ upload: HTTPClientUpload) async {
        var request = request([("Content-Type", "application/recordio"), ("Message-Content-Type", Self.json)])
        request.upload = upload
        _ = try? await http.fetch(request)
    }

    func exitStatus(of id: V1ContainerID) async throws(ExecFailure) -> Int32 {
        var call = V1AgentAPICall()
        call.type = .waitNestedContainer
        call.waitNestedContainer.containerID = id
        let answer = try await ask(call)
        guard let response = try? MesosJSON.decode(V1AgentAPIResponse.self, from: answer),
            response.waitNestedContainer.hasExitStatus
        else {
            throw ExecFailure(description: "the agent at \(url) does not say how the command ended")
        }
        var removal = V1AgentAPICall()
        removal.type = .removeNestedContainer
        removal.removeNestedContainer.containerID = id
        _ = try? await ask(removal)
        let status = response.waitNestedContainer.exitStatus
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    private func ask(_ call: V1AgentAPICall) async throws(ExecFailure) -> [UInt8] {
        var request = request([("Content-Type", Self.json), ("Accept", Self.json)])
        request.body = MediaType.json.encode(call)
        request.totalTimeout = .seconds(30)
        do throws(HTTPClientError) {
            let reply = try await http.fetch(request)
            guard reply.status == 200 else {
                throw HTTPClientError.other(code: 0, message: "\(reply.status): \(reply.text.prefix(300))")
            }
            return reply.body
        } catch {
            throw ExecFailure(description: "the agent at \(url): \(error)")
        }
    }
}

/// Prints what the command prints.
private struct Printer {
    let body: HTTPClientBody

    /// - Returns: Whether the stream came to its proper end.
    func run() async -> Bool {
        var decoder = RecordIODecoder()
        do {
            for try await piece in body {
                decoder.append(piece)
                while let record = try decoder.next() {
                    let message = try MesosJSON.decode(V1AgentAPIProcessIO.self, from: record)
                    guard message.type == .data else { continue }
                    let file = message.data.type == .stderr ? FileHandle.standardError : .standardOutput
                    // Whoever read our output may have gone: then so do we.
                    try file.write(contentsOf: message.data.data)
                }
            }
            try decoder.finish()
            return true
        } catch {
            return false
        }
    }
}

/// Hands on what is typed here.
private struct Typist: Sendable {
    let upload: HTTPClientUpload
    let id: V1ContainerID
    let terminal: RawTerminal?

    func start() {
        var first = V1AgentAPICall()
        first.type = .attachContainerInput
        first.attachContainerInput.type = .containerID
        first.attachContainerInput.containerID = id
        write(first)
        if terminal != nil {
            RawTerminal.onResize { size in
                var message = V1AgentAPIProcessIO()
                message.type = .control
                message.control.type = .ttyInfo
                message.control.ttyInfo = size
                write(message)
            }
        }
        DedicatedThread.start(named: "stdin") {
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            while true {
                let count = read(STDIN_FILENO, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                type(Array(buffer[..<max(0, count)]))
                if count <= 0 { return }
            }
        }
    }

    /// Nothing at all says that no more comes.
    private func type(_ bytes: [UInt8]) {
        var message = V1AgentAPIProcessIO()
        message.type = .data
        message.data.type = .stdin
        message.data.data = Data(bytes)
        // The agent takes no more than the command does: then the reader of our input waits.
        while !write(message), !upload.isFinished { usleep(20_000) }
    }

    @discardableResult
    private func write(_ message: V1AgentAPIProcessIO) -> Bool {
        var call = V1AgentAPICall()
        call.type = .attachContainerInput
        call.attachContainerInput.type = .processIo
        call.attachContainerInput.processIo = message
        return write(call)
    }

    @discardableResult
    private func write(_ call: V1AgentAPICall) -> Bool {
        upload.write(RecordIO.encode(MediaType.json.encode(call)))
    }
}
