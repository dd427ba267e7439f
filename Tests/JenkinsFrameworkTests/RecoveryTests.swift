// What survives: a restart of the framework, of the controller, of the master; and what is found and removed afterwards.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct RecoveryTests {
    typealias Talk = PlannerConversation

    private let linux = AgentTemplate.named("linux")
    private let once = AgentTemplate.named("once") { $0.singleUse = .yes }

    private func record(_ name: NodeName, template: TemplateName = "linux", sawBuild: Bool = false) -> PlannerRecord {
        PlannerRecord(
            frameworkID: "fw-1",
            agents: [
                .init(
                    name: name, template: template, executors: 1, agentID: "a1", hostname: "h1", sawBuild: sawBuild)
            ])
    }

    @Test func `after a restart saved agents are asked for and count as supply`() {
        var talk = Talk([linux], record: record("mj-linux-1"))
        #expect(
            talk.tell(.subscribed("fw-1")) == [
                .reconcile([TaskReference(task: "mj-linux-1", agent: "a1")]), .reconcile([]),
            ])
        talk.poll([.buildable(1, "linux")], [.node("mj-linux-1", ["linux"], online: false)])
        #expect(talk.planner.agents.count == 1)
        talk.tell(.taskUpdated(.init(task: "mj-linux-1", agent: "a1", state: .running)))
        talk.poll([.buildable(1, "linux")], [.node("mj-linux-1", ["linux"])])
        #expect(talk.phase("mj-linux-1") == .online)
    }

    @Test func `a saved agent whose task never started is removed with its node`() {
        var talk = Talk.subscribed([linux], record: record("mj-linux-1"))
        let update = TaskUpdate(task: "mj-linux-1", agent: "a1", state: .gone, cause: .infrastructure)
        #expect(talk.tell(.taskUpdated(update)).deleted == ["mj-linux-1"])
        talk.tell(.nodeDeleted("mj-linux-1"))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a used single-use agent is not used again after a restart`() {
        var talk = Talk.subscribed([once], record: record("mj-once-1", template: "once", sawBuild: true))
        let effects = talk.poll([.buildable(1, "once")], [.node("mj-once-1", ["once"])])
        #expect(effects.drained == ["mj-once-1"])
        #expect(effects.contains(.revive), "the waiting build needs a fresh one")
    }

    @Test func `a drain begun before a restart is carried on`() {
        var talk = Talk.subscribed([linux], record: record("mj-linux-1"))
        let node = Computer.node(
            "mj-linux-1", drained: true, reason: "Disconnected by mesos : jenkins-framework: idle")
        var deleted: [NodeName] = []
        for _ in 1...6 { deleted += talk.poll([], [node]).deleted }
        #expect(deleted == ["mj-linux-1"])
    }

    @Test func `the use of a single-use agent is on disk before its drain is asked for`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.wait(.milliseconds(500))
        let snapshot = JenkinsSnapshot(
            startedAt: talk.now.instant, session: "s1", items: [], computers: [.node(name, ["once"], busy: 1)])
        let effects = talk.planner.step(.polled(snapshot), at: talk.now)
        guard case .persist(_, let record)? = effects.first else {
            Issue.record("not written: \(effects)")
            return
        }
        #expect(record.agents.map(\.sawBuild) == [true])
        #expect(effects.drained == [name])
    }

    @Test func `a node of ours without a record is deleted after a grace`() {
        var talk = Talk.subscribed([linux])
        let node = Computer.node("mj-linux-9", online: false)
        let asked = TaskReference(task: "mj-linux-9", agent: nil)
        #expect(talk.poll([], [node]) == [.reconcile([asked])], "perhaps it has a task")
        talk.wait(.seconds(60))
        #expect(talk.poll([], [node]).deleted == ["mj-linux-9"])
    }

    @Test func `a connected node without a record is drained before it is deleted, and only when it is idle`() {
        var talk = Talk.subscribed([linux])
        talk.poll([], [.node("mj-linux-9", busy: 1)])
        talk.wait(.seconds(600))
        #expect(talk.poll([], [.node("mj-linux-9", busy: 1)]).withoutReports.deleted.isEmpty)
        let effects = talk.poll([], [.node("mj-linux-9")])
        #expect(effects.drained == ["mj-linux-9"] && effects.deleted.isEmpty)
        talk.wait(.seconds(5))
        talk.poll([], [.node("mj-linux-9", drained: true)])
        #expect(talk.poll([], [.node("mj-linux-9", drained: true)]).deleted == ["mj-linux-9"])
    }

    @Test(arguments: [true, false])
    func `an orphaned node is gone within a minute, connected or not, at the pace of a quiet farm`(isConnected: Bool) {
        var talk = Talk.subscribed([linux])
        let began = talk.now.instant
        var (isDrained, isFull, deleted) = (false, true, [NodeName]())
        while deleted.isEmpty, began.duration(to: talk.now.instant) < .seconds(120) {
            let node = Computer.node("mj-linux-9", online: isConnected, drained: isDrained)
            let snapshot = JenkinsSnapshot(
                startedAt: talk.now.instant, session: "s1", items: [], computers: isFull ? [node] : nil)
            let effects = talk.tell(.polled(snapshot))
            if !effects.drained.isEmpty { isDrained = true }
            deleted = effects.deleted
            let plan = talk.planner.pollPlan(quick: .milliseconds(250), seldom: .seconds(4))
            isFull = plan.isFull
            if deleted.isEmpty { talk.wait(max(talk.now.instant.duration(to: plan.dueAt), .milliseconds(1))) }
        }
        let took = began.duration(to: talk.now.instant)
        #expect(deleted == ["mj-linux-9"] && isDrained == isConnected)
        #expect(took < .seconds(60) && took >= .seconds(45), "\(took)")
    }

    @Test func `without a master no node counts as an orphan`() {
        var talk = Talk([linux], record: PlannerRecord(frameworkID: "fw-1"))
        for _ in 1...5 {
            talk.wait(.seconds(60))
            #expect(talk.poll([], [.node("mj-linux-9", online: false)]).deleted.isEmpty)
        }
        talk.tell(.subscribed("fw-1"))
        #expect(talk.poll([], [.node("mj-linux-9", online: false)]).deleted.isEmpty)
        talk.wait(.seconds(60))
        #expect(talk.poll([], [.node("mj-linux-9", online: false)]).deleted == ["mj-linux-9"])
    }

    @Test func `a look at the queue alone takes back no request, because what is known of executors is old`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux")])
        #expect(talk.planner.agents.count == 1)
        talk.wait(.seconds(1))
        talk.tell(.polled(JenkinsSnapshot(startedAt: talk.now.instant, session: "s1", items: [], computers: nil)))
        #expect(talk.planner.agents.count == 1)
        talk.poll()
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `nodes of others are never touched`() {
        var talk = Talk.subscribed([linux])
        let others = [
            Computer.node("static", ["linux"], busy: 1, marker: nil), .node("mj-linux-2", busy: 1, marker: "fw-2"),
            .node("odd", marker: ""), .node("mj-linux-3", online: false, marker: "fw-2"),
        ]
        for _ in 1...5 {
            talk.wait(.seconds(100))
            let effects = talk.poll([], others)
            #expect(effects.deleted.isEmpty && effects.drained.isEmpty)
        }
    }

    @Test func `a running task without a record is adopted if its node is there and killed if not`() {
        var talk = Talk.subscribed([linux])
        talk.poll([], [.node("mj-linux-1", ["linux"])])
        talk.tell(.taskUpdated(.init(task: "mj-linux-1", agent: "a1", state: .running)))
        talk.tell(.taskUpdated(.init(task: "mj-linux-2", agent: "a1", state: .running)))
        let effects = talk.poll([], [.node("mj-linux-1", ["linux"])])
        #expect(effects.killed == ["mj-linux-2"])
        talk.poll([], [.node("mj-linux-1", ["linux"])])
        #expect(talk.phase("mj-linux-1") == .online)
    }

    @Test func `a new framework id makes an end of everything the old one had`() {
        var talk = Talk.subscribed([linux], record: record("mj-linux-1"))
        let effects = talk.tell(.subscribed("fw-2"))
        #expect(effects.deleted == ["mj-linux-1"])
        talk.tell(.nodeDeleted("mj-linux-1"))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a disconnection voids held offers and their half-made nodes`() {
        var talk = Talk.subscribed([linux])
        talk.poll([.buildable(1, "linux"), .buildable(2, "linux")])
        let names = talk.offer().created
        talk.tell(.nodeCreated(names[0], AgentSecret("x")))
        #expect(talk.tell(.disconnected).deleted == [names[0]])
        #expect(talk.tell(.nodeCreated(names[1], AgentSecret("y"))).deleted == [names[1]])
        #expect(talk.offer().withoutReports.isEmpty, "an offer without a subscription is void")
    }

    @Test func `after a new subscription launched agents are asked for again`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.tell(.disconnected)
        let effects = talk.tell(.subscribed("fw-1"))
        #expect(effects.contains(.reconcile([TaskReference(task: TaskID(name.value), agent: "agent-h1")])))
    }

    @Test func `a controller frozen for ten minutes costs no agent and doubles none`() {
        var talk = Talk.subscribed([.named("linux") { $0.connectTimeout = .seconds(60) }])
        let name = talk.bringUp("linux")
        for _ in 1...600 {
            talk.wait(.seconds(1))
            let effects = talk.tell(.pollFailed("timed out"))
            #expect(effects.deleted.isEmpty && effects.killed.isEmpty && effects.created.isEmpty)
        }
        // It still shows the agent offline for a moment; the time it could not answer does not count.
        #expect(talk.poll([.buildable(1, "linux")], [.node(name, online: false)]).deleted.isEmpty)
        talk.poll([.buildable(1, "linux")], [.node(name, ["linux"])])
        #expect(talk.planner.agents.count == 1)
        #expect(talk.phase(name) == .online)
    }

    @Test func `after a restart of the controller nothing is created or deleted until its agents are back`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.poll([], [], session: "s2")
        for second in 1...58 {
            talk.wait(.milliseconds(500))
            let effects = talk.poll([.buildable(2, "linux")], [], session: "s2")
            #expect(effects.killed.isEmpty && effects.deleted.isEmpty, "second \(second)")
        }
        #expect(talk.planner.agents.count == 1)
        talk.poll([], [.node(name, ["linux"])], session: "s2")
        #expect(talk.phase(name) == .online)
    }

    @Test func `beacons are kept for each template and removed when they are not wanted`() {
        var talk = Talk.subscribed([linux]) { $0.beacons = .pair }
        let created = talk.poll([], []).compactMap { if case .createBeacon(let node) = $0 { node } else { nil } }
        #expect(created.map(\.name) == ["mj-beacon-linux-a", "mj-beacon-linux-b"])
        #expect(created.allSatisfy { $0.labels == ["linux"] && $0.mode == .exclusive && $0.executors == 1 })
        let nodes = created.map { spec in
            Computer(
                name: spec.name.value, description: spec.description, isOffline: true, isTemporarilyOffline: true,
                labels: spec.labels, executors: [.init(isIdle: true)], isIdle: true)
        }
        talk.wait(.seconds(100))
        #expect(talk.poll([], nodes) == [])

        var off = Talk.subscribed([linux])
        #expect(off.poll([], nodes).deleted == ["mj-beacon-linux-a", "mj-beacon-linux-b"])
    }

    @Test func `beacons are called as the configuration says, and those of an earlier name go`() {
        var talk = Talk.subscribed([linux]) {
            $0.beacons = .pair
            $0.beaconPrefix = "lighthouse"
        }
        let old = Computer(
            name: "mj-beacon-linux-a",
            description: NodeMarker(frameworkID: "fw-1", template: "linux", kind: .beacon).text,
            isOffline: true, isTemporarilyOffline: true, labels: ["linux"], executors: [.init(isIdle: true)],
            isIdle: true)
        let effects = talk.poll([], [old])
        let created = effects.compactMap { if case .createBeacon(let node) = $0 { node.name } else { nil } }
        #expect(created == ["lighthouse-linux-a", "lighthouse-linux-b"])
        #expect(effects.deleted == ["mj-beacon-linux-a"])
    }

    @Test func `hidden queue items are reported as a missing right`() {
        var talk = Talk.subscribed([linux])
        let snapshot = JenkinsSnapshot(startedAt: talk.now.instant, items: [], computers: [], hasHiddenItems: true)
        #expect(talk.tell(.polled(snapshot)).problems == ["queued items are hidden: the user lacks Job/Read"])
    }

    @Test func `secrets do not print`() {
        #expect("\(AgentSecret("5ec4e7"))" == "<secret>")
        #expect(!"\(JenkinsPlanner.Event.nodeCreated("n", AgentSecret("5ec4e7")))".contains("5ec4e7"))
        var text = ""
        dump(AgentSecret("5ec4e7"), to: &text)
        #expect(!text.contains("5ec4e7"))
    }
}
