// The Docker Engine API as far as tasks need it: calls over the unix socket, each with a deadline.

import HTTPClient
import Mailbox
import MesosProtocol

/// What went wrong with a call to the engine.
package enum DockerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No answer: the engine is down, restarting or hanging. Whether the call took effect is not known.
    case unreachable(String)
    /// The engine says no.
    case refused(status: Int, message: String)
    /// An answer that makes no sense.
    case malformed(String)
    case cancelled

    package var description: String {
        switch self {
        case .unreachable(let reason): "the Docker engine does not answer: \(reason)"
        case .refused(let status, let message): message.isEmpty ? "the Docker engine answered \(status)" : message
        case .malformed(let what): "the Docker engine gave an unusable answer: \(what)"
        case .cancelled: "cancelled"
        }
    }

    var isNotFound: Bool { if case .refused(404, _) = self { true } else { false } }
    var isConflict: Bool { if case .refused(409, _) = self { true } else { false } }
    var isUnreachable: Bool { if case .unreachable = self { true } else { false } }
}

/// A Docker Engine behind a unix socket. Stateless but for the negotiated version.
package struct DockerEngine: Sendable {
    /// The newest API version this code was written for. Older engines get their own.
    static let versionMax = DockerAPIVersion(major: 1, minor: 41)

    /// Deadline of a call that the engine answers from memory.
    static let quickTimeout: Duration = .seconds(10)
    /// Deadline of a call that makes the engine work: create, start, remove.
    static let workTimeout: Duration = .seconds(60)

    package let socketPath: String
    private let client: HTTPClient
    private let version = Locked<DockerAPIVersion?>(nil)

    package init(socketPath: String, client: HTTPClient = .shared) {
        self.socketPath = socketPath
        self.client = client
    }

    /// Asks whether the engine is there and agrees on an API version.
    @discardableResult
    package func ping() async throws(DockerError) -> DockerAPIVersion {
        let reply = try await send("GET", "/_ping", timeout: Self.quickTimeout)
        guard reply.status == 200 else { throw Self.refusal(reply) }
        let theirs = reply.header("Api-Version").flatMap { DockerAPIVersion($0) } ?? Self.versionMax
        let agreed = min(theirs, Self.versionMax)
        version.withLock { $0 = agreed }
        return agreed
    }

    // MARK: Images

    package func hasImage(_ name: String) async throws(DockerError) -> Bool {
        do throws(DockerError) {
            try await call("GET", "/images/\(Self.escaped(name))/json")
            return true
        } catch  where error.isNotFound {
            return false
        }
    }

    /// Pulls an image and reads the engine's progress to its end, where errors hide behind status 200.
    package func pull(_ name: String, timeout: Duration) async throws(DockerError) {
        let image = ImageReference(name)
        let path = "/images/create?fromImage=\(Self.escaped(image.repository))&tag=\(Self.escaped(image.tag))"
        var request = try await request("POST", path)
        request.totalTimeout = timeout
        let response = try await execute(request)
        var progress = PullProgress()
        var body: [UInt8] = []
        do throws(HTTPClientError) {
            for try await chunk in response.body {
                if response.status == 200 {
                    progress.append(chunk)
                } else if body.count < 65_536 {
                    body += chunk
                }
            }
        } catch {
            throw Self.translate(error)
        }
        guard response.status == 200 else {
            throw .refused(status: response.status, message: DockerAnswers.message(body))
        }
        if let failure = progress.finish() { throw .refused(status: 500, message: failure) }
    }

    // MARK: Containers

    /// Containers that carry a label, running or not.
    package func containers(label: String, value: String) async throws(DockerError) -> [DockerListEntry] {
        let filter = JSONValue.members([("label", .strings(["\(label)=\(value)"]))])
        let reply = try await call(
            "GET", "/containers/json?all=1&filters=\(Self.escaped(String(decoding: filter.text, as: UTF8.self)))")
        return try DockerAnswers.list(reply.body)
    }

    package func create(name: String, body: [UInt8]) async throws(DockerError) {
        try await call(
            "POST", "/containers/create?name=\(Self.escaped(name))", body: body, timeout: Self.workTimeout)
    }

    /// Starting one that runs is fine.
    package func start(_ name: String) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(name))/start", timeout: Self.workTimeout)
    }

    package func inspect(_ name: String) async throws(DockerError) -> DockerContainer {
        try DockerAnswers.container(try await call("GET", "/containers/\(Self.escaped(name))/json").body)
    }

    /// Waits until the container is not running, at most for `limit`.
    ///
    /// - Returns: Whether it has ended. Look at it for how: a connection that breaks looks like an end, too.
    package func wait(_ name: String, atMost limit: Duration) async throws(DockerError) -> Bool {
        do throws(DockerError) {
            try await call("POST", "/containers/\(Self.escaped(name))/wait", timeout: limit)
            return true
        } catch  where error.isUnreachable {
            return false
        }
    }

    /// Sends the container's stop signal, and SIGKILL after `graceSeconds`. Returns when the container has ended.
    package func stop(_ name: String, graceSeconds: Int) async throws(DockerError) {
        try await call(
            "POST", "/containers/\(Self.escaped(name))/stop?t=\(graceSeconds)",
            timeout: .seconds(graceSeconds) + Self.workTimeout)
    }

    package func kill(_ name: String) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(name))/kill?signal=KILL")
    }

    /// Removes the container with its anonymous volumes, ending it if need be.
    package func remove(_ name: String) async throws(DockerError) {
        try await call("DELETE", "/containers/\(Self.escaped(name))?force=1&v=1", timeout: Self.workTimeout)
    }

    /// The container's output from its start, framed, until it ends.
    package func logs(_ name: String) async throws(DockerError) -> HTTPClientBody {
        let request = try await request(
            "GET", "/containers/\(Self.escaped(name))/logs?follow=1&stdout=1&stderr=1")
        let response = try await execute(request)
        guard response.status == 200 else {
            throw .refused(status: response.status, message: "logs of \(name) are not to be had")
        }
        return response.body
    }

    // MARK: Calls

    @discardableResult
    func call(
        _ method: String, _ path: String, body: [UInt8]? = nil, timeout: Duration = Self.quickTimeout
    ) async throws(DockerError) -> HTTPClientReply {
        let reply = try await send(method, "\(try await prefix())\(path)", body: body, timeout: timeout)
        // 304: it was so already.
        guard (200..<300).contains(reply.status) || reply.status == 304 else { throw Self.refusal(reply) }
        return reply
    }

    private func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, timeout: Duration
    ) async throws(DockerError) -> HTTPClientReply {
        var request = bareRequest(method, path)
        request.totalTimeout = timeout
        if let body {
            request.body = body
            request.headers = [("Content-Type", "application/json")]
        } else if method == "POST" {
            request.body = []
        }
        do throws(HTTPClientError) {
            return try await client.fetch(request)
        } catch {
            throw forget(Self.translate(error))
        }
    }

    func execute(_ request: HTTPClientRequest) async throws(DockerError) -> HTTPClientResponse {
        do throws(HTTPClientError) {
            return try await client.execute(request)
        } catch {
            throw forget(Self.translate(error))
        }
    }

    func request(_ method: String, _ path: String) async throws(DockerError) -> HTTPClientRequest {
        var request = bareRequest(method, "\(try await prefix())\(path)")
        if method == "POST" { request.body = [] }
        return request
    }

    private func bareRequest(_ method: String, _ path: String) -> HTTPClientRequest {
        HTTPClientRequest(method: method, url: "http://docker\(path)", unixSocketPath: socketPath)
    }

    private func prefix() async throws(DockerError) -> String {
        if let known = version.withLock({ $0 }) { return known.pathPrefix }
        return try await ping().pathPrefix
    }

    /// After a silence the engine may come back as another version.
    private func forget(_ error: DockerError) -> DockerError {
        if error.isUnreachable { version.withLock { $0 = nil } }
        return error
    }

    static func translate(_ error: HTTPClientError) -> DockerError {
        switch error {
        case .cancelled: .cancelled
        case .bodyTooLarge: .malformed("the answer is too large")
        case .couldNotConnect, .notSecure, .timedOut, .closedEarly, .invalidURL, .other: .unreachable("\(error)")
        }
    }

    private static func refusal(_ reply: HTTPClientReply) -> DockerError {
        .refused(status: reply.status, message: DockerAnswers.message(reply.body))
    }

    /// Percent-escapes everything but letters, digits and `-._~/`.
    static func escaped(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A version of the Engine API.
package struct DockerAPIVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major: major, minor: minor)
    }

    var pathPrefix: String { "/v\(self)" }
    package var description: String { "\(major).\(minor)" }

    package static func < (left: DockerAPIVersion, right: DockerAPIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
