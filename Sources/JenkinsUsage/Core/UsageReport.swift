// Asked, used and suggested per job, what the suggestions save, and templates that ask for far too much.

public struct UsageReport: Hashable, Codable, Sendable {
    public struct Job: Hashable, Codable, Sendable {
        public var job: String
        public var template: String
        /// Builds remembered, and how many of them were measured alone in their container.
        public var builds: Int
        public var measured: Int
        /// Builds that shared a container with others.
        public var shared: Int
        /// Of the latest build.
        public var asked: BuildSize?
        /// Over the builds the suggestion rests on: p95 of their CPU p95 and of their memory peaks.
        public var used: BuildSize?
        public var cpuPeak: Double?
        public var throttledSeconds: Double
        public var outOfMemory: Int
        public var suggested: SizeSuggestion?
        /// What the remembered builds would have left free with the suggestion; negative if they would have taken more.
        public var savedCPUHours: Double
        public var savedGiBHours: Double

        enum CodingKeys: String, CodingKey {
            case job, template, builds, measured, shared, asked, used, suggested
            case cpuPeak = "cpu_peak"
            case throttledSeconds = "throttled_seconds"
            case outOfMemory = "out_of_memory"
            case savedCPUHours = "saved_cpu_hours"
            case savedGiBHours = "saved_gib_hours"
        }
    }

    /// A template whose last builds all used under half of what it asks for.
    public struct Oversized: Hashable, Codable, Sendable {
        public var template: String
        /// `cpus` or `memory`.
        public var resource: String
        public var asked: Double
        /// The most that any of those builds used.
        public var used: Double
        public var builds: Int
    }

    public var jobs: [Job]
    public var oversized: [Oversized]
    public var savedCPUHours: Double
    public var savedGiBHours: Double

    enum CodingKeys: String, CodingKey {
        case jobs, oversized
        case savedCPUHours = "saved_cpu_hours"
        case savedGiBHours = "saved_gib_hours"
    }

    public init(
        jobs: [Job] = [], oversized: [Oversized] = [], savedCPUHours: Double = 0, savedGiBHours: Double = 0
    ) {
        self.jobs = jobs
        self.oversized = oversized
        self.savedCPUHours = savedCPUHours
        self.savedGiBHours = savedGiBHours
    }

    /// - Parameter rule: Gives each job's suggestion; bounds may differ by template.
    public init(_ rows: [BuildRow], rule: (_ template: String) -> SuggestionRule) {
        let byJob = Dictionary(grouping: rows, by: \.job)
        jobs = byJob.keys.sorted().map { job in
            let latest = (byJob[job] ?? []).sorted { ($0.startedAt, $0.number) > ($1.startedAt, $1.number) }
            return Self.job(job, latest, rule(latest.first?.template ?? ""))
        }
        // What saves most stands first.
        jobs.sort { ($1.savedCPUHours, $1.savedGiBHours, $0.job) < ($0.savedCPUHours, $0.savedGiBHours, $1.job) }
        let byTemplate = Dictionary(grouping: rows.filter { !$0.template.isEmpty }, by: \.template)
        oversized = byTemplate.keys.sorted().flatMap { Self.oversized($0, byTemplate[$0] ?? []) }
        savedCPUHours = jobs.reduce(0) { $0 + $1.savedCPUHours }
        savedGiBHours = jobs.reduce(0) { $0 + $1.savedGiBHours }
    }

    private static func job(_ name: String, _ latest: [BuildRow], _ rule: SuggestionRule) -> Job {
        let alone = latest.filter { !$0.isShared && ($0.used?.samples ?? 0) >= 2 }
        let recent = alone.prefix(rule.buildsMax).compactMap(\.used)
        let suggestion = rule.suggest(from: latest)
        var saved = BuildSize(cpus: 0, memory: 0)
        if let suggestion {
            for row in latest where !row.isShared {
                guard let asked = row.asked else { continue }
                saved.cpus += (asked.cpus - suggestion.size.cpus) * row.duration / 3_600
                saved.memory += (asked.memory - suggestion.size.memory) / 1_024 * row.duration / 3_600
            }
        }
        return Job(
            job: name, template: latest.first?.template ?? "", builds: latest.count, measured: alone.count,
            shared: latest.count { $0.isShared }, asked: latest.first { $0.asked != nil }?.asked,
            used: recent.isEmpty
                ? nil
                : BuildSize(
                    cpus: SuggestionRule.p95(recent.map(\.cpuP95)),
                    memory: SuggestionRule.p95(recent.map(\.memoryPeak))),
            cpuPeak: recent.map(\.cpuPeak).max(),
            throttledSeconds: latest.reduce(0) { $0 + ($1.used?.throttledSeconds ?? 0) },
            outOfMemory: latest.count { $0.wasOutOfMemory }, suggested: suggestion,
            savedCPUHours: saved.cpus, savedGiBHours: saved.memory)
    }

    /// How many of its last builds must agree before a template is said to ask for too much.
    static let oversizedBuilds = 10

    private static func oversized(_ template: String, _ rows: [BuildRow]) -> [Oversized] {
        let last = rows.filter { ($0.used?.samples ?? 0) >= 2 && $0.asked != nil }
            .sorted { ($0.startedAt, $0.number) > ($1.startedAt, $1.number) }.prefix(oversizedBuilds)
        guard last.count == oversizedBuilds, let latest = last.first?.asked else { return [] }
        var found: [Oversized] = []
        let isUnder = { (part: (BuildSize) -> Double, use: (BuildUse) -> Double) -> Bool in
            last.allSatisfy { row in
                guard let asked = row.asked, let used = row.used else { return false }
                return part(asked) > 0 && use(used) < part(asked) / 2
            }
        }
        if isUnder(\.cpus, \.cpuP95) {
            found.append(
                Oversized(
                    template: template, resource: "cpus", asked: latest.cpus,
                    used: last.compactMap(\.used?.cpuP95).max() ?? 0, builds: last.count))
        }
        if isUnder(\.memory, \.memoryPeak) {
            found.append(
                Oversized(
                    template: template, resource: "memory", asked: latest.memory,
                    used: last.compactMap(\.used?.memoryPeak).max() ?? 0, builds: last.count))
        }
        return found
    }
}
