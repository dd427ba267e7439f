// Agents: admission, return, silence, loss, removal, and what frameworks hear of it.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct AgentTests {
    @Test func `a new agent is told its id only after the registry knows it`() {
        var talk = MasterConversation()
        talk.writesAtOnce = false
        let link = talk.register(Samples.agent())
        #expect(talk.commands(link).isEmpty)
        talk.releaseWrite()
        let registered = talk.commands(link).first?.registered
        #expect(registered?.agentID.value == "\(MasterConversation.masterID)-S0")
        #expect(registered?.pingIntervalSeconds == 15)
        #expect(registered?.pingMissesMax == 5)
        #expect(talk.stored.agents.count == 1)
    }

    @Test func `an agent that asks again before it is acknowledged gets the same id`() {
        var talk = MasterConversation()
        talk.writesAtOnce = false
        let first = talk.register(Samples.agent())
        let second = talk.register(Samples.agent())
        #expect(talk.isClosed(first))
        while !talk.heldWrites.isEmpty { talk.releaseWrite() }
        #expect(talk.agents.count == 1)
        #expect(talk.commands(second).first?.registered.agentID.value == "\(MasterConversation.masterID)-S0")
    }

    @Test func `a known agent registers again under its id, by a new link`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id.value
        talk.drain()
        let back = talk.register(Samples.agent(id: pair.agent.value))
        #expect(talk.isClosed(pair.link))
        #expect(talk.rescinded(pair.stream) == [offer])
        #expect(talk.commands(back).first?.registered.agentID.value == pair.agent.value)
        #expect(talk.offers(pair.stream).count == 1)
        #expect(
            talk.agentCall(pair.link, .pong)
                == .refused(status: 403, reason: "No agent is registered on the link \(pair.link)"))
        talk.send(.linkClosed(pair.link))
        #expect(talk.core.cluster?.agents[pair.agent]?.link == back)
    }

    @Test func `a call without a link, or with an unknown one, is refused`() {
        var talk = MasterConversation()
        #expect(
            talk.agentCall(nil, .pong)
                == .refused(
                    status: 400, reason: "All calls but register should include the 'Mini-Link-Stream-Id' header"))
        #expect(
            talk.agentCall(LinkID("old"), .pong)
                == .refused(status: 403, reason: "No agent is registered on the link old"))
    }

    @Test func `another version of the link is refused without ending the agent's tasks`() {
        var talk = MasterConversation()
        var message = Samples.agent()
        message.linkVersion = 99
        let link = talk.register(message)
        #expect(talk.commands(link).map(\.type) == [.refused])
        #expect(talk.commands(link).first?.refused.shutdown == false)
        #expect(talk.isClosed(link))
    }

    @Test func `an agent that is gone is told to shut down`() {
        var stored = RegistryState()
        stored.gone["a-S0"] = WallTime(nanoseconds: 1)
        var talk = MasterConversation(stored: stored)
        let link = talk.register(Samples.agent(id: "a-S0"))
        #expect(talk.commands(link) == [.refused("Agent has been marked gone", shutdown: true)])
    }

    @Test func `an id on another host is told to shut down`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let link = talk.register(Samples.agent("other.example.org", id: pair.agent.value), from: "10.0.0.2")
        #expect(talk.commands(link).first?.refused.shutdown == true)
        #expect(talk.core.cluster?.agents[pair.agent]?.link == pair.link)
    }

    @Test func `a new agent at the address of an old one replaces it, and the old one's tasks are lost`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.drain()
        talk.register(Samples.agent())
        let status = talk.statuses(pair.stream).first
        #expect(status?.state == .taskLost)
        #expect(status?.reason == .agentRemoved)
        #expect(status?.message == "Agent a1.example.org removed: a new agent registered at the same address")
        #expect(talk.events(pair.stream).contains(.failure(of: pair.agent)))
        #expect(talk.agents.count == 1)
        #expect(!talk.agents.contains(pair.agent))
    }

    @Test func `an agent that unregisters is removed, its tasks lost for partition-aware frameworks too`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.drain()
        talk.agentCall(pair.link, .unregister)
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskLost])
        #expect(talk.stored.agents.isEmpty)
        #expect(talk.agents.isEmpty)
    }

    // MARK: Silence

    @Test func `an agent that answers its pings stays, however long`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.drain()
        talk.passAnsweringPings(.seconds(300), on: pair.link)
        #expect(talk.core.cluster?.agents[pair.agent]?.isConnected == true)
        #expect(talk.commands(pair.link).filter { $0.type == .ping }.count == 20)
    }

    @Test func `five unanswered pings make an agent unreachable, and its offers go first`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        talk.drain()
        talk.pass(.seconds(89))
        #expect(talk.statuses(pair.stream).isEmpty)
        talk.pass(.seconds(2))
        let status = talk.statuses(pair.stream).first
        #expect(status?.state == .taskUnreachable)
        #expect(status?.reason == .agentRemoved)
        #expect(status?.hasUnreachableTime == true)
        #expect(status?.hasUuid == false)
        let kinds = talk.events(pair.stream).map(\.type).filter { $0 != .heartbeat }
        #expect(kinds == [.rescind, .update, .failure])
        #expect(talk.agents.isEmpty)
        #expect(talk.stored.unreachable.count == 1)
        #expect(talk.isClosed(pair.link))
    }

    @Test func `nobody hears of an unreachable agent before it is written`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.writesAtOnce = false
        talk.drain()
        talk.pass(.seconds(91))
        #expect(talk.statuses(pair.stream).isEmpty)
        talk.releaseWrite()
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskUnreachable])
    }

    @Test func `a framework that is not partition-aware hears TASK_LOST`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(capabilities: [.multiRole]))
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(91))
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskLost])
    }

    @Test func `an unreachable agent that returns brings its tasks back`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(91))
        talk.drain()
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        talk.register(Samples.agent(id: pair.agent.value, tasks: [held]))
        let status = talk.statuses(pair.stream).first
        #expect(status?.state == .taskRunning)
        #expect(status?.reason == .agentReregistered)
        #expect(talk.stored.unreachable.isEmpty)
        #expect(talk.core.cluster?.tasks[TaskKey(framework: pair.framework, task: "t1")]?.isCharged == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `the id of an unreachable task cannot be used again`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(91))
        let link = talk.register(Samples.agent("a2.example.org"), from: "10.0.0.2")
        let other = talk.core.cluster?.agents.agent(on: link)?.id ?? "none"
        talk.drain()
        talk.call(pair.stream, pair.framework, .revive)
        let offer = talk.core.cluster?.offers.offers(of: other).first
        talk.call(pair.stream, pair.framework, .accept) { call in
            if let offer { call.accept.offerIds = [V1OfferID(offer.id)] }
            var operation = V1Offer.Operation()
            operation.type = .launch
            operation.launch.taskInfos = [Samples.task("t1", on: other)]
            call.accept.operations = [operation]
        }
        #expect(talk.statuses(pair.stream).map(\.message) == ["Task reuses the ID of an unreachable task: t1"])
    }

    // MARK: Broken links

    @Test func `a broken link takes the agent's offers back and nothing else`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        let open = talk.core.cluster?.offers.offers(of: pair.agent).map(\.id.value)
        talk.drain()
        talk.send(.linkClosed(pair.link))
        #expect(talk.rescinded(pair.stream) == open)
        #expect(talk.statuses(pair.stream).isEmpty)
        #expect(talk.offers(pair.stream).isEmpty)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `an agent whose link broke is unreachable when it misses its pings' time`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.send(.linkClosed(pair.link))
        talk.pass(.seconds(91))
        #expect(talk.agents.isEmpty)
        #expect(talk.stored.unreachable.count == 1)
    }

    @Test func `an agent whose link broke gives no reason for alarm when it is back in time`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.linkClosed(pair.link))
        talk.pass(.seconds(40))
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        let back = talk.register(Samples.agent(id: pair.agent.value, tasks: [held]))
        talk.drain()
        talk.passAnsweringPings(.seconds(600), on: back)
        #expect(talk.core.cluster?.agents[pair.agent]?.isConnected == true)
        #expect(talk.statuses(pair.stream).isEmpty)
    }

    @Test func `a task the agent never got is asked for when it returns`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.linkClosed(pair.link))
        let back = talk.register(Samples.agent(id: pair.agent.value))
        let asked = talk.commands(back).first { $0.type == .reconcileTasks }?.reconcileTasks.tasks
        #expect(asked?.map(\.taskID.value) == ["t1"])
    }

    @Test func `a torn down framework's tasks are shut down on an agent that was away`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.linkClosed(pair.link))
        talk.call(pair.stream, pair.framework, .teardown)
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        let info = Samples.framework(id: pair.framework.value)
        let back = talk.register(Samples.agent(id: pair.agent.value, tasks: [held], frameworks: [info]))
        #expect(talk.commands(back).contains(.shutdownFramework(pair.framework)))
        #expect(talk.core.cluster?.tasks.count == 0)
        #expect(talk.isBalanced(pair.agent))
    }
}
