// What is in a seed's world beyond the basics.

import SimKit

/// Drawn apart from everything else, so that a world without the extras is the same with and without this file.
struct WorldPlan {
    /// An operator changes weights, quotas, machines and agents.
    let hasOperator: Bool
    /// Left-over znodes, turned clocks, slow consumers, agents and frameworks that come and go on purpose.
    let isStrange: Bool
    /// Frameworks say so when they want no offers.
    let suppresses: Bool
    /// More agents than usual: enough that a part of them can vanish.
    let moreAgents: Int
    /// Frameworks reserve and make volumes.
    let reserves: Bool
    /// At most one agent is removed in so long.
    let removalInterval: Duration?
    /// Agents of other clusters and of other versions come by.
    let hasIntruders: Bool

    /// - Parameter late: What was added later draws from here, and leaves the rest as it was.
    init(drawnFrom random: inout SeededRandom, late: inout SeededRandom) {
        hasOperator = random.chance(55)
        isStrange = random.chance(55)
        suppresses = random.chance(30)
        moreAgents = random.chance(20) ? Int.random(in: 2...3, using: &random) : 0
        reserves = late.chance(35)
        removalInterval = late.chance(25) ? late.milliseconds(1000...8000) : nil
        hasIntruders = late.chance(25)
    }
}
