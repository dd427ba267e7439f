// Judges every allocation that a simulated master makes, from the record of what its allocator was told.

import Allocator
import Resources

/// A second allocator that is told the same, and asked for the same decisions, with the auditor watching.
struct AllocatorWitness: Sendable {
    private var allocator = Allocator()

    /// What is wrong with a call's outcome.
    mutating func follow(_ call: AllocatorCall) -> [String] {
        switch call {
        case .began(let settings):
            allocator = Allocator(settings: settings)
            return []
        case .allocated(let now, let seed, let made):
            let (mine, violations) = AllocationAudit.allocate(&allocator, at: now, seed: seed)
            let difference = mine == made ? [] : ["allocated \(made), and \(mine) when it was played again"]
            return difference + violations.map(\.description)
        default:
            allocator.apply(call)
            return []
        }
    }
}
