// The agents the master knows: where each stands between admission and loss, and by which link it is reached.
import MesosProtocol
import Resources

/// One agent.
package struct Agent: Sendable {
    /// Where an agent stands. A phase that waits for the registry says so, and what follows the write is decided then.
    package enum Phase: Equatable, Sendable {
        /// The registry is being told of it; the agent is not acknowledged yet.
        case admitting(Registration)
        /// Known from the registry, not yet heard of under this leader.
        case recovered
        case connected(LinkID)
        /// Its link broke; it may come back until the timer of that number fires.
        case disconnected(returnTimer: UInt64)
        /// The registry is being told that it is unreachable or removed.
        case leaving
    }

    /// A registration that waits to be acknowledged.
    package struct Registration: Equatable, Sendable {
        package var link: LinkID
        package var message: LinkCall.Register
        /// Those that are not in the message.
        package var tasks = ReportedTasks()
        package var remoteHost: String
        /// What this is, for counting and for what has to be told after it.
        package var kind: Kind

        package enum Kind: Equatable, Sendable { case new, returning, reachableAgain }
    }

    package let id: AgentID
    package var info: V1AgentInfo
    package var total: Resources
    package var version = ""
    package var capabilities: [V1AgentInfo.Capability] = []
    /// The address its link comes from.
    package var remoteHost = ""
    /// The address that it says others reach it under; nil if it leaves that to us.
    package var advertisedIP: String?
    package var phase: Phase
    /// When it was first acknowledged under this leader; nil before.
    package var registeredAt: WallTime?
    package var reregisteredAt: WallTime?
    /// Whether the allocator knows it.
    package var isAllocated = false
    /// Whether it is known to have its id on disk. Before, nothing is offered of it: what it died with would be lost
    /// under an id that nobody bears any more.
    package var isConfirmed = false
    package var pings = PingCount()
    /// Why nothing of it is offered, as it says itself; nil while it is ready for tasks.
    package var stall: String?

    package var link: LinkID? {
        if case .connected(let link) = phase { return link }
        return nil
    }

    /// The link, acknowledged or not.
    package var openLink: LinkID? {
        switch phase {
        case .connected(let link): link
        case .admitting(let registration): registration.link
        case .recovered, .disconnected, .leaving: nil
        }
    }

    package var hostname: String { info.hostname }
    /// The address that others are told; empty until it has registered with this leader.
    package var ip: String { advertisedIP ?? remoteHost }
    package var pid: String { "slave(1)@\(ip):\(info.port)" }

    package func can(_ capability: V1AgentInfo.Capability.TypeEnum) -> Bool {
        capabilities.contains { $0.type == capability }
    }

    package var isConnected: Bool { link != nil }
    package var isRecovered: Bool { phase == .recovered }
    package var isLeaving: Bool { phase == .leaving }
    /// It was never acknowledged under this leader, so its tasks are not in the books.
    package var isAwaited: Bool { registeredAt == nil }
    package var isAdmitting: Bool {
        if case .admitting = phase { return true }
        return false
    }
}

/// Pings sent to one agent, and how many in a row went unanswered.
package struct PingCount: Equatable, Sendable {
    var timer: UInt64 = 0
    var sequence: UInt64 = 0
    var isAnswered = true
    var misses = 0
}

/// All agents that are not unreachable, gone or removed.
package struct AgentRoster: Sendable {
    private var agents: [AgentID: Agent] = [:]
    private var byLink: [LinkID: AgentID] = [:]
    /// Ids already given to agents that are not acknowledged yet or are registered, by their address, so that a retry
    /// from the same place does not make a second agent.
    private var byAddress: [String: AgentID] = [:]
    private var awaitedCount = 0
    private var leavingCount = 0
    private var journal: [Change]?

    package init() {}

    package subscript(id: AgentID) -> Agent? { agents[id] }

    package func agent(on link: LinkID) -> Agent? { byLink[link].flatMap { agents[$0] } }

    package func agent(at address: String) -> Agent? { byAddress[address].flatMap { agents[$0] } }

    /// Sorted by id.
    package var all: [Agent] { agents.values.sorted { $0.id < $1.id } }

    /// Sorted.
    package var ids: [AgentID] { agents.keys.sorted() }

    package var count: Int { agents.count }

    /// Whether agents of the registry have still to come back after a change of leader.
    package var isAwaitingAgents: Bool { awaitedCount > 0 }

    /// How many have registered under this leader and are not being removed.
    package var presentCount: Int { agents.count - awaitedCount - leavingCount }

    mutating func put(_ agent: Agent) {
        if let old = agents[agent.id] { unindex(old) }
        if journal != nil, !agent.isAwaited, agents[agent.id]?.isAwaited ?? true { journal?.append(.added(agent.id)) }
        agents[agent.id] = agent
        if agent.isAwaited { awaitedCount += 1 } else if agent.isLeaving { leavingCount += 1 }
        switch agent.phase {
        case .connected(let link): byLink[link] = agent.id
        case .admitting(let registration): byLink[registration.link] = agent.id
        case .recovered, .disconnected, .leaving: break
        }
        byAddress[Self.address(of: agent.info, at: agent.ip)] = agent.id
    }

    mutating func update(_ id: AgentID, _ change: (inout Agent) -> Void) {
        guard var agent = agents[id] else { return }
        change(&agent)
        put(agent)
    }

    @discardableResult
    mutating func remove(_ id: AgentID) -> Agent? {
        guard let agent = agents.removeValue(forKey: id) else { return nil }
        unindex(agent)
        if !agent.isAwaited { journal?.append(.removed(id)) }
        return agent
    }

    private mutating func unindex(_ agent: Agent) {
        if agent.isAwaited { awaitedCount -= 1 } else if agent.isLeaving { leavingCount -= 1 }
        switch agent.phase {
        case .connected(let link): byLink[link] = nil
        case .admitting(let registration): byLink[registration.link] = nil
        case .recovered, .disconnected, .leaving: break
        }
        let address = Self.address(of: agent.info, at: agent.ip)
        if byAddress[address] == agent.id { byAddress[address] = nil }
    }

    // MARK: For those who watch

    /// An agent that was acknowledged for the first time, or is no longer there.
    enum Change: Equatable, Sendable {
        case added(AgentID)
        case removed(AgentID)
    }

    /// Starts or stops to record changes.
    mutating func keepJournal(_ isWanted: Bool) {
        if isWanted != (journal != nil) { journal = isWanted ? [] : nil }
    }

    /// The changes since the last call, in order.
    mutating func takeJournal() -> [Change] {
        guard let taken = journal else { return [] }
        journal = []
        return taken
    }

    /// Two agents behind one host name and port at one address cannot both exist.
    static func address(of info: V1AgentInfo, at ip: String) -> String {
        "\(ip) \(info.hostname):\(info.port)"
    }
}
