// Every path the master answers, in one list: its methods, who may answer it, and whether its answers carry a version.

/// One route. The raw value is its path without the prefix of the master's process.
package enum Route: String, CaseIterable, Sendable {
    // The v1 API.
    case schedulerAPI = "/api/v1/scheduler"
    case agentLink = "/api/v1/agent-link"
    case operatorAPI = "/api/v1"

    // The state of the cluster.
    case state = "/state"
    case stateSummary = "/state-summary"
    case slaves = "/slaves"
    case frameworks = "/frameworks"
    case tasks = "/tasks"
    case roles = "/roles"
    case roleExplanation = "/roles/explain"
    case history = "/history"
    case historySlots = "/history/slots"
    case registry = "/registrar(1)/registry"
    case alerts = "/alerts"

    // Read and written.
    case weights = "/weights"
    case weightsPreview = "/weights/preview"
    case quota = "/quota"
    case maintenanceSchedule = "/maintenance/schedule"
    case maintenanceStatus = "/maintenance/status"

    // Written.
    case teardown = "/teardown"
    case reserve = "/reserve"
    case unreserve = "/unreserve"
    case createVolumes = "/create-volumes"
    case destroyVolumes = "/destroy-volumes"
    case machineDown = "/machine/down"
    case machineUp = "/machine/up"

    // This process, whoever leads.
    case health = "/health"
    case redirect = "/redirect"
    case masters = "/masters"
    case flags = "/flags"
    case version = "/version"
    case metrics = "/metrics/snapshot"
    case prometheus = "/metrics"
    case loggingToggle = "/logging/toggle"
    case systemStats = "/system/stats.json"
    case filesBrowse = "/files/browse"
    case filesRead = "/files/read"
    case filesDownload = "/files/download"
    case filesDebug = "/files/debug"
    case webFile = "/ui"
    case root = "/"

    /// Whose credentials a request needs, in the words of Apache Mesos: `mesos-master-<realm>`.
    package enum Realm: String, Sendable { case scheduler, agent, readonly, readwrite }

    /// Nil: anybody may ask, with whatever authentication is configured.
    package var realm: Realm? {
        switch self {
        case .health, .redirect, .version, .webFile, .root: nil
        case .schedulerAPI: .scheduler
        case .agentLink: .agent
        case .state, .stateSummary, .slaves, .frameworks, .tasks, .roles, .roleExplanation, .history, .historySlots,
            .weightsPreview, .registry, .alerts, .maintenanceStatus, .masters, .flags, .metrics, .prometheus,
            .systemStats, .filesBrowse, .filesRead, .filesDownload, .filesDebug:
            .readonly
        case .operatorAPI, .weights, .quota, .maintenanceSchedule, .teardown, .reserve, .unreserve, .createVolumes,
            .destroyVolumes, .machineDown, .machineUp, .loggingToggle:
            .readwrite
        }
    }

    /// The methods it knows; any other is answered 405. Empty: Apache Mesos does not look at the method.
    package var methods: [String] {
        switch self {
        case .schedulerAPI, .agentLink, .operatorAPI, .teardown, .reserve, .unreserve, .createVolumes,
            .destroyVolumes, .machineDown, .machineUp:
            ["POST"]
        case .weights: ["GET", "PUT"]
        case .quota: ["GET", "POST", "DELETE"]
        case .maintenanceSchedule: ["GET", "POST"]
        case .alerts, .maintenanceStatus, .masters, .flags, .prometheus, .roleExplanation, .weightsPreview, .history,
            .historySlots:
            ["GET"]
        case .state, .stateSummary, .slaves, .frameworks, .tasks, .roles, .registry, .health, .redirect, .version,
            .metrics, .loggingToggle, .systemStats, .filesBrowse, .filesRead, .filesDownload, .filesDebug, .webFile,
            .root:
            []
        }
    }

    /// Whether only the leader can answer; others send the request on.
    package var needsLeader: Bool {
        switch self {
        case .health, .redirect, .masters, .flags, .version, .metrics, .prometheus, .loggingToggle, .systemStats,
            .filesBrowse, .filesRead, .filesDownload, .filesDebug, .webFile, .root:
            false
        case .schedulerAPI, .agentLink, .operatorAPI, .state, .stateSummary, .slaves, .frameworks, .tasks, .roles,
            .roleExplanation, .history, .historySlots, .weightsPreview, .registry, .alerts, .weights, .quota,
            .maintenanceSchedule, .maintenanceStatus, .teardown, .reserve, .unreserve, .createVolumes, .destroyVolumes,
            .machineDown, .machineUp:
            true
        }
    }

    /// Whether its document follows from the cluster's state alone, so that an unchanged state is an unchanged document.
    package var hasVersion: Bool {
        switch self {
        case .state, .stateSummary, .slaves, .frameworks, .tasks, .roles: true
        default: false
        }
    }

    /// Whether a longer path belongs to it too. A master that is asked for `/redirect/x` has no such thing.
    private var takesRest: Bool { self != .redirect && self != .prometheus && self != .root }
}

extension Route {
    /// A path that was found, and what of it is left over.
    struct Match: Equatable, Sendable {
        var route: Route
        /// Components behind the route's own path: a role, in `/quota/dev`.
        var rest: [String]
    }

    /// Finds the route of a path.
    ///
    /// The process id `master` may stand first. A path without a route of its own belongs to the longest one it begins
    /// with; slashes at the end do not count, and `.json` is allowed behind every path, as it was before Apache Mesos
    /// 1.8.
    ///
    /// - Parameter path: Percent-decoded, begins with a slash.
    static func find(_ path: String) -> Match? {
        if let route = byPath[path] { return Match(route: route, rest: []) }
        var components = path.split(separator: "/").map(String.init)
        if components.contains("..") { return nil }
        if components.first == "master" { components.removeFirst() }
        if components.isEmpty { return Match(route: .root, rest: []) }
        for count in stride(from: components.count, to: 0, by: -1) {
            let rest = Array(components[count...])
            let name = "/" + components[..<count].joined(separator: "/")
            guard let route = byPath[name] ?? alias(name) else { continue }
            guard rest.isEmpty || route.takesRest else { return nil }
            return Match(route: route, rest: rest)
        }
        return nil
    }

    private static func alias(_ name: String) -> Route? {
        guard name.hasSuffix(".json") else { return nil }
        return byPath[String(name.dropLast(".json".count))]
    }

    private static let byPath = Dictionary(
        uniqueKeysWithValues: allCases.filter { $0 != .root }.map { ($0.rawValue, $0) })
}
