// The agent's HTTP endpoints: which path is answered by what.

import HTTPAccess
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Metrics
import Resources
import Security

/// Answers requests. Until ``serve(_:)`` is called, and while the agent recovers, state endpoints answer 503.
final class AgentAPI: Sendable {
    /// What answers are made from.
    struct Source: Sendable {
        var shell: AgentShell
        var usage: UsageSampler
        var nested: NestedContainers
        var paths: AgentPaths
        var info: V1AgentInfo
        var advertisedIP: String
        var configuration: AgentConfiguration
        var startedAt: Moment
        /// Bad files found at recovery.
        var problems: Int
        /// How long it took to find out what runs here.
        var recovery: Duration
        var fetcher: Fetcher
        var collector: SandboxCollector
        /// Whether and how process tasks are held to their cpu, memory and pids.
        var isolation: [(name: String, text: String)] = []
        /// Nil: no tasks in Docker here.
        var engine: DockerEngine?
    }

    private let source = Locked<Source?>(nil)
    private let logLevel: LogLevelSwitch

    init(logLevel: LogLevelSwitch) { self.logLevel = logLevel }

    func serve(_ source: Source) { self.source.withLock { $0 = source } }

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard let origin = request.header("Origin") else { return await route(request) }
        // A preflight has not been asked who it is: nothing but this may answer it.
        let response = request.isPreflight ? nil : await route(request)
        guard let source = source.withLock({ $0 }) else { return response ?? Self.recovering }
        let (core, _) = await source.shell.view()
        let pages = CrossOriginPages(
            master: core.link.master, needsCredentials: source.configuration.security.authenticatesReadOnly)
        return response.map { pages.marked($0, to: request, from: origin) } ?? pages.preflight(request, from: origin)
    }

    private func route(_ request: HTTPRequest) async -> HTTPResponse {
        // `/slave(1)/state` is the name under which Mesos agents serve the same.
        let path = request.path.hasPrefix("/slave(1)/") ? String(request.path.dropFirst(9)) : request.path
        switch path {
        case "/health": return .empty(200)
        case "/api/v1/executor": return await ExecutorEndpoint(source: source.withLock { $0 }).answer(request)
        // A longer path belongs to the handler it begins with: pymesos calls `/api/v1/operator`.
        case _ where path == "/api/v1" || path.hasPrefix("/api/v1/"):
            return await AgentCallEndpoint(source: source.withLock { $0 }, logLevel: logLevel).answer(request)
        case "/containerizer/debug", "/containerizer/debug.json":
            return json(.members([("pending", .array([]))]), request)
        case "/version", "/version.json": return json(AgentVersion.json, request)
        case "/files/read", "/files/read.json": return await files(request) { $0.read(request) }
        case "/files/browse", "/files/browse.json": return await files(request) { $0.browse(request) }
        case "/files/download", "/files/download.json": return await files(request) { $0.download(request) }
        case "/files/debug", "/files/debug.json": return await files(request) { $0.debug(request) }
        case "/state", "/state.json", "/metrics/snapshot", "/metrics/snapshot.json", "/metrics", "/flags",
            "/flags.json", "/containers", "/containers.json", "/monitor/statistics", "/monitor/statistics.json":
            guard let source = source.withLock({ $0 }) else { return Self.recovering }
            let (whole, metrics) = await source.shell.view()
            let core = source.configuration.security.visible(whole, to: request.principal)
            guard core.isRecovered else { return Self.recovering }
            switch path.hasSuffix(".json") ? String(path.dropLast(5)) : path {
            case "/metrics/snapshot": return json(AgentMetricsView(whole, metrics, source).json, request)
            case "/metrics":
                let text = AgentMetricsView(whole, metrics, source).prometheus
                return .bytes(200, Array(text.utf8), contentType: MetricMedia.prometheus)
            case "/flags":
                guard source.configuration.security.allows(request.principal, .viewFlags, nil) else {
                    return .empty(403)
                }
                return json(.members([("flags", AgentFlags.json(source.configuration))]), request)
            case "/containers", "/monitor/statistics":
                let security = source.configuration.security
                let view = ContainersView(core: core, figures: await source.usage.figures()) { user in
                    security.allows(request.principal, .viewContainers, user)
                }
                return path.hasPrefix("/containers")
                    ? containers(view, request) : json(view.statistics(request), request)
            default: return json(AgentStateView(core, source, await source.usage.figures()).json, request)
            }
        default: return .empty(404)
        }
    }

    /// Only ATTACH_CONTAINER_INPUT has a request that never ends by itself.
    static func streamsBody(_ head: HTTPRequest) -> Bool {
        AgentRealm.components(of: head.path).prefix(2) == ["api", "v1"] && StreamHeaders.isStreamed(head)
    }

    /// All containers, or those that the query names.
    private func containers(_ view: ContainersView, _ request: HTTPRequest) -> HTTPResponse {
        switch view.containers(request) {
        case .success(let list): json(list, request)
        case .failure(let refusal): .text(400, refusal.reason)
        }
    }

    static let recovering = HTTPResponse.text(503, "Agent has not finished recovery")

    private func files(
        _ request: HTTPRequest, _ body: @escaping @Sendable (FilesAPI) -> HTTPResponse
    ) async -> HTTPResponse {
        guard let source = source.withLock({ $0 }) else { return Self.recovering }
        if source.configuration.security.acls != nil {
            let (core, _) = await source.shell.view()
            let owner = SandboxFiles(paths: source.paths).owner(of: request.query("path") ?? "")
            let user = owner.flatMap { core.user(of: $0.executor, in: $0.framework) }
            guard source.configuration.security.allows(request.principal, .accessSandboxes, user) else {
                return .text(403, "Not authorized to access_sandboxes")
            }
        }
        let files = FilesAPI(
            files: SandboxFiles(paths: source.paths, logFile: source.configuration.logFile))
        return await DiskWork.run { body(files) }
    }

    /// With `?jsonp=name`, a call of that function, as old pages expect it.
    private func json(_ value: JSONValue, _ request: HTTPRequest) -> HTTPResponse {
        guard let name = request.query("jsonp"), !name.isEmpty else { return .json(200, value.text) }
        return .bytes(
            200, Array("\(name)(".utf8) + value.text + Array(");".utf8), contentType: "text/javascript")
    }
}

enum AgentVersion {
    /// Builds are reproducible: when and by whom is fixed, as in the master's answer.
    static let buildDate = "1970-01-01 00:00:00 UTC"
    static let buildUser = "mini"

    static var json: JSONValue {
        .members([
            ("build_date", .string(buildDate)), ("build_time", .double(0)), ("build_user", .string(buildUser)),
            ("mini_version", .string(Versions.mini)), ("version", .string(Versions.mesosAPI)),
        ])
    }
}
