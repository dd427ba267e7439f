// The rules: what of a cluster is worth a message, and what the message says.

/// A rule. The names are those of `packaging/alerts/prometheus-rules.yaml` without `MiniMesos`, and so are the thresholds.
public struct AlertRule: Equatable, Sendable {
    public enum Condition: Equatable, Sendable {
        /// A role wants resources, and less than this share of the cluster's CPUs or memory is left for it.
        case roleStarved(shareLeft: Double)
        case agentsLost
        /// One master less, and nobody leads.
        case quorumThin
        case engineStalled
        /// A build has waited longer than this for something of ours.
        case buildsWaiting(longerThan: Duration)
        /// A build asks for a label that no template serves.
        case labelUnserved
    }

    public enum Severity: String, Sendable { case info, warning, critical }

    public var name: String
    public var condition: Condition
    /// How long it must hold before anybody is told.
    public var holdsFor: Duration
    public var severity: Severity

    public init(_ name: String, _ condition: Condition, holdsFor: Duration, severity: Severity = .warning) {
        self.name = name
        self.condition = condition
        self.holdsFor = holdsFor
        self.severity = severity
    }

    /// All of them, as they are without configuration.
    public static let standard: [AlertRule] = [
        AlertRule("RoleStarved", .roleStarved(shareLeft: 0.05), holdsFor: .seconds(300)),
        AlertRule("AgentsLost", .agentsLost, holdsFor: .seconds(120)),
        AlertRule("QuorumThin", .quorumThin, holdsFor: .seconds(120)),
        AlertRule("EngineStalled", .engineStalled, holdsFor: .seconds(60)),
        AlertRule("BuildsWaiting", .buildsWaiting(longerThan: .seconds(600)), holdsFor: .seconds(60)),
        AlertRule("LabelUnserved", .labelUnserved, holdsFor: .seconds(300), severity: .info),
    ]
}

/// That a rule's condition holds for something.
public struct AlertFinding: Equatable, Sendable {
    /// What it holds for: a role, a host, a farm. Empty if for the cluster.
    public var subject: String
    public var summary: String
    public var description: String
}

extension AlertRule {
    /// Of this many things at most; a rule that holds for more is told of the first.
    static let findingsMax = 100

    /// What the rule has to say of a sample, sorted by subject.
    func findings(in sample: ClusterSample) -> [AlertFinding] {
        let found: [AlertFinding] =
            switch condition {
            case .roleStarved(let share): Self.starved(sample, share)
            case .agentsLost: Self.lost(sample)
            case .quorumThin: Self.thin(sample)
            case .engineStalled:
                sample.stalledAgents.map {
                    AlertFinding(
                        subject: $0.host, summary: "The container engine of \($0.host) does not answer.",
                        description: "The agent gets no offers until it does. \($0.reason)")
                }
            case .buildsWaiting(let limit): Self.waiting(sample, limit)
            case .labelUnserved: Self.unserved(sample)
            }
        return Array(found.sorted { $0.subject < $1.subject }.prefix(Self.findingsMax))
    }

    private static func starved(_ sample: ClusterSample, _ share: Double) -> [AlertFinding] {
        sample.roles.compactMap { role in
            guard role.wanting > 0 else { return nil }
            let isShort =
                role.obtainableCPUs < share * sample.cpus || role.obtainableMemoryMiB < share * sample.memoryMiB
            guard isShort else { return nil }
            return AlertFinding(
                subject: role.name,
                summary: "Frameworks of role \(role.name) want resources, and hardly any are left.",
                description: holders(sample) + "Ask \"mini explain role \(role.name)\".")
        }
    }

    /// A sentence for each of the three that hold most.
    private static func holders(_ sample: ClusterSample) -> String {
        let most = sample.roles.filter { $0.allocatedCPUs > 0 || $0.allocatedMemoryMiB > 0 }.sorted {
            ($1.allocatedCPUs, $1.allocatedMemoryMiB, $0.name) < ($0.allocatedCPUs, $0.allocatedMemoryMiB, $1.name)
        }
        return most.prefix(3).map {
            "Role \($0.name) holds \(number($0.allocatedCPUs)) CPUs and \(number($0.allocatedMemoryMiB)) MiB of memory. "
        }.joined()
    }

    private static func lost(_ sample: ClusterSample) -> [AlertFinding] {
        guard !sample.lostAgents.isEmpty else { return [] }
        let count = sample.lostAgents.count
        let named = sample.lostAgents.sorted().prefix(10).joined(separator: ", ")
        return [
            AlertFinding(
                subject: "",
                summary: count == 1 ? "An agent does not answer: \(named)." : "\(count) agents do not answer.",
                description: (count == 1 ? "" : "Among them: \(named). ")
                    + "Their tasks are unreachable, and nothing new is started there. An agent that will not come back "
                    + "stays in this number until it is marked gone.")
        ]
    }

    private static func thin(_ sample: ClusterSample) -> [AlertFinding] {
        guard let quorum = sample.quorum, quorum > 1, sample.masters <= quorum else { return [] }
        return [
            AlertFinding(
                subject: "",
                summary: "Only \(sample.masters) masters are in the election: with one less nobody leads.",
                description: "Start the masters that are missing.")
        ]
    }

    /// What is not ours to mend: a quiet period, a lock, a controller that takes no builds.
    private static let othersReasons: Set<String> = ["not_buildable", "quiet_down"]

    private static func waiting(_ sample: ClusterSample, _ limit: Duration) -> [AlertFinding] {
        sample.farms.flatMap { farm -> [AlertFinding] in
            let late = (farm.waits ?? []).filter {
                !othersReasons.contains($0.reason) && $0.seconds > Double(limit.components.seconds)
            }
            return Dictionary(grouping: late, by: \.reason).map { reason, waits in
                let oldest = waits.map(\.seconds).max() ?? 0
                let jobs = Set(waits.map(\.job)).sorted().prefix(5).joined(separator: ", ")
                return AlertFinding(
                    subject: "\(farm.url) \(reason)", summary: "A build has waited for \(minutes(oldest)): \(reason).",
                    description: "\(waits.count) builds wait longer than \(minutes(Double(limit.components.seconds))), "
                        + "of the jobs \(jobs). \(farm.url) says why each build waits.")
            }
        }
    }

    private static func unserved(_ sample: ClusterSample) -> [AlertFinding] {
        sample.farms.flatMap { farm -> [AlertFinding] in
            let waits = (farm.waits ?? []).filter { $0.reason == "unserved" }
            return Dictionary(grouping: waits, by: \.label).map { label, waits in
                AlertFinding(
                    subject: "\(farm.url) \(label)",
                    summary: "Builds ask for the label \"\(label)\", which no template serves.",
                    description:
                        "\(waits.count) builds wait for it. Correct the label of the job, or add a template to "
                        + "the configuration of \(farm.url).")
            }
        }
    }

    /// With one digit behind the point at most.
    private static func number(_ value: Double) -> String {
        let tenths = Int64((min(max(value, 0), 1e15) * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private static func minutes(_ seconds: Double) -> String { "\(Int64(min(max(seconds, 0), 1e12)) / 60) minutes" }
}
