// The `zk://user:password@host:port,…/path` addresses by which masters, agents and frameworks name an ensemble.

/// Why a text is not a usable ZooKeeper address. The first two messages are those of Apache Mesos.
public enum ZooKeeperURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingScheme
    case missingPath
    case missingServers
    case malformedServer(String)
    case malformedCredentials
    case malformedPath(String)

    public var description: String {
        switch self {
        case .missingScheme: "Expecting 'zk://' at the beginning of the URL"
        case .missingPath: "Expecting a (chroot) path for ZooKeeper ('/' is not supported)"
        case .missingServers: "Expecting at least one 'host:port' after 'zk://'"
        case .malformedServer(let server): "Expecting 'host:port' for a ZooKeeper server, found '\(server)'"
        case .malformedCredentials: "Expecting 'user:password' before '@' in the ZooKeeper URL"
        case .malformedPath(let path): "Expecting a normalized ZooKeeper path, found '\(path)'"
        }
    }
}

/// A user and password for ZooKeeper's `digest` scheme. The password never reaches `description`.
public struct ZooKeeperCredentials: Hashable, Sendable {
    public let user: String
    public let password: String

    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }

}

// Every way Swift has to show a value, `dump` included, stops here.
extension ZooKeeperCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(user):***" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}

/// The address of a directory in a ZooKeeper ensemble.
public struct ZooKeeperURL: Hashable, Sendable, CustomStringConvertible {
    /// `host:port` of each server, as written. IPv6 addresses stand in brackets.
    public let servers: [String]
    public let credentials: ZooKeeperCredentials?
    /// Absolute, without a trailing slash, never `/` alone.
    public let path: String

    /// - Precondition: `path` is absolute and not `/`, and there is at least one server; `parse(_:)` checks texts.
    public init(servers: [String], credentials: ZooKeeperCredentials? = nil, path: String) {
        precondition(!servers.isEmpty, "a ZooKeeper URL needs a server")
        precondition(Self.isNormalized(path), "'\(path)' is not a normalized ZooKeeper path")
        self.servers = servers
        self.credentials = credentials
        self.path = path
    }

    /// Reads `zk://[user:password@]host:port[,host:port]…/path`, ignoring white space around it.
    ///
    /// A trailing slash is dropped. Credentials are everything before the last `@` of the part before the path, so a
    /// password may hold `@` and `:` but not `/`.
    public static func parse(_ text: String) throws(ZooKeeperURLError) -> ZooKeeperURL {
        let trimmed = trimmingWhitespace(text)
        guard trimmed.hasPrefix("zk://") else { throw .missingScheme }
        let rest = trimmed.dropFirst("zk://".count)
        guard let slash = rest.firstIndex(of: "/") else { throw .missingPath }
        var path = rest[slash...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard path != "/" else { throw .missingPath }
        guard isNormalized(String(path)) else { throw .malformedPath(String(path)) }

        var authority = rest[..<slash]
        var credentials: ZooKeeperCredentials?
        if let at = authority.lastIndex(of: "@") {
            let pair = authority[..<at]
            guard let colon = pair.firstIndex(of: ":"), colon != pair.startIndex else { throw .malformedCredentials }
            credentials = ZooKeeperCredentials(
                user: String(pair[..<colon]), password: String(pair[pair.index(after: colon)...]))
            authority = authority[authority.index(after: at)...]
        }
        guard !authority.isEmpty else { throw .missingServers }
        var servers: [String] = []
        for server in authority.split(separator: ",", omittingEmptySubsequences: false) {
            guard isServer(server) else { throw .malformedServer(String(server)) }
            servers.append(String(server))
        }
        return ZooKeeperURL(servers: servers, credentials: credentials, path: String(path))
    }

    /// The URL with the password replaced by `***`: fit for logs and `/flags`.
    public var description: String {
        let user = credentials.map { "\($0)@" } ?? ""
        return "zk://\(user)\(servers.joined(separator: ","))\(path)"
    }

    /// The same ensemble and user, another directory.
    public func withPath(_ path: String) -> ZooKeeperURL {
        ZooKeeperURL(servers: servers, credentials: credentials, path: path)
    }

    private static func isServer(_ text: Substring) -> Bool {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else { return false }
        let port = text[text.index(after: colon)...]
        guard port.utf8.allSatisfy({ UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") }),
            let number = UInt16(port), number > 0
        else { return false }
        let host = text[..<colon]
        if host.hasPrefix("[") { return host.hasSuffix("]") && host.count > 2 }
        return !host.contains(":") && !host.contains { $0.isWhitespace || $0 == "\0" }
    }

    /// What the servers accept as a path: absolute, no empty, `.` or `..` component, no control characters.
    private static func isNormalized(_ path: String) -> Bool {
        guard path.hasPrefix("/"), path.count > 1 else { return false }
        guard !path.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }) else {
            return false
        }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    private static func trimmingWhitespace(_ text: String) -> Substring {
        var slice = text[...]
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        return slice
    }
}
