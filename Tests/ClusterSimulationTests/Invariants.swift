// What must hold at every moment, and what is owed when the storm is over.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

extension ClusterWorld {
    /// Never two acting leaders: whoever has just stepped and leads, leads alone.
    ///
    /// A master that is frozen, or whose own clock tells it to stand back at its next step, does not act; one that has
    /// just stepped has looked at its clock.
    mutating func checkLeader(_ index: Int) {
        guard let core = masters[index].core, core.cluster != nil else { return }
        if core.leadership.isFenced(at: now) {
            return fail("master-\(index) has taken a step as leader, and ZooKeeper may have given its place away")
        }
        for other in masters where other.index != index && other.frozenUntil == nil {
            guard let rival = other.core, rival.cluster != nil, !rival.leadership.isFenced(at: now) else { continue }
            if isUnawareOfDeletion(index) || isUnawareOfDeletion(other.index) { continue }
            fail(
                "master-\(index) (\(core.leadership.term?.description ?? "?")) and master-\(other.index) "
                    + "(\(rival.leadership.term?.description ?? "?")) both lead")
        }
    }

    /// Whether an operator deleted this master's znode and its watch cannot have told it yet.
    ///
    /// The next in line leads at once then, and a deposed leader that is cut off finds out by its own clock only. No
    /// design without a wait before taking office closes that window; what the deposed leader can still do is bounded by
    /// its fence, and the registry refuses its writes.
    private func isUnawareOfDeletion(_ index: Int) -> Bool {
        guard let sequence = masters[index].core?.leadership.term?.candidate?.sequence,
            deletedByHand.contains(sequence)
        else { return false }
        return !reachesZooKeeper(index) || masters[index].membersVersionSeen != zooKeeper.membersVersion
    }

    /// An offer says where its agent is, as the agent says itself, or else as its link shows.
    private mutating func checkAddress(_ offer: V1Offer) {
        guard let host = agents.first(where: { $0.disk.agent == AgentID(offer.agentID) }) else { return }
        let expected = host.advertisedIP ?? AgentHost.address(ofAgent: host.index)
        if offer.url.address.ip != expected {
            fail("an offer says that \(offer.agentID.value) is at \(offer.url.address.ip), not at \(expected)")
        }
    }

    /// No resource is promised twice by one leader: what is out in offers and what is in use fit into each agent.
    mutating func checkOffers(_ event: V1SchedulerEvent, ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else { return }
        checkDecisions(about: event.offers.offers, cluster, ofMaster: index)
        for offer in event.offers.offers { checkAddress(offer) }
        for id in Set(event.offers.offers.map { AgentID($0.agentID) }).sorted() {
            guard let agent = cluster.agents[id] else {
                return fail("an offer names agent \(id), which the leader does not know")
            }
            var promised = cluster.offers.offers(of: id).reduce(Resources()) { $0 + $1.resources.flattened }
            let host = agents.first { $0.disk.agent == id }
            for task in cluster.tasks.tasks(on: id) where task.isCharged {
                // It never reached its agent, which is about to say so.
                if masters[index].askedAbout.contains(task.key), host?.disk.tasks[task.key] == nil { continue }
                promised += task.resources.flattened
            }
            for operation in cluster.operations.operations(on: id) where operation.isHoldingBack {
                promised += operation.conversion.consumed.flattened
            }
            if !agent.total.flattened.contains(promised) {
                fail("\(promised) of agent \(id) are promised, it has \(agent.total)")
            }
        }
    }

    mutating func noteQuestions(_ command: LinkCommand, ofMaster index: Int) {
        guard command.type == .reconcileTasks else { return }
        for task in command.reconcileTasks.tasks {
            masters[index].askedAbout.insert(
                TaskKey(framework: FrameworkID(task.frameworkID), task: TaskID(task.taskID)))
        }
    }

    /// No agent runs more than it has, whatever masters promised.
    ///
    /// Tasks of a removed framework count as well: their resources are free at once for the master, but what is launched
    /// on them waits at the agent. Only after a restart of the agent, which forgets that the framework is gone, a task
    /// that had waited may start beside them.
    mutating func checkAgent(_ index: Int) {
        guard let core = agents[index].core else { return }
        var used = Resources()
        for life in core.tasks.values where !life.isEnded && life.phase != .recording {
            if !life.isAbandoned, case .removed = zooKeeper.store.frameworks[life.record.key.framework]?.phase {
                continue
            }
            if life.isAbandoned, agents[index].generation > 1 { continue }
            used += life.resources
        }
        if !AgentHost.fits(used) {
            fail("agent-\(index) runs \(used) and has \(AgentHost.capacity)")
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

    /// So is a state that a registration tells.
    mutating func checkDurable(_ registration: Registration, ofAgent index: Int) {
        for task in registration.tasks where task.state != .taskStaging {
            let updates = agents[index].disk.tasks[task.record.key]?.updates ?? []
            if !updates.contains(where: { $0.state == task.state }) {
                fail("agent-\(index) registers with \(task.record.key) as \(task.state.name), which is not on disk")
            }
        }
    }

    /// And the reservations.
    mutating func checkReservations(_ registration: Registration, ofAgent index: Int) {
        let told = registration.total?.reservedRoles.map { registration.total?.reserved(for: $0) } ?? []
        let kept = agents[index].disk.resources.converted
        if told != kept.reservedRoles.map({ kept.reserved(for: $0) }) {
            fail("agent-\(index) registers with other reservations than are on its disk")
        }
    }

    /// One terminal state for each task, whoever tells it.
    mutating func checkEnding(
        of task: TaskID, _ view: SimFramework.TaskView, told status: V1TaskStatus, framework index: Int
    ) {
        if status.state == .taskLost, status.reason == .agentRemoved {
            frameworks[index].tasks[task]?.isGivenUp = true
        } else if view.isGivenUp, status.state != .taskUnknown {
            // Its agent was removed without hearing of it, and is back under its own id, as Apache Mesos lets agents
            // come back that its registry does not know.
            frameworks[index].tasks[task]?.isGivenUp = false
            frameworks[index].tasks[task]?.ending = status.state.isTerminal ? status.state : nil
            return
        }
        guard status.state.isTerminal else {
            if let ending = view.ending, status.hasUuid {
                fail("framework-\(index): task \(task) ended as \(ending.name) and is now \(status.state.name)")
            }
            return
        }
        guard let ending = view.ending else {
            frameworks[index].tasks[task]?.ending = status.state
            let isKept = isOnDisk(status, framework: index)
            frameworks[index].tasks[task]?.isEndingKept = isKept
            return
        }
        // Nobody keeps the memory of a launch that came to nothing: a RECONCILE that was under way when we were told is
        // answered with TASK_GONE, as by Apache Mesos.
        if !view.isEndingKept, status.reason == .reconciliation, !status.hasUuid { return }
        // Nor the memory of what was on an agent that is out of the cluster for good.
        let isDamaged =
            frameworks[index].id.map { ledger.damaged.contains(TaskKey(framework: $0, task: task)) } ?? false
        if isDamaged || ledger.replaced.contains(view.agent) || zooKeeper.store.gone[view.agent] != nil,
            status.reason == .reconciliation, !status.hasUuid
        {
            return
        }
        if ending != status.state {
            fail("framework-\(index): task \(task) ended as \(ending.name) and again as \(status.state.name)")
        }
    }

    /// Everything that is owed once the storm is over has been paid.
    var isSettled: Bool { frameworks.allSatisfy { owedTasks(of: $0).isEmpty && $0.isContent } && debts.isEmpty }

    /// Tasks that a framework waits for and has a right to hear the end of: all but those of which an agent that left
    /// for good, and left nothing on its host, was to tell. An agent whose process dies before its first identity is on
    /// disk comes back as another agent, but then nothing was launched on the first one.
    private func owedTasks(of framework: SimFramework) -> [TaskID] {
        if framework.hasLeft { return [] }
        return framework.openTasks.filter { id in
            guard let view = framework.tasks[id], ledger.replaced.contains(view.agent) else { return true }
            return view.states.last != .taskUnreachable && view.states.last != .taskUnknown
        }
    }

    /// What is still owed, in words.
    var debts: [String] {
        let leaders = masters.compactMap { $0.core?.cluster }
        guard leaders.count == 1, let leader = leaders.first else { return ["\(leaders.count) masters lead"] }
        var debts: [String] = []
        for framework in frameworks { debts += debtsTo(framework, by: leader) }
        for host in agents { debts += debtsOf(host, to: leader) }
        for agent in leader.agents.all where !agent.isConnected { debts.append("the leader waits for \(agent.id)") }
        return debts + undelivered + decisionDebts(leader) + reservationDebts(leader)
    }

    private func debtsTo(_ framework: SimFramework, by leader: Cluster) -> [String] {
        let name = "framework-\(framework.index)"
        guard framework.hasLeft else {
            let owed = owedTasks(of: framework)
            if owed.isEmpty, framework.isContent { return [] }
            let tasks = owed.map { "\($0) \(framework.tasks[$0]?.states.map(\.name) ?? [])" }
            return ["\(name) wants \(framework.tasksWanted) more tasks and waits for \(tasks.joined(separator: ", "))"]
        }
        guard let id = framework.id else { return [] }
        var debts: [String] = []
        if leader.frameworks[id] != nil { debts.append("the leader still waits for \(name), which left") }
        if !leader.tasks.tasks(of: id).isEmpty { debts.append("the leader still has tasks of \(name), which left") }
        switch zooKeeper.store.frameworks[id]?.phase {
        case .removed, nil: break
        case .connected, .disconnected: debts.append("the registry still has \(name), which left")
        }
        return debts
    }

    private func debtsOf(_ host: AgentHost, to leader: Cluster) -> [String] {
        let name = "agent-\(host.index)"
        guard let core = host.core, let id = core.agent else { return ["\(name) has no id"] }
        var debts: [String] = []
        if leader.agents[id]?.isConnected != true { debts.append("\(name) is not registered") }
        if !core.tasks.isEmpty { debts.append("\(name) still holds \(core.tasks.keys.sorted())") }
        if !host.containers.isEmpty { debts.append("\(name) still has containers \(host.containers.keys.sorted())") }
        let tasks = leader.tasks.tasks(on: id).map { "\($0.key) as \($0.state.name)" }
        if !tasks.isEmpty { debts.append("the leader still has, on \(name), \(tasks.joined(separator: ", "))") }
        return debts
    }
}
