// ZooKeeper's side of the world: sessions kept alive, the election, the registry, and whoever watches them.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

enum ZooKeeperHappening {
    /// Clients ping, sessions expire, watches fire.
    case tick
    case quorumRegained
    /// A master's request reaches the ensemble.
    case request(master: Int, generation: Int, MasterEffect)
    case leaderSeen(by: Observer)
}

/// Whoever follows the election without taking part.
enum Observer {
    case agent(Int)
    case framework(Int)
}

extension ClusterWorld {
    private var timeoutNanoseconds: Int64 { Int64(Self.sessionTimeout.components.seconds) * 1_000_000_000 }

    func reachesZooKeeper(_ master: Int) -> Bool {
        zooKeeper.hasQuorum && masters[master].cutFromZooKeeperUntil <= timeline.nanoseconds
            && masters[master].frozenUntil == nil
    }

    mutating func askZooKeeper(_ effect: MasterEffect, ofMaster index: Int) {
        let generation = masters[index].generation
        if case .openSession(let number) = effect {
            masters[index].session = (number, nil)
            masters[index].isSessionConnected = false
            masters[index].hasJoined = false
            return  // The next tick connects it.
        }
        if case .closeSession(let number) = effect {
            guard let session = masters[index].session, session.number == number else { return }
            // Best effort, as the client library's: the word may not reach the ensemble.
            if let id = session.id, reachesZooKeeper(index) { zooKeeper.closeSession(id) }
            masters[index].session = nil
            return
        }
        let isSlow = slowZooKeeperUntil > timeline.nanoseconds
        // One session's requests are carried out in the order in which they were made.
        let due = timeline.nanoseconds + random.milliseconds(isSlow ? 100...2500 : 1...60).nanoseconds
        masters[index].lastRequestDue = max(masters[index].lastRequestDue, due)
        timeline.schedule(
            .zooKeeper(.request(master: index, generation: generation, effect)),
            after: .nanoseconds(masters[index].lastRequestDue - timeline.nanoseconds))
    }

    mutating func take(_ happening: ZooKeeperHappening) {
        switch happening {
        case .tick:
            tick()
            timeline.schedule(.zooKeeper(.tick), after: .milliseconds(200))
        case .quorumRegained:
            zooKeeper.regainQuorum(at: timeline.nanoseconds)
        case .request(let master, let generation, let effect):
            execute(effect, ofMaster: master, generation: generation)
        case .leaderSeen(let observer):
            tellLeader(to: observer)
        }
    }

    private mutating func tick() {
        for index in masters.indices where masters[index].core != nil { keepSession(ofMaster: index) }
        _ = zooKeeper.expireSilentSessions(at: timeline.nanoseconds)
        for index in masters.indices where masters[index].hasJoined { showMembers(toMaster: index) }
        for index in agents.indices where agents[index].membersVersionSeen != zooKeeper.membersVersion {
            agents[index].membersVersionSeen = zooKeeper.membersVersion
            timeline.schedule(.zooKeeper(.leaderSeen(by: .agent(index))), after: random.milliseconds(1...600))
        }
        for index in frameworks.indices where frameworks[index].membersVersionSeen != zooKeeper.membersVersion {
            frameworks[index].membersVersionSeen = zooKeeper.membersVersion
            timeline.schedule(.zooKeeper(.leaderSeen(by: .framework(index))), after: random.milliseconds(1...600))
        }
    }

    private mutating func keepSession(ofMaster index: Int) {
        guard let session = masters[index].session else { return }
        let generation = masters[index].generation
        guard reachesZooKeeper(index) else {
            if masters[index].isSessionConnected {
                masters[index].isSessionConnected = false
                deliver(.sessionInterrupted(session.number), toMaster: index, generation: generation)
            }
            return
        }
        if let id = session.id {
            // Word of an expiry comes with the first contact after it, never before.
            guard zooKeeper.hear(id, at: timeline.nanoseconds) else {
                masters[index].session = nil
                masters[index].hasJoined = false
                deliver(.sessionExpired(session.number), toMaster: index, generation: generation)
                return
            }
            if masters[index].isSessionConnected {
                deliver(.ensembleHeard(session.number, now.instant), toMaster: index, generation: generation)
            }
        } else {
            let id = zooKeeper.openSession(at: timeline.nanoseconds, timeout: timeoutNanoseconds)
            masters[index].session?.id = id
        }
        guard !masters[index].isSessionConnected else { return }
        masters[index].isSessionConnected = true
        deliver(
            .sessionConnected(session.number, timeout: Self.sessionTimeout), toMaster: index, generation: generation)
    }

    private mutating func showMembers(toMaster index: Int) {
        guard let session = masters[index].session, reachesZooKeeper(index), masters[index].isSessionConnected,
            masters[index].membersVersionSeen != zooKeeper.membersVersion
                || timeline.nanoseconds - masters[index].membersSeenAt > 30_000_000_000
        else { return }
        masters[index].membersSeenAt = timeline.nanoseconds
        masters[index].membersVersionSeen = zooKeeper.membersVersion
        let list = zooKeeper.members.map { Candidate(name: $0.name, sequence: $0.sequence) }
        deliver(
            .electionChanged(session.number, list), toMaster: index, generation: masters[index].generation)
    }

    /// A request reaches the ensemble, or does not; then its answer reaches the master, or does not.
    private mutating func execute(_ effect: MasterEffect, ofMaster index: Int, generation: Int) {
        guard masters[index].generation == generation, let session = masters[index].session else { return }
        let isReached = reachesZooKeeper(index) && session.id.map(zooKeeper.isAlive) == true
        // An answer that is lost after the fact: the master only learns that it does not know.
        let isAnswered = isReached && !(isStormy && random.chance(2))
        switch effect {
        case .joinElection(let number):
            guard number == session.number, isReached, let id = session.id,
                let member = zooKeeper.join(id, document: masters[index].info)
            else {
                return reply(.electionJoinFailed(number, reason: "no connection"), to: index, generation)
            }
            guard isAnswered else {
                return reply(.electionJoinFailed(number, reason: "connection loss"), to: index, generation)
            }
            masters[index].hasJoined = true
            masters[index].membersVersionSeen = 0
            deliver(
                .electionJoined(number, Candidate(name: member.name, sequence: member.sequence)), toMaster: index,
                generation: generation)
        case .readCandidate(let number, let candidate):
            guard isAnswered else { return }
            let document = zooKeeper.members.first { $0.sequence == candidate.sequence }?.document ?? nil
            reply(.candidateRead(number, candidate, document), to: index, generation)
        case .recoverRegistry(let term, _):
            guard isReached, let sequence = term.candidate?.sequence else {
                return reply(.registryFailed(term, .unavailable("no connection")), to: index, generation)
            }
            guard zooKeeper.transact(fencedBy: sequence, { _ in }) else {
                return reply(.registryFailed(term, .fenced), to: index, generation)
            }
            reply(
                isAnswered
                    ? .registryRecovered(term, zooKeeper.store)
                    : .registryFailed(term, .unavailable("connection loss")), to: index, generation)
        case .writeRegistry(let term, let write):
            guard isReached, let sequence = term.candidate?.sequence else {
                return reply(.registryFailed(term, .unavailable("no connection")), to: index, generation)
            }
            let before = zooKeeper.store
            let isWritten = zooKeeper.transact(fencedBy: sequence) { store in
                for operation in write.operations { store.apply(operation) }
            }
            guard isWritten else { return reply(.registryFailed(term, .fenced), to: index, generation) }
            checkWrite(write, fencedBy: sequence, over: before, ofMaster: index)
            reply(
                isAnswered
                    ? .registryWritten(term, number: write.number)
                    : .registryFailed(term, .unavailable("connection loss")), to: index, generation)
        default: return
        }
    }

    private mutating func reply(_ event: MasterEvent, to index: Int, _ generation: Int) {
        let due = timeline.nanoseconds + random.milliseconds(1...60).nanoseconds
        masters[index].lastReplyDue = max(masters[index].lastReplyDue, due)
        timeline.schedule(
            .toMaster(index, generation: generation, event),
            after: .nanoseconds(masters[index].lastReplyDue - timeline.nanoseconds))
    }

    private mutating func tellLeader(to observer: Observer) {
        let leader = zooKeeper.members.first?.document ?? nil
        let index = leader.flatMap { leader in masters.firstIndex { $0.info.hostname == leader.hostname } }
        switch observer {
        case .agent(let agent):
            let address = leader.map {
                MasterAddress(id: $0.id, url: "http://\($0.hostname)", hostname: $0.hostname)
            }
            agents[agent].leader = index
            deliver(.masterDetected(address), toAgent: agent, generation: agents[agent].generation)
        case .framework(let framework):
            take(.leaderDetected(index), framework: framework)
        }
    }
}
