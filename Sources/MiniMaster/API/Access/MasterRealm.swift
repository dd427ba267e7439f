// Which realm a path belongs to: decided before anything else is looked at.
import HTTPServer

/// A set of endpoints that are protected together, as in Apache Mesos; the agent link is ours.
enum MasterRealm: String, Hashable, Sendable {
    case scheduler = "mesos-master-scheduler"
    case agentLink = "mesos-master-agent"
    case readOnly = "mesos-master-readonly"
    case readWrite = "mesos-master-readwrite"

    /// - Parameter path: Decoded, as sent.
    /// - Returns: Nil for what needs no principal. A path without a route belongs to `.readWrite`; its answer is 404.
    static func of(_ path: String) -> MasterRealm? {
        // The routes' own search: a second opinion on what a path means would be a way around this one.
        guard let route = Route.find(path)?.route else { return .readWrite }
        return switch route.realm {
        case .scheduler: .scheduler
        case .agent: .agentLink
        case .readonly: .readOnly
        case .readwrite: .readWrite
        case nil: nil
        }
    }

    /// Whether a request counts against its principal's rate: scheduler calls, and what changes something.
    static func isLimited(_ request: HTTPRequest) -> Bool {
        switch of(request.path) {
        case .scheduler: true
        case .readWrite: request.method != "GET" && request.method != "HEAD"
        case .agentLink, .readOnly, nil: false
        }
    }

    /// The path as the routes see it: without the owner prefix, empty components and the old `.json` of any of them.
    static func components(of path: String) -> [String] {
        var parts = path.split(separator: "/").map(String.init)
        if parts.first == "master" { parts.removeFirst() }
        return parts.map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : $0 }
    }
}
