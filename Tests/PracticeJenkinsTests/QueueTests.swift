// An item's way through the queue.
import Testing

@testable import PracticeJenkins

struct QueueTests {
    @Test func `an item waits, becomes buildable, is pending with an executor, and leaves as a build`() throws {
        var talk = Conversation()
        talk.addJob("app", label: "linux")
        let item = talk.build("app", delay: 300)
        #expect(talk.state(item) == .waiting(until: talk.now.advanced(byMilliseconds: 300)))

        talk.pass(milliseconds: 300)
        #expect(talk.state(item) == .buildable(since: talk.now))

        let cookie = talk.addAgent("n1", labels: "linux")
        guard case .pending(_, "n1", 0, _) = talk.state(item) else {
            Issue.record("not pending: \(String(describing: talk.state(item)))")
            return
        }
        let node = try #require(talk.controller.nodes["n1"])
        #expect(!node.isIdle)
        #expect(talk.controller.jobs["app"]?.builds.isEmpty == true)

        talk.pass(milliseconds: 50)
        #expect(talk.state(item) == .left(at: talk.now, build: 1))
        guard case .run(RunKey(job: "app", number: 1), let script) = talk.ask(cookie) else {
            Issue.record("the agent got no build")
            return
        }
        #expect(script.hasSuffix("make\n"))

        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1), exitCode: 0))
        #expect(talk.result("app") == .success)
        #expect(talk.controller.nodes["n1"]?.isIdle == true)
    }

    @Test func `a second request joins the item that waits already`() {
        var talk = Conversation()
        talk.addJob("app")
        let first = talk.build("app", delay: 1_000)
        #expect(talk.build("app", delay: 1_000) == first)
        talk.pass(milliseconds: 2_000)
        #expect(talk.build("app") == first)
    }

    @Test func `a job that is not concurrent is blocked by its own build, and goes on after it`() {
        var talk = Conversation()
        talk.addJob("app")
        let cookie = talk.addAgent("n1", executors: 2)
        _ = talk.build("app")
        talk.pass(milliseconds: 100)
        let second = talk.build("app")
        #expect(talk.state(second) == .blocked(since: talk.now))
        #expect(talk.why(second) == "Build #1 is already in progress (ETA: N/A)")

        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1), exitCode: 0))
        talk.pass(milliseconds: 50)
        #expect(talk.isBuilding("app", 2))
    }

    @Test func `a concurrent job runs twice at once`() {
        var talk = Conversation()
        talk.addJob("app", concurrent: true)
        _ = talk.addAgent("n1", executors: 2)
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        #expect(talk.isBuilding("app", 1) && talk.isBuilding("app", 2))
    }

    @Test(arguments: ["waiting", "blocked", "buildable"])
    func `an item can be cancelled as long as it has no executor`(state: String) {
        var talk = Conversation()
        talk.addJob("app")
        if state == "blocked" {
            _ = talk.addAgent("n1")
            _ = talk.build("app")
            talk.pass(milliseconds: 100)
        }
        let item = talk.build("app", delay: state == "waiting" ? 10_000 : 0)
        #expect(talk.tell(.cancelRequested(item: item)) == .done)
        #expect(talk.state(item) == .left(at: talk.now, build: nil))
        #expect(talk.tell(.cancelRequested(item: item)) == .refused(.itemNotCancellable(item)))
    }

    @Test func `an item with an executor is not cancelled, and one nobody knows is not found`() {
        var talk = Conversation()
        talk.addJob("app")
        _ = talk.addAgent("n1")
        let item = talk.build("app")
        #expect(talk.tell(.cancelRequested(item: item)) == .refused(.itemNotCancellable(item)))
        #expect(talk.tell(.cancelRequested(item: 99)) == .refused(.noSuchItem(99)))
    }

    @Test func `what left the queue can be asked for during five minutes`() {
        var talk = Conversation()
        talk.addJob("app")
        let item = talk.build("app", delay: 10_000)
        talk.tell(.cancelRequested(item: item))
        talk.pass(milliseconds: 299_000)
        #expect(talk.controller.queue.item(item) != nil)
        talk.pass(milliseconds: 2_000)
        #expect(talk.controller.queue.item(item) == nil)
    }

    @Test func `items are listed waiting, blocked, then buildable with the oldest last`() {
        var talk = Conversation()
        for name in ["a", "b", "c"] { talk.addJob(name, label: "none") }
        let (a, b) = (talk.build("a"), talk.build("b"))
        let c = talk.build("c", delay: 10_000)
        #expect(talk.controller.queue.listed.map(\.id) == [c, b, a])
    }

    @Test func `a controller that quiets down starts nothing`() {
        var talk = Conversation()
        talk.addJob("app")
        talk.tell(.quietDownSwitched(true))
        _ = talk.addAgent("n1")
        let item = talk.build("app", delay: 10)
        talk.pass(milliseconds: 1_000)
        #expect(talk.controller.nodes["n1"]?.isIdle == true)
        talk.tell(.quietDownSwitched(false))
        talk.pass(milliseconds: 50)
        #expect(talk.state(item) == .left(at: talk.now, build: 1))
    }

    @Test func `a disabled job is not built`() {
        var talk = Conversation()
        talk.addJob("app")
        talk.tell(.jobSwitchRequested(name: "app", enabled: false))
        #expect(talk.tell(.buildRequested(BuildRequest(job: "app", user: "ann"))) == .refused(.jobDisabled("app")))
    }

    @Test func `an item without label takes a normal node only`() {
        var talk = Conversation()
        talk.addNode("picky", mode: .exclusive)
        _ = talk.connect("picky")
        talk.addJob("app")
        let item = talk.build("app")
        #expect(talk.why(item) == "‘picky’ is reserved for jobs with matching label expression")
        _ = talk.addAgent("open")
        talk.pass(milliseconds: 50)
        #expect(talk.controller.jobs["app"]?.build(1)?.nodeName == "open")
    }

    @Test func `a label parameter decides instead of the job's label`() {
        var talk = Conversation()
        var configuration = JobConfiguration(kind: .freestyle(commands: []), label: "linux", xml: "")
        configuration.parameters = [ParameterDefinition(kind: .label, name: "WHERE", defaultValue: "linux")]
        talk.tell(.jobCreationRequested(name: "app", configuration))
        _ = talk.addAgent("mac", labels: "macos")
        var request = BuildRequest(job: "app", delayMilliseconds: 0, user: "ann")
        request.values = ["WHERE": "macos", "UNKNOWN": "x"]
        talk.tell(.buildRequested(request))
        talk.pass(milliseconds: 50)
        #expect(talk.controller.jobs["app"]?.build(1)?.nodeName == "mac")
        #expect(talk.controller.jobs["app"]?.build(1)?.parameters.map(\.name) == ["WHERE"])
    }

    @Test func `many items and many nodes are matched in one step`() {
        var talk = Conversation()
        for index in 0..<400 {
            talk.addJob("job\(index)", label: "label\(index % 20)")
            _ = talk.build("job\(index)")
        }
        for index in 0..<80 { _ = talk.addAgent("node\(index)", labels: "label\(index % 20)") }
        talk.pass(milliseconds: 50)
        #expect(talk.controller.building.count == 80)
        #expect(talk.controller.queue.items.count == 320)
    }
}
