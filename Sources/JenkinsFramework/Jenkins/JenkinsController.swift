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
        var computers = ComputerMemory()
        /// Modes of nodes that are not ours, read once each.
        var modes: [String: NodeMode] = [:]
    }

    /// Whether it is quieting down matters while something waits, and hardly otherwise.
    private static let rootAge = Duration.seconds(5)
    private static let quietRootAge = Duration.seconds(60)
    /// Looks at drained nodes, each with the deletion that follows it, at a time.
    static let deletionsMax = 2
    /// Foreign nodes whose mode is read in one poll; the others follow in the next.
    private static let modesPerPoll = 5

    let client: JenkinsClient
    private let live: LiveConfiguration
    private let known = Locked(Known())
    private let deletions = RequestGate(slots: deletionsMax)

    init(_ client: JenkinsClient, _ live: LiveConfiguration) {
        self.client = client
        self.live = live
    }

    /// Whether builds without a label concern us; only then does a foreign node's mode matter.
    private var needsModes: Bool { live.current.planner.templates.contains { $0.servesUnlabelled } }

    /// Gates open for agents that are connected, and behind a closed one only the controller can tell.
    var needsConnections: Bool { live.current.planner.templates.contains { $0.singleUse == .strict } }

    /// Nothing is asked for or changed from now on.
    func close() { client.close() }

    var traffic: ControllerTraffic { client.traffic }

    /// As of the latest answer; nil before the first.
    var version: JenkinsVersion? { client.version }

    // MARK: - Polls

    /// Reads the computers first and the queue after them: an item seen waiting was not running a moment before, and no
    /// build is counted twice. A poll that need not read the computers does so all the same if a build may need an agent.
    func poll(_ plan: PollPlan, labelSource: LabelSource) async throws(JenkinsFailure) -> JenkinsSnapshot {
        var startedAt = Moment.now.instant
        async let earlyRoot = root(since: plan.expectsDemand ? Self.rootAge : Self.quietRootAge)
        var computers = plan.isFull ? try await computers() : nil
        var (queue, session) = try await queue()
        let hasDemand = queue.items.contains { $0.phase == .buildable }
        if computers == nil, hasDemand {
            startedAt = Moment.now.instant
            computers = try await self.computers()
            (queue, session) = try await self.queue()
        }
        var rootPage = try await earlyRoot.get()
        if hasDemand, !plan.expectsDemand { rootPage = try await root(since: Self.rootAge).get() }
        var snapshot = JenkinsSnapshot(
            startedAt: startedAt, session: session, isQuietingDown: rootPage.isQuietingDown, items: queue.items,
            computers: computers, hasHiddenItems: queue.hasHiddenItems)
        if hasDemand { snapshot.labelFacts = await labelFacts(labelSource) }
        return snapshot
    }

    private func queue() async throws(JenkinsFailure) -> (JenkinsAnswers.Queue, String?) {
        let answer = try await client.get(
            JenkinsRequests.query("/queue/api/json", [("tree", JenkinsAnswers.queueTree)]), in: .poll)
        return (try read { () throws(UnreadableAnswer) in try JenkinsAnswers.queue(answer.body) }, answer.session)
    }

    func computers() async throws(JenkinsFailure) -> [Computer] {
        var computers = try await completeComputers(in: .poll)
        let builtInMode = try await root(since: Self.quietRootAge).get().mode
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

    /// Most looks ask only for what changes; the rest is read once in a minute, and when there is a new node.
    func completeComputers(in lane: JenkinsClient.Lane) async throws(JenkinsFailure) -> [Computer] {
        let now = Moment.now.instant
        if known.withLock({ $0.computers.isFresh(at: now) }) {
            let changing = try await readComputers(JenkinsAnswers.changingTree, in: lane)
            if let whole = known.withLock({ $0.computers.completed(changing) }) { return whole }
        }
        let whole = try await readComputers(JenkinsAnswers.computerTree, in: lane)
        known.withLock { $0.computers.learn(whole, at: now) }
        return whole
    }

    private func readComputers(
        _ tree: String, in lane: JenkinsClient.Lane
    ) async throws(JenkinsFailure) -> [Computer] {
        let tree = needsConnections ? JenkinsAnswers.showingConnection(tree) : tree
        let answer = try await client.get(JenkinsRequests.query("/computer/api/json", [("tree", tree)]), in: lane)
        return try read { () throws(UnreadableAnswer) in try JenkinsAnswers.computers(answer.body) }
    }

    /// - Parameter age: How old what is known of it may be.
    private func root(since age: Duration) async -> Result<JenkinsAnswers.Root, JenkinsFailure> {
        let now = Moment.now.instant
        let fresh = known.withLock { known -> JenkinsAnswers.Root? in
            guard let root = known.root, let readAt = known.rootReadAt, readAt.duration(to: now) < age else {
                return nil
            }
            return root
        }
        if let fresh { return .success(fresh) }
        do throws(JenkinsFailure) {
            let answer = try await client.get(
                JenkinsRequests.query("/api/json", [("tree", JenkinsAnswers.rootTree)]), in: .poll)
            let root = try read { () throws(UnreadableAnswer) in try JenkinsAnswers.root(answer.body) }
            known.withLock {
                $0.root = root
                $0.rootReadAt = now
            }
            return .success(root)
        } catch {
            return .failure(error)
        }
    }

    // MARK: - Nodes

    /// Creates a node and reads its secret, once: each reading leaves a warning in the controller's log.
    func create(_ node: NodeForm) async throws(JenkinsFailure) -> AgentSecret {
        known.withLock { $0.computers.forget(node.name) }
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
        known.withLock { $0.computers.forget(node.name.value) }
        try await client.post("/computer/doCreateItem", form: try form(NodeForm(node, webSocket: false)))
        try await drain(node.name, reason: BeaconKeeper.drainReason)
    }

    /// Idempotent on every line, unlike `toggleOffline`: a repeated request cannot bring a node back.
    func drain(_ name: NodeName, reason: String) async throws(JenkinsFailure) {
        try await client.post(
            JenkinsRequests.query(
                JenkinsRequests.computer(name) + "/changeOfflineCause", [("offlineMessage", reason)]), in: .urgent)
    }

    /// Writes a reason behind the marker in a node's description: the node's whole configuration is read and sent back,
    /// which needs Agent/Configure.
    func describe(_ name: NodeName, reason: String) async throws(JenkinsFailure) {
        let path = JenkinsRequests.computer(name) + "/config.xml"
        let answer = try await client.get(path, in: .change)
        guard let xml = NodeDescription.replaced(in: String(decoding: answer.body, as: UTF8.self), reason: reason)
        else { return }
        try await client.post(path, form: xml, type: "application/xml; charset=utf-8")
    }

    /// 404 is success: it is gone.
    func delete(_ name: NodeName, in lane: JenkinsClient.Lane = .change) async throws(JenkinsFailure) {
        known.withLock { $0.computers.forget(name.value) }
        try await client.post(JenkinsRequests.computer(name) + "/doDelete", alsoFine: [404], in: lane)
    }

    /// Unless somebody has opened it meanwhile. There is no request that deletes on a condition, so it is looked at first,
    /// and the deletion waits for nothing but the answer.
    func deleteDrained(_ name: NodeName) async throws(JenkinsFailure) {
        await deletions.enter()
        defer { deletions.leave() }
        let computer: Computer
        do throws(JenkinsFailure) {
            computer = try await self.computer(name, in: .deletion)
        } catch {
            if case .answered(404, _) = error { return }
            throw error
        }
        guard computer.isTemporarilyOffline, !computer.isBusy else {
            throw .cannotAsk("somebody has put \(name) back into service")
        }
        try await delete(name, in: .deletion)
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
