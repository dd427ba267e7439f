// Removes sandboxes that are too old, or too many for the disk, while tasks run.

import Glibc
import Logging
import Mailbox
import Resources

/// Looks at the disk every so often, and removes what ``GarbageCollection`` chooses.
final class SandboxCollector: Sendable {
    struct Statistics: Hashable, Sendable {
        var succeeded = 0
        var failed = 0
        var pending = 0
        /// How old a sandbox may become at the present use of the disk.
        var ageMax = Duration.zero
    }

    /// Entries removed before the disk is left to others for a moment.
    private static let entriesMax = 20_000
    private static let pause = Duration.milliseconds(200)

    private let paths: AgentPaths
    private let policy: GarbagePolicy
    private let interval: Duration
    private let logger: Logger
    private let counts = Locked(Statistics())

    init(paths: AgentPaths, policy: GarbagePolicy, interval: Duration, logger: Logger) {
        self.paths = paths
        self.policy = policy
        self.interval = max(interval, .milliseconds(100))
        self.logger = logger
    }

    var statistics: Statistics { counts.withLock { $0 } }

    /// Runs until the task is cancelled.
    ///
    /// - Parameter containers: The agent's id, and which containers it knows; `nil` while it has none.
    func run(_ containers: @Sendable () async -> (agent: AgentID, inUse: Set<String>)?) async {
        var collection = GarbageCollection(policy: policy)
        await emptyBasket()  // What an earlier life of this agent has left.
        while !Task.isCancelled {
            let usage = diskUsage()
            let now = HostClock.now.wall
            counts.withLock { $0.ageMax = policy.ageMax(diskUsage: usage) }
            var hasMore = false
            if collection.isDue(diskUsage: usage, at: now), let (agent, inUse) = await containers() {
                let scan = SandboxScan(paths: paths, agent: agent, inUse: inUse)
                let found = await DiskWork.run { scan.candidates() }
                let chosen = collection.found(found, diskUsage: usage, at: now)
                counts.withLock { $0.pending = collection.pending }
                hasMore = chosen.count == collection.batchMax
                // Whatever came into use since the look is left alone.
                let (_, stillInUse) = await containers() ?? (agent, inUse)
                await remove(chosen.filter { !stillInUse.contains(Self.lastName($0.path)) })
            }
            try? await Task.sleep(for: hasMore ? Self.pause : interval)
        }
    }

    private func remove(_ candidates: [GarbageCandidate]) async {
        guard !candidates.isEmpty else { return }
        let basket = paths.wasteBasket
        let (succeeded, failed, problem) = await DiskWork.run { () -> (Int, Int, String?) in
            var remover: TreeRemover
            do throws(FileError) { remover = try TreeRemover(basket: basket) } catch {
                return (0, candidates.count, "\(error)")
            }
            var succeeded = 0
            var problem: String?
            for candidate in candidates {
                do throws(FileError) {
                    try remover.take(candidate.path)
                    succeeded += 1
                    Self.removeEmptyParents(of: candidate.path)
                } catch { problem = "\(error)" }
            }
            return (succeeded, candidates.count - succeeded, problem)
        }
        counts.withLock { counts in
            counts.succeeded += succeeded
            counts.failed += failed
        }
        if succeeded > 0 { logger.info("removed \(succeeded) sandboxes of ended tasks") }
        if let problem { logger.warning("\(failed) sandboxes cannot be removed: \(problem)") }
        await emptyBasket()
    }

    private func emptyBasket() async {
        let basket = paths.wasteBasket
        guard access(basket, F_OK) == 0 else { return }
        while !Task.isCancelled {
            let (isDone, stuck) = await DiskWork.run { () -> (Bool, Int) in
                guard var remover = try? TreeRemover(basket: basket) else { return (true, 0) }
                let (isEmpty, stuck) = remover.empty(entriesMax: Self.entriesMax)
                return (isEmpty || stuck > 0, stuck)
            }
            if stuck > 0 { logger.warning("\(stuck) directories in \(basket) cannot be removed") }
            if isDone { return }
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// The directories of an executor and a framework go with the last run in them. A directory that has just got a new
    /// run is not empty, so it stays.
    private static func removeEmptyParents(of run: String) {
        let runs = DurableFile.parent(of: run)
        guard lastName(runs) == "runs" else { return }
        // A link to nothing.
        if access("\(runs)/latest", F_OK) != 0 { unlink("\(runs)/latest") }
        var directory = runs
        // runs, the executor, executors, the framework.
        for _ in 0..<4 {
            guard rmdir(directory) == 0 else { return }
            directory = DurableFile.parent(of: directory)
        }
    }

    private static func lastName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }

    /// 0 to 1, as `df` shows it to root.
    private func diskUsage() -> Double {
        var status = statvfs()
        guard statvfs(paths.workDirectory, &status) == 0, status.f_blocks > 0 else { return 0 }
        return 1 - Double(status.f_bfree) / Double(status.f_blocks)
    }
}
