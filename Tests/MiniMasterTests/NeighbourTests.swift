// The other members of the election group: what they say of themselves, and with whom a master does not stand.
import MasterDetection
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct NeighbourTests {
    private static let older = Candidate(name: "json.info_0000000003", sequence: 3)
    private static let own = Candidate(name: "json.info_0000000007", sequence: 7)
    private static let younger = Candidate(name: "json.info_0000000009", sequence: 9)
    private static let session = SessionNumber(1)

    private func connected() -> MasterConversation {
        var settings = MasterSettings()
        settings.quorum = 2
        var talk = MasterConversation(settings: settings)
        talk.send(.sessionConnected(Self.session, timeout: .seconds(10)))
        return talk
    }

    private func member(_ others: [Candidate]) -> MasterConversation {
        var talk = connected()
        talk.send(.electionJoined(Self.session, Self.own))
        talk.send(.electionChanged(Self.session, others + [Self.own]))
        return talk
    }

    private func info(_ id: String, ip: String, _ hostname: String, port: Int32 = 5050) -> V1MasterInfo {
        V1MasterInfo(id: id, ip: ip, port: port, hostname: hostname)
    }

    /// Lets time pass while ZooKeeper answers.
    private func pass(_ duration: Duration, _ talk: inout MasterConversation) {
        var rest = duration
        while rest > .zero {
            talk.pass(min(rest, .seconds(1)))
            talk.send(.ensembleHeard(Self.session, talk.now.instant))
            rest -= .seconds(1)
        }
    }

    // MARK: Documents

    @Test func `everybody's document is read early, so the next leader is known without a look`() {
        var talk = member([Self.older, Self.younger])
        #expect(talk.effects.contains(.readCandidate(Self.session, Self.older)))
        #expect(talk.effects.contains(.readCandidate(Self.session, Self.younger)))
        let second = Candidate(name: "json.info_0000000005", sequence: 5)
        talk.send(.electionChanged(Self.session, [Self.older, second, Self.own]))
        let leader = info("second", ip: "10.0.0.5", "m5")
        talk.send(.candidateRead(Self.session, second, leader))
        talk.send(.electionChanged(Self.session, [second, Self.own]))
        #expect(talk.call(nil, "f", .revive) == .redirected(leader))
    }

    @Test func `a leader whose document was rewritten makes a new znode, or nobody would find it`() {
        var talk = member([Self.younger])
        #expect(talk.core.cluster != nil)
        #expect(talk.effects.contains(.readCandidate(Self.session, Self.own)))
        talk.send(.candidateRead(Self.session, Self.own, talk.core.selfInfo))
        #expect(talk.core.cluster != nil)
        talk.drain()
        talk.send(.candidateRead(Self.session, Self.own, nil))
        #expect(talk.core.cluster == nil)
        #expect(talk.effects.contains(.joinElection(Self.session)))
    }

    @Test func `a document with this master's own address sends nobody here`() {
        var talk = member([Self.older])
        talk.send(.candidateRead(Self.session, Self.older, info("forged", ip: talk.core.selfInfo.address.ip, "m")))
        #expect(talk.call(nil, "f", .revive) == .refused(status: 503, reason: "No leader elected"))
    }

    @Test func `while the first member's document cannot be read nobody leads, and it is read again`() {
        var talk = member([Self.older])
        talk.send(.candidateRead(Self.session, Self.older, nil))
        #expect(talk.core.availability == .unavailable("No leader elected"))
        #expect(talk.exitReason == nil)
        talk.drain()
        talk.send(.electionChanged(Self.session, [Self.older, Self.own]))
        #expect(talk.effects.contains(.readCandidate(Self.session, Self.older)))
        talk.send(.electionChanged(Self.session, [Self.own, Self.younger]))
        #expect(talk.isLeading)
    }

    // MARK: One address, two masters

    @Test(arguments: [("127.0.0.1", "elsewhere"), ("10.9.9.9", "m1.example.org")])
    func `a younger master with the address or the name of an older one goes, and says why`(
        ip: String, hostname: String
    ) {
        var talk = member([Self.older])
        talk.send(.candidateRead(Self.session, Self.older, info("twin", ip: ip, hostname)))
        #expect(talk.notes.contains { $0.level == .error && $0.text.contains("has this master's address") })
        pass(.seconds(16), &talk)
        #expect(talk.exitReason == nil, "it may be what an earlier life of this master has left")
        pass(.seconds(2), &talk)
        #expect(talk.exitReason?.contains("twin") == true)
        #expect(talk.exitReason?.contains("--advertise_ip") == true)
    }

    @Test func `what an earlier life of this master left behind goes by itself`() {
        var talk = member([Self.older])
        talk.send(.candidateRead(Self.session, Self.older, info("earlier", ip: "127.0.0.1", "m1.example.org")))
        pass(.seconds(9), &talk)
        talk.send(.electionChanged(Self.session, [Self.own, Self.younger]))
        pass(.seconds(60), &talk)
        #expect(talk.exitReason == nil)
        #expect(talk.isLeading)
    }

    @Test func `the older of the two stays, and says it too`() {
        var talk = member([Self.younger])
        talk.send(.candidateRead(Self.session, Self.younger, info("twin", ip: "127.0.0.1", "m1.example.org")))
        pass(.seconds(60), &talk)
        #expect(talk.exitReason == nil)
        #expect(talk.isLeading)
        #expect(talk.notes.filter { $0.level == .error }.count == 1)
    }

    @Test func `another port on the same host is another master`() {
        var talk = member([Self.older])
        talk.send(
            .candidateRead(Self.session, Self.older, info("second", ip: "127.0.0.1", "m1.example.org", port: 5060)))
        pass(.seconds(60), &talk)
        #expect(talk.exitReason == nil)
        #expect(!talk.notes.contains { $0.level == .error })
    }

    // MARK: Another product

    @Test func `a master does not stand beside another product's, waits for its remains to go, and gives up`() {
        var talk = connected()
        let reason = "master@10.0.0.1:5050, a master of another product, is a member"
        for _ in 0..<16 {
            talk.send(.electionRefused(Self.session, reason: reason))
            #expect(talk.core.availability == .unavailable("No leader elected: \(reason)"))
            pass(.seconds(1), &talk)
        }
        #expect(talk.exitReason == nil)
        for _ in 0..<20 {
            talk.send(.electionRefused(Self.session, reason: reason))
            pass(.seconds(15), &talk)
        }
        #expect(talk.exitReason == "This master does not stand for election: \(reason)")
    }

    @Test func `another product that joins later is named in the log`() {
        var talk = member([Self.younger])
        talk.send(
            .candidateRead(Self.session, Self.younger, info("mesos", ip: "10.0.0.2", "m2"), isForeign: true))
        #expect(talk.isLeading)
        #expect(talk.notes.contains { $0.level == .error && $0.text.contains("another product") })
    }

    // MARK: Regions

    @Test func `a master in another region than the leader goes`() {
        func domain(_ region: String) -> V1DomainInfo {
            var domain = V1DomainInfo()
            domain.faultDomain.region.name = region
            domain.faultDomain.zone.name = "z"
            return domain
        }
        var own = MasterConversation.info("own")
        own.domain = domain("here")
        var settings = MasterSettings()
        settings.quorum = 2
        var core = MasterCore(settings: settings, selfInfo: own, seed: 1, startedAt: WallTime(nanoseconds: 0))
        let now = Moment(instant: Instant(nanoseconds: 1_000_000_000), wall: WallTime(nanoseconds: 0))
        var leader = info("far", ip: "10.0.0.3", "m3")
        leader.domain = domain("there")
        var effects: [MasterEffect] = []
        for event in [
            MasterEvent.started, .sessionConnected(Self.session, timeout: .seconds(10)),
            .electionJoined(Self.session, Self.own), .electionChanged(Self.session, [Self.older, Self.own]),
            .candidateRead(Self.session, Self.older, leader),
        ] { effects += core.step(event, at: now) }
        let reasons = effects.compactMap { if case .exit(let reason) = $0 { reason } else { nil } }
        #expect(reasons.count == 1)
        #expect(reasons.first?.contains("in region 'there' and this one in 'here'") == true)
    }

    // MARK: Fences

    @Test func `a leader whose znode was rewritten by somebody stands again with a new one`() {
        var talk = member([Self.younger])
        guard let term = talk.core.leadership.term else {
            Issue.record("it does not lead")
            return
        }
        talk.drain()
        talk.send(.registryFailed(term, .fenced))
        #expect(talk.core.cluster == nil)
        #expect(talk.effects.contains(.joinElection(Self.session)))
        let fresh = Candidate(name: "json.info_0000000012", sequence: 12)
        talk.send(.electionJoined(Self.session, fresh))
        talk.send(.electionChanged(Self.session, [fresh, Candidate(name: "json.info_0000000013", sequence: 13)]))
        pass(.seconds(2), &talk)
        #expect(talk.isLeading)
    }

    @Test func `a registry that belongs to another user ends the process with a message`() {
        var talk = member([Self.younger])
        guard let term = talk.core.leadership.term else {
            Issue.record("it does not lead")
            return
        }
        talk.send(.registryFailed(term, .forbidden("/mesos-registry: not authorized")))
        #expect(
            talk.exitReason
                == "ZooKeeper authentication: the registry cannot be used: /mesos-registry: not authorized")
    }
}
