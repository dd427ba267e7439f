// Watches from the outside that never two masters lead at once.

import Mailbox

/// Looks at all masters again and again.
///
/// Three looks prove two leaders: one master answered as the leader, then another did, then the first did again, each
/// look begun after the one before it was answered. A leader that loses its place and gets it back in between would have
/// to stand for election anew, behind everybody else.
final class LeaderWatch: Sendable {
    private struct Sighting: Sendable {
        var master: Int
        var elected: Double
    }

    private let cluster: ChaosCluster
    private let found = Locked<[String]>([])
    private let isOver = Locked(false)

    init(_ cluster: ChaosCluster) { self.cluster = cluster }

    /// What was seen that must not be.
    var violations: [String] { found.withLock { $0 } }

    func stop() { isOver.withLock { $0 = true } }

    func run() async {
        var seen: [Int] = []
        while !isOver.withLock({ $0 }) {
            for (index, master) in cluster.masters.enumerated() where await ChaosCluster.leads(master) {
                if seen.last == index { continue }
                seen = Array((seen + [index]).suffix(3))
                if seen.count == 3, seen[0] == seen[2] { await confirm(seen) }
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A, B, A: fine if some time passed in which A was not the leader; wrong if it still answers beside B.
    private func confirm(_ seen: [Int]) async {
        async let first = ChaosCluster.leads(cluster.masters[seen[0]])
        async let second = ChaosCluster.leads(cluster.masters[seen[1]])
        let both = await (first, second)
        if both.0 && both.1 {
            let names = seen.map { cluster.masters[$0].victim.name }
            found.withLock { $0.append("two leaders: \(names[0]) and \(names[1])") }
        }
    }
}
