// Answers HTTP: finds the route, checks who leads and which method it is, and has the route's part answer.
import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources
import Security

/// Turns HTTP requests into events for the core or into looks at its state.
struct MasterAPI: Sendable {
    let shell: MasterShell
    let facts: MasterFacts
    let logLevel: LogLevelSwitch
    let files: MasterFiles
    let pages: WebPages
    let history: HistoryKeeper
    let refusals: RefusalLog
    /// Nil without `--alerts_config`.
    var alerts: AlertWatch?
    let documents = DocumentCache()
    let stateStreams = StreamCount()
    let metricsPace = Pace(interval: .milliseconds(500))

    static let stopping = HTTPResponse.text(503, "The master is shutting down")
    static let notFound = HTTPResponse.text(404, "404 Not Found.")

    func handle(_ http: HTTPRequest) async -> HTTPResponse {
        guard http.path.hasPrefix("/") else { return .text(400, "The path must start with a slash") }
        guard let match = Route.find(http.path) else { return strayFile(http) ?? Self.notFound }
        return await admit(RoutedRequest(http: http, route: match.route, rest: match.rest))
    }

    /// The checks that come before a route's own, in the order of Apache Mesos.
    private func admit(_ request: RoutedRequest) async -> HTTPResponse {
        if request.route.needsLeader, let refusal = leadershipRefusal(request) { return refusal }
        if let refusal = request.methodRefusal { return refusal }
        if let action = viewer(of: request).missingPermission(for: request) {
            noteForbidden(action, request)
            return .text(403, "Not authorized to \(action.rawValue)")
        }
        return await answer(request)
    }

    /// One line that names who was refused what.
    func noteForbidden(_ action: AuthorizationAction, _ request: RoutedRequest) {
        refusals.note(request.http, claimed: request.principal?.value, "not authorized to \(action.rawValue)")
    }

    private func answer(_ request: RoutedRequest) async -> HTTPResponse {
        switch request.route {
        case .schedulerAPI: await schedulerCall(request)
        case .agentLink: await agentCall(request)
        case .operatorAPI: await operatorCall(request)

        case .state: await state(request)
        case .stateSummary: await document(request) { $0.summary() }
        case .slaves:
            await document(request) { $0.slaves(only: request.http.query("slave_id").map { AgentID($0) }) }
        case .frameworks:
            await document(request) { $0.frameworks(only: request.http.query("framework_id").map { FrameworkID($0) }) }
        case .tasks: await tasks(request)
        case .roles: await document(request) { $0.roles() }
        case .roleExplanation: await explainRole(request)
        case .history: await history(request)
        case .historySlots: await historySlots(request)
        case .weightsPreview: await previewWeights(request)
        case .registry: await registry(request)
        case .alerts:
            alerts.map { request.json($0.document()) } ?? .text(404, "This master has no --alerts_config")

        case .weights: await weights(request)
        case .quota: await quota(request)
        case .maintenanceSchedule: await maintenanceSchedule(request)
        case .maintenanceStatus: await maintenanceStatus(request)

        case .teardown: await teardown(request)
        case .reserve: await reserve(request)
        case .unreserve: await unreserve(request)
        case .createVolumes: await createVolumes(request)
        case .destroyVolumes: await destroyVolumes(request)
        case .machineDown: await machines(request, .startMaintenance)
        case .machineUp: await machines(request, .stopMaintenance)

        case .health: .empty(200)
        case .redirect: redirect()
        case .flags: request.json(ProcessDocuments.flags(facts))
        case .version: request.json(ProcessDocuments.version(facts))
        case .metrics: await metrics(request)
        case .prometheus: await prometheus(request)
        case .loggingToggle: toggleLogging(request)
        case .systemStats: request.json(ProcessDocuments.systemStats())
        case .filesBrowse: viewer(of: request).canSeeMasterLog ? files.browse(request) : .empty(403)
        case .filesRead: viewer(of: request).canSeeMasterLog ? files.read(request) : .empty(403)
        case .filesDownload: viewer(of: request).canSeeMasterLog ? files.download(request) : .empty(403)
        case .filesDebug: files.debug(request)
        case .masters: await masters(request)
        case .webFile: pages.answer(["ui"] + request.rest, request.http) ?? Self.notFound
        case .root: page(request)
        }
    }

    /// Who reads the answer, and what they may see.
    func viewer(of request: RoutedRequest) -> Viewer {
        Viewer(principal: request.principal, acls: facts.configuration.security.acls)
    }

    // MARK: Leadership

    /// Sends the request on to the leader, or says why nobody can answer. Nil: this master leads.
    ///
    /// The core looks again when it takes an event, so this may be a moment old.
    func leadershipRefusal(_ request: RoutedRequest) -> HTTPResponse? {
        Self.refusal(by: shell.availability, request)
    }

    static func refusal(by availability: Leadership.Availability, _ request: RoutedRequest) -> HTTPResponse? {
        switch availability {
        case .leading: nil
        case .recovering: .text(503, "Master has not finished recovery")
        case .unavailable(let reason): .text(503, reason)
        case .following(let leader): Redirection.response(to: leader, pathAndQuery: request.pathAtLeader)
        }
    }

    private func redirect() -> HTTPResponse {
        switch shell.availability {
        case .leading, .recovering: Redirection.response(to: facts.selfInfo, pathAndQuery: "")
        case .following(let leader): Redirection.response(to: leader, pathAndQuery: "")
        case .unavailable(let reason): .text(503, reason)
        }
    }

    /// The cluster as it is after everything that was sent before, or the reason why there is none to look at.
    func cluster(
        _ request: RoutedRequest, _ body: (Cluster) -> HTTPResponse
    ) async -> HTTPResponse {
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        guard let cluster = snapshot.core.cluster else {
            return Self.refusal(by: snapshot.core.availability, request)
                ?? .text(503, "Master has not finished recovery")
        }
        return body(viewer(of: request).visible(cluster))
    }

    /// Posts a change and waits for the core's answer.
    func perform(_ call: V1OperatorCall, _ request: RoutedRequest) async -> HTTPResponse {
        let incoming = OperatorRequest(call: call, principal: request.principal)
        return await shell.request(.json, path: request.pathAtLeader) { .operatorCalled($0, incoming) }
    }
}
