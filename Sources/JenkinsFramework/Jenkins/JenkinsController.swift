// What the framework asks of the controller: polls, nodes and their secrets, what became of items and builds.
import FoundationEssentials
import HTTPClient
import Mailbox
import Resources
import SchedulerClient

final class JenkinsController: Sendable {
    private struct Known: Sendable {
        var root: JenkinsAnswers.Root?
        var rootReadAt: Instant?
        /// Modes of nodes that are not ours, read once each.
        var modes: [String: NodeMode] = [:]
    }

    /// The root page changes rarely.
    private static let rootAge = Duration.seconds(5)
    /// Foreign nodes whose mode is read in one poll; the others follow in the next.
    private static let modesPerPoll = 5

    let client: JenkinsClient
    private let live: LiveConfiguration
    private let known = Locked(Known())

    init(_ client: JenkinsClient, _ live: LiveConfiguration) {
        self.client = client
        self.live = live
    }

    /// Whether builds without a label concern us; only then does a foreign node's mode matter.
    private var needsModes: Bool { live.current.planner.templates.contains { $0.servesUnlabelled } }

    /// Nothing is asked for or changed from now on.
    func close() { client.close() }

    var traffic: ControllerTraffic { client.traffic }

    /// As of the latest answer; nil before the first.
    var version: JenkinsVersion? { client.version }

    // MARK: - Polls

    /// Reads the computers first and the queue after them: an item seen waiting was not running a moment before, and no
    /// build is counted twice. If nothing was busy the queue alone is read, and the rest only if something waits.
    func poll(full: Bool, labelSource: LabelSource) async throws(JenkinsFailure) -> JenkinsSnapshot {
        let startedAt = Moment.now.instant
        var computers = full ? try await computers() : nil
        var (queue, session) = try await queue()
        var beganAt = startedAt
        if computers == nil, !queue.items.isEmpty {
            beganAt = Moment.now.instant
            computers = try await self.computers()
            (queue, session) = try await self.queue()
        }
        var snapshot = JenkinsSnapshot(
            startedAt: beganAt, session: session, isQuietingDown: try await root().isQuietingDown, items: queue.items,
            computers: computers, hasHiddenItems: queue.hasHiddenItems)
        if !queue.items.isEmpty { snapshot.labelFacts = await labelFacts(labelSource) }
        return snapshot
    }

    private func queue() async throws(JenkinsFailure) -> (JenkinsAnswers.Queue, String?) {
        let answer = try await client.get(
            JenkinsRequests.query("/queue/api/json", [("tree", JenkinsAnswers.queueTree)]), in: .poll)
        return (try read { () throws(UnreadableAnswer) in try JenkinsAnswers.queue(answer.body) }, answer.session)
    }

    func computers() async throws(JenkinsFailure) -> [Computer] {
        let answer = try await client.get(
            JenkinsRequests.query("/computer/api/json", [("tree", JenkinsAnswers.computerTree)]), in: .poll)
        var computers = try read { () throws(UnreadableAnswer) in try JenkinsAnswers.computers(answer.body) }
        let builtInMode = try await root().mode
        var unread = Self.modesPerPoll
        for index in computers.indices {
            let computer = computers[index]
            if computer.isBuiltIn {
                computers[index].mode = builtInMode
            } else if needsModes, !computer.isOffline, NodeMarker(description: computer.description) == nil {
                let mode = known.withLock { $0.modes[computer.name] }
                if mode == nil, unread > 0 {
                    unread -= 1
                    computers[index].mode = await readMode(of: computer.name)
                } else {
                    computers[index].mode = mode
                }
            }
        }
        return computers
    }

    private func readMode(of name: String) async -> NodeMode? {
        let path = JenkinsRequests.query(
            "/label/\(JenkinsRequests.escaped(name))/api/json", [("tree", "nodes[nodeName,mode]")])
        guard let answer = try? await client.get(path, in: .poll) else { return nil }
        // A node whose mode is not said takes no builds without a label, as far as we count.
        let mode = (try? JenkinsAnswers.mode(of: name, answer.body)) ?? .exclusive
        known.withLock { known in
            if known.modes.count >= 10_000 { known.modes = [:] }
            known.modes[name] = mode
        }
        return mode
    }

    private func root() async throws(JenkinsFailure) -> JenkinsAnswers.Root {
        let now = Moment.now.instant
        let fresh = known.withLock { known -> JenkinsAnswers.Root? in
            guard let root = known.root, let readAt = known.rootReadAt, readAt.duration(to: now) < Self.rootAge else {
                return nil
            }
            return root
        }
        if let fresh { return fresh }
        let answer = try await client.get(
            JenkinsRequests.query("/api/json", [("tree", JenkinsAnswers.rootTree)]), in: .poll)
        let root = try read { () throws(UnreadableAnswer) in try JenkinsAnswers.root(answer.body) }
        known.withLock {
            $0.root = root
            $0.rootReadAt = now
        }
        return root
    }

    // MARK: - Nodes

    /// Creates a node and reads its secret, once: each reading leaves a warning in the controller's log.
    func create(_ node: NodeForm) async throws(JenkinsFailure) -> AgentSecret {
        try await client.post("/computer/doCreateItem", form: try form(node))
        do throws(JenkinsFailure) {
            return try await secret(of: NodeName(node.name))
        } catch {
            // The node is there now, whatever the second answer was.
            throw .noAnswer("\(error)")
        }
    }

    private func secret(of name: NodeName) async throws(JenkinsFailure) -> AgentSecret {
        let path = JenkinsRequests.computer(name)
        let answer: JenkinsClient.Answer
        do throws(JenkinsFailure) {
            answer = try await client.get(path + "/jenkins-agent.jnlp", in: .change)
        } catch {
            guard case .answered(404, _) = error else { throw error }
            answer = try await client.get(path + "/slave-agent.jnlp", in: .change)  // Before 2.277.
        }
        return try read { () throws(UnreadableAnswer) in try JenkinsAnswers.secret(of: name, answer.body) }
    }

    private func form(_ node: NodeForm) throws(JenkinsFailure) -> String {
        do {
            return try JenkinsRequests.createForm(node)
        } catch {
            throw .cannotAsk("node \(node.name) cannot be described")
        }
    }

    func createBeacon(_ node: NodeSpec) async throws(JenkinsFailure) {
        try await client.post("/computer/doCreateItem", form: try form(NodeForm(node, webSocket: false)))
        try await drain(node.name, reason: BeaconKeeper.drainReason)
    }

    /// Idempotent on every line, unlike `toggleOffline`: a repeated request cannot bring a node back.
    func drain(_ name: NodeName, reason: String) async throws(JenkinsFailure) {
        try await client.post(
            JenkinsRequests.query(
                JenkinsRequests.computer(name) + "/changeOfflineCause", [("offlineMessage", reason)]), in: .urgent)
    }

    /// 404 is success: it is gone.
    func delete(_ name: NodeName) async throws(JenkinsFailure) {
        try await client.post(JenkinsRequests.computer(name) + "/doDelete", alsoFine: [404])
    }

    // MARK: - Items and builds

    func fate(of item: QueueItemID) async throws(JenkinsFailure) -> ItemFate {
        let path = JenkinsRequests.query("/queue/item/\(item)/api/json", [("tree", "cancelled,executable[number,url]")])
        let answer = try await client.get(path, in: .lookUp)
        return try read { () throws(UnreadableAnswer) in try JenkinsAnswers.itemFate(answer.body) }
    }

    func build(at url: String) async throws(JenkinsFailure) -> BuildView {
        guard let path = JenkinsRequests.buildPath(url) else { throw .cannotAsk("no build's URL: \(url.prefix(200))") }
        let answer = try await client.get(
            JenkinsRequests.query(path + "/api/json", [("tree", "building,result,duration,builtOn,fullDisplayName")]),
            in: .lookUp)
        return try read { () throws(UnreadableAnswer) in try JenkinsAnswers.build(answer.body) }
    }

    func read<Value>(
        _ parse: () throws(UnreadableAnswer) -> Value
    ) throws(JenkinsFailure) -> Value {
        do throws(UnreadableAnswer) {
            return try parse()
        } catch {
            throw .unreadable(error)
        }
    }
}
