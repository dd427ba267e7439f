// The answers of /state, /state-summary, /slaves, /frameworks, /tasks and /roles.
import Allocator
import MesosProtocol
import Resources

/// What the state endpoints need besides the core.
struct MasterFacts: Sendable {
    var configuration: MasterConfiguration
    var selfInfo: V1MasterInfo
    var build: BuildInfo
    var startedAt: WallTime
}

/// When and by whom this program was built, for `/version`. Unknown parts are fixed: builds are reproducible.
struct BuildInfo: Sendable {
    var date = "1970-01-01 00:00:00 UTC"
    var time = 0.0
    var user = "mini"
}

struct StateDocuments {
    let cluster: Cluster
    let facts: MasterFacts
    let figures: ClusterFigures
    let viewer: Viewer

    /// - Parameter viewer: What they may not see is left out.
    init(_ cluster: Cluster, _ facts: MasterFacts, for viewer: Viewer = .everything) {
        self.cluster = viewer.visible(cluster)
        self.facts = facts
        self.viewer = viewer
        figures = ClusterFigures(cluster, countsOf: viewer.seesEverything ? nil : self.cluster)
    }

    var present: [Agent] { cluster.agents.all.filter { !$0.isRecovered && $0.registeredAt != nil } }

    private func isActive(_ agent: Agent) -> Bool { agent.isConnected && !cluster.isDeactivated(agent.id) }

    // MARK: /state

    func state() -> [UInt8] {
        var pieces = statePieces()
        var whole: [UInt8] = []
        while let piece = pieces.next() { whole.append(contentsOf: piece) }
        return whole
    }

    /// The document a piece at a time, so that nobody has to hold all of it.
    func statePieces() -> StatePieces { StatePieces(self) }

    /// Everything before the agents.
    func stateHead(_ json: inout JSONWriter) {
        let info = facts.selfInfo
        json.member("version", Versions.mesosAPI)
        json.member("build_date", facts.build.date)
        json.member("build_time", facts.build.time)
        json.member("build_user", facts.build.user)
        json.member("mini_version", Versions.mini)
        json.member("start_time", facts.startedAt.seconds)
        json.member("elected_time", cluster.electedAt.seconds)
        json.member("id", info.id)
        json.member("pid", info.pid)
        json.member("hostname", info.hostname)
        json.member("capabilities", info.capabilities.map { CapabilityNames.name($0.type) })
        let present = present
        let active = present.count(where: isActive)
        json.member("activated_slaves", Double(active))
        json.member("deactivated_slaves", Double(present.count - active))
        json.member("unreachable_slaves", Double(cluster.registry.unreachable.count))
        if info.hasDomain { json.member("domain", info.domain) }
        json.member("leader", info.pid)
        json.object("leader_info") { json in
            json.member("id", info.id)
            json.member("pid", info.pid)
            json.member("port", Int(info.port))
            json.member("hostname", info.hostname)
            if info.hasDomain { json.member("domain", info.domain) }
        }
        removals(&json)
        if let name = facts.configuration.cluster { json.member("cluster", name) }
        if let directory = facts.configuration.logDirectory { json.member("log_dir", directory) }
        if let file = facts.configuration.externalLogFile { json.member("external_log_file", file) }
        json.object("flags") { json in
            guard viewer.canSeeFlags else { return }
            for flag in facts.configuration.flags { json.member(flag.name, flag.value) }
        }
    }

    /// Why agents that do not answer are kept; only while they are, since Apache Mesos has no such member.
    private func removals(_ json: inout JSONWriter) {
        guard cluster.removals.isBraked || cluster.isRecoveryRemovalHeld else { return }
        json.object("agent_removal") { json in
            json.member("brake_engaged", cluster.removals.isBraked)
            json.member("recovery_held", cluster.isRecoveryRemovalHeld)
            json.member("silent", cluster.removals.vanishedCount)
            json.member("waiting", cluster.removals.waitingCount)
        }
    }

    /// Everything after the frameworks.
    func stateTail(_ json: inout JSONWriter) {
        json.array("completed_frameworks") { json in
            for framework in cluster.frameworks.completed {
                json.framework(framework, figures, cluster, isActive: false)
            }
        }
        json.array("orphan_tasks") { _ in }
        json.array("unregistered_frameworks") { _ in }
    }

    private func slaves(_ json: inout JSONWriter, isFull: Bool, only id: AgentID? = nil) {
        json.array("slaves") { json in
            for agent in present where id == nil || agent.id == id {
                json.object { $0.agentMembers(agent, figures, cluster, for: viewer, isFull: isFull) }
            }
        }
        json.array("recovered_slaves") { json in
            for agent in recovered where id == nil || agent.id == id { json.recoveredAgent(agent) }
        }
    }

    var recovered: [Agent] { cluster.agents.all.filter(\.isRecovered) }

    private func frameworks(_ json: inout JSONWriter, only id: FrameworkID? = nil) {
        json.array("frameworks") { json in
            for framework in cluster.frameworks.all where id == nil || framework.id == id {
                json.framework(framework, figures, cluster, isActive: true)
            }
        }
        json.array("completed_frameworks") { json in
            for framework in cluster.frameworks.completed where id == nil || framework.id == id {
                json.framework(framework, figures, cluster, isActive: false)
            }
        }
    }

    // MARK: Lists

    func slaves(only id: AgentID?) -> [UInt8] {
        var json = JSONWriter()
        json.object { slaves(&$0, isFull: true, only: id) }
        return json.bytes
    }

    func frameworks(only id: FrameworkID?) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            frameworks(&json, only: id)
            json.array("unregistered_frameworks") { _ in }
        }
        return json.bytes
    }

    /// - Parameters:
    ///   - limit: Nil: all.
    ///   - withReasons: Whether statuses say who reported them and why; Apache Mesos's do not.
    func tasks(
        framework: FrameworkID?, task: TaskID?, agent: AgentID? = nil, isAscending: Bool, offset: Int, limit: Int?,
        withReasons: Bool = false
    ) -> [UInt8] {
        var found: [TaskRecord] = []
        for owner in cluster.frameworks.all + cluster.frameworks.completed {
            if let framework, owner.id != framework { continue }
            found += cluster.tasks.tasks(of: owner.id)
            found += owner.completedTasks
        }
        if let task { found = found.filter { $0.id == task } }
        if let agent { found = found.filter { $0.agent == agent } }
        let dated = found.map { (at: $0.statuses.first?.timestamp ?? 0, sequence: $0.sequence, task: $0) }
        let sorted = dated.sorted { ($0.at, $0.sequence) < ($1.at, $1.sequence) }.map(\.task)
        let ordered = isAscending ? sorted : sorted.reversed()
        let shown = ordered.dropFirst(offset).prefix(limit ?? Int.max)
        var json = JSONWriter()
        json.object { json in
            json.array("tasks") { json in
                for task in shown { json.task(task, withReasons: withReasons) }
            }
        }
        return json.bytes
    }

    // MARK: /state-summary

    func summary() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("hostname", facts.selfInfo.hostname)
            if let name = facts.configuration.cluster { json.member("cluster", name) }
            json.array("slaves") { json in
                for agent in present {
                    json.object { json in
                        json.agentMembers(agent, figures, cluster, for: viewer, isFull: false)
                        counts(&json, figures.countsByAgent[agent.id])
                        let ids = figures.frameworksByAgent[agent.id] ?? []
                        json.member("framework_ids", ids.sorted().map(\.value))
                    }
                }
            }
            json.array("frameworks") { json in
                for framework in cluster.frameworks.all {
                    json.object { json in
                        json.frameworkSummary(
                            framework, used: figures.used(by: framework.id).total,
                            offered: figures.offered(to: framework.id).total, isActive: true)
                        counts(&json, figures.countsByFramework[framework.id])
                        let ids = figures.agentsByFramework[framework.id] ?? []
                        json.member("slave_ids", ids.sorted().map(\.value))
                    }
                }
            }
        }
        return json.bytes
    }

    private func counts(_ json: inout JSONWriter, _ counts: TaskCounts?) {
        for state in TaskCounts.shown { json.member(state.name, counts?[state] ?? 0) }
    }

    // MARK: /roles

    func roles() -> [UInt8] {
        let rows = RoleFigures(cluster, figures).rows
        var json = JSONWriter()
        json.object { json in
            json.array("roles") { json in
                for row in rows where viewer.canSee(row.role) {
                    json.object { json in
                        json.member("name", row.role.value)
                        json.member("weight", row.weight)
                        json.object("quota") { json in
                            json.member("role", row.role.value)
                            json.object("guarantee") { $0.amounts(row.guarantee) }
                            json.object("limit") { $0.amounts(row.limit) }
                            json.sparseMember("consumed", row.consumed)
                        }
                        json.sparseMember("resources", row.allocated + row.offered)
                        json.sparseMember("allocated", row.allocated)
                        json.sparseMember("offered", row.offered)
                        json.sparseMember("reserved", row.reserved)
                        json.member("frameworks", row.frameworks.map(\.value))
                    }
                }
            }
        }
        return json.bytes
    }
}

extension JSONWriter {
    /// Amounts by the resource's name, sorted.
    mutating func amounts(_ amounts: [String: Double]) {
        for (name, amount) in amounts.sorted(by: { $0.key < $1.key }) { member(name, amount) }
    }
}
