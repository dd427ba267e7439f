// What kinds of agents there are: which builds each serves, what it needs, how long it lives.
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

/// How many builds an agent serves.
public enum SingleUse: String, CaseIterable, Hashable, Sendable {
    /// As many as come.
    case no
    /// One: it is drained when its first build is seen. A build shorter than the time between two looks can let a second
    /// one in; that is counted.
    case yes
    /// One, and more strictly: the agent comes up drained, is opened only while a matching build waits, and drained again
    /// as soon as that has left the queue.
    case strict
}

/// One kind of agent. How it is launched is the shell's matter.
public struct AgentTemplate: Equatable, Sendable {
    public var name: TemplateName
    public var labels: [String]
    public var mode: NodeMode
    /// Whether agents are started for builds without a label. Needs mode NORMAL, or the controller would not use them.
    public var servesUnlabelled: Bool
    /// Anything but `no` needs `executorsMax` 1.
    public var singleUse: SingleUse
    /// Jobs after a build of which an agent is retired. It does not promise them a fresh one.
    public var singleUseJobs: [JobPattern]
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
    /// Ports of the host, one for each entry, taken from the offer.
    public var ports: [PortWish]
    /// Attributes the Mesos agent must have: text is compared as text, a scalar as a number; a set or a range must contain
    /// the value.
    public var attributes: [String: String]
    /// Where in the world the Mesos agent must be; nil: anywhere.
    public var domain: DomainWish?
    /// Only offers for this role are used; nil: any role the framework has.
    public var role: RoleName?
    public var agentsMax: Int
    /// The warm pool: so many agents are kept idle, or on their way, beyond what waits.
    public var agentsIdleMin: Int
    /// Idle for so long, an agent is retired; nil keeps it for ever.
    public var idleTimeout: Duration?
    /// Older than this, an agent takes no more builds and is retired when it is idle; nil: age does not matter.
    public var lifetimeMax: Duration?
    /// After so many builds an agent is retired; nil: any number.
    public var buildsMax: Int?
    /// How long an agent may take from running to connected.
    public var connectTimeout: Duration
    /// Higher ones are given offers first.
    public var priority: Int
    /// The agent's working folder, as the controller is told.
    public var remoteFS: String
    /// Whether a label `WORD:IMAGE`, where WORD is one of the template's labels, asks for an agent with that image.
    public var imageFromLabel: Bool
    /// The images that a label, a parameter or a job pattern may choose. Empty: none.
    public var imagesAllowed: [ImagePattern]
    /// Sizes that differ from build to build.
    public var sizing: Sizing

    public init(name: TemplateName, labels: [String]) {
        self.name = name
        self.labels = labels
        mode = .exclusive
        servesUnlabelled = false
        singleUse = .no
        singleUseJobs = []
        executorsMin = 1
        executorsMax = 1
        agentCPUs = Scalar(milli: 100)
        executorCPUs = Scalar(milli: 100)
        agentMemory = Scalar(units: 512)
        executorMemory = Scalar(units: 128)
        memoryOverheadMilli = 100
        disk = .zero
        ports = []
        attributes = [:]
        domain = nil
        role = nil
        agentsMax = 50
        agentsIdleMin = 0
        idleTimeout = .seconds(180)
        lifetimeMax = nil
        buildsMax = nil
        connectTimeout = .seconds(300)
        priority = 0
        remoteFS = "/home/jenkins/agent"
        imageFromLabel = false
        imagesAllowed = []
        sizing = Sizing()
    }

    var isSingleUse: Bool { singleUse != .no }

    /// What one agent with so many executors asks of an offer, ports aside.
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

/// One port of the host for an agent.
public struct PortWish: Hashable, Sendable {
    public enum Transport: String, CaseIterable, Hashable, Sendable { case tcp, udp }

    /// The port inside the container.
    public var container: UInt16
    /// nil: any that the offer has. Given: the offer must have it.
    public var host: UInt16?
    public var transport: Transport

    public init(container: UInt16, host: UInt16? = nil, transport: Transport = .tcp) {
        self.container = container
        self.host = host
        self.transport = transport
    }
}

/// A wish granted: this port of the host leads to that one of the container.
public struct PortMapping: Hashable, Sendable {
    public var container: UInt16
    public var host: UInt16
    public var transport: PortWish.Transport

    public init(container: UInt16, host: UInt16, transport: PortWish.Transport = .tcp) {
        self.container = container
        self.host = host
        self.transport = transport
    }
}

/// Where a Mesos agent must be. What is nil does not matter.
public struct DomainWish: Hashable, Sendable {
    public var region: String?
    public var zone: String?

    public init(region: String? = nil, zone: String? = nil) {
        self.region = region
        self.zone = zone
    }
}
