// Operators who watch: what they hear, in which order, and when their streams end.
import MesosProtocol
import Resources
import Security
import Testing

@testable import MiniMaster

struct OperatorStreamTests {
    /// The kinds of events on a stream since the last drain, with the id each is about.
    private func heard(_ talk: MasterConversation, _ stream: StreamID) -> [String] {
        talk.effects.compactMap { effect in
            switch effect {
            case .sendOperatorState(stream): "STATE"
            case .closeOperatorStream(stream, _): "CLOSED"
            case .sendOperatorEvent(let streams, let event) where streams.contains(stream): Self.text(event)
            default: nil
            }
        }
    }

    private static func text(_ event: V1OperatorEvent) -> String {
        switch event.type {
        case .heartbeat: "HEARTBEAT"
        case .taskAdded: "TASK_ADDED \(event.taskAdded.task.taskID.value)"
        case .taskUpdated: "TASK_UPDATED \(event.taskUpdated.status.taskID.value) \(event.taskUpdated.state.name)"
        case .agentAdded: "AGENT_ADDED \(event.agentAdded.agent.agentInfo.hostname)"
        case .agentRemoved: "AGENT_REMOVED"
        case .frameworkAdded: "FRAMEWORK_ADDED \(event.frameworkAdded.framework.frameworkInfo.name)"
        case .frameworkUpdated: "FRAMEWORK_UPDATED \(event.frameworkUpdated.framework.frameworkInfo.name)"
        case .frameworkRemoved: "FRAMEWORK_REMOVED \(event.frameworkRemoved.frameworkInfo.name)"
        case .subscribed, .unknown: "\(event.type)"
        }
    }

    @Test func `a watcher gets the state, then a heartbeat, and one each 15 s`() {
        var talk = MasterConversation()
        let stream = talk.watch()
        #expect(heard(talk, stream) == ["STATE", "HEARTBEAT"])
        talk.drain()
        talk.pass(.seconds(31))
        #expect(heard(talk, stream) == ["HEARTBEAT", "HEARTBEAT"])
        talk.send(.operatorStreamClosed(stream))
        talk.drain()
        talk.pass(.seconds(60))
        #expect(heard(talk, stream).isEmpty)
    }

    @Test func `a framework, an agent and a task are told from their coming to their end`() {
        var talk = MasterConversation()
        let stream = talk.watch()
        talk.drain()
        let pair = talk.pair()
        #expect(heard(talk, stream) == ["AGENT_ADDED a1.example.org", "FRAMEWORK_ADDED build"])
        let offered = talk
        talk.drain()
        let offer = offered.offers(pair.stream).last?.id
        talk.call(pair.stream, pair.framework, .accept) { call in
            if let offer { call.accept.offerIds = [offer] }
            var operation = V1Offer.Operation()
            operation.type = .launch
            operation.launch.taskInfos = [Samples.task("t1", on: pair.agent)]
            call.accept.operations = [operation]
        }
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFinished, uuid: 2)
        talk.acknowledge(pair, "t1", uuid: 2)
        #expect(
            heard(talk, stream) == [
                "TASK_ADDED t1", "TASK_UPDATED t1 TASK_RUNNING", "TASK_UPDATED t1 TASK_FINISHED",
            ])
        talk.drain()
        talk.call(pair.stream, pair.framework, .teardown)
        #expect(heard(talk, stream) == ["FRAMEWORK_REMOVED build"])
    }

    @Test func `events have the recorded keys and types`() throws {
        var talk = MasterConversation()
        let stream = talk.watch()
        let pair = talk.pair(Samples.framework(capabilities: [.multiRole]))
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        talk.subscribe(Samples.framework(id: pair.framework.value, capabilities: [.multiRole]))
        talk.send(.timerFired(.operatorHeartbeat(stream)))
        var seen: Set<String> = []
        for case .sendOperatorEvent(_, let event) in talk.effects {
            let name: String? =
                switch event.type {
                case .heartbeat: "heartbeat"
                case .taskAdded: "task-added"
                case .taskUpdated: "task-updated"
                case .frameworkAdded: "framework-added"
                default: nil
                }
            guard let name else { continue }
            seen.insert(name)
            try JSONShape.expect(MesosJSON.encode(event), hasShape: "operator-\(name)")
        }
        #expect(seen.count == 4)
    }

    @Test func `a task is never told of before its framework`() {
        var talk = MasterConversation()
        let stream = talk.watch()
        talk.drain()
        // The agent comes back with a task of a framework that this leader does not know.
        let task = Samples.heldTask(Samples.task("t1", on: "old-S1"), of: "f-old", .taskRunning)
        talk.register(
            Samples.agent(id: "old-S1", tasks: [task], frameworks: [Samples.framework("back", id: "f-old")]))
        #expect(heard(talk, stream) == ["FRAMEWORK_ADDED back", "AGENT_ADDED a1.example.org", "TASK_ADDED t1"])
    }

    @Test func `tasks of a framework whose subscription is being written wait for it`() {
        var talk = MasterConversation()
        let stream = talk.watch()
        talk.drain()
        let agent = talk.register(Samples.agent(id: "old-S1"))
        #expect(!talk.isClosed(agent))
        talk.writesAtOnce = false
        talk.subscribe(Samples.framework("slow", id: "f-slow"))
        let task = Samples.heldTask(Samples.task("t1", on: "old-S1"), of: "f-slow", .taskRunning)
        talk.drain()
        talk.register(
            Samples.agent(id: "old-S1", tasks: [task], frameworks: [Samples.framework("slow", id: "f-slow")]))
        #expect(heard(talk, stream).isEmpty)
        talk.releaseWrite()
        #expect(heard(talk, stream) == ["FRAMEWORK_ADDED slow", "TASK_ADDED t1"])
    }

    @Test func `an unreachable agent goes after the news of its tasks`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        let stream = talk.watch()
        talk.drain()
        talk.pass(.seconds(90))
        let events = heard(talk, stream).filter { $0 != "HEARTBEAT" }
        #expect(events == ["TASK_UPDATED t1 TASK_UNREACHABLE", "AGENT_REMOVED"])
    }

    @Test func `a framework that comes back is told as updated`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let stream = talk.watch()
        talk.drain()
        talk.subscribe(Samples.framework("renamed", id: pair.framework.value))
        #expect(heard(talk, stream) == ["FRAMEWORK_UPDATED renamed"])
    }

    @Test func `teardown tells the end of running tasks before that of the framework`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        let stream = talk.watch()
        talk.drain()
        talk.call(pair.stream, pair.framework, .teardown)
        #expect(heard(talk, stream) == ["TASK_UPDATED t1 TASK_KILLED", "FRAMEWORK_REMOVED build"])
    }

    @Test func `a watcher hears only of what the rules let them see`() {
        var settings = MasterSettings()
        let own: [AccessControlList.Rule] = [
            .init(subjects: .some(["ops"]), objects: .any), .init(subjects: .some(["ci"]), objects: .some(["alice"])),
            .init(subjects: .any, objects: .none),
        ]
        settings.acls = AccessControlList(rules: [.viewFrameworks: own, .viewTasks: own])
        var talk = MasterConversation(settings: settings)
        let ops = talk.watch(as: Principal("ops"))
        let ci = talk.watch(as: Principal("ci"))
        let nobody = talk.watch()
        talk.drain()
        var info = Samples.framework()
        info.user = "alice"
        let pair = talk.pair(info)
        var foreign = Samples.task("t2", on: pair.agent)
        foreign.command.user = "bob"
        talk.launch([Samples.task("t1", on: pair.agent), foreign], pair)
        talk.call(pair.stream, pair.framework, .teardown)
        let ending = ["TASK_UPDATED t1 TASK_KILLED", "TASK_UPDATED t2 TASK_KILLED", "FRAMEWORK_REMOVED build"]
        #expect(
            heard(talk, ops) == [
                "AGENT_ADDED a1.example.org", "FRAMEWORK_ADDED build", "TASK_ADDED t1", "TASK_ADDED t2",
            ] + ending)
        #expect(
            heard(talk, ci) == [
                "AGENT_ADDED a1.example.org", "FRAMEWORK_ADDED build", "TASK_ADDED t1", ending[0], ending[2],
            ])
        #expect(heard(talk, nobody) == ["AGENT_ADDED a1.example.org"])
    }

    @Test func `a watcher hears of a new agent without the resources of roles they may not see`() {
        var settings = MasterSettings()
        settings.acls = AccessControlList(rules: [
            .viewRoles: [
                .init(subjects: .some(["ops"]), objects: .any),
                .init(subjects: .any, objects: .some(["*", "dev"])), .init(subjects: .any, objects: .none),
            ]
        ])
        var talk = MasterConversation(settings: settings)
        let ops = talk.watch(as: Principal("ops"))
        let ci = talk.watch(as: Principal("ci"))
        talk.drain()
        talk.register(Samples.agent(resources: "cpus:4;mem:4096;cpus(secret):2;mem(secret):64;disk(dev):10"))
        func agents(_ stream: StreamID) -> [V1OperatorResponse.GetAgents.Agent] {
            talk.effects.compactMap { effect in
                guard case .sendOperatorEvent(let streams, let event) = effect, streams.contains(stream) else {
                    return nil
                }
                return event.type == .agentAdded ? event.agentAdded.agent : nil
            }
        }
        func roles(_ resources: [V1Resource]) -> Set<String> {
            Set(resources.map { $0.reservations.last?.role ?? "*" })
        }
        #expect(agents(ops).map { roles($0.totalResources) } == [["*", "secret", "dev"]])
        #expect(agents(ops).map { roles($0.agentInfo.resources) } == [["*", "secret", "dev"]])
        #expect(agents(ci).map { roles($0.totalResources) } == [["*", "dev"]])
        #expect(agents(ci).map { roles($0.agentInfo.resources) } == [["*", "dev"]])
        #expect(agents(ci).first?.agentInfo.hostname == "a1.example.org")
    }

    @Test func `one watcher too many costs the oldest its stream`() {
        var settings = MasterSettings()
        settings.operatorStreamsMax = 2
        var talk = MasterConversation(settings: settings)
        let first = talk.watch()
        let second = talk.watch()
        let third = talk.watch()
        #expect(heard(talk, first).last == "CLOSED")
        #expect(heard(talk, second) == ["STATE", "HEARTBEAT"])
        #expect(heard(talk, third) == ["STATE", "HEARTBEAT"])
        talk.drain()
        talk.pair()
        #expect(heard(talk, first).isEmpty)
        #expect(heard(talk, second) == heard(talk, third))
        #expect(heard(talk, second).count == 2)
    }

    @Test func `without a watcher nothing is recorded or told`() {
        var talk = MasterConversation()
        let stream = talk.watch()
        talk.send(.operatorStreamClosed(stream))
        talk.drain()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        #expect(!talk.effects.contains { if case .sendOperatorEvent = $0 { true } else { false } })
    }

    @Test func `the state's version stands still while only routine happens`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.call(pair.stream, pair.framework, .suppress)
        let offers = talk.offers(pair.stream).map(\.id)
        talk.call(pair.stream, pair.framework, .decline) { $0.decline.offerIds = offers }
        talk.watch()
        let before = talk.core.stateVersion
        talk.passAnsweringPings(.seconds(60), on: pair.link)
        #expect(talk.core.stateVersion == before)
        talk.launch([], pair)
        #expect(talk.core.stateVersion > before)
    }

    @Test func `every change a document shows is a new version`() {
        var talk = MasterConversation()
        var last = talk.core.stateVersion
        let pair = talk.pair()
        #expect(talk.core.stateVersion > last, "an agent and a framework came")
        last = talk.core.stateVersion
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        #expect(talk.core.stateVersion > last, "a task was launched")
        last = talk.core.stateVersion
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        #expect(talk.core.stateVersion > last, "a task runs")
        last = talk.core.stateVersion
        talk.pass(.seconds(100))
        #expect(talk.core.stateVersion > last, "the agent is unreachable")
        last = talk.core.stateVersion
        talk.send(.streamClosed(pair.stream))
        #expect(talk.core.stateVersion > last, "the framework is away")
    }
}

extension MasterConversation {
    /// Subscribes an operator and returns the stream.
    @discardableResult
    mutating func watch(as principal: Principal? = nil) -> StreamID {
        var call = V1OperatorCall()
        call.type = .subscribe
        watchers += 1
        let stream = StreamID("operator-\(watchers)")
        send(
            .operatorCalled(
                RequestNumber(1_000_000 + UInt64(watchers)),
                OperatorRequest(call: call, principal: principal, freshStreamID: stream)))
        return stream
    }
}
