/// A node (a machine, called computer in Jenkins' URLs): its configuration, its agent's channel and its executors.

/// What a node was created with.
struct NodeConfiguration: Equatable, Sendable {
    enum Mode: String, Equatable, Sendable {
        case normal = "NORMAL"
        /// Only builds whose label expression matches; none without a label.
        case exclusive = "EXCLUSIVE"
    }
    var name: String
    var description = ""
    var executorCount = 1
    var remoteRoot = "/home/jenkins"
    var labels = ""
    var mode = Mode.normal

    /// What label expressions are evaluated against: the label words and the node's own name.
    var atoms: Set<String> { Set(LabelExpression.words(labels)).union([name]) }
}

/// Why a node is offline.
struct OfflineCause: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case byUser(String), channelTermination, disconnected(String) }
    var kind: Kind
    var message: String
    var since: PracticeTime
}

/// One run of a command on an executor: a freestyle build, or one step of a pipeline build.
struct RunKey: Hashable, Sendable {
    var job: String
    var number: Int
    /// The step's index in the pipeline, `nil` for a freestyle build.
    var step: Int?

    /// How agents name it: `3`, or `3.0` for the first step of build 3.
    var buildText: String { step.map { "\(number).\($0)" } ?? "\(number)" }

    init(job: String, number: Int, step: Int? = nil) {
        (self.job, self.number, self.step) = (job, number, step)
    }

    init?(job: String, buildText: String) {
        let parts = buildText.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, let number = Int(first), parts.count <= 2 else { return nil }
        if parts.count == 2 {
            guard let step = Int(parts[1]), step >= 0 else { return nil }
            self.init(job: job, number: number, step: step)
        } else {
            self.init(job: job, number: number)
        }
    }
}

/// What the controller tells an agent to do.
enum AgentCommand: Equatable, Sendable {
    case run(RunKey, script: String)
    case abort(RunKey)
}

/// A command with its place in the agent's stream. It is sent again until the agent asks for what comes after it, so a
/// lost answer loses no build.
struct NumberedCommand: Equatable, Sendable {
    var sequence: Int
    var command: AgentCommand
}

/// What an executor is doing.
enum Occupant: Equatable, Sendable {
    /// Chosen for a queue item that has not left the queue yet.
    case item(Int)
    case run(RunKey)
}

struct Node: Equatable, Sendable {
    /// How the node is connected.
    enum Channel: Equatable, Sendable {
        case none
        case agent(cookie: String, lastHeard: PracticeTime)
        /// No agent: builds on it end by themselves after so long. For test control's static nodes.
        case simulated(buildMilliseconds: Int64)
    }

    /// How long an agent may be silent before its channel counts as lost.
    static let silenceMaxMilliseconds: Int64 = 30_000

    var configuration: NodeConfiguration {
        didSet {
            atoms = configuration.atoms
            resizeExecutors()
        }
    }
    private(set) var atoms: Set<String>
    var channel = Channel.none
    /// Set while an administrator holds the node offline ("temporarily offline").
    var drain: OfflineCause?
    /// Why there is no channel.
    var channelCause: OfflineCause?
    var executors: [Occupant?]
    private(set) var commands: [NumberedCommand] = []
    private var lastSequence = 0

    init(_ configuration: NodeConfiguration) {
        self.configuration = configuration
        atoms = configuration.atoms
        executors = Array(repeating: nil, count: configuration.executorCount)
    }

    var name: String { configuration.name }
    var isConnected: Bool { channel != .none }
    var isOffline: Bool { drain != nil || !isConnected }
    var isIdle: Bool { executors.allSatisfy { $0 == nil } }
    var idleExecutorCount: Int { executors.count { $0 == nil } }
    /// A drain hides the channel's cause, as on current lines of Jenkins.
    var offlineCause: OfflineCause? { drain ?? (isConnected ? nil : channelCause) }

    var cookie: String? {
        if case .agent(let cookie, _) = channel { return cookie }
        return nil
    }

    var silenceDeadline: PracticeTime? {
        guard case .agent(_, let lastHeard) = channel else { return nil }
        return lastHeard.advanced(byMilliseconds: Self.silenceMaxMilliseconds)
    }

    mutating func connect(cookie: String, at now: PracticeTime) {
        channel = .agent(cookie: cookie, lastHeard: now)
        channelCause = nil
        commands = []
        lastSequence = 0
    }

    mutating func disconnect(_ cause: OfflineCause) {
        channel = .none
        channelCause = cause
        commands = []
    }

    mutating func heard(at now: PracticeTime) {
        if case .agent(let cookie, _) = channel { channel = .agent(cookie: cookie, lastHeard: now) }
    }

    mutating func send(_ command: AgentCommand) {
        guard case .agent = channel else { return }
        lastSequence += 1
        commands.append(NumberedCommand(sequence: lastSequence, command: command))
    }

    /// Forgets what the agent has seen and returns the next command it has not.
    mutating func nextCommand(after sequence: Int) -> NumberedCommand? {
        commands.removeAll { $0.sequence <= sequence }
        return commands.first
    }

    mutating func free(_ occupant: Occupant) {
        for index in executors.indices where executors[index] == occupant { executors[index] = nil }
        // An executor above a lowered count goes as soon as it is idle.
        while executors.count > configuration.executorCount, executors.last == .some(nil) { executors.removeLast() }
    }

    private mutating func resizeExecutors() {
        while executors.count < configuration.executorCount { executors.append(nil) }
        while executors.count > configuration.executorCount, executors.last == .some(nil) { executors.removeLast() }
    }
}
