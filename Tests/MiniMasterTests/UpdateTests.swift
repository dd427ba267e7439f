// Status updates, acknowledgements and kills: what goes where, and when a task leaves the books.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct UpdateTests {
    private func launched() -> (MasterConversation, MasterConversation.Pair, TaskKey) {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.drain()
        return (talk, pair, TaskKey(framework: pair.framework, task: "t1"))
    }

    @Test func `an update goes up as it is, its acknowledgement goes down as it is`() {
        var (talk, pair, key) = launched()
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 9)
        #expect(talk.statuses(pair.stream) == [Samples.status("t1", on: pair.agent, .taskRunning, uuid: 9)])
        #expect(talk.core.cluster?.tasks[key]?.state == .taskRunning)
        talk.acknowledge(pair, "t1", uuid: 9)
        let acknowledged = talk.commands(pair.link).first { $0.type == .acknowledge }?.acknowledge
        #expect(acknowledged.map { [UInt8]($0.uuid) } == [UInt8](repeating: 9, count: 16))
    }

    @Test func `resources come back with the first terminal state, the task leaves with its acknowledgement`() {
        var (talk, pair, key) = launched()
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFinished, uuid: 9)
        #expect(talk.core.cluster?.tasks[key]?.isCharged == false)
        #expect(talk.isBalanced(pair.agent))
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFinished, uuid: 9)
        #expect(talk.isBalanced(pair.agent))
        talk.acknowledge(pair, "t1", uuid: 9)
        #expect(talk.core.cluster?.tasks[key] == nil)
        #expect(talk.core.cluster?.frameworks[pair.framework]?.completedTasks.map(\.id) == ["t1"])
    }

    @Test func `the agent's newest state frees the resources even while an older update waits`() {
        var (talk, pair, key) = launched()
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, latest: .taskFailed, uuid: 1)
        let task = talk.core.cluster?.tasks[key]
        #expect(task?.state == .taskFailed)
        #expect(task?.isCharged == false)
        talk.acknowledge(pair, "t1", uuid: 1)
        #expect(talk.core.cluster?.tasks[key] != nil)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFailed, uuid: 2)
        talk.acknowledge(pair, "t1", uuid: 2)
        #expect(talk.core.cluster?.tasks[key] == nil)
        #expect(talk.core.counters["master/tasks_failed"] == 1)
    }

    @Test func `a terminal state is final`() {
        var (talk, pair, key) = launched()
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFinished, uuid: 1)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 2)
        #expect(talk.core.cluster?.tasks[key]?.state == .taskFinished)
        #expect(talk.statuses(pair.stream).count == 2)
    }

    @Test func `an update for a framework that is away waits for the agent to repeat it`() {
        var (talk, pair, _) = launched()
        talk.send(.streamClosed(pair.stream))
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        #expect(talk.statuses(pair.stream).isEmpty)
        let back = talk.subscribe(Samples.framework(id: pair.framework.value))
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        #expect(talk.statuses(back).count == 1)
    }

    @Test func `an update of a framework nobody knows is acknowledged by the master, and the framework shut down`() {
        var (talk, pair, _) = launched()
        talk.update(pair.link, "stranger", "t9", on: pair.agent, .taskRunning, uuid: 1)
        #expect(talk.commands(pair.link).map(\.type) == [.shutdownFramework, .acknowledge])
    }

    @Test func `an acknowledgement of something this leader never forwarded is not passed on`() {
        var (talk, pair, _) = launched()
        talk.acknowledge(pair, "t1", uuid: 5)
        #expect(talk.commands(pair.link).isEmpty)
        #expect(talk.core.counters["master/invalid_status_update_acknowledgements"] == 1)
    }

    @Test func `equal states in a row leave one entry in a task's history`() {
        var (talk, pair, key) = launched()
        for uuid: UInt8 in 1...3 {
            talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: uuid)
        }
        #expect(talk.core.cluster?.tasks[key]?.statuses.map(\.state) == [.taskRunning])
    }

    @Test func `a kill is passed to the agent with the call's own policy`() {
        var (talk, pair, key) = launched()
        talk.call(pair.stream, pair.framework, .kill) { call in
            call.kill.taskID.value = "t1"
            call.kill.killPolicy.gracePeriod.nanoseconds = 5
        }
        var policy = V1KillPolicy()
        policy.gracePeriod.nanoseconds = 5
        #expect(talk.commands(pair.link) == [.kill(key, policy: policy)])
    }

    @Test func `a kill that names another agent is ignored, one of an unknown task is reconciled`() {
        var (talk, pair, _) = launched()
        talk.call(pair.stream, pair.framework, .kill) { call in
            call.kill.taskID.value = "t1"
            call.kill.agentID.value = "elsewhere"
        }
        #expect(talk.commands(pair.link).isEmpty)
        talk.call(pair.stream, pair.framework, .kill) { $0.kill.taskID.value = "never" }
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskUnknown])
    }

    @Test func `a kill asked for while the agent is away is sent when it is back`() {
        var (talk, pair, key) = launched()
        talk.send(.linkClosed(pair.link))
        talk.call(pair.stream, pair.framework, .kill) { $0.kill.taskID.value = "t1" }
        #expect(talk.commands(pair.link).isEmpty)
        let held = Samples.heldTask(Samples.task("t1", on: pair.agent), of: pair.framework, .taskRunning)
        let back = talk.register(Samples.agent(id: pair.agent.value, tasks: [held]))
        #expect(talk.commands(back).contains(.kill(key, policy: nil)))
    }
}
