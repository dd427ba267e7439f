// Why a framework was offered something, or nothing: the reasons as values, to be printed by whoever asks.

import Resources

/// Why a client (a framework in one of its roles) is not offered what is free on an agent.
public enum Obstacle: Hashable, Sendable {
    case nothingFree
    case agentNotOffered
    case needsGPUCapability
    case otherRegion
    case constraints
    /// What it may use there is less than the least worth offering.
    case belowMinimum
    /// The quota of its top-level role allows no more.
    case quotaLimit
    /// Other roles are guaranteed what is left.
    case guaranteesOfOthers
    /// It refused the same, or more, until then.
    case filtered(until: Instant)
    /// Somebody else was served first.
    case notItsTurn(Comparison)

    /// The two siblings in the role tree that decided.
    public struct Comparison: Hashable, Sendable {
        public var mine: Fraction
        public var theirs: Fraction
        public var winner: FrameworkID
        public var winnersRole: RoleName
    }

    /// A dominant share over a weight, exact.
    public struct Fraction: Hashable, Sendable, CustomStringConvertible {
        public var numerator: UInt64
        public var denominator: UInt64
        public var weight: Weight

        /// For people; decisions compare the exact numbers.
        public var approximation: Double { Double(numerator) / Double(denominator) / weight.doubleValue }

        public var description: String {
            let digits = "\(Int64(approximation * 10_000 + 0.5) + 10_000)".suffix(4)
            return "\(Int64(approximation * 10_000 + 0.5) / 10_000).\(digits)"
        }
    }

    /// One word for it, the same whatever the numbers.
    public var word: String {
        switch self {
        case .nothingFree: "nothing-free"
        case .agentNotOffered: "agent-not-offered"
        case .needsGPUCapability: "needs-gpu-capability"
        case .otherRegion: "other-region"
        case .constraints: "offer-constraints"
        case .belowMinimum: "below-minimum"
        case .quotaLimit: "quota-limit"
        case .guaranteesOfOthers: "guarantees-of-others"
        case .filtered: "filtered"
        case .notItsTurn: "not-its-turn"
        }
    }
}

/// Whether a client takes part at all.
public enum Standing: String, Hashable, Sendable {
    case hungry, suppressed, disconnected
    /// It gave the role up, but still holds something in it.
    case unsubscribed
}

/// Everything there is to say about one client now.
public struct ClientExplanation: Hashable, Sendable {
    public var framework: FrameworkID
    public var role: RoleName
    public var standing: Standing
    public var share: Obstacle.Fraction
    public var held: [String: Scalar]
    /// How many allocations it was made in all.
    public var allocations: Int
    public var filters: Int
    /// Agents whose free resources it would take in the next round.
    public var takeable: Int
    /// How many agents stand in the way, by reason, the most frequent first.
    public var obstacles: [Tally]
    /// What was decided lately while somebody watched, oldest first.
    public var decisions: [Decision]

    public struct Tally: Hashable, Sendable {
        /// With the earliest end, if it is a filter.
        public var obstacle: Obstacle
        public var agents: Int
        /// One of them.
        public var example: AgentID
    }
}

/// What one round decided about one client.
public struct Decision: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        case offered(Resources)
        case refused(Obstacle)
    }

    public var round: Int
    public var at: Instant
    public var framework: FrameworkID
    public var role: RoleName
    public var outcome: Outcome
    /// How many agents it was decided for in this round.
    public var agents: Int
    /// One of them.
    public var example: AgentID
}

/// A role, its place among its siblings, and its frameworks with those of the roles below.
public struct RoleExplanation: Hashable, Sendable {
    public var role: RoleName
    public var share: Obstacle.Fraction
    /// Its place among hungry siblings, from 1; nil if nobody below it is hungry.
    public var place: Int?
    /// How many siblings are hungry.
    public var siblings: Int
    public var clients: [ClientExplanation]
    /// Clients that are not listed, because there are too many.
    public var omitted: Int
}

/// Decisions about the roles somebody asked about lately. Empty, and free, while nobody does.
struct DecisionLog: Sendable {
    /// How long a role is watched after it was asked about.
    static let watchTime = Duration.seconds(600)
    /// How many roles are watched at a time, and decisions kept in all.
    static let rolesMax = 16
    static let decisionsMax = 2_048

    private(set) var watched: [RoleName: Instant] = [:]
    private(set) var decisions: [Decision] = []
    private var thisRound: [Key: Decision] = [:]

    private struct Key: Hashable {
        var framework: FrameworkID
        var role: RoleName
        var word: String
    }

    var isIdle: Bool { watched.isEmpty }

    mutating func watch(_ role: RoleName, at now: Instant) {
        watched[role] = now.advanced(by: Self.watchTime)
        if watched.count > Self.rolesMax, let first = watched.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
            watched[first.key] = nil
        }
    }

    mutating func note(_ decision: Decision) {
        var word = "offered"
        if case .refused(let obstacle) = decision.outcome { word = obstacle.word }
        let key = Key(framework: decision.framework, role: decision.role, word: word)
        if thisRound[key] == nil { thisRound[key] = decision } else { thisRound[key]?.agents += 1 }
    }

    /// Keeps what this round decided, and stops watching what nobody asked about for long.
    mutating func endRound(at now: Instant) {
        let sorted = thisRound.sorted {
            ($0.key.role, $0.key.framework, $0.key.word) < ($1.key.role, $1.key.framework, $1.key.word)
        }
        decisions += sorted.map(\.value)
        thisRound = [:]
        if decisions.count > Self.decisionsMax { decisions.removeFirst(decisions.count - Self.decisionsMax) }
        watched = watched.filter { $0.value > now }
        if watched.isEmpty { decisions = [] }
    }
}
