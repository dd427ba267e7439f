// What must hold between the registry, the leader's books, and what the leader tells.

import Allocator
import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

extension ClusterWorld {
    /// Only the first of the election writes, and no agent that was ever admitted drops out of the registry.
    mutating func checkWrite(
        _ write: RegistryWrite, fencedBy sequence: Int64, over before: RegistryState, ofMaster index: Int
    ) {
        if zooKeeper.members.first?.sequence != sequence {
            fail("master-\(index) writes to the registry and is not the first of the election")
        }
        let after = zooKeeper.store
        for index in downHosts { agents[index].wasDown = true }
        checkDecisions(before, ofMaster: index)
        checkIntruders(in: after)
        for case .markUnreachable(let id, _) in write.operations { checkBrake(on: id, ofMaster: index) }
        for id in Set(before.agents.keys).union(before.unreachable.keys).union(before.gone.keys).sorted() {
            guard after.agents[id] == nil, after.unreachable[id] == nil, after.gone[id] == nil else { continue }
            // Removed because its host is another agent now (then the host itself no longer knows the id), because its
            // machine is down, or because it unregistered.
            let isRemoval = write.operations.contains(.removeAgent(id))
            let host = agents.first { $0.disk.agent == id }
            if !isRemoval || host.map({ !$0.isLeaving && !$0.wasDown }) ?? false {
                fail("master-\(index) makes the registry forget agent \(id)")
            }
        }
    }

    /// No agent is written off because it vanished together with too many others under this leader: that is the fault
    /// of the network.
    private mutating func checkBrake(on id: AgentID, ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster, let host = agents.first(where: { $0.disk.agent == id }),
            host.isAway(at: timeline.nanoseconds), cluster.agents[id]?.isAwaited == false
        else { return }
        let others = agents.filter { other in
            guard other.index != host.index, other.isAway(at: timeline.nanoseconds),
                other.lastHeard <= host.lastHeard, let id = other.disk.agent, let agent = cluster.agents[id]
            else { return false }
            return !agent.isAwaited && !agent.isLeaving && !agent.isAdmitting
        }
        let total = cluster.agents.presentCount + 1
        if others.count + 1 >= RemovalBook.brakeAgentsMin,
            Double(others.count + 1) > Self.masterSettings.agentRemovalBrake * Double(total)
        {
            fail("master-\(index) writes agent \(id) off, and \(others.count) of \(total) vanished before it did")
        }
    }

    /// A master that can still say what the registry says now.
    func isInOffice(_ index: Int) -> Bool {
        guard let own = masters[index].core?.leadership.term?.candidate?.sequence else { return false }
        return zooKeeper.members.first?.sequence == own
    }

    /// Nothing that the registry must remember is told before it does.
    mutating func checkRegistered(_ event: V1SchedulerEvent, byMaster index: Int) {
        guard isInOffice(index) else { return }
        switch event.type {
        case .subscribed:
            let id = FrameworkID(event.subscribed.frameworkID)
            if zooKeeper.store.frameworks[id]?.phase != .connected {
                fail("master-\(index) welcomes framework \(id), which the registry does not have as connected")
            }
        case .update where event.update.status.state == .taskUnknown:
            let task = TaskID(event.update.status.taskID)
            for host in agents where host.disk.tasks.keys.contains(where: { $0.task == task }) {
                if let id = host.disk.agent, zooKeeper.store.agents[id] != nil {
                    fail("master-\(index) calls task \(task) unknown, while its agent \(id) is still to come back")
                }
            }
        case .update where event.update.status.reason == .agentRemoved:
            let id = AgentID(event.update.status.agentID)
            if zooKeeper.store.agents[id] != nil {
                fail("master-\(index) tells of the loss of agent \(id), which the registry has as admitted")
            }
        default: break
        }
    }

    mutating func checkRegistered(_ command: LinkCommand, byMaster index: Int) {
        guard isInOffice(index) else { return }
        switch command.type {
        case .registered:
            let id = AgentID(command.registered.agentID)
            if zooKeeper.store.agents[id] == nil {
                fail("master-\(index) acknowledges agent \(id), which the registry does not have")
            }
        case .shutdownFramework:
            let id = FrameworkID(command.shutdownFramework.frameworkID)
            if frameworks.contains(where: { $0.id == id && !$0.isMortal }) {
                fail("master-\(index) has agents end the tasks of framework \(id), which is alive")
            }
        default: break
        }
    }

    /// The allocator's sums are right, and it holds exactly what is out in offers and in use by tasks; offers are of
    /// agents and to frameworks that are there.
    mutating func checkBooks(ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else { return }
        for violation in AllocationAudit.bookkeepingViolations(of: cluster.allocator) {
            fail("the allocator of master-\(index): \(violation)")
        }
        checkDecisions(ofLeader: index, cluster)
        checkWatchers(ofMaster: index, cluster)
        for offer in cluster.offers.all {
            if cluster.agents[offer.agent]?.isConnected != true {
                fail("master-\(index) has an offer out of agent \(offer.agent), which is not connected")
            }
            if cluster.frameworks[offer.framework]?.isConnected != true {
                fail("master-\(index) has an offer out to framework \(offer.framework), which is not connected")
            }
        }
        for agent in cluster.agents.all where agent.isAllocated {
            let offers = cluster.offers.offers(of: agent.id)
            let tasks = cluster.tasks.tasks(on: agent.id).filter(\.isCharged)
            for task in tasks where task.isTerminal {
                fail("master-\(index) keeps the resources of task \(task.id), which has ended")
            }
            for framework in cluster.frameworks.all {
                for role in framework.roles {
                    var expected = Resources()
                    for offer in offers where offer.framework == framework.id && offer.role == role {
                        expected += offer.resources
                    }
                    for task in tasks where task.key.framework == framework.id && task.role == role {
                        expected += task.resources
                    }
                    // What a resize takes is out of the offer and not in the new volume yet.
                    for operation in cluster.operations.operations(on: agent.id)
                    where operation.isHoldingBack && operation.framework == framework.id && operation.role == role {
                        expected += operation.conversion.consumed
                    }
                    let held = cluster.allocator.held(by: framework.id, in: role, on: agent.id)
                    if held != expected {
                        fail(
                            "master-\(index)'s allocator has \(framework.id) hold \(held) of agent \(agent.id), its "
                                + "books say \(expected)")
                    }
                }
            }
        }
    }
}
