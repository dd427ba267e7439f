// What an operator sets about security: who must prove who they are, who may do what, and how fast.
import HTTPClient
import HTTPServer
import Security

/// The security settings of one master. The default is Apache Mesos's: nobody has to say who they are.
public struct MasterSecurity: Sendable {
    /// Principals that may come. Needed as soon as anybody must prove who they are.
    public var credentials: Credentials?
    /// Scheduler calls need a principal: `--authenticate_http_frameworks`, or `--authenticate_frameworks`.
    public var authenticatesFrameworks = false
    /// The agent link needs a principal: `--authenticate_agents`.
    public var authenticatesAgents = false
    /// Endpoints that only show things need a principal.
    public var authenticatesReadOnly = false
    /// Endpoints that change things, and `/api/v1`, need a principal.
    public var authenticatesReadWrite = false
    /// Nil: everything is allowed.
    public var acls: AccessControlList?
    /// Nil: no limits.
    public var rateLimits: RateLimits?
    /// Paths that nobody may use: 403.
    public var disabledEndpoints: Set<String> = []
    /// Nil: plain HTTP.
    public var tls: ServerTLS?
    /// How this master dials the leading one, where masters speak TLS. Nil: the authorities of the system count.
    public var peerTLS: ClientTLS?
    /// The values of the flags as `/flags` may show them: paths, and rules, which are no secrets. Never a secret.
    public var shownFlags: [String: String] = [:]
    /// Logged at start: files that everybody may read, rules without effect.
    public var notices: [String] = []

    public init() {}

    /// The flag that asks for credentials where there are none.
    var flagWithoutCredentials: String? {
        if credentials != nil { return nil }
        if authenticatesFrameworks { return "authenticate_http_frameworks" }
        if authenticatesAgents { return "authenticate_agents" }
        if authenticatesReadOnly { return "authenticate_http_readonly" }
        return authenticatesReadWrite ? "authenticate_http_readwrite" : nil
    }

    /// What `/flags` shows of it.
    var flags: [String: String] {
        var flags = shownFlags
        flags["authenticate_agents"] = "\(authenticatesAgents)"
        flags["authenticate_frameworks"] = "\(authenticatesFrameworks)"
        flags["authenticate_http_frameworks"] = "\(authenticatesFrameworks)"
        flags["authenticate_http_readonly"] = "\(authenticatesReadOnly)"
        flags["authenticate_http_readwrite"] = "\(authenticatesReadWrite)"
        return flags
    }
}
