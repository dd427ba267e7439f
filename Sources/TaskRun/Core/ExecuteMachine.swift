// The life of one task, or of a group of tasks, as `mesos-execute` sees it. Pure.

import MesosProtocol
import Resources

/// Tasks to run together on one agent. Their agent and the roles of their resources are filled in from the offer.
public struct ExecuteRequest: Sendable {
    public var tasks: [V1TaskInfo]
    /// Whether the tasks are one group under an executor of their own.
    public var isGroup: Bool
    /// How long after it began to run a task is killed.
    public var killAfter: Duration?

    public init(tasks: [V1TaskInfo], isGroup: Bool = false, killAfter: Duration? = nil) {
        self.tasks = tasks
        self.isGroup = isGroup
        self.killAfter = killAfter
    }
}

/// Launches the tasks on the first offer with room, reports every update, and ends when all tasks have ended.
struct ExecuteMachine {
    enum Event {
        case happened(FrameworkHappening)
        case killDue(TaskID)
    }

    enum Effect: Equatable {
        case accept(OfferID, V1Offer.Operation)
        case decline([OfferID])
        case suppress
        case acknowledge(V1TaskStatus)
        case scheduleKill(TaskID, after: Duration)
        case kill(TaskID, AgentID)
        case reconcile([TaskID], AgentID)
        /// Print a line.
        case say(String)
        /// Print what the update says.
        case report(V1TaskStatus)
        case finish(status: Int32)
    }

    private let request: ExecuteRequest
    private var framework: FrameworkID?
    private var agent: AgentID?
    private var ended: Set<TaskID> = []
    private var killed: Set<TaskID> = []

    /// Whether a master has taken the framework, and may hold offers or tasks for it.
    var isKnownToMaster: Bool { framework != nil }

    init(_ request: ExecuteRequest) { self.request = request }

    mutating func step(_ event: Event) -> [Effect] {
        switch event {
        case .happened(let happening): return hear(happening)
        case .killDue(let task):
            guard let agent, !ended.contains(task) else { return [] }
            return [.say("Asked to kill task '\(task)' on agent '\(agent)'"), .kill(task, agent)]
        }
    }

    private mutating func hear(_ happening: FrameworkHappening) -> [Effect] {
        switch happening {
        case .subscribed(let id):
            let isFirst = framework == nil
            framework = id
            if isFirst { return [.say("Subscribed with ID \(id)")] }
            guard let agent else { return [] }
            return [.reconcile(request.tasks.map { TaskID($0.taskID.value) }.filter { !ended.contains($0) }, agent)]
        case .offered(let offers): return choose(among: offers)
        case .updated(let status): return follow(status)
        case .refused(let reason):
            return [.say("Received an ERROR event: \(reason)"), .finish(status: 1)]
        case .interrupted: return [.finish(status: 130)]
        case .disconnected: return []
        }
    }

    private mutating func choose(among offers: [V1Offer]) -> [Effect] {
        guard agent == nil, let framework else { return decline(offers) }
        for offer in offers {
            guard let operation = operation(on: offer, framework) else { continue }
            let agent = AgentID(offer.agentID.value)
            self.agent = agent
            let names = request.tasks.map(\.taskID.value)
            let said =
                request.isGroup
                ? "Submitted task group with tasks [ \(names.joined(separator: ", ")) ] to agent '\(agent)'"
                : "Submitted task '\(request.tasks.first?.name ?? "")' to agent '\(agent)'"
            return [.accept(OfferID(offer.id.value), operation), .say(said)]
                + decline(offers.filter { $0.id != offer.id }) + [.suppress]
        }
        return decline(offers)
    }

    private func decline(_ offers: [V1Offer]) -> [Effect] {
        offers.isEmpty ? [] : [.decline(offers.map { OfferID($0.id.value) })]
    }

    /// - Returns: `nil` if the offer has no room.
    private func operation(on offer: V1Offer, _ framework: FrameworkID) -> V1Offer.Operation? {
        var pool = OfferedPool(offer)
        var tasks: [V1TaskInfo] = []
        for var task in request.tasks {
            guard let taken = pool.take(task.resources) else { return nil }
            task.agentID = offer.agentID
            task.resources = taken
            tasks.append(task)
        }
        var operation = V1Offer.Operation()
        guard request.isGroup else {
            operation.type = .launch
            operation.launch.taskInfos = tasks
            return operation
        }
        guard let own = pool.take(Self.executorNeeds) else { return nil }
        operation.type = .launchGroup
        operation.launchGroup.executor.type = .default
        operation.launchGroup.executor.executorID.value = "default-executor"
        operation.launchGroup.executor.frameworkID.value = framework.value
        operation.launchGroup.executor.resources = own
        operation.launchGroup.taskGroup.tasks = tasks
        return operation
    }

    /// What Mesos's command gives the executor of a group.
    private static let executorNeeds: [V1Resource] = [("cpus", 0.1), ("mem", 32), ("disk", 32)].map { name, value in
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = value
        return resource
    }

    private mutating func follow(_ status: V1TaskStatus) -> [Effect] {
        let task = TaskID(status.taskID.value)
        guard request.tasks.contains(where: { $0.taskID.value == task.value }) else {
            return status.hasUuid ? [.acknowledge(status)] : []
        }
        var effects: [Effect] = [.report(status)]
        if status.hasUuid { effects.append(.acknowledge(status)) }
        if status.state == .taskRunning, let delay = request.killAfter, killed.insert(task).inserted {
            effects.append(.scheduleKill(task, after: delay))
        }
        if status.state.isTerminal, ended.insert(task).inserted, ended.count == request.tasks.count {
            // Mesos's command does not tell a failed task from a finished one by its exit status.
            effects.append(.finish(status: 0))
        }
        return effects
    }
}

/// What is left of an offer while tasks take their shares.
struct OfferedPool {
    private var left: [V1Resource]

    /// Resources with properties that a plain task does not ask for are left alone.
    init(_ offer: V1Offer) {
        left = offer.resources.filter { !$0.hasDisk && !$0.hasRevocable && !$0.hasShared && !$0.hasProviderID }
        // What is reserved for the role is used up before what anybody may have.
        left = left.filter { !$0.reservations.isEmpty } + left.filter { $0.reservations.isEmpty }
    }

    /// - Returns: Pieces of the offer that make up `wanted`, or `nil`, and nothing is taken, if it does not hold them.
    mutating func take(_ wanted: [V1Resource]) -> [V1Resource]? {
        var rest = left
        var taken: [V1Resource] = []
        for want in wanted {
            guard let pieces = want.type == .scalar ? Self.take(want, &rest) : Self.takeRanges(want, &rest) else {
                return nil
            }
            taken += pieces
        }
        left = rest
        return taken
    }

    private static func take(_ want: V1Resource, _ rest: inout [V1Resource]) -> [V1Resource]? {
        guard var missing = Scalar(want.scalar.value)?.milli else { return nil }
        var pieces: [V1Resource] = []
        for index in rest.indices where missing > 0 && rest[index].name == want.name && rest[index].type == .scalar {
            guard let available = Scalar(rest[index].scalar.value)?.milli, available > 0 else { continue }
            let share = min(missing, available)
            var piece = rest[index]
            piece.scalar.value = Scalar(milli: share).doubleValue
            pieces.append(piece)
            rest[index].scalar.value = Scalar(milli: available - share).doubleValue
            missing -= share
        }
        return missing == 0 ? pieces : nil
    }

    /// Each range must lie inside one of the offer's.
    private static func takeRanges(_ want: V1Resource, _ rest: inout [V1Resource]) -> [V1Resource]? {
        guard want.type == .ranges else { return nil }
        for index in rest.indices where rest[index].name == want.name && rest[index].type == .ranges {
            var ranges = rest[index].ranges.range
            var fits = true
            for range in want.ranges.range {
                guard let place = ranges.firstIndex(where: { $0.begin <= range.begin && range.end <= $0.end }) else {
                    fits = false
                    break
                }
                let whole = ranges.remove(at: place)
                if whole.begin < range.begin {
                    var before = whole
                    before.end = range.begin - 1
                    ranges.append(before)
                }
                if range.end < whole.end {
                    var after = whole
                    after.begin = range.end + 1
                    ranges.append(after)
                }
            }
            guard fits else { continue }
            var piece = rest[index]
            piece.ranges = want.ranges
            rest[index].ranges.range = ranges
            return [piece]
        }
        return nil
    }
}
