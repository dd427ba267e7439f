// Agents whose engine does not answer: what they say with their pongs, and what the master makes of it.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct StallTests {
    private func pong(_ reason: String?, _ pair: MasterConversation.Pair, _ talk: inout MasterConversation) {
        talk.agentCall(pair.link, .pong) { call in
            call.pong.sequence = 0
            if let reason { call.pong.stalledBecause = reason }
        }
    }

    @Test func `a stalled agent keeps its tasks and is offered no more until it says that it is well`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        let count = talk.offers(pair.stream).count
        pong("timed out", pair, &talk)
        #expect(talk.rescinded(pair.stream).count == 1)
        pong("timed out", pair, &talk)
        #expect(talk.offers(pair.stream).count == count)
        #expect(talk.core.cluster?.tasks.count == 1)
        #expect(talk.core.cluster?.agents[pair.agent]?.stall == "timed out")
        pong(nil, pair, &talk)
        #expect(talk.offers(pair.stream).count == count + 1)
        #expect(talk.core.cluster?.agents[pair.agent]?.stall == nil)
    }

    @Test func `an agent that an operator deactivated is not offered when it is no longer stalled`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        pong("timed out", pair, &talk)
        talk.deactivate(pair.agent)
        let count = talk.offers(pair.stream).count
        pong(nil, pair, &talk)
        #expect(talk.offers(pair.stream).count == count)
    }

    @Test func `a stall changes what the state shows, an ordinary pong does not`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.drain()
        pong(nil, pair, &talk)
        #expect(talk.effects.filter { !$0.isRoutine }.isEmpty)
        pong("timed out", pair, &talk)
        #expect(!talk.effects.filter { !$0.isRoutine }.isEmpty)
    }
}
