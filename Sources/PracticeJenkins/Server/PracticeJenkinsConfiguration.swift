// How a practice controller is started, and what can be wrong with it.
import Glibc

public struct PracticeJenkinsConfiguration: Sendable {
    /// The address to listen on.
    public var ip = "127.0.0.1"
    /// The port to listen on; 0 for a free one.
    public var port = 8080
    /// Who may log in. The default is for a controller that only this host can reach.
    public var users = [PracticeUser(name: "admin", password: "admin", token: "practice-admin-token")]
    /// If set, replaces `users`: see `loadUsers(path:)`.
    public var usersFile: String?
    /// Whether requests without credentials may read.
    public var anonymousRead = false
    /// How long a build waits in the queue before it may start.
    public var quietPeriod = Duration.milliseconds(300)
    /// The Jenkins version it presents itself as.
    public var version = "2.504.1"
    /// If set, jobs, builds, nodes and the queue are kept there over the end of the process, whatever ends it.
    public var stateDirectory: String?

    public init() {}

    /// Reads a users file: one user a line, `name:password:token:permission,permission,…`; token and permissions may be
    /// missing, and without permissions a user may do everything. Empty lines and lines that start with `#` are skipped.
    ///
    /// Permissions are named as in the `X-Required-Permission` header, for example `hudson.model.Computer.Create`.
    public static func loadUsers(path: String) throws(PracticeJenkinsError) -> [PracticeUser] {
        guard let text = readFile(path) else {
            throw .usersFileUnreadable(path: path, reason: String(cString: strerror(errno)))
        }
        var users: [PracticeUser] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = String(line).trimmingBlanks()
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            let invalid = { (reason: String) in
                PracticeJenkinsError.usersFileInvalid(path: path, line: index + 1, reason: reason)
            }
            let fields = trimmed.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 2, !fields[0].isEmpty, !fields[1].isEmpty else {
                throw invalid("expected name:password[:token[:permissions]]")
            }
            guard !users.contains(where: { $0.name == fields[0] }) else { throw invalid("user '\(fields[0])' twice") }
            var user = PracticeUser(name: fields[0], password: fields[1])
            if fields.count > 2, !fields[2].isEmpty { user.token = fields[2] }
            if fields.count > 3, !fields[3].isEmpty {
                user.permissions = []
                for name in fields[3].split(separator: ",") {
                    guard let permission = PracticePermission(rawValue: String(name).trimmingBlanks()) else {
                        throw invalid("no such permission: '\(name)'")
                    }
                    user.permissions.insert(permission)
                }
            }
            users.append(user)
        }
        return users
    }

    private static func readFile(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < 1 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        if ferror(file) != 0 { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// Why a practice controller did not start.
public enum PracticeJenkinsError: Error, Equatable, CustomStringConvertible {
    case cannotListen(reason: String)
    case versionInvalid(String)
    case usersFileUnreadable(path: String, reason: String)
    case usersFileInvalid(path: String, line: Int, reason: String)
    case stateUnusable(path: String, reason: String)

    public var description: String {
        switch self {
        case .cannotListen(let reason): reason
        case .versionInvalid(let version):
            "not a Jenkins version: '\(version)' (expected digits and dots, as in 2.504.1)"
        case .usersFileUnreadable(let path, let reason): "cannot read users file \(path): \(reason)"
        case .stateUnusable(let path, let reason): "cannot keep the state in \(path): \(reason)"
        case .usersFileInvalid(let path, let line, let reason): "users file \(path), line \(line): \(reason)"
        }
    }
}
