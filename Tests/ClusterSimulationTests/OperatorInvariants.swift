// What must hold of what operators decided: in the registry, in every leader, and on every agent.

import Allocator
import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

extension ClusterWorld {
    /// Success is told only of what the registry has.
    mutating func checkPromise(_ answer: MasterAnswer, byMaster index: Int) {
        guard answer == .done || answer == .accepted, let intent = operators?.intent else { return }
        if !intent.isFulfilled(in: zooKeeper.store) {
            fail("master-\(index) says '\(intent)' is done, and the registry does not have it")
        }
    }

    /// Nothing that operators decide changes by itself, so what was acknowledged stays for every later leader.
    mutating func checkDecisions(_ before: RegistryState, ofMaster index: Int) {
        let after = zooKeeper.store
        if before.weights != after.weights, !isWanted({ if case .weight = $0 { true } else { false } }) {
            fail("master-\(index) changes weights that nobody wants changed")
        }
        if before.quotas != after.quotas, !isWanted({ if case .quota = $0 { true } else { false } }) {
            fail("master-\(index) changes quotas that nobody wants changed")
        }
        if before.schedule != after.schedule || before.downMachines != after.downMachines,
            !isWanted({ intent in
                switch intent {
                case .schedule, .machineDown, .machineUp: true
                default: false
                }
            })
        {
            fail("master-\(index) changes the maintenance that nobody wants changed")
        }
        for id in Set(before.gone.keys).union(after.gone.keys).sorted() where before.gone[id] != after.gone[id] {
            let isDrained = before.standings[id]?.drain?.marksGone == true && isEmpty(id)
            if before.gone[id] != nil {
                fail("master-\(index) makes the registry forget that agent \(id) is gone")
            } else if !isDrained, !isWanted({ if case .gone(id) = $0 { true } else { false } }) {
                fail("master-\(index) marks agent \(id) gone, which nobody wants")
            }
        }
        for id in after.gone.keys.sorted() where after.agents[id] != nil || after.unreachable[id] != nil {
            fail("master-\(index) takes agent \(id) back, which is gone")
        }
        for id in Set(before.standings.keys).union(after.standings.keys).sorted() {
            checkStanding(of: id, before, after, ofMaster: index)
        }
        for (id, info) in after.agents.sorted(by: { $0.key < $1.key }) where before.agents[id] == nil {
            if before.downMachines.contains(where: { $0.matches(hostname: info.hostname, ip: "") }) {
                fail("master-\(index) admits agent \(id), whose machine is down")
            }
        }
    }

    private mutating func checkStanding(
        of id: AgentID, _ before: RegistryState, _ after: RegistryState, ofMaster index: Int
    ) {
        let (old, new) = (before.standings[id], after.standings[id])
        guard old != new else { return }
        switch (old, new) {
        case (.draining(let asked)?, .drained(let done)?) where asked == done:
            if !isEmpty(id) { fail("master-\(index) calls agent \(id) drained, which still has tasks") }
        case (_, nil) where after.agents[id] == nil && after.unreachable[id] == nil:
            break  // Gone, or removed.
        default:
            let isWanted = isWanted { intent in
                switch intent {
                case .deactivate(id), .drain(id, _, _), .reactivate(id): true
                default: false
                }
            }
            if !isWanted { fail("master-\(index) changes what was decided about agent \(id), which nobody wants") }
        }
    }

    private func isWanted(_ isSuch: (OperatorIntent) -> Bool) -> Bool { operators?.intent.map(isSuch) ?? false }

    /// Whether nothing runs on the agent. Tasks of a removed framework do not count: as in Apache Mesos nobody keeps
    /// book of them while they have their grace period to end.
    private func isEmpty(_ id: AgentID) -> Bool {
        guard let host = agents.first(where: { $0.disk.agent == id }) else { return true }
        return host.disk.tasks.values.allSatisfy { task in
            task.terminalUpdate != nil
                || zooKeeper.store.frameworks[task.record.key.framework].map(OperatorIntent.isOver) ?? true
        }
    }

    /// A leader that waits for nothing has what the registry has, and its allocator what both say.
    mutating func checkDecisions(ofLeader index: Int, _ cluster: Cluster) {
        if isInOffice(index), cluster.registryWritesPending == 0, cluster.registry != zooKeeper.store {
            fail("master-\(index) leads with another registry than the one that is stored")
        }
        let snapshot = cluster.allocator.snapshot
        for (role, weight) in cluster.registry.weights where snapshot.weights[role] ?? .one != weight {
            fail("the allocator of master-\(index) gives \(role) another weight than \(weight)")
        }
        if snapshot.quotas != cluster.registry.quotas {
            fail("the allocator of master-\(index) has other quotas than the registry")
        }
        for agent in cluster.agents.all where agent.isConnected {
            if !AgentHost.isWhole(agent.total) {
                fail("master-\(index) has agent \(agent.id) with \(agent.total) instead of \(AgentHost.capacity)")
            }
        }
        for (id, agent) in snapshot.agents where agent.isActive && cluster.registry.standings[id] != nil {
            fail("the allocator of master-\(index) gives agent \(id) away, which is deactivated")
        }
    }

    /// What an OFFERS event may hold, by what operators decided.
    mutating func checkDecisions(about offers: [V1Offer], _ cluster: Cluster, ofMaster index: Int) {
        let registry = cluster.registry
        for offer in offers {
            let id = AgentID(offer.agentID)
            let host = registry.schedule.flatMap(\.machineIds).first { $0.hostname == offer.hostname }
            if let standing = registry.standings[id] {
                fail("master-\(index) offers agent \(id), which is \(standing)")
            }
            if registry.gone[id] != nil { fail("master-\(index) offers agent \(id), which is gone") }
            if registry.downMachines.contains(where: { $0.hostname == offer.hostname }) {
                fail("master-\(index) offers agent \(id), whose machine is down")
            }
            if (host != nil) != offer.hasUnavailability {
                fail("master-\(index) offers agent \(id) \(host == nil ? "with" : "without") unavailability")
            }
            for resource in offer.resources {
                guard let own = Self.owner(of: resource), let role = try? RoleName(offer.allocationInfo.role)
                else { continue }
                if own != role, !own.isAncestor(of: role) {
                    fail("master-\(index) offers \(role) what is reserved to \(own)")
                }
            }
            let framework = FrameworkID(offer.frameworkID)
            if let role = try? RoleName(offer.allocationInfo.role),
                cluster.frameworks[framework]?.suppressed.contains(role) == true
            {
                fail("master-\(index) makes an offer to \(framework), which wants none in \(role)")
            }
        }
        checkLimits(offers, cluster, ofMaster: index)
    }

    /// A role that is offered CPUs that are not reserved has not more of them, reserved to it, offered and used, than
    /// its limit. What is reserved to it is offered whatever the limit.
    private mutating func checkLimits(_ offers: [V1Offer], _ cluster: Cluster, ofMaster index: Int) {
        for (role, quota) in cluster.registry.quotas.sorted(by: { $0.key < $1.key }) {
            guard let limit = quota.limits["cpus"],
                offers.contains(where: { offer in
                    (try? RoleName(offer.allocationInfo.role))?.top == role
                        && offer.resources.contains { $0.name == "cpus" && Self.owner(of: $0) == nil }
                })
            else { continue }
            var sum = Scalar(milli: 0)
            for offer in cluster.offers.all where offer.role.top == role {
                sum += Self.cpus(of: offer.resources.unreserved)
            }
            cluster.tasks.forEach { task in
                if task.isCharged, task.role.top == role { sum += Self.cpus(of: task.resources.unreserved) }
            }
            for agent in cluster.agents.all where agent.isAllocated {
                for reserved in agent.total.reservedRoles where reserved.top == role {
                    sum += Self.cpus(of: agent.total.reserved(for: reserved))
                }
            }
            if limit < sum { fail("master-\(index) lets \(role) have \(sum) CPUs, of which its limit is \(limit)") }
        }
    }

    /// To whom it is reserved; nil if to nobody. Frameworks without refined reservations are told in the older form.
    private static func owner(of resource: V1Resource) -> RoleName? {
        let name = resource.reservations.last?.role ?? (resource.hasRole ? resource.role : "*")
        return name == "*" ? nil : try? RoleName(name)
    }

    private static func cpus(of resources: Resources) -> Scalar {
        resources.scalars.first { $0.name == "cpus" }?.value ?? .zero
    }

    /// What agents are told, by what operators decided.
    mutating func checkDecisions(about command: LinkCommand, byMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else { return }
        switch command.type {
        case .registered:
            let id = AgentID(command.registered.agentID)
            if zooKeeper.store.gone[id] != nil { fail("master-\(index) acknowledges agent \(id), which is gone") }
        case .runTask:
            let id = AgentID(command.runTask.task.agentID)
            if cluster.registry.standings[id]?.isDraining == true {
                fail("master-\(index) launches on agent \(id), which drains")
            }
        default: break
        }
    }

    /// An agent stops only if somebody wants it to.
    mutating func checkStop(_ stop: AgentStop, ofAgent index: Int) {
        switch stop {
        case .unregistered:
            if !agents[index].isLeaving { fail("agent-\(index) leaves, which nobody wants") }
        case .fatal(let reason):
            let isGone = agents[index].core?.agent.map { zooKeeper.store.gone[$0] != nil } ?? false
            if !isGone, !agents[index].wasDown {
                fail("agent-\(index) stops: \(reason)")
            }
        }
        for (id, container) in agents[index].containers {
            if case .running = container.condition { fail("agent-\(index) stops and leaves container \(id) running") }
        }
    }

    /// What operators' decisions still need.
    func decisionDebts(_ leader: Cluster) -> [String] {
        guard let operators else { return [] }
        var debts: [String] = []
        if let intent = operators.intent { debts.append("the operator waits for '\(intent)'") }
        if !operators.hasTidiedUp { debts.append("the operator has not tidied up") }
        for (id, standing) in leader.registry.standings.sorted(by: { $0.key < $1.key })
        where standing.isDraining && agents.contains(where: { $0.disk.agent == id }) {
            debts.append("agent \(id) still drains")
        }
        return debts
    }
}
