// One more look at the container of a build that has ended: what the kernel did in its last second tells how it ended.
import Resources

/// Builds that wait for that look, and how many processes of each node's container the kernel has killed so far for want of
/// memory. It mostly kills what a build started and lets the agent live, so that no task's end tells of it.
struct LastLooks {
    private struct Entry {
        var build: FinishedBuild
        var endedAt: Instant
    }

    private static let entriesMax = 10_000
    /// How old an agent's answer may be.
    private static let age = Duration.seconds(1)

    private var entries: [Entry] = []
    private var kills: [NodeName: Int] = [:]

    /// Nodes to look at.
    var nodes: Set<NodeName> { Set(entries.map { NodeName($0.build.node) }) }

    /// - Returns: The build that has to be let go because too many wait.
    mutating func add(_ build: FinishedBuild, at now: Instant) -> FinishedBuild? {
        entries.append(Entry(build: build, endedAt: now))
        return entries.count > Self.entriesMax ? entries.removeFirst().build : nil
    }

    /// - Parameters:
    ///   - kills: Of each node whose container answered and counts them.
    ///   - start: When the look began. A build waits for one that cannot show what was before its end.
    ///   - fresh: Nodes whose containers were started under the eyes of this run of the framework: they began without kills.
    /// - Returns: Builds that need not wait any more, and nodes whose running build lost a process.
    mutating func looked(
        _ kills: [NodeName: Int], since start: Instant, fresh: Set<NodeName>
    ) -> (builds: [FinishedBuild], struck: [NodeName]) {
        let answered = Set(kills.keys)
        var struck: [NodeName] = []
        for (node, count) in kills.sorted(by: { $0.key < $1.key }) {
            let before = self.kills.updateValue(count, forKey: node) ?? (fresh.contains(node) ? 0 : count)
            guard count > before else { continue }
            // A build that failed and one that began since: the one that failed is it.
            let ended = entries.indices.filter { entries[$0].build.node == node.value && entries[$0].endedAt <= start }
            let failed = ended.filter { entries[$0].build.result != "SUCCESS" }
            if failed.isEmpty { struck.append(node) }
            for index in failed.isEmpty ? ended : failed { entries[index].build.wasOutOfMemory = true }
        }
        let isDone = { (entry: Entry) in
            // A container that does not answer has gone, or has no such counter.
            entry.endedAt + Self.age <= start
                || entry.endedAt <= start && !answered.contains(NodeName(entry.build.node))
        }
        let builds = entries.filter(isDone).map(\.build)
        entries.removeAll(where: isDone)
        return (builds, struck)
    }

    /// - Returns: All builds, because there will be no further look.
    mutating func close() -> [FinishedBuild] {
        defer { entries = [] }
        return entries.map(\.build)
    }

    /// Forgets the containers of all other nodes.
    mutating func keep(_ nodes: Set<NodeName>) { kills = kills.filter { nodes.contains($0.key) } }
}
