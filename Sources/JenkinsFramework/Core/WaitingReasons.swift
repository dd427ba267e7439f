// From the planner's state to a reason in plain words for every queued item.
import Resources

extension JenkinsPlanner {
    /// Every queued item of ours with what holds it up, the oldest first.
    ///
    /// - Parameter status: Of the same moment; its sentences stand where there is nothing to add.
    package func explanations(
        _ facts: WaitingFacts, _ status: PlannerStatus, at now: Instant
    ) -> [WaitingExplanation] {
        guard !waiting.isEmpty else { return [] }
        let sentences = Dictionary(status.waiting.map { ($0.item, $0.reason) }) { first, _ in first }
        let view = WaitingView(planner: self, facts: facts, sentences: sentences, now: now)
        return waiting.sorted { ($0.since, $0.id) < ($1.since, $1.id) }.map(view.explanation)
    }
}

extension JenkinsPlanner {
    /// Nodes that may be described anew while their agents come. Not those of single-use agents: sending a node's
    /// configuration back could undo a drain, and a drain is what keeps a second build away from them.
    var explainableNodes: Set<NodeName> {
        Set(
            agents.values.filter { agent in
                guard agent.phase == .launching || agent.phase == .connecting else { return false }
                return settings.template(agent.template)?.singleUse == .no
            }.map(\.name))
    }

    /// The first beacon of each template, if it is there and drained.
    var shownBeacons: [TemplateName: NodeName] {
        guard settings.beacons != .off else { return [:] }
        return settings.templates.reduce(into: [:]) { beacons, template in
            let name = settings.beaconName(template.name, "a")
            guard let computer = controller.computers[name.value], computer.isTemporarilyOffline,
                let marker = NodeMarker(description: computer.description), marker.kind == .beacon,
                marker.frameworkID == frameworkID
            else { return }
            beacons[template.name] = name
        }
    }
}

/// One look at the planner, with what is the same for all items worked out once.
private struct WaitingView {
    typealias Phase = WaitingExplanation.Phase
    typealias Code = WaitingExplanation.Code

    let planner: JenkinsPlanner
    let facts: WaitingFacts
    let sentences: [QueueItemID: String]
    let now: Instant
    /// What may be launched now, the most urgent first.
    let asks: [AgentAsk]
    let places: [NodeName: Int]
    /// What goes before each ask: `, 2 builds of release/* ahead`.
    let ahead: [String]
    /// What is short for each size that is asked for.
    let shortages: [Resources: String]

    init(planner: JenkinsPlanner, facts: WaitingFacts, sentences: [QueueItemID: String], now: Instant) {
        self.planner = planner
        self.facts = facts
        self.sentences = sentences
        self.now = now
        asks = planner.launchable(at: now)
        places = Dictionary(asks.enumerated().map { ($1.node, $0) }) { first, _ in first }
        var jobs: [NodeName: [String]] = [:]
        for item in planner.waiting {
            if case .agentComing(let node) = item.reason { jobs[node, default: []].append(item.job) }
        }
        var queue = BuildsAhead()
        ahead = asks.map { ask in
            defer { queue.add(jobs[ask.node] ?? []) }
            return queue.text
        }
        var shortages: [Resources: String] = [:]
        let used = Self.usedUpHosts(planner, facts, now)
        for ask in asks where shortages[ask.wanted] == nil {
            shortages[ask.wanted] = Self.noOffer(ask.wanted, facts, now) + used
        }
        self.shortages = shortages
    }

    func explanation(_ item: WaitingItem) -> WaitingExplanation {
        var result = WaitingExplanation(
            item: item.id, job: item.job, label: item.label, since: item.since, phase: .queued, code: .other,
            reason: sentences[item.id] ?? "")
        if let held = heldUp(item) {
            (result.phase, result.code, result.reason) = held
            return result
        }
        switch item.reason {
        case .notBuildable:
            (result.phase, result.code) = (.blocked, .notBuildable)
        case .noTemplate:
            result.code = .unserved
        case .labelUnknown:
            result.code = .labelUnknown
        case .boundToNode(let node):
            result.code = .boundToNode
            result.reason = boundReason(node)
        case .capReached(let template):
            (result.code, result.template) = (.templateCapped, template)
            result.reason = cappedReason(template)
        case .frameworkCapReached:
            result.code = .frameworkCapped
            result.reason = "the limit of \(planner.settings.agentsMax) agents (limits.maxAgents) is reached"
        case .templateBacksOff(let template):
            (result.code, result.template) = (.templateBacksOff, template)
            result.reason = backOffReason(template)
        case .executorFree(let node):
            (result.phase, result.code, result.node) = (.assigning, .executorFree, node)
            result.reason = "an executor on \(node) is free: the controller is about to use it"
        case .agentComing(let node):
            result.node = node
            result.template = planner.agents[node]?.template
            if let agent = planner.agents[node] {
                (result.phase, result.code, result.reason) = coming(agent)
            }
        default:
            guard item.reason == .agentRequested else { break }
            (result.phase, result.code) = (.requested, .noOffer)
            result.reason = "an agent has just been requested"
        }
        return result
    }

    /// What holds everything up.
    private func heldUp(_ item: WaitingItem) -> (Phase, Code, String)? {
        let controller = planner.controller
        if !controller.isReachable {
            return (.queued, .controllerDown, "the controller does not answer: \(controller.lastFailure)")
        }
        if item.reason == .notBuildable, !controller.isQuietingDown {
            return nil
        }
        if controller.isQuietingDown {
            return (.queued, .quietDown, "the controller is about to shut down (quiet mode): nothing is started for it")
        }
        if let until = controller.graceUntil, now < until {
            return (
                .queued, .restartGrace,
                "the controller restarted: its agents have \(Self.seconds(now.duration(to: until))) more to come back"
            )
        }
        return nil
    }

    private func boundReason(_ node: String) -> String {
        guard let computer = planner.controller.computers[node] else {
            return "waits for node \(node) alone, which does not exist any more"
        }
        let state =
            computer.isTemporarilyOffline
            ? "taken offline" : computer.isOffline ? "offline" : computer.isBusy ? "busy" : "idle"
        return "waits for node \(node) alone, which is \(state)"
    }

    private func cappedReason(_ template: TemplateName) -> String {
        guard let settings = planner.settings.template(template) else { return "template \(template) is gone" }
        let agents = planner.agents.values.filter { $0.template == template }
        let busy = agents.count(where: \.isBusy)
        return "template \(template) has all of its \(settings.agentsMax) agents (maxAgents), \(busy) of them busy"
    }

    private func backOffReason(_ template: TemplateName) -> String {
        let health = planner.health[template] ?? TemplateHealth()
        let reason = health.lastReason.isEmpty ? "its agents fail" : health.lastReason
        guard let until = health.backsOffUntil, now < until else {
            return "template \(template) is tried with one agent after failures: \(reason)"
        }
        return "template \(template) backs off for \(Self.seconds(now.duration(to: until))) more: \(reason)"
    }

    // MARK: - An agent is on its way

    private func coming(_ agent: AgentRecord) -> (Phase, Code, String) {
        let age = Self.seconds(agent.phaseSince.duration(to: now))
        switch agent.phase {
        case .requested:
            return requested(agent)
        case .registering:
            return (.registering, .registering, "node \(agent.name) is being created for \(agent.hostname)")
        case .launching:
            guard let note = facts.notes[agent.name] else {
                return (
                    .launching, .launching, "agent \(agent.name) is being launched on \(agent.hostname) since \(age)"
                )
            }
            if let pull = Self.pull(note) {
                return (.launching, .pulling, "image pull on \(agent.hostname)\(pull.isEmpty ? "" : ", \(pull)")")
            }
            return (.launching, .launching, "agent \(agent.name) on \(agent.hostname): \(note)")
        case .connecting:
            return (
                .connecting, .connecting,
                "agent \(agent.name) runs on \(agent.hostname) since \(age) and has not connected yet"
            )
        case .online:
            return (.assigning, .executorFree, "an executor on \(agent.name) is free")
        case .draining, .deleting, .killing:
            return (.queued, .other, "agent \(agent.name) is \(agent.phaseName)")
        }
    }

    /// `Pulling image NAME: 62 % of 120 MB` → `62 %`; empty if it says no number; nil if it is no pull.
    static func pull(_ note: String) -> String? {
        guard note.hasPrefix("Pulling image") else { return nil }
        guard let sign = note.firstIndex(of: "%") else { return "" }
        let number = note[..<sign].reversed().drop { $0 == " " }.prefix { $0.isNumber || $0 == "." }
        return number.isEmpty ? "" : String(number.reversed()) + " %"
    }

    private func requested(_ agent: AgentRecord) -> (Phase, Code, String) {
        if !planner.isSubscribed {
            return (.requested, .notSubscribed, "the framework is not subscribed to a master")
        }
        if planner.registrar.backsOff(at: now) {
            return (
                .requested, .nodesRefused, "the controller does not create nodes: \(planner.registrar.lastReason)"
            )
        }
        if planner.health[agent.template]?.backsOff(at: now) ?? false {
            return (.queued, .templateBacksOff, backOffReason(agent.template))
        }
        guard let place = places[agent.name] else { return limited(agent) }
        return (.requested, .noOffer, (shortages[asks[place].wanted] ?? "no offer") + ahead[place])
    }

    private func limited(_ agent: AgentRecord) -> (Phase, Code, String) {
        let settings = planner.settings
        let pending = planner.agents.values.count(where: \.isPending)
        if pending >= settings.agentsPendingMax {
            return (
                .requested, .launchLimit, "\(pending) agents are being started already (limits.maxPendingAgents)"
            )
        }
        if planner.launches.count >= settings.launchesPerMinuteMax {
            return (
                .requested, .launchLimit,
                "\(planner.launches.count) agents were launched within a minute (limits.maxLaunchesPerMinute)"
            )
        }
        if planner.health[agent.template]?.isProbing ?? false {
            return (.queued, .templateBacksOff, backOffReason(agent.template))
        }
        return (
            .requested, .launchLimit,
            "\(asks.count) agents go first (limits.maxPendingAgents and limits.maxLaunchesPerMinute)"
        )
    }

    // MARK: - Offers

    private static func noOffer(_ asked: Resources, _ facts: WaitingFacts, _ now: Instant) -> String {
        let roles = facts.roles.map(\.value).joined(separator: ", ")
        let place = facts.roles == [.any] ? "" : " in role \(roles)"
        let recent = facts.offers.values.filter { $0.at.duration(to: now) < .seconds(60) }
        // The offer that comes closest: the fewest kinds missing, and of the first of them the most.
        let shortages = recent.map { offer in (offer, missing(asked, in: offer.free)) }
        let best = shortages.min { left, right in
            if left.1.count != right.1.count { return left.1.count < right.1.count }
            let (mine, theirs) = (left.1.first?.free ?? .zero, right.1.first?.free ?? .zero)
            return mine != theirs ? mine > theirs : left.0.host < right.0.host
        }
        guard let (offer, missing) = best else {
            let wanted = list(parts(asked).map { quantity($0.name, $0.value) })
            return "no offer with \(wanted)\(place): nothing was offered in the last minute"
        }
        guard !missing.isEmpty else {
            return "no offer fits\(place): \(offer.host) has room, and not what the template asks beside it "
                + "(attributes, ports, maintenance)"
        }
        let wanted = list(missing.map { quantity($0.name, $0.wanted) })
        let free = list(
            missing.map { missing.count == 1 ? amount($0.name, $0.free) : quantity($0.name, $0.free) })
        return "no offer with \(wanted)\(place): \(free) free on \(offer.host)"
    }

    /// Machines that have had their share of launches for now: `; h1 has had 30 agents within a minute (...)`.
    private static func usedUpHosts(_ planner: JenkinsPlanner, _ facts: WaitingFacts, _ now: Instant) -> String {
        let most = planner.settings.hostLaunchesPerMinuteMax
        let hosts = Set(facts.offers.values.map(\.host)).filter {
            planner.hosts.launchesInLastMinute(on: $0, at: now) >= most
        }.sorted()
        guard let first = hosts.first else { return "" }
        let others = hosts.count > 1 ? " and \(hosts.count - 1) others have" : " has"
        return "; \(first)\(others) had \(most) agents within a minute (limits.maxLaunchesPerHost)"
    }

    private struct Shortage {
        var name: String
        var wanted: Scalar
        var free: Scalar
    }

    private static func missing(_ wanted: Resources, in free: Resources) -> [Shortage] {
        parts(wanted).compactMap { part in
            let there = free[part.name]
            return there < part.value ? Shortage(name: part.name, wanted: part.value, free: there) : nil
        }
    }

    private static func parts(_ resources: Resources) -> [(name: String, value: Scalar)] {
        ["cpus", "mem", "gpus", "disk"].map { ($0, resources[$0]) }.filter { !$0.1.isZero }
    }

    private static func quantity(_ name: String, _ value: Scalar) -> String {
        switch name {
        case "cpus": value == Scalar(units: 1) ? "1 CPU" : "\(value) CPUs"
        case "gpus": value == Scalar(units: 1) ? "1 GPU" : "\(value) GPUs"
        case "mem": "\(value) MiB of memory"
        default: "\(value) MiB of \(name)"
        }
    }

    private static func amount(_ name: String, _ value: Scalar) -> String {
        name == "cpus" || name == "gpus" ? "\(value)" : "\(value) MiB"
    }

    private static func list(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "anything" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }

    private static func seconds(_ duration: Duration) -> String {
        let seconds = max(duration.clampedNanoseconds, 0) / 1_000_000_000
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }
}

/// The builds that go before another, named as shortly as they have something in common.
struct BuildsAhead: Equatable, Sendable {
    private var agents = 0
    private var builds = 0
    private var job: String?
    private var isOneJob = true
    /// Folders that all jobs so far are in.
    private var folder: [Substring] = []

    /// - Parameter jobs: Those that count on one agent; none if that is not known.
    mutating func add(_ jobs: [String]) {
        agents += 1
        for name in jobs {
            builds += 1
            let own = name.split(separator: "/").dropLast()
            if job == nil {
                job = name
                folder = Array(own)
            } else if name != job {
                isOneJob = false
                while !own.starts(with: folder) { folder.removeLast() }
            }
        }
    }

    /// Empty if nothing goes before.
    var text: String {
        guard agents > 0 else { return "" }
        let count = max(agents, builds)
        let words = count == 1 ? "1 build" : "\(count) builds"
        guard builds == count, let job else { return ", \(words) ahead" }
        if isOneJob { return ", \(words) of \(job) ahead" }
        return folder.isEmpty ? ", \(words) ahead" : ", \(words) of \(folder.joined(separator: "/"))/* ahead"
    }
}
