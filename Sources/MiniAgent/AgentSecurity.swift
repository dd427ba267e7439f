// What an operator sets about an agent's security: how it proves itself to the master, and who may ask it what.
import HTTPAccess
import HTTPClient
import HTTPServer
import Security

/// The security settings of one agent. The default is Apache Mesos's: nobody has to say who they are.
public struct AgentSecurity: Sendable {
    /// How this agent proves itself to the master: `--credential`.
    public var credential: Credential?
    /// Principals that may ask this agent: `--http_credentials`.
    public var httpCredentials: Credentials?
    public var authenticatesReadOnly = false
    public var authenticatesReadWrite = false
    /// Whether executors must prove who they are: `--authenticate_http_executors`.
    public var authenticatesExecutors = false
    /// With which key their tokens are signed: `--jwt_secret_key`.
    public var executorTokens: ExecutorTokens?
    /// Nil: everything is allowed.
    public var acls: AccessControlList?
    /// Paths that nobody may use: 403.
    public var disabledEndpoints: Set<String> = []
    /// Nil: plain HTTP.
    public var tls: ServerTLS?
    /// How the master is dialled; nil: with plain HTTP.
    public var masterTLS: ClientTLS?
    /// The values of the flags as `/flags` may show them. Never a secret.
    public var shownFlags: [String: String] = [:]
    /// Logged at start: files that everybody may read, rules without effect.
    public var notices: [String] = []

    public init() {}

    /// The flag that asks for credentials where there are none.
    var flagWithoutCredentials: String? {
        if httpCredentials != nil { return nil }
        if authenticatesReadOnly { return "authenticate_http_readonly" }
        return authenticatesReadWrite ? "authenticate_http_readwrite" : nil
    }

    /// What executors are told and asked for; nil: everybody may speak for every executor.
    var requiredTokens: ExecutorTokens? { authenticatesExecutors ? executorTokens : nil }

    /// What `/flags` shows of it.
    var flags: [String: String] {
        var flags = shownFlags
        flags["authenticate_http_readonly"] = "\(authenticatesReadOnly)"
        flags["authenticate_http_readwrite"] = "\(authenticatesReadWrite)"
        flags["authenticate_http_executors"] = "\(authenticatesExecutors)"
        return flags
    }

    func gate(refusals: RefusalLog) -> HTTPGate {
        let realms: [(AgentRealm, isEnabled: Bool)] = [
            (.readOnly, authenticatesReadOnly), (.readWrite, authenticatesReadWrite),
        ]
        let authenticators = realms.filter(\.isEnabled).map { realm, _ in
            BasicAuthenticator(realm: realm.rawValue, credentials: httpCredentials ?? Credentials())
        }
        return HTTPGate(
            realm: { AgentRealm.of($0)?.rawValue }, authenticators: authenticators, disabled: disabledEndpoints,
            components: { AgentRealm.components(of: $0) }, refusals: refusals)
    }

    /// What of the agent's state a principal may see.
    func visible(_ core: AgentCore, to principal: Principal?) -> AgentCore {
        if acls == nil { return core }
        return core.leavingOut(
            frameworks: { !allows(principal, .viewFrameworks, $0) }, tasks: { !allows(principal, .viewTasks, $0) })
    }

    func allows(_ principal: Principal?, _ action: AuthorizationAction, _ object: String?) -> Bool {
        acls?.allows(principal, action, object.map { [$0] }) ?? true
    }
}

/// Which endpoints are protected together, as in Apache Mesos.
enum AgentRealm: String, Hashable, Sendable {
    case readOnly = "mesos-agent-readonly"
    case readWrite = "mesos-agent-readwrite"

    private static let readOnlyNames: Set<String> = [
        "containers", "files", "flags", "metrics", "monitor", "state", "system",
    ]

    /// - Returns: Nil for what needs no principal. A path that is not known here belongs to the stricter realm.
    static func of(_ path: String) -> AgentRealm? {
        let components = Self.components(of: path)
        // Executors prove themselves by tokens, where they have to.
        if components == ["api", "v1", "executor"] { return nil }
        switch components.first {
        case "health", "version": return nil
        case .some(let first) where !readOnlyNames.contains(first): return .readWrite
        default: return .readOnly
        }
    }

    /// The path as the routes see it: without the owner prefix, empty components and the old `.json`.
    static func components(of path: String) -> [String] {
        var parts = path.split(separator: "/").map(String.init)
        if parts.first == "slave(1)" { parts.removeFirst() }
        if let last = parts.last, last.hasSuffix(".json") { parts[parts.count - 1] = String(last.dropLast(5)) }
        return parts
    }
}
