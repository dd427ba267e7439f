// From looks at a container's counters to what one build used: rates, peaks, the time held up.

/// One look at a container: counters since its start, and its memory at that moment.
public struct UsageSample: Hashable, Sendable {
    /// Seconds since the Unix epoch on the clock of the agent that looked.
    public var time: Double
    /// Seconds of user and system time so far.
    public var cpuSeconds: Double
    public var throttledSeconds: Double
    /// Bytes that the kernel cannot take back.
    public var memoryBytes: Double
    /// The container's own record of the most it has used, page cache included.
    public var memoryPeakBytes: Double?
    /// Processes that the kernel has killed so far because the container's memory was used up, if that is known.
    public var memoryKills: Int?

    public init(
        time: Double, cpuSeconds: Double, throttledSeconds: Double = 0, memoryBytes: Double,
        memoryPeakBytes: Double? = nil, memoryKills: Int? = nil
    ) {
        self.time = time
        self.cpuSeconds = cpuSeconds
        self.throttledSeconds = throttledSeconds
        self.memoryBytes = memoryBytes
        self.memoryPeakBytes = memoryPeakBytes
        self.memoryKills = memoryKills
    }
}

/// The samples of one build, reduced as they come: a build of a day takes no more room than one of a minute.
public struct UsageSeries: Hashable, Sendable {
    /// Two looks closer than this say little about a rate: clock ticks are a hundredth of a second.
    private static let intervalMin = 0.5
    private static let bytesInMiB = 1_048_576.0

    private var first: UsageSample?
    private var last: UsageSample?
    /// Seconds at each rate, in thousandths of a CPU: exact below one CPU, three digits above.
    private var seconds: [Int: Double] = [:]
    private var cpuPeak = 0.0
    private var memoryPeak = 0.0
    private var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    /// Takes a look into account. One that is not younger than the last, as an agent may answer twice, changes nothing, and
    /// counters that went back begin a new interval: the container is another one.
    public mutating func add(_ sample: UsageSample) {
        guard sample.time.isFinite, sample.cpuSeconds.isFinite, sample.memoryBytes.isFinite else { return }
        guard let before = last else {
            first = sample
            last = sample
            count = 1
            memoryPeak = sample.memoryBytes
            return
        }
        guard sample.time > before.time else { return }
        memoryPeak = max(memoryPeak, sample.memoryBytes)
        let interval = sample.time - before.time
        guard sample.cpuSeconds >= before.cpuSeconds else {
            last = sample
            count += 1
            return
        }
        guard interval >= Self.intervalMin else { return }
        let rate = (sample.cpuSeconds - before.cpuSeconds) / interval
        cpuPeak = max(cpuPeak, rate)
        seconds[Self.bucket(rate), default: 0] += interval
        last = sample
        count += 1
    }

    /// - Returns: nil without a single sample.
    public var use: BuildUse? {
        guard let first, let last else { return nil }
        let sampled = seconds.values.reduce(0, +)
        let total = seconds.reduce(0) { $0 + Double($1.key) * $1.value }
        let cached = last.memoryPeakBytes.flatMap { end -> Double? in
            // A record that this build did not break is an earlier build's.
            guard let begin = first.memoryPeakBytes else { return end }
            return end > begin || begin <= first.memoryBytes ? end : nil
        }
        return BuildUse(
            cpuPeak: Self.rounded(cpuPeak), cpuP95: Self.rounded(min(percentile(0.95, of: sampled), cpuPeak)),
            cpuMean: sampled > 0 ? Self.rounded(total / sampled / 1_000) : 0,
            memoryPeak: Self.rounded(memoryPeak / Self.bytesInMiB),
            memoryPeakWithCache: cached.map { Self.rounded($0 / Self.bytesInMiB) },
            throttledSeconds: Self.rounded(max(last.throttledSeconds - first.throttledSeconds, 0)), samples: count,
            sampledSeconds: Self.rounded(max(last.time - first.time, 0)))
    }

    /// The least rate that was enough for so much of the time.
    private func percentile(_ share: Double, of total: Double) -> Double {
        var covered = 0.0
        for (rate, length) in seconds.sorted(by: { $0.key < $1.key }) {
            covered += length
            if covered >= share * total { return Double(rate) / 1_000 }
        }
        return 0
    }

    private static func bucket(_ rate: Double) -> Int {
        var milli = Int((min(max(rate, 0), 1e6) * 1_000).rounded(.up))
        var step = 1
        while milli / step >= 1_000 { step *= 10 }
        milli = (milli + step - 1) / step * step
        return milli
    }

    private static func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }
}
