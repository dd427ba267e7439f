// Who leads: the election, the quorum, ZooKeeper's silence, and what a deposed leader may still do (nothing).
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct LeadershipTests {
    private static let own = Candidate(name: "json.info_0000000007", sequence: 7)
    private static let other = Candidate(name: "json.info_0000000003", sequence: 3)
    private static let third = Candidate(name: "json.info_0000000009", sequence: 9)

    private var settings: MasterSettings {
        var settings = MasterSettings()
        settings.quorum = 2
        return settings
    }

    private static let first = SessionNumber(1)

    private func connected() -> MasterConversation {
        var talk = MasterConversation(settings: settings)
        talk.send(.sessionConnected(Self.first, timeout: .seconds(9)))
        talk.send(.electionJoined(Self.first, Self.own))
        return talk
    }

    private func leading() -> MasterConversation {
        var talk = connected()
        talk.send(.electionChanged(Self.first, [Self.third, Self.own]))
        return talk
    }

    /// Lets time pass while ZooKeeper answers every second.
    private func pass(_ duration: Duration, _ talk: inout MasterConversation) {
        var rest = duration
        while rest > .zero {
            talk.pass(min(rest, .seconds(1)))
            talk.send(.ensembleHeard(Self.first, talk.now.instant))
            rest -= .seconds(1)
        }
    }

    // MARK: Rising

    @Test func `a master opens a session, joins, and leads as the lowest member of a quorum`() {
        var talk = MasterConversation(settings: settings)
        #expect(talk.effects.contains(.openSession(Self.first)))
        talk.send(.sessionConnected(Self.first, timeout: .seconds(9)))
        #expect(talk.effects.contains(.joinElection(Self.first)))
        talk.send(.electionJoined(Self.first, Self.own))
        #expect(!talk.isLeading)
        talk.send(.electionChanged(Self.first, [Self.third, Self.own]))
        #expect(talk.isLeading)
        let claims = talk.effects.compactMap { effect in
            if case .recoverRegistry(let term, _) = effect { term.candidate } else { nil }
        }
        #expect(claims == [Self.own])
    }

    @Test func `a master that leads but has not read the registry says so`() {
        var talk = connected()
        talk.writesAtOnce = false
        talk.send(.electionChanged(Self.first, [Self.own, Self.third]))
        #expect(talk.core.availability == .recovering)
        #expect(
            talk.call(nil, "f", .revive)
                == .refused(status: 503, reason: "Master has not finished recovery"))
    }

    @Test func `a standby sends callers to the leader it has read about`() {
        var talk = connected()
        talk.send(.electionChanged(Self.first, [Self.other, Self.own]))
        #expect(talk.effects.contains(.readCandidate(Self.first, Self.other)))
        #expect(talk.call(nil, "f", .revive) == .refused(status: 503, reason: "No leader elected"))
        let leader = MasterConversation.info("leader", port: 5051)
        talk.send(.candidateRead(Self.first, Self.other, leader))
        #expect(talk.call(nil, "f", .revive) == .redirected(leader))
    }

    @Test func `the next in line leads when the first is gone`() {
        var talk = connected()
        talk.send(.electionChanged(Self.first, [Self.other, Self.own, Self.third]))
        talk.send(.electionChanged(Self.first, [Self.own, Self.third]))
        #expect(talk.isLeading)
    }

    // MARK: Quorum

    @Test func `without a quorum the lowest member does not lead and names what is missing`() {
        var talk = connected()
        talk.send(.electionChanged(Self.first, [Self.own]))
        #expect(!talk.isLeading)
        #expect(
            talk.call(nil, "f", .revive)
                == .refused(
                    status: 503,
                    reason: "No leader elected: no quorum: 1 of 2 required masters are members of the election group"))
    }

    @Test func `losing the quorum drops everything known of the cluster, gaining it starts again`() {
        var talk = leading()
        let pair = talk.pair()
        talk.drain()
        talk.send(.electionChanged(Self.first, [Self.own]))
        #expect(talk.core.cluster == nil)
        #expect(
            talk.effects.contains(
                .closeEverything(reason: "only 1 of 2 required masters are members of the election group")))
        talk.send(.electionChanged(Self.first, [Self.own, Self.third]))
        #expect(talk.isLeading)
        #expect(talk.core.cluster?.frameworks[pair.framework]?.isRecovered == true)
        #expect(talk.core.cluster?.agents[pair.agent]?.isRecovered == true)
    }

    @Test func `ids go on counting when a master leads a second time`() {
        var talk = leading()
        talk.subscribe(Samples.framework())
        talk.send(.electionChanged(Self.first, [Self.own]))
        talk.send(.electionChanged(Self.first, [Self.own, Self.third]))
        talk.drain()
        let stream = talk.subscribe(Samples.framework())
        #expect(talk.events(stream)[0].subscribed.frameworkID.value.hasSuffix("-0001"))
    }

    // MARK: Falling

    @Test func `an expired session ends the term and a new one is opened`() {
        var talk = leading()
        talk.drain()
        talk.send(.sessionExpired(Self.first))
        #expect(talk.core.cluster == nil)
        #expect(talk.effects.contains(.openSession(SessionNumber(2))))
        talk.send(.electionChanged(Self.first, [Self.own, Self.third]))
        #expect(!talk.isLeading)
    }

    @Test func `a deleted election znode ends the term, and the master stands again`() {
        var talk = leading()
        talk.drain()
        talk.send(.electionChanged(Self.first, [Self.third]))
        #expect(talk.core.cluster == nil)
        #expect(talk.effects.contains(.joinElection(Self.first)))
    }

    @Test func `a short interruption changes nothing`() {
        var talk = leading()
        talk.send(.sessionInterrupted(Self.first))
        talk.pass(.seconds(4))
        #expect(talk.isLeading)
        talk.send(.sessionConnected(Self.first, timeout: .seconds(9)))
        pass(.seconds(60), &talk)
        #expect(talk.isLeading)
    }

    @Test func `after two thirds of the session timeout in silence a leader steps down by its own clock`() {
        var talk = leading()
        talk.send(.sessionInterrupted(Self.first))
        talk.pass(.milliseconds(5_900))
        #expect(talk.isLeading)
        talk.pass(.milliseconds(200))
        #expect(talk.core.cluster == nil)
    }

    @Test func `a leader that was frozen acts on nothing that waited for it`() {
        var talk = leading()
        let pair = talk.pair()
        talk.drain()
        talk.freeze(.seconds(60))
        let answer = talk.launch([Samples.task("t1", on: pair.agent)], pair)
        #expect(answer == .refused(status: 503, reason: "No leader elected"))
        #expect(talk.commands(pair.link).isEmpty)
        #expect(talk.events(pair.stream).isEmpty)
        #expect(
            !talk.effects.contains { effect in
                if case .writeRegistry = effect { true } else { false }
            })
    }

    @Test func `a leader that only had nothing to do goes on when ZooKeeper was in touch`() {
        var talk = leading()
        talk.freeze(.seconds(60))
        talk.send(.ensembleHeard(Self.first, talk.now.instant))
        #expect(talk.isLeading)
    }

    @Test func `a write refused by the fence ends the term at once, and nobody hears what it would have allowed`() {
        var talk = leading()
        talk.writesAtOnce = false
        let link = talk.register(Samples.agent())
        let term = talk.heldWrites[0].0
        talk.drain()
        talk.send(.registryFailed(term, .fenced))
        #expect(talk.core.cluster == nil)
        #expect(talk.commands(link).isEmpty)
        talk.send(.registryWritten(term, number: talk.heldWrites[0].1.number))
        #expect(talk.commands(link).isEmpty)
    }

    @Test func `a registry that cannot be used is tried again after a pause`() {
        var talk = leading()
        talk.writesAtOnce = false
        talk.register(Samples.agent())
        talk.send(.registryFailed(talk.heldWrites[0].0, .unavailable("lost")))
        #expect(!talk.isLeading)
        talk.writesAtOnce = true
        pass(.seconds(2), &talk)
        #expect(talk.isLeading)
    }

    @Test func `a write that hangs ends the term`() {
        var talk = leading()
        talk.writesAtOnce = false
        talk.register(Samples.agent())
        pass(.seconds(19), &talk)
        #expect(talk.isLeading)
        pass(.seconds(2), &talk)
        #expect(!talk.isLeading)
    }

    @Test func `a session that does not connect is replaced`() {
        var talk = MasterConversation(settings: settings)
        talk.pass(.seconds(11))
        #expect(talk.effects.contains(.closeSession(Self.first)))
        #expect(talk.effects.contains(.openSession(SessionNumber(2))))
    }

    @Test func `refused credentials end the process with a message`() {
        var talk = MasterConversation(settings: settings)
        talk.send(.sessionRefused(Self.first, reason: "bad password"))
        #expect(talk.effects.contains(.exit(reason: "ZooKeeper refused the session: bad password")))
    }
}
