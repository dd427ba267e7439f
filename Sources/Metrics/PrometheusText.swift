// Writes samples in the text format of Prometheus, each metric with its HELP and TYPE.

public enum MetricMedia {
    /// The content type of Prometheus's text format.
    public static let prometheus = "text/plain; version=0.0.4; charset=utf-8"
}

/// A document in the making.
struct PrometheusText {
    let prefix: String
    private(set) var text = ""

    init(prefix: String) { self.prefix = prefix }

    mutating func add<Source>(_ metric: Metric<Source>, _ samples: [MetricSample]) {
        let name = prefix + metric.name
        // A help line ends with its line.
        text += "# HELP \(name) \(metric.help)\n# TYPE \(name) \(metric.kind.rawValue)\n"
        for sample in samples {
            let labels = Array(zip(metric.labels, sample.labels))
            switch sample.value {
            case .number(let value): line(name, labels, value * metric.scale)
            case .summary(let summary):
                for quantile in DurationSummary.quantiles {
                    let share = ("quantile", Self.number(quantile.share))
                    line(name, labels + [share], summary.quantile(quantile.share))
                }
                line(name + "_sum", labels, summary.sum)
                line(name + "_count", labels, Double(summary.count))
            case .histogram(let histogram):
                for (bound, count) in zip(DurationHistogram.bounds, histogram.counts) {
                    line(name + "_bucket", labels + [("le", Self.number(bound))], Double(count))
                }
                line(name + "_bucket", labels + [("le", "+Inf")], Double(histogram.count))
                line(name + "_sum", labels, histogram.sum)
                line(name + "_count", labels, Double(histogram.count))
            }
        }
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += label.0
                text += "=\""
                text += Self.escaped(label.1)
                text += "\""
            }
            text += "}"
        }
        text += " "
        text += Self.number(value)
        text += "\n"
    }

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == 10 }) else {
            return text
        }
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if abs(value) < 1e15, value == value.rounded() { return String(Int64(value)) }
        return "\(value)"
    }
}
