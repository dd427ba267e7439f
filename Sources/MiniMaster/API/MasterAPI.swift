// The master's HTTP routes: which path is answered how, and by whom when another master leads.
import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources
import Security

/// Turns HTTP requests into events for the core or into looks at its state.
struct MasterAPI: Sendable {
    let shell: MasterShell
    let facts: MasterFacts

    private enum Route {
        case scheduler, agentLink, health, version, flags, redirect, metrics, teardown
        case state, summary, slaves, frameworks, tasks, roles

        init?(_ name: String) {
            switch name {
            case "/api/v1/scheduler": self = .scheduler
            case "/api/v1/agent-link": self = .agentLink
            case "/health": self = .health
            case "/version": self = .version
            case "/flags": self = .flags
            case "/redirect": self = .redirect
            case "/metrics/snapshot": self = .metrics
            case "/teardown": self = .teardown
            case "/state": self = .state
            case "/state-summary": self = .summary
            case "/slaves": self = .slaves
            case "/frameworks": self = .frameworks
            case "/tasks": self = .tasks
            case "/roles": self = .roles
            default: return nil
            }
        }
    }

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        var path = request.path
        guard path.hasPrefix("/") else { return .text(400, "The path must start with a slash") }
        if path.split(separator: "/").contains("..") { return .text(404, "404 Not Found.") }
        if path == "/master" || path.hasPrefix("/master/") { path.removeFirst("/master".count) }
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix(".json") { path.removeLast(".json".count) }
        // A path without a handler of its own belongs to the longest one it begins with.
        var rest = path
        while !rest.isEmpty {
            if let route = Route(rest) { return await answer(route, request, isExact: rest == path, path: path) }
            guard let slash = rest.lastIndex(of: "/") else { break }
            rest = String(rest[..<slash])
        }
        return .text(404, "404 Not Found.")
    }

    private func answer(_ route: Route, _ request: HTTPRequest, isExact: Bool, path: String) async -> HTTPResponse {
        switch route {
        case .health: return .empty(200)
        case .version: return json(version(), request)
        case .flags:
            let viewer = Viewer(principal: request.principal, acls: facts.configuration.security.acls)
            guard viewer.canSeeFlags else { return .empty(403) }
            return json(flags(), request)
        case .metrics:
            guard let snapshot = await shell.snapshot() else { return Self.stopping }
            let document = MetricsDocument(snapshot: snapshot, facts: facts, inboxDepth: shell.inboxDepth)
            return json(document.bytes(), request)
        case .redirect:
            guard isExact else { return .text(404, "404 Not Found.") }
            return await redirect()
        case .scheduler:
            return await leading(request, path) { _ in await scheduler(request, path) }
        case .agentLink:
            return await leading(request, path) { _ in await agentLink(request, path) }
        case .teardown:
            return await leading(request, path) { _ in await teardown(request, path) }
        case .state: return await read(request, path) { $0.state() }
        case .summary: return await read(request, path) { $0.summary() }
        case .slaves:
            return await read(request, path) { $0.slaves(only: request.query("slave_id").map { AgentID($0) }) }
        case .frameworks:
            return await read(request, path) {
                $0.frameworks(only: request.query("framework_id").map { FrameworkID($0) })
            }
        case .tasks: return await read(request, path) { tasks($0, request) }
        case .roles: return await read(request, path) { $0.roles() }
        }
    }

    private static let stopping = HTTPResponse.text(503, "The master is shutting down")

    // MARK: Leadership

    /// Lets `body` answer if this master leads; otherwise sends the request on, or says why nobody can answer.
    private func leading(
        _ request: HTTPRequest, _ path: String, _ body: (MasterSnapshot) async -> HTTPResponse
    ) async -> HTTPResponse {
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        switch snapshot.core.availability {
        case .leading: return await body(snapshot)
        case .recovering: return .text(503, "Master has not finished recovery")
        case .unavailable(let reason): return .text(503, reason)
        case .following(let leader):
            let query = request.target.firstIndex(of: "?").map { String(request.target[$0...]) } ?? ""
            return Redirection.response(to: leader, pathAndQuery: "/master\(path)\(query)")
        }
    }

    private func redirect() async -> HTTPResponse {
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        switch snapshot.core.availability {
        case .leading, .recovering: return Redirection.response(to: facts.selfInfo, pathAndQuery: "")
        case .following(let leader): return Redirection.response(to: leader, pathAndQuery: "")
        case .unavailable(let reason): return .text(503, reason)
        }
    }

    // MARK: Reading

    private func read(
        _ request: HTTPRequest, _ path: String, _ body: (StateDocuments) -> [UInt8]
    ) async -> HTTPResponse {
        if let refusal = Self.refusal(of: request, unless: "GET", "HEAD") { return refusal }
        return await leading(request, path) { snapshot in
            guard let cluster = snapshot.core.cluster else { return .text(503, "Master has not finished recovery") }
            let viewer = Viewer(principal: request.principal, acls: facts.configuration.security.acls)
            return json(body(StateDocuments(cluster, facts, for: viewer)), request)
        }
    }

    /// JSON, or a call of the function that `?jsonp=` names.
    private func json(_ bytes: [UInt8], _ request: HTTPRequest) -> HTTPResponse {
        guard let function = request.query("jsonp"), !function.isEmpty else { return .json(200, bytes) }
        return .bytes(
            200, Array(function.utf8) + Array("(".utf8) + bytes + Array(")".utf8), contentType: "text/javascript")
    }

    private func tasks(_ documents: StateDocuments, _ request: HTTPRequest) -> [UInt8] {
        let limit = request.query("limit").flatMap { Int($0) } ?? 100
        return documents.tasks(
            framework: request.query("framework_id").map { FrameworkID($0) },
            task: request.query("task_id").map { TaskID($0) }, isAscending: request.query("order") == "asc",
            offset: max(0, request.query("offset").flatMap { Int($0) } ?? 0), limit: limit < 0 ? nil : limit)
    }

    private func version() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("build_date", facts.build.date)
            json.member("build_time", facts.build.time)
            json.member("build_user", facts.build.user)
            json.member("mini_version", Versions.mini)
            json.member("version", Versions.mesosAPI)
        }
        return json.bytes
    }

    private func flags() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.object("flags") { json in
                for flag in facts.configuration.flags { json.member(flag.name, flag.value) }
            }
        }
        return json.bytes
    }

    // MARK: Calling

    private func scheduler(_ request: HTTPRequest, _ path: String) async -> HTTPResponse {
        if let refusal = Self.refusal(of: request, unless: "POST") { return refusal }
        switch CallBody<V1SchedulerCall>(request) {
        case .refused(let response): return response
        case .call(let call):
            let media = MediaType.negotiate(accept: request.headers(named: "Accept"))
            let incoming = SchedulerRequest(
                call: call, streamID: request.header("Mesos-Stream-Id").map { StreamID($0) },
                acceptsStream: media != nil, freshStreamID: StreamID(WireUUID.random().description),
                principal: request.principal)
            return await shell.request(media ?? .json, path: "/master\(path)") { .schedulerCalled($0, incoming) }
        }
    }

    private func agentLink(_ request: HTTPRequest, _ path: String) async -> HTTPResponse {
        if let refusal = Self.refusal(of: request, unless: "POST") { return refusal }
        switch CallBody<LinkCall>(request) {
        case .refused(let response): return response
        case .call(let call):
            let incoming = AgentRequest(
                call: call, linkID: request.header("Mini-Link-Stream-Id").map { LinkID($0) },
                freshLinkID: LinkID(WireUUID.random().description), remoteHost: Self.host(of: request.remoteAddress),
                principal: request.principal)
            return await shell.request(.protobuf, path: "/master\(path)") { .agentCalled($0, incoming) }
        }
    }

    private func teardown(_ request: HTTPRequest, _ path: String) async -> HTTPResponse {
        if let refusal = Self.refusal(of: request, unless: "POST") { return refusal }
        let body = String(decoding: request.body, as: UTF8.self)
        let prefix = "frameworkId="
        guard let field = body.split(separator: "&").first(where: { $0.hasPrefix(prefix) }) else {
            return .text(400, "Missing 'frameworkId' query parameter in the request body")
        }
        var call = V1OperatorCall()
        call.type = .teardown
        call.teardown.frameworkID.value = String(field.dropFirst(prefix.count))
        let incoming = OperatorRequest(call: call, principal: request.principal)
        return await shell.request(.json, path: "/master\(path)") { .operatorCalled($0, incoming) }
    }

    /// `10.0.0.1:50000` without the port; brackets of IPv6 go too.
    private static func host(of address: String) -> String {
        guard let colon = address.lastIndex(of: ":") else { return address }
        let host = address[..<colon]
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }

    private static func refusal(of request: HTTPRequest, unless methods: String...) -> HTTPResponse? {
        if methods.contains(request.method) { return nil }
        let first = methods[0]
        return .text(
            405,
            "405 Method Not Allowed. Expecting one of { '\(first)' }, but received '\(request.method)'.",
            headers: [("Allow", first)])
    }
}
