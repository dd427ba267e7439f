// Follows queued items into their builds and to their results: for the progress people see, and to notice builds too short
// for a poll to catch.
import Resources

struct BuildWatch: Equatable, Sendable {
    struct Outcome: Equatable, Sendable {
        var effects: [JenkinsPlanner.Effect] = []
        /// Nodes that are known to have run a build.
        var used: [Use] = []
        /// Items of which it is known where they ran.
        var settled: [Settled] = []
    }

    struct Settled: Equatable, Sendable {
        var item: QueueItemID
        /// nil: nowhere.
        var node: NodeName?
    }

    struct Use: Equatable, Sendable {
        var node: NodeName
        var buildURL: String
    }

    private struct Item: Equatable, Sendable {
        var job: String
        /// A step of a pipeline: the build it leads to has other steps on other nodes.
        var isStep = false
        var hasLeft = false
        var retryAt: Instant?
        var tries = 0
    }

    private struct Build: Equatable, Sendable {
        var name: String
        var node: String
        var host: String
        /// The queue item it was, until its node is known.
        var item: QueueItemID?
        var isReportedRunning = false
        var isLookupDue = true
        var retryAt: Instant?
        var tries = 0
        /// In the last poll that looked.
        var isExecuting = false
    }

    private static let itemsMax = 5_000
    private static let buildsMax = 2_000
    private static let triesMax = 5
    /// Builds whose end no poll showed are asked for this often.
    private static let recheck = Duration.seconds(30)

    private var items: [QueueItemID: Item] = [:]
    private var builds: [String: Build] = [:]

    var isFollowing: Bool { !items.isEmpty || !builds.isEmpty }

    mutating func observe(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], hosts: [String: String],
        at now: Instant
    ) -> Outcome {
        var outcome = Outcome()
        observeQueue(snapshot, requirements, at: now, &outcome)
        if let computers = snapshot.computers { observeExecutors(computers, hosts, &outcome) }
        for url in builds.keys.sorted() {
            guard let build = builds[url] else { continue }
            // While it is shown on an executor there is nothing to ask.
            let isOverdue = !build.isExecuting && build.retryAt.map { now >= $0 } ?? false
            if build.isLookupDue || isOverdue { lookUp(url, at: now, &outcome) }
        }
        return outcome
    }

    private mutating func observeQueue(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], at now: Instant,
        _ outcome: inout Outcome
    ) {
        let present = Set(snapshot.items.map(\.id))
        // The controller lists the newest first; people read in the order things came.
        for item in snapshot.items.sorted(by: { $0.id < $1.id })
        where items[item.id] == nil && items.count < Self.itemsMax {
            guard let label = requirements[item.id], label != .flyweight else { continue }
            // A label that only `why` can tell is not known before the item is buildable.
            if label == .unresolved, item.phase != .buildable { continue }
            items[item.id] = Item(job: item.taskName, isStep: item.taskClass.hasSuffix("PlaceholderTask"))
            outcome.effects.append(.report(.queued(item.id, job: item.taskName, label: label.text)))
        }
        for id in items.keys.sorted() where !present.contains(id) {
            guard var item = items[id] else { continue }
            let isDue = item.hasLeft ? item.retryAt.map { now >= $0 } ?? false : true
            guard isDue else { continue }
            item.hasLeft = true
            item.retryAt = nil
            items[id] = item
            outcome.effects.append(.lookUpItem(id))
        }
    }

    private mutating func observeExecutors(
        _ computers: [Computer], _ hosts: [String: String], _ outcome: inout Outcome
    ) {
        var executing: Set<String> = []
        for computer in computers where !computer.isBuiltIn {
            for url in computer.executors.compactMap(\.buildURL) {
                executing.insert(url)
                if builds[url] == nil, builds.count < Self.buildsMax {
                    builds[url] = Build(
                        name: Self.name(fromURL: url), node: computer.name, host: hosts[computer.name] ?? "",
                        isLookupDue: false)
                }
                builds[url]?.node = computer.name
                builds[url]?.host = hosts[computer.name] ?? ""
                reportRunning(url, &outcome)
            }
        }
        for url in builds.keys.sorted() {
            let isExecuting = executing.contains(url)
            // Gone from its executor: it has ended.
            if builds[url]?.isExecuting ?? false, !isExecuting { builds[url]?.isLookupDue = true }
            builds[url]?.isExecuting = isExecuting
        }
    }

    private mutating func reportRunning(_ url: String, _ outcome: inout Outcome) {
        guard let build = builds[url], !build.isReportedRunning else { return }
        builds[url]?.isReportedRunning = true
        outcome.effects.append(.report(.buildRunning(build: build.name, node: build.node, host: build.host)))
    }

    private mutating func lookUp(_ url: String, at now: Instant, _ outcome: inout Outcome) {
        builds[url]?.isLookupDue = false
        builds[url]?.retryAt = now.advanced(by: Self.recheck)
        outcome.effects.append(.lookUpBuild(url: url))
    }

    /// The builds a node was running when last looked at, in the order of their addresses.
    func executing(on node: String) -> [String] {
        builds.filter { $0.value.isExecuting && $0.value.node == node }.map(\.key).sorted()
    }

    // MARK: - Answers

    /// - Parameter fate: nil if the controller did not answer.
    mutating func itemLookedUp(_ id: QueueItemID, _ fate: ItemFate?, at now: Instant) -> Outcome {
        var outcome = Outcome()
        guard var item = items[id] else { return outcome }
        switch fate {
        case .cancelled:
            items[id] = nil
            outcome.settled.append(Settled(item: id, node: nil))
            outcome.effects.append(.report(.cancelled(id, job: item.job)))
        case .started(let url):
            items[id] = nil
            if let known = builds[url] {
                if !item.isStep, !known.node.isEmpty {
                    outcome.settled.append(Settled(item: id, node: NodeName(known.node)))
                }
                return outcome
            }
            guard builds.count < Self.buildsMax else { return outcome }
            builds[url] = Build(name: Self.name(fromURL: url), node: "", host: "", item: item.isStep ? nil : id)
            lookUp(url, at: now, &outcome)
        case .unknown, nil:
            item.tries += 1
            item.retryAt = now.advanced(by: .seconds(1) * item.tries)
            items[id] = item.tries < Self.triesMax ? item : nil
        }
        return outcome
    }

    mutating func buildLookedUp(_ url: String, _ view: BuildView?, at now: Instant) -> Outcome {
        var outcome = Outcome()
        guard let build = builds[url] else { return outcome }
        guard let view else {
            builds[url]?.tries += 1
            builds[url]?.retryAt = now.advanced(by: .seconds(1) * (build.tries + 1))
            if build.tries + 1 >= Self.triesMax { builds[url] = nil }
            return outcome
        }
        let node = view.builtOn.isEmpty ? build.node : view.builtOn
        builds[url]?.node = node
        builds[url]?.tries = 0
        if !node.isEmpty { outcome.used.append(Use(node: NodeName(node), buildURL: url)) }
        if let item = build.item, !node.isEmpty || !view.isBuilding {
            builds[url]?.item = nil
            outcome.settled.append(Settled(item: item, node: NodeName(node)))
        }
        guard view.isBuilding else {
            builds[url] = nil
            outcome.effects.append(
                .report(
                    .buildFinished(
                        build: build.name, node: node, result: view.result ?? "UNKNOWN", duration: view.duration)))
            return outcome
        }
        if build.isExecuting {
            reportRunning(url, &outcome)
        } else if build.isReportedRunning {
            // Seen to leave its executor, and not yet ended: look again soon.
            builds[url]?.retryAt = now.advanced(by: .seconds(1))
        }
        return outcome
    }

    /// `…/job/folder/job/name/7/` → `folder/name #7`, the way the controller's pages write it.
    static func name(fromURL url: String) -> String {
        let parts = url.split(separator: "/")
        var rest = parts.drop { $0 != "job" }
        var names: [String] = []
        while rest.first == "job", rest.count >= 2 {
            names.append(String(rest[rest.startIndex + 1]))
            rest = rest.dropFirst(2)
        }
        guard let number = rest.first, !names.isEmpty, number.allSatisfy(\.isNumber) else { return url }
        return names.joined(separator: "/") + " #\(number)"
    }
}
