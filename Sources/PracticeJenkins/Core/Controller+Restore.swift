/// A controller that starts from what an earlier process of it kept.
extension Controller {
    /// What is kept over the end of the process: everything but channels, consoles of running builds, and items that left.
    struct Kept: Equatable, Sendable {
        var jobs: [String: JobConfiguration] = [:]
        /// By job and number. Builds of jobs that are gone are left out when they are put back.
        var builds: [String: [Int: Build]] = [:]
        var nodes: [String: KeptNode] = [:]
        var items: [Int: QueueItem] = [:]
        var lastItem = 0
    }

    struct KeptNode: Equatable, Sendable {
        var configuration: NodeConfiguration
        var drain: OfflineCause?
        /// Of a static node: how long a build on it takes.
        var simulatedMilliseconds: Int64?
    }

    /// Puts everything back, as far as a controller that has just been started knows it: no agent is connected, and what
    /// was given an executor waits again. `restarted` is the next event.
    mutating func restore(_ kept: Kept, at now: PracticeTime) {
        for (name, configuration) in kept.jobs {
            var job = Job(name: name, configuration: configuration)
            let builds = (kept.builds[name] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
            // Build N is at index N - 1: after a gap nothing can be placed any more.
            for build in builds where build.number == job.nextBuildNumber { job.builds.append(build) }
            jobs[name] = job
            building += job.builds.filter(\.isBuilding).map { RunKey(job: name, number: $0.number) }
        }
        let ordered = building.sorted {
            (build($0)?.queueID ?? 0, $0.job, $0.number) < (build($1)?.queueID ?? 0, $1.job, $1.number)
        }
        building = ordered
        for (name, keptNode) in kept.nodes {
            var node = Node(keptNode.configuration)
            node.drain = keptNode.drain
            if let milliseconds = keptNode.simulatedMilliseconds {
                node.channel = .simulated(buildMilliseconds: milliseconds)
            }
            nodes[name] = node
        }
        for key in building {
            guard let build = build(key), isSimulated(build.nodeName),
                let free = nodes[build.nodeName]?.executors.firstIndex(of: .none)
            else { continue }
            nodes[build.nodeName]?.executors[free] = .run(key)
        }
        let items = kept.items.values.filter { jobs[$0.jobName] != nil }.map { item in
            var waiting = item
            if case .pending(let since, _, _, _) = item.state { waiting.state = .buildable(since: since) }
            return waiting
        }
        queue.restore(items, lastID: kept.lastItem)
    }
}
