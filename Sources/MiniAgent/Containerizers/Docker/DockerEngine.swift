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

    init(_ error: HTTPCallError) {
        switch error {
        case .unreachable(let reason): self = .unreachable(reason)
        case .malformed(let what): self = .malformed(what)
        case .cancelled: self = .cancelled
        }
    }

    var isNotFound: Bool { if case .refused(404, _) = self { true } else { false } }
    var isConflict: Bool { if case .refused(409, _) = self { true } else { false } }
    var isUnreachable: Bool { if case .unreachable = self { true } else { false } }
}

/// How long the engine may take to answer.
package struct DockerDeadlines: Hashable, Sendable {
    /// A call that it answers from memory.
    package var quick: Duration = .seconds(10)
    /// A call that makes it work: create, start, remove.
    package var work: Duration = .seconds(60)
    /// How often its health is looked at.
    package var watchInterval: Duration = .seconds(10)

    package init() {}
}

/// What an engine says of itself.
package struct DockerEngineInfo: Hashable, Sendable {
    /// The version of the API that both sides speak.
    package var version: DockerAPIVersion
    /// Podman answers the same calls, with differences that ``DockerMapping`` knows.
    package var isPodman: Bool
}

/// A Docker Engine behind a unix socket, or Podman's service that stands in for one. Stateless but for the negotiated
/// version.
package struct DockerEngine: Sendable {
    /// The API versions this code was written for: Docker 20.10 to 28. A newer engine is spoken to as one of these.
    static let versions = DockerAPIVersion(major: 1, minor: 41)...DockerAPIVersion(major: 1, minor: 51)
    /// Far more than any answer needs; a list of a thousand containers takes one.
    private static let answerBytesMax = 8 << 20

    package let socketPath: String
    let deadlines: DockerDeadlines
    private let calls: HTTPCalls
    /// For what takes long.
    private let client: HTTPClient
    private let known = Locked<DockerEngineInfo?>(nil)
    /// Told of every silence, which may be the first sign that the engine hangs.
    private let onSilence: @Sendable () -> Void

    package init(
        socketPath: String, deadlines: DockerDeadlines = DockerDeadlines(), calls: HTTPCalls = .shared,
        client: HTTPClient = .shared, onSilence: @escaping @Sendable () -> Void = {}
    ) {
        self.socketPath = socketPath
        self.deadlines = deadlines
        self.calls = calls
        self.client = client
        self.onSilence = onSilence
    }

    /// Asks whether the engine is there.
    package func ping() async throws(DockerError) {
        let reply = try await send("GET", "/_ping", timeout: deadlines.quick)
        guard reply.status == 200 else { throw Self.refusal(reply) }
    }

    /// Asks for a network of whatever name. An engine whose networks hang creates no container, describes none that is being
    /// started, and says that it is well: Docker 20.10 is known to come to that.
    package func askNetworks() async throws(DockerError) {
        try await call("GET", "/networks?filters=\(Self.escaped(#"{"name":["none"]}"#))")
    }

    /// Asks what the engine is and agrees on an API version. An engine asks its own parts for this, so it does not answer
    /// while one of them hangs.
    ///
    /// - Throws: `.malformed` naming both ranges when there is no version that both sides speak.
    @discardableResult
    package func negotiate() async throws(DockerError) -> DockerEngineInfo {
        let reply = try await send("GET", "/version", timeout: deadlines.quick)
        guard reply.status == 200 else { throw Self.refusal(reply) }
        let info = try DockerAnswers.version(reply.body, ours: Self.versions)
        known.withLock { $0 = info }
        return info
    }

    /// What was negotiated, asking now if need be.
    package func info() async throws(DockerError) -> DockerEngineInfo {
        if let info = known.withLock({ $0 }) { return info }
        return try await negotiate()
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
    ///
    /// Cancelling the caller ends the connection, and with it the pull.
    ///
    /// - Parameter authorization: The value of `X-Registry-Auth`.
    package func pull(
        _ name: String, authorization: String? = nil, timeout: Duration,
        onProgress: @Sendable (PullProgress) -> Void = { _ in }
    ) async throws(DockerError) {
        let image = ImageReference(name)
        let path = "/images/create?fromImage=\(Self.escaped(image.repository))&tag=\(Self.escaped(image.tag))"
        var request = try await request("POST", path)
        if let authorization { request.headers.append(("X-Registry-Auth", authorization)) }
        request.totalTimeout = timeout
        // A slow registry is no silent engine.
        let response: HTTPClientResponse
        do throws(HTTPClientError) { response = try await client.execute(request) } catch {
            throw Self.translate(error, ofPullWithin: timeout)
        }
        var progress = PullProgress()
        var body: [UInt8] = []
        do throws(HTTPClientError) {
            for try await chunk in response.body {
                if response.status == 200 {
                    progress.append(chunk)
                    onProgress(progress)
                } else if body.count < 65_536 {
                    body += chunk
                }
            }
        } catch {
            throw Self.translate(error, ofPullWithin: timeout)
        }
        guard response.status == 200 else {
            throw .refused(status: response.status, message: DockerAnswers.message(body))
        }
        if let failure = progress.finish() { throw .refused(status: 500, message: failure) }
    }

    /// Removes the images that have neither a name nor a container any more, as moved tags leave them behind.
    package func pruneUnnamedImages() async throws(DockerError) {
        let filter = Self.escaped(#"{"dangling":["true"]}"#)
        try await call("POST", "/images/prune?filters=\(filter)", timeout: deadlines.work)
    }

    // MARK: Containers

    /// Containers that carry a label, running or not.
    ///
    /// - Parameter states: Only those in one of these; empty: all.
    package func containers(
        label: String, value: String, states: [String] = []
    ) async throws(DockerError) -> [DockerListEntry] {
        let filter = JSONValue.members([
            ("label", .strings(["\(label)=\(value)"])), ("status", states.isEmpty ? nil : .strings(states)),
        ])
        let reply = try await call(
            "GET", "/containers/json?all=1&filters=\(Self.escaped(String(decoding: filter.text, as: UTF8.self)))")
        return try DockerAnswers.list(reply.body)
    }

    package func create(name: String, body: [UInt8]) async throws(DockerError) {
        try await call(
            "POST", "/containers/create?name=\(Self.escaped(name))", body: body, timeout: deadlines.work)
    }

    /// Starting one that runs is fine.
    package func start(_ name: String) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(name))/start", timeout: deadlines.work)
    }

    package func inspect(_ name: String) async throws(DockerError) -> DockerContainer {
        try DockerAnswers.container(try await call("GET", "/containers/\(Self.escaped(name))/json").body)
    }

    /// Asks for a container that is being started. The engine answers once it has done so, which is no silence.
    func inspectBusy(_ name: String) async throws(DockerError) -> DockerContainer {
        try DockerAnswers.container(
            try await call(
                "GET", "/containers/\(Self.escaped(name))/json", timeout: deadlines.work, mayBeSilent: true
            ).body)
    }

    /// Waits until the container is not running, at most for `limit`.
    ///
    /// - Returns: Whether it has ended. Look at it for how: a connection that breaks looks like an end, too.
    package func wait(_ name: String, atMost limit: Duration) async throws(DockerError) -> Bool {
        var request = try await request("POST", "/containers/\(Self.escaped(name))/wait")
        request.totalTimeout = limit
        do throws(HTTPClientError) {
            let reply = try await client.fetch(request, bodyMax: 1 << 20)
            guard (200..<300).contains(reply.status) else { throw HTTPClientError.closedEarly }
            return true
        } catch {
            // Long silences are what it is for. Whatever else went wrong: looking at the container will tell.
            if error == .cancelled { throw .cancelled }
            return false
        }
    }

    /// Sends the container's stop signal, and SIGKILL after `graceSeconds`. Returns when the container has ended.
    package func stop(_ name: String, graceSeconds: Int) async throws(DockerError) {
        try await call(
            "POST", "/containers/\(Self.escaped(name))/stop?t=\(graceSeconds)",
            timeout: .seconds(graceSeconds) + deadlines.work)
    }

    package func kill(_ name: String, signal: Int32 = 9) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(name))/kill?signal=\(signal)")
    }

    /// Removes the container with its anonymous volumes, ending it if need be.
    package func remove(_ name: String) async throws(DockerError) {
        try await call("DELETE", "/containers/\(Self.escaped(name))?force=1&v=1", timeout: deadlines.work)
    }

    /// Joins a container to one more network before it is started.
    package func connect(_ name: String, to network: String) async throws(DockerError) {
        let body = JSONValue.members([("Container", .string(name))]).text
        try await call(
            "POST", "/networks/\(Self.escaped(network))/connect", body: body, timeout: deadlines.work)
    }

    // MARK: Calls

    @discardableResult
    func call(
        _ method: String, _ path: String, body: [UInt8]? = nil, timeout: Duration? = nil, mayBeSilent: Bool = false
    ) async throws(DockerError) -> HTTPCallReply {
        let reply = try await send(
            method, "\(try await prefix())\(path)", body: body, timeout: timeout ?? deadlines.quick,
            mayBeSilent: mayBeSilent)
        // 304: it was so already.
        guard (200..<300).contains(reply.status) || reply.status == 304 else { throw Self.refusal(reply) }
        return reply
    }

    private func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, timeout: Duration, mayBeSilent: Bool = false
    ) async throws(DockerError) -> HTTPCallReply {
        let request = try Self.request(method, path, body)
        do throws(HTTPCallError) {
            return try await calls.fetch(
                .unix(socketPath), request: request, timeout: timeout, bodyMax: Self.answerBytesMax)
        } catch {
            throw mayBeSilent ? DockerError(error) : silent(DockerError(error))
        }
    }

    /// Everything that is sent.
    private static func request(_ method: String, _ path: String, _ body: [UInt8]?) throws(DockerError) -> [UInt8] {
        // Or a name could pass for more than the name of something.
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw .refused(status: 400, message: "a call to the engine with a space in its path")
        }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: docker\r\n"
        if body != nil { head += "Content-Type: application/json\r\n" }
        if let length = body?.count ?? (method == "POST" ? 0 : nil) { head += "Content-Length: \(length)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }

    func execute(_ request: HTTPClientRequest) async throws(DockerError) -> HTTPClientResponse {
        do throws(HTTPClientError) {
            return try await client.execute(request)
        } catch {
            throw silent(Self.translate(error))
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

    func prefix() async throws(DockerError) -> String { try await info().version.pathPrefix }

    /// Notes a silence. After it the engine may come back as another version.
    func silent(_ error: DockerError) -> DockerError {
        if error.isUnreachable {
            known.withLock { $0 = nil }
            onSilence()
        }
        return error
    }

    private static func translate(_ error: HTTPClientError, ofPullWithin timeout: Duration) -> DockerError {
        guard case .timedOut = error else { return translate(error) }
        return .refused(status: 504, message: "the pull took longer than \(timeout.components.seconds) s")
    }

    static func translate(_ error: HTTPClientError) -> DockerError {
        switch error {
        case .cancelled: .cancelled
        case .bodyTooLarge: .malformed("the answer is too large")
        case .couldNotConnect, .notSecure, .timedOut, .closedEarly, .invalidURL, .other: .unreachable("\(error)")
        }
    }

    private static func refusal(_ reply: HTTPCallReply) -> DockerError {
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
