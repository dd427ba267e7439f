// Drives the planner through a conversation in virtual time, for tests that read like one.
import Resources

@testable import JenkinsFramework

struct PlannerConversation {
    var planner: JenkinsPlanner
    var now = Moment(instant: .zero, wall: WallTime(nanoseconds: 1_700_000_000_000_000_000))
    private var offers = 0

    init(
        _ templates: [AgentTemplate], record: PlannerRecord = PlannerRecord(), seed: UInt64 = 1,
        change: (inout PlannerSettings) -> Void = { _ in }
    ) {
        var settings = PlannerSettings(templates: templates)
        settings.beacons = .off
        change(&settings)
        planner = JenkinsPlanner(settings: settings, record: record, seed: seed, at: now)
    }

    /// Subscribed as `fw-1`, with the record of that on disk.
    static func subscribed(
        _ templates: [AgentTemplate], record: PlannerRecord = PlannerRecord(),
        change: (inout PlannerSettings) -> Void = { _ in }
    ) -> PlannerConversation {
        var talk = PlannerConversation(templates, record: record, change: change)
        talk.tell(.subscribed("fw-1"))
        return talk
    }

    @discardableResult
    mutating func tell(_ event: JenkinsPlanner.Event) -> [JenkinsPlanner.Effect] {
        let effects = planner.step(event, at: now)
        // The disk is quick and never fails here; tests about it call `step` themselves.
        for case .persist(let revision, _) in effects { return effects + tell(.persisted(revision: revision)) }
        return effects
    }

    mutating func wait(_ duration: Duration) { now = now.advanced(by: duration) }

    /// A poll half a second later.
    @discardableResult
    mutating func poll(
        _ items: [QueueItem] = [], _ computers: [Computer] = [], session: String = "s1", quietingDown: Bool = false
    ) -> [JenkinsPlanner.Effect] {
        wait(.milliseconds(500))
        return tell(
            .polled(
                JenkinsSnapshot(
                    startedAt: now.instant, session: session, isQuietingDown: quietingDown, items: items,
                    computers: computers)))
    }

    @discardableResult
    mutating func offer(cpus: Int = 8, mem: Int = 16_000, on host: String = "h1") -> [JenkinsPlanner.Effect] {
        offers += 1
        return tell(.offersArrived([Self.offer(OfferID("o\(offers)"), cpus: cpus, mem: mem, on: host)]))
    }

    static func offer(_ id: OfferID, cpus: Int = 8, mem: Int = 16_000, on host: String = "h1") -> AgentOffer {
        AgentOffer(
            id: id, agentID: AgentID("agent-\(host)"), hostname: host,
            resources: Resources(cpus: Scalar(units: cpus), mem: Scalar(units: mem)))
    }

    /// From a queued build to an agent that is online and idle. Returns its node.
    mutating func bringUp(_ label: String) -> NodeName {
        poll([.buildable(1, label)])
        let created = offer().created
        for name in created { tell(.nodeCreated(name, AgentSecret("5ec4e7"))) }
        tell(.taskUpdated(.init(task: TaskID(created[0].value), agent: "agent-h1", state: .running)))
        return created[0]
    }

    var onlyAgent: AgentRecord? { planner.agents.values.first }
    func phase(_ name: NodeName) -> AgentRecord.Phase? { planner.agents[name]?.phase }
}

extension AgentTemplate {
    static func named(_ name: String, _ change: (inout AgentTemplate) -> Void = { _ in }) -> AgentTemplate {
        var template = AgentTemplate(name: TemplateName(name), labels: [name])
        change(&template)
        return template
    }
}

extension QueueItem {
    static func buildable(_ id: QueueItemID, _ label: String?) -> QueueItem {
        QueueItem(
            id: id, phase: .buildable, taskName: "job-\(id)", label: label.map { .text($0) } ?? .none,
            inQueueSince: Int64(id))
    }
}

extension Computer {
    static func node(
        _ name: NodeName, _ labels: [String] = [], online: Bool = true, busy: Int = 0, of executors: Int = 1,
        drained: Bool = false, reason: String = "", url: String? = nil, marker: String? = "fw-1",
        template: String = "linux"
    ) -> Computer {
        Computer(
            name: name.value,
            description: marker.map { NodeMarker(frameworkID: FrameworkID($0), template: TemplateName(template)).text }
                ?? "", isOffline: !online || drained, isTemporarilyOffline: drained, offlineReason: reason,
            labels: labels + [name.value],
            executors: (0..<executors).map { Executor(isIdle: $0 >= busy, buildURL: $0 < busy ? url : nil) },
            isIdle: busy == 0)
    }
}

extension [JenkinsPlanner.Effect] {
    var created: [NodeName] { compactMap { if case .createNode(let node) = $0 { node.name } else { nil } } }
    var deleted: [NodeName] {
        compactMap {
            switch $0 {
            case .deleteNode(let name), .deleteDrainedNode(let name): name
            default: nil
            }
        }
    }
    var drained: [NodeName] { compactMap { if case .drainNode(let name, _) = $0 { name } else { nil } } }
    var killed: [TaskID] { compactMap { if case .kill(let task, _) = $0 { task } else { nil } } }
    var launched: [NodeName] {
        flatMap { if case .accept(let order) = $0 { order.agents.map(\.name) } else { [NodeName]() } }
    }
    var declined: [OfferID] { flatMap { if case .decline(let offers, _) = $0 { offers } else { [OfferID]() } } }
    var problems: [String] { compactMap { if case .report(.problem(let text)) = $0 { text } else { nil } } }
    var withoutReports: [JenkinsPlanner.Effect] {
        filter { if case .report = $0 { false } else { true } }
    }
}
