// GET /metrics, /usage and /builds: what the ledger knows.
import DatabaseFile
import FoundationEssentials
import HTTPServer
import JenkinsUsage
import Mailbox
import MesosProtocol
import Metrics
import Resources
import SchedulerClient

extension FarmLedger {
    /// Builds a report is made of, and builds one answer holds, the latest first.
    private static let reportRowsMax = 50_000
    private static let buildsMax = 10_000

    func metrics(
        _ status: PlannerStatus, _ waiting: [WaitingExplanation], _ traffic: [String: ControllerTraffic.Count]
    ) -> HTTPResponse {
        let (phases, metrics) = state.withLock { ($0.phases, $0.metrics) }
        let text = FarmReading(
            status: status, waiting: waiting, phases: phases, metrics: metrics, traffic: traffic, now: Moment.now.wall
        ).prometheus
        return .bytes(200, Array(text.utf8), contentType: MetricMedia.prometheus)
    }

    func usage(_ request: HTTPRequest) -> HTTPResponse {
        answer { store throws(DatabaseFileError) in
            let rows = try store.builds(job: request.query("job"), limit: Self.reportRowsMax)
            let templates = state.withLock { $0.templates }
            return UsageReport(rows) { name in
                SuggestionRule(templates.first { $0.name.value == name })
            }
        }
    }

    func builds(_ request: HTTPRequest) -> HTTPResponse {
        guard let limit = Int(request.query("limit") ?? "50"), limit > 0 else {
            return .text(400, "limit: expected a number of builds")
        }
        return answer { store throws(DatabaseFileError) in
            BuildsAnswer(builds: try store.builds(job: request.query("job"), limit: min(limit, Self.buildsMax)))
        }
    }

    func answer(_ make: (UsageStore) throws(DatabaseFileError) -> some Encodable) -> HTTPResponse {
        let (store, problem) = state.withLock { ($0.store, $0.storeProblem) }
        guard let store else { return .text(503, problem) }
        do throws(DatabaseFileError) {
            let value = try make(store)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            guard let bytes = try? encoder.encode(value) else { return .text(500, "the answer cannot be encoded") }
            return .json(200, Array(bytes))
        } catch {
            return .text(503, "\(error)")
        }
    }
}
