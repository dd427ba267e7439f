// What kinds of agents there are, and the limits and delays the planner keeps.
import Resources

public enum NodeTag {}
public enum TemplateTag {}
/// The name of a node on the controller. It is also the id of the agent's task, and never used twice.
public typealias NodeName = ID<NodeTag>
public typealias TemplateName = ID<TemplateTag>
/// The number of a queue item; the same from waiting to left.
public typealias QueueItemID = UInt64

/// Whether a node takes builds that ask for no label.
public enum NodeMode: String, Hashable, Sendable {
    case normal = "NORMAL"
    case exclusive = "EXCLUSIVE"
}

/// One kind of agent: which builds it serves, what it needs, how long it lives. How it is launched is the shell's matter.
public struct AgentTemplate: Equatable, Sendable {
    public var name: TemplateName
    public var labels: [String]
    public var mode: NodeMode
    /// Whether agents are started for builds without a label. Needs mode NORMAL, or the controller would not use them.
    public var servesUnlabelled: Bool
    /// One build for each agent, then it goes.
    public var isSingleUse: Bool
    public var executorsMin: Int
    public var executorsMax: Int
    public var agentCPUs: Scalar
    public var executorCPUs: Scalar
    /// MiB for the agent's own process, and for each executor.
    public var agentMemory: Scalar
    public var executorMemory: Scalar
    /// Thousandths added to the memory, for what a JVM needs beside its heap.
    public var memoryOverheadMilli: Int64
    /// MiB of disk; zero asks for none.
    public var disk: Scalar
    /// Attributes the Mesos agent must have, compared as text.
    public var attributes: [String: String]
    public var agentsMax: Int
    /// Idle for so long, an agent is retired; nil keeps it for ever.
    public var idleTimeout: Duration?
    /// How long an agent may take from running to connected.
    public var connectTimeout: Duration
    /// Higher ones are given offers first.
    public var priority: Int
    /// The agent's working folder, as the controller is told.
    public var remoteFS: String

    public init(name: TemplateName, labels: [String]) {
        self.name = name
        self.labels = labels
        mode = .exclusive
        servesUnlabelled = false
        isSingleUse = false
        executorsMin = 1
        executorsMax = 1
        agentCPUs = Scalar(milli: 100)
        executorCPUs = Scalar(milli: 100)
        agentMemory = Scalar(units: 512)
        executorMemory = Scalar(units: 128)
        memoryOverheadMilli = 100
        disk = .zero
        attributes = [:]
        agentsMax = 50
        idleTimeout = .seconds(180)
        connectTimeout = .seconds(300)
        priority = 0
        remoteFS = "/home/jenkins/agent"
    }

    /// What one agent with so many executors asks of an offer.
    public func resources(executors: Int) -> Resources {
        let count = Int64(executors)
        let memory = agentMemory.milli + count * executorMemory.milli
        let padded = memory + memory * memoryOverheadMilli / 1_000
        return Resources(
            cpus: Scalar(milli: max(agentCPUs.milli + count * executorCPUs.milli, 1)),
            // Whole MiB, rounded up: the least a container can be given is one.
            mem: Scalar(milli: max((padded + 999) / 1_000, 1) * 1_000), disk: disk)
    }

    func canServe(_ label: LabelRequirement) -> Bool {
        switch label {
        case .expression(let expression): expression.matches(Set(labels))
        case .anyNode: servesUnlabelled
        case .bound, .flyweight, .unresolved: false
        }
    }
}

/// Limits and delays of the whole framework. Defaults are those of the configuration page.
public struct PlannerSettings: Equatable, Sendable {
    public var templates: [AgentTemplate]
    public var agentsMax = 200
    /// Agents between node creation and connection at one time.
    public var agentsPendingMax = 20
    public var launchesPerMinuteMax = 60
    public var declineIdle: Duration = .seconds(600)
    public var declineShort: Duration = .seconds(5)
    /// REVIVE is repeated this often while requests wait and no offer comes.
    public var reviveInterval: Duration = .seconds(30)
    /// A launched task without any status is asked for after this, and given up after twice as long.
    public var launchTimeout: Duration = .seconds(120)
    /// How long a lost task's node stays while a build may still hang on it, and an orphaned node before it is deleted.
    public var lostGrace: Duration = .seconds(60)
    /// Nothing is created or deleted for so long after the controller restarted: its agents are coming back.
    public var restartGrace: Duration = .seconds(60)
    /// A drained node must stay idle for so long before it is deleted.
    public var drainSettle: Duration = .seconds(2)
    /// An unused single-use agent that no waiting build wants is retired after this. A build too short for any poll to
    /// see may have used it.
    public var singleUseSurplusGrace: Duration = .seconds(2)
    public var reconcileInterval: Duration = .seconds(600)
    /// Offers of a machine that goes into maintenance within this time are refused.
    public var maintenanceLead: Duration = .seconds(1_800)
    public var beacons: BeaconPolicy = .pair

    public init(templates: [AgentTemplate]) { self.templates = templates }

    func template(_ name: TemplateName) -> AgentTemplate? { templates.first { $0.name == name } }
}

/// How many drained nodes stand for each template, so that the controller shows the labels of waiting pipeline steps.
public enum BeaconPolicy: String, CaseIterable, Sendable {
    case pair, single, off
}
