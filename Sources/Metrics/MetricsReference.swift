// The reference of a program's figures as a table of Markdown.

/// One line of the reference.
public struct MetricRow: Equatable, Sendable {
    /// For Prometheus, with its prefix; empty if it has none.
    public var name: String
    public var kind: MetricKind
    public var scope: MetricScope
    public var labels: [String]
    public var mesos: String?
    public var help: String
}

extension MetricCatalog {
    public var rows: [MetricRow] {
        metrics.map { metric in
            MetricRow(
                name: metric.name.isEmpty ? "" : prefix + metric.name, kind: metric.kind, scope: metric.scope,
                labels: metric.labels, mesos: metric.mesos, help: metric.help)
        }
    }
}

extension [MetricRow] {
    /// Sorted by name; those that only Mesos's document has come last.
    public var markdown: String {
        var lines = ["| Prometheus | type | Mesos | meaning |", "|---|---|---|---|"]
        let sorted = sorted {
            ($0.name.isEmpty ? "~" : $0.name, $0.mesos ?? "") < ($1.name.isEmpty ? "~" : $1.name, $1.mesos ?? "")
        }
        for row in sorted {
            let labels = row.labels.isEmpty ? "" : "{\(row.labels.joined(separator: ","))}"
            let name = row.name.isEmpty ? "" : "`\(row.name)\(labels)`"
            let mesos = row.mesos.map { "`\($0.replacing("%}", with: "}"))`" } ?? ""
            let scope = row.scope == .cluster ? " Only the leader's." : ""
            let help = row.help.replacing("|", with: "\\|")
            lines.append("| \(name) | \(row.kind.rawValue) | \(mesos) | \(help)\(scope) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
