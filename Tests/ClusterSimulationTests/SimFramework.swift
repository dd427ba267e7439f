// A framework as its authors write them: subscribes, launches, acknowledges, reconciles, and resubscribes when cut off.

import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

enum FrameworkHappening {
    case leaderDetected(Int?)
    case retryDue
    case opened(attempt: Int, connection: Int)
    case received(attempt: Int, V1SchedulerEvent)
    case disconnected(attempt: Int)
    case reconcileDue
}

/// One framework. It never restarts; its id is what it got from the first master.
struct SimFramework {
    struct TaskView {
        var agent: AgentID
        var states: [V1TaskState] = []
        /// The first terminal state the framework was told.
        var ending: V1TaskState?
        var isKillWanted = false
    }

    let index: Int
    var id: FrameworkID?
    /// How many tasks it still wants to launch.
    var tasksWanted: Int
    var tasks: [TaskID: TaskView] = [:]
    var launched = 0
    var leader: Int?
    var attempt = 0
    /// The connection of the current subscription, once SUBSCRIBED has come.
    var connection: Int?
    var opening: Int?
    var isolatedUntil: Int64 = 0
    var membersVersionSeen: UInt64 = 0

    init(index: Int, tasksWanted: Int) {
        self.index = index
        self.tasksWanted = tasksWanted
    }

    var info: V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = "framework-\(index)"
        info.failoverTimeout = 3600
        info.checkpoint = true
        info.roles = ["role-\(index)"]
        info.capabilities = [V1FrameworkInfo.Capability.TypeEnum.partitionAware, .multiRole].map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        if let id { info.id = V1FrameworkID(id) }
        return info
    }

    var openTasks: [TaskID] { tasks.filter { $0.value.ending == nil }.keys.sorted() }
    var isDone: Bool { tasksWanted == 0 && openTasks.isEmpty }

    static let taskNeed = simulatedResources(cpus: 1, memory: 128)
}

extension ClusterWorld {
    mutating func take(_ happening: FrameworkHappening, framework index: Int) {
        switch happening {
        case .leaderDetected(let leader):
            frameworks[index].leader = leader
            if frameworks[index].connection == nil { subscribe(index) }
        case .retryDue:
            if frameworks[index].connection == nil { subscribe(index) }
        case .opened(let attempt, let connection):
            guard attempt == frameworks[index].attempt else { return }
            frameworks[index].opening = connection
        case .received(let attempt, let event):
            guard attempt == frameworks[index].attempt else { return }
            receive(event, framework: index)
        case .disconnected(let attempt):
            guard attempt == frameworks[index].attempt else { return }
            frameworks[index].connection = nil
            frameworks[index].opening = nil
            frameworks[index].attempt += 1
            timeline.schedule(.framework(index, .retryDue), after: random.milliseconds(50...2000))
        case .reconcileDue:
            reconcile(index)
            timeline.schedule(.framework(index, .reconcileDue), after: .seconds(4))
        }
    }

    private mutating func subscribe(_ index: Int) {
        guard let leader = frameworks[index].leader else { return }
        if let opening = frameworks[index].opening { close(opening, by: .client) }
        frameworks[index].opening = nil
        frameworks[index].attempt += 1
        let attempt = frameworks[index].attempt
        guard let connection = connect(.framework(index, attempt: attempt), toMaster: leader) else {
            timeline.schedule(.framework(index, .retryDue), after: random.milliseconds(100...1000))
            return
        }
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = frameworks[index].info
        if let id = frameworks[index].id { call.frameworkID = V1FrameworkID(id) }
        send(.schedulerCall(call), on: connection, to: .master)
        // A subscription that is not answered (a frozen master) is given up.
        timeline.schedule(.framework(index, .retryDue), after: .seconds(6))
    }

    private mutating func receive(_ event: V1SchedulerEvent, framework index: Int) {
        switch event.type {
        case .subscribed:
            let isFirst = frameworks[index].id == nil
            frameworks[index].id = FrameworkID(event.subscribed.frameworkID)
            frameworks[index].connection = frameworks[index].opening
            if isFirst { timeline.schedule(.framework(index, .reconcileDue), after: .seconds(4)) }
            reconcile(index)
        case .offers:
            for offer in event.offers.offers { answer(offer, framework: index) }
        case .update:
            note(event.update.status, framework: index)
        case .error where event.error.message == "Framework failed over":
            // An older SUBSCRIBE of ours was still waiting in a frozen master and came out last. The stream ends; the
            // framework subscribes again.
            break
        case .error:
            fail("framework-\(index) is refused: \(event.error.message)")
        default: break
        }
    }

    private mutating func call(_ index: Int, _ fill: (inout V1SchedulerCall) -> Void) {
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
        while frameworks[index].tasksWanted > 0, left.contains(SimFramework.taskNeed), launches.count < 2 {
            left -= SimFramework.taskNeed
            frameworks[index].tasksWanted -= 1
            frameworks[index].launched += 1
            let id = TaskID("f\(index)t\(frameworks[index].launched)")
            frameworks[index].tasks[id] = SimFramework.TaskView(
                agent: AgentID(offer.agentID), isKillWanted: random.chance(15))
            var task = V1TaskInfo()
            task.name = id.value
            task.taskID = V1TaskID(id)
            task.agentID = offer.agentID
            task.command.value = "work"
            task.resources = SimFramework.taskNeed.protobuf(
                allocationRole: try? RoleName(offer.allocationInfo.role))
            launches.append(task)
        }
        call(index) { call in
            if launches.isEmpty {
                call.type = .decline
                call.decline.offerIds = [offer.id]
                call.decline.filters.refuseSeconds = 2
            } else {
                var operation = V1Offer.Operation()
                operation.type = .launch
                operation.launch.taskInfos = launches
                call.type = .accept
                call.accept.offerIds = [offer.id]
                call.accept.operations = [operation]
                call.accept.filters.refuseSeconds = 0
            }
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
        if status.state == .taskRunning, view.isKillWanted {
            frameworks[index].tasks[id]?.isKillWanted = false
            call(index) { call in
                call.type = .kill
                call.kill.taskID = status.taskID
            }
        }
    }

    /// Asks for every task that has not ended, as frameworks do after each subscription and now and then.
    private mutating func reconcile(_ index: Int) {
        let open = frameworks[index].openTasks
        guard !open.isEmpty else { return }
        let views = frameworks[index].tasks
        call(index) { call in
            call.type = .reconcile
            call.reconcile = .init()
            call.reconcile.tasks = open.map { id in
                var task = V1SchedulerCall.Reconcile.Task()
                task.taskID = V1TaskID(id)
                if let agent = views[id]?.agent { task.agentID = V1AgentID(agent) }
                return task
            }
        }
    }
}
