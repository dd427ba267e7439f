// HTTP Basic: from the header fields of a request to a principal, or to a challenge.

/// How a request stands before a realm.
public enum Authentication: Hashable, Sendable {
    case authenticated(Principal)
    /// Answer 401.
    /// - Parameters:
    ///   - claimed: Who the request says it is, if it says so. Not proved; safe to log.
    ///   - reason: For the log, never for the peer.
    case refused(claimed: String?, reason: String)
}

/// Checks `Authorization: Basic base64(principal:secret)` for one realm (RFC 7617).
public struct BasicAuthenticator: Sendable {
    public let realm: String
    private let credentials: Credentials
    /// Longer header values are refused unread.
    private static let valueBytesMax = 8 * 1024

    public init(realm: String, credentials: Credentials) {
        self.realm = realm
        self.credentials = credentials
    }

    /// The value of `WWW-Authenticate`.
    public var challenge: String { "Basic realm=\"\(realm)\"" }

    /// - Parameter values: Every `Authorization` field of the request. More than one is refused: servers differ in which
    ///   one they take.
    public func authenticate(authorization values: [String]) -> Authentication {
        guard let value = values.first else { return .refused(claimed: nil, reason: "no credentials") }
        guard values.count == 1 else { return .refused(claimed: nil, reason: "several Authorization fields") }
        guard let (claimed, secret) = Self.parse(value) else {
            return .refused(claimed: nil, reason: "malformed Authorization field")
        }
        let principal = Principal(claimed)
        if credentials.contain(principal, secret) { return .authenticated(principal) }
        // One reason for both cases: the log is no place to learn which principals exist either.
        return .refused(claimed: Self.fitForLogs(claimed), reason: "unknown principal or wrong secret")
    }

    private static func parse(_ value: String) -> (principal: String, secret: Secret)? {
        let bytes = Array(value.utf8)
        guard bytes.count <= valueBytesMax else { return nil }
        let scheme = bytes.prefix { $0 != 0x20 }
        guard scheme.map({ $0 | 0x20 }) == Array("basic".utf8) else { return nil }
        let token = bytes[scheme.endIndex...].drop { $0 == 0x20 }
        guard !token.isEmpty, let pair = Base64.decode(token), let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        guard let principal = String(validating: pair[..<colon], as: UTF8.self), !principal.isEmpty else { return nil }
        return (principal, Secret(bytes: pair[(colon + 1)...]))
    }

    /// Bounded, and without control characters that would start a line of their own.
    private static func fitForLogs(_ text: String) -> String {
        let visible = text.unicodeScalars.prefix(100).map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F || (0x80..<0xA0).contains(scalar.value)
                || scalar.value == 0x2028 || scalar.value == 0x2029 ? "?" : String(scalar)
        }
        return visible.joined()
    }
}
