// The masters' side of the world: their processes, and what their cores ask for.

import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

/// One master host. The process on it may be down (`core` is nil), frozen, or cut off from ZooKeeper.
struct MasterProcess {
    let index: Int
    var generation = 0
    var core: MasterCore?
    /// Virtual nanoseconds; nil while it runs.
    var frozenUntil: Int64?
    var cutFromZooKeeperUntil: Int64 = 0
    /// The session that the core asked for, and the one ZooKeeper knows it by.
    var session: (number: SessionNumber, id: UInt64?)?
    var isSessionConnected = false
    var hasJoined = false
    var membersVersionSeen: UInt64 = 0
    var membersSeenAt: Int64 = 0
    /// When ZooKeeper gets the newest request, and when the newest answer is here.
    var lastRequestDue: Int64 = 0
    var lastReplyDue: Int64 = 0
    /// Requests that wait for an answer, with the connection they came on.
    var requests: [RequestNumber: Int] = [:]
    /// Requests that ended with everything else when a term was over.
    var endedRequests: Set<RequestNumber> = []
    /// Operators who watch this leader, by their stream.
    var watchers: [StreamID: OperatorView] = [:]
    var watchRequests: Set<RequestNumber> = []
    var steps = 0
    /// Tasks that an agent came back without, and was asked about.
    var askedAbout: Set<TaskKey> = []
    /// What it has removed and said of removals.
    var removals = RemovalWatch()
    /// How far its wall clock is off.
    var clockOffset = Duration.zero

    /// Follows the allocator of its present term.
    var witness = AllocatorWitness()

    init(index: Int) { self.index = index }

    var info: V1MasterInfo {
        var info = V1MasterInfo()
        info.id = "m\(index)g\(generation)"
        info.ip = UInt32(index + 1)
        info.port = 5050
        info.hostname = "master-\(index)"
        info.address.hostname = info.hostname
        info.address.ip = "10.0.0.\(index + 1)"
        info.address.port = 5050
        info.version = "1.11.0"
        return info
    }
}

extension ClusterWorld {
    static var masterSettings: MasterSettings {
        var settings = MasterSettings()
        settings.quorum = 2
        settings.sessionTimeout = sessionTimeout
        settings.agentPingInterval = .seconds(2)
        settings.agentPingMissesMax = 4
        settings.agentReregisterTimeout = .seconds(25)
        settings.heartbeatInterval = .seconds(5)
        settings.offerTimeout = .seconds(20)
        settings.recordsAllocator = true
        settings.registryStoreTimeout = .seconds(5)
        settings.allocatorRecoveryTimeout = .seconds(20)
        settings.operatorStreamsMax = 3
        settings.registryFetchTimeout = .seconds(5)
        return settings
    }

    private var masterSettings: MasterSettings {
        var settings = Self.masterSettings
        settings.agentRemovalInterval = plan.removalInterval
        return settings
    }

    mutating func startMaster(_ index: Int, after delay: Duration) {
        masters[index].generation += 1
        let generation = masters[index].generation
        timeline.schedule(.toMaster(index, generation: generation, .started), after: delay)
    }

    mutating func crashMaster(_ index: Int) {
        masters[index].core = nil
        masters[index].generation += 1
        masters[index].frozenUntil = nil
        masters[index].session = nil
        masters[index].isSessionConnected = false
        masters[index].hasJoined = false
        masters[index].requests = [:]
        masters[index].endedRequests = []
        masters[index].watchers = [:]
        masters[index].askedAbout = []
        masters[index].removals = RemovalWatch()
        cutAll(noticedWithin: 1...300) { $0.master == index }
    }

    mutating func deliver(_ event: MasterEvent, toMaster index: Int, generation: Int) {
        guard masters[index].generation == generation else { return }
        if let thaw = masters[index].frozenUntil {
            timeline.schedule(
                .toMaster(index, generation: generation, event), after: .nanoseconds(thaw - timeline.nanoseconds))
            return
        }
        if case .started = event {
            let core = MasterCore(
                settings: masterSettings, selfInfo: masters[index].info, seed: random.next(),
                startedAt: now.withWall(turnedBy: masters[index].clockOffset).wall)
            masters[index].core = core
        }
        guard masters[index].core != nil else { return }
        history.add("\(timeline.nanoseconds / 1_000_000) master-\(index) <- \(event)")
        let moment = now.withWall(turnedBy: masters[index].clockOffset)
        let effects = masters[index].core?.step(event, at: moment) ?? []
        for effect in effects { perform(effect, ofMaster: index) }
        checkLeader(index)
        checkRemovals(ofMaster: index)
        masters[index].steps += 1
        if masters[index].steps % 48 == 0 { checkBooks(ofMaster: index) }
    }

    private mutating func perform(_ effect: MasterEffect, ofMaster index: Int) {
        if case .recordAllocator(let calls) = effect {
            for violation in calls.flatMap({ masters[index].witness.follow($0) }) {
                fail("the allocator of master-\(index): \(violation)")
            }
            return
        }
        history.add("\(timeline.nanoseconds / 1_000_000) master-\(index) -> \(effect)")
        let generation = masters[index].generation
        switch effect {
        case .answer(let request, let answer):
            respond(request, answer, ofMaster: index)
        case .sendEvent(let stream, let event):
            if event.type == .offers { checkOffers(event, ofMaster: index) }
            checkRegistered(event, byMaster: index)
            if let number = connection(named: stream.value, ofMaster: index) {
                send(.schedulerEvent(event), on: number, to: .client)
            }
        case .closeStream(let stream):
            if let number = connection(named: stream.value, ofMaster: index) { close(number, by: .master) }
        case .sendCommand(let link, let command):
            checkRegistered(command, byMaster: index)
            checkDecisions(about: command, byMaster: index)
            noteQuestions(command, ofMaster: index)
            if let number = connection(named: link.value, ofMaster: index) {
                send(.linkCommand(command), on: number, to: .client)
            }
        case .closeLink(let link):
            if let number = connection(named: link.value, ofMaster: index) { close(number, by: .master) }
        case .closeEverything:
            let doomed = connections.filter { $0.value.master == index && $0.value.masterGeneration == generation }
            for number in doomed.keys.sorted() { close(number, by: .master) }
            masters[index].watchers = [:]
            masters[index].endedRequests.formUnion(masters[index].requests.keys)
            masters[index].requests = [:]
        case .scheduleTimer(let timer, let delay):
            timeline.schedule(.toMaster(index, generation: generation, .timerFired(timer)), after: delay)
        case .openSession, .closeSession, .joinElection, .readCandidate, .recoverRegistry, .writeRegistry:
            askZooKeeper(effect, ofMaster: index)
        case .exit(let reason):
            exit(index, because: reason)
        case .sendOperatorState(let stream): showState(on: stream, ofMaster: index)
        case .sendOperatorEvent(let streams, let event): show(event, on: streams, ofMaster: index)
        case .closeOperatorStream(let stream, _): masters[index].watchers[stream] = nil
        case .note(let note): hear(note, ofMaster: index)
        case .recordAllocator: break
        }
    }

    private mutating func respond(_ request: RequestNumber, _ answer: MasterAnswer, ofMaster index: Int) {
        if masters[index].watchRequests.remove(request) != nil { return }
        guard let number = masters[index].requests.removeValue(forKey: request) else {
            if masters[index].endedRequests.remove(request) != nil { return }
            return fail("master-\(index) answers request \(request.rawValue) that does not wait")
        }
        if case .operator(let attempt) = connections[number]?.client {
            if attempt == operators?.attempt { checkPromise(answer, byMaster: index) }
            return send(.operatorAnswer(answer), on: number, to: .client)
        }
        switch answer {
        case .stream, .link, .operatorStream: send(.opened, on: number, to: .client)
        case .accepted, .done: break
        case .refused, .redirected: send(.refused, on: number, to: .client)
        }
    }

    /// A process gives up beside a leftover with its address, and is started again by whoever looks after it.
    private mutating func exit(_ index: Int, because reason: String) {
        // It may have been removed while this master could not look.
        guard rivals[index].map({ timeline.nanoseconds - $0 < 15_000_000_000 }) ?? false else {
            return fail("master-\(index) exits: \(reason)")
        }
        crashMaster(index)
        startMaster(index, after: side.milliseconds(500...5000))
    }

    private func connection(named name: String, ofMaster index: Int) -> Int? {
        guard let number = Int(name.dropFirst("stream-".count)), let connection = connections[number],
            connection.master == index, connection.isOpenAtMaster
        else { return nil }
        return number
    }
}
