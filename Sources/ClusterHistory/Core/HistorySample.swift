// What each role held at one moment, and what remains of many such moments.

/// What somebody holds at one moment.
public struct HistoryAmounts: Hashable, Sendable {
    /// Hundredths of a CPU allocated to tasks and executors.
    public var centiCPUs: Int64
    /// MiB allocated to them.
    public var memory: Int64
    public var tasks: Int64
    /// Tasks that are agents of a Jenkins controller.
    public var builds: Int64

    public init(centiCPUs: Int64 = 0, memory: Int64 = 0, tasks: Int64 = 0, builds: Int64 = 0) {
        self.centiCPUs = centiCPUs
        self.memory = memory
        self.tasks = tasks
        self.builds = builds
    }

    public static func + (left: Self, right: Self) -> Self {
        Self(
            centiCPUs: left.centiCPUs + right.centiCPUs, memory: left.memory + right.memory,
            tasks: left.tasks + right.tasks, builds: left.builds + right.builds)
    }

    public static func += (left: inout Self, right: Self) { left = left + right }

    public var isZero: Bool { self == Self() }

    func merged(with other: Self, _ choose: (Int64, Int64) -> Int64) -> Self {
        Self(
            centiCPUs: choose(centiCPUs, other.centiCPUs), memory: choose(memory, other.memory),
            tasks: choose(tasks, other.tasks), builds: choose(builds, other.builds))
    }
}

/// Whose amounts they are.
public enum HistorySeries: Hashable, Comparable, Sendable {
    /// Everything that is allocated in the cluster.
    case cluster
    /// What all its agents have; the number of tasks is the number of agents.
    case capacity
    /// A role and those below it.
    case role(String)

    /// Its name where names are kept; no role's name is empty or a slash.
    public var key: String {
        switch self {
        case .cluster: ""
        case .capacity: "/"
        case .role(let name): name
        }
    }

    public init(key: String) {
        switch key {
        case "": self = .cluster
        case "/": self = .capacity
        default: self = .role(key)
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.key < right.key }
}

/// The cluster at one moment. Who holds nothing is absent.
public struct HistorySample: Hashable, Sendable {
    /// Seconds since the Unix epoch.
    public var time: Int64
    public var amounts: [HistorySeries: HistoryAmounts]

    public init(time: Int64, amounts: [HistorySeries: HistoryAmounts]) {
        self.time = time
        self.amounts = amounts
    }
}

/// How finely something is remembered, and for how long.
public enum HistoryResolution: Int64, CaseIterable, Sendable {
    case minute = 60
    case tenMinutes = 600

    /// Seconds of a slot.
    public var step: Int64 { rawValue }

    /// Seconds that it reaches back.
    public var span: Int64 {
        switch self {
        case .minute: 86_400
        case .tenMinutes: 31 * 86_400
        }
    }

    /// The start of the slot that a time is in.
    public func slot(of time: Int64) -> Int64 {
        let remainder = time % step
        return time - (remainder < 0 ? remainder + step : remainder)
    }
}

/// What remains of the samples of one slot for one series.
public struct HistoryPoint: Hashable, Sendable {
    public var mean: HistoryAmounts
    public var most: HistoryAmounts

    public init(mean: HistoryAmounts, most: HistoryAmounts) {
        self.mean = mean
        self.most = most
    }

    public init(_ amounts: HistoryAmounts) { self.init(mean: amounts, most: amounts) }
}

/// One slot of one resolution: everybody's points. Who held nothing is absent.
public struct HistoryRow: Hashable, Sendable {
    /// The start of the slot, in seconds since the Unix epoch.
    public var time: Int64
    public var points: [HistorySeries: HistoryPoint]

    public init(time: Int64, points: [HistorySeries: HistoryPoint]) {
        self.time = time
        self.points = points
    }

    public init(_ sample: HistorySample) {
        time = HistoryResolution.minute.slot(of: sample.time)
        points = sample.amounts.filter { !$0.value.isZero }.mapValues { HistoryPoint($0) }
    }

    /// What remains of several slots that lie in a longer one.
    ///
    /// - Parameter rows: At least one. Slots nobody recorded are absent and do not count as empty.
    public static func condensed(_ rows: [HistoryRow], at time: Int64) -> HistoryRow {
        HistoryRow(time: time, points: HistoryPoint.condensed(rows.map(\.points)))
    }
}

extension HistoryPoint {
    /// The mean of means and the largest of all, by whatever tells series apart. Who is absent held nothing.
    static func condensed<Key>(_ slots: [[Key: HistoryPoint]]) -> [Key: HistoryPoint] {
        var sums: [Key: HistoryPoint] = [:]
        for (key, point) in slots.joined() {
            guard let known = sums[key] else {
                sums[key] = point
                continue
            }
            sums[key] = HistoryPoint(mean: known.mean + point.mean, most: known.most.merged(with: point.most, max))
        }
        let count = Int64(max(1, slots.count))
        return sums.mapValues { point in
            let mean = point.mean.merged(with: point.mean) { sum, _ in (sum + count / 2) / count }
            return HistoryPoint(mean: mean, most: point.most)
        }
    }
}
