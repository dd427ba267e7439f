// Sizes at which anything quadratic in the books would be noticed by everybody who runs the tests.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct ScaleTests {
    @Test(.timeLimit(.minutes(1))) func `ten thousand tasks come back with their agents and are reconciled`() {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework(id: "f"))
        for agent in 0..<200 {
            let id = AgentID("old-S\(agent)")
            let tasks = (0..<50).map { task in
                Samples.heldTask(
                    Samples.task("t\(agent)-\(task)", on: id, resources: "cpus:0.01;mem:1"), of: "f", .taskRunning)
            }
            talk.register(Samples.agent("a\(agent)", id: id.value, tasks: tasks), from: "10.0.0.\(agent)")
        }
        #expect(talk.core.cluster?.tasks.count == 10_000)
        talk.drain()
        talk.call(stream, "f", .reconcile) { $0.reconcile = .init() }
        #expect(talk.statuses(stream).count == 10_000)
        talk.call(stream, "f", .reconcile) { call in
            call.reconcile.tasks = (0..<10_000).map { index in
                var named = V1SchedulerCall.Reconcile.Task()
                named.taskID.value = "never-\(index)"
                return named
            }
        }
        #expect(talk.statuses(stream).count == 20_000)
    }

    @Test func `a long RECONCILE is answered in pieces, once for each task, and others are served in between`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Samples.agent(resources: "cpus:100;mem:4096"))
        let ids = (0..<2500).map { "t\($0)" }
        talk.launch(ids.map { Samples.task($0, on: pair.agent, resources: "cpus:0.01;mem:1") }, pair)
        talk.drain()
        var call = V1SchedulerCall()
        call.type = .reconcile
        call.frameworkID = V1FrameworkID(pair.framework)
        call.reconcile = .init()
        let request = SchedulerRequest(call: call, streamID: pair.stream, freshStreamID: StreamID("unused"))
        let first = talk.core.step(.schedulerCalled(RequestNumber(9999), request), at: talk.now)
        #expect(first.filter { if case .sendEvent = $0 { true } else { false } }.count == 1000)
        // Somebody else's call, and then the rest.
        #expect(talk.call(pair.stream, pair.framework, .suppress) == .accepted)
        for case .scheduleTimer(let timer, _) in first { talk.send(.timerFired(timer)) }
        #expect(talk.statuses(pair.stream).map(\.taskID.value) == Array(ids.dropFirst(1000)))
    }
}

extension ScaleTests {
    @Test(.timeLimit(.minutes(1))) func `the state in pieces is the state as a whole, and no piece is large`() throws {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework(id: "f"))
        for agent in 0..<40 {
            let id = AgentID("old-S\(agent)")
            let tasks = (0..<50).map { task in
                Samples.heldTask(
                    Samples.task("t\(agent)-\(task)", on: id, resources: "cpus:0.01;mem:1"), of: "f", .taskRunning)
            }
            talk.register(Samples.agent("a\(agent)", id: id.value, tasks: tasks), from: "10.0.0.\(agent)")
        }
        _ = stream
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/nowhere"), selfInfo: MasterConversation.info("m"),
            build: BuildInfo(), startedAt: WallTime(nanoseconds: 0))
        let documents = StateDocuments(try #require(talk.core.cluster), facts)
        var pieces = documents.statePieces()
        var whole: [UInt8] = []
        var count = 0
        while let piece = pieces.next() {
            #expect(piece.count < StatePieces.pieceBytesMin + 65_536)
            whole += piece
            count += 1
        }
        #expect(count > 1)
        #expect(whole == documents.state())
        let value = try JSONValue(parsing: whole, limits: JSONLimits(bytesMax: 64 << 20))
        guard case .object(let members) = value,
            case .array(let agents)? = members.first(where: { $0.key == "slaves" })?.value
        else { return #expect(Bool(false), "no list of agents") }
        #expect(agents.count == 40)
    }

    @Test func `an agent that names a task twice is charged for it once`() {
        var talk = MasterConversation()
        _ = talk.subscribe(Samples.framework(id: "f"))
        let running = Samples.heldTask(
            Samples.task("t", on: "old-S1", resources: "cpus:1;mem:32"), of: "f", .taskRunning)
        let finished = Samples.heldTask(
            Samples.task("t", on: "old-S1", resources: "cpus:1;mem:32"), of: "f", .taskFinished)
        talk.register(Samples.agent("a", id: "old-S1", tasks: [running, finished]), from: "10.0.0.1")
        #expect(talk.core.cluster?.tasks.count == 1)
        #expect(talk.core.cluster?.tasks.tasks(on: "old-S1").first?.isCharged == false)
    }
}
