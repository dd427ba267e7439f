// The allocator against its slow twin on random streams of events, with the auditor watching every allocation. More of
// them, in a release build: `make fuzz-allocator`.

import AllocatorTwin
import Testing

@Suite struct `The allocator and its slow twin` {
    /// Streams for each of the test's cases, which run beside one another.
    private static let streamsPerCase = 50

    @Test(arguments: 0..<20)
    func `make the same offers on random streams of events`(part: Int) throws {
        for stream in 0..<Self.streamsPerCase {
            let seed = UInt64(part * Self.streamsPerCase + stream)
            if let difference = try TwinStream.disagreement(seed: seed) {
                Issue.record("\(difference)")
                return  // One report is enough.
            }
        }
    }

    /// An agent reported more than it had, which met a guarantee without using what was free; an agent's total was
    /// replaced, and a port that somebody held under one reservation was reserved once more, or held under two by one client.
    @Test(arguments: [679, 5_118, 6_897, 10_290, 15_313, 120_857] as [UInt64])
    func `agree on the streams that once told them apart`(seed: UInt64) throws {
        #expect(try TwinStream.disagreement(seed: seed) == nil)
    }
}
