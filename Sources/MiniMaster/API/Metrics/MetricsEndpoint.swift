// `/metrics/snapshot` and GET_METRICS under the names of Apache Mesos, `/metrics` under those for Prometheus.
import HTTPServer
import MesosProtocol
import Metrics

extension MasterAPI {
    /// Two a second at most; who comes faster waits, as in Apache Mesos.
    func metrics(_ request: RoutedRequest) async -> HTTPResponse {
        guard viewer(of: request).canGet(Route.metrics.rawValue) else { return .empty(403) }
        if let text = request.http.query("timeout"), DurationText.parse(text) == nil {
            return .text(400, "Invalid duration '\(text)'.\n")
        }
        guard await metricsPace.wait() else { return .text(503, "Too many requests for the metrics wait already") }
        guard let document = await metricsDocument() else { return Self.stopping }
        return request.json(document.bytes())
    }

    /// Every master answers; what is known of the cluster, only the leader.
    func prometheus(_ request: RoutedRequest) async -> HTTPResponse {
        guard viewer(of: request).canGet(Route.prometheus.rawValue) else { return .empty(403) }
        guard await metricsPace.wait() else { return .text(503, "Too many requests for the metrics wait already") }
        guard let document = await metricsDocument() else { return Self.stopping }
        return .bytes(200, Array(document.prometheus().utf8), contentType: MetricMedia.prometheus)
    }

    func metricsDocument() async -> MetricsDocument? {
        guard let snapshot = await shell.snapshot() else { return nil }
        return MetricsDocument(snapshot: snapshot, facts: facts, inboxDepth: shell.inboxDepth, timers: shell.timers)
    }
}
