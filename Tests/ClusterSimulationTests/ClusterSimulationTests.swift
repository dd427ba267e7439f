// The cluster keeps its promises whatever the network, the disks and the hosts do.

import SimKit
import Testing

@Suite struct ClusterSimulationTests {
    /// Seeds that found a bug once, each with what it was.
    static let kept: [UInt64] = [
        10,  // Reconciliation told a terminal state while older updates were still to come.
        107,  // Filter timers replaced each other for ever.
        601,  // An agent that came back while it was being marked gone was admitted after that.
        973,  // RECONCILE told TASK_GONE while the agent's own answer, TASK_DROPPED, was still to come.
        202_385,  // A task whose record its agent had lost stayed in the books after its framework had been told.
    ]

    @Test(arguments: Seeds.forThisRun(kept: kept, count: 2000))
    func `no leader acts beside another, nothing is promised twice, every task ends once`(seed: UInt64) {
        let world = ClusterWorld.ended(seed: seed)
        if !world.violations.isEmpty, History.isWanted { print(world.history.text) }
        #expect(world.violations.isEmpty, "\(world.violations.joined(separator: "\n"))")
    }
}
