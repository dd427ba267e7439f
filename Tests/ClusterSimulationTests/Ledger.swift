// What really happened to every task, kept by the world, to compare with what everybody is told.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

/// The truth about tasks: what is on an agent's disk, and what of it their frameworks have heard.
struct Ledger {
    struct Updates {
        var list: [(id: UpdateID, state: V1TaskState)] = []
        /// How many, from the first, their framework has received.
        var deliveredCount = 0

        func position(of id: UpdateID) -> Int? { list.firstIndex { $0.id == id } }
    }

    /// Updates that became durable, in that order.
    var updates: [TaskKey: Updates] = [:]
    /// Tasks whose container was started.
    var started: Set<TaskKey> = []
    /// Agents whose host was set up anew: what they had still to tell is lost.
    var replaced: Set<AgentID> = []
    /// Tasks whose records on an agent's disk were destroyed.
    var damaged: Set<TaskKey> = []
    /// Containers that came to an end, and how.
    var exits: [ContainerID: ContainerExit] = [:]
}

extension ClusterWorld {
    /// A write reached an agent's disk.
    mutating func becameDurable(_ write: CheckpointWrite, onAgent index: Int) {
        let before = agents[index].disk.resources
        agents[index].disk.apply(write)
        switch write {
        case .update(let update):
            note(update, onAgent: index)
        case .acknowledgement(let key, let id):
            guard let framework = frameworks.first(where: { $0.id == key.framework }), !framework.hasLeft else {
                return
            }
            let updates = ledger.updates[key] ?? Ledger.Updates()
            if updates.position(of: id) ?? .max >= updates.deliveredCount {
                fail("agent-\(index) records an acknowledgement for \(key) that nobody can have given")
            }
        case .resources(let state):
            note(state, over: before, onAgent: index)
        case .agent, .cluster, .drain, .framework, .task, .kill, .retirement, .executor, .executorStep,
            .subscription, .delivery, .executorRetirement:
            break
        }
    }

    private mutating func note(_ update: StatusUpdate, onAgent index: Int) {
        var updates = ledger.updates[update.key] ?? Ledger.Updates()
        guard updates.position(of: update.id) == nil else { return }
        if update.isTerminal, let earlier = updates.list.first(where: { $0.state.isTerminal }) {
            fail("\(update.key) ended as \(earlier.state.name) on agent-\(index), and again as \(update.state.name)")
        }
        if update.state == .taskFinished, let container = update.container,
            ledger.exits[container] != .exited(status: 0)
        {
            fail("\(update.key) is finished on agent-\(index), but its container is not")
        }
        // Of a removed framework's task an agent lets the container go before it has forgotten the task on disk: nobody
        // would hear how it ended.
        let isForgotten = zooKeeper.store.frameworks[update.key.framework].map(OperatorIntent.isOver) ?? false
        if update.state == .taskFailed, !isForgotten, let container = update.container,
            ledger.exits[container] == .exited(status: 0)
        {
            fail("\(update.key) failed on agent-\(index), but its container finished")
        }
        updates.list.append((update.id, update.state))
        ledger.updates[update.key] = updates
    }

    /// Updates arrive in the order in which they were written, none skipped, none invented.
    mutating func checkDelivery(_ status: V1TaskStatus, framework index: Int) {
        guard let id = status.updateUUID, let framework = frameworks[index].id else { return }
        let key = TaskKey(framework: framework, task: TaskID(status.taskID))
        guard let updates = ledger.updates[key], let position = updates.position(of: id) else {
            // An agent's word on a task it does not hold is not kept on its disk.
            if status.source == .agent, [.reconciliation, .executorTerminated].contains(status.reason) { return }
            return fail("framework-\(index) is told \(status.state.name) of \(key), which is on no disk")
        }
        if position > updates.deliveredCount {
            fail(
                "framework-\(index) is told \(status.state.name) of \(key) before \(updates.list[position - 1].state.name)"
            )
        } else if position == updates.deliveredCount {
            ledger.updates[key]?.deliveredCount += 1
        }
    }

    func isOnDisk(_ status: V1TaskStatus, framework index: Int) -> Bool {
        guard let id = status.updateUUID, let framework = frameworks[index].id else { return false }
        let key = TaskKey(framework: framework, task: TaskID(status.taskID))
        return ledger.updates[key]?.position(of: id) != nil
    }

    /// Updates that their framework has a right to and has not received, in words.
    var undelivered: [String] {
        ledger.updates.sorted { $0.key < $1.key }.compactMap { key, updates in
            guard let framework = frameworks.first(where: { $0.id == key.framework }), !framework.hasLeft,
                updates.deliveredCount < updates.list.count, !ledger.damaged.contains(key),
                !(framework.tasks[key.task].map { ledger.replaced.contains($0.agent) } ?? false)
            else { return nil }
            return
                "\(updates.list[updates.deliveredCount].state.name) of \(key) never reached framework-\(framework.index)"
        }
    }
}
