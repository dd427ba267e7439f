// GET /health, /state and /events?since=N: what people and `mini up` see of a running framework.
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
        var log = ProgressLog()
        /// Places, `host:port`, whose web pages may read the answers.
        var readers: Set<String> = []
    }
    private let state: Locked<State>

    init(_ status: PlannerStatus) { state = Locked(State(status: status)) }

    /// Lets the web page of the master that leads read the answers: a browser asks for it.
    func allowPage(of master: V1MasterInfo) {
        let hosts = [master.hostname, master.address.hostname, master.address.ip]
        let places = hosts.filter { !$0.isEmpty }.map { "\($0.lowercased()):\(master.port)" }
        state.withLock { $0.readers = Set(places) }
    }

    func publish(_ status: PlannerStatus) { state.withLock { $0.status = status } }

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
            return json(StateDocument(status))
        case "/events":
            guard let since = UInt64(request.query("since") ?? "0") else {
                return .text(400, "since: expected the number of the last line seen")
            }
            return json(Array(lines(since: since).prefix(Self.linesPerAnswerMax)))
        default:
            return .text(404, "Expecting /health, /state or /events")
        }
    }

    private func health() -> HTTPResponse {
        let status = status
        if !status.isSubscribed { return .text(503, "not subscribed to a master") }
        if !status.isControllerReachable {
            return .text(503, "the controller does not answer: \(status.controllerProblem)")
        }
        return .text(200, "ok")
    }

    private func json(_ value: some Encodable) -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(value) else { return .text(500, "the state cannot be encoded") }
        return .json(200, Array(bytes))
    }
}
