// What the cluster simulation found in the master, each as a short conversation.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct SimulationFindingsTests {
    @Test func `a task that its agent was just asked about is not called gone meanwhile`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.pass(.seconds(91))
        let back = talk.register(Samples.agent(id: pair.agent.value))
        #expect(talk.commands(back).contains { $0.type == .reconcileTasks })
        talk.drain()
        talk.call(pair.stream, pair.framework, .reconcile) { call in
            var task = V1SchedulerCall.Reconcile.Task()
            task.taskID.value = "t1"
            task.agentID = V1AgentID(pair.agent)
            call.reconcile.tasks = [task]
        }
        #expect(talk.statuses(pair.stream).isEmpty)
        talk.update(back, pair.framework, "t1", on: pair.agent, .taskDropped, uuid: 9)
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskDropped])
    }

    private func stored() -> RegistryState {
        var state = RegistryState()
        var agent = Samples.agent(id: "old-S0").agent
        agent.id.value = "old-S0"
        state.agents["old-S0"] = agent
        state.frameworks["old-0000"] = FrameworkRecord(info: Samples.framework(id: "old-0000"), phase: .connected)
        return state
    }

    /// A finished task whose TASK_RUNNING still waits for its acknowledgement.
    private func finishedButRunningIsPending(on agent: AgentID, of framework: FrameworkID) -> LinkTask {
        var task = Samples.heldTask(Samples.task("t1", on: agent), of: framework, .taskFinished)
        task.statusUpdateState = .taskRunning
        let status = Samples.status("t1", on: agent, .taskRunning, uuid: 1)
        task.statusUpdateUuid = status.uuid
        return task
    }

    @Test func `a new leader's reconciliation does not run ahead of updates that are still to come`() {
        var talk = MasterConversation(stored: stored())
        let task = finishedButRunningIsPending(on: "old-S0", of: "old-0000")
        talk.register(Samples.agent(id: "old-S0", tasks: [task]))
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        talk.call(stream, "old-0000", .reconcile) { $0.reconcile = .init() }
        #expect(talk.statuses(stream).map(\.state) == [.taskRunning])
    }

    @Test func `an update that came while the framework was away is what reconciliation tells`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.streamClosed(pair.stream))
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, latest: .taskFinished, uuid: 1)
        let stream = talk.subscribe(Samples.framework(id: pair.framework.value))
        talk.call(stream, pair.framework, .reconcile) { $0.reconcile = .init() }
        #expect(talk.statuses(stream).map(\.state) == [.taskRunning])
    }

    @Test func `a task that comes back with its agent is told by the update that is next`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.linkClosed(pair.link))
        talk.pass(.seconds(91))
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskUnreachable])
        talk.drain()
        let task = finishedButRunningIsPending(on: pair.agent, of: pair.framework)
        talk.register(Samples.agent(id: pair.agent.value, tasks: [task]))
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskRunning])
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `an operator's teardown is answered when the registry has it, or the next leader would not know`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.writesAtOnce = false
        let answer = talk.operate(.teardown) { $0.teardown.frameworkID = V1FrameworkID(pair.framework) }
        #expect(answer == nil)
        let effects = talk.releaseWrite()
        #expect(effects.contains { if case .answer(_, .done) = $0 { true } else { false } })
        #expect(talk.core.cluster?.frameworks.isCompleted(pair.framework) == true)
    }

    @Test func `a framework that was removed under an earlier leader is refused by the next one too`() {
        var state = stored()
        state.frameworks["old-0000"]?.phase = .removed(at: WallTime(nanoseconds: 0))
        var talk = MasterConversation(stored: state)
        let stream = talk.subscribe(Samples.framework(id: "old-0000"))
        #expect(talk.events(stream).map(\.error.message) == ["Framework has been removed"])
        #expect(talk.isClosed(stream))
    }

    @Test func `a partition-aware framework is told TASK_DROPPED by an agent that has forgotten the framework`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.agentCall(pair.link, .update) { call in
            call.update.frameworkID = V1FrameworkID(pair.framework)
            call.update.latestState = .taskLost
            call.update.status = Samples.status("t1", on: pair.agent, .taskLost, uuid: 1)
            call.update.status.source = .agent
            call.update.status.reason = .executorTerminated
        }
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskDropped])
    }

    @Test func `a task that its agent has lost leaves the books when its framework was told, acknowledged or not`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        talk.acknowledge(pair, "t1", uuid: 1)
        // Its record on the agent's disk was damaged: the agent comes back without it, and is asked.
        talk.send(.linkClosed(pair.link))
        let link = talk.register(Samples.agent(id: pair.agent.value))
        talk.agentCall(link, .update) { call in
            call.update.frameworkID = V1FrameworkID(pair.framework)
            call.update.latestState = .taskLost
            call.update.status = Samples.status("t1", on: pair.agent, .taskLost, uuid: 2)
            call.update.status.source = .agent
            call.update.status.reason = .reconciliation
            call.update.status.clearContainerStatus()
        }
        #expect(talk.statuses(pair.stream).last?.state == .taskDropped)
        #expect(talk.core.cluster?.tasks.count == 0)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `an operation that is done stays done when its agent is marked gone before it was acknowledged`() {
        var talk = MasterConversation()
        let pair = talk.pair(
            Samples.framework(capabilities: [.multiRole, .partitionAware, .reservationRefinement]), Samples.agent())
        var reserve = Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"))
        reserve.id.value = "o1"
        talk.accept([reserve], pair, refuseSeconds: 0)
        let id = talk.core.cluster?.operations[pair.framework, "o1"]?.id
        talk.agentCall(pair.link, .operationStatus) { call in
            call.operationStatus.id = id
            call.operationStatus.status.operationID.value = "o1"
            call.operationStatus.status.state = .operationFinished
            call.operationStatus.status.statusUUID = WireUUID(bytes: [UInt8](repeating: 7, count: 16))
        }
        talk.operate(.markAgentGone) { $0.markAgentGone.agentID = V1AgentID(pair.agent) }
        let told = talk.events(pair.stream).filter { $0.type == .updateOperationStatus }
        #expect(told.map(\.updateOperationStatus.status.state) == [.operationFinished, .operationFinished])
        #expect(talk.core.cluster?.operations.all.isEmpty == true)
    }

    @Test func `a filter's timer that is late is not replaced, or timers would breed for ever`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.decline(pair)
        talk.freeze(.seconds(6))
        talk.drain()
        talk.call(pair.stream, pair.framework, .reconcile) { $0.reconcile = .init() }
        let timers = talk.effects.filter { effect in
            if case .scheduleTimer(.filterExpiry, _) = effect { true } else { false }
        }
        #expect(timers.isEmpty)
        talk.pass(.zero)
        #expect(talk.offers(pair.stream).count == 1)
    }
}
