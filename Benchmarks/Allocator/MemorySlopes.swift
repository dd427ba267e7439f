// What one more agent, framework and filter cost in memory: the slope over several sizes.

import Allocator
import Glibc
import Resources

enum MemorySlopes {
    static func run() {
        slope("memory-of-a-filter", [100_000, 150_000, 200_000]) { count in
            var allocator = Cluster.partlyUsed(agents: 1_000, frameworks: 200)
            for round in 0..<(count / 1_000) {
                for offer in allocator.allocate(at: .zero, seed: UInt64(round)) {
                    allocator.recover(
                        offer.framework, role: .any, agent: offer.agent, resources: offer.resources,
                        filter: Cluster.forEver, at: .zero)
                }
            }
            return allocator
        }
        slope("memory-of-an-agent", [10_000, 20_000, 40_000]) { Cluster.partlyUsed(agents: $0, frameworks: 100) }
        slope("memory-of-a-framework", [20_000, 40_000, 80_000]) { Cluster.partlyUsed(agents: 100, frameworks: $0) }
    }

    /// Allocators are kept while the next are made, so that none is built in what another left.
    private static func slope(_ name: String, _ sizes: [Int], _ make: (Int) -> Allocator) {
        var points: [(x: Double, y: Double)] = []
        var kept: [Allocator] = []
        for size in sizes {
            let before = residentBytes
            kept.append(make(size))
            points.append((Double(size), Double(residentBytes - before)))
        }
        withExtendedLifetime(kept) { Report.figure(name, [:], "bytes", Report.slope(points), target: nil) }
    }

    /// The second number of `/proc/self/statm`, in pages.
    private static var residentBytes: Int {
        let file = open("/proc/self/statm", O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file, &bytes, bytes.count)
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
    }
}
