// Nodes: created, connected, drained, deleted; and what that does to what runs on them.
import Testing

@testable import PracticeJenkins

struct NodeTests {
    private func running() -> (Conversation, cookie: String) {
        var talk = Conversation()
        talk.addJob("app", label: "linux")
        let cookie = talk.addAgent("n1", labels: "linux")
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        return (talk, cookie)
    }

    @Test func `a node starts offline and is online when its agent is connected`() {
        var talk = Conversation()
        talk.addNode("n1")
        #expect(talk.controller.nodes["n1"]?.isOffline == true)
        _ = talk.connect("n1")
        #expect(talk.controller.nodes["n1"]?.isOffline == false)
    }

    @Test(arguments: ["a/b", "", "..", "a?b", "x;y", "a\nb"])
    func `a name with reserved characters is refused`(name: String) {
        var talk = Conversation()
        let reply = talk.tell(.nodeCreationRequested(NodeConfiguration(name: name)))
        #expect(reply == .refused(.unsafeName(name)))
    }

    @Test func `a name can be used once, and executors must be positive`() {
        var talk = Conversation()
        talk.addNode("n1")
        #expect(talk.tell(.nodeCreationRequested(NodeConfiguration(name: "n1"))) == .refused(.nodeExists("n1")))
        let none = NodeConfiguration(name: "n2", executorCount: 0)
        #expect(talk.tell(.nodeCreationRequested(none)) == .refused(.noExecutors("n2")))
    }

    @Test func `the secret depends on the name alone`() {
        var talk = Conversation()
        let secret = talk.controller.secret(ofNode: "n1")
        talk.addNode("n1")
        talk.tell(.nodeDeletionRequested(name: "n1"))
        talk.addNode("n1")
        #expect(talk.controller.secret(ofNode: "n1") == secret)
        #expect(talk.controller.secret(ofNode: "n2") != secret)
        #expect(secret.count == 64)
    }

    @Test func `an agent needs the node, its secret, and nobody connected before it`() {
        var talk = Conversation()
        let unknown = talk.tell(.agentConnected(name: "n1", secret: "", cookie: nil))
        #expect(unknown == .refused(.noSuchNode("n1")))
        talk.addNode("n1")
        #expect(talk.tell(.agentConnected(name: "n1", secret: "x", cookie: nil)) == .refused(.wrongSecret("n1")))
        let cookie = talk.connect("n1")
        #expect(talk.connect("n1") == "refused")
        #expect(talk.connect("n1", cookie: cookie) != "refused")
    }

    @Test func `a silent agent is lost after 30 s and its freestyle build fails`() {
        var (talk, cookie) = running()
        talk.pass(milliseconds: 29_900)
        #expect(talk.isBuilding("app"))
        talk.pass(milliseconds: 200)
        #expect(talk.result("app") == .failure)
        #expect(talk.controller.nodes["n1"]?.offlineCause?.kind == .channelTermination)
        #expect(talk.tell(.agentAsked(cookie: cookie, after: 0)) == .refused(.staleCookie))
    }

    @Test func `an agent that asks is not lost`() {
        var (talk, cookie) = running()
        for _ in 0..<10 {
            talk.pass(milliseconds: 20_000)
            _ = talk.ask(cookie)
        }
        #expect(talk.isBuilding("app"))
    }

    @Test func `a command is repeated until the agent asks for what comes after it`() {
        var (talk, cookie) = running()
        #expect(talk.ask(cookie) != nil)
        #expect(talk.ask(cookie) != nil)
        #expect(talk.ask(cookie, after: 1) == nil)
        talk.tell(.stopRequested(job: "app", number: 1))
        #expect(talk.ask(cookie, after: 1) == .abort(RunKey(job: "app", number: 1)))
    }

    @Test func `a drain keeps what runs and takes nothing new`() {
        var (talk, cookie) = running()
        talk.tell(.drainRequested(node: "n1", message: "service", user: "ann"))
        talk.tell(.drainRequested(node: "n1", message: "service", user: "ann"))
        #expect(talk.isBuilding("app"))
        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1), exitCode: 0))
        let next = talk.build("app")
        talk.pass(milliseconds: 1_000)
        #expect(talk.why(next) == "‘n1’ is offline")
        talk.tell(.drainToggleRequested(node: "n1", message: "", user: "ann"))
        talk.pass(milliseconds: 50)
        #expect(talk.isBuilding("app", 2))
    }

    @Test func `a toggle twice brings a draining node back`() {
        var talk = Conversation()
        _ = talk.addAgent("n1")
        for expected in [true, false] {
            talk.tell(.drainToggleRequested(node: "n1", message: "", user: "ann"))
            #expect(talk.controller.nodes["n1"]?.isOffline == expected)
        }
    }

    @Test func `deleting a busy node fails the freestyle build at once and tells the agent`() {
        var (talk, cookie) = running()
        talk.tell(.nodeDeletionRequested(name: "n1"))
        #expect(talk.result("app") == .failure)
        #expect(talk.controller.nodes["n1"] == nil)
        #expect(talk.woken.contains("n1"))
        #expect(talk.changes.contains(.nodeDeleted("n1", wasBusy: true)))
        #expect(talk.tell(.agentAsked(cookie: cookie, after: 0)) == .refused(.staleCookie))
        #expect(talk.tell(.nodeDeletionRequested(name: "n1")) == .refused(.noSuchNode("n1")))
    }

    @Test func `a pending item goes back to the queue when its node is deleted`() {
        var talk = Conversation()
        talk.addJob("app")
        _ = talk.addAgent("n1")
        let item = talk.build("app")
        talk.tell(.nodeDeletionRequested(name: "n1"))
        guard case .buildable = talk.state(item) else {
            Issue.record("\(String(describing: talk.state(item)))")
            return
        }
        _ = talk.addAgent("n2")
        talk.pass(milliseconds: 50)
        #expect(talk.controller.jobs["app"]?.build(1)?.nodeName == "n2")
    }

    @Test func `a build can slip onto an idle node just before its drain`() {
        var talk = Conversation()
        talk.addJob("app")
        _ = talk.addAgent("n1")
        talk.tell(.buildOnDrainArmed(job: "app"))
        talk.tell(.drainRequested(node: "n1", message: "retire", user: "ann"))
        #expect(talk.controller.nodes["n1"]?.isIdle == false)
        talk.pass(milliseconds: 50)
        #expect(talk.isBuilding("app"))
    }

    @Test func `a simulated node runs its builds by itself`() {
        var talk = Conversation()
        talk.addJob("app", label: "static")
        let configuration = NodeConfiguration(name: "s1", labels: "static")
        talk.tell(.simulatedNodeAdded(configuration, buildMilliseconds: 500))
        _ = talk.build("app")
        talk.pass(milliseconds: 549)
        #expect(talk.isBuilding("app"))
        talk.pass(milliseconds: 1)
        #expect(talk.result("app") == .success)
    }

    @Test func `fewer executors take effect when they are idle`() {
        var (talk, cookie) = running()
        talk.tell(.nodeChangeRequested(name: "n1", NodeConfiguration(name: "n1", executorCount: 3, labels: "linux")))
        #expect(talk.controller.nodes["n1"]?.executors.count == 3)
        talk.tell(.nodeChangeRequested(name: "n1", NodeConfiguration(name: "n1", executorCount: 1, labels: "linux")))
        #expect(talk.controller.nodes["n1"]?.executors.count == 1)
        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1), exitCode: 0))
        #expect(talk.controller.nodes["n1"]?.isIdle == true)
    }
}
