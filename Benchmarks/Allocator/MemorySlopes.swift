// What one more agent, framework and filter cost in memory: the slope over several sizes.

import Allocator
import Glibc
import Resources

enum MemorySlopes {
    static func run() {
        line("memory-of-a-filter", agents: 1_000, frameworks: 200, [100_000, 150_000, 200_000]) { count in
            var allocator = Cluster.partlyUsed(agents: 1_000, frameworks: 200)
            for round in 0..<(count / 1_000) {
                for offer in allocator.allocate(at: .zero, seed: UInt64(round)) {
                    allocator.recover(
                        offer.framework, role: .any, agent: offer.agent, resources: offer.resources,
                        filter: Cluster.forEver, at: .zero)
                }
            }
            return allocator
        } _: { count in
            var allocator = TextbookAllocator.partlyUsed(agents: 1_000, frameworks: 200)
            for number in 0..<count {
                allocator.decline(agent: number % 1_000, by: number / 1_000, until: Cluster.forEver)
            }
            return allocator
        }
        line("memory-of-an-agent", agents: 40_000, frameworks: 100, [10_000, 20_000, 40_000]) {
            Cluster.partlyUsed(agents: $0, frameworks: 100)
        } _: {
            TextbookAllocator.partlyUsed(agents: $0, frameworks: 100)
        }
        line("memory-of-a-framework", agents: 100, frameworks: 80_000, [20_000, 40_000, 80_000]) {
            Cluster.partlyUsed(agents: 100, frameworks: $0)
        } _: {
            TextbookAllocator.partlyUsed(agents: 100, frameworks: $0)
        }
    }

    /// The time is that of making the largest.
    private static func line(
        _ name: String, agents: Int, frameworks: Int, _ sizes: [Int], _ make: (Int) -> Allocator,
        _ reference: (Int) -> TextbookAllocator
    ) {
        let mine = slope(sizes, make)
        // Ours are kept meanwhile: the reference would be built in what they left.
        let theirs = withExtendedLifetime(mine.kept) { slope(sizes, reference) }
        Report.line(
            name, agents: agents, frameworks: frameworks, median: mine.time, target: nil, reference: theirs.time,
            .init("bytes_each", mine.bytes), .init("reference_bytes_each", theirs.bytes))
    }

    /// Allocators are kept while the next are made, so that none is built in what another left.
    private static func slope<Made>(_ sizes: [Int], _ make: (Int) -> Made) -> (
        bytes: Double, time: Duration, kept: [Made]
    ) {
        var (points, kept, time) = ([(x: Double, y: Double)](), [Made](), Duration.zero)
        for size in sizes {
            let before = residentBytes
            time = Stopwatch.time { kept.append(make(size)) }
            points.append((Double(size), Double(residentBytes - before)))
        }
        return (Report.slope(points), time, kept)
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
