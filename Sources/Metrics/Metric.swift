// One figure a program tells of itself: its name for Prometheus, its name in Apache Mesos, what it means, how it is read.

/// What a figure does over time.
public enum MetricKind: String, Sendable {
    /// Goes up and down.
    case gauge
    /// Only grows, from zero when the process starts.
    case counter
    /// How durations were spread: their number, their sum, and quantiles of the newest.
    case summary
    /// How durations were spread: their number, their sum, and how many were below each bound.
    case histogram
}

/// Whose figure it is.
public enum MetricScope: String, Sendable {
    /// Of the process that is asked.
    case process
    /// Of the cluster. Only the leading master knows it: a standby shows zeros in Mesos's document, which has every name
    /// always, and leaves it out of Prometheus's, where a zero would be taken for a fact.
    case cluster
}

/// A value with the values of its metric's labels, in their order.
public struct MetricSample: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case number(Double)
        case summary(DurationSummary)
        case histogram(DurationHistogram)
    }

    public var labels: [String]
    public var value: Value

    public init(_ labels: [String], _ value: Double) {
        self.labels = labels
        self.value = .number(value)
    }

    public init(_ labels: [String], _ summary: DurationSummary) {
        self.labels = labels
        value = .summary(summary)
    }

    public init(_ labels: [String], _ histogram: DurationHistogram) {
        self.labels = labels
        value = .histogram(histogram)
    }
}

/// The declaration of one figure. Both documents and the reference are made from it.
public struct Metric<Source>: Sendable {
    /// Without the program's prefix, in base units (seconds, bytes). Empty: only Mesos's document has it.
    public let name: String
    public let kind: MetricKind
    public let scope: MetricScope
    /// One sentence; says the unit where the name does not.
    public let help: String
    public let labels: [String]
    /// The name in Apache Mesos, where `{label}` stands for the value of a label and `{label%}` for that value
    /// percent-encoded. Nil: Mesos has no such figure.
    public let mesos: String?
    /// What a value is multiplied by to be in the base unit of `name`: 1,048,576 where Mesos counts in MiB.
    public let scale: Double
    public let read: @Sendable (Source) -> [MetricSample]

    public init(
        _ name: String, _ kind: MetricKind, _ help: String, mesos: String? = nil, labels: [String] = [],
        scale: Double = 1, scope: MetricScope = .process, samples read: @escaping @Sendable (Source) -> [MetricSample]
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.mesos = mesos
        self.labels = labels
        self.scale = scale
        self.scope = scope
        self.read = read
    }

    /// A figure without labels.
    public init(
        _ name: String, _ kind: MetricKind, _ help: String, mesos: String? = nil, scale: Double = 1,
        scope: MetricScope = .process, _ read: @escaping @Sendable (Source) -> Double
    ) {
        self.init(name, kind, help, mesos: mesos, scale: scale, scope: scope) { [MetricSample([], read($0))] }
    }

    /// A name that collectors of Apache Mesos ask for and that counts something this program does not have: always zero.
    public static func absent(_ mesos: String, _ help: String) -> Metric {
        Metric("", .gauge, help, mesos: mesos) { _ in 0 }
    }
}

/// How durations were spread: all of them by number and sum, the newest by quantiles.
public struct DurationSummary: Equatable, Sendable {
    public static let quantiles: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999),
    ]

    /// Since the process started.
    public var count: Int
    /// Seconds, since the process started.
    public var sum: Double
    /// The last one, in seconds.
    public var last: Double
    /// The newest ones in seconds, sorted; at least one.
    public var newest: [Double]

    public init(count: Int, sum: Double, last: Double, newest: [Double]) {
        self.count = count
        self.sum = sum
        self.last = last
        self.newest = newest
    }

    /// Between two samples, in proportion.
    public func quantile(_ share: Double) -> Double {
        guard let greatest = newest.last else { return 0 }
        let position = share * Double(newest.count - 1)
        let below = Int(position)
        guard below + 1 < newest.count else { return greatest }
        return newest[below] + (position - Double(below)) * (newest[below + 1] - newest[below])
    }
}

/// Counts of durations by upper bounds, as a Prometheus histogram.
public struct DurationHistogram: Equatable, Sendable {
    /// Seconds.
    public static let bounds: [Double] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

    public private(set) var counts = Array(repeating: 0, count: bounds.count)
    public private(set) var count = 0
    public private(set) var sum = 0.0

    public init() {}

    public mutating func add(_ seconds: Double) {
        count += 1
        sum += seconds
        for index in Self.bounds.indices where seconds <= Self.bounds[index] { counts[index] += 1 }
    }
}
