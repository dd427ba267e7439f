// Runs random streams of events through the allocator and its slow twin: `allocator-fuzz STREAMS [FIRST_SEED]`.

import AllocatorTwin
import Glibc

@main
struct AllocatorFuzz {
    static let lanes: UInt64 = 2

    static func main() async throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        let streams = numbers.first ?? 100_000
        let first = numbers.dropFirst().first ?? 0
        let clock = ContinuousClock()
        let began = clock.now
        let difference = try await withThrowingTaskGroup(of: String?.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    for seed in stride(from: first + lane, to: first + streams, by: Int(lanes)) {
                        if let difference = try TwinStream.disagreement(seed: seed) { return difference }
                        if Task.isCancelled { return nil }
                    }
                    return nil
                }
            }
            for try await difference in group where difference != nil {
                group.cancelAll()
                return difference
            }
            return nil
        }
        if let difference {
            print(difference)
            exit(1)
        }
        print(
            "\(streams) streams from seed \(first): the same offers, nothing to object, in \(began.duration(to: clock.now))"
        )
    }
}
