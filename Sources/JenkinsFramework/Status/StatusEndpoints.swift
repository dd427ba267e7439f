// GET /health, /state, /events?since=N, /metrics, /usage, /builds and /memory: what people and programs see of a running framework.
import FoundationEssentials
import HTTPServer
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

/// What the loop publishes and the endpoints read.
final class StatusBoard: Sendable {
    private struct State {
        var status: PlannerStatus
        var waiting: [WaitingExplanation] = []
        var templates: [AgentTemplate] = []
        var traffic: [String: ControllerTraffic.Count] = [:]
        var log = ProgressLog()
        /// Places, `host:port`, whose web pages may read the answers.
        var readers: Set<String> = []
        /// In words who leads, while this process does not.
        var standsBy: String?
        /// Whether queued builds with labels that no template serves are ill health.
        var unmatchedLabelsFail: Bool
    }
    private let state: Locked<State>
    let ledger: FarmLedger

    /// - Parameter unmatchedLabelsFail: Whether queued builds with labels that no template serves are ill health.
    init(_ status: PlannerStatus, _ ledger: FarmLedger, unmatchedLabelsFail: Bool = false) {
        state = Locked(State(status: status, unmatchedLabelsFail: unmatchedLabelsFail))
        self.ledger = ledger
    }

    var unmatchedLabelsFail: Bool {
        get { state.withLock { $0.unmatchedLabelsFail } }
        set { state.withLock { $0.unmatchedLabelsFail = newValue } }
    }

    /// In words who leads; nil while this process does.
    var standsBy: String? {
        get { state.withLock { $0.standsBy } }
        set { state.withLock { $0.standsBy = newValue } }
    }

    /// Lets the web page of the master that leads read the answers: a browser asks for it.
    func allowPage(of master: V1MasterInfo) {
        let hosts = [master.hostname, master.address.hostname, master.address.ip]
        let places = hosts.filter { !$0.isEmpty }.map { "\($0.lowercased()):\(master.port)" }
        state.withLock { $0.readers = Set(places) }
    }

    /// - Parameter explainer: Told what holds builds up, if nodes are to say it.
    func publish(_ planner: JenkinsPlanner, _ traffic: ControllerTraffic, _ explainer: NodeExplainer? = nil) {
        let now = Moment.now
        let status = planner.status(at: now)
        let waiting = ledger.explanations(planner, status, at: now.instant)
        explainer?.explain(
            waiting, coming: planner.explainableNodes, beacons: planner.shownBeacons, at: now.instant)
        let counts = traffic.all
        state.withLock {
            $0.status = status
            $0.waiting = waiting
            $0.templates = planner.settings.templates
            $0.traffic = counts
        }
    }

    func add(_ progress: Progress, at time: WallTime) -> ProgressLine {
        state.withLock { $0.log.add(progress, at: time) }
    }

    var status: PlannerStatus { state.withLock { $0.status } }

    func lines(since sequence: UInt64) -> [ProgressLine] { state.withLock { $0.log.since(sequence) } }

    // MARK: - HTTP

    private static let linesPerAnswerMax = 1_000

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        var response = route(request)
        guard let origin = request.header("Origin") else { return response }
        response.headers.append(("Vary", "Origin"))
        let place = origin.drop { $0 != "/" }.drop { $0 == "/" }.lowercased()
        guard state.withLock({ $0.readers.contains(place) }) else { return response }
        response.headers.append(("Access-Control-Allow-Origin", origin))
        return response
    }

    private func route(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .text(405, "Expecting one of { 'GET' }", headers: [("Allow", "GET, HEAD")])
        }
        switch request.path {
        case "/health":
            return health()
        case "/state":
            let (status, waiting, templates) = state.withLock { ($0.status, $0.waiting, $0.templates) }
            return json(StateDocument(status, waiting, templates, at: Moment.now.wall))
        case "/metrics":
            let (status, waiting, traffic) = state.withLock { ($0.status, $0.waiting, $0.traffic) }
            return ledger.metrics(status, waiting, traffic)
        case "/usage":
            return ledger.usage(request)
        case "/builds":
            return ledger.builds(request)
        case "/memory":
            return ledger.memory(request)
        case "/events":
            guard let since = UInt64(request.query("since") ?? "0") else {
                return .text(400, "since: expected the number of the last line seen")
            }
            return json(Array(lines(since: since).prefix(Self.linesPerAnswerMax)))
        default:
            return .text(404, "Expecting /health, /state, /events, /metrics, /usage or /builds")
        }
    }

    private func health() -> HTTPResponse {
        if let leader = standsBy { return .text(200, "standby: \(leader)") }
        let (status, waiting) = state.withLock { ($0.status, $0.waiting) }
        if !status.isSubscribed { return .text(503, "not subscribed to a master") }
        if !status.isControllerReachable {
            return .text(503, "the controller does not answer: \(status.controllerProblem)")
        }
        let unserved = Set(waiting.filter { $0.code == .unserved }.map(\.label)).sorted()
        guard !unserved.isEmpty else { return .text(200, "ok") }
        let names = unserved.prefix(20).map { $0.isEmpty ? "(none)" : $0 }.joined(separator: ", ")
        // A label nobody serves is a mistake in some job, not a fault of the framework.
        let warning = "no template serves the labels \(names)"
        return unmatchedLabelsFail ? .text(503, warning) : .text(200, "ok\nwarning: " + warning)
    }

    private func json(_ value: some Encodable) -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(value) else { return .text(500, "the state cannot be encoded") }
        return .json(200, Array(bytes))
    }
}
