// Frameworks that reserve, make volumes, use them and give everything back, and want to hear of each step.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

/// One RESERVE, CREATE, DESTROY or UNRESERVE that a framework asked for by name.
struct SimOperation {
    let type: V1Offer.Operation.TypeEnum
    let agent: AgentID
    /// The end it was told; OPERATION_UNKNOWN when the master says that nobody knows it.
    var ending: V1OperationState?
}

/// What really became of operations and volumes, to compare with what frameworks are told.
struct OperationLedger {
    /// What is on an agent's disk of each named operation, whether or not it was acknowledged since.
    var dealtWith: [String: AgentOperation] = [:]
    /// Volumes somebody asked for, and those somebody asked to destroy, on any agent.
    var volumesWanted: Set<String> = []
    var volumesDoomed: Set<String> = []
    /// Volumes that were on some disk once: none comes twice.
    var volumesMade: Set<String> = []
    /// How many GROW_VOLUME and SHRINK_VOLUME were asked for, by volume, and how often its size changed.
    var resizesWanted: [String: Int] = [:]
    var resizesDone: [String: Int] = [:]
    /// How many UNRESERVE were sent to each agent's cluster, and how many took effect there.
    var unreservesWanted: [AgentID: Int] = [:]
    var unreservesDone: [AgentID: Int] = [:]
}

extension SimFramework {
    /// What it reserves on one agent.
    static let claimCPUs = 1.0
    static let claimDisk = 50.0

    /// It waits for operations on that agent.
    func isBusy(on agent: AgentID) -> Bool { operations.values.contains { $0.agent == agent && $0.ending == nil } }

    var openOperations: [String] { operations.filter { $0.value.ending == nil }.keys.sorted() }
}

extension ClusterWorld {
    // MARK: Asking

    /// What a framework that reserves does with an offer: one step at a time on each agent. After the storm it only gives
    /// back.
    mutating func claims(in offer: V1Offer, left: inout Resources, framework index: Int) -> [V1Offer.Operation] {
        guard frameworks[index].reserves, let role = try? RoleName(offer.allocationInfo.role) else { return [] }
        let agent = AgentID(offer.agentID)
        if frameworks[index].isBusy(on: agent) { return [] }
        let own = frameworks[index].ownRole
        let kept = left.reserved(for: own)
        let volumes = kept.volumes
        let plain = kept.without(volumes)
        if !volumes.isEmpty {
            if isStormy, laterChance.chance(35),
                let resize = resize(volumes, beside: plain, on: agent, left: &left, framework: index)
            {
                return [resize]
            }
            guard !isStormy || claimChance.chance(25) else { return [] }
            left -= volumes
            for name in volumes.volumeNames { operationLedger.volumesDoomed.insert(name.id) }
            return [
                operation(.destroy, on: agent, framework: index) { $0.destroy.volumes = volumes.protobuf() }
            ]
        }
        if !plain.isEmpty {
            if isStormy, claimChance.chance(60) {
                guard plain["disk"] == Scalar(milli: Int64(SimFramework.claimDisk * 1000)) else { return [] }
                left -= plain
                return [create(on: agent, role: own, framework: index)]
            }
            guard !isStormy || claimChance.chance(30) else { return [] }
            left -= plain
            operationLedger.unreservesWanted[agent, default: 0] += 1
            return [
                operation(.unreserve, on: agent, framework: index) { $0.unreserve.resources = plain.protobuf() }
            ]
        }
        let wanted = Self.claim(unreservedFor: nil)
        guard isStormy, role == own, claimChance.chance(35), let parsed = try? Resources(wanted), left.contains(parsed)
        else { return [] }
        left -= parsed
        var operations = [
            operation(.reserve, on: agent, framework: index) { $0.reserve.resources = Self.claim(unreservedFor: own) }
        ]
        // Both at once: the volume is made of what the first operation is about to reserve.
        if claimChance.chance(40) { operations.append(create(on: agent, role: own, framework: index)) }
        return operations
    }

    /// Makes a volume smaller, or larger by what was cut off before.
    private mutating func resize(
        _ volumes: Resources, beside plain: Resources, on agent: AgentID, left: inout Resources, framework index: Int
    ) -> V1Offer.Operation? {
        let messages = volumes.protobuf()
        guard messages.count == 1, let name = volumes.volumeNames.first?.id else { return nil }
        left -= volumes
        let disk = plain.only("disk")
        operationLedger.resizesWanted[name, default: 0] += 1
        if disk.isEmpty {
            return operation(.shrinkVolume, on: agent, framework: index) { operation in
                operation.shrinkVolume.volume = messages[0]
                operation.shrinkVolume.subtract.value = SimFramework.claimDisk * 0.4
            }
        }
        left -= disk
        return operation(.growVolume, on: agent, framework: index) { operation in
            operation.growVolume.volume = messages[0]
            operation.growVolume.addition = disk.protobuf()[0]
        }
    }

    private mutating func create(on agent: AgentID, role: RoleName, framework index: Int) -> V1Offer.Operation {
        let name = "v\(index)-\(operationLedger.volumesWanted.count)"
        operationLedger.volumesWanted.insert(name)
        return operation(.create, on: agent, framework: index) { operation in
            var volume = Self.claim(unreservedFor: role)[1]
            volume.disk.persistence.id = name
            volume.disk.volume.containerPath = "data"
            volume.disk.volume.mode = .rw
            operation.create.volumes = [volume]
        }
    }

    /// Most have a name, and are then heard of.
    private mutating func operation(
        _ type: V1Offer.Operation.TypeEnum, on agent: AgentID, framework index: Int,
        _ fill: (inout V1Offer.Operation) -> Void
    ) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = type
        fill(&operation)
        guard claimChance.chance(85) else { return operation }
        let name = "f\(index)o\(frameworks[index].operations.count + 1)"
        operation.id.value = name
        frameworks[index].operations[name] = SimOperation(type: type, agent: agent)
        return operation
    }

    /// CPUs and disk, in this order; reserved to a role, or not.
    private static func claim(unreservedFor role: RoleName?) -> [V1Resource] {
        [("cpus", SimFramework.claimCPUs), ("disk", SimFramework.claimDisk)].map { name, value in
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            guard let role else { return resource }
            var reservation = V1Resource.ReservationInfo()
            reservation.type = .dynamic
            reservation.role = role.value
            resource.reservations = [reservation]
            return resource
        }
    }

    /// What a task on a framework's volume needs: all that is reserved on the agent, and memory of everybody's.
    func keptNeed(in left: Resources, framework index: Int) -> Resources? {
        guard frameworks[index].reserves, isStormy else { return nil }
        let kept = left.reserved(for: frameworks[index].ownRole)
        let need = kept + simulatedResources(cpus: 0, memory: 128)
        return kept.volumes.isEmpty || kept["cpus"] == .zero || !left.contains(need) ? nil : need
    }

    mutating func reconcileOperations(_ index: Int, namesAgents: Bool) {
        let open = frameworks[index].openOperations
        guard !open.isEmpty else { return }
        let operations = frameworks[index].operations
        call(index) { call in
            call.type = .reconcileOperations
            call.reconcileOperations.operations = open.map { name in
                var operation = V1SchedulerCall.ReconcileOperations.Operation()
                operation.operationID.value = name
                if namesAgents, let agent = operations[name]?.agent { operation.agentID = V1AgentID(agent) }
                return operation
            }
        }
    }

    // MARK: Hearing

    mutating func note(_ status: V1OperationStatus, framework index: Int) {
        let name = status.operationID.value
        guard let operation = frameworks[index].operations[name] else {
            return fail("framework-\(index) is told of operation \(name), which it never named")
        }
        history.add(
            "\(timeline.nanoseconds / 1_000_000) framework-\(index) is told \(status.state.name) of \(name) "
                + "(\(operation.type)): \(status.message)")
        if let uuid = status.statusUUID, !(isStormy && claimChance.chance(10)) {
            call(index) { call in
                call.type = .acknowledgeOperationStatus
                call.acknowledgeOperationStatus.agentID = V1AgentID(operation.agent)
                call.acknowledgeOperationStatus.operationID = status.operationID
                call.acknowledgeOperationStatus.uuid = V1UUID(uuid).value
            }
        }
        check(status, of: operation, name, framework: index)
        switch status.state {
        case .operationUnknown:
            // Without an agent's name the master cannot say more, and one of an agent that is away may yet come.
            let isKnown = zooKeeper.store.agents[operation.agent] != nil || ledger.replaced.contains(operation.agent)
            if status.hasAgentID, isKnown, operation.ending == nil {
                if operationLedger.dealtWith[name]?.status.state == .operationFinished,
                    zooKeeper.store.agents[operation.agent] != nil
                {
                    fail("framework-\(index) is told that nobody knows operation \(name), which its agent has done")
                }
                frameworks[index].operations[name]?.ending = .operationUnknown
            }
        case let state where state.isTerminal: frameworks[index].operations[name]?.ending = state
        default: break
        }
    }

    /// What a framework is told of an operation is true, and stays so.
    private mutating func check(
        _ status: V1OperationStatus, of operation: SimOperation, _ name: String, framework index: Int
    ) {
        guard status.state.isTerminal else { return }
        let who = "framework-\(index) is told \(status.state.name) of operation \(name)"
        if let ending = operation.ending, ending != status.state { fail("\(who), and was told \(ending.name) before") }
        let truth = operationLedger.dealtWith[name]
        if let uuid = status.statusUUID, truth?.statusID != uuid { fail("\(who), which is on no disk") }
        switch status.state {
        case .operationFinished:
            if truth?.status.state != .operationFinished { fail("\(who), which no agent has done") }
        case .operationGoneByOperator: break
        default:
            if truth?.status.state == .operationFinished { fail("\(who), which its agent has done") }
        }
    }

    // MARK: The truth

    /// A change of reservations and volumes reached an agent's disk.
    mutating func note(_ state: ResourceState, over before: ResourceState, onAgent index: Int) {
        let id = agents[index].disk.agent
        for operation in state.operations where operation.info.hasID {
            let name = operation.info.id.value
            if let earlier = operationLedger.dealtWith[name], earlier.id != operation.id {
                fail("operation \(name) is dealt with twice, now on agent-\(index)")
            }
            operationLedger.dealtWith[name] = operation
            let told = frameworks.lazy.compactMap { $0.operations[name]?.ending }.first
            // An agent that was marked gone may still be doing what it was asked before it hears of that.
            if operation.status.state == .operationFinished, let told,
                ![.operationFinished, .operationGoneByOperator].contains(told)
            {
                fail("operation \(name) is done on agent-\(index), and its framework was told \(told.name)")
            }
        }
        let names = (before: Set(before.volumes.map(\.id)), after: Set(state.volumes.map(\.id)))
        for name in names.before.subtracting(names.after).sorted() where !operationLedger.volumesDoomed.contains(name) {
            fail("agent-\(index) destroys volume \(name), which nobody wants")
        }
        for name in names.after.subtracting(names.before).sorted() {
            if !operationLedger.volumesMade.insert(name).inserted { fail("volume \(name) is made twice") }
            if !operationLedger.volumesWanted.contains(name) { fail("agent-\(index) makes volume \(name)") }
        }
        let resized = names.after.intersection(names.before).sorted().filter {
            state.converted.volume($0) != before.converted.volume($0)
        }
        for name in resized {
            operationLedger.resizesDone[name, default: 0] += 1
            if operationLedger.resizesDone[name, default: 0] > operationLedger.resizesWanted[name, default: 0] {
                fail("agent-\(index) changes the size of volume \(name), which nobody wants")
            }
        }
        if !resized.isEmpty, state.converted["disk"] != before.converted["disk"] {
            fail("agent-\(index) has \(state.converted) after \(before.converted): a resize makes or loses disk")
        }
        if let id, state.converted["cpus"] < before.converted["cpus"] {
            operationLedger.unreservesDone[id, default: 0] += 1
            if operationLedger.unreservesDone[id, default: 0] > operationLedger.unreservesWanted[id, default: 0] {
                fail("agent-\(index) gives up a reservation, which nobody wants")
            }
        }
    }

    /// Reservations that are left over, operations without an end, and books that differ from what agents have.
    func reservationDebts(_ leader: Cluster) -> [String] {
        var debts: [String] = []
        for host in agents {
            guard let id = host.disk.agent, let agent = leader.agents[id], let core = host.core else { continue }
            if agent.total != core.resources.total {
                debts.append("the leader has agent-\(host.index) with \(agent.total), not \(core.resources.total)")
            }
            if !agent.total.reservedRoles.isEmpty { debts.append("agent-\(host.index) still has \(agent.total)") }
            if !core.resources.state.operations.isEmpty { debts.append("agent-\(host.index) still has operations") }
            if !leader.operations.operations(on: id).isEmpty {
                debts.append("the leader still has operations on agent-\(host.index)")
            }
        }
        for framework in frameworks where !framework.hasLeft {
            for name in framework.openOperations {
                // Nobody can say more of an agent whose host was set up anew.
                if let agent = framework.operations[name]?.agent, ledger.replaced.contains(agent) { continue }
                debts.append("framework-\(framework.index) waits for operation \(name)")
            }
        }
        return debts
    }

    /// Whether something is still reserved to the framework, so that it goes on taking offers.
    func hasClaims(_ index: Int) -> Bool {
        guard frameworks[index].reserves else { return false }
        let own = frameworks[index].ownRole
        return agents.contains { !$0.disk.resources.converted.reserved(for: own).isEmpty }
    }
}

extension Resources {
    /// Everything of one name.
    fileprivate func only(_ name: String) -> Resources { Resources(entries: entries.filter { $0.name == name }) }

    /// A persistent volume by its id.
    fileprivate func volume(_ id: String) -> ResourceEntry? { entries.first { $0.disk?.persistenceID == id } }
}
