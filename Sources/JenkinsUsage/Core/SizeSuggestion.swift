// What the next build of a job should ask for, from what its last builds used.

/// How a suggestion is made.
public struct SuggestionRule: Hashable, Sendable {
    /// Builds looked at, the latest first.
    public var buildsMax = 20
    /// With fewer there is no suggestion.
    public var buildsMin = 3
    /// What is added to the use, as a share of it.
    public var cpuHeadroom = 0.2
    public var memoryHeadroom = 0.25
    /// After an end for want of memory: times what was asked for then.
    public var outOfMemoryFactor = 1.5
    /// A build that was held up for more than this share of its time would have used more.
    public var throttledShareMax = 0.1
    public var throttledFactor = 1.5
    /// Bounds; a suggestion never leaves them.
    public var least = BuildSize(cpus: 0.1, memory: 64)
    public var most = BuildSize(cpus: 64, memory: 262_144)
    /// Suggestions are rounded up to these.
    public var cpuStep = 0.1
    public var memoryStep = 32.0

    public init() {}
}

/// What a job should ask for, and what that rests on.
public struct SizeSuggestion: Hashable, Codable, Sendable {
    public var size: BuildSize
    /// Builds it was worked out from.
    public var builds: Int
    /// One of the last builds was ended for want of memory.
    public var stepsUpMemory: Bool
    /// One of the last builds was held up by its quota.
    public var stepsUpCPUs: Bool

    public init(size: BuildSize, builds: Int, stepsUpMemory: Bool = false, stepsUpCPUs: Bool = false) {
        self.size = size
        self.builds = builds
        self.stepsUpMemory = stepsUpMemory
        self.stepsUpCPUs = stepsUpCPUs
    }

    enum CodingKeys: String, CodingKey {
        case size, builds
        case stepsUpMemory = "steps_up_memory"
        case stepsUpCPUs = "steps_up_cpus"
    }
}

extension SuggestionRule {
    /// The p95 over the last builds of what each needed, with head-room, within the bounds. A build that was cut short
    /// for want of memory shows no need: from then on the suggestion is at least `outOfMemoryFactor` times what that build
    /// had, until so many later builds have passed that it is no longer looked at.
    ///
    /// - Parameter rows: Of one job. Builds that shared their container and builds that were not measured are left out.
    /// - Returns: nil if too little is known. One end for want of memory is enough.
    public func suggest(from rows: [BuildRow]) -> SizeSuggestion? {
        let latest = rows.sorted { ($0.startedAt, $0.number) > ($1.startedAt, $1.number) }
            .filter { !$0.isShared && ($0.wasOutOfMemory || ($0.used?.samples ?? 0) >= 2) }.prefix(buildsMax)
        let measured = latest.compactMap { row in row.used.map { (row, $0) } }
        let killedAt = latest.filter(\.wasOutOfMemory).compactMap { $0.asked?.memory }.max()
        guard latest.count >= buildsMin || killedAt != nil else { return nil }
        var cpus = Self.p95(measured.map { $0.1.cpuP95 }) * (1 + cpuHeadroom)
        var memory = Self.p95(measured.map { $0.1.memoryPeak }) * (1 + memoryHeadroom)
        let heldUpAt = measured.filter { _, used in
            used.sampledSeconds > 0 && used.throttledSeconds > throttledShareMax * used.sampledSeconds
        }.compactMap { $0.0.asked?.cpus }.max()
        if let heldUpAt { cpus = max(cpus, heldUpAt * throttledFactor) }
        if let killedAt { memory = max(memory, killedAt * outOfMemoryFactor) }
        if measured.isEmpty, let asked = latest.compactMap({ $0.asked?.cpus }).max() { cpus = max(cpus, asked) }
        return SizeSuggestion(
            size: BuildSize(
                cpus: bounded(cpus, step: cpuStep, least.cpus, most.cpus),
                memory: bounded(memory, step: memoryStep, least.memory, most.memory)),
            builds: latest.count, stepsUpMemory: killedAt != nil, stepsUpCPUs: heldUpAt != nil)
    }

    private func bounded(_ value: Double, step: Double, _ least: Double, _ most: Double) -> Double {
        let steps = step > 0 ? (value / step - 1e-9).rounded(.up) * step : value
        // Without the tail that adding up tenths leaves.
        return min(max((steps * 1_000).rounded() / 1_000, least), most)
    }

    /// By the nearest rank: with fewer than twenty values the greatest.
    static func p95(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((0.95 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
