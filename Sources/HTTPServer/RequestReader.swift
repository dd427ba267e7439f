// Assembles the parser's parts into requests, and refuses what is too large or makes no sense.
import NIOCore
import NIOHTTP1

/// A request that is complete, with what the connection needs to answer it.
struct ReceivedRequest {
    var request: HTTPRequest
    var version: HTTPVersion
    /// Whether the client may send another request on this connection.
    var keepsAlive: Bool
    /// The answer, if the head was enough to decide it.
    var verdict: HTTPResponse?

    /// Whether the client understands chunks and keeps connections unless told otherwise.
    var speaksHTTP11: Bool { version.minor >= 1 }

    /// Whether a response may have a body.
    var wantsBody: Bool { request.method != "HEAD" }
}

/// An answer that the connection gives by itself, after which it closes: what follows cannot be told from garbage.
struct Refusal: Error {
    var response: HTTPResponse

    init(status: Int, reason: String) { response = .text(status, reason) }

    init(_ response: HTTPResponse) { self.response = response }

    static let malformed = Refusal(status: 400, reason: "The request is not HTTP/1.1")
    static let headerTooLarge = Refusal(status: 431, reason: "The request's header fields are too large")
    static let timedOut = Refusal(status: 408, reason: "The request did not arrive in time")
    static func bodyTooLarge(max: Int) -> Refusal {
        Refusal(status: 413, reason: "The request's body is larger than \(max) bytes")
    }
}

/// Collects one request at a time.
struct RequestReader {
    private struct Incoming {
        var received: ReceivedRequest
        var bodyBytesMax: Int
        /// What the head says, if it says it.
        var bodyBytesExpected: Int?
        var isStreamed = false
    }

    /// A refused request's body is read up to this, to keep the connection.
    private static let droppedBytesMax = 64 * 1024
    /// How much room is made on the word of a head alone.
    private static let reservedBytesMax = 64 * 1024

    let limits: HTTPServerLimits
    let remoteAddress: String
    private let admission: HTTPServer.Admission
    private var incoming: Incoming?
    /// Whether the client waits for `100 Continue` before it sends the body.
    private(set) var owesContinue = false

    init(limits: HTTPServerLimits, remoteAddress: String, admission: @escaping HTTPServer.Admission) {
        self.limits = limits
        self.remoteAddress = remoteAddress
        self.admission = admission
    }

    /// Whether a request's head has arrived and its end has not.
    var isInRequest: Bool { incoming != nil }

    mutating func begin(_ head: HTTPRequestHead) throws(Refusal) {
        guard head.method != .CONNECT else { throw Refusal(status: 405, reason: "This server is not a proxy") }
        guard let target = RequestTarget(head.uri) else {
            throw Refusal(status: 400, reason: "The request target is malformed")
        }
        // The parser checks its limits one field at a time; several fields of one read may together pass them.
        let headerBytes = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard headerBytes <= limits.headerBytesMax else { throw .headerTooLarge }
        guard head.headers.count <= limits.headerCountMax else { throw .headerTooLarge }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) }
        var request = HTTPRequest(
            method: head.method.rawValue, target: head.uri, path: target.path, query: target.query,
            headers: head.headers.map { (name: $0.name, value: $0.value) }, remoteAddress: remoteAddress)
        request.id = head.headers.first(name: RequestID.headerName).flatMap { RequestID($0) } ?? RequestID()
        var bodyBytesMax = limits.bodyBytesMax(target.path)
        var verdict: HTTPResponse?
        let expectsContinue =
            head.version == .http1_1
            && head.headers.first(name: "expect").map { sameFieldName($0, "100-continue") } ?? false
        switch admission(request) {
        case .admitted(let identity): request.identity = identity
        case .refused(let response):
            // Before any other limit: who is not admitted learns nothing about them.
            if (length ?? 0) > Self.droppedBytesMax || expectsContinue { throw Refusal(response) }
            verdict = response
            bodyBytesMax = Self.droppedBytesMax
        }
        let isStreamed = limits.streamsBody(request)
        // A client that streams may wait for an answer before it says more.
        if isStreamed, let verdict { throw Refusal(verdict) }
        if !isStreamed, let length, length > bodyBytesMax { throw .bodyTooLarge(max: bodyBytesMax) }
        // After a request to upgrade, the parser stops: the connection has no next request.
        let keepsAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade")
        incoming = Incoming(
            received: ReceivedRequest(
                request: request, version: head.version, keepsAlive: keepsAlive, verdict: verdict),
            bodyBytesMax: bodyBytesMax, bodyBytesExpected: length, isStreamed: isStreamed)
        owesContinue = expectsContinue
    }

    /// The request whose head has just come, if its body is to be streamed. What follows belongs to the stream.
    mutating func takeStreamed() -> ReceivedRequest? {
        guard var received = incoming?.received, incoming?.isStreamed == true else { return nil }
        incoming = nil
        received.request.bodyStream = HTTPBodyStream()
        received.keepsAlive = false
        return received
    }

    mutating func append(_ part: ByteBuffer) throws(Refusal) {
        guard var current = incoming else { return }
        incoming = nil  // So that the body below has one owner and grows in place.
        owesContinue = false  // It did not wait.
        let max = current.bodyBytesMax
        guard part.readableBytes <= max - current.received.request.body.count else {
            throw current.received.verdict.map { Refusal($0) } ?? .bodyTooLarge(max: max)
        }
        if current.received.request.body.isEmpty, let expected = current.bodyBytesExpected {
            current.received.request.body.reserveCapacity(min(expected, Self.reservedBytesMax))
        }
        current.received.request.body += part.readableBytesView
        incoming = current
    }

    mutating func end() -> ReceivedRequest? {
        guard let current = incoming else { return nil }
        incoming = nil
        owesContinue = false
        return current.received
    }

    /// Forgets the request that is coming in.
    mutating func abandon() {
        incoming = nil
        owesContinue = false
    }

    mutating func continueWasSent() { owesContinue = false }
}
