// Agents that operators deactivate, drain, reactivate and mark gone.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct DrainTests {
    private func refused(_ status: Int, _ reason: String) -> MasterAnswer { .refused(status: status, reason: reason) }

    private func pair(_ talk: inout MasterConversation) -> MasterConversation.Pair {
        talk.pair(Samples.framework(), Samples.drainable())
    }

    private func state(_ talk: MasterConversation, _ agent: AgentID) -> V1DrainState? {
        talk.core.cluster?.drainInfo(of: agent)?.state
    }

    // MARK: Deactivated

    @Test func `a deactivated agent keeps its tasks and is offered no more until it is reactivated`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        #expect(talk.deactivate(pair.agent) == .done)
        #expect(talk.rescinded(pair.stream).count == 1)
        let count = talk.offers(pair.stream).count
        talk.pass(.seconds(10))
        #expect(talk.offers(pair.stream).count == count)
        #expect(talk.core.cluster?.tasks.count == 1)
        #expect(talk.core.cluster?.isDeactivated(pair.agent) == true)
        #expect(talk.deactivate(pair.agent) == .done)
        #expect(talk.reactivate(pair.agent) == .done)
        #expect(talk.offers(pair.stream).count == count + 1)
        #expect(talk.reactivate(pair.agent) == refused(400, "Agent is not deactivated"))
    }

    @Test func `nothing is taken back before the registry knows`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.writesAtOnce = false
        #expect(talk.deactivate(pair.agent) == nil)
        #expect(talk.rescinded(pair.stream).isEmpty)
        talk.releaseWrite()
        #expect(talk.rescinded(pair.stream).count == 1)
    }

    @Test func `a deactivated agent is still that after it was unreachable, and under the next leader`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.deactivate(pair.agent)
        talk.pass(.seconds(100))
        #expect(talk.stored.unreachable.count == 1)
        talk.register(Samples.drainable(id: pair.agent.value))
        talk.drain()
        talk.pass(.seconds(3))
        #expect(talk.offers(pair.stream).isEmpty)
        var next = talk.successor()
        next.register(Samples.drainable(id: pair.agent.value))
        let stream = next.subscribe(Samples.framework(id: pair.framework.value))
        #expect(next.offers(stream).isEmpty)
        #expect(next.reactivate(pair.agent) == .done)
        #expect(next.offers(stream).count == 1)
    }

    // MARK: Drained

    @Test func `an agent is drained when its last task is over and acknowledged`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        #expect(talk.drainAgent(pair.agent, graceSeconds: 3) == .done)
        let command = talk.commands(pair.link).last
        #expect(command?.type == .drain)
        #expect(command?.drain.config.maxGracePeriod.nanoseconds == 3_000_000_000)
        #expect(talk.rescinded(pair.stream).count == 1)
        #expect(state(talk, pair.agent) == .draining)
        #expect(talk.reactivate(pair.agent) == refused(400, "Agent is still in the DRAINING state"))
        talk.acknowledge(pair, "t1", uuid: 1)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskKilled, uuid: 2)
        #expect(state(talk, pair.agent) == .draining)
        talk.acknowledge(pair, "t1", uuid: 2)
        #expect(state(talk, pair.agent) == .drained)
        #expect(talk.core.cluster?.estimatedDrainStartTime(of: pair.agent) == talk.now.wall)
        #expect(talk.reactivate(pair.agent) == .done)
        #expect(talk.commands(pair.link).last?.type == .endDrain)
        #expect(talk.core.cluster?.drainInfo(of: pair.agent) == nil)
    }

    @Test func `an empty agent is drained at once, and may be drained again`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        #expect(talk.drainAgent(pair.agent) == .done)
        #expect(state(talk, pair.agent) == .drained)
        #expect(talk.drainAgent(pair.agent, graceSeconds: 9) == .done)
        #expect(state(talk, pair.agent) == .drained)
        #expect(talk.core.cluster?.drainInfo(of: pair.agent)?.config.maxGracePeriod.nanoseconds == 9_000_000_000)
    }

    @Test func `what cannot be drained is refused in the words of Apache Mesos`() {
        var talk = MasterConversation()
        #expect(talk.drainAgent("nope") == refused(400, "Unknown agent"))
        #expect(talk.deactivate("nope") == refused(400, "Unknown agent"))
        #expect(talk.reactivate("nope") == refused(400, "Agent is not deactivated"))
        let old = talk.pair()
        #expect(talk.drainAgent(old.agent) == refused(400, "Agent \(old.agent) is not capable of draining"))
        talk.schedule([[MasterConversation.machine("a1.example.org")]])
        #expect(
            talk.drainAgent(old.agent)
                == refused(
                    400,
                    "Agent \(old.agent) is part of a maintenance schedule under Machine "
                        + "{\"hostname\":\"a1.example.org\"}"))
    }

    @Test func `an agent that is away drains when it comes back, and is told again each time`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.linkClosed(pair.link))
        #expect(talk.drainAgent(pair.agent) == .done)
        #expect(state(talk, pair.agent) == .draining)
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        for _ in 0..<2 {
            let link = talk.register(Samples.drainable(id: pair.agent.value, tasks: [held]))
            #expect(talk.commands(link).map(\.type) == [.registered, .drain])
        }
        #expect(state(talk, pair.agent) == .draining)
        let link = talk.register(Samples.drainable(id: pair.agent.value, tasks: [held]))
        talk.update(link, pair.framework, "t1", on: pair.agent, .taskKilled, uuid: 2)
        talk.acknowledge(pair, "t1", uuid: 2)
        #expect(state(talk, pair.agent) == .drained)
    }

    @Test func `an unreachable agent can be drained, and does so under the next leader`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(100))
        #expect(talk.drainAgent(pair.agent) == .done)
        var next = talk.successor()
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        let link = next.register(Samples.drainable(id: pair.agent.value, tasks: [held]))
        #expect(next.commands(link).map(\.type) == [.registered, .drain])
        #expect(state(next, pair.agent) == .draining)
        let again = next.register(Samples.drainable(id: pair.agent.value))
        // The agent does not know the task any more, and says so when asked.
        next.update(again, pair.framework, "t1", on: pair.agent, .taskDropped, uuid: 3)
        #expect(next.stored.standings[pair.agent]?.isDraining == true)
        let stream = next.subscribe(Samples.framework(id: pair.framework.value))
        let returned = MasterConversation.Pair(
            framework: pair.framework, stream: stream, agent: pair.agent, link: again)
        next.update(again, pair.framework, "t1", on: pair.agent, .taskDropped, uuid: 3)
        next.acknowledge(returned, "t1", uuid: 3)
        #expect(state(next, pair.agent) == .drained)
    }

    @Test func `an agent that still drains though it was reactivated is told to stop`() {
        var talk = MasterConversation()
        var message = Samples.drainable()
        message.drainConfig.markGone = false
        let link = talk.register(message)
        #expect(talk.commands(link).map(\.type) == [.registered, .ping, .endDrain])
    }

    @Test func `with mark_gone a drained agent is gone`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        talk.acknowledge(pair, "t1", uuid: 1)
        #expect(talk.drainAgent(pair.agent, marksGone: true) == .done)
        #expect(talk.stored.gone.isEmpty)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskGoneByOperator, uuid: 2)
        talk.acknowledge(pair, "t1", uuid: 2)
        #expect(talk.stored.gone[pair.agent] != nil)
        #expect(talk.commands(pair.link).last?.type == .shutdown)
        #expect(talk.stored.standings.isEmpty)
    }

    // MARK: Gone

    @Test func `tasks of an agent that is gone are over, and everybody hears of it after the registry`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        let plain = talk.subscribe(Samples.framework("plain", capabilities: []))
        let plainPair = MasterConversation.Pair(
            framework: talk.core.cluster?.frameworks.framework(on: plain)?.id ?? "none", stream: plain,
            agent: pair.agent, link: pair.link)
        talk.call(pair.stream, pair.framework, .suppress)
        if let offer = talk.offers(pair.stream).last {
            talk.call(pair.stream, pair.framework, .decline) { $0.decline.offerIds = [offer.id] }
        }
        talk.launch([Samples.task("t2", on: pair.agent)], plainPair)
        talk.writesAtOnce = false
        #expect(talk.markGone(pair.agent) == nil)
        #expect(talk.statuses(pair.stream).isEmpty)
        #expect(
            talk.markGone(pair.agent) == refused(503, "Agent '\(pair.agent)' is already being transitioned to gone"))
        #expect(talk.drainAgent(pair.agent) == refused(409, "Agent is currently being marked gone"))
        #expect(talk.reactivate(pair.agent) == refused(409, "Agent is currently being marked gone"))
        talk.releaseWrite()
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskGoneByOperator])
        #expect(talk.statuses(pair.stream).map(\.reason) == [.agentRemovedByOperator])
        #expect(talk.statuses(plain).map(\.state) == [.taskLost])
        #expect(talk.statuses(plain).map(\.reason) == [.agentRemoved])
        #expect(talk.events(plain).contains(.failure(of: pair.agent)))
        #expect(talk.commands(pair.link).last?.type == .shutdown)
        #expect(talk.isClosed(pair.link))
        #expect(talk.markGone(pair.agent) == .done)
        let again = talk.register(Samples.drainable(id: pair.agent.value))
        #expect(talk.commands(again) == [.refused("Agent has been marked gone", shutdown: true)])
    }

    @Test func `an unreachable agent can be marked gone, which only those hear who still hoped`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(100))
        talk.drain()
        #expect(talk.markGone(pair.agent) == .done)
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskGoneByOperator])
        #expect(talk.stored.unreachable.isEmpty)
        #expect(talk.core.cluster?.tasks.count == 0)
    }

    @Test func `an agent that nobody knows cannot be marked gone`() {
        var talk = MasterConversation()
        #expect(talk.markGone("nope") == refused(404, "Agent 'nope' not found"))
    }

    @Test func `an agent that a new leader still waits for can be marked gone`() {
        var talk = MasterConversation()
        let pair = pair(&talk)
        var next = talk.successor()
        #expect(next.markGone(pair.agent) == .done)
        let link = next.register(Samples.drainable(id: pair.agent.value))
        #expect(next.commands(link).map(\.type) == [.refused])
    }
}
