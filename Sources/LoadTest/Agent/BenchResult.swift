// One measured figure and what is asked of it, as a line of JSON.
import Foundation

public struct BenchResult: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
        case atMost(Double)
        case atLeast(Double)
    }

    public var name: String
    public var unit: String
    /// The median if there are several samples.
    public var value: Double
    /// Ascending; empty for a figure that was measured once.
    public var samples: [Double]
    /// Of a ratio of several rounds: how far chance moves it, up or down, in two of three measurements.
    public var standardError: Double?
    /// `nil`: something to compare with.
    public var target: Target?

    init(_ name: String, unit: String, _ samples: [Double], atMost limit: Double? = nil) {
        self.name = name
        self.unit = unit
        self.samples = samples.sorted()
        value = Self.percentile(50, of: self.samples)
        target = limit.map { .atMost($0) }
    }

    init(_ name: String, unit: String, value: Double, atMost limit: Double? = nil) {
        self.init(name, unit: unit, [], atMost: limit)
        self.value = value
    }

    init(_ name: String, unit: String, value: Double, atLeast limit: Double) {
        self.init(name, unit: unit, value: value, atMost: limit)
        target = .atLeast(limit)
    }

    /// What two things took in rounds of both, as one figure: all of the reference's time by all of the measured one's.
    init(
        _ name: String, unit: String, rounds: [(reference: Double, measured: Double)], atLeast limit: Double
    ) {
        let measured = rounds.reduce(0) { $0 + $1.measured }
        let ratio = measured > 0 ? rounds.reduce(0) { $0 + $1.reference } / measured : 0
        self.init(name, unit: unit, value: ratio, atLeast: limit)
        guard rounds.count > 1, measured > 0 else { return }
        let count = Double(rounds.count)
        let squares = rounds.reduce(0) { sum, round in
            let residual = round.reference - ratio * round.measured
            return sum + residual * residual
        }
        standardError = (squares * count / (count - 1)).squareRoot() / measured
    }

    public var isMet: Bool {
        switch target {
        case .atMost(let limit): value <= limit
        case .atLeast(let limit): value >= limit
        case nil: true
        }
    }

    public var line: String {
        var fields = [
            ("case", "\"\(name)\""), ("unit", "\"\(unit)\""), (samples.isEmpty ? "value" : "median", text(value)),
        ]
        if !samples.isEmpty {
            fields += [
                ("p90", text(Self.percentile(90, of: samples))), ("p99", text(Self.percentile(99, of: samples))),
                ("samples", "\(samples.count)"),
            ]
        }
        if let standardError { fields.append(("standard_error", text(standardError))) }
        switch target {
        case .atMost(let limit): fields += [("at_most", text(limit)), ("met", isMet ? "true" : "false")]
        case .atLeast(let limit): fields += [("at_least", text(limit)), ("met", isMet ? "true" : "false")]
        case nil: break
        }
        return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
    }

    /// The value below which so many of the samples lie: of ascending samples, the nearest rank. 0 without samples.
    static func percentile(_ percent: Int, of samples: [Double]) -> Double {
        guard !samples.isEmpty else { return 0 }
        return samples[max(0, (samples.count * percent + 99) / 100 - 1)]
    }

    private func text(_ number: Double) -> String {
        String(format: abs(number) >= 100 ? "%.0f" : "%.3g", locale: nil, number)
    }
}
