// Judges every request by its head: disabled endpoints, and who is asking.
import HTTPServer
import Security

/// The first thing a request meets. What it decides needs no body, so nobody can make a server hold one unasked.
public struct HTTPGate: Sendable {
    private let disabled: Set<[String]>
    private let components: @Sendable (String) -> [String]
    private let realm: @Sendable (String) -> String?
    private let authenticators: [String: BasicAuthenticator]
    private let refusals: RefusalLog

    /// - Parameters:
    ///   - realm: The realm of a path (decoded, as sent); nil for what needs no principal.
    ///   - authenticators: By realm. A realm without one is open.
    ///   - disabled: Paths that nobody may use.
    ///   - components: A path as the server's routes see it.
    public init(
        realm: @escaping @Sendable (String) -> String?, authenticators: [BasicAuthenticator], disabled: Set<String>,
        components: @escaping @Sendable (String) -> [String], refusals: RefusalLog
    ) {
        self.realm = realm
        self.authenticators = Dictionary(authenticators.map { ($0.realm, $0) }) { first, _ in first }
        self.disabled = Set(disabled.map(components))
        self.components = components
        self.refusals = refusals
    }

    public func admit(_ request: HTTPRequest) -> HTTPAdmission {
        if isDisabled(request.path) {
            refusals.note(request, claimed: nil, "the endpoint is disabled")
            return .refused(.text(403, "Endpoint '\(request.path)' is disabled"))
        }
        guard let authenticator = realm(request.path).flatMap({ authenticators[$0] }) else {
            return .admitted(identity: nil)
        }
        switch authenticator.authenticate(authorization: request.headers(named: "Authorization")) {
        case .authenticated(let principal): return .admitted(identity: principal.value)
        case .refused(let claimed, let reason):
            refusals.note(request, claimed: claimed, reason)
            return .refused(
                .text(401, "401 Unauthorized.", headers: [("WWW-Authenticate", authenticator.challenge)]))
        }
    }

    /// A disabled endpoint takes everything below it with it, as its handler would have answered for that, too.
    private func isDisabled(_ path: String) -> Bool {
        guard !disabled.isEmpty else { return false }
        let parts = components(path)
        return (0...parts.count).contains { disabled.contains(Array(parts.prefix($0))) }
    }
}

extension HTTPRequest {
    /// Whom authentication found behind it; nil if nobody had to say.
    public var principal: Principal? { identity.map { Principal($0) } }
}
