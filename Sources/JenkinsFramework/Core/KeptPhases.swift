// What of the phases of builds under way is written down, so that a restart of the framework does not lose it.
import Resources

/// Builds on executors, the queue items they came from, and the landmarks of agents, in a form that outlives the process.
package struct KeptPhases: Codable, Equatable, Sendable {
    package struct Build: Codable, Equatable, Sendable {
        var url: String
        /// Empty until it has been seen on an executor.
        var node: String
        var item: QueueItemID?
        var label: String
        /// These and all others: nanoseconds since the Unix epoch.
        var queuedAt: Int64?
        var buildableAt: Int64?
        var seenAt: Int64?
    }

    /// Still in the queue.
    package struct Waiting: Codable, Equatable, Sendable {
        var item: QueueItemID
        var label: String
        var queuedAt: Int64?
        var buildableAt: Int64?
    }

    package struct Agent: Codable, Equatable, Sendable {
        var node: String
        var askedMilliCPUs: Int64?
        var askedMilliMemory: Int64?
        var offeredAt: Int64?
        var pulledAt: Int64?
        var runningAt: Int64?
        var connectedAt: Int64?
    }

    var builds: [Build]
    var agents: [Agent]
    var waiting: [Waiting]?
}

extension BuildPhases {
    /// What `kept` writes, to see whether it has changed.
    package struct KeptPart: Equatable, Sendable {
        fileprivate var agents: [NodeName: Agent]
        fileprivate var runs: [Key: Run]
        fileprivate var becoming: [String: [QueueItemID]]
        fileprivate var items: [QueueItemID: Item]
    }

    /// nil before the first look at the controller's computers: until then what an earlier run has kept is worth more.
    package var keptPart: KeptPart? {
        guard hasSeenComputers else { return nil }
        var needed = Set(runs.values.compactMap(\.item)).union(becoming.values.joined())
        needed.formUnion(items.keys.sorted().suffix(Self.waitingMax))
        return KeptPart(
            agents: agents, runs: runs, becoming: becoming, items: items.filter { needed.contains($0.key) })
    }

    package static func kept(_ part: KeptPart, at now: Moment) -> KeptPhases {
        let wall = { (instant: Instant?) -> Int64? in
            instant.map { now.wall.advanced(by: .zero - $0.duration(to: now.instant)).nanoseconds }
        }
        func build(_ url: String, _ node: String, _ id: QueueItemID?, seenAt: Instant?) -> KeptPhases.Build {
            let item = id.flatMap { part.items[$0] }
            return KeptPhases.Build(
                url: url, node: node, item: item == nil ? nil : id, label: item?.label ?? "",
                queuedAt: wall(item?.queuedAt), buildableAt: wall(item?.buildableAt), seenAt: wall(seenAt))
        }
        var builds = part.runs.keys.sorted().compactMap { key in
            part.runs[key].map { build(key.url, key.node, $0.item, seenAt: $0.seenAt.instant) }
        }
        for (url, ids) in part.becoming.sorted(by: { $0.key < $1.key }) {
            for id in ids { builds.append(build(url, "", id, seenAt: nil)) }
        }
        let agents = part.agents.sorted { $0.key < $1.key }.map { node, agent in
            KeptPhases.Agent(
                node: node.value, askedMilliCPUs: agent.asked?["cpus"].milli,
                askedMilliMemory: agent.asked?["mem"].milli,
                offeredAt: wall(agent.offeredAt), pulledAt: wall(agent.pulledAt), runningAt: wall(agent.runningAt),
                connectedAt: wall(agent.connectedAt))
        }
        let told = Set(part.runs.values.compactMap(\.item)).union(part.becoming.values.joined())
        let waiting = part.items.filter { !told.contains($0.key) }.sorted { $0.key < $1.key }.map { id, item in
            KeptPhases.Waiting(
                item: id, label: item.label, queuedAt: wall(item.queuedAt), buildableAt: wall(item.buildableAt))
        }
        return KeptPhases(builds: builds, agents: agents, waiting: waiting)
    }

    /// Takes up what an earlier run kept, before or after the first look at the controller. What the controller does not
    /// show any more is forgotten with the next look.
    package mutating func restore(_ kept: KeptPhases, at now: Moment) {
        let instant = { (wall: Int64?) -> Instant? in
            // A clock that was put back must not make what was into what will be.
            wall.map { now.instant.advanced(by: .zero - .nanoseconds(max(now.wall.nanoseconds - $0, 0))) }
        }
        for build in kept.builds.prefix(Self.runsMax) {
            if let id = build.item, items[id] == nil, let queuedAt = instant(build.queuedAt) {
                items[id] = Item(label: build.label, queuedAt: queuedAt, buildableAt: instant(build.buildableAt))
            }
            guard !build.node.isEmpty, let seenAt = instant(build.seenAt) else {
                if let id = build.item { becoming[build.url, default: []].append(id) }
                continue
            }
            let key = Key(url: build.url, node: build.node)
            let since = Moment(
                instant: seenAt, wall: now.wall.advanced(by: .zero - seenAt.duration(to: now.instant)))
            if runs[key] != nil {
                runs[key]?.seenAt = since
                if runs[key]?.item == nil { runs[key]?.item = build.item }
            } else if !hasSeenComputers {
                remembered[key] = Remembered(item: build.item, seenAt: since)
            }
        }
        for waiting in (kept.waiting ?? []).suffix(Self.waitingMax) {
            guard let queuedAt = instant(waiting.queuedAt) else { continue }
            // One that was seen again already was taken for one that never waited for anything but an executor.
            let label = items[waiting.item]?.label ?? ""
            items[waiting.item] = Item(
                label: label.isEmpty ? waiting.label : label, queuedAt: queuedAt,
                buildableAt: instant(waiting.buildableAt) ?? items[waiting.item]?.buildableAt)
        }
        for agent in kept.agents.prefix(Self.agentsMax) {
            var landmarks = Agent(template: "")
            if let cpus = agent.askedMilliCPUs, let memory = agent.askedMilliMemory {
                landmarks.asked = Resources(cpus: Scalar(milli: cpus), mem: Scalar(milli: memory))
            }
            landmarks.offeredAt = instant(agent.offeredAt)
            landmarks.pulledAt = instant(agent.pulledAt)
            landmarks.runningAt = instant(agent.runningAt)
            landmarks.connectedAt = instant(agent.connectedAt)
            let node = NodeName(agent.node)
            if agents[node] != nil {
                agents[node]?.take(landmarks)
            } else if !hasSeenComputers {
                landmarksBefore[node] = landmarks
            }
        }
    }
}

extension BuildPhases.Agent {
    /// What this run of the framework has not seen itself.
    mutating func take(_ earlier: BuildPhases.Agent) {
        asked = asked ?? earlier.asked
        offeredAt = earlier.offeredAt ?? offeredAt
        pulledAt = earlier.pulledAt ?? pulledAt
        runningAt = earlier.runningAt ?? runningAt
        // Whoever connected before is seen to connect once more.
        connectedAt = earlier.connectedAt ?? connectedAt
    }
}
