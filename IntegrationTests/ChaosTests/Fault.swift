// The faults, each with how it is done and undone.

import DevCluster
import Glibc
import IntegrationSupport
import MesosProtocol
import Resources
import ZooKeeper

/// What can be done to a cluster. The order is the order of the result table.
enum Fault: String, CaseIterable, Sendable {
    case leaderKilled = "leader killed (SIGKILL)"
    case leaderStopped = "leader told to stop (SIGTERM)"
    case standbyKilled = "standby killed"
    case twoMastersKilled = "two masters killed at once"
    case leaderFrozen = "leader frozen past its session (SIGSTOP)"
    case leaderFrozenBriefly = "leader frozen for less than its session"
    case standbyFrozen = "standby frozen"
    case leaderCutFromZooKeeper = "leader cut off from ZooKeeper"
    case leaderStalledToZooKeeper = "leader's packets to ZooKeeper vanish"
    case leaderSlowToZooKeeper = "leader's ZooKeeper answers 400 ms late"
    case leaderBlinks = "leader's ZooKeeper connection breaks for less than its session"
    case leaderUnreachable = "leader cut off from agents and frameworks"
    case leaderDumb = "packets between the leader and agents and frameworks vanish"
    case serverKilled = "ZooKeeper server killed"
    case serverFrozen = "ZooKeeper server frozen"
    case minority = "ZooKeeper without a majority"
    case ensembleRestarted = "whole ensemble restarted"
    case znodeDeleted = "leader's election znode deleted by hand"
    case znodeForged = "leader's election znode overwritten with garbage"
    case strangerJoined = "unreadable member of the election group"
    case staleMember = "stale election znode of a master that is gone comes first"
    case agentKilled = "agent killed"
    case agentFrozenBriefly = "agent frozen for three seconds"
    case agentUnreachable = "agent frozen until it is unreachable"
    case agentStopped = "agent told to stop (SIGTERM)"
    case frameworkCrashed = "framework crashes and comes back"
    case leaderAndAgentKilled = "leader and an agent killed at once"
    case agentsVanished = "all agents frozen for longer than makes one unreachable"
    case strangeAgent = "an agent of another cluster knocks"
    case twinMaster = "a second master with the leader's address"
    case watcherStuck = "an operator's event stream that nobody reads"

    /// A chance for each fault to be as long as a minute would be too slow for the short run; the campaign has some.
    var canLastAMinute: Bool { self == .leaderFrozen }
}

/// Does one fault to a cluster and undoes it.
struct FaultWork {
    let cluster: ChaosCluster
    let frameworks: [ChaosFramework]
    var random: SplitMix64
    let minuteAllowed: Bool

    /// - Returns: What exactly was done, in words; nil if there was nobody to do it to.
    mutating func perform(_ fault: Fault) async throws -> String? {
        switch fault {
        case .leaderKilled:
            guard let leader = await cluster.leader() else { return nil }
            return try await kill([leader.victim])
        case .leaderStopped:
            guard let leader = await cluster.leader() else { return nil }
            return try await stop(leader.victim)
        case .standbyKilled:
            guard let standby = await standbys().first else { return nil }
            return try await kill([standby.victim])
        case .twoMastersKilled:
            guard let leader = await cluster.leader(), let standby = await standbys().first else { return nil }
            return try await kill([leader.victim, standby.victim])
        case .leaderFrozen:
            guard let leader = await cluster.leader() else { return nil }
            let isMinute = minuteAllowed && pick(4) == 0
            return try await freeze(leader.victim, for: isMinute ? .seconds(60) : .seconds(5 + pick(4)))
        case .leaderFrozenBriefly:
            guard let leader = await cluster.leader() else { return nil }
            return try await freeze(leader.victim, for: .milliseconds(300 + 100 * pick(10)))
        case .standbyFrozen:
            guard let standby = await standbys().first else { return nil }
            return try await freeze(standby.victim, for: .seconds(2 + pick(5)))
        case .leaderCutFromZooKeeper: return try await withLeaderRoad(.cut, for: .seconds(4 + pick(4)))
        case .leaderStalledToZooKeeper: return try await withLeaderRoad(.stalled, for: .seconds(4 + pick(4)))
        case .leaderSlowToZooKeeper: return try await withLeaderRoad(.slow(milliseconds: 400), for: .seconds(5))
        case .leaderBlinks: return try await withLeaderRoad(.cut, for: .milliseconds(200 + 100 * pick(8)))
        case .leaderUnreachable: return try await withFront(.cut, for: .seconds(2 + pick(5)))
        case .leaderDumb: return try await withFront(.stalled, for: .seconds(2 + pick(6)))
        case .serverKilled:
            let server = 1 + pick(3)
            await cluster.ensemble.kill(server)
            try await pause(.seconds(1 + pick(4)))
            try await cluster.ensemble.restart(server)
            return "server \(server)"
        case .serverFrozen:
            let server = 1 + pick(3)
            cluster.ensemble.freeze(server)
            try await pause(.seconds(2 + pick(5)))
            cluster.ensemble.thaw(server)
            return "server \(server)"
        case .minority:
            let first = 1 + pick(3)
            let second = first % 3 + 1
            await cluster.ensemble.kill(first)
            await cluster.ensemble.kill(second)
            try await pause(.seconds(3 + pick(4)))
            try await cluster.ensemble.restart(first)
            try await cluster.ensemble.restart(second)
            return "servers \(first) and \(second)"
        case .ensembleRestarted:
            for server in cluster.ensemble.servers { await cluster.ensemble.kill(server) }
            try await pause(.milliseconds(500 + 500 * pick(6)))
            for server in cluster.ensemble.servers { try await cluster.ensemble.restart(server) }
            return "all servers"
        case .znodeDeleted:
            return try await withElection { session, members in
                guard let first = members.first else { return nil }
                try await session.delete("\(ChaosCluster.electionPath)/\(first)")
                return first
            }
        case .znodeForged:
            return try await withElection { session, members in
                guard let first = members.first else { return nil }
                try await session.set("\(ChaosCluster.electionPath)/\(first)", data: Array("{\"address\":[]".utf8))
                return first
            }
        case .strangerJoined:
            return try await withElection { session, _ in
                let path = try await session.create(
                    "\(ChaosCluster.electionPath)/json.info_", data: [0, 255, 7], mode: .ephemeralSequential)
                try await pause(.seconds(1 + pick(3)))
                try await session.delete(path)
                return path
            }
        case .staleMember: return try await staleMember()
        case .agentKilled: return try await kill([anyAgent()])
        case .agentFrozenBriefly: return try await freeze(anyAgent(), for: .seconds(3))
        case .agentUnreachable: return try await freeze(anyAgent(), for: .seconds(7 + pick(3)))
        case .agentStopped: return try await stop(anyAgent())
        case .frameworkCrashed:
            let framework = frameworks[pick(frameworks.count)]
            framework.crash()
            try await pause(.milliseconds(300 + 100 * pick(15)))
            try framework.start()
            return framework.name
        case .leaderAndAgentKilled:
            guard let leader = await cluster.leader() else { return nil }
            return try await kill([leader.victim, anyAgent()])
        case .agentsVanished: return try await agentsVanished()
        case .strangeAgent: return try await strangeAgent()
        case .twinMaster: return try await twinMaster()
        case .watcherStuck: return try await watcherStuck()
        }
    }

    // MARK: Pieces

    mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    private mutating func anyAgent() -> Victim { cluster.agents[pick(cluster.agents.count)] }

    private func standbys() async -> [ChaosMaster] {
        var found: [ChaosMaster] = []
        for master in cluster.masters where await !ChaosCluster.leads(master) { found.append(master) }
        return found
    }

    func pause(_ duration: Duration) async throws { try await Task.sleep(for: duration) }

    private mutating func kill(_ victims: [Victim]) async throws -> String {
        for victim in victims { await victim.kill() }
        let away = Duration.milliseconds(100 + 100 * pick(30))
        try await pause(away)
        for victim in victims { try await victim.start() }
        return "\(victims.map(\.name).joined(separator: ", ")), back after \(away)"
    }

    private mutating func stop(_ victim: Victim) async throws -> String {
        let isClean = await victim.stop()
        try await pause(.milliseconds(100 + 100 * pick(20)))
        try await victim.start()
        guard isClean else { throw FaultTrouble(text: "\(victim.name) did not stop when told to") }
        return victim.name
    }

    private func freeze(_ victim: Victim, for duration: Duration) async throws -> String {
        victim.freeze()
        try await pause(duration)
        victim.thaw()
        return "\(victim.name) for \(duration)"
    }

    private func withLeaderRoad(_ condition: RoadCondition, for duration: Duration) async throws -> String? {
        guard let leader = await cluster.leader() else { return nil }
        leader.setZooKeeper(condition)
        try await pause(duration)
        leader.restoreRoads()
        return "\(leader.victim.name) for \(duration)"
    }

    private func withFront(_ condition: RoadCondition, for duration: Duration) async throws -> String? {
        guard let leader = await cluster.leader() else { return nil }
        leader.front.set(condition)
        try await pause(duration)
        leader.restoreRoads()
        return "\(leader.victim.name) for \(duration)"
    }

    private func withElection(
        _ body: (ZooKeeperSession, [String]) async throws -> String?
    ) async throws -> String? {
        let session = try await ZooKeeperSession.open(servers: cluster.ensemble.addresses, timeout: .seconds(5))
        try await eventually("the campaign's own session is connected") { session.sessionID != nil }
        let members = try await session.children(ChaosCluster.electionPath).filter { $0.hasPrefix("json.info_") }
        let done = try await body(session, members.sorted())
        await session.close()
        return done
    }

    /// A member that no process stands behind, left by a session that does not end, becomes the lowest.
    private func staleMember() async throws -> String? {
        try await withElection { session, _ in
            var document = V1MasterInfo()
            document.id = "stale"
            document.ip = 0x0100_007f
            document.port = 1
            document.hostname = "127.0.0.1"
            document.pid = "master@127.0.0.1:1"
            document.version = "1.11.0"
            document.address.ip = "127.0.0.1"
            document.address.hostname = "127.0.0.1"
            document.address.port = 1
            let path = try await session.create(
                "\(ChaosCluster.electionPath)/json.info_", data: MesosJSON.encode(document),
                mode: .persistentSequential)
            // Everybody who came before it leaves the election, so that it is first.
            for master in cluster.masters { await master.victim.kill() }
            for master in cluster.masters { try await master.victim.start() }
            try await pause(.seconds(5))
            try await session.delete(path)
            return path
        }
    }
}

struct FaultTrouble: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
}
