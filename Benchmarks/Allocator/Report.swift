// What the benchmark prints: one JSON line a case.

import Resources

enum Report {
    /// - Parameters:
    ///   - target: `nil` where none is set.
    ///   - reference: What `TextbookAllocator` took for the same work in this run.
    ///   - figures: What else was measured, each with its target if it has one.
    static func line(
        _ name: String, agents: Int, frameworks: Int, median: Duration, target: Duration?, reference: Duration,
        _ figures: Figure...
    ) {
        var line = #"{"case": "\#(name)", "agents": \#(agents), "frameworks": \#(frameworks), "#
        line += #""median_ms": \#(text(milliseconds(median))), "#
        line += #""target_ms": \#(target.map { text(milliseconds($0)) } ?? "null"), "#
        line += #""reference_ms": \#(text(milliseconds(reference))), "#
        line += #""ratio": \#(text(milliseconds(reference) / max(milliseconds(median), 1e-6)))"#
        for figure in figures {
            line += #", "\#(figure.name)": \#(text(figure.value))"#
            if let target = figure.target { line += #", "\#(figure.name)_target": \#(text(target))"# }
        }
        print(line + "}")
    }

    struct Figure {
        var name: String
        var value: Double
        var target: Double?

        init(_ name: String, _ value: Double, target: Double? = nil) {
            self.name = name
            self.value = value
            self.target = target
        }
    }

    /// The exponent with which the median grows.
    ///
    /// - Parameter points: Sizes and the median for each.
    static func growth(_ points: [(size: Int, median: Duration)]) -> Double {
        slope(points.map { (Logarithm.of(Double($0.size)), Logarithm.of(milliseconds($0.median))) })
    }

    static func milliseconds(_ duration: Duration) -> Double { duration.inSeconds * 1_000 }

    /// The least-squares line's slope.
    static func slope(_ points: [(x: Double, y: Double)]) -> Double {
        let count = Double(points.count)
        let (sumX, sumY) = points.reduce((0.0, 0.0)) { ($0.0 + $1.x, $0.1 + $1.y) }
        let numerator = points.reduce(0.0) { $0 + ($1.x - sumX / count) * ($1.y - sumY / count) }
        let denominator = points.reduce(0.0) { $0 + ($1.x - sumX / count) * ($1.x - sumX / count) }
        return numerator / denominator
    }

    private static func text(_ number: Double) -> String {
        let scaled = (number * 10_000).rounded() / 10_000
        return "\(scaled)"
    }
}
