// All figures of one program, and the two documents that are made from them.

/// The declarations of a program.
public struct MetricCatalog<Source>: Sendable {
    /// Before each name for Prometheus: `mini_master_`.
    public let prefix: String
    public let metrics: [Metric<Source>]

    public init(prefix: String, _ metrics: [Metric<Source>]) {
        self.prefix = prefix
        self.metrics = metrics
    }

    /// The flat document of Apache Mesos: every figure that has a name there, sorted by name.
    public func mesos(_ source: Source) -> [(name: String, value: Double)] {
        var values: [(name: String, value: Double)] = []
        for metric in metrics {
            guard let template = metric.mesos.map(MetricName.init) else { continue }
            for sample in metric.read(source) {
                let name = template.filled(metric.labels, sample.labels)
                switch sample.value {
                case .number(let value): values.append((name, value))
                case .summary(let summary): values += Self.milliseconds(name, summary)
                case .histogram: break
                }
            }
        }
        return values.sorted { $0.name < $1.name }
    }

    /// The names that a timer has in Apache Mesos. All are of the newest durations.
    private static func milliseconds(_ name: String, _ summary: DurationSummary) -> [(name: String, value: Double)] {
        guard let least = summary.newest.first, let greatest = summary.newest.last else { return [] }
        return [
            (name, summary.last * 1e3), ("\(name)/count", Double(summary.newest.count)),
            ("\(name)/min", least * 1e3), ("\(name)/max", greatest * 1e3),
        ] + DurationSummary.quantiles.map { ("\(name)/\($0.name)", summary.quantile($0.share) * 1e3) }
    }

    /// The text format of Prometheus, version 0.0.4.
    ///
    /// - Parameter knowsCluster: Whether this process leads; without, figures of the cluster are left out.
    public func prometheus(_ source: Source, knowsCluster: Bool = true) -> String {
        var text = PrometheusText(prefix: prefix)
        for metric in metrics where !metric.name.isEmpty && (knowsCluster || metric.scope == .process) {
            text.add(metric, metric.read(source))
        }
        return text.text
    }
}

/// A name in Apache Mesos with places for the values of labels.
struct MetricName {
    private enum Part {
        case text(String)
        case label(String, isEncoded: Bool)
    }
    private let parts: [Part]

    init(_ template: String) {
        parts = template.split(separator: "{", omittingEmptySubsequences: false).enumerated().flatMap { index, piece in
            guard index > 0, let end = piece.firstIndex(of: "}") else { return [Part.text(String(piece))] }
            let name = piece[..<end]
            let isEncoded = name.hasSuffix("%")
            let label = Part.label(String(isEncoded ? name.dropLast() : name), isEncoded: isEncoded)
            return [label, .text(String(piece[piece.index(after: end)...]))]
        }
    }

    /// Labels that are in the template.
    var labels: [String] {
        parts.compactMap { part in
            if case .label(let name, _) = part { name } else { nil }
        }
    }

    func filled(_ labels: [String], _ values: [String]) -> String {
        var name = ""
        for part in parts {
            switch part {
            case .text(let text): name += text
            case .label(let label, let isEncoded):
                guard let index = labels.firstIndex(of: label), index < values.count else { continue }
                name += isEncoded ? Self.encoded(values[index]) : values[index]
            }
        }
        return name
    }

    /// With everything but unreserved characters percent-encoded, so that it is one component of a path.
    static func encoded(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }
}
