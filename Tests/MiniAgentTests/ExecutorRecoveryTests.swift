// What becomes of executors and their tasks when their agent ends and comes back.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct ExecutorRecoveryTests {
    private func running(_ capabilities: [V1FrameworkInfo.Capability.TypeEnum] = []) -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        agent.runHosted("t1", for: AgentConversation.checkpointing(capabilities))
        return agent
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var steps: Set<ExecutorStep>
        var checkpoints = true
        var containers: Observation
        var fate: RecoveryPlan.ExecutorFate
        var testDescription: String { "\(steps.sorted { $0.rawValue < $1.rawValue }) \(containers) -> \(fate)" }
    }

    private static func found(_ condition: ObservedContainer.Condition) -> Observation {
        .found([ObservedContainer(id: ContainerID("c1"), condition: condition)])
    }

    static let table: [Row] = [
        Row(steps: [], containers: .found([]), fate: .relaunch),
        Row(steps: [], containers: .unavailable, fate: .relaunch),
        Row(steps: [.starting], containers: .found([]), fate: .vanished),
        Row(steps: [.starting], containers: found(.created), fate: .vanished),
        Row(steps: [.starting], containers: found(.running), fate: .reattach),
        Row(steps: [.starting], containers: found(.exited), fate: .reattach),
        Row(steps: [.starting], containers: .unavailable, fate: .reattach),
        Row(steps: [.starting, .subscribed], containers: found(.running), fate: .reattach),
        Row(steps: [.starting], checkpoints: false, containers: found(.running), fate: .unwanted),
        Row(steps: [.starting], checkpoints: false, containers: .unavailable, fate: .unwanted),
        Row(steps: [.starting], checkpoints: false, containers: .found([]), fate: .vanished),
    ]

    @Test(arguments: table) func `what is on disk and what is found decide an executor's fate`(_ row: Row) {
        var checkpoint = AgentCheckpoint()
        var framework = AgentConversation.frameworkInfo()
        framework.checkpoint = row.checkpoints
        checkpoint.apply(.framework(framework))
        let record = ExecutorRecord(
            key: AgentConversation.executor, info: AgentConversation.executorInfo(), container: ContainerID("c1"),
            containerizer: .process, resources: [])
        checkpoint.apply(.executor(record))
        for step in row.steps { checkpoint.apply(.executorStep(record.key, record.container, step)) }
        let plan = planRecovery(checkpoint: checkpoint, containers: .found([]), supervisors: row.containers)
        #expect(plan.executors.map(\.fate) == [row.fate])
        #expect(plan.orphans.isEmpty)
    }

    @Test func `an executor comes back with its task, and nobody notices`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.acknowledgeHosted("t1")
        agent.restart(finding: .running)
        #expect(agent.effects.words == ["reattach"])
        agent.register()
        #expect(agent.subscribe(1, tasks: []).told.map(\.word) == ["SUBSCRIBED"])
        #expect(agent.missDeadline().words == [])
        #expect(
            agent.say("t1", .taskFinished, 2).words == [
                "write TASK_FINISHED", "tell ACKNOWLEDGED t1", "send TASK_FINISHED",
            ])
        agent.acknowledgeHosted("t1")
        #expect(agent.core.executors[AgentConversation.executor]?.tasks.isEmpty == true)
    }

    @Test func `an executor that has nothing to do just now is kept over a restart`() {
        var agent = running()
        agent.say("t1", .taskFinished)
        agent.acknowledgeHosted("t1")
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED"])
        #expect(agent.launchHosted("t2").told.map(\.word) == ["LAUNCH t2"])
    }

    @Test func `an executor that does not come back is ended, and its task is gone`() throws {
        for (capabilities, state) in [([], .taskLost), ([.partitionAware], .taskGone)]
            as [([V1FrameworkInfo.Capability.TypeEnum], V1TaskState)]
        {
            var agent = running(capabilities)
            agent.say("t1", .taskRunning)
            agent.restart(finding: .running)
            #expect(
                agent.effects.contains(
                    .schedule(.executorDeadline(agent.executorContainer, attempt: 1), after: .seconds(15))))
            agent.register()
            agent.acknowledgeHosted("t1")
            #expect(agent.missDeadline().words == ["kill container"])
            let end = agent.happen(
                .containerExited(agent.executorContainer, .signaled(signal: 9, coreDumped: false)))
            let update = try #require(end.sentUpdates.first)
            #expect(update.state == state)
            #expect(update.reason == .executorReregistrationTimeout)
            #expect(update.message == "Executor did not reregister within 15secs")
        }
    }

    @Test func `an executor that had not subscribed has its whole time again, and then gets its task`() {
        var agent = AgentConversation()
        agent.register()
        agent.launchHosted("t1")
        agent.startExecutor()
        agent.restart(finding: .running)
        #expect(
            agent.effects.contains(
                .schedule(.executorDeadline(agent.executorContainer, attempt: 1), after: .seconds(60))))
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH t1"])
    }

    @Test func `an executor that was not started is started after the restart`() {
        var agent = AgentConversation()
        agent.register()
        agent.launchHosted("t1")
        agent.restart(finding: nil)
        #expect(agent.effects.words == ["prepare"])
        agent.register()
        #expect(agent.startExecutor().words == ["write starting", "start"])
        #expect(
            agent.subscribe().words == [
                "write subscribed", "tell SUBSCRIBED", "write delivery", "tell LAUNCH t1",
            ])
    }

    @Test func `a task that was lost on its way to the executor is dropped, and one it holds is not`() throws {
        for (capabilities, state) in [([], .taskLost), ([.partitionAware], .taskDropped)]
            as [([V1FrameworkInfo.Capability.TypeEnum], V1TaskState)]
        {
            var agent = running(capabilities)
            agent.launchHosted("t2", for: AgentConversation.checkpointing(capabilities))
            agent.restart(finding: .running)
            agent.register()
            let effects = agent.subscribe(1, tasks: ["t2"])
            #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
            let update = try #require(effects.sentUpdates.first)
            #expect(effects.sentStates == [state])
            #expect(update.key == AgentConversation.key("t1"))
            #expect(update.source == .agent && update.reason == .agentRestarted)
            #expect(update.message == "Task launched during agent restart")
            #expect(agent.say("t2", .taskRunning, 1).sentStates == [.taskRunning])
        }
    }

    @Test func `a task that came while its executor was away is given to it after a restart`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "broken"))
        #expect(agent.launchHosted("t2").told.isEmpty)
        agent.restart(finding: .running)
        agent.register()
        let effects = agent.subscribe()
        #expect(effects.told.map(\.word) == ["SUBSCRIBED", "LAUNCH t2"])
        #expect(effects.sentUpdates.isEmpty)
        #expect(agent.say("t2", .taskRunning, 2).sentStates == [.taskRunning])
    }

    @Test func `a task is given to an executor that did not come back between two restarts`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.launchHosted("t2").told.isEmpty)
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH t2"])
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe(1, tasks: ["t2"]).told.map(\.word) == ["SUBSCRIBED"])
    }

    @Test func `the first task of an executor is given to it although the agent ended when it subscribed`() {
        var agent = AgentConversation()
        agent.register()
        agent.launchHosted("t1")
        agent.startExecutor()
        agent.holdsDisk = true
        agent.subscribe()
        agent.holdsDisk = false
        for write in agent.heldWrites { agent.disk.apply(write) }
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH t1"])
    }

    @Test func `a task that may be under way when the agent ends is not given again, and ends`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.holdsDisk = true
        agent.launchHosted("t2")
        agent.flush()
        #expect(agent.effects.told.last?.word == "LAUNCH t2")
        agent.restart(finding: .running)
        agent.register()
        let effects = agent.subscribe()
        #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
        #expect(effects.sentStates == [.taskLost])
    }

    @Test func `a task whose executor goes away while that it is given is written down is given when it is back`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.launchHosted("t2", onDisk: 1)
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "broken"))
        #expect(agent.flush().told.isEmpty)
        let effects = agent.subscribe(2)
        #expect(effects.words == ["write subscribed", "tell SUBSCRIBED", "tell LAUNCH t2"])
    }

    @Test func `a task that is killed while that it is given is written down is not given`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.launchHosted("t2", onDisk: 1)
        agent.command(.killTask(AgentConversation.key("t2"), grace: nil))
        #expect(agent.flush().told.isEmpty)
        #expect(agent.hostedState("t2") == .taskKilled)
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED"])
        #expect(agent.hostedState("t2") == .taskKilled)
    }

    @Test func `a task that its executor says it has is not given to it, whatever the disk says`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.restart(finding: .running)
        agent.register()
        agent.launchHosted("t2")
        let effects = agent.subscribe(1, tasks: ["t2"])
        #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
        #expect(effects.sentUpdates.isEmpty)
        #expect(agent.say("t2", .taskRunning, 2).sentStates == [.taskRunning])
    }

    // MARK: Earlier agents, which do not note what they give

    @Test func `a task of which no agent noted whether it was given is not given again, and ends`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "broken"))
        agent.launchHosted("t2")
        agent.disk.tasks[AgentConversation.key("t2")]?.delivery = nil
        agent.restart(finding: .running)
        agent.register()
        let effects = agent.subscribe()
        #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
        #expect(effects.sentStates == [.taskLost])
    }

    @Test func `a task that waits and was killed under an earlier agent ends at once`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "broken"))
        agent.launchHosted("t2")
        agent.disk.apply(.kill(AgentConversation.key("t2"), agent.executorContainer, KillOrder(grace: .seconds(1))))
        agent.restart(finding: .running)
        #expect(agent.hostedState("t2") == .taskKilled)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED"])
    }

    @Test func `that a task waits is not noted before that its executor has subscribed`() {
        var agent = AgentConversation()
        agent.register()
        agent.launchHosted("t1")
        agent.startExecutor()
        agent.holdsDisk = true
        agent.subscribe()
        agent.launchHosted("t2")
        #expect(agent.heldWrites.map { [AgentEffect.checkpoint($0)].words } == [["write subscribed"], ["write task"]])
        for write in agent.heldWrites { agent.disk.apply(write) }
        #expect(agent.disk.tasks.values.allSatisfy { $0.delivery == .awaited })
        agent.heldWrites = []
        var other = AgentConversation()
        other.register()
        other.launchHosted("t1")
        #expect(other.disk.tasks.values.map(\.delivery) == [nil])
    }

    // MARK: What an executor says

    @Test func `an executor that never says what it has is given no task twice`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.launchHosted("t2")
        #expect(agent.subscribe(2).told.map(\.word) == ["SUBSCRIBED"])
        #expect(agent.effects.sentStates.last == .taskLost)
        #expect(agent.subscribe(3).told.map(\.word) == ["SUBSCRIBED"])
    }

    @Test func `a dropped task of which its executor speaks after all is killed, and stays dropped`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.launchHosted("t2")
        agent.subscribe(2)
        for (number, state) in [(3, .taskStarting), (4, .taskRunning)] as [(UInt8, V1TaskState)] {
            let effects = agent.say("t2", state, number)
            #expect(effects.told.map(\.word) == ["ACKNOWLEDGED t2", "KILL t2"])
            #expect(effects.sentUpdates.isEmpty)
            agent.acknowledgeHosted("t2")
        }
        #expect(agent.say("t2", .taskKilled, 5).told.map(\.word) == ["ACKNOWLEDGED t2"])
        #expect(agent.effects.sentUpdates.filter { $0.key == AgentConversation.key("t2") }.map(\.state) == [.taskLost])
        #expect(agent.hostedState("t1") == .taskRunning)
    }

    @Test func `an executor that has a task which it did not name is not left with it`() {
        var agent = running()
        let effects = agent.subscribe(2)
        #expect(effects.sentStates == [.taskLost])
        #expect(effects.told.map(\.word) == ["SHUTDOWN"])
        var other = running()
        #expect(other.subscribe(2, tasks: ["t1"]).told.map(\.word) == ["SUBSCRIBED"])
        #expect(other.effects.sentUpdates.isEmpty)
    }

    @Test func `an executor whose only task was killed on its way to it is not needed, nor after one more restart`() {
        var agent = running()
        agent.restart(finding: .running)
        agent.register()
        agent.command(.killTask(AgentConversation.key("t1"), grace: nil))
        let effects = agent.subscribe()
        #expect(effects.sentStates == [.taskKilled])
        #expect(effects.sentUpdates.first?.reason == .taskKilledDuringLaunch)
        #expect(agent.effects.told.map(\.word).last == "SHUTDOWN")
        agent.acknowledgeHosted("t1")
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.effects.sentUpdates.isEmpty)
        #expect(agent.subscribe().told.map(\.word) == ["SHUTDOWN"])
        agent.happen(.containerExited(agent.executorContainer, .exited(status: 0)))
        #expect(agent.core.executors.isEmpty && agent.core.hosts.isEmpty)
        #expect(agent.disk.executors.isEmpty && agent.disk.tasks.isEmpty)
    }

    @Test func `updates that were not acknowledged are taken with the subscription, once`() {
        var agent = running()
        agent.say("t1", .taskRunning, 1)
        agent.restart(finding: .running)
        agent.register()
        let effects = agent.subscribe(
            1,
            updates: [
                AgentConversation.status("t1", .taskRunning, 1), AgentConversation.status("t1", .taskFinished, 2),
            ])
        #expect(effects.told.map(\.word) == ["SUBSCRIBED", "ACKNOWLEDGED t1", "ACKNOWLEDGED t1"])
        agent.acknowledgeHosted("t1")
        #expect(agent.disk.tasks.isEmpty)
        #expect(agent.effects.sentUpdates.filter { $0.state == .taskRunning }.allSatisfy { $0.id.bytes[0] == 1 })
        #expect(agent.effects.sentStates.contains(.taskFinished))
    }

    @Test func `an executor without checkpointing is ended after a restart, and its tasks are lost`() throws {
        var agent = AgentConversation()
        agent.register()
        agent.runHosted("t1", for: AgentConversation.frameworkInfo())
        agent.say("t1", .taskRunning)
        agent.restart(finding: .running)
        #expect(agent.effects.words == ["reattach", "kill container"])
        agent.register()
        agent.acknowledgeHosted("t1")
        let end = agent.happen(
            .containerExited(agent.executorContainer, .signaled(signal: 9, coreDumped: false)))
        #expect(end.sentStates == [.taskLost])
        #expect(try #require(end.sentUpdates.first).reason == .agentRestarted)
    }

    @Test func `an executor whose container is gone ends its tasks after a restart`() throws {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.acknowledgeHosted("t1")
        agent.restart(finding: nil)
        agent.register()
        let update = try #require(agent.effects.sentUpdates.last)
        #expect(update.state == .taskFailed)
        #expect(update.reason == .executorTerminated)
        #expect(update.message == "Abnormal executor termination: unknown container")
        agent.acknowledgeHosted("t1")
        #expect(agent.disk.executors.isEmpty && agent.disk.tasks.isEmpty)
    }

    @Test func `an end that was on disk is not told a second time in other words`() {
        var agent = running()
        agent.say("t1", .taskFinished)
        agent.restart(finding: .exited)
        agent.register()
        agent.happen(.containerExited(agent.executorContainer, .exited(status: 0)))
        agent.acknowledgeHosted("t1")
        #expect(Set(agent.effects.sentStates) == [.taskFinished])
        #expect(agent.core.executors.isEmpty)
    }

    @Test func `a kill that was on disk is repeated to the executor that comes back`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.command(.killTask(AgentConversation.key("t1"), grace: .seconds(4)))
        agent.restart(finding: .running)
        agent.register()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "KILL t1"])
    }

    @Test func `a task whose executor's record is lost ends, and its framework hears of it`() throws {
        var agent = running()
        agent.disk.executors = [:]
        agent.restart(supervisors: .found([]))
        agent.register()
        let update = try #require(agent.effects.sentUpdates.last)
        #expect(update.state == .taskFailed)
        #expect(update.reason == .executorTerminated)
    }

    @Test func `nothing is served before recovery is done`() {
        let core = AgentCore(settings: AgentConversation.settings, seed: 1)
        #expect(core.refusal(of: AgentConversation.executor, isSubscribe: true) == .isRecovering)
    }

    @Test func `who may call what`() {
        var agent = AgentConversation()
        agent.register()
        let key = AgentConversation.executor
        #expect(agent.core.refusal(of: key, isSubscribe: true) == .unknownFramework)
        agent.launchHosted("t1")
        let other = ExecutorKey(framework: key.framework, executor: ExecutorID("e2"))
        #expect(agent.core.refusal(of: other, isSubscribe: true) == .unknownExecutor)
        #expect(agent.core.refusal(of: key, isSubscribe: false) == .isNotSubscribed)
        #expect(agent.core.refusal(of: key, isSubscribe: true) == nil)
        agent.startExecutor()
        agent.subscribe()
        #expect(agent.core.refusal(of: key, isSubscribe: false) == nil)
    }
}
