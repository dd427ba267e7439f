// How tests allocate: with the auditor watching.

import Allocator
import Resources
import Testing

extension Allocator {
    /// One allocation that the auditor has nothing to object to.
    mutating func audited(
        at now: Instant, seed: UInt64, sourceLocation: SourceLocation = #_sourceLocation
    ) -> [Allocation] {
        let (made, violations) = AllocationAudit.allocate(&self, at: now, seed: seed)
        #expect(violations.isEmpty, sourceLocation: sourceLocation)
        return made
    }
}
