// Strict single use: an agent's gate is open only while a build waits for it, and never again once that may have run.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct StrictUseTests {
    typealias Talk = PlannerConversation

    private let strict = AgentTemplate.named("strict") { $0.singleUse = .strict }

    /// From a queued build to an agent whose task runs behind a closed gate.
    private func closedAgent(_ talk: inout Talk) -> NodeName {
        talk.poll([.buildable(1, "strict")])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.tell(.nodeDrained(name))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), agent: "agent-h1", state: .running)))
        return name
    }

    private func closed(_ name: NodeName) -> Computer {
        .node(name, ["strict"], online: false, drained: true, reason: AgentGate.closedReason)
    }

    private func open(_ name: NodeName, busy: Int = 0, online: Bool = true) -> Computer {
        .node(name, ["strict"], online: online, busy: busy)
    }

    private func look(
        _ talk: inout Talk, _ computers: [Computer], queued: Set<QueueItemID>, after: Duration = .milliseconds(100)
    ) -> [JenkinsPlanner.Effect] {
        talk.wait(after)
        return talk.tell(.watched(NodeWatch(startedAt: talk.now.instant, computers: computers, queued: queued)))
    }

    /// Opened for build 1, and connected.
    private func openAgent(_ talk: inout Talk) -> NodeName {
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        talk.tell(.nodeOpened(name))
        return name
    }

    @Test func `a strict agent's node is drained before its task is launched`() {
        var talk = Talk.subscribed([strict])
        talk.poll([.buildable(1, "strict")])
        let name = talk.offer().created[0]
        let drained = talk.tell(.nodeCreated(name, AgentSecret("x")))
        #expect(drained == [.drainNode(name, reason: AgentGate.closedReason)])
        #expect(talk.tell(.nodeDrained(name)).launched == [name])
    }

    @Test func `a strict agent that cannot be drained is not launched`() {
        var talk = Talk.subscribed([strict])
        talk.poll([.buildable(1, "strict")])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        let effects = talk.tell(.nodeDrainFailed(name, reason: "timed out"))
        #expect(effects.deleted == [name] && effects.declined == ["o1"] && effects.launched.isEmpty)
    }

    @Test func `a strict agent opens for a build that waits, once its task runs`() {
        var talk = Talk.subscribed([strict])
        talk.poll([.buildable(1, "strict")])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.tell(.nodeDrained(name))
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened.isEmpty)
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), agent: "agent-h1", state: .running)))
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        #expect(talk.planner.agents.count == 1, "closed or not, it is supply")
    }

    @Test func `a strict agent stays closed and goes if its build was cancelled meanwhile`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        var effects: [JenkinsPlanner.Effect] = []
        for _ in 1...6 { effects += talk.poll([], [closed(name)]) }
        #expect(effects.opened.isEmpty)
        #expect(effects.drained == [name])
    }

    @Test func `an open gate is looked at each 100 ms with the queue`() {
        var talk = Talk.subscribed([strict])
        #expect(talk.planner.watchPlan == nil)
        let name = openAgent(&talk)
        #expect(talk.planner.watchPlan == WatchPlan(nodes: [name], interval: .milliseconds(100), includesQueue: true))
    }

    @Test func `a strict agent is drained for good when a look shows its build`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        let effects = look(&talk, [open(name, busy: 1)], queued: [])
        #expect(effects.drained == [name])
        #expect(talk.planner.agents[name]?.isUsedUp == true)
        talk.tell(.nodeDrained(name))
        for _ in 1...3 { #expect(talk.poll([.buildable(2, "strict")], [open(name, busy: 1)]).opened.isEmpty) }
    }

    @Test func `a gate closes when the build has left the queue, and stays closed until it is known where that ran`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        #expect(look(&talk, [open(name)], queued: []).drained == [name])
        #expect(talk.poll([.buildable(2, "strict")], [open(name)]).contains(.lookUpItem(1)))
        talk.tell(.nodeDrained(name))
        // Another build waits: it does not get this agent while there is a doubt.
        #expect(talk.poll([.buildable(2, "strict")], [closed(name)]).opened.isEmpty)
        let url = "http://j/job/x/1/"
        talk.tell(.itemLookedUp(1, .started(buildURL: url)))
        let view = BuildView(
            displayName: "", isBuilding: false, result: "SUCCESS", duration: .zero, builtOn: "static-1")
        talk.tell(.buildLookedUp(url: url, view))
        #expect(talk.poll([.buildable(2, "strict")], [closed(name)]).opened == [name])
    }

    @Test func `a build that no look saw uses a strict agent up`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        _ = look(&talk, [open(name)], queued: [])
        talk.poll([], [open(name)])
        talk.tell(.nodeDrained(name))
        let url = "http://j/job/x/1/"
        talk.tell(.itemLookedUp(1, .started(buildURL: url)))
        let view = BuildView(
            displayName: "", isBuilding: false, result: "SUCCESS", duration: .zero, builtOn: name.value)
        #expect(talk.tell(.buildLookedUp(url: url, view)).drained == [name])
        #expect(talk.poll([.buildable(2, "strict")], [closed(name)]).opened.isEmpty)
    }

    @Test func `a doubt that cannot be resolved costs the agent`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        _ = look(&talk, [open(name)], queued: [])
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(10))
        #expect(talk.tell(.ticked).drained == [name])
        #expect(talk.planner.agents[name]?.isUsedUp == true)
    }

    @Test func `a build that began on one open agent leaves another open`() {
        var talk = Talk.subscribed([strict])
        let items = [QueueItem.buildable(1, "strict"), .buildable(2, "strict")]
        talk.poll(items)
        let names = talk.offer().created.sorted()
        for name in names {
            talk.tell(.nodeCreated(name, AgentSecret("x")))
            talk.tell(.nodeDrained(name))
        }
        for name in names { talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .running))) }
        #expect(talk.poll(items, names.map { closed($0) }).opened == names)
        for name in names { talk.tell(.nodeOpened(name)) }
        let effects = look(&talk, [open(names[0]), open(names[1], busy: 1)], queued: [2])
        #expect(effects.drained == [names[1]], "build 1 runs there; build 2 still needs the other")
        #expect(talk.poll([.buildable(2, "strict")], names.map { open($0) }).opened.isEmpty)
    }

    @Test func `after a gap without looks an item that is gone closes every gate`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        #expect(look(&talk, [open(name)], queued: [], after: .seconds(2)).drained == [name])
    }

    @Test func `a closing that failed is repeated within a quarter of a second`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        _ = look(&talk, [open(name)], queued: [])
        talk.tell(.nodeDrainFailed(name, reason: "timed out"))
        talk.wait(.milliseconds(200))
        #expect(talk.tell(.ticked).drained == [name])
    }

    @Test func `an opening without an answer costs the agent, because it may happen at any time`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        #expect(talk.tell(.nodeOpenFailed(name, reason: "timed out", mayBeOpen: true)).drained == [name])
        #expect(talk.planner.agents[name]?.isUsedUp == true)
        // It is watched until nothing can come any more, and only then deleted.
        talk.tell(.nodeDrained(name))
        for _ in 1...19 { #expect(talk.poll([], [closed(name)]).deleted.isEmpty) }
        #expect(talk.poll([], [closed(name)]).deleted == [name])
    }

    @Test func `the draining of an opened agent is repeated without back-off while the controller is away`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        #expect(look(&talk, [open(name, busy: 1)], queued: []).drained == [name])
        for _ in 1...8 {
            talk.tell(.nodeDrainFailed(name, reason: "refused"))
            talk.wait(.milliseconds(200))
            #expect(talk.tell(.ticked).drained == [name])
        }
    }

    @Test func `an opening that the controller never got leaves the gate closed, and is tried again`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        #expect(talk.tell(.nodeOpenFailed(name, reason: "refused", mayBeOpen: false)).drained.isEmpty)
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
    }

    @Test func `a closing waits for the answer to an opening that is under way, which could undo it`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        #expect(look(&talk, [closed(name)], queued: []).drained.isEmpty, "build 1 went elsewhere")
        #expect(talk.tell(.nodeOpened(name)).drained == [name])
        #expect(talk.poll([.buildable(2, "strict")], [open(name)]).opened.isEmpty)
        talk.tell(.nodeDrained(name))
        #expect(talk.planner.agents[name]?.gate == .doubted([1], since: talk.now.instant))
    }

    @Test func `an agent that is retired while it is being opened is drained after that and not deleted before`() {
        var talk = Talk.subscribed([
            .named("linux") {
                $0.idleTimeout = .seconds(5)
                $0.lifetimeMax = .seconds(8)
            }
        ])
        let name = talk.bringUp("linux")
        for _ in 1...11 { talk.poll([], [.node(name, ["linux"])]) }
        talk.tell(.nodeDrained(name))
        let drained = Computer.node(name, ["linux"], drained: true, reason: "jenkins-framework: idle")
        #expect(talk.poll([.buildable(2, "linux")], [drained]).opened == [name])
        var effects: [JenkinsPlanner.Effect] = []
        for _ in 1...10 { effects += talk.poll([.buildable(2, "linux")], [drained]) }
        #expect(effects.drained.isEmpty && effects.deleted.isEmpty)
        #expect(talk.tell(.nodeOpened(name)).drained == [name])
    }

    // MARK: - Controllers that tell whether a drained agent is connected

    private func connected(_ name: NodeName, _ isConnected: Bool) -> Computer {
        var computer = closed(name)
        computer.isConnected = isConnected
        return computer
    }

    @Test func `a gate stays closed until its agent is connected, and opens with the look that shows it`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [connected(name, false)]).opened.isEmpty)
        #expect(talk.planner.watchPlan == WatchPlan(nodes: [name], interval: .milliseconds(100), includesQueue: true))
        #expect(look(&talk, [connected(name, false)], queued: [1]).opened.isEmpty)
        #expect(look(&talk, [connected(name, true)], queued: [1, 2]).opened == [name])
        #expect(look(&talk, [connected(name, true)], queued: [1, 2]).opened.isEmpty, "once")
    }

    @Test func `a gate does not open for a build that has gone while its agent was connecting`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [connected(name, false)]).opened.isEmpty)
        #expect(look(&talk, [connected(name, true)], queued: [2]).opened.isEmpty)
        #expect(talk.planner.watchPlan == nil)
        #expect(talk.poll([.buildable(2, "strict")], [connected(name, true)]).opened == [name])
    }

    @Test func `an agent that never connects behind its closed gate is given up`() {
        var talk = Talk.subscribed([
            .named("strict") {
                $0.singleUse = .strict
                $0.connectTimeout = .seconds(20)
            }
        ])
        let name = closedAgent(&talk)
        var drained: [NodeName] = []
        for _ in 1...42 { drained += talk.poll([.buildable(1, "strict")], [connected(name, false)]).drained }
        #expect(drained == [name])
    }

    @Test func `an open agent that nobody could look at for two seconds is used up`() {
        var talk = Talk.subscribed([strict])
        let name = openAgent(&talk)
        #expect(look(&talk, [open(name)], queued: [1]).drained.isEmpty)
        talk.wait(.milliseconds(1_900))
        #expect(talk.tell(.ticked).drained.isEmpty)
        talk.wait(.milliseconds(200))
        #expect(talk.tell(.ticked).drained == [name])
        #expect(talk.planner.agents[name]?.isUsedUp == true)
    }

    @Test func `a gate that somebody else closed is not opened`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        let byHand = Computer.node(name, ["strict"], online: false, drained: true, reason: "Disconnected by admin : no")
        #expect(talk.poll([.buildable(1, "strict")], [byHand]).opened.isEmpty)
        #expect(talk.planner.agents.count == 2, "the build needs another")
        // And if that was not seen in time, the controller's word counts.
        talk.poll([.buildable(1, "strict")], [closed(name)])
        talk.tell(.nodeOpenRefused(name))
        #expect(talk.phase(name) == .connecting)
    }

    @Test func `a gate found open cannot be explained and costs the agent`() {
        var talk = Talk.subscribed([strict])
        let name = closedAgent(&talk)
        #expect(talk.poll([.buildable(1, "strict")], [open(name)]).drained == [name])
        #expect(talk.planner.agents[name]?.isUsedUp == true)
    }

    @Test func `an agent behind an open gate that never connects is given up`() {
        var talk = Talk.subscribed([
            .named("strict") {
                $0.singleUse = .strict
                $0.connectTimeout = .seconds(20)
            }
        ])
        let name = openAgent(&talk)
        var drained: [NodeName] = []
        for _ in 1...41 { drained += talk.poll([.buildable(1, "strict")], [open(name, online: false)]).drained }
        #expect(drained == [name])
    }

    @Test func `after a restart a closed agent opens again only if it never was open before`() {
        let record = PlannerRecord(
            frameworkID: "fw-1",
            agents: [
                .init(
                    name: "mj-strict-1", template: "strict", executors: 1, agentID: "a1", hostname: "h1",
                    sawBuild: false)
            ])
        for (reason, isOpened) in [(AgentGate.closedReason, true), (AgentGate.closedAgainReason, false)] {
            var talk = Talk.subscribed([strict], record: record)
            let node = Computer.node("mj-strict-1", ["strict"], online: false, drained: true, reason: reason)
            talk.poll([.buildable(1, "strict")], [node])
            talk.tell(.taskUpdated(.init(task: "mj-strict-1", agent: "a1", state: .running)))
            #expect(talk.poll([.buildable(1, "strict")], [node]).opened == (isOpened ? ["mj-strict-1"] : []))
        }
    }

    @Test func `a warm pool of strict agents waits behind closed gates`() {
        var talk = Talk.subscribed([
            .named("strict") {
                $0.singleUse = .strict
                $0.agentsIdleMin = 1
            }
        ])
        talk.poll([])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.tell(.nodeDrained(name))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .running)))
        for _ in 1...20 { #expect(talk.poll([], [closed(name)]) == []) }
        #expect(talk.poll([.buildable(1, "strict")], [closed(name)]).opened == [name])
        #expect(talk.planner.agents.count == 2, "and the pool is filled up again")
    }

    @Test func `a normal single-use agent is looked at each 500 ms while it is idle`() {
        var talk = Talk.subscribed([.named("once") { $0.singleUse = .yes }])
        let name = talk.bringUp("once")
        talk.poll([.buildable(1, "once")], [.node(name, ["once"])])
        #expect(talk.planner.watchPlan == WatchPlan(nodes: [name], interval: .milliseconds(500), includesQueue: false))
        talk.wait(.milliseconds(500))
        let busy = Computer.node(name, ["once"], busy: 1)
        let effects = talk.tell(.watched(NodeWatch(startedAt: talk.now.instant, computers: [busy])))
        #expect(effects.drained == [name])
        #expect(talk.planner.watchPlan == nil)
    }
}

extension [JenkinsPlanner.Effect] {
    var opened: [NodeName] {
        compactMap { effect in
            switch effect {
            case .openNode(let name), .openGate(let name): name
            default: nil
            }
        }
    }
}
