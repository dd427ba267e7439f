// Which realm a path belongs to: decided before anything else is looked at.
import HTTPServer

/// A set of endpoints that are protected together, as in Apache Mesos; the agent link is ours.
enum MasterRealm: String, Hashable, Sendable {
    case scheduler = "mesos-master-scheduler"
    case agentLink = "mesos-master-agent"
    case readOnly = "mesos-master-readonly"
    case readWrite = "mesos-master-readwrite"

    /// First components of the paths that only show things.
    private static let readOnlyNames: Set<String> = [
        "files", "flags", "frameworks", "metrics", "registrar(1)", "roles", "slaves", "state", "state-summary",
        "system",
        "tasks", "allocator",
    ]
    /// Paths that anybody may ask: health checks, and what a client needs to find the leader and its version.
    private static let open: Set<String> = ["health", "redirect", "version"]

    /// - Parameter path: Decoded, as sent.
    /// - Returns: Nil for what needs no principal. A path that is not known here belongs to `.readWrite`, the stricter
    ///   one.
    static func of(_ path: String) -> MasterRealm? {
        let parts = components(of: path)
        guard let first = parts.first else { return .readOnly }
        if open.contains(first) { return nil }
        if readOnlyNames.contains(first) { return .readOnly }
        if first == "maintenance", parts.dropFirst().first == "status" { return .readOnly }
        if first == "api", parts.count >= 3, parts[1] == "v1" {
            if parts[2] == "scheduler" { return .scheduler }
            if parts[2] == "agent-link" { return .agentLink }
        }
        return .readWrite
    }

    /// Whether a request counts against its principal's rate: scheduler calls, and what changes something.
    static func isLimited(_ request: HTTPRequest) -> Bool {
        switch of(request.path) {
        case .scheduler: true
        case .readWrite: request.method != "GET" && request.method != "HEAD"
        case .agentLink, .readOnly, nil: false
        }
    }

    /// The path as the routes see it: without the owner prefix, empty components and the old `.json`.
    static func components(of path: String) -> [String] {
        var parts = path.split(separator: "/").map(String.init)
        if parts.first == "master" { parts.removeFirst() }
        if let last = parts.last, last.hasSuffix(".json") { parts[parts.count - 1] = String(last.dropLast(5)) }
        return parts
    }
}
