// Where the label of a queued item is read, one source after the other, and what is left unresolved.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct LabelSourceTests {
    typealias Talk = PlannerConversation

    private func step(_ id: QueueItemID, why: String?) -> QueueItem {
        QueueItem(
            id: id, phase: .buildable,
            taskClass: "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask",
            taskName: "part of p #\(id)", why: why)
    }

    private func oldJob(_ id: QueueItemID, _ job: String) -> QueueItem {
        var item = QueueItem(id: id, phase: .buildable, taskName: job, label: .absent)
        item.taskURL = "http://j/job/\(job)/"
        return item
    }

    private func reasons(_ talk: Talk) -> [String] { talk.planner.status(at: talk.now).waiting.map(\.reason) }

    private let beacons = ["a", "b"].map { suffix in
        Computer(
            name: "mj-beacon-linux-\(suffix)",
            description: NodeMarker(frameworkID: "fw-1", template: "linux", kind: .beacon).text, isOffline: true,
            isTemporarilyOffline: true, labels: ["linux"], executors: [.init(isIdle: true)], isIdle: true)
    }

    @Test(arguments: [
        ("a", 1), ("a && b", 1), ("a || x", 1), ("!x", 1), ("x -> a", 1), ("a <-> b", 1), ("\"two words\"", 1),
        ("x", 0), ("a && x", 0), ("!a", 0), ("a -> x", 0), ("a <-> x", 0), ("a &&", 0), ("(a || x) && !(b && x)", 1),
    ])
    func `the whole grammar of label expressions decides whether a template serves a build`(label: String, agents: Int)
    {
        var talk = Talk.subscribed([.named("t") { $0.labels = ["a", "b", "two words"] }])
        talk.poll([.buildable(1, label)])
        #expect(talk.planner.agents.count == agents, "\(label)")
    }

    @Test func `text that does not parse is one atom as a whole`() {
        var talk = Talk.subscribed([.named("t") { $0.labels = ["a &&"] }])
        talk.poll([.buildable(1, "a &&")])
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `flyweights ask for nothing and matrix cells are read from their reason`() {
        var talk = Talk.subscribed([.named("linux")])
        let cell = QueueItem(
            id: 1, phase: .buildable, taskClass: "hudson.matrix.MatrixConfiguration", taskName: "m/AXIS=1",
            why: "There are no nodes with the label ‘linux’", label: .none)
        let parents = ["org.jenkinsci.plugins.workflow.job.WorkflowJob", "hudson.matrix.MatrixProject"].enumerated().map
        {
            QueueItem(id: QueueItemID(10 + $0), phase: .buildable, taskClass: $1, taskName: "p")
        }
        talk.poll([cell] + parents)
        #expect(talk.planner.agents.count == 1)
        #expect(talk.planner.status(at: talk.now).waiting.map(\.item) == [1])
    }

    @Test func `a step without a label is served by a default template once the controller shows nodes`() {
        var talk = Talk.subscribed([
            .named("any") {
                $0.servesUnlabelled = true
                $0.mode = .normal
            }
        ])
        let item = step(1, why: "Waiting for next available executor")
        talk.poll([item])
        #expect(talk.planner.agents.isEmpty, "without nodes the text means nothing")
        talk.poll([item], beacons)
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `a step bound to its old node asks for no agent`() {
        var talk = Talk.subscribed([.named("linux")])
        let old = Computer.node("mj-linux-old", ["linux"], online: false)
        talk.poll([step(1, why: "‘mj-linux-old’ is offline")], beacons + [old])
        #expect(talk.planner.agents.isEmpty)
        #expect(reasons(talk) == ["waits for node mj-linux-old alone"])
        // Nor when that node is gone for good.
        talk.poll([step(2, why: "There are no nodes with the label ‘mj-linux-old’")], beacons)
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `German reasons leave a step unresolved, and freestyle jobs are served all the same`() {
        var talk = Talk.subscribed([.named("linux")])
        var job = QueueItem.buildable(2, "linux")
        job.why = "Warten auf den nächsten freien Build-Prozessor auf ‘linux’"
        talk.poll([step(1, why: "Es gibt keine Knoten mit dem Label ‘linux’"), job])
        #expect(talk.planner.agents.count == 1)
        #expect(talk.planner.status(at: talk.now).unresolvedItems == 1)
    }

    @Test func `old lines hide the label: the job's configuration is read once, by its address`() {
        var talk = Talk.subscribed([.named("linux")])
        let effects = talk.poll([oldJob(1, "x"), oldJob(2, "x")])
        #expect(effects.filter { if case .lookUpJobLabel = $0 { true } else { false } }.count == 1)
        #expect(talk.planner.agents.isEmpty)
        talk.tell(.jobLabelLookedUp(job: "http://j/job/x/", .text("linux")))
        let later = talk.poll([oldJob(1, "x"), oldJob(2, "x")])
        #expect(talk.planner.agents.count == 2)
        #expect(later.allSatisfy { if case .lookUpJobLabel = $0 { false } else { true } })
    }

    @Test func `a configuration that could not be read is asked for again when the job is queued still`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([oldJob(1, "x")])
        talk.tell(.jobLabelLookedUp(job: "http://j/job/x/", nil))
        #expect(talk.poll([oldJob(1, "x")]).contains(.lookUpJobLabel(job: "http://j/job/x/")))
    }

    @Test func `queue lengths tell how many unresolved items wait for a label`() {
        var talk = Talk.subscribed([.named("linux"), .named("windows")]) { $0.labelSource = .prometheus }
        let items = [step(1, why: nil), step(2, why: nil), step(3, why: nil), QueueItem.buildable(4, "linux")]
        var snapshot = JenkinsSnapshot(startedAt: talk.now.instant, session: "s1", items: items, computers: [])
        snapshot.labelFacts.queueLengths = ["linux": 2, "windows": 1]
        talk.tell(.polled(snapshot))
        #expect(talk.planner.agents.values.map(\.template.value).sorted() == ["linux", "linux", "windows"])
        #expect(talk.planner.status(at: talk.now).unresolvedItems == 1)
    }

    @Test func `a script tells every item's label`() {
        var talk = Talk.subscribed([.named("linux")]) { $0.labelSource = .script }
        var snapshot = JenkinsSnapshot(
            startedAt: talk.now.instant, session: "s1",
            items: [step(1, why: nil), step(2, why: nil), step(3, why: nil)],
            computers: [])
        snapshot.labelFacts.scripted = [
            1: .init(label: "linux"), 2: .init(label: nil, isFlyweight: true), 3: .init(label: "mars"),
        ]
        talk.tell(.polled(snapshot))
        #expect(talk.planner.agents.count == 1)
        #expect(reasons(talk) == ["an agent was requested", "no template serves 'mars'"])
    }

    @Test func `the metrics of the prometheus plugin are read line by line`() {
        let text = """
            # HELP default_jenkins_executors_queue_length Jenkins Executors Queue Length
            default_jenkins_executors_queue_length{label="linux&&docker",} 3.0
            default_jenkins_executors_queue_length{label="a \\"b\\"",} 1.0
            default_jenkins_executors_queue_length{other="x",label="c"} 2 1700000000
            default_jenkins_executors_idle{label="linux",} 9.0
            default_jenkins_executors_queue_length{label="broken} 4.0
            default_jenkins_executors_queue_length{label="nan"} NaN
            """
        #expect(QueueLengthMetrics.queueLengths(text) == ["linux&&docker": 3, "a \"b\"": 1, "c": 2])
    }

    @Test func `the script's lines are read and anything else between them is not`() {
        let text = "Result: ok\n12\tfalse\ttrue\ta && b\n13\ttrue\tfalse\t\n14\tfalse\tfalse\t\nx\ttrue\ttrue\tz\n"
        #expect(
            QueueScript.parse(text) == [
                12: .init(label: "a && b"), 13: .init(label: nil, isFlyweight: true), 14: .init(label: nil),
            ])
        #expect(QueueScript.text.contains("\\t") && QueueScript.text.contains("assignedLabel"))
    }

    @Test(arguments: [
        (
            "<project><assignedNode>a &amp;&amp; b</assignedNode><canRoam>false</canRoam></project>",
            QueueItem.LabelField.text("a && b")
        ),
        ("<project><assignedNode>a</assignedNode><canRoam>true</canRoam></project>", QueueItem.LabelField.none),
        ("<project><canRoam>false</canRoam></project>", nil), ("<html/>", nil),
    ])
    func `a job's configuration names its label`(xml: String, label: QueueItem.LabelField?) {
        #expect(JobConfiguration.label(xml) == label)
    }
}
