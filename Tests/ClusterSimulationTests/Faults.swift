// What strikes the cluster while it is stormy.

import SimKit

@testable import MiniMaster

enum Fault: CustomStringConvertible {
    case killMaster(Int, down: Duration)
    /// SIGSTOP for a while: connections stay, nothing answers.
    case freezeMaster(Int, Duration)
    case cutMasterFromZooKeeper(Int, Duration)
    case zooKeeperWithoutQuorum(Duration)
    case deleteLeaderZnode
    case killAgent(Int, down: Duration)
    case isolateAgent(Int, Duration)
    case breakLinks
    case isolateFramework(Int, Duration)
    case slowDisk(Int, Duration)
    case slowZooKeeper(Duration)
    /// The disk gets slow, and a while later the agent dies with writes under way.
    case killAgentWriting(Int, after: Duration, down: Duration)

    var description: String {
        switch self {
        case .killMaster(let index, let down): "kill master-\(index), down for \(down)"
        case .freezeMaster(let index, let time): "freeze master-\(index) for \(time)"
        case .cutMasterFromZooKeeper(let index, let time): "cut master-\(index) from ZooKeeper for \(time)"
        case .zooKeeperWithoutQuorum(let time): "ZooKeeper without quorum for \(time)"
        case .deleteLeaderZnode: "delete the leader's znode"
        case .killAgent(let index, let down): "kill agent-\(index), down for \(down)"
        case .isolateAgent(let index, let time): "isolate agent-\(index) for \(time)"
        case .breakLinks: "break every connection"
        case .isolateFramework(let index, let time): "isolate framework-\(index) for \(time)"
        case .slowDisk(let index, let time): "slow disk of agent-\(index) for \(time)"
        case .killAgentWriting(let index, let time, _): "slow disk of agent-\(index), to be killed after \(time)"
        case .slowZooKeeper(let time): "slow ZooKeeper for \(time)"
        }
    }
}

extension ClusterWorld {
    mutating func draw() -> Fault {
        let master = Int.random(in: 0..<3, using: &random)
        let agent = Int.random(in: 0..<agents.count, using: &random)
        let framework = Int.random(in: 0..<frameworks.count, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<22: return .killMaster(leaderOr(master), down: random.milliseconds(100...12_000))
        case 22..<36:
            let frozen = leaderOr(master)
            let time = random.milliseconds(500...20_000)
            return .freezeMaster(frozen, laterChance.chance(15) ? time + .seconds(60) : time)
        case 36..<50: return .cutMasterFromZooKeeper(leaderOr(master), random.milliseconds(300...12_000))
        case 50..<55: return .zooKeeperWithoutQuorum(random.milliseconds(300...10_000))
        case 55..<60: return .deleteLeaderZnode
        case 60..<68:
            return .killAgentWriting(
                agent, after: random.milliseconds(300...8000), down: random.milliseconds(50...10_000))
        case 68..<78: return .killAgent(agent, down: random.milliseconds(50...15_000))
        case 78..<87: return .isolateAgent(agent, random.milliseconds(500...30_000))
        case 87..<91: return .breakLinks
        case 91..<93: return .slowZooKeeper(random.milliseconds(1000...15_000))
        case 93..<96: return .slowDisk(agent, random.milliseconds(1000...15_000))
        default: return .isolateFramework(framework, random.milliseconds(500...15_000))
        }
    }

    /// Leaders are hit more often: that is where the promises are made.
    private mutating func leaderOr(_ index: Int) -> Int {
        random.chance(70) ? masters.firstIndex { $0.core?.cluster != nil } ?? index : index
    }

    mutating func strike(_ fault: Fault) {
        history.add("\(timeline.nanoseconds / 1_000_000) FAULT \(fault)")
        switch fault {
        case .killMaster(let index, let down):
            crashMaster(index)
            startMaster(index, after: down)
        case .freezeMaster(let index, let time):
            guard masters[index].core != nil, masters[index].frozenUntil == nil else { return }
            masters[index].frozenUntil = timeline.nanoseconds + time.nanoseconds
        case .cutMasterFromZooKeeper(let index, let time):
            masters[index].cutFromZooKeeperUntil = timeline.nanoseconds + time.nanoseconds
        case .zooKeeperWithoutQuorum(let time):
            guard zooKeeper.hasQuorum else { return }
            zooKeeper.hasQuorum = false
            timeline.schedule(.zooKeeper(.quorumRegained), after: time)
        case .deleteLeaderZnode:
            guard zooKeeper.hasQuorum, let first = zooKeeper.members.first else { return }
            deletedByHand.insert(first.sequence)
            zooKeeper.deleteMember(first.sequence)
        case .killAgent(let index, let down):
            crashAgent(index)
            startAgent(index, after: down)
        case .isolateAgent(let index, let time):
            isolate(agent: index, for: time)
            cutAll(noticedWithin: 1...8000) { connection in
                if case .agent(index, _, _) = connection.client { true } else { false }
            }
        case .breakLinks:
            cutAll { _ in true }
        case .isolateFramework(let index, let time):
            frameworks[index].isolatedUntil = timeline.nanoseconds + time.nanoseconds
            cutAll(noticedWithin: 1...8000) { connection in
                if case .framework(index, _) = connection.client { true } else { false }
            }
        case .slowDisk(let index, let time):
            agents[index].slowDiskUntil = timeline.nanoseconds + time.nanoseconds
        case .killAgentWriting(let index, let time, let down):
            agents[index].slowDiskUntil = timeline.nanoseconds + time.nanoseconds
            timeline.schedule(.agentDies(index, down: down), after: time)
        case .slowZooKeeper(let time):
            slowZooKeeperUntil = timeline.nanoseconds + time.nanoseconds
        }
    }

    mutating func isolate(agent index: Int, for time: Duration) {
        agents[index].isolatedUntil = timeline.nanoseconds + time.nanoseconds
    }

    /// Thaws what is due; called before every happening, since a thaw is nothing that anybody sends.
    mutating func thaw() {
        for index in masters.indices {
            guard let until = masters[index].frozenUntil, until <= timeline.nanoseconds else { continue }
            masters[index].frozenUntil = nil
        }
    }

    /// From now on nothing breaks, and what is broken heals.
    mutating func calm() {
        isStormy = false
        // A frozen master thaws in its time: what waits for it keeps its order.
        for index in masters.indices { masters[index].cutFromZooKeeperUntil = 0 }
        for index in agents.indices {
            agents[index].isolatedUntil = 0
            agents[index].slowDiskUntil = 0
        }
        slowZooKeeperUntil = 0
        for index in frameworks.indices { frameworks[index].isolatedUntil = 0 }
        for member in zooKeeper.members where member.session == nil { zooKeeper.deleteMember(member.sequence) }
        if !zooKeeper.hasQuorum { zooKeeper.regainQuorum(at: timeline.nanoseconds) }
    }
}

extension Duration {
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
