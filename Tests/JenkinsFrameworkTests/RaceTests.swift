// The races between a controller, a cluster, people and the framework: each with its answer, one conversation a test.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct RaceTests {
    typealias Talk = PlannerConversation

    private let linux = AgentTemplate.named("linux") { $0.idleTimeout = .seconds(5) }

    private func idle(_ name: NodeName) -> Computer { .node(name, ["linux"]) }
    private func busy(_ name: NodeName) -> Computer { .node(name, ["linux"], busy: 1, url: "http://j/job/x/1/") }
    private func drained(_ name: NodeName, busy: Int = 0) -> Computer {
        .node(name, ["linux"], busy: busy, drained: true, reason: "jenkins-framework: idle")
    }

    /// Idle for so long that it is drained.
    private func draining(_ talk: inout Talk) -> NodeName {
        let name = talk.bringUp("linux")
        var effects: [JenkinsPlanner.Effect] = []
        for _ in 1...11 { effects += talk.poll([], [idle(name)]) }
        #expect(effects.drained == [name])
        return name
    }

    // MARK: - A build starts at each step of a retirement

    @Test func `retirement, step 1: a build that starts while the agent is seen idle keeps it`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        for _ in 1...9 { talk.poll([], [idle(name)]) }
        #expect(talk.poll([], [busy(name)]).drained.isEmpty)
        for _ in 1...9 { #expect(talk.poll([], [idle(name)]).drained.isEmpty, "its time starts anew") }
    }

    @Test func `retirement, step 2: a build that starts before the drain arrives is let finish`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        talk.tell(.nodeDrained(name))
        for _ in 1...50 { #expect(talk.poll([], [drained(name, busy: 1)]).deleted.isEmpty) }
    }

    @Test func `retirement, step 3: polls that began before the drain was confirmed say nothing`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        let before = talk.now.instant
        talk.wait(.seconds(1))
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(5))
        for _ in 1...3 {
            let late = JenkinsSnapshot(startedAt: before, session: "s1", items: [], computers: [idle(name)])
            #expect(talk.tell(.polled(late)).deleted.isEmpty)
        }
        #expect(talk.poll([], [drained(name)]).deleted.isEmpty)
        #expect(talk.poll([], [drained(name)]).deleted == [name])
    }

    @Test func `retirement, step 3: a node that somebody opened meanwhile is drained anew`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        talk.tell(.nodeDrained(name))
        talk.poll([], [drained(name)])
        #expect(talk.poll([], [idle(name)]).drained == [name])
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(3))
        #expect(talk.poll([], [drained(name)]).deleted.isEmpty, "two polls are owed again")
        #expect(talk.poll([], [drained(name)]).deleted == [name])
    }

    @Test func `retirement, step 4: a deletion that failed is not repeated over a build`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(3))
        talk.poll([], [drained(name)])
        #expect(talk.poll([], [drained(name)]).deleted == [name])
        talk.tell(.nodeDeletionFailed(name, reason: "status 500"))
        talk.poll([], [busy(name)])
        talk.wait(.seconds(1))
        let effects = talk.tell(.ticked)
        #expect(effects.deleted.isEmpty && effects.drained == [name])
    }

    @Test func `retirement, step 5: the task is killed only after the node is gone`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(3))
        talk.poll([], [drained(name)])
        #expect(talk.poll([], [drained(name)]).killed.isEmpty)
        #expect(talk.tell(.nodeDeleted(name)).killed == [TaskID(name.value)])
    }

    // MARK: - Restarts

    @Test func `a controller that restarts in the middle of a retirement gets its drain again before the deletion`() {
        var talk = Talk.subscribed([linux])
        let name = draining(&talk)
        talk.tell(.nodeDrained(name))
        talk.wait(.seconds(3))
        talk.poll([], [drained(name)])
        #expect(talk.poll([], [drained(name)]).deleted == [name])
        // The answer never came, and the new process has forgotten the mark.
        #expect(talk.poll([], [idle(name)], session: "s2").drained == [name])
        talk.tell(.nodeDeletionFailed(name, reason: "status 503"))
        talk.wait(.seconds(30))
        #expect(talk.tell(.ticked).deleted.isEmpty)
    }

    @Test func `builds on agents survive a restart of the controller, and it gets no storm of requests`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name)])
        talk.tell(.pollFailed("status 503"))
        var effects: [JenkinsPlanner.Effect] = []
        let items = (2...11).map { QueueItem.buildable($0, "linux") }
        for _ in 1...119 { effects += talk.poll(items, [.node(name, ["linux"], online: false)], session: "s2") }
        #expect(effects.deleted.isEmpty && effects.drained.isEmpty && effects.created.isEmpty && effects.killed.isEmpty)
        #expect(talk.planner.agents.count == 1)
        for _ in 1...3 { talk.poll(items, [busy(name)], session: "s2") }
        #expect(talk.planner.agents.count == 11)
    }

    @Test(arguments: ["launching", "connecting", "online", "busy", "draining", "deleting", "killing"])
    func `a framework killed in any state takes up what it left`(state: String) {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        let record = PlannerRecord(
            frameworkID: "fw-1",
            agents: [
                .init(name: name, template: "linux", executors: 1, agentID: "a1", hostname: "h1", sawBuild: false)
            ])
        talk = Talk.subscribed([linux], record: record)
        let isTaskThere = state != "launching"
        let shown: Computer? =
            switch state {
            case "launching", "connecting": .node(name, ["linux"], online: false)
            case "online": idle(name)
            case "busy": busy(name)
            case "draining", "deleting": drained(name)
            default: nil
            }
        let update = TaskUpdate(
            task: TaskID(name.value), agent: "a1", state: isTaskThere ? .running : .gone, cause: .infrastructure)
        var effects = talk.tell(.taskUpdated(update))
        for _ in 1...8 {
            if let shown { effects += talk.poll([.buildable(1, "linux")], [shown]) } else { effects += talk.poll([]) }
        }
        switch state {
        case "launching": #expect(effects.deleted == [name], "its launch never arrived")
        case "connecting": #expect(effects.deleted.isEmpty && talk.phase(name) == .connecting)
        case "online", "busy": #expect(effects.deleted.isEmpty && talk.phase(name) == .online)
        case "draining", "deleting": #expect(effects.deleted == [name])
        default: #expect(effects.killed == [TaskID(name.value)], "its node is gone already")
        }
    }

    @Test func `a framework killed before its node was created leaves nothing behind`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux")])
        let effects = talk.planner.step(.offersArrived([Talk.offer("o1")]), at: talk.now)
        guard case .persist(_, let record)? = effects.first, let name = record.agents.first?.name else {
            Issue.record("nothing was written")
            return
        }
        talk = Talk.subscribed([linux], record: record)
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .gone, cause: .infrastructure)))
        #expect(talk.phase(name) == .deleting)
        talk.tell(.nodeDeleted(name))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a new master costs nothing: held offers are void, launched agents are asked for`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name)])
        talk.tell(.disconnected)
        let effects = talk.tell(.subscribed("fw-1"))
        #expect(effects.killed.isEmpty && effects.deleted.isEmpty)
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unknown, cause: .infrastructure)))
        #expect(talk.phase(name) == .online, "the controller hears it")
    }

    // MARK: - The cluster and its machines

    @Test func `a build on a machine the master cannot reach goes on, and the agent takes no more`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unreachable, cause: .infrastructure)))
        talk.wait(.seconds(60))
        let effects = talk.poll([.buildable(2, "linux")], [busy(name)])
        #expect(effects.drained == [name] && effects.deleted.isEmpty)
        talk.tell(.nodeDrained(name))
        for _ in 1...200 { #expect(talk.poll([], [drained(name, busy: 1)]).deleted.isEmpty) }
        talk.poll([], [drained(name)])
        #expect(talk.poll([], [drained(name)]).deleted == [name])
    }

    @Test func `a task said to be unknown is not believed while its drained agent works`() {
        var talk = Talk.subscribed([.named("once") { $0.singleUse = .yes }])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"], busy: 1)])
        talk.tell(.nodeDrained(name))
        talk.poll([], [drained(name, busy: 1)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unknown, cause: .infrastructure)))
        talk.wait(.seconds(300))
        #expect(talk.poll([], [drained(name, busy: 1)]).deleted.isEmpty)
    }

    @Test func `a lost machine takes its agents along and their builds get others`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [idle(name)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unreachable, cause: .infrastructure)))
        let gone = Computer.node(name, ["linux"], online: false)
        talk.poll([.buildable(2, "linux")], [gone])
        #expect(talk.planner.agents.count == 2, "an agent that is offline is no supply")
        talk.wait(.seconds(61))
        #expect(talk.poll([.buildable(2, "linux")], [gone]).deleted == [name])
    }

    @Test func `of several requests the newest is taken back first`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux")])
        let oldest = talk.onlyAgent?.name
        for count in 2...5 { talk.poll((1...count).map { .buildable(QueueItemID($0), "linux") }) }
        talk.poll([.buildable(5, "linux")])
        #expect(talk.planner.agents.keys.map { $0 } == [oldest])
    }

    @Test func `a launched agent serves a build before a request does`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux"), .buildable(2, "linux")])
        let launched = talk.offer(cpus: 1, mem: 704)
        #expect(launched.created.isEmpty || launched.created.count == 1)
        let started = talk.planner.agents.values.filter { $0.phase != .requested }.map(\.name)
        talk.poll([.buildable(2, "linux")])
        #expect(talk.planner.agents.keys.map { $0 } == started)
    }

    @Test func `an image that takes long to fetch has longer than a launch nothing is heard of`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), agent: "a1", state: .staging)))
        let node = Computer.node(name, online: false)
        talk.wait(.seconds(241))
        #expect(talk.poll([.buildable(1, "linux")], [node]).drained.isEmpty)
        talk.wait(.seconds(180))
        #expect(talk.poll([.buildable(1, "linux")], [node]).drained == [name])
    }

    // MARK: - A controller that cannot

    @Test func `a controller whose disk is full is asked less and less, and no storm follows`() {
        var talk = Talk.subscribed([linux]) { $0.agentsPendingMax = 50 }
        let items = (1...20).map { QueueItem.buildable($0, "linux") }
        var creations = 0
        for round in 1...240 {
            talk.poll(items)
            let created = talk.offer(cpus: 100, mem: 100_000).created
            creations += created.count
            if round > 1 { #expect(created.count <= 1, "one at a time") }
            for name in created {
                let effects = talk.tell(.nodeCreationFailed(name, reason: "status 500, no space left", mayExist: false))
                #expect(effects.problems.count == 1)
            }
        }
        // Two minutes: 20 at once, then after 1, 2, 4, 8, 16, 32 s and each minute.
        #expect(creations <= 20 + 8)
        #expect(talk.planner.agents.count == 20, "the demand is not forgotten")
    }

    @Test func `a refused password stops everything and hurts nothing`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name)])
        var effects: [JenkinsPlanner.Effect] = []
        for _ in 1...1_000 {
            talk.wait(.seconds(1))
            effects += talk.tell(.pollFailed("status 401"))
        }
        #expect(effects.problems == ["the controller does not answer: status 401"])
        #expect(effects.deleted.isEmpty && effects.killed.isEmpty && effects.drained.isEmpty)
    }

    @Test func `launches stop while the controller is away and go on when it is back`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux")])
        talk.tell(.pollFailed("timed out"))
        #expect(talk.offer().created.isEmpty)
        talk.poll([.buildable(1, "linux")])
        #expect(talk.offer().created.count == 1)
    }

    @Test func `an operator's drain while an agent connects is no failure of its template`() {
        var talk = Talk.subscribed([.named("linux") { $0.connectTimeout = .seconds(20) }])
        let name = talk.bringUp("linux")
        let byHand = Computer.node(name, ["linux"], drained: true, reason: "Disconnected by admin : wait")
        var effects: [JenkinsPlanner.Effect] = []
        for _ in 1...130 { effects += talk.poll([], [byHand]) }
        #expect(effects.problems.isEmpty && effects.drained.isEmpty && effects.opened.isEmpty)
        #expect(effects.deleted == [name])
    }
}
