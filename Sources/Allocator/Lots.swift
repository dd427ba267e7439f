// The alternative to fairness: siblings served in an order drawn by lot, as `--role_sorter=random` has it.

import Resources

/// How siblings are put in order.
public enum Sorter: String, Hashable, Codable, Sendable {
    /// By dominant share over weight.
    case drf
    /// By lot, anew for each agent; a sibling of weight 2 comes first twice as often.
    case random
}

/// What a lot depends on: the round's seed and the agent, and for each sibling its path and weight.
struct Lots: Sendable {
    var amongRoles: Bool
    var amongFrameworks: Bool
    private var seed: UInt64

    init(_ settings: AllocatorSettings, agentHash: UInt64, seed: UInt64) {
        amongRoles = settings.roleSorter == .random
        amongFrameworks = settings.frameworkSorter == .random
        self.seed = Allocator.visitKey(hash: agentHash, seed: ~seed)
    }

    var isEmpty: Bool { !amongRoles && !amongFrameworks }

    /// The smallest comes first. Exponentially distributed with the weight as its rate: the chance to be the smallest
    /// is then the weight's part of all weights.
    func draw(pathHash: UInt64, weight: Weight) -> Double {
        let bits = Allocator.visitKey(hash: pathHash, seed: seed)
        return Self.minusLogarithm(Double((bits >> 11) + 1) / 9_007_199_254_740_992) / weight.doubleValue
    }

    /// -ln(number) for 0 < number <= 1, without the C library's mathematics: the logarithm of the power of two, and a
    /// series for what is left of it.
    private static func minusLogarithm(_ number: Double) -> Double {
        let ratio = (number.significand - 1) / (number.significand + 1)  // Below 1/3, so 16 terms are plenty.
        var (power, sum) = (ratio, 0.0)
        for odd in stride(from: 1, to: 33, by: 2) {
            sum += power / Double(odd)
            power *= ratio * ratio
        }
        return -(Double(number.exponent) * 0.693_147_180_559_945_3 + 2 * sum)
    }
}

extension Allocator {
    /// The lot of a node of the role tree, by its path, in a round: for audits.
    package static func lot(
        of path: String, weight: Weight, agent: AgentID, seed: UInt64, settings: AllocatorSettings
    ) -> Double {
        Lots(settings, agentHash: hash(agent), seed: seed).draw(pathHash: hash(path), weight: weight)
    }
}
