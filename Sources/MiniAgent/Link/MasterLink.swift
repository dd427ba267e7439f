// One link to a leading master: a registration whose answer is an endless stream of commands, and calls beside it.

import HTTPClient
import Logging
import Mailbox
import MesosProtocol

/// Talks to one master on one link, until it breaks or is closed. What comes of it goes to `report`.
final class MasterLink: Sendable {
    private struct State {
        var streamID: String?
        /// The master that answered: the one that was asked, or the leader it pointed to.
        var baseURL: String
        var isOver = false
        /// Calls that wait for the stream's id, and then for one another: a master must see them in order.
        var calls: [LinkCall] = []
        var isSending = false
        /// Where calls go if the master takes them in one request.
        var callStream: LinkCallStream?
    }

    private static let path = "/api/v1/agent-link"
    private static let callTimeout: Duration = .seconds(10)
    /// For a master to begin its answer to a registration. The core has less patience, and closes the link.
    private static let answerTimeout: Duration = .seconds(60)
    private static let refusalBytesMax = 64 << 10
    /// Far more than an agent can have tasks with unacknowledged updates.
    private static let callsMax = 100_000

    private let id: LinkID
    private let master: MasterAddress
    private let client: HTTPClient
    /// For masters that are reached by a plain connection.
    private let calls: HTTPCalls
    private let authorization: [(String, String)]
    private let logger: Logger
    private let thread: AgentThread?
    private let report: @Sendable (AgentEvent) -> Void
    private let state: Locked<State>
    private let reading = Locked<Task<Void, Never>?>(nil)

    init(
        _ id: LinkID, to master: MasterAddress, client: HTTPClient, calls: HTTPCalls, authorization: String? = nil,
        logger: Logger, thread: AgentThread? = nil, report: @escaping @Sendable (AgentEvent) -> Void
    ) {
        self.id = id
        self.master = master
        self.client = client
        self.calls = calls
        self.authorization = authorization.map { [("Authorization", $0)] } ?? []
        self.logger = logger
        self.thread = thread
        self.report = report
        state = Locked(State(baseURL: master.url))
    }

    func open(_ registration: LinkCall) {
        let task = Task(executorPreference: thread) { [self] in
            let reason = await read(registration)
            finish(because: reason)
        }
        reading.withLock { $0 = task }
    }

    func close() {
        _ = end()
        reading.withLock { $0?.cancel() }
    }

    /// - Returns: Whether it was over before.
    private func end() -> Bool {
        let (wasOver, stream) = state.withLock { state in
            defer {
                state.isOver = true
                state.calls = []
                state.callStream = nil
            }
            return (state.isOver, state.callStream)
        }
        stream?.close()
        return wasOver
    }

    /// Sends a call after those before it. A call that fails breaks the link: registering again brings master and agent
    /// to one view, whatever was lost.
    func send(_ call: LinkCall) {
        let mustStart = state.withLock { state in
            guard !state.isOver else { return false }
            if let stream = state.callStream {
                stream.send(call)
                return false
            }
            guard state.calls.count < Self.callsMax else { return false }
            state.calls.append(call)
            if state.isSending || state.streamID == nil { return false }
            state.isSending = true
            return true
        }
        if mustStart { Task(executorPreference: thread) { [self] in await sendAll() } }
    }

    /// Waits until everything that was given to ``send(_:)`` has reached the master, or the link is over.
    func drain(within limit: Duration) async {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        state.withLock { $0.callStream }?.finish()
        while clock.now < deadline,
            state.withLock({ !$0.isOver && ($0.callStream != nil || $0.isSending || !$0.calls.isEmpty) })
        {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: The stream

    /// - Returns: Why the stream ended.
    private func read(_ registration: LinkCall) async -> String {
        let body = MediaType.protobuf.encode(registration)
        if let reason = await readPlainly(body) { return reason }
        do throws(HTTPClientError) {
            var response = try await register(body)
            if response.status == 307, follow(response.header("Location")) { response = try await register(body) }
            guard response.status == 200 else { return await refusal(response) }
            guard let streamID = response.header("Mini-Link-Stream-Id") else {
                return "the master's answer lacks a Mini-Link-Stream-Id"
            }
            state.withLock { $0.streamID = streamID }
            return try await readCommands(response.body)
        } catch {
            return "\(error)"
        }
    }

    private func register(_ body: [UInt8]) async throws(HTTPClientError) -> HTTPClientResponse {
        var request = HTTPClientRequest(method: "POST", url: state.withLock { $0.baseURL } + Self.path)
        request.headers = registrationFields
        request.body = body
        return try await client.execute(request)
    }

    private var registrationFields: [(String, String)] {
        [("Content-Type", MediaType.protobuf.rawValue), ("Accept", MediaType.protobuf.rawValue)] + authorization
    }

    /// Turns to the leader that a fixed address of another master points to.
    private func follow(_ location: String?) -> Bool {
        let leader = location.flatMap { Self.baseURL(ofLocation: $0, isSecure: master.url.hasPrefix("https://")) }
        guard let leader else { return false }
        state.withLock { $0.baseURL = leader }
        return true
    }

    /// Reads the stream on the agent's thread.
    ///
    /// - Returns: Why the stream ended; nil if this master cannot be reached so.
    private func readPlainly(_ body: [UInt8]) async -> String? {
        var mayFollow = true
        while let endpoint = CallEndpoint(url: state.withLock({ $0.baseURL })) {
            let stream = CommandStream(
                onBegin: { [self] id, takesCallStream in begin(id, endpoint, takesCallStream) },
                onCommand: { [self] command in take(command) })
            let call = calls.open(
                endpoint, request: Self.request(to: endpoint, registrationFields, body), timeout: Self.answerTimeout,
                bodyMax: Self.refusalBytesMax, into: stream)
            let end = await stream.end.wait()
            calls.close(call: call)
            switch end {
            case .over(let reason): return reason
            case .refused(let reply) where reply.status == 307 && mayFollow && follow(reply.value(of: "location")):
                mayFollow = false
            case .refused(let reply): return Self.refusal(reply.status, reply.body)
            case nil: return "cancelled"
            }
        }
        return nil
    }

    private func begin(_ streamID: String, _ endpoint: CallEndpoint, _ takesCallStream: Bool) {
        let stream = takesCallStream ? openCallStream(streamID, endpoint) : nil
        let isOver = state.withLock { state in
            state.streamID = streamID
            guard let stream, !state.isOver else { return state.isOver }
            for call in state.calls { stream.send(call) }
            state.calls = []
            state.callStream = stream
            return false
        }
        if isOver { stream?.close() }
    }

    private func openCallStream(_ streamID: String, _ endpoint: CallEndpoint) -> LinkCallStream {
        let fields = [("Mini-Link-Stream-Id", streamID)] + authorization
        return LinkCallStream.open(calls, endpoint, head: Self.head(endpoint, fields)) { [weak self] reason in
            // Not at once: whoever sends holds the link's state.
            Task { self?.giveUp(because: reason) }
        }
    }

    /// Everything that is sent.
    private static func request(
        to endpoint: CallEndpoint, _ fields: [(String, String)], _ body: [UInt8]
    ) -> [UInt8] {
        Array((head(endpoint, fields) + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }

    private static func head(_ endpoint: CallEndpoint, _ fields: [(String, String)]) -> String {
        fields.reduce("POST \(path) HTTP/1.1\r\nHost: \(endpoint.host)\r\n") { $0 + "\($1.0): \($1.1)\r\n" }
    }

    /// The scheme and authority of `http://host:port/...` or `//host:port/...`. A redirect never leads from `https` to
    /// plain HTTP: our credential would go with it.
    static func baseURL(ofLocation location: String, isSecure: Bool) -> String? {
        let scheme = isSecure ? "https" : "http"
        let prefix = ["//", "\(scheme)://"].first { location.hasPrefix($0) }
        let authority = location.dropFirst(prefix?.count ?? location.count).prefix { $0 != "/" }
        return authority.isEmpty ? nil : "\(scheme)://\(authority)"
    }

    private func readCommands(_ body: HTTPClientBody) async throws(HTTPClientError) -> String {
        var decoder = RecordIODecoder()
        for try await chunk in body {
            decoder.append(chunk)
            do {
                while let record = try decoder.next() {
                    take(try MediaType.protobuf.decode(from: record))
                }
            } catch {
                return "the master's stream is garbage: \(error)"
            }
        }
        return "the master closed the link"
    }

    private func take(_ command: LinkCommand) {
        if let known = MasterCommand(command) {
            report(.commandReceived(id, known))
        } else {
            logger.warning("the master sent a command this agent does not understand: \(command.type)")
        }
    }

    private func refusal(_ response: HTTPClientResponse) async -> String {
        var body: [UInt8] = []
        do throws(HTTPClientError) {
            for try await chunk in response.body {
                body += chunk
                if body.count > 4096 { break }
            }
        } catch {}
        return Self.refusal(response.status, body)
    }

    private static func refusal(_ status: Int, _ body: [UInt8]) -> String {
        if status == 404 { return "the master does not know agents of mini-mesos: is it another product's?" }
        let text = String(decoding: body.prefix(300), as: UTF8.self).split(whereSeparator: \.isNewline)
        return "the master answered \(status) \(text.first ?? "")"
    }

    private func finish(because reason: String) {
        if !end() { report(.linkLost(id, reason: reason)) }
    }

    private func giveUp(because reason: String) {
        finish(because: reason)
        reading.withLock { $0?.cancel() }
    }

    // MARK: Calls

    private func sendAll() async {
        while let call = nextCall() {
            if let problem = await post(call.message, streamID: call.streamID) {
                return giveUp(because: problem)
            }
        }
    }

    private func nextCall() -> (message: LinkCall, streamID: String)? {
        state.withLock { state in
            guard !state.isOver, !state.calls.isEmpty, let streamID = state.streamID else {
                state.isSending = false
                return nil
            }
            return (state.calls.removeFirst(), streamID)
        }
    }

    /// - Returns: What went wrong.
    private func post(_ call: LinkCall, streamID: String) async -> String? {
        let url = state.withLock { $0.baseURL }
        let fields =
            [("Content-Type", MediaType.protobuf.rawValue), ("Mini-Link-Stream-Id", streamID)] + authorization
        let body = MediaType.protobuf.encode(call)
        let (status, text): (Int, String)
        do {
            if let endpoint = CallEndpoint(url: url) {
                let reply = try await calls.fetch(
                    endpoint, request: Self.request(to: endpoint, fields, body), timeout: Self.callTimeout,
                    bodyMax: Self.refusalBytesMax)
                (status, text) = (reply.status, String(decoding: reply.body.prefix(200), as: UTF8.self))
            } else {
                var request = HTTPClientRequest(method: "POST", url: url + Self.path)
                request.headers = fields
                request.body = body
                request.totalTimeout = Self.callTimeout
                let reply = try await client.fetch(request, bodyMax: Self.refusalBytesMax)
                (status, text) = (reply.status, String(reply.text.prefix(200)))
            }
        } catch { return "\(call.type) did not reach the master: \(error)" }
        return (200..<300).contains(status) ? nil : "the master answered \(status) to \(call.type): \(text)"
    }
}
