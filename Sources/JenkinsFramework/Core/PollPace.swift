// When the controller is asked again: at the ends of quiet periods it has announced, in quick succession where something may
// come unannounced, and seldom otherwise.
import Resources

/// When the next poll is due, and what it reads.
public struct PollPlan: Equatable, Sendable {
    /// When the poll began that this rests on.
    public var basis: Instant
    public var dueAt: Instant
    /// Whether the computers are read in any case, or only if something waits.
    public var isFull: Bool
    /// Whether something is likely to be wanted by then, so that everything that decides on it should be fresh.
    public var expectsDemand: Bool
}

/// What polls have taught about the next ones.
///
/// A controller tells beforehand when most builds may start: their quiet period, five seconds unless somebody has changed it,
/// is shown with its end. What is not announced comes in bursts: the steps of a pipeline that has just begun, what another
/// build had blocked. So a queue in which nothing is announced need not be read more often than quiet periods are long.
struct PollPace: Equatable, Sendable {
    /// What a controller does that nobody has configured.
    private static let usualLead = Duration.seconds(5)
    private static let leadsMax = 16
    /// After the end of a quiet period, which the controller's own timer may be late for.
    private static let margin = Duration.milliseconds(10)

    /// How long before they may start the latest builds were announced.
    private var leads: [Duration] = []
    private var seen: Set<QueueItemID> = []
    private var flyweights: Set<QueueItemID> = []
    /// Whether something is queued that nothing announced the start of.
    private var hasBlocked = false
    private var stepSeenAt: Instant?
    /// Idle executors, by node.
    private var idle: [String: Int] = [:]
    private var burstSince: Instant?
    /// When the next quiet period has ended.
    private var announcedAt: Instant?
    /// Builds whose quiet periods had not ended when the last poll began.
    private var awaited: Set<QueueItemID> = []
    private(set) var polledAt: Instant?
    private var computersReadAt: Instant?
    /// Builds that the controller could start on an executor that is free, as of the last poll.
    private var assignable: Set<QueueItemID> = []
    /// Whether builds wait for which an agent may be needed, as of the last poll.
    private(set) var hasDemand = false

    // MARK: - What a poll teaches

    mutating func observe(
        _ snapshot: JenkinsSnapshot, _ requirements: [QueueItemID: LabelRequirement], at now: Moment
    ) {
        polledAt = snapshot.startedAt
        hasDemand = snapshot.items.contains { $0.phase == .buildable && requirements[$0.id] != .flyweight }
        hasBlocked = snapshot.items.contains { $0.phase == .blocked }
        observeQueue(snapshot.items, requirements, since: snapshot.startedAt, at: now)
        if let computers = snapshot.computers {
            computersReadAt = snapshot.startedAt
            observeExecutors(computers, at: now.instant)
        }
    }

    private mutating func observeQueue(
        _ items: [QueueItem], _ requirements: [QueueItemID: LabelRequirement], since startedAt: Instant, at now: Moment
    ) {
        let present = Set(items.map(\.id))
        for item in items {
            if item.taskClass.hasSuffix("PlaceholderTask") { stepSeenAt = now.instant }
            guard !seen.contains(item.id), !item.taskClass.hasSuffix("PlaceholderTask"), item.inQueueSince > 0,
                let start = item.quietUntil ?? item.buildableSince
            else { continue }
            leads.append(min(max(.milliseconds(start) - .milliseconds(item.inQueueSince), .zero), .seconds(60)))
            if leads.count > Self.leadsMax { leads.removeFirst() }
        }
        // A pipeline has begun: its first step may be queued any moment.
        if !flyweights.isSubset(of: present) { burst(at: now.instant) }
        flyweights = present.filter { requirements[$0] == .flyweight }
        seen = present
        settleAnnounced(items.filter { $0.phase == .waiting }, since: startedAt, at: now)
    }

    /// The controller's clock is taken for ours, and not trusted: what should have started and has not is looked at again and
    /// again.
    ///
    /// Of builds that were queued together a poll may meet some before their quiet periods end and others after, so each
    /// build counts for itself. It is late only if it still waits in an answer that was asked for after its end; one whose end
    /// came while the answer was on its way is asked for once more.
    private mutating func settleAnnounced(_ waiting: [QueueItem], since startedAt: Instant, at now: Moment) {
        let begun = now.wall.advanced(by: now.instant.duration(to: startedAt))
        let wasAwaited = awaited
        awaited = []
        var next: WallTime?
        var isHurried = false
        for item in waiting {
            guard let end = item.quietUntil else { continue }
            let over = WallTime(nanoseconds: 0).advanced(by: .milliseconds(end)).advanced(by: Self.margin)
            if over > begun {
                awaited.insert(item.id)
                next = min(next ?? over, over)
            } else if wasAwaited.contains(item.id) || burstSince == nil {
                // A little late, it must not wait for the pace of an earlier burst. One that is late at first sight tells of
                // a clock that is wrong, as the next will: that is not hurried for each.
                isHurried = true
            }
        }
        if isHurried { burst(at: now.instant) }
        announcedAt = next.map { over in
            let left = Duration.nanoseconds(over.nanoseconds) - .nanoseconds(now.wall.nanoseconds)
            return now.instant.advanced(by: min(left, .seconds(86_400)))
        }
    }

    private mutating func observeExecutors(_ computers: [Computer], at now: Instant) {
        var current: [String: Int] = [:]
        for computer in computers where !computer.isBuiltIn {
            current[computer.name] = computer.executors.count { $0.isIdle }
        }
        let isFreed = idle.contains { name, count in (current[name] ?? 0) > count }
        idle = current
        // The end of one build lets another start, or one stage of a pipeline the next.
        let hasPipelines = stepSeenAt.map { $0.duration(to: now) < .seconds(3_600) } ?? false
        if isFreed, hasBlocked || hasPipelines { burst(at: now) }
    }

    /// Builds for which an executor is free will be on it in a moment.
    mutating func noteAssignable(_ items: Set<QueueItemID>, at now: Instant) {
        if !items.isSubset(of: assignable) { burst(at: now) }
        assignable = items
    }

    /// Something may come that nothing announces.
    mutating func burst(at now: Instant) { burstSince = now }

    // MARK: - When to ask again

    /// - Parameters:
    ///   - quick: The shortest time between two polls.
    ///   - seldom: The longest time between two looks at the queue.
    ///   - computersWithin: How old what is known of the computers may become.
    func plan(quick: Duration, seldom: Duration, computersWithin: Duration) -> PollPlan {
        guard let polledAt else { return PollPlan(basis: .zero, dueAt: .zero, isFull: true, expectsDemand: true) }
        var due = polledAt.advanced(by: interval(quick, seldom, at: polledAt))
        var expectsDemand = hasDemand
        if let announcedAt, announcedAt <= due {
            due = max(announcedAt, polledAt.advanced(by: .milliseconds(50)))
            expectsDemand = true
        }
        let computersDue = (computersReadAt ?? .zero).advanced(by: computersWithin)
        // One look at both costs less than two.
        let isFull = expectsDemand || computersDue <= due.advanced(by: computersWithin / 4)
        if computersDue < due { due = max(computersDue, polledAt.advanced(by: quick)) }
        return PollPlan(basis: polledAt, dueAt: due, isFull: isFull, expectsDemand: expectsDemand)
    }

    /// Quick at the beginning of a burst, and a quarter of the time it has lasted from then on.
    private func interval(_ quick: Duration, _ seldom: Duration, at polledAt: Instant) -> Duration {
        let usual = max(min(lead * 8 / 10, seldom), min(quick * 3 / 2, seldom))
        guard let burstSince else { return usual }
        return min(max(burstSince.duration(to: polledAt) / 4, quick), usual)
    }

    /// What three quarters of the latest builds had at least.
    private var lead: Duration {
        leads.isEmpty ? Self.usualLead : leads.sorted()[leads.count / 4]
    }
}

extension JenkinsPlanner {
    /// How often the computers are looked at while no agent is there or wanted: for beacons, and nodes of others.
    private static let quietLook = Duration.seconds(30)
    /// How soon a new agent usually has its first build.
    private static let assignment = Duration.seconds(10)

    /// - Parameters:
    ///   - quick: The shortest time between two polls.
    ///   - seldom: The longest time between two looks at a queue in which nothing is announced.
    public func pollPlan(quick: Duration, seldom: Duration) -> PollPlan {
        let seldom = max(seldom, quick)
        let within: Duration
        if isAwaitingComputers {
            within = max(min(.seconds(1), seldom), quick)
        } else {
            let isQuiet = agents.isEmpty && controller.items.isEmpty && orphans.isEmpty
            within = isQuiet ? max(Self.quietLook, seldom) : seldom
        }
        return pace.plan(quick: quick, seldom: seldom, computersWithin: within)
    }

    /// Whether decisions wait for what the next looks at the computers show.
    private var isAwaitingComputers: Bool {
        if !controller.isReachable || !strays.isEmpty || settings.beacons != .off && !beacons.hasLooked { return true }
        if orphans.values.contains(where: { $0.askedAt != nil }) { return true }
        return agents.values.contains { agent in
            if case .unreachable = agent.task { return true }
            if !agent.isBusy, isDrainedByOthers(agent.name) { return true }
            return switch agent.phase {
            case .draining(.confirmed): !agent.isBusy
            case .launching, .connecting: agent.missingPolls > 0 || agent.task == .ended
            case .online:
                agent.missingPolls > 0 || agent.task == .ended
                    || !agent.sawBuild && agent.phaseSince.duration(to: pace.polledAt ?? .zero) < Self.assignment
            case .deleting: agent.retryAt != nil
            case .requested, .registering, .draining(.asked), .killing: false
            }
        }
    }

    /// What a step that brings more room for waiting builds makes more or less.
    var roomForDemand: (agents: Int, gates: Int) {
        (agents.count, agents.values.count { $0.gate.canOpen && $0.isBehindGate && $0.task == .running })
    }

    /// Builds wait, and something may be done for them after this step that could not be done before it.
    mutating func settlePace(_ before: (agents: Int, gates: Int), at now: Instant) {
        guard pace.hasDemand else { return }
        let after = roomForDemand
        if after.agents < before.agents || after.gates > before.gates { pace.burst(at: now) }
    }
}
