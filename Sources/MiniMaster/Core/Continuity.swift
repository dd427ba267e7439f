// What a master keeps when it stops leading: the numbers that must never be used twice by one process.
import MesosProtocol
import Resources

/// Ids, timer numbers and counters. They outlive a term of leadership; everything else about the cluster does not.
package struct Continuity: Sendable {
    package let masterID: String
    package var counters = MasterCounters()
    private var frameworks = 0
    private var offers = 0
    private var agents = 0
    private var timers: UInt64 = 0
    private var writes: UInt64 = 0
    private var terms: UInt64 = 0
    private var allocationSeeds: SplitMix64
    private var operationIDs: SplitMix64

    package init(masterID: String, seed: UInt64) {
        self.masterID = masterID
        allocationSeeds = SplitMix64(seed: seed)
        // A stream of its own, so that one more operation does not change who is offered what.
        operationIDs = SplitMix64(seed: seed ^ 0x6F70_6572_6174_696F)
    }

    /// `<master id>-0000`, counting up, at least four digits.
    package mutating func nextFrameworkID() -> FrameworkID {
        defer { frameworks += 1 }
        let digits = String(frameworks)
        let padding = String(repeating: "0", count: max(0, 4 - digits.count))
        return FrameworkID("\(masterID)-\(padding)\(digits)")
    }

    package mutating func nextOfferID() -> OfferID {
        defer { offers += 1 }
        return OfferID("\(masterID)-O\(offers)")
    }

    package mutating func nextAgentID() -> AgentID {
        defer { agents += 1 }
        return AgentID("\(masterID)-S\(agents)")
    }

    package mutating func nextTimerNumber() -> UInt64 {
        timers += 1
        return timers
    }

    package mutating func nextWriteNumber() -> UInt64 {
        writes += 1
        return writes
    }

    package mutating func nextTermNumber() -> UInt64 {
        terms += 1
        return terms
    }

    package mutating func nextOperationID() -> WireUUID { WireUUID.random(using: &operationIDs) }

    package mutating func nextAllocationSeed() -> UInt64 { allocationSeeds.next() }
}

/// What the master counts, named as in `/metrics/snapshot`.
package struct MasterCounters: Equatable, Sendable {
    private var values: [String: UInt64] = [:]

    package init() {}

    package mutating func count(_ name: String, _ amount: UInt64 = 1) { values[name, default: 0] += amount }

    package subscript(name: String) -> UInt64 { values[name] ?? 0 }

    package var all: [(name: String, value: UInt64)] {
        values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}
