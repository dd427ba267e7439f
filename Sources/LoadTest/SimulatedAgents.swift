// Many agents in one process: what a large cluster looks like to its master.

/// How many agents to simulate, and what each carries.
public struct SimulatedAgents: Sendable {
    public var count: Int

    public init(count: Int) { self.count = count }
}
