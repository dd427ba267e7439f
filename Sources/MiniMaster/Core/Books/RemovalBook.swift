// Which agents are to be declared unreachable, and what holds that back: the rate limit and the brake.
import Resources

/// The queue in front of every removal of an agent that has gone silent.
///
/// Two things hold a removal back. The rate limit lets one agent go per interval. The brake holds every removal of
/// agents that fell silent under this leader while too many of them have: then the fault is more likely the master's own
/// network, and writing half the cluster off would do what the fault itself has not done. Whoever gives a sign of life
/// leaves the queue.
package struct RemovalBook: Sendable {
    /// Why an agent is to go.
    package enum Cause: Equatable, Sendable {
        /// It answered none of its pings.
        case silent
        /// Its link broke, and it did not come back in time.
        case linkBroken
        /// It was in the registry when this master began to lead, and has not been heard of since.
        case notBack

        var text: String {
            switch self {
            case .silent: "health check timed out"
            case .linkBroken: "it did not come back in time"
            case .notBack: "it did not come back after the change of leader"
            }
        }
    }

    package enum Brake: Equatable, Sendable {
        case released
        /// - Parameter calmSince: When the share fell back; it must stay there for a whole window.
        case engaged(calmSince: Instant?)
    }

    package enum BrakeChange: Equatable, Sendable { case engaged, released }

    /// What may happen now.
    enum Next: Equatable, Sendable {
        case remove(AgentID, Cause)
        /// The rate limit allows the next removal after so long.
        case wait(Duration)
        case nothing
    }

    private struct Ticket: Equatable, Sendable {
        let agent: AgentID
        let number: UInt64
    }

    /// Fewer agents than this never engage the brake, whatever their share.
    package static let brakeAgentsMin = 3

    private let interval: Duration?
    private let brakeShare: Double
    /// The time in which agents that vanished together are noticed one after the other.
    private let window: Duration
    private var causes: [AgentID: (number: UInt64, cause: Cause)] = [:]
    /// Agents of this term. Entries of those that came back meanwhile are skipped when their turn comes.
    private var vanished = Line()
    private var missing = Line()
    private var tickets: UInt64 = 0
    private var silent: Set<AgentID> = []
    /// When agents of this term were let go within the last window.
    private var recent: [Instant] = []
    private var nextPermit: Instant?
    package private(set) var brake = Brake.released

    init(settings: MasterSettings) {
        interval = settings.agentRemovalInterval
        brakeShare = settings.agentRemovalBrake
        window = settings.agentPingInterval * settings.agentPingMissesMax
    }

    package var isBraked: Bool { brake != .released }
    /// Agents that wait for their removal.
    package var waitingCount: Int { causes.count }
    /// Agents of this term that are silent now or were let go within the last window.
    package var vanishedCount: Int { silent.count + recent.count }

    // MARK: Signs of life and of its absence

    /// An agent has missed its last ping but one, or more: others that vanished with it have got as far.
    mutating func noteSilence(of agent: AgentID) { silent.insert(agent) }

    /// The agent was heard, or is gone for another reason.
    ///
    /// - Returns: Whether its removal was waiting.
    mutating func forget(_ agent: AgentID) -> Bool {
        silent.remove(agent)
        return causes.removeValue(forKey: agent) != nil
    }

    /// - Returns: False if the agent waits already.
    mutating func enqueue(_ agent: AgentID, _ cause: Cause) -> Bool {
        guard causes[agent] == nil else { return false }
        tickets += 1
        causes[agent] = (tickets, cause)
        let ticket = Ticket(agent: agent, number: tickets)
        if cause == .notBack { missing.append(ticket) } else { vanished.append(ticket) }
        return true
    }

    // MARK: Brake

    /// - Parameter present: Agents that registered under this leader and are not being removed.
    /// - Returns: What changed.
    mutating func judge(present: Int, at now: Instant) -> BrakeChange? {
        recent.removeFirst(recent.prefix { $0 + window <= now }.count)
        let isTooMany =
            vanishedCount >= Self.brakeAgentsMin
            && Double(vanishedCount) > brakeShare * Double(present + recent.count)
        switch brake {
        case .released:
            guard isTooMany else { return nil }
            brake = .engaged(calmSince: nil)
            return .engaged
        case .engaged(let calmSince):
            guard !isTooMany else {
                brake = .engaged(calmSince: nil)
                return nil
            }
            let since = calmSince ?? now
            guard since + window <= now else {
                brake = .engaged(calmSince: since)
                return nil
            }
            brake = .released
            return .released
        }
    }

    // MARK: Turns

    mutating func next(at now: Instant) -> Next {
        while let ticket = missing.first, isStale(ticket) { missing.removeFirst() }
        while let ticket = vanished.first, isStale(ticket) { vanished.removeFirst() }
        guard let ticket = missing.first ?? (isBraked ? nil : vanished.first) else { return .nothing }
        if let interval {
            if let nextPermit, now < nextPermit { return .wait(now.duration(to: nextPermit)) }
            nextPermit = now + interval
        }
        if missing.first == nil { vanished.removeFirst() } else { missing.removeFirst() }
        let cause = causes.removeValue(forKey: ticket.agent)?.cause ?? .silent
        silent.remove(ticket.agent)
        if cause != .notBack { recent.append(now) }
        return .remove(ticket.agent, cause)
    }

    /// Whether the agent of a ticket has come back since.
    private func isStale(_ ticket: Ticket) -> Bool { causes[ticket.agent]?.number != ticket.number }

    /// First in, first out, without moving ten thousand entries for each that leaves.
    private struct Line: Sendable {
        private var tickets: [Ticket] = []
        private var head = 0

        var first: Ticket? { head < tickets.count ? tickets[head] : nil }

        mutating func append(_ ticket: Ticket) { tickets.append(ticket) }

        mutating func removeFirst() {
            head += 1
            if head == tickets.count || head > 1024 {
                tickets.removeFirst(head)
                head = 0
            }
        }
    }
}
