// A request as a handler sees it: complete, with its body in memory, unless the server streams such bodies.

public struct HTTPRequest: Sendable {
    /// As sent, upper case for the usual ones: `GET`, `POST`, ...
    public var method: String
    /// The request target as sent: path and query, not decoded.
    public var target: String
    /// The path, percent-decoded, without the query.
    public var path: String
    /// The query's names and values, decoded, in the order sent; a name without `=` has the value "".
    public var query: [(name: String, value: String)]
    /// All header fields in the order sent. Names keep their case; look them up with `header(_:)`.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// The body, if the server's limits say that it is read while it comes in; then ``body`` is empty.
    public var bodyStream: HTTPBodyStream?
    /// The peer, `address:port`.
    public var remoteAddress: String
    /// Who the peer proved to be, if the server's admission asks for it.
    public var identity: String?
    /// What tells it from all others, in logs and in the answer; nil if it did not come through a server.
    public var id: RequestID?

    public init(
        method: String, target: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], remoteAddress: String = "",
        identity: String? = nil
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.identity = identity
    }

    /// The first value of a header field; upper and lower case are the same.
    public func header(_ name: String) -> String? {
        headers.first { sameFieldName($0.name, name) }?.value
    }

    /// All values of a header field, in the order sent.
    public func headers(named name: String) -> [String] {
        headers.filter { sameFieldName($0.name, name) }.map(\.value)
    }

    /// The first value of a query parameter; names are exact.
    public func query(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// Whether two field names are equal but for the case of ASCII letters.
func sameFieldName(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { $0 == $1 || lowercase($0) == lowercase($1) }
}

private func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
