// Requests, answers and failures as callers of the client see them.

/// One request.
public struct HTTPClientRequest: Sendable {
    public var method: String
    /// `http://host:port/path?query` or `https://...`, percent-encoded. With `unixSocketPath` the host only fills the
    /// `Host` field.
    public var url: String
    public var headers: [(String, String)]
    /// Sent with `Content-Length`.
    public var body: [UInt8]?
    /// Sent piece by piece as it is written, instead of ``body``.
    public var upload: HTTPClientUpload?
    /// Connects to this socket file instead of the URL's host.
    public var unixSocketPath: String?
    public var connectTimeout: Duration = .seconds(5)
    /// From start to the last byte of the response; `nil` for none, as endless streams need.
    public var totalTimeout: Duration?
    /// The longest silence: no byte of the response for this long is an error. Time in which the caller does not read does
    /// not count. `nil` for none.
    public var idleTimeout: Duration?
    /// Follows up to five redirects.
    public var followRedirects = false
    /// Makes a connection of its own, and closes it afterwards.
    public var usesFreshConnection = false
    /// Connects from within this network namespace, as in `/proc/PID/ns/net`, which this process must be allowed to enter;
    /// with a fresh connection. Names are still looked up where this process is.
    public var networkNamespace: String?
    /// Whether `url` may be `ftp://` or `ftps://`. What comes then has the status 226, as a server ends such a transfer,
    /// and no header fields.
    public var allowsFTP = false

    public init(
        method: String = "GET", url: String, headers: [(String, String)] = [], body: [UInt8]? = nil,
        unixSocketPath: String? = nil, connectTimeout: Duration = .seconds(5), totalTimeout: Duration? = nil,
        idleTimeout: Duration? = nil, followRedirects: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.unixSocketPath = unixSocketPath
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.idleTimeout = idleTimeout
        self.followRedirects = followRedirects
    }
}

/// A response whose head has arrived and whose body may still be coming. Dropping it ends the transfer.
public struct HTTPClientResponse: Sendable {
    public let status: Int
    /// In the order received.
    public let headers: [(name: String, value: String)]
    public let body: HTTPClientBody

    /// The first value of a header field; upper and lower case are the same.
    public func header(_ name: String) -> String? { firstValue(of: name, in: headers) }
}

/// A complete response.
public struct HTTPClientReply: Sendable {
    public let status: Int
    /// In the order received.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of a header field; upper and lower case are the same.
    public func header(_ name: String) -> String? { firstValue(of: name, in: headers) }

    /// The body as text; bytes that are not UTF-8 become replacement characters.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why there is no response, or not all of it.
public enum HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No connection: the name does not resolve, nobody listens, no such socket file. Nothing was sent.
    case couldNotConnect(String)
    /// TLS failed: a certificate was refused, on this side or on the server's, or the server does not speak TLS.
    case notSecure(String)
    /// A timeout of the request passed.
    case timedOut(String)
    /// The peer closed before the response was complete.
    case closedEarly
    /// More bytes came than the caller takes.
    case bodyTooLarge
    /// The caller's task was cancelled, or the client has been shut down.
    case cancelled
    /// The URL or another part of the request cannot be sent.
    case invalidURL
    /// Any other failure, with libcurl's code.
    case other(code: Int32, message: String)

    public var description: String {
        switch self {
        case .couldNotConnect(let reason): "could not connect: \(reason)"
        case .notSecure(let reason): "no secure connection: \(reason)"
        case .timedOut(let reason): "timed out: \(reason)"
        case .closedEarly: "the peer closed the connection before the response was complete"
        case .bodyTooLarge: "the response's body is too large"
        case .cancelled: "cancelled"
        case .invalidURL: "the URL, method or a header field is malformed"
        case .other(let code, let message): "\(message) (libcurl \(code))"
        }
    }
}

private func firstValue(of name: String, in headers: [(name: String, value: String)]) -> String? {
    headers.first { sameFieldName($0.name, name) }?.value
}

/// Whether two field names are equal but for the case of ASCII letters.
func sameFieldName(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { $0 == $1 || lowercase($0) == lowercase($1) }
}

private func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
