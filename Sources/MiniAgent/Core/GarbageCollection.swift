// Which directories of ended tasks are old enough to go, by age and by how full the disk is.

import Resources

/// When directories go.
package struct GarbagePolicy: Hashable, Sendable {
    /// A directory older than this goes, however empty the disk is.
    package var delay: Duration
    /// Share of the disk that is to stay free, 0 to 1.
    package var diskHeadroom: Double

    package init(delay: Duration = .seconds(7 * 86_400), diskHeadroom: Double = 0.1) {
        self.delay = delay
        self.diskHeadroom = diskHeadroom
    }

    /// How old a directory may become at this use of the disk: the rule of Apache Mesos, `gc_delay * max(0, 1 -
    /// gc_disk_headroom - usage)`.
    ///
    /// - Parameter diskUsage: 0, empty, to 1, full.
    package func ageMax(diskUsage: Double) -> Duration {
        let share = min(1, max(0, 1 - diskHeadroom - diskUsage))
        return .nanoseconds(Int64(Double(delay.clampedNanoseconds) * share))
    }
}

/// A directory that nobody uses any more.
package struct GarbageCandidate: Hashable, Sendable {
    package var path: String
    /// When it was last used: its modification time, which is set when its task ends.
    package var modified: WallTime

    package init(path: String, modified: WallTime) {
        self.path = path
        self.modified = modified
    }
}

/// Decides when to look for directories, and which of those found go. Keeps no list of them: their age is on the disk, so
/// nothing is forgotten by a restart, and one that is used again is simply no longer found.
package struct GarbageCollection: Hashable, Sendable {
    package let policy: GarbagePolicy
    /// How many directories go at once; the rest follows with the next look.
    package let batchMax: Int
    /// How many were found and not yet chosen.
    package private(set) var pending = 0
    /// Nothing is older than this. `nil`: nobody has looked yet.
    private var oldest: WallTime?

    package init(policy: GarbagePolicy, batchMax: Int = 200) {
        self.policy = policy
        self.batchMax = batchMax
    }

    /// Whether anything may be due. What was found young enough at the last look need not be looked at again before.
    package func isDue(diskUsage: Double, at now: WallTime) -> Bool {
        guard let oldest else { return true }
        return isTooOld(oldest, diskUsage: diskUsage, at: now)
    }

    /// Takes what a look has found.
    ///
    /// - Parameter candidates: Everything that nobody uses.
    /// - Returns: What goes now, the oldest first.
    package mutating func found(
        _ candidates: [GarbageCandidate], diskUsage: Double, at now: WallTime
    ) -> [GarbageCandidate] {
        let sorted = candidates.sorted { ($0.modified, $0.path) < ($1.modified, $1.path) }
        let old = sorted.prefix { isTooOld($0.modified, diskUsage: diskUsage, at: now) }
        let chosen = Array(old.prefix(batchMax))
        pending = candidates.count - chosen.count
        // Whatever ends from now on is younger than anything here.
        oldest = sorted.dropFirst(chosen.count).first?.modified ?? now
        return chosen
    }

    private func isTooOld(_ modified: WallTime, diskUsage: Double, at now: WallTime) -> Bool {
        now.nanoseconds - modified.nanoseconds >= policy.ageMax(diskUsage: diskUsage).clampedNanoseconds
    }
}
