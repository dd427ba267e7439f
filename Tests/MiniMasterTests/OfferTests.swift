// Offers: what they hold, how they end, and when resources are offered again.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OfferTests {
    @Test func `an offer names the agent, its address and all of its resources`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0]
        #expect(offer.id.value == "\(MasterConversation.masterID)-O0")
        #expect(offer.agentID.value == "\(MasterConversation.masterID)-S0")
        #expect(offer.hostname == "a1.example.org")
        #expect(offer.url.scheme == "http")
        #expect(offer.url.address.ip == "10.0.0.1")
        #expect(offer.url.address.port == 5051)
        #expect(offer.url.path == "/slave(1)")
        #expect(offer.allocationInfo.role == "dev")
        #expect(Set(offer.resources.map(\.name)) == ["cpus", "mem", "ports"])
        #expect(offer.resources.allSatisfy { $0.allocationInfo.role == "dev" })
    }

    @Test func `a framework without MULTI_ROLE hears nothing of allocation roles`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(capabilities: []))
        let offer = talk.offers(pair.stream)[0]
        #expect(!offer.hasAllocationInfo)
        #expect(offer.resources.allSatisfy { !$0.hasAllocationInfo && $0.role == "*" })
    }

    @Test func `declined resources are not offered again before the filter ends`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.decline(pair)
        #expect(talk.offers(pair.stream).isEmpty)
        talk.pass(.milliseconds(4_900))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.pass(.milliseconds(200))
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `declining for zero seconds brings the resources back after one allocation interval`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.decline(pair, refuseSeconds: 0)
        talk.pass(.milliseconds(900))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.pass(.milliseconds(100))
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `a framework that declines for zero seconds as fast as it can costs one round an interval`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let before = talk.core.counters["allocator/mesos/allocation_runs"]
        for _ in 0..<1_000 {
            talk.decline(pair, refuseSeconds: 0)
            talk.pass(.milliseconds(10))
        }
        // Ten seconds: a round for each decline that had something to decline, and one for the filter's end.
        #expect(talk.core.counters["allocator/mesos/allocation_runs"] - before <= 22)
    }

    @Test func `an ACCEPT without operations for zero seconds is a DECLINE`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.accept([], pair, refuseSeconds: 0)
        talk.drain()
        talk.pass(.milliseconds(900))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.pass(.milliseconds(100))
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `a framework that leaves offers unanswered is counted and named`() {
        var settings = MasterSettings()
        settings.offerTimeout = .seconds(20)
        var talk = MasterConversation(settings: settings)
        let pair = talk.pair()
        talk.drain()
        talk.pass(.seconds(61))
        #expect(talk.core.counters["master/offers_expired"] == 3)
        #expect(talk.core.cluster?.frameworkMetrics[pair.framework].offersExpired == 3)
        let notes = talk.effects.compactMap { effect -> String? in
            if case .note(let note) = effect, note.level == .warning { note.text } else { nil }
        }
        #expect(notes.count == 3)
        #expect(notes.allSatisfy { $0.contains(pair.framework.value) })
    }

    @Test func `one timer serves all offers, however many come and go`() {
        var settings = MasterSettings()
        settings.offerTimeout = .seconds(300)
        var talk = MasterConversation(settings: settings)
        let pair = talk.pair()
        var timers = 0
        for _ in 0..<100 {
            talk.decline(pair, refuseSeconds: 1)
            talk.pass(.seconds(1))
            timers += talk.effects.count {
                if case .scheduleTimer(.offerExpiry, _) = $0 { true } else { false }
            }
        }
        #expect(timers == 0)
    }

    @Test func `a negative filter counts as the default and REVIVE clears it`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.decline(pair, refuseSeconds: -3)
        talk.pass(.seconds(4))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.call(pair.stream, pair.framework, .revive)
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `a suppressed framework keeps its offers and gets no more until it revives`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.call(pair.stream, pair.framework, .suppress)
        #expect(talk.core.cluster?.offers.count == 1)
        talk.decline(pair, refuseSeconds: 0)
        talk.pass(.seconds(10))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.call(pair.stream, pair.framework, .revive)
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `a role that is not the framework's makes REVIVE and SUPPRESS do nothing`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(talk.call(pair.stream, pair.framework, .suppress) { $0.suppress.roles = ["dev", "nope"] } == .accepted)
        talk.decline(pair, refuseSeconds: 0)
        talk.pass(.seconds(1))
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `what one framework declines goes to another at once`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let other = talk.subscribe(Samples.framework("other", roles: ["ops"]))
        talk.decline(pair)
        #expect(talk.offers(other).count == 1)
    }

    @Test func `an unused offer is rescinded after the offer timeout, and offered anew`() {
        var settings = MasterSettings()
        settings.offerTimeout = .seconds(20)
        var talk = MasterConversation(settings: settings)
        let pair = talk.pair()
        let id = talk.offers(pair.stream)[0].id.value
        talk.drain()
        talk.pass(.seconds(21))
        #expect(talk.rescinded(pair.stream) == [id])
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test func `unknown offers in a DECLINE are skipped one by one`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let id = talk.offers(pair.stream)[0].id
        let answer = talk.call(pair.stream, pair.framework, .decline) { call in
            call.decline.offerIds = [V1OfferID("no"), id]
        }
        #expect(answer == .accepted)
        #expect(talk.core.cluster?.offers.count == 0)
    }
}

extension MasterConversation {
    /// Declines the newest offer, then forgets what was heard before.
    mutating func decline(_ pair: Pair, refuseSeconds: Double? = nil) {
        let offer = offers(pair.stream).last
        drain()
        call(pair.stream, pair.framework, .decline) { call in
            if let offer { call.decline.offerIds = [offer.id] }
            if let refuseSeconds { call.decline.filters.refuseSeconds = refuseSeconds }
        }
    }
}
