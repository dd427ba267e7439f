// A planner in virtual time with those who look over its shoulder: for tests about reasons and phases.
import Resources
import Testing

@testable import JenkinsFramework

struct WatchedFarm {
    var planner: JenkinsPlanner
    var phases = BuildPhases()
    var facts: WaitingFacts
    var now = Moment(instant: .zero, wall: WallTime(nanoseconds: 1_700_000_000_000_000_000))
    private(set) var finished: [FinishedBuild] = []
    private var offers = 0

    init(
        _ templates: [AgentTemplate], roles: [RoleName] = [.any], change: (inout PlannerSettings) -> Void = { _ in }
    ) {
        var settings = PlannerSettings(templates: templates)
        settings.beacons = .off
        change(&settings)
        planner = JenkinsPlanner(settings: settings, record: PlannerRecord(), seed: 1, at: now)
        facts = WaitingFacts(roles: roles)
        tell(.subscribed("fw-1"))
    }

    @discardableResult
    mutating func tell(_ event: JenkinsPlanner.Event) -> [JenkinsPlanner.Effect] {
        let effects = planner.step(event, at: now)
        finished += phases.observe(event, effects, records: planner.agents, at: now)
        facts.observe(event, planner, at: now.instant)
        var all = effects
        for case .persist(let revision, _) in effects { all += tell(.persisted(revision: revision)) }
        return all
    }

    /// The framework is killed and started again: it has what it wrote down, in whatever order the two come back to it.
    mutating func restart(notesFirst: Bool, items: [QueueItem] = [], computers: [Computer]) throws {
        let part = try #require(phases.keptPart)
        let kept = BuildPhases.kept(part, at: now)
        let record = planner.record(at: now)
        phases = BuildPhases()
        planner = JenkinsPlanner(settings: planner.settings, record: record, seed: 2, at: now)
        wait(.seconds(3))
        if notesFirst { phases.restore(kept, at: now) }
        tell(.subscribed("fw-1"))
        poll(items, computers)
        if !notesFirst { phases.restore(kept, at: now) }
    }

    mutating func wait(_ duration: Duration) { now = now.advanced(by: duration) }

    @discardableResult
    mutating func poll(
        _ items: [QueueItem] = [], _ computers: [Computer] = [], session: String = "s1", quietingDown: Bool = false
    ) -> [JenkinsPlanner.Effect] {
        tell(
            .polled(
                JenkinsSnapshot(
                    startedAt: now.instant, session: session, isQuietingDown: quietingDown, items: items,
                    computers: computers)))
    }

    @discardableResult
    mutating func offer(milliCPUs: Int64 = 8_000, mem: Int = 16_000, on host: String = "h1") -> [JenkinsPlanner.Effect]
    {
        offers += 1
        return tell(
            .offersArrived([
                AgentOffer(
                    id: OfferID("o\(offers)"), agentID: AgentID("agent-\(host)"), hostname: host,
                    resources: Resources(cpus: Scalar(milli: milliCPUs), mem: Scalar(units: mem)))
            ]))
    }

    /// An item that has been buildable ever since it came, just now.
    func item(
        _ id: QueueItemID, _ label: String? = "linux", job: String? = nil, phase: QueueItem.Phase = .buildable,
        why: String? = nil
    ) -> QueueItem {
        QueueItem(
            id: id, phase: phase, taskName: job ?? "job-\(id)", why: why, label: label.map { .text($0) } ?? .none,
            inQueueSince: now.wall.nanoseconds / 1_000_000)
    }

    mutating func update(_ node: NodeName, _ state: TaskUpdate.State, _ message: String = "", outOfMemory: Bool = false)
    {
        var update = TaskUpdate(task: TaskID(node.value), agent: "agent-h1", state: state, message: message)
        update.isOutOfMemory = outOfMemory
        tell(.taskUpdated(update))
    }

    var explanations: [WaitingExplanation] {
        planner.explanations(facts, planner.status(at: now), at: now.instant)
    }

    func explanation(_ item: QueueItemID) -> WaitingExplanation? { explanations.first { $0.item == item } }
}
