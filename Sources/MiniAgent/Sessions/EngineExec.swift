// Commands in containers of the Docker Engine: its exec calls, one of which turns into a plain byte stream.

import Glibc
import HTTPClient
import Mailbox
import MesosProtocol

/// The engine's calls about commands in running containers. No version is named: the engine speaks its own.
struct EngineExec: Sendable {
    /// A command as the engine describes it.
    struct Description: Hashable, Sendable {
        var isRunning: Bool
        var exitCode: Int?
        /// On the engine's host; zero: none.
        var pid: pid_t
        /// The engine's id of the container.
        var container: String
    }

    private static let timeout = Duration.seconds(10)
    private static let headBytesMax = 64 << 10

    let socketPath: String

    func create(container: String, body: JSONValue) async throws(SessionFailure) -> String {
        let answer = try await call("POST", "/containers/\(DockerEngine.escaped(container))/exec", body.text)
        guard let id = answer["Id"]?.stringValue, !id.isEmpty else {
            throw SessionFailure(description: "the Docker engine gave no id")
        }
        return id
    }

    func inspect(_ id: String) async throws(SessionFailure) -> Description {
        let answer = try await call("GET", "/exec/\(DockerEngine.escaped(id))/json", nil)
        return Description(
            isRunning: answer["Running"]?.boolValue ?? false, exitCode: answer["ExitCode"]?.integerValue,
            pid: pid_t(clamping: answer["Pid"]?.integerValue ?? 0), container: answer["ContainerID"]?.stringValue ?? "")
    }

    func resize(_ id: String, _ terminal: SessionRequest.Terminal) async throws(SessionFailure) {
        _ = try await call(
            "POST", "/exec/\(DockerEngine.escaped(id))/resize?h=\(terminal.rows)&w=\(terminal.columns)", [])
    }

    private func call(
        _ method: String, _ path: String, _ body: [UInt8]?
    ) async throws(SessionFailure) -> JSONValue {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)", unixSocketPath: socketPath)
        request.totalTimeout = Self.timeout
        if let body {
            request.body = body
            request.headers = [("Content-Type", "application/json")]
        }
        let reply: HTTPClientReply
        do throws(HTTPClientError) { reply = try await HTTPClient.shared.fetch(request, bodyMax: 1 << 20) } catch {
            throw SessionFailure(description: "the Docker engine does not answer: \(error)")
        }
        guard (200..<300).contains(reply.status) else {
            throw SessionFailure(description: DockerAnswers.message(reply.body))
        }
        return (try? JSONValue(parsing: reply.body)) ?? .null
    }

    // MARK: The byte stream

    struct Attachment: Sendable {
        /// The caller's to close.
        var descriptor: Int32
        /// What came with the answer's head.
        var received: [UInt8]
    }

    /// Starts the command and takes over the connection.
    func start(_ id: String, terminal: Bool) async throws(SessionFailure) -> Attachment {
        let body = Array("{\"Detach\":false,\"Tty\":\(terminal)}".utf8)
        let head =
            "POST /exec/\(DockerEngine.escaped(id))/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            + "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: \(body.count)\r\n\r\n"
        let request = Array(head.utf8) + body
        let result = await withCheckedContinuation { continuation in
            // Blocks, at most for the timeout.
            DedicatedThread.start(named: "exec-start") { [socketPath] in
                continuation.resume(
                    returning: Result { () throws(SessionFailure) in try Self.open(socketPath, request) })
            }
        }
        return try result.get()
    }

    private static func open(_ path: String, _ request: [UInt8]) throws(SessionFailure) -> Attachment {
        func failure(_ what: String) -> SessionFailure {
            SessionFailure(
                description: "the Docker engine does not answer: \(what): \(String(cString: strerror(errno)))")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("no socket") }
        do throws(SessionFailure) {
            var patience = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
            }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw SessionFailure(description: "the path of the Docker socket is too long: \(path)")
            }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard code == 0 else { throw failure("cannot connect to \(path)") }
            var sent = 0
            while sent < request.count {
                let count = send(
                    descriptor, Array(request[sent...]), request.count - sent, Int32(MSG_NOSIGNAL))
                guard count > 0 else { throw failure("cannot send") }
                sent += count
            }
            let received = try readHead(descriptor)
            return Attachment(descriptor: descriptor, received: received)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// - Returns: What came after the head.
    private static func readHead(_ descriptor: Int32) throws(SessionFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0, bytes.count + count <= headBytesMax else {
                throw SessionFailure(description: "the Docker engine does not answer the start of a command")
            }
            bytes += buffer[..<count]
            guard let end = headEnd(bytes) else { continue }
            let status = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2).dropFirst().first ?? []
            // 200 comes from engines that do not mind the missing upgrade.
            guard status == Array("101".utf8)[...] || status == Array("200".utf8)[...] else {
                throw SessionFailure(description: DockerAnswers.message(Array(bytes[end...])))
            }
            return Array(bytes[end...])
        }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}
