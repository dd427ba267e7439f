// How many agents are asked for: every waiting build counted once, what exists or comes counted first.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct DemandTests {
    typealias Talk = PlannerConversation

    private func requests(_ talk: PlannerConversation) -> Int {
        talk.planner.agents.values.count { $0.phase == .requested }
    }

    @Test func `ten queued builds ask for ten agents within one poll and never for more`() {
        var talk = Talk.subscribed([.named("linux")])
        let items = (1...10).map { QueueItem.buildable($0, "linux") }
        #expect(talk.poll(items).contains(.revive))
        #expect(talk.planner.agents.count == 10)
        talk.poll(items)
        talk.offer(cpus: 1)
        talk.poll(items)
        #expect(talk.planner.agents.count == 10)
    }

    @Test func `ten more builds during launch ask for ten more agents`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll((1...10).map { .buildable($0, "linux") })
        talk.offer(cpus: 100, mem: 100_000)
        talk.poll((1...20).map { .buildable($0, "linux") })
        #expect(talk.planner.agents.count == 20)
    }

    @Test func `a cold start with no nodes serves freestyle, unlabelled and pipeline builds`() {
        var talk = Talk.subscribed([
            .named("linux"),
            .named("any") {
                $0.servesUnlabelled = true
                $0.mode = .normal
            },
        ])
        var step = QueueItem(
            id: 3, phase: .buildable,
            taskClass: "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask",
            taskName: "part of p #3")
        step.why = "There are no nodes with the label ‘linux’"
        talk.poll([.buildable(1, "linux"), .buildable(2, nil), step])
        #expect(talk.planner.agents.values.map(\.template.value).sorted() == ["any", "linux", "linux"])
    }

    @Test func `idle executors of any owner are used before an agent is asked for`() {
        var talk = Talk.subscribed([.named("linux")])
        let foreign = Computer.node("static-1", ["linux"], of: 2, marker: nil)
        talk.poll((1...3).map { .buildable($0, "linux") }, [foreign])
        #expect(requests(talk) == 1)
    }

    @Test func `offline, drained, busy and orphaned nodes are no supply`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll(
            [.buildable(1, "linux")],
            [
                .node("n1", ["linux"], online: false, marker: nil), .node("n2", ["linux"], drained: true, marker: nil),
                .node("n3", ["linux"], busy: 1, marker: nil), .node("n4", ["linux"], marker: "fw-1"),
            ])
        #expect(requests(talk) == 1)
    }

    @Test func `only buildable items are demand`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll(
            [.waiting, .blocked, .pending].enumerated().map { index, phase in
                QueueItem(id: QueueItemID(index), phase: phase, taskName: "j", label: .text("linux"))
            })
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `flyweights and builds bound to a node ask for nothing`() {
        var talk = Talk.subscribed([.named("linux")])
        var bound = QueueItem(id: 2, phase: .buildable, taskClass: "x.PlaceholderTask", taskName: "part of p #1")
        bound.why = "‘old-node’ is offline"
        var onlyMatch = QueueItem(id: 3, phase: .buildable, taskClass: "x.PlaceholderTask", taskName: "part of p #2")
        onlyMatch.why = "Waiting for next available executor on ‘static-1’"
        talk.poll(
            [
                QueueItem(
                    id: 1, phase: .buildable, taskClass: "org.jenkinsci.plugins.workflow.job.WorkflowJob", taskName: "p"
                ),
                bound, onlyMatch,
            ], [.node("static-1", ["linux"], busy: 1, marker: nil)])
        #expect(talk.planner.agents.isEmpty)
        let reasons = talk.planner.status(at: talk.now).waiting.map(\.reason)
        #expect(reasons == ["waits for node old-node alone", "waits for node static-1 alone"])
    }

    @Test func `a label parameter overrides the job's label`() {
        var talk = Talk.subscribed([.named("linux"), .named("windows")])
        var item = QueueItem.buildable(1, "linux")
        item.labelParameter = "windows"
        talk.poll([item])
        #expect(talk.onlyAgent?.template == "windows")
    }

    @Test func `a reason in another language is unresolved and never guessed`() {
        var talk = Talk.subscribed([.named("linux")])
        var step = QueueItem(id: 1, phase: .buildable, taskClass: "x.PlaceholderTask", taskName: "part of p #1")
        step.why = "Warten auf den nächsten freien Build-Prozessor auf ‘linux’"
        talk.poll([step])
        #expect(talk.planner.agents.isEmpty)
        #expect(talk.planner.status(at: talk.now).waiting.first?.reason.hasPrefix("its label cannot be told") == true)
        // The next poll may say more.
        step.why = "There are no nodes with the label ‘linux’"
        talk.poll([step])
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `a build with few choices is not starved by one with many`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentsMax = 1 }])
        let nodes = [
            Computer.node("big", ["linux", "gpu"], marker: nil), Computer.node("small", ["linux"], marker: nil),
        ]
        talk.poll([.buildable(1, "linux"), .buildable(2, "gpu")], nodes)
        #expect(talk.planner.agents.isEmpty)
        let reasons = talk.planner.status(at: talk.now).waiting.map(\.reason)
        #expect(reasons == ["an executor on small is free", "an executor on big is free"])
    }

    @Test func `the first matching template under its cap is taken and the caps hold`() {
        var talk = Talk.subscribed([
            .named("a") {
                $0.labels = ["linux"]
                $0.agentsMax = 2
            }, .named("b") { $0.labels = ["linux"] },
        ]) { $0.agentsMax = 3 }
        talk.poll((1...5).map { .buildable($0, "linux") })
        #expect(talk.planner.agents.values.map(\.template.value).sorted() == ["a", "a", "b"])
        #expect(talk.planner.status(at: talk.now).waiting.last?.reason == "the limit of maxAgents is reached")
    }

    @Test func `an agent gets as many executors as builds wait, within its bounds`() {
        var talk = Talk.subscribed([.named("linux") { $0.executorsMax = 4 }])
        talk.poll((1...6).map { .buildable($0, "linux") })
        #expect(talk.planner.agents.values.map(\.executors).sorted() == [2, 4])
    }

    @Test func `a label nobody serves is said to be unserved`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux && gpu")])
        #expect(talk.planner.agents.isEmpty)
        #expect(talk.planner.status(at: talk.now).waiting.map(\.reason) == ["no template serves 'linux&&gpu'"])
    }

    @Test func `a request is taken back when its build is cancelled and not once it is launched`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux"), .buildable(2, "linux")])
        #expect(talk.planner.agents.count == 2)
        talk.poll([.buildable(2, "linux")])
        #expect(talk.planner.agents.count == 1)
        talk.offer()
        talk.poll([])
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `a controller that is about to shut down gets no new agents`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")], quietingDown: true)
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `an executor that was just given a build is not free`() {
        var talk = Talk.subscribed([.named("linux")])
        var node = Computer.node("static-1", ["linux"], marker: nil)
        node.isIdle = false
        talk.poll([.buildable(1, "linux")], [node])
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `two thousand builds on two hundred nodes are matched in one poll`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentsMax = 10_000 }]) { $0.agentsMax = 10_000 }
        let nodes = (0..<200).map { Computer.node(NodeName("n\($0)"), ["l\($0 % 20)", "linux"], marker: nil) }
        let items = (0..<2_000).map { QueueItem.buildable(QueueItemID($0), "linux && (l\($0 % 40) || !x)") }
        let clock = ContinuousClock()
        let elapsed = clock.measure { talk.poll(items, nodes) }
        #expect(talk.planner.agents.count == 2_000 - 200)
        // A debug build on a busy machine; the order of growth is what matters.
        #expect(elapsed < .seconds(5), "\(elapsed)")
    }
}
