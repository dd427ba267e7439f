// When the engine counts as stalled, and what the agent and its tasks make of it.

import Logging
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct EngineHealthTests {
    @Test func `one bad look is no stall, two are, and one good look ends it`() {
        var health = EngineHealth()
        health.note(.answered)
        health.note(.silent("timed out"))
        #expect(health.stall == nil)
        #expect(health.isUncertain)
        health.note(.silent("timed out again"))
        #expect(health.stall == "timed out again")
        health.note(.absent("gone"))
        #expect(health.stall == "timed out again")
        health.note(.answered)
        #expect(health.stall == nil)
        #expect(!health.isUncertain)
    }

    @Test func `a host without an engine is no stalled one, a host whose engine went away is`() {
        var health = EngineHealth()
        for _ in 0..<5 { health.note(.absent("could not connect")) }
        #expect(health.stall == nil)
        health.note(.answered)
        for _ in 0..<2 { health.note(.absent("could not connect")) }
        #expect(health.stall == "could not connect")
    }

    @Test(.timeLimit(.minutes(1)))
    func `an engine that answers for itself and not for its networks is stalled until it does`() async throws {
        let engine = try #require(
            PlayedEngine([
                "/version": #"{"Version":"20.10","ApiVersion":"1.41","MinAPIVersion":"1.12","Components":[]}"#,
                "/_ping": "OK", "/networks": "[]",
            ]))
        engine.keepSilent(about: ["/networks"])
        var deadlines = DockerDeadlines()
        deadlines.quick = .milliseconds(200)
        let suspicion = EngineSuspicion()
        let watch = EngineWatch(
            engine: DockerEngine(socketPath: engine.path, deadlines: deadlines),
            pace: EngineWatch.Pace(whileUnwell: .milliseconds(1)), suspicion: suspicion, logger: Logger(label: "test"))
        let (stream, changes) = AsyncStream.makeStream(of: String?.self)
        var heard = stream.makeAsyncIterator()
        suspicion.note()  // A container could not be created.
        let watching = Task { await watch.run(onChange: { changes.yield($0) }, onAnswer: {}) }
        #expect(await heard.next() == "its networks: timed out")
        engine.keepSilent(about: [])
        #expect(await heard.next() == .some(nil))
        watching.cancel()
        await watching.value
    }

    @Test func `the master is told at once and with every pong, also by an agent that comes back`() {
        var talk = AgentConversation()
        talk.register()
        #expect(
            talk.happen(.engineStalled("timed out"))
                == [.send(talk.openLink, .pong(sequence: 0, stalledBecause: "timed out"))])
        #expect(talk.happen(.engineStalled("another reason")).isEmpty)
        #expect(
            talk.command(.ping(sequence: 4, connected: true)).contains(
                .send(talk.openLink, .pong(sequence: 4, stalledBecause: "another reason"))))
        talk.happen(.linkLost(talk.openLink, reason: "test"))
        talk.happen(.timerFired(.register(talk.openLink)))
        let effects = talk.command(
            .registered(
                RegistrationGrant(agent: AgentConversation.agentID, pingInterval: .seconds(15), pingMissesMax: 5)))
        #expect(effects.contains(.send(talk.openLink, .pong(sequence: 0, stalledBecause: "another reason"))))
        #expect(talk.happen(.engineStalled(nil)) == [.send(talk.openLink, .pong(sequence: 0))])
    }

    @Test func `while it is stalled, Docker tasks are refused and processes are not`() throws {
        var talk = AgentConversation()
        talk.register()
        talk.run("before", docker: true)
        talk.happen(.engineStalled("timed out"))
        let refusal = try #require(talk.launch("new", docker: true).sentUpdates.first)
        #expect(refusal.state == .taskLost)
        #expect(refusal.message == "Engine stalled: timed out")
        #expect(
            talk.launch("aware", docker: true, capabilities: [.partitionAware]).sentStates == [.taskDropped])
        #expect(talk.launch("process").words.contains("prepare"))
        #expect(talk.state("before") == .taskRunning)
        talk.happen(.engineStalled(nil))
        #expect(talk.launch("after", docker: true).words.contains("prepare"))
    }

    @Test func `the progress of a pull is told as TASK_STAGING, once, and only while it lasts`() throws {
        var talk = AgentConversation()
        talk.register()
        talk.launch("t1", docker: true)
        let container = talk.container("t1")
        let effects = talk.happen(.containerProgressed(container, "Pulling image busybox: 62 % of 120 MB"))
        #expect(effects.words == ["send TASK_STAGING"])
        let update = try #require(effects.sentUpdates.first)
        #expect(update.message == "Pulling image busybox: 62 % of 120 MB")
        talk.command(.acknowledge(AgentConversation.key("t1"), update.id))
        talk.happen(.containerPrepared(container))
        #expect(talk.happen(.containerProgressed(container, "late")).isEmpty)
        #expect(talk.disk.tasks[AgentConversation.key("t1")]?.updates.map(\.state) == [.taskStarting])
    }
}

struct PullProgressTests {
    @Test func `layers add up`() {
        var progress = PullProgress()
        #expect(progress.text == nil)
        for line in [
            #"{"status":"Pulling from app","id":"1"}"#, #"{"status":"Pulling fs layer","progressDetail":{},"id":"a"}"#,
            #"{"status":"Downloading","progressDetail":{"current":10000000,"total":80000000},"id":"a"}"#,
            #"{"status":"Downloading","progressDetail":{"current":40000000,"total":40000000},"id":"b"}"#,
        ] { progress.append(Array((line + "\r\n").utf8)) }
        #expect(progress.text == "41 % of 120 MB")
        progress.append(Array((#"{"status":"Download complete","progressDetail":{},"id":"a"}"# + "\n").utf8))
        #expect(progress.text == "100 % of 120 MB")
        #expect(progress.finish() == nil)
    }

    @Test func `numbers that cannot be change nothing`() {
        var progress = PullProgress()
        for line in [
            #"{"status":"Downloading","progressDetail":{"current":-5,"total":-1},"id":"a"}"#,
            #"{"status":"Downloading","progressDetail":{"current":1e300,"total":1e300},"id":"b"}"#,
            #"{"status":"Downloading","progressDetail":{"current":9223372036854775807,"total":9223372036854775807},"id":"c"}"#,
            #"{"status":"Downloading","progressDetail":{"current":9223372036854775807,"total":9223372036854775807},"id":"d"}"#,
        ] { progress.append(Array((line + "\n").utf8)) }
        #expect(progress.text != nil)
    }
}
