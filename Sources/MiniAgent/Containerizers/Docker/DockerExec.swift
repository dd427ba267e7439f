// Programs started inside a running container.

import HTTPClient
import MesosProtocol

/// What to start inside a container.
package struct DockerExecRequest: Hashable, Sendable {
    package var command: [String]
    /// `NAME=value`, on top of the container's own variables.
    package var environment: [String] = []
    /// Nil: the container's.
    package var user: String?
    package var workingDirectory: String?
    package var hasTerminal = false
    /// Whether what is written to the stream becomes its input. Without, it reads nothing.
    package var takesInput = false

    package init(_ command: [String]) { self.command = command }

    package var body: [UInt8] {
        JSONValue.members([
            ("AttachStdin", .bool(takesInput)), ("AttachStdout", .bool(true)), ("AttachStderr", .bool(true)),
            ("Tty", .bool(hasTerminal)), ("Cmd", .strings(command)),
            ("Env", environment.isEmpty ? nil : .strings(environment)), ("User", user.map { .string($0) }),
            ("WorkingDir", workingDirectory.map { .string($0) }),
        ]).text
    }
}

/// A program inside a container, as the engine sees it.
package struct DockerExecState: Hashable, Sendable {
    package var isRunning: Bool
    /// Nil as long as it runs. 126 and 127 also mean that it could not be started.
    package var exitCode: Int?
    /// On the host; 0 when it has ended.
    package var pid: Int
    /// The engine's id of the container.
    package var container: String

    static func parse(_ body: [UInt8]) throws(DockerError) -> DockerExecState {
        guard let value = try? JSONValue(parsing: body), let isRunning = value["Running"]?.boolValue else {
            throw .malformed("an exec without Running")
        }
        return DockerExecState(
            isRunning: isRunning, exitCode: isRunning ? nil : value["ExitCode"]?.integerValue,
            pid: value["Pid"]?.integerValue ?? 0, container: value["ContainerID"]?.stringValue ?? "")
    }
}

extension DockerEngine {
    /// Prepares a program. It does not run yet.
    ///
    /// - Returns: The engine's id of it.
    package func createExec(
        in container: String, _ request: DockerExecRequest
    ) async throws(DockerError) -> String {
        let reply = try await call(
            "POST", "/containers/\(Self.escaped(container))/exec", body: request.body, timeout: deadlines.work)
        guard let id = (try? JSONValue(parsing: reply.body))?["Id"]?.stringValue, !id.isEmpty else {
            throw .malformed("an exec without Id")
        }
        return id
    }

    /// Starts a prepared program with its input and output on a connection, framed unless it has a terminal.
    package func startExec(_ id: String, hasTerminal: Bool) async throws(DockerError) -> DockerAttachment {
        try await hijack("/exec/\(Self.escaped(id))/start", body: Self.startBody(hasTerminal: hasTerminal))
    }

    /// Tells a program's terminal its size.
    package func resizeExec(_ id: String, rows: Int, columns: Int) async throws(DockerError) {
        try await call("POST", "/exec/\(Self.escaped(id))/resize?h=\(rows)&w=\(columns)")
    }

    package func inspectExec(_ id: String) async throws(DockerError) -> DockerExecState {
        try DockerExecState.parse(try await call("GET", "/exec/\(Self.escaped(id))/json").body)
    }

    /// Runs a prepared program without input to its end, and drops its output.
    package func runExec(_ id: String) async throws(DockerError) {
        var request = try await request("POST", "/exec/\(Self.escaped(id))/start")
        request.body = Self.startBody(hasTerminal: false)
        request.headers = [("Content-Type", "application/json")]
        let response = try await execute(request)
        guard response.status == 200 else {
            throw .refused(status: response.status, message: "the engine did not run the command")
        }
        do throws(HTTPClientError) {
            var chunks = response.body.makeAsyncIterator()
            while try await chunks.next(isolation: #isolation) != nil {}
        } catch {
            throw Self.translate(error)
        }
    }

    /// Opens a connection to the input of a container that keeps it open. Nothing comes back.
    package func attachInput(to container: String) async throws(DockerError) -> DockerAttachment {
        try await hijack("/containers/\(Self.escaped(container))/attach?stream=1&stdin=1")
    }

    /// Tells a container's terminal its size.
    package func resize(_ container: String, rows: Int, columns: Int) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(container))/resize?h=\(rows)&w=\(columns)")
    }

    private static func startBody(hasTerminal: Bool) -> [UInt8] {
        JSONValue.members([("Detach", .bool(false)), ("Tty", .bool(hasTerminal))]).text
    }

    private func hijack(_ path: String, body: [UInt8] = []) async throws(DockerError) -> DockerAttachment {
        let head = """
            POST \(try await prefix())\(path) HTTP/1.1\r
            Host: docker\r
            Connection: Upgrade\r
            Upgrade: tcp\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            \r

            """
        return try await DockerAttachment.open(
            socketPath: socketPath, request: Array(head.utf8) + body, timeout: deadlines.work)
    }
}
