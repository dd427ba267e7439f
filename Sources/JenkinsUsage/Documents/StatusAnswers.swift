// What a running framework answers about queue and builds, as its commands read it.

/// One queued item in `/state`.
public struct QueueEntry: Hashable, Codable, Sendable {
    public var item: UInt64
    public var job: String
    public var label: String
    /// Seconds since the Unix epoch, on the controller's clock.
    public var since: Double
    /// How far it is: `blocked`, `queued`, `requested`, `registering`, `launching`, `connecting`, `assigning`.
    public var phase: String
    /// One stable word for the reason: `no_offer`, `pulling`, `template_capped`, ...
    public var code: String
    public var template: String?
    public var node: String?
    public var reason: String

    public init(
        item: UInt64, job: String, label: String, since: Double, phase: String, code: String, template: String?,
        node: String?, reason: String
    ) {
        self.item = item
        self.job = job
        self.label = label
        self.since = since
        self.phase = phase
        self.code = code
        self.template = template
        self.node = node
        self.reason = reason
    }
}

/// `/state` as far as `mini jenkins queue` reads it.
public struct QueueAnswer: Hashable, Codable, Sendable {
    public var queue: [QueueEntry]
    public var subscribed: Bool
    public var controller_reachable: Bool
    public var controller_problem: String
    /// Seconds since the Unix epoch.
    public var time: Double

    public init(
        queue: [QueueEntry], subscribed: Bool, controller_reachable: Bool, controller_problem: String, time: Double
    ) {
        self.queue = queue
        self.subscribed = subscribed
        self.controller_reachable = controller_reachable
        self.controller_problem = controller_problem
        self.time = time
    }
}

/// `/builds`, and what `mini jenkins builds --json` prints.
public struct BuildsAnswer: Hashable, Codable, Sendable {
    /// The latest first.
    public var builds: [BuildRow]

    public init(builds: [BuildRow]) { self.builds = builds }
}
