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

    /// The two siblings in the role tree that decided, and by what.
    public struct Comparison: Hashable, Sendable {
        /// Why the other one came first.
        public enum Cause: String, Hashable, Sendable {
            /// Its weighted share was smaller, or as small with fewer allocations or the lower name.
            case share
            /// Its role was below its guarantee.
            case guarantee
            /// This one had declined what was free there, and the other had not.
            case declinedBefore = "declined-before"
            /// The siblings are drawn by lot.
            case lot
        }

        public var cause: Cause
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

    /// Distinguishes the cases, whatever the numbers.
    var kind: Int {
        switch self {
        case .nothingFree: 0
        case .agentNotOffered: 1
        case .needsGPUCapability: 2
        case .otherRegion: 3
        case .constraints: 4
        case .belowMinimum: 5
        case .quotaLimit: 6
        case .guaranteesOfOthers: 7
        case .filtered: 8
        case .notItsTurn: Self.notItsTurnKind
        }
    }

    static let notItsTurnKind = 9

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
    /// Agents whose free resources it would take in the next round, of those looked at.
    public var takeable: Int
    /// How many of the agents looked at stand in the way, by reason, the most frequent first.
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
    /// How many of the agents looked at it was decided for in this round; of all agents, if it is an offer.
    public var agents: Int
    /// Of how many agents of this round the framework's case was looked at.
    public var lookedAt: Int
    /// One of those it was decided for.
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
    /// All agents, and how many of them were looked at for each client: all, unless that is too much work.
    public var agents: Int
    public var agentsLookedAt: Int
}
