// How agents end: idle, used up, failed, lost; and that no build is hurt by it.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct RetirementTests {
    typealias Talk = PlannerConversation

    private let linux = AgentTemplate.named("linux") { $0.idleTimeout = .seconds(60) }
    private let once = AgentTemplate.named("once") { $0.singleUse = .yes }

    /// Drives a drained agent to its end.
    private func finish(_ name: NodeName, _ talk: inout PlannerConversation) -> [JenkinsPlanner.Effect] {
        talk.tell(.nodeDrained(name)) + talk.poll([], [.node(name, drained: true)])
            + talk.poll([], [.node(name, drained: true)])
    }

    @Test func `an idle agent is drained, watched, deleted and killed in that order`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.wait(.seconds(58))
        #expect(talk.poll([], [.node(name, ["linux"])]).drained.isEmpty)
        talk.wait(.seconds(2))
        #expect(talk.poll([], [.node(name, ["linux"])]).drained == [name])
        talk.tell(.nodeDrained(name))
        #expect(talk.poll([], [.node(name, drained: true)]).deleted.isEmpty)
        #expect(talk.poll([], [.node(name, drained: true)]).deleted.isEmpty, "two seconds must pass")
        talk.wait(.seconds(2))
        #expect(talk.poll([], [.node(name, drained: true)]).deleted == [name])
        #expect(talk.tell(.nodeDeleted(name)).killed == [TaskID(name.value)])
        #expect(talk.phase(name) == .killing)
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .killed)))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a build that slipped in before the drain is let finish`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.wait(.seconds(61))
        #expect(talk.poll([], [.node(name, ["linux"])]).drained == [name])
        talk.tell(.nodeDrained(name))
        for _ in 1...20 {
            #expect(talk.poll([], [.node(name, busy: 1, drained: true)]).deleted.isEmpty)
        }
        #expect(talk.poll([], [.node(name, drained: true)]).deleted.isEmpty)
        #expect(talk.poll([], [.node(name, drained: true)]).deleted == [name])
    }

    @Test func `an agent that a waiting build will take is not retired`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        for _ in 1...200 { #expect(talk.poll([.buildable(9, "linux")], [.node(name, ["linux"])]).drained.isEmpty) }
    }

    @Test func `idle time zero keeps an agent for ever`() {
        var talk = Talk.subscribed([.named("linux") { $0.idleTimeout = nil }])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.wait(.seconds(1_000_000))
        #expect(talk.poll([], [.node(name, ["linux"])]).drained.isEmpty)
    }

    @Test func `a single-use agent is drained at the first build seen and deleted when that ends`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([.buildable(1, "once")], [.node(name, ["once"])])
        #expect(talk.poll([], [.node(name, ["once"], busy: 1)]).drained == [name])
        talk.tell(.nodeDrained(name))
        #expect(talk.poll([], [.node(name, busy: 1, drained: true)]).deleted.isEmpty)
        #expect(talk.poll([], [.node(name, drained: true)]).deleted.isEmpty)
        #expect(talk.poll([], [.node(name, drained: true)]).deleted == [name])
    }

    @Test func `a second build for a single-use label gets an agent of its own`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"], busy: 1)])
        talk.poll([.buildable(2, "once")], [.node(name, busy: 1, drained: true)])
        #expect(talk.planner.agents.count == 2)
    }

    @Test func `a build too short for any poll still uses a single-use agent up`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([.buildable(1, "once")], [.node(name, ["once"])])
        // Gone from the queue, and the executor is idle again already.
        #expect(talk.poll([], [.node(name, ["once"])]).contains(.lookUpItem(1)))
        let url = "http://j/job/x/1/"
        #expect(talk.tell(.itemLookedUp(1, .started(buildURL: url))) == [.lookUpBuild(url: url)])
        let view = BuildView(
            displayName: "x #1", isBuilding: false, result: "SUCCESS", duration: .milliseconds(200), builtOn: name.value
        )
        let effects = talk.tell(.buildLookedUp(url: url, view))
        #expect(effects.drained == [name])
        #expect(
            effects.contains(
                .report(
                    .buildFinished(build: "x #1", node: name.value, result: "SUCCESS", duration: .milliseconds(200)))))
    }

    @Test func `a second build on a single-use agent is counted and told with both builds`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([.buildable(1, "once"), .buildable(2, "once")], [.node(name, ["once"])])
        talk.poll([], [.node(name, ["once"])])
        var problems: [String] = []
        for id: QueueItemID in 1...2 {
            let url = "http://j/job/x/\(id)/"
            talk.tell(.itemLookedUp(id, .started(buildURL: url)))
            let view = BuildView(
                displayName: "", isBuilding: false, result: "SUCCESS", duration: .milliseconds(90), builtOn: name.value)
            problems += talk.tell(.buildLookedUp(url: url, view)).problems
        }
        #expect(
            problems == ["single-use agent \(name) ran a second build: http://j/job/x/1/ and http://j/job/x/2/"])
        #expect(talk.planner.status(at: talk.now).singleUseViolations == 1)
    }

    @Test func `an unused single-use agent nobody waits for goes after a moment`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"])])
        var drained = false
        for _ in 1...6 where !drained { drained = talk.poll([], [.node(name, ["once"])]).drained == [name] }
        #expect(drained)
    }

    @Test func `a failed drain is repeated and so is a failed deletion`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"], busy: 1)])
        talk.tell(.nodeDrainFailed(name, reason: "timed out"))
        talk.wait(.seconds(1))
        #expect(talk.tell(.ticked).drained == [name])
        _ = finish(name, &talk)
        #expect(talk.phase(name) == .deleting)
        for delay in [1, 2, 4, 8] {
            talk.tell(.nodeDeletionFailed(name, reason: "status 500"))
            talk.wait(.seconds(delay) - .milliseconds(501))
            #expect(talk.poll([], [.node(name, ["once"], drained: true)]).deleted.isEmpty)
            talk.wait(.milliseconds(1))
            #expect(talk.tell(.ticked).deleted == [name])
        }
    }

    @Test func `a failed deletion is repeated only on a look that is newer than the failure`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"], busy: 1)])
        _ = finish(name, &talk)
        talk.tell(.nodeDeletionFailed(name, reason: "timed out"))
        talk.wait(.seconds(5))
        #expect(talk.tell(.ticked).deleted.isEmpty)
        #expect(talk.planner.pollPlan(quick: .milliseconds(250), seldom: .seconds(4)).isFull)
        #expect(talk.poll([], [.node(name, ["once"], busy: 1)]).deleted.isEmpty, "somebody has opened it")
    }

    @Test func `an unanswered kill is repeated and an unknown task is dead`() {
        var talk = Talk.subscribed([once])
        let name = talk.bringUp("once")
        talk.poll([], [.node(name, ["once"], busy: 1)])
        _ = finish(name, &talk)
        talk.tell(.nodeDeleted(name))
        talk.wait(.seconds(10))
        #expect(talk.tell(.ticked).killed == [TaskID(name.value)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unknown)))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a template whose agents fail three times in a row backs off and then tries one at a time`() {
        var talk = Talk.subscribed([.named("linux")])
        let items = (1...4).map { QueueItem.buildable($0, "linux") }
        talk.poll(items)
        let names = talk.offer().created
        #expect(names.count == 4)
        for name in names { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        for name in names {
            let update = TaskUpdate(task: TaskID(name.value), state: .failed, message: "no such image")
            talk.tell(.taskUpdated(update))
            talk.tell(.nodeDeleted(name))
        }
        talk.poll(items)
        #expect(talk.planner.agents.isEmpty)
        let reason = talk.planner.status(at: talk.now).waiting.first?.reason ?? ""
        #expect(reason.hasPrefix("template linux backs off") && reason.contains("no such image"))
        talk.wait(.seconds(30))
        talk.poll(items)
        #expect(talk.planner.agents.count == 1)
        // The fourth failure was an echo of the first three; this one doubles the wait.
        let probe = talk.offer().created[0]
        talk.tell(.nodeCreated(probe, AgentSecret("x")))
        talk.tell(.taskUpdated(.init(task: TaskID(probe.value), state: .failed)))
        talk.tell(.nodeDeleted(probe))
        talk.wait(.seconds(58))
        talk.poll(items)
        #expect(talk.planner.agents.isEmpty)
        talk.wait(.seconds(2))
        talk.poll(items)
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `while one template backs off the next that matches is tried`() {
        var talk = Talk.subscribed([.named("a") { $0.labels = ["linux"] }, .named("b") { $0.labels = ["linux"] }])
        for _ in 1...3 {
            talk.poll([.buildable(1, "linux")])
            let name = talk.offer().created[0]
            #expect(talk.planner.agents[name]?.template == "a")
            talk.tell(.nodeCreated(name, AgentSecret("x")))
            talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .error)))
            talk.tell(.nodeDeleted(name))
        }
        talk.poll([.buildable(1, "linux")])
        #expect(talk.onlyAgent?.template == "b")
    }

    @Test func `an agent that never connects is given up after its time`() {
        var talk = Talk.subscribed([.named("linux") { $0.connectTimeout = .seconds(20) }])
        let name = talk.bringUp("linux")
        let node = Computer.node(name, online: false)
        for _ in 1...39 { #expect(talk.poll([.buildable(1, "linux")], [node]).deleted.isEmpty) }
        let effects = talk.poll([.buildable(1, "linux")], [node])
        // It may connect in this very moment, and a build start on it: drained first, like any other.
        #expect(effects.drained == [name] && effects.deleted.isEmpty)
        #expect(effects.problems == ["agent \(name) on h1 did not connect in time"])
        var deleted = finish(name, &talk).deleted
        for _ in 1...4 { deleted += talk.poll([], [.node(name, drained: true)]).deleted }
        #expect(deleted == [name])
        #expect(talk.tell(.nodeDeleted(name)).killed == [TaskID(name.value)])
    }

    @Test func `a launch without any status is asked for and then given up`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.wait(.seconds(120))
        let asked = TaskReference(task: TaskID(name.value), agent: "agent-h1")
        #expect(talk.poll([.buildable(1, "linux")], [.node(name, online: false)]).contains(.reconcile([asked])))
        talk.wait(.seconds(120))
        #expect(talk.poll([.buildable(1, "linux")], [.node(name, online: false)]).drained == [name])
        talk.poll([.buildable(1, "linux")], [.node(name, online: false, drained: true)])
        #expect(talk.planner.agents.count == 2, "another is asked for")
    }

    @Test func `a task lost under a build leaves the node its grace`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .lost, cause: .infrastructure)))
        #expect(talk.poll([], [.node(name, online: false, busy: 1)]).deleted.isEmpty)
        talk.wait(.seconds(60))
        #expect(talk.poll([], [.node(name, online: false, busy: 1)]).deleted == [name])
        #expect(talk.tell(.nodeDeleted(name)).killed.isEmpty)
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a build whose task is said to be lost goes on as long as the controller hears its agent`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .lost, cause: .infrastructure)))
        for _ in 1...200 { #expect(talk.poll([], [.node(name, ["linux"], busy: 1)]).deleted.isEmpty) }
        #expect(talk.poll([], [.node(name, online: false, busy: 1)]).deleted == [name])
    }

    @Test func `a node whose creation is answered after its agent was given up is deleted`() {
        var talk = Talk.subscribed([linux])
        #expect(talk.tell(.nodeCreated("mj-linux-000000000009", AgentSecret("x"))).deleted == ["mj-linux-000000000009"])
    }

    @Test func `an unreachable task may come back within its grace`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unreachable)))
        talk.wait(.seconds(50))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .running)))
        talk.wait(.seconds(20))
        #expect(talk.poll([.buildable(3, "linux")], [.node(name, ["linux"])]).deleted.isEmpty)
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .unreachable)))
        talk.wait(.seconds(61))
        #expect(talk.poll([.buildable(3, "linux")], [.node(name, ["linux"])]).drained == [name])
    }

    @Test func `a node removed by hand takes its task along`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        #expect(talk.poll([], []).killed.isEmpty, "one poll may be wrong")
        #expect(talk.poll([], []).killed == [TaskID(name.value)])
    }

    @Test func `a node drained by an operator serves nothing and goes when it is idle`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"])])
        let drained = Computer.node(name, ["linux"], drained: true, reason: "Disconnected by admin : disk full")
        talk.poll([.buildable(2, "linux")], [drained])
        #expect(talk.planner.agents.count == 2)
        talk.wait(.seconds(60))
        let effects = talk.poll([.buildable(2, "linux")], [drained])
        #expect(effects.deleted == [name])
        #expect(effects.drained.isEmpty)
    }
}
