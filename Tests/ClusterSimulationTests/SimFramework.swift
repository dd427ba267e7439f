// A framework as its authors write them: subscribes, launches, acknowledges, reconciles, and resubscribes when cut off.

import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

enum FrameworkHappening {
    case leaderDetected(Int?)
    /// Nil: the very first.
    case retryDue(attempt: Int?)
    case opened(attempt: Int, connection: Int)
    case received(attempt: Int, V1SchedulerEvent)
    case disconnected(attempt: Int)
    case reconcileDue
    case killDue(TaskID, attempt: Int)
    /// One more task is wanted.
    case taskDue
    /// It goes for good.
    case leaveDue
}

/// One framework. It never restarts; its id is what it got from the first master. A mortal one has a short failover
/// timeout and leaves at some moment without a word, or with a TEARDOWN.
struct SimFramework {
    struct TaskView {
        var agent: AgentID
        var states: [V1TaskState] = []
        /// The first terminal state the framework was told.
        var ending: V1TaskState?
        /// The ending came with a uuid from an agent's disk, so the master keeps the task until we acknowledge it.
        var isEndingKept = false
        /// Told to be lost because its agent was removed.
        var isGivenUp = false
        /// It is to be killed; it may be endless, so that nothing else ends it.
        var isKillWanted = false
        /// The subscription on which the KILL was sent. Within one subscription the master keeps it in mind.
        var killSentOn: Int?
    }

    let index: Int
    var id: FrameworkID?
    /// It reserves and makes volumes.
    var reserves = false
    var operations: [String: SimOperation] = [:]
    /// How many tasks it still wants to launch.
    var tasksWanted: Int
    /// How many it will want later, one by one: tasks are launched all through the storm.
    var tasksToCome = 0
    var tasks: [TaskID: TaskView] = [:]
    var launched = 0
    var leader: Int?
    var attempt = 0
    /// The connection of the current subscription, once SUBSCRIBED has come.
    var connection: Int?
    var opening: Int?
    /// The stream of an earlier instance, which a master still holds open.
    var previous: Int?
    var isolatedUntil: Int64 = 0
    var membersVersionSeen: UInt64 = 0

    var isMortal = false
    var failoverTimeout = 3600.0
    /// The second one comes and goes.
    var roles: [String]
    /// It asked for no offers.
    var isSuppressed = false
    /// What its last SUBSCRIBE said of that.
    var subscribedSuppressed = false
    /// It left, or was away for too long and is refused.
    var hasLeft = false

    init(index: Int, tasksWanted: Int) {
        self.index = index
        self.tasksWanted = tasksWanted
        roles = ["role-\(index)"]
    }

    var info: V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = "framework-\(index)"
        info.failoverTimeout = failoverTimeout
        info.checkpoint = true
        info.roles = roles
        let capabilities: [V1FrameworkInfo.Capability.TypeEnum] =
            [.partitionAware, .multiRole] + (reserves ? [.reservationRefinement] : [])
        info.capabilities = capabilities.map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        if let id { info.id = V1FrameworkID(id) }
        return info
    }

    /// The role it always has.
    var ownRole: RoleName {
        guard let role = try? RoleName("role-\(index)") else { preconditionFailure("role-\(index) is a role") }
        return role
    }

    var openTasks: [TaskID] { tasks.filter { $0.value.ending == nil }.keys.sorted() }
    /// It wants nothing more.
    var isContent: Bool { hasLeft || tasksWanted + tasksToCome == 0 }

    /// The command of a task that runs until it is killed.
    static let endlessCommand = "wait"

    static let taskNeed = simulatedResources(cpus: 1, memory: 128)
}

extension ClusterWorld {
    mutating func take(_ happening: FrameworkHappening, framework index: Int) {
        switch happening {
        case .leaderDetected(let leader):
            frameworks[index].leader = leader
            if frameworks[index].connection == nil { subscribe(index) }
        case .retryDue(let attempt):
            guard attempt == nil || attempt == frameworks[index].attempt else { return }
            if frameworks[index].connection == nil { subscribe(index) }
        case .opened(let attempt, let connection):
            // Given up meanwhile.
            guard attempt == frameworks[index].attempt else { return close(connection, by: .client) }
            frameworks[index].opening = connection
        case .received(let attempt, let event):
            guard attempt == frameworks[index].attempt else { return }
            receive(event, framework: index)
        case .disconnected(let attempt):
            guard attempt == frameworks[index].attempt else { return }
            frameworks[index].connection = nil
            frameworks[index].opening = nil
            frameworks[index].attempt += 1
            timeline.schedule(
                .framework(index, .retryDue(attempt: frameworks[index].attempt)), after: random.milliseconds(50...2000))
        case .reconcileDue:
            reconcile(index)
            if !isStormy, frameworks[index].isSuppressed, hasClaims(index) {
                frameworks[index].isSuppressed = false
                call(index) { $0.type = .revive }
            }
            timeline.schedule(.framework(index, .reconcileDue), after: .seconds(4))
        case .killDue(let task, let attempt):
            // A new leader may not know the task yet, and then a KILL is nothing to it.
            guard attempt == frameworks[index].attempt else { return }
            killIfWanted(task, framework: index)
        case .taskDue:
            frameworks[index].tasksWanted += 1
            if frameworks[index].isSuppressed {
                frameworks[index].isSuppressed = false
                call(index) { $0.type = .revive }
            }
            frameworks[index].tasksToCome -= 1
            if frameworks[index].tasksToCome > 0 {
                timeline.schedule(.framework(index, .taskDue), after: random.milliseconds(500...9000))
            }
        case .leaveDue:
            if random.chance(30) { call(index) { $0.type = .teardown } }
            leave(index)
        }
    }

    /// A second instance takes over. Nobody reads the first one's stream any more; its master closes it.
    mutating func failOver(framework index: Int) {
        guard !frameworks[index].hasLeft, frameworks[index].connection != nil else { return }
        frameworks[index].previous = frameworks[index].connection
        frameworks[index].connection = nil
        subscribe(index)
    }

    mutating func changeRoles(ofFramework index: Int) {
        guard !frameworks[index].hasLeft, frameworks[index].id != nil else { return }
        frameworks[index].roles =
            ["role-\(index)"] + (frameworks[index].roles.count == 1 ? ["role-\(index)/night"] : [])
        guard frameworks[index].connection != nil else { return }
        let framework = frameworks[index]
        call(index) { call in
            call.type = .updateFramework
            call.updateFramework.frameworkInfo = framework.info
            if framework.isSuppressed { call.updateFramework.suppressedRoles = framework.roles }
        }
    }

    private mutating func leave(_ index: Int) {
        for connection in [frameworks[index].connection, frameworks[index].opening, frameworks[index].previous] {
            if let connection { close(connection, by: .client) }
        }
        frameworks[index].connection = nil
        frameworks[index].opening = nil
        frameworks[index].attempt += 1
        frameworks[index].hasLeft = true
    }

    private mutating func subscribe(_ index: Int) {
        guard !frameworks[index].hasLeft, let leader = frameworks[index].leader else { return }
        if let opening = frameworks[index].opening { close(opening, by: .client) }
        frameworks[index].opening = nil
        frameworks[index].attempt += 1
        let attempt = frameworks[index].attempt
        guard let connection = connect(.framework(index, attempt: attempt), toMaster: leader) else {
            timeline.schedule(
                .framework(index, .retryDue(attempt: attempt)), after: random.milliseconds(100...1000))
            return
        }
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = frameworks[index].info
        frameworks[index].subscribedSuppressed = frameworks[index].isSuppressed
        if frameworks[index].isSuppressed { call.subscribe.suppressedRoles = frameworks[index].roles }
        if let id = frameworks[index].id { call.frameworkID = V1FrameworkID(id) }
        send(.schedulerCall(call), on: connection, to: .master)
        // A subscription that is not answered (a frozen master) is given up.
        timeline.schedule(.framework(index, .retryDue(attempt: attempt)), after: .seconds(6))
    }

    private mutating func receive(_ event: V1SchedulerEvent, framework index: Int) {
        switch event.type {
        case .subscribed:
            let isFirst = frameworks[index].id == nil
            frameworks[index].id = FrameworkID(event.subscribed.frameworkID)
            frameworks[index].connection = frameworks[index].opening
            if isFirst { timeline.schedule(.framework(index, .reconcileDue), after: .seconds(4)) }
            if frameworks[index].subscribedSuppressed, !frameworks[index].isSuppressed {
                call(index) { $0.type = .revive }
            }
            reconcile(index)
        case .offers:
            for offer in event.offers.offers { answer(offer, framework: index) }
        case .update:
            note(event.update.status, framework: index)
        case .updateOperationStatus:
            note(event.updateOperationStatus.status, framework: index)
        case .error where event.error.message == "Framework failed over":
            // An older SUBSCRIBE of ours was still waiting in a frozen master and came out last. The stream ends; the
            // framework subscribes again.
            break
        case .error where frameworks[index].isMortal && event.error.message == "Framework has been removed":
            leave(index)
        case .error:
            fail("framework-\(index) is refused: \(event.error.message)")
        default: break
        }
    }

    mutating func call(_ index: Int, _ fill: (inout V1SchedulerCall) -> Void) {
        guard let connection = frameworks[index].connection, let id = frameworks[index].id else { return }
        var call = V1SchedulerCall()
        call.frameworkID = V1FrameworkID(id)
        fill(&call)
        send(.schedulerCall(call), on: connection, to: .master)
    }

    private mutating func answer(_ offer: V1Offer, framework index: Int) {
        guard frameworks[index].connection != nil else { return }
        guard var left = try? Resources(offer.resources) else {
            return fail("offer \(offer.id.value) has resources that cannot be read")
        }
        var launches: [V1TaskInfo] = []
        let claims = claims(in: offer, left: &left, framework: index)
        while frameworks[index].tasksWanted > 0, launches.count < 2,
            let need = claims.isEmpty ? keptNeed(in: left, framework: index) ?? taskNeed(in: left) : taskNeed(in: left)
        {
            left -= need
            frameworks[index].tasksWanted -= 1
            frameworks[index].launched += 1
            let id = TaskID("f\(index)t\(frameworks[index].launched)")
            let isKillWanted = random.chance(20)
            frameworks[index].tasks[id] = SimFramework.TaskView(
                agent: AgentID(offer.agentID), isKillWanted: isKillWanted)
            var task = V1TaskInfo()
            task.name = id.value
            task.taskID = V1TaskID(id)
            task.agentID = offer.agentID
            let isEndless = random.chance(frameworks[index].isMortal ? 50 : isKillWanted ? 70 : 0)
            task.command.value = isEndless ? SimFramework.endlessCommand : "work"
            task.resources = need.protobuf(allocationRole: try? RoleName(offer.allocationInfo.role))
            launches.append(task)
        }
        call(index) { call in
            if launches.isEmpty, claims.isEmpty {
                call.type = .decline
                call.decline.offerIds = [offer.id]
                call.decline.filters.refuseSeconds = 2
            } else {
                var operation = V1Offer.Operation()
                operation.type = .launch
                operation.launch.taskInfos = launches
                call.type = .accept
                call.accept.offerIds = [offer.id]
                call.accept.operations = claims + (launches.isEmpty ? [] : [operation])
                call.accept.filters.refuseSeconds = 0
            }
        }
        if plan.suppresses, launches.isEmpty, claims.isEmpty, frameworks[index].tasksWanted == 0,
            !frameworks[index].isSuppressed, !hasClaims(index)
        {
            frameworks[index].isSuppressed = true
            call(index) { $0.type = .suppress }
        }
        // Some are killed before anybody can have started them.
        for task in launches where random.chance(30) { killIfWanted(TaskID(task.taskID), framework: index) }
    }

    private func taskNeed(in left: Resources) -> Resources? {
        left.contains(SimFramework.taskNeed) ? SimFramework.taskNeed : nil
    }

    /// The KILL comes a while after the task is known, when its agent may be away.
    private mutating func scheduleKill(of id: TaskID, _ view: SimFramework.TaskView, framework index: Int) {
        guard view.isKillWanted, view.killSentOn != frameworks[index].attempt else { return }
        timeline.schedule(
            .framework(index, .killDue(id, attempt: frameworks[index].attempt)), after: random.milliseconds(0...6000))
    }

    /// Sends the KILL that a task is to have, once on each subscription.
    private mutating func killIfWanted(_ id: TaskID, framework index: Int) {
        let attempt = frameworks[index].attempt
        guard let view = frameworks[index].tasks[id], view.isKillWanted, view.ending == nil, view.killSentOn != attempt,
            frameworks[index].connection != nil
        else { return }
        frameworks[index].tasks[id]?.killSentOn = attempt
        call(index) { call in
            call.type = .kill
            call.kill.taskID = V1TaskID(id)
        }
    }

    private mutating func note(_ status: V1TaskStatus, framework index: Int) {
        let id = TaskID(status.taskID)
        guard let view = frameworks[index].tasks[id] else {
            return fail("framework-\(index) is told of task \(id) that it never launched")
        }
        if frameworks[index].tasks[id]?.states.last != status.state {
            frameworks[index].tasks[id]?.states.append(status.state)
        }
        if status.hasUuid {
            // Now and then the scheduler dies before the acknowledgement leaves; the agent must send again.
            if !(isStormy && random.chance(10)) {
                call(index) { call in
                    call.type = .acknowledge
                    call.acknowledge.agentID = status.agentID
                    call.acknowledge.taskID = status.taskID
                    call.acknowledge.uuid = status.uuid
                }
            }
        }
        checkEnding(of: id, view, told: status, framework: index)
        checkDelivery(status, framework: index)
        switch status.state {
        case .taskStaging, .taskStarting:
            if status.reason == .reconciliation { scheduleKill(of: id, view, framework: index) }
        case .taskRunning: scheduleKill(of: id, view, framework: index)
        // A kill is nothing to an unreachable task; it is sent again when the task is back.
        case .taskUnreachable, .taskLost: frameworks[index].tasks[id]?.killSentOn = nil
        default: break
        }
    }

    /// Asks for every task that has not ended, as frameworks do after each subscription and now and then.
    private mutating func reconcile(_ index: Int) {
        reconcileOperations(index, namesAgents: claimChance.chance(80))
        // Without names it asks for everything, and hears of tasks that it believes lost, too.
        let hasLost = frameworks[index].tasks.values.contains(where: \.isGivenUp) && side.chance(50)
        let open = hasLost ? [] : frameworks[index].openTasks
        guard hasLost || !open.isEmpty else { return }
        let views = frameworks[index].tasks
        // Some clients never say on which agent.
        let namesAgents = random.chance(70)
        call(index) { call in
            call.type = .reconcile
            call.reconcile = .init()
            call.reconcile.tasks = open.map { id in
                var task = V1SchedulerCall.Reconcile.Task()
                task.taskID = V1TaskID(id)
                if namesAgents, let agent = views[id]?.agent { task.agentID = V1AgentID(agent) }
                return task
            }
        }
    }
}
