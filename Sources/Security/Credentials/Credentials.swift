// Who has which secret: the credentials files of Apache Mesos, as values.
import MesosProtocol

/// One principal and its secret.
public struct Credential: Sendable, CustomStringConvertible {
    public let principal: Principal
    public let secret: Secret

    public init(principal: Principal, secret: Secret) {
        self.principal = principal
        self.secret = secret
    }

    public var description: String { "credential of '\(principal)'" }

    /// The value of an `Authorization` header field that presents it.
    public var basicAuthorization: String {
        "Basic " + Base64.encode(Array("\(principal.value):\(secret.revealed)".utf8))
    }
}

/// All principals that may come, each with its secret.
public struct Credentials: Sendable, CustomStringConvertible {
    private var secrets: [Principal: Secret]
    /// What an unknown principal's secret is compared with, so that it costs the time of a known one's.
    private static let decoy = Secret("a secret of an ordinary length!!")

    public init(_ credentials: [Credential] = []) {
        secrets = Dictionary(credentials.map { ($0.principal, $0.secret) }) { first, _ in first }
    }

    public var count: Int { secrets.count }
    public var principals: [Principal] { secrets.keys.sorted() }
    public var description: String { "credentials of \(secrets.count) principals" }

    /// For a process that presents itself to another one which knows the same principals.
    public func credential(of principal: Principal) -> Credential? {
        secrets[principal].map { Credential(principal: principal, secret: $0) }
    }

    /// Whether `secret` is that of `principal`. Takes the same time for unknown principals.
    public func contain(_ principal: Principal, _ secret: Secret) -> Bool {
        let known = secrets[principal]
        let matches = (known ?? Self.decoy).matches(secret)
        return known != nil && matches
    }
}

/// Why credentials cannot be used. Names the place and never a secret.
public enum CredentialsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// - Parameter field: As in `credentials[2].secret`, or `line 3`.
    case invalid(source: String, field: String, reason: String)

    public var description: String {
        switch self {
        case .invalid(let source, let field, let reason): "\(source): \(field): \(reason)"
        }
    }
}

extension Credentials {
    /// Reads `{"credentials": [{"principal": "p", "secret": "s"}]}`, or the older form with a line `p s` for each.
    ///
    /// - Parameter source: What to call the text in errors: its path.
    /// - Throws: Whatever is wrong, with the field. The JSON reader's own message would show the text, so it is not used.
    public static func parse(_ text: [UInt8], source: String) throws(CredentialsError) -> Credentials {
        let first = text.first { !Base64.isSpace($0) }
        guard first == UInt8(ascii: "{") else { return try parse(lines: text, source: source) }
        let document = try json(text, source)
        guard case .array(let entries)? = document["credentials"] else {
            throw .invalid(source: source, field: "credentials", reason: "expected an array of principals and secrets")
        }
        var all: [Credential] = []
        var seen: Set<Principal> = []
        for (index, entry) in entries.enumerated() {
            let credential = try Credential.parse(entry, source: source, field: "credentials[\(index)]")
            guard seen.insert(credential.principal).inserted else {
                throw .invalid(
                    source: source, field: "credentials[\(index)].principal",
                    reason: "'\(credential.principal)' occurs twice")
            }
            all.append(credential)
        }
        return Credentials(all)
    }

    private static func parse(lines text: [UInt8], source: String) throws(CredentialsError) -> Credentials {
        var all: [Credential] = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let words = line.split { Base64.isSpace($0) }
            if words.isEmpty { continue }
            let field = "line \(index + 1)"
            guard words.count == 2 else {
                throw .invalid(source: source, field: field, reason: "expected a principal, a space and a secret")
            }
            let principal = Principal(String(decoding: words[0], as: UTF8.self))
            guard !all.contains(where: { $0.principal == principal }) else {
                throw .invalid(source: source, field: field, reason: "'\(principal)' occurs twice")
            }
            all.append(Credential(principal: principal, secret: Secret(bytes: words[1])))
        }
        guard !all.isEmpty else { throw .invalid(source: source, field: "credentials", reason: "there are none") }
        return Credentials(all)
    }

    fileprivate static func json(_ text: [UInt8], _ source: String) throws(CredentialsError) -> JSONValue {
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: text)
        } catch {
            switch error {
            case .malformed(let line, _): throw .invalid(source: source, field: "line \(line)", reason: "not JSON")
            default: throw .invalid(source: source, field: "document", reason: "not JSON")
            }
        }
    }
}

extension Credential {
    /// Reads `{"principal": "p", "secret": "s"}`, or the older form `p s`.
    public static func parse(_ text: [UInt8], source: String) throws(CredentialsError) -> Credential {
        if text.first(where: { !Base64.isSpace($0) }) == UInt8(ascii: "{") {
            return try parse(Credentials.json(text, source), source: source, field: "credential")
        }
        let words = text.split { Base64.isSpace($0) }
        guard words.count == 2 else {
            throw .invalid(source: source, field: "credential", reason: "expected a principal, a space and a secret")
        }
        return Credential(
            principal: Principal(String(decoding: words[0], as: UTF8.self)), secret: Secret(bytes: words[1]))
    }

    fileprivate static func parse(
        _ value: JSONValue, source: String, field: String
    ) throws(CredentialsError) -> Credential {
        guard case .object = value else {
            throw .invalid(source: source, field: field, reason: "expected an object, found \(value.kindName)")
        }
        guard case .string(let principal)? = value["principal"], !principal.isEmpty else {
            throw .invalid(source: source, field: "\(field).principal", reason: "expected a text that is not empty")
        }
        // HTTP Basic splits at the first colon: such a principal could never come.
        guard !principal.contains(":") else {
            throw .invalid(source: source, field: "\(field).principal", reason: "must not contain a colon")
        }
        guard case .string(let secret)? = value["secret"] else {
            throw .invalid(source: source, field: "\(field).secret", reason: "expected a text")
        }
        return Credential(principal: Principal(principal), secret: Secret(secret))
    }
}
