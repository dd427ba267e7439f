// When the agents for a rush of builds were requested, as seen from outside.

/// What repeated looks at the framework and at the agents' own traces tell of requests.
///
/// Which agent is for which build nobody says, and it does not matter: the framework is as late for the builds as its n-th
/// request is behind the n-th build that may start.
struct BurstRequests: Hashable, Sendable {
    /// When each agent was first known to be on its way, in milliseconds since the Unix epoch, by node.
    private(set) var seenAt: [String: Int64] = [:]

    /// - Parameters:
    ///   - coming: Nodes the framework has agents for.
    ///   - starts: When tasks of agents began, by node, as of a moment after `coming`: an agent may be gone again by now, and
    ///     one that begins between the two must not be missed.
    ///   - now: When `coming` was answered: what it shows was there no later.
    mutating func look(coming: [String], starts: [String: [Int64]], at now: Int64) {
        for node in coming { seenAt[node] = min(seenAt[node] ?? now, now) }
        for (node, times) in starts {
            guard let began = times.first else { continue }
            seenAt[node] = min(seenAt[node] ?? began, began)
        }
    }

    /// How long after they might start builds had their requests, ascending.
    ///
    /// - Parameter startable: When each build might start.
    func latencies(after startable: [Int64]) -> [Double] {
        zip(startable.sorted(), seenAt.values.sorted()).map { Double($1 - $0) }.sorted()
    }
}
