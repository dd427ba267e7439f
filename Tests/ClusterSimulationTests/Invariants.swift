// What must hold at every moment, and what is owed when the storm is over.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

extension ClusterWorld {
    /// Cheap checks on every happening.
    mutating func checkAlways() { thaw() }

    /// Never two acting leaders: whoever has just stepped and leads, leads alone.
    ///
    /// A master that is frozen, or whose own clock tells it to stand back at its next step, does not act.
    mutating func checkLeader(_ index: Int) {
        guard let core = masters[index].core, core.cluster != nil, !core.leadership.isFenced(at: now) else { return }
        for other in masters where other.index != index && other.frozenUntil == nil {
            guard let rival = other.core, rival.cluster != nil, !rival.leadership.isFenced(at: now) else { continue }
            fail(
                "master-\(index) (\(core.leadership.term?.description ?? "?")) and master-\(other.index) "
                    + "(\(rival.leadership.term?.description ?? "?")) both lead")
        }
    }

    /// No resource is promised twice by one leader: what is out in offers and what is in use fit into each agent.
    mutating func checkOffers(_ event: V1SchedulerEvent, ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else { return }
        for id in Set(event.offers.offers.map { AgentID($0.agentID) }).sorted() {
            guard let agent = cluster.agents[id] else {
                return fail("an offer names agent \(id), which the leader does not know")
            }
            var promised = cluster.offers.offers(of: id).reduce(Resources()) { $0 + $1.resources.flattened }
            for task in cluster.tasks.tasks(on: id) where task.isCharged {
                promised += task.resources.flattened
            }
            if !agent.total.flattened.contains(promised) {
                fail("\(promised) of agent \(id) are promised, it has \(agent.total)")
            }
        }
    }

    /// No agent runs more than it has, whatever masters promised.
    mutating func checkAgent(_ index: Int) {
        guard let core = agents[index].core else { return }
        if !AgentHost.capacity.contains(core.used.flattened) {
            fail("agent-\(index) runs \(core.used) and has \(AgentHost.capacity)")
        }
    }

    /// An update is on disk before anybody hears of it.
    mutating func checkDurable(_ call: AgentCall, ofAgent index: Int) {
        guard case .update(let update, _) = call else { return }
        let isDurable = agents[index].disk.tasks[update.key]?.updates.contains { $0.id == update.id } ?? false
        // The answer about a task that the agent never held is nothing to remember.
        if !isDurable, update.container != nil {
            fail("agent-\(index) sends \(update.state.name) of \(update.key) before it is on disk")
        }
    }

    /// One terminal state for each task, whoever tells it.
    mutating func checkEnding(
        of task: TaskID, _ view: SimFramework.TaskView, told status: V1TaskStatus, framework index: Int
    ) {
        guard status.state.isTerminal else {
            if let ending = view.ending, status.hasUuid {
                fail("framework-\(index): task \(task) ended as \(ending.name) and is now \(status.state.name)")
            }
            return
        }
        guard let ending = view.ending else {
            frameworks[index].tasks[task]?.ending = status.state
            return
        }
        if ending != status.state {
            fail("framework-\(index): task \(task) ended as \(ending.name) and again as \(status.state.name)")
        }
    }

    /// Everything that is owed once the storm is over has been paid.
    var isSettled: Bool { debts.isEmpty }

    /// What is still owed, in words.
    var debts: [String] {
        var debts: [String] = []
        for framework in frameworks where !framework.isDone {
            debts.append(
                "framework-\(framework.index) wants \(framework.tasksWanted) more tasks and waits for "
                    + framework.openTasks.map { "\($0) \(framework.tasks[$0]?.states.map(\.name) ?? [])" }
                    .joined(separator: ", "))
        }
        let leaders = masters.compactMap { $0.core?.cluster }
        guard leaders.count == 1, let leader = leaders.first else {
            return debts + ["\(leaders.count) masters lead"]
        }
        for host in agents {
            guard let core = host.core, let id = core.agent else {
                debts.append("agent-\(host.index) has no id")
                continue
            }
            if leader.agents[id]?.isConnected != true { debts.append("agent-\(host.index) is not registered") }
            if !core.tasks.isEmpty { debts.append("agent-\(host.index) still holds \(core.tasks.keys.sorted())") }
            if !host.containers.isEmpty {
                debts.append("agent-\(host.index) still has containers \(host.containers.keys.sorted())")
            }
            if !leader.tasks.tasks(on: id).isEmpty { debts.append("the leader still has tasks of agent-\(host.index)") }
        }
        return debts
    }
}
