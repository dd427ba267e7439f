// A new leader: what it reads, whom it waits for, and what becomes of those who stay away.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct FailoverTests {
    private func stored(
        frameworkPhase: FrameworkRecord.Phase = .connected, failoverTimeout: Double = 60
    ) -> RegistryState {
        var state = RegistryState()
        var agent = Samples.agent(id: "old-S0").agent
        agent.id.value = "old-S0"
        state.agents["old-S0"] = agent
        let info = Samples.framework(id: "old-0000", failoverTimeout: failoverTimeout)
        state.frameworks["old-0000"] = FrameworkRecord(info: info, phase: frameworkPhase)
        state.cluster = "c"
        return state
    }

    private let held = Samples.heldTask(Samples.task("t1", on: "old-S0"), of: "old-0000", .taskRunning)

    @Test func `tasks an agent still holds are in the new leader's books, charged, and offered around`() {
        var talk = MasterConversation(stored: stored())
        let link = talk.register(Samples.agent(id: "old-S0", tasks: [held]))
        #expect(talk.commands(link).map(\.type) == [.registered])
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        #expect(talk.events(stream)[0].subscribed.frameworkID.value == "old-0000")
        let cpus = talk.offers(stream).first?.resources.first { $0.name == "cpus" }?.scalar.value
        #expect(cpus == 3)
        #expect(talk.isBalanced("old-S0"))
        talk.call(stream, "old-0000", .reconcile) { $0.reconcile = .init() }
        #expect(talk.statuses(stream).map(\.state) == [.taskRunning])
    }

    @Test func `a returning agent of the registry needs no write`() {
        var talk = MasterConversation(stored: stored())
        talk.writesAtOnce = false
        let link = talk.register(Samples.agent(id: "old-S0"))
        #expect(talk.commands(link).map(\.type) == [.registered])
        #expect(talk.heldWrites.isEmpty)
    }

    @Test func `new ids carry the new master's id, so none is used twice`() {
        var talk = MasterConversation(stored: stored(), masterID: "99999999-2222-4333-8444-555555555555")
        let link = talk.register(Samples.agent("a2.example.org"), from: "10.0.0.2")
        #expect(talk.commands(link)[0].registered.agentID.value == "99999999-2222-4333-8444-555555555555-S0")
    }

    @Test func `an agent that does not come back within the window is unreachable`() {
        var talk = MasterConversation(stored: stored())
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        talk.pass(.seconds(599))
        #expect(talk.stored.unreachable.isEmpty)
        talk.pass(.seconds(2))
        #expect(talk.stored.unreachable.count == 1)
        #expect(talk.stored.agents.isEmpty)
        #expect(talk.events(stream).contains(.failure(of: "old-S0")))
    }

    @Test func `a framework that was away keeps what was left of its failover timeout`() {
        let start = MasterConversation(starts: false).now.wall
        let since = start.advanced(by: .seconds(-40))
        var talk = MasterConversation(stored: stored(frameworkPhase: .disconnected(since: since)))
        let link = talk.register(Samples.agent(id: "old-S0", tasks: [held]))
        talk.pass(.seconds(19))
        #expect(talk.core.cluster?.frameworks["old-0000"] != nil)
        talk.pass(.seconds(2))
        #expect(talk.core.cluster?.frameworks["old-0000"] == nil)
        #expect(talk.commands(link).contains(.shutdownFramework("old-0000")))
    }

    @Test func `clocks that disagree neither end a framework at once nor keep it for longer than its timeout`() {
        let start = MasterConversation(starts: false).now.wall
        let past = start.advanced(by: .seconds(-86_400))
        var ahead = MasterConversation(stored: stored(frameworkPhase: .disconnected(since: past)))
        ahead.pass(.seconds(9))
        #expect(ahead.core.cluster?.frameworks["old-0000"] != nil, "nobody led; it could not come back")
        ahead.pass(.seconds(2))
        #expect(ahead.core.cluster?.frameworks["old-0000"] == nil)
        let future = start.advanced(by: .seconds(86_400))
        var behind = MasterConversation(stored: stored(frameworkPhase: .disconnected(since: future)))
        behind.pass(.seconds(59))
        #expect(behind.core.cluster?.frameworks["old-0000"] != nil)
        behind.pass(.seconds(2))
        #expect(behind.core.cluster?.frameworks["old-0000"] == nil)
    }

    @Test func `a framework that comes back in what is left of its timeout keeps its tasks`() {
        let since = MasterConversation(starts: false).now.wall.advanced(by: .seconds(-40))
        var talk = MasterConversation(stored: stored(frameworkPhase: .disconnected(since: since)))
        let link = talk.register(Samples.agent(id: "old-S0", tasks: [held]))
        talk.pass(.seconds(19), answeringOn: [link])
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        talk.pass(.seconds(900), answeringOn: [link])
        #expect(talk.core.cluster?.frameworks["old-0000"]?.stream == stream)
        #expect(talk.core.cluster?.tasks.count == 1)
    }

    @Test func `agents hear of a framework's return, so that its updates come at once`() {
        var talk = MasterConversation(stored: stored())
        let link = talk.register(Samples.agent(id: "old-S0", tasks: [held]))
        let other = talk.register(Samples.agent("a2.example.org", id: "old-S1"), from: "10.0.0.2")
        talk.drain()
        talk.subscribe(Samples.framework(id: "old-0000"))
        #expect(talk.commands(link).map(\.type) == [.updateFramework])
        #expect(talk.commands(link).first?.updateFramework.framework.id.value == "old-0000")
        #expect(talk.commands(other).isEmpty)
    }

    @Test func `a framework that was connected has the agents' window and its own timeout to return`() {
        var talk = MasterConversation(stored: stored())
        let link = talk.register(Samples.agent(id: "old-S0", tasks: [held]))
        talk.passAnsweringPings(.seconds(658), on: link)
        #expect(talk.core.cluster?.frameworks["old-0000"]?.isRecovered == true)
        talk.passAnsweringPings(.seconds(4), on: link)
        #expect(talk.core.cluster?.frameworks.isCompleted("old-0000") == true)
    }

    @Test func `a framework only an agent knows is recovered from it`() {
        var state = stored()
        state.frameworks = [:]
        var talk = MasterConversation(stored: state)
        talk.register(Samples.agent(id: "old-S0", tasks: [held], frameworks: [Samples.framework(id: "old-0000")]))
        #expect(talk.core.cluster?.frameworks["old-0000"]?.isRecovered == true)
        #expect(talk.core.cluster?.tasks.count == 1)
        #expect(talk.isBalanced("old-S0"))
    }

    @Test func `a framework removed under an earlier leader stays removed`() {
        let removed = FrameworkRecord.Phase.removed(at: WallTime(nanoseconds: 1_799_999_999_000_000_000))
        var talk = MasterConversation(stored: stored(frameworkPhase: removed))
        let link = talk.register(
            Samples.agent(id: "old-S0", tasks: [held], frameworks: [Samples.framework(id: "old-0000")]))
        #expect(talk.commands(link).contains(.shutdownFramework("old-0000")))
        #expect(talk.core.cluster?.tasks.count == 0)
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        #expect(talk.events(stream).first?.error.message == "Framework has been removed")
    }

    @Test func `weights of the registry win over those of the flags`() throws {
        var state = RegistryState()
        let dev = try RoleName("dev")
        state.weights[dev] = Weight(3.0)
        var settings = MasterSettings()
        settings.weights = [dev: .one]
        let talk = MasterConversation(settings: settings, stored: state)
        #expect(talk.core.cluster?.registry.weights[dev] == Weight(3.0))
    }
}
