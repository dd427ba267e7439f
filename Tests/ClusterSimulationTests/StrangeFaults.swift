// Faults beyond crashes and cut cables: what people, clocks and left-over znodes do to a cluster.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

enum StrangeFault: CustomStringConvertible {
    /// A master dies, and its election znode outlives its session: nobody leads before it is removed, if it was first.
    case leaveGhost(Int, down: Duration, stays: Duration)
    /// Somebody else's znode in the election, with a document that no master understands.
    case stranger(stays: Duration)
    /// A process that was started with another master's address.
    case twin(of: Int, stays: Duration)
    /// Somebody overwrites the leader's znode: with nonsense, or with another master's document.
    case forgeLeaderZnode(isReadable: Bool)
    case turnMasterClock(Int, Duration)
    case turnAgentClock(Int, Duration)
    /// A master cuts a client that does not read fast enough: what it has not read is lost.
    case cutSlowConsumer
    /// An operator takes the agent out of the cluster; later its host comes back as a new agent.
    case agentLeaves(Int)
    /// A rack's cable: all agents are away together.
    case agentsVanish(Duration)
    /// The agent dies, and what its disk has of one task can no longer be read.
    case damageDisk(Int, down: Duration)
    /// A second instance of the framework subscribes while the first one is still connected.
    case frameworkFailsOver(Int)
    /// The framework takes another role on, or gives it up.
    case frameworkChangesRoles(Int)

    var description: String {
        switch self {
        case .leaveGhost(let index, let down, let stays):
            "kill master-\(index), down for \(down); its znode stays for \(stays)"
        case .stranger(let stays): "a stranger's znode for \(stays)"
        case .twin(let index, let stays): "a twin of master-\(index) for \(stays)"
        case .damageDisk(let index, let down): "damage the disk of agent-\(index), down for \(down)"
        case .forgeLeaderZnode(let isReadable): "forge the leader's znode, \(isReadable ? "" : "un")readable"
        case .turnMasterClock(let index, let time): "turn the clock of master-\(index) by \(time)"
        case .turnAgentClock(let index, let time): "turn the clock of agent-\(index) by \(time)"
        case .cutSlowConsumer: "cut a slow consumer"
        case .agentLeaves(let index): "agent-\(index) unregisters"
        case .agentsVanish(let time): "all agents vanish for \(time)"
        case .frameworkFailsOver(let index): "framework-\(index) fails over"
        case .frameworkChangesRoles(let index): "framework-\(index) changes its roles"
        }
    }
}

extension ClusterWorld {
    mutating func drawStrange() -> StrangeFault {
        let master = Int.random(in: masters.indices, using: &side)
        let agent = Int.random(in: agents.indices, using: &side)
        let framework = Int.random(in: frameworks.indices, using: &side)
        switch Int.random(in: 0..<100, using: &side) {
        case 0..<12:
            let leader = masters.firstIndex { $0.core?.cluster != nil }
            return .leaveGhost(
                side.chance(60) ? leader ?? master : master, down: side.milliseconds(100...8000),
                stays: side.milliseconds(1000...15_000))
        case 12..<17: return .stranger(stays: side.milliseconds(500...15_000))
        case 17..<20: return .twin(of: master, stays: side.milliseconds(500...20_000))
        case 94..<100: return .forgeLeaderZnode(isReadable: side.chance(40))
        case 20..<28: return .turnMasterClock(master, side.milliseconds(-1_500_000...1_500_000))
        case 28..<33: return .turnAgentClock(agent, side.milliseconds(-1_500_000...1_500_000))
        case 33..<51: return .cutSlowConsumer
        case 51..<56: return .agentLeaves(agent)
        case 56..<60: return .damageDisk(agent, down: side.milliseconds(100...8000))
        case 60..<68: return .agentsVanish(side.milliseconds(500...20_000))
        case 68..<84: return .frameworkFailsOver(framework)
        default: return .frameworkChangesRoles(framework)
        }
    }

    mutating func strike(_ fault: StrangeFault) {
        history.add("\(timeline.nanoseconds / 1_000_000) FAULT \(fault)")
        switch fault {
        case .leaveGhost(let index, let down, let stays):
            if let session = masters[index].session?.id, let ghost = zooKeeper.abandonMember(of: session) {
                timeline.schedule(.znodeRemoved(ghost), after: stays)
                rivals[index] = timeline.nanoseconds + stays.nanoseconds
            }
            crashMaster(index)
            startMaster(index, after: down)
        case .stranger(let stays):
            guard zooKeeper.hasQuorum else { return }
            timeline.schedule(.znodeRemoved(zooKeeper.plantMember(document: nil)), after: stays)
        case .twin(let index, let stays):
            guard zooKeeper.hasQuorum else { return }
            var info = masters[index].info
            info.id += "-twin"
            rivals[index] = timeline.nanoseconds + stays.nanoseconds
            timeline.schedule(.znodeRemoved(zooKeeper.plantMember(document: info)), after: stays)
        case .forgeLeaderZnode(let isReadable):
            guard zooKeeper.hasQuorum, let first = zooKeeper.members.first, first.session != nil else { return }
            zooKeeper.forgeMember(first.sequence, document: isReadable ? masters[0].info : nil)
        case .turnMasterClock(let index, let time):
            masters[index].clockOffset = time
        case .turnAgentClock(let index, let time):
            agents[index].clockOffset = time
        case .cutSlowConsumer:
            let numbers = connections.keys.sorted().filter { connections[$0]?.isOpenAtMaster == true }
            if !numbers.isEmpty { cutAtMaster(side.pick(numbers)) }
        case .agentLeaves(let index):
            guard agents[index].core?.isRecovered == true else { return }
            agents[index].isLeaving = true
            deliver(.unregisterRequested(reason: "asked to"), toAgent: index, generation: agents[index].generation)
        case .agentsVanish(let time):
            for index in agents.indices { isolate(agent: index, for: time) }
            cutAll(noticedWithin: 1...8000) { if case .agent = $0.client { true } else { false } }
        case .damageDisk(let index, let down):
            crashAgent(index)
            if let key = agents[index].disk.tasks.keys.sorted().randomElement(using: &side) {
                // As after a loader that sets aside what it cannot read.
                agents[index].disk.tasks[key] = nil
                ledger.damaged.insert(key)
            }
            startAgent(index, after: down)
        case .frameworkFailsOver(let index):
            failOver(framework: index)
        case .frameworkChangesRoles(let index):
            changeRoles(ofFramework: index)
        }
    }

    /// The master's side is closed at once; the client reads on until it notices, and finds nothing.
    private mutating func cutAtMaster(_ number: Int) {
        guard let connection = connections[number], !connection.isBroken else { return }
        connections[number]?.isBroken = true
        notice(number, by: .master)
        guard connection.isOpenAtClient else { return }
        timeline.schedule(.noticed(connection: number, by: .client), after: side.milliseconds(1...3000))
    }

    mutating func removeZnode(_ sequence: Int64) { zooKeeper.deleteMember(sequence) }
}
