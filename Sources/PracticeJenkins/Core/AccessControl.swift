/// Users, their rights, web sessions and crumbs.

/// A right of a user, named as in `X-Required-Permission`.
public enum PracticePermission: String, CaseIterable, Hashable, Sendable {
    case administer = "hudson.model.Hudson.Administer"
    case read = "hudson.model.Hudson.Read"
    case jobRead = "hudson.model.Item.Read"
    case jobDiscover = "hudson.model.Item.Discover"
    case jobCreate = "hudson.model.Item.Create"
    case jobConfigure = "hudson.model.Item.Configure"
    case jobExtendedRead = "hudson.model.Item.ExtendedRead"
    case jobDelete = "hudson.model.Item.Delete"
    case jobBuild = "hudson.model.Item.Build"
    case jobCancel = "hudson.model.Item.Cancel"
    case agentCreate = "hudson.model.Computer.Create"
    case agentConfigure = "hudson.model.Computer.Configure"
    case agentExtendedRead = "hudson.model.Computer.ExtendedRead"
    case agentConnect = "hudson.model.Computer.Connect"
    case agentDisconnect = "hudson.model.Computer.Disconnect"
    case agentDelete = "hudson.model.Computer.Delete"
}

/// A user of the practice controller.
public struct PracticeUser: Equatable, Sendable {
    public var name: String
    public var password: String
    /// An API token: requests that carry it instead of the password need no crumb.
    public var token: String?
    /// `administer` includes every other right.
    public var permissions: Set<PracticePermission>

    public init(
        name: String, password: String, token: String? = nil, permissions: Set<PracticePermission> = [.administer]
    ) {
        (self.name, self.password, self.token, self.permissions) = (name, password, token, permissions)
    }
}

/// Who sent a request.
enum Principal: Equatable, Sendable {
    case anonymous
    case user(PracticeUser, byToken: Bool)

    var name: String {
        switch self {
        case .anonymous: "anonymous"
        case .user(let user, _): user.name
        }
    }
}

struct AccessControl: Equatable, Sendable {
    static let sessionsMax = 10_000

    private let users: [PracticeUser]
    private let key: [UInt8]
    var anonymousCanRead: Bool
    /// Test control: jobs become invisible although the user may read everything else.
    var hidesJobs = false
    /// The old style: field `.crumb`, not bound to the session.
    var usesLegacyCrumb = false
    private var sessions: [String] = []
    private var sessionCount = 0
    private var crumbGeneration = 0

    init(users: [PracticeUser], anonymousCanRead: Bool, key: [UInt8]) {
        (self.users, self.anonymousCanRead, self.key) = (users, anonymousCanRead, key)
    }

    var crumbField: String { usesLegacyCrumb ? ".crumb" : "Jenkins-Crumb" }

    func hasUser(_ name: String) -> Bool { users.contains { $0.name == name } }

    /// - Returns: `nil` for wrong credentials.
    func authenticate(name: String, secret: String) -> Principal? {
        guard let user = users.first(where: { $0.name == name }) else { return nil }
        if let token = user.token, token == secret { return .user(user, byToken: true) }
        return user.password == secret ? .user(user, byToken: false) : nil
    }

    func allows(_ principal: Principal, _ permission: PracticePermission) -> Bool {
        if hidesJobs, permission == .jobRead { return false }
        switch principal {
        case .anonymous:
            return anonymousCanRead && [.read, .jobRead, .jobDiscover].contains(permission)
        case .user(let user, _):
            return user.permissions.contains(.administer) || user.permissions.contains(permission)
                || (permission == .jobDiscover && user.permissions.contains(.jobRead))
        }
    }

    mutating func openSession() -> String {
        sessionCount += 1
        let id = "node0" + Digest.hexadecimal(hash("session \(sessionCount)").prefix(16))
        sessions.append(id)
        if sessions.count > Self.sessionsMax { sessions.removeFirst(sessions.count - Self.sessionsMax) }
        return id
    }

    func isOpen(session: String) -> Bool { sessions.contains(session) }

    func crumb(for principal: Principal, session: String) -> String {
        Digest.hexadecimal(hash("crumb \(crumbGeneration);\(principal.name);\(usesLegacyCrumb ? "" : session)"))
    }

    /// Whether a POST may go ahead: by token, or with the crumb of its own open session.
    func acceptsPost(_ principal: Principal, session: String?, crumb: String?) -> Bool {
        if case .user(_, byToken: true) = principal { return true }
        guard let crumb else { return false }
        if usesLegacyCrumb { return crumb == self.crumb(for: principal, session: "") }
        guard let session, isOpen(session: session) else { return false }
        return crumb == self.crumb(for: principal, session: session)
    }

    /// Every crumb handed out so far is refused from now on.
    mutating func expireCrumbs() { crumbGeneration += 1 }

    mutating func forgetSessions() { sessions = [] }

    private func hash(_ text: String) -> [UInt8] { Digest.hmacSHA256(key: key, Array(text.utf8)) }
}
