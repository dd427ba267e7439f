// The JSON of the status surface.
import FoundationEssentials
import JenkinsUsage
import Resources

/// One line of progress, numbered in order from 1.
public struct ProgressLine: Codable, Hashable, Sendable {
    public var sequence: UInt64
    /// Seconds since the Unix epoch.
    public var time: Double
    /// `queued`, `cancelled`, `agent_starting`, `agent_connected`, `running`, `finished`, `agent_removed`, `problem`.
    public var kind: String
    public var item: UInt64?
    public var job: String?
    public var label: String?
    /// `job #7`.
    public var build: String?
    public var node: String?
    public var template: String?
    public var host: String?
    public var result: String?
    public var durationSeconds: Double?
    /// The whole line, for people.
    public var text: String

    enum CodingKeys: String, CodingKey {
        case sequence, time, kind, item, job, label, build, node, template, host, result
        case durationSeconds = "duration_seconds"
        case text
    }

    init(_ progress: Progress, sequence: UInt64, time: WallTime) {
        self.sequence = sequence
        self.time = time.seconds
        switch progress {
        case .queued(let item, let job, let label):
            kind = "queued"
            (self.item, self.job, self.label) = (item, job, label)
            text = label.isEmpty ? "\(job) queued" : "\(job) queued for \(label)"
        case .cancelled(let item, let job):
            kind = "cancelled"
            (self.item, self.job) = (item, job)
            text = "\(job) cancelled"
        case .agentStarting(let node, let template, let host):
            kind = "agent_starting"
            (self.node, self.template, self.host) = (node.value, template.value, host)
            text = "agent \(node) starting on \(host)"
        case .agentConnected(let node, let host):
            kind = "agent_connected"
            (self.node, self.host) = (node.value, host)
            text = "agent \(node) connected from \(host)"
        case .buildRunning(let build, let node, let host):
            kind = "running"
            (self.build, self.node, self.host) = (build, node, host)
            text = host.isEmpty ? "\(build) running on \(node)" : "\(build) running on \(node) (\(host))"
        case .buildFinished(let build, let node, let result, let duration):
            kind = "finished"
            (self.build, self.node, self.result) = (build, node, result)
            let tenths = duration.clampedNanoseconds / 100_000_000
            durationSeconds = Double(duration.clampedNanoseconds / 1_000_000) / 1_000
            text = "\(build) \(result) \(tenths / 10).\(tenths % 10) s"
        case .agentRemoved(let node):
            kind = "agent_removed"
            self.node = node.value
            text = "agent \(node) removed"
        case .problem(let problem):
            kind = "problem"
            text = problem
        }
    }
}

/// The last lines of progress; older ones are dropped.
struct ProgressLog {
    private static let linesMax = 10_000

    private(set) var lines: [ProgressLine] = []
    private var last: UInt64 = 0

    mutating func add(_ progress: Progress, at time: WallTime) -> ProgressLine {
        last += 1
        let line = ProgressLine(progress, sequence: last, time: time)
        lines.append(line)
        if lines.count > Self.linesMax + 1_000 { lines.removeFirst(1_000) }
        return line
    }

    /// Lines with a greater number than this.
    func since(_ sequence: UInt64) -> [ProgressLine] {
        guard let first = lines.first else { return [] }
        let skipped = sequence < first.sequence ? 0 : sequence - first.sequence + 1
        return Array(lines.dropFirst(Int(clamping: skipped)))
    }
}

/// `/state`.
struct StateDocument: Encodable {
    struct Agent: Encodable {
        var node: String
        var template: String
        var state: String
        var task_id: String
        var agent_id: String?
        var host: String
        var executors: Int
    }
    struct Waiting: Encodable {
        var item: UInt64
        var job: String
        var label: String
        var since: Double
        var reason: String
    }
    struct Template: Encodable {
        var name: String
        var agents: Int
        var agents_max: Int?
        var labels: [String]
        var backs_off_because: String?
    }

    var framework_id: String?
    var subscribed: Bool
    var controller_reachable: Bool
    var controller_problem: String
    var suppressed: Bool
    var agents: [Agent]
    var waiting: [Waiting]
    /// The same items with phase and reason in words for machines; the oldest first.
    var queue: [QueueEntry]
    var time: Double
    var templates: [Template]
    var single_use_violations_total: Int

    init(
        _ status: PlannerStatus, _ explanations: [WaitingExplanation], _ settings: [AgentTemplate], at now: WallTime
    ) {
        framework_id = status.frameworkID?.value
        subscribed = status.isSubscribed
        controller_reachable = status.isControllerReachable
        controller_problem = status.controllerProblem
        suppressed = status.isSuppressed
        agents = status.agents.map {
            .init(
                node: $0.node.value, template: $0.template.value, state: $0.state, task_id: $0.taskID.value,
                agent_id: $0.agentID?.value, host: $0.host, executors: $0.executors)
        }
        waiting = status.waiting.map {
            .init(item: $0.item, job: $0.job, label: $0.label, since: Double($0.since) / 1_000, reason: $0.reason)
        }
        queue = explanations.map { QueueEntry($0) }
        time = now.seconds
        let known = Dictionary(settings.map { ($0.name, $0) }) { first, _ in first }
        templates = status.templates.map {
            .init(
                name: $0.name.value, agents: $0.agents, agents_max: known[$0.name]?.agentsMax,
                labels: known[$0.name]?.labels ?? [], backs_off_because: $0.backsOffBecause)
        }
        single_use_violations_total = status.singleUseViolations
    }
}

extension QueueEntry {
    init(_ waiting: WaitingExplanation) {
        self.init(
            item: waiting.item, job: waiting.job, label: waiting.label, since: Double(waiting.since) / 1_000,
            phase: waiting.phase.rawValue, code: waiting.code.rawValue, template: waiting.template?.value,
            node: waiting.node?.value, reason: waiting.reason)
    }
}
