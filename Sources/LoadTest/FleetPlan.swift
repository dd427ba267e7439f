// What a fleet of simulated agents looks like: how many there are and what each carries.
import Resources

/// A number of agents that exist only on the wire.
public struct FleetPlan: Hashable, Sendable {
    public var agents: Int
    /// In the whole fleet, spread evenly. An agent comes with its tasks once it has an id.
    public var tasks: Int
    /// How many frameworks the tasks belong to; every agent has tasks of several.
    public var frameworks: Int
    /// The number of the first agent: several processes make up one fleet.
    public var firstAgent: Int
    /// Agents that know their ids from the start, as those of an existing cluster do, and come with their tasks at once.
    public var areKnown: Bool
    /// How many agents may be connecting or registering at one time. More than a server's backlog (1,024) gains nothing.
    public var registeringMax: Int

    public init(
        agents: Int, tasks: Int = 0, frameworks: Int = 10, firstAgent: Int = 0, areKnown: Bool = false,
        registeringMax: Int = 500
    ) {
        self.agents = agents
        self.tasks = tasks
        self.frameworks = max(1, frameworks)
        self.firstAgent = firstAgent
        self.areKnown = areKnown
        self.registeringMax = max(1, registeringMax)
    }

    /// How many tasks an agent of the fleet carries: the first ones have one more if they do not divide evenly.
    func tasks(of agent: Int) -> Int { tasks / agents + (agent < tasks % agents ? 1 : 0) }
}

/// How a fleet is doing.
public struct FleetFigures: Hashable, Sendable {
    /// Agents whose registration the present leader has acknowledged.
    public var registered = 0
    /// Which leader they follow: 1 for the first, and so on; 0 while there was none.
    public var leaders = 0
    /// When the fleet turned to the present leader, and when the last agent was registered with it; seconds of the
    /// monotonic clock, 0 while that has not happened.
    public var turnedAt = 0.0
    public var completeAt = 0.0
    /// Registrations that had to be tried again: connections refused or broken, answers other than 200.
    public var retries = 0
    /// Registrations the master would not have, and calls it answered with an error.
    public var refusals = 0
    /// Links that broke while the leader stayed the same.
    public var brokenLinks = 0
    public var pingsAnswered = 0
    /// The last thing that went wrong, in words.
    public var lastFault = ""

    public init() {}
}
