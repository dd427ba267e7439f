// Builds: output, results, abort, restart, and pipelines.
import Testing

@testable import PracticeJenkins

struct BuildTests {
    private let key = RunKey(job: "app", number: 1)

    private func running(executors: Int = 1) -> (Conversation, cookie: String) {
        var talk = Conversation()
        talk.addJob("app")
        let cookie = talk.addAgent("n1", executors: executors)
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        return (talk, cookie)
    }

    @Test func `an agent that asks at the very moment its build is due gets it`() {
        var talk = Conversation()
        talk.addJob("app")
        let cookie = talk.addAgent("n1")
        _ = talk.build("app")
        // Fifty milliseconds later the build starts, and the agent's question is what the controller notices first.
        talk.now = talk.now.advanced(byMilliseconds: 50)
        #expect(talk.ask(cookie) != nil)
        #expect(talk.isBuilding("app"))
    }

    @Test func `output that is reported twice appears once`() {
        var (talk, cookie) = running()
        talk.tell(.agentLogged(cookie: cookie, key, offset: 0, Array("one\n".utf8)))
        talk.tell(.agentLogged(cookie: cookie, key, offset: 0, Array("one\n".utf8)))
        talk.tell(.agentLogged(cookie: cookie, key, offset: 2, Array("e\ntwo\n".utf8)))
        #expect(talk.console("app").hasSuffix("one\ntwo\n"))
    }

    @Test func `a command that fails fails the build`() {
        var (talk, cookie) = running()
        talk.tell(.agentFinished(cookie: cookie, key, exitCode: 3))
        #expect(talk.result("app") == .failure)
        #expect(talk.console("app").hasSuffix("(exit code 3)\nFinished: FAILURE\n"))
    }

    @Test func `an aborted build ends when its agent reports`() {
        var (talk, cookie) = running()
        talk.tell(.stopRequested(job: "app", number: 1))
        #expect(talk.isBuilding("app"))
        #expect(talk.ask(cookie, after: 1) == .abort(key))
        talk.tell(.agentFinished(cookie: cookie, key, exitCode: 143))
        #expect(talk.result("app") == .aborted)
    }

    @Test func `an aborted build ends with its agent's connection`() {
        var (talk, _) = running()
        talk.tell(.stopRequested(job: "app", number: 1))
        talk.tell(.channelDropped(node: "n1"))
        #expect(talk.result("app") == .aborted)
    }

    @Test func `a late report of an ended build changes nothing`() {
        var (talk, cookie) = running()
        talk.tell(.agentFinished(cookie: cookie, key, exitCode: 0))
        let console = talk.console("app")
        talk.tell(.agentFinished(cookie: cookie, key, exitCode: 1))
        talk.tell(.agentLogged(cookie: cookie, key, offset: 0, Array("late".utf8)))
        #expect(talk.result("app") == .success)
        #expect(talk.console("app") == console)
    }

    @Test func `reports of builds that never were are ignored`() {
        var (talk, cookie) = running()
        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 77), exitCode: 0))
        talk.tell(.agentLogged(cookie: cookie, RunKey(job: "nobody", number: -3), offset: -5, [1]))
        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1, step: 9), exitCode: 0))
        #expect(talk.isBuilding("app"))
    }

    @Test func `a restart loses running freestyle builds and keeps nodes, jobs and queue`() {
        var (talk, cookie) = running()
        talk.addJob("held", label: "elsewhere")
        let held = talk.build("held")
        talk.tell(.restarted)
        #expect(talk.result("app") == .failure)
        #expect(talk.controller.nodes["n1"]?.isConnected == false)
        #expect(talk.controller.queue.items.map(\.id) == [held])
        #expect(talk.connect("n1", cookie: cookie) != "refused")
    }

    @Test func `deleting a job stops its builds and cancels its items`() {
        var (talk, cookie) = running()
        let queued = talk.build("app")
        talk.tell(.jobDeletionRequested(name: "app"))
        #expect(talk.controller.jobs["app"] == nil)
        #expect(talk.controller.building.isEmpty)
        #expect(talk.state(queued) == .left(at: talk.now, build: nil))
        #expect(talk.ask(cookie, after: 1) == .abort(key))
        #expect(talk.controller.nodes["n1"]?.isIdle == true)
    }

    @Test func `the console is bounded`() {
        var log = ConsoleLog()
        log.append([UInt8](repeating: 65, count: ConsoleLog.bytesMax))
        log.append(line: "more")
        #expect(log.bytes.count == ConsoleLog.bytesMax)
        #expect(log.droppedBytes == 5)
    }

    @Test func `parameters reach the script quoted`() throws {
        var talk = Conversation()
        var configuration = JobConfiguration(kind: .freestyle(commands: ["true"]), xml: "")
        configuration.parameters = ["WHAT", "bad name"].map { .init(kind: .string, name: $0, defaultValue: "it's") }
        talk.tell(.jobCreationRequested(name: "app", configuration))
        let cookie = talk.addAgent("n1")
        talk.tell(.buildRequested(BuildRequest(job: "app", delayMilliseconds: 0, user: "ann")))
        talk.pass(milliseconds: 50)
        guard case .run(_, let script) = talk.ask(cookie) else {
            Issue.record("no script")
            return
        }
        #expect(script.contains(#"export WHAT='it'\''s'"#))
        #expect(!script.contains("bad name"))
    }
}

struct PipelineTests {
    private func pipeline(_ stages: [[String]]) -> Conversation {
        var talk = Conversation()
        talk.addPipeline(
            "flow", stages: stages.map { $0.map { PipelineStep(label: $0, command: "make \($0)", seconds: 0) } })
        return talk
    }

    private func key(_ step: Int) -> RunKey { RunKey(job: "flow", number: 1, step: step) }

    @Test func `the run needs no executor and its steps queue without a label field of their own`() {
        var talk = pipeline([["linux"]])
        let item = talk.build("flow")
        #expect(talk.state(item) == .left(at: talk.now, build: 1))
        #expect(talk.isBuilding("flow"))
        #expect(talk.controller.queue.items.map(\.task) == [.step(key(0))])
        #expect(talk.controller.queue.items.map(\.label) == ["linux"])
    }

    @Test func `stages run one after the other and their steps side by side`() {
        var talk = pipeline([["linux", "linux"], ["linux"]])
        let cookie = talk.addAgent("n1", labels: "linux", executors: 2)
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        #expect(talk.controller.nodes["n1"]?.executors == [.run(key(0)), .run(key(1))])
        talk.tell(.agentFinished(cookie: cookie, key(0), exitCode: 0))
        #expect(talk.controller.queue.items.isEmpty)
        talk.tell(.agentFinished(cookie: cookie, key(1), exitCode: 0))
        talk.pass(milliseconds: 50)
        #expect(talk.controller.nodes["n1"]?.executors.contains(.run(key(2))) == true)
        talk.tell(.agentFinished(cookie: cookie, key(2), exitCode: 0))
        #expect(talk.result("flow") == .success)
    }

    @Test func `a failed step ends the pipeline`() {
        var talk = pipeline([["linux"], ["linux"]])
        let cookie = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        talk.tell(.agentFinished(cookie: cookie, key(0), exitCode: 1))
        #expect(talk.result("flow") == .failure)
        #expect(talk.controller.queue.items.isEmpty)
    }

    @Test func `a step outlives its deleted node for a while and then fails`() {
        var talk = pipeline([["linux"]])
        _ = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        talk.tell(.nodeDeletionRequested(name: "n1"))
        talk.pass(milliseconds: 299_000)
        #expect(talk.isBuilding("flow"))
        talk.pass(milliseconds: 2_000)
        #expect(talk.result("flow") == .failure)
        #expect(talk.console("flow").contains("Agent was removed"))
    }

    @Test func `a step goes on when its agent comes back`() {
        var talk = pipeline([["linux"]])
        _ = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        talk.tell(.channelDropped(node: "n1"))
        let cookie = talk.connect("n1")
        guard case .run(key(0), _) = talk.ask(cookie) else {
            Issue.record("the step was not sent again")
            return
        }
        talk.tell(.agentFinished(cookie: cookie, key(0), exitCode: 0))
        #expect(talk.result("flow") == .success)
    }

    @Test func `after a restart an unfinished step waits for its own node by name`() {
        var talk = pipeline([["linux"]])
        let cookie = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        talk.tell(.restarted)
        let item = talk.controller.queue.items.first
        #expect(item?.label == "n1")
        #expect(item.flatMap { talk.why($0.id) } == "‘n1’ is offline")

        _ = talk.addAgent("n2", labels: "linux")
        talk.pass(milliseconds: 1_000)
        #expect(talk.controller.nodes["n2"]?.isIdle == true)
        let again = talk.connect("n1", cookie: cookie)
        talk.pass(milliseconds: 50)
        talk.tell(.agentFinished(cookie: again, key(0), exitCode: 0))
        #expect(talk.result("flow") == .success)
    }

    @Test func `stopping a pipeline cancels queued steps and aborts running ones`() {
        var talk = pipeline([["linux", "nowhere"]])
        let cookie = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 50)
        talk.tell(.stopRequested(job: "flow", number: 1))
        #expect(talk.controller.queue.items.isEmpty)
        #expect(talk.ask(cookie, after: 1) == .abort(key(0)))
        talk.tell(.agentFinished(cookie: cookie, key(0), exitCode: 143))
        #expect(talk.result("flow") == .aborted)
    }

    @Test func `a pipeline without steps succeeds at once`() {
        var talk = pipeline([])
        _ = talk.build("flow")
        talk.pass(milliseconds: 1)
        #expect(talk.result("flow") == .success)
    }
}
