// What becomes of each task after a restart: the table of planRecovery, and what the core then does.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct RecoveryPlanTests {
    /// A checkpoint of one task that went through these states, of which so many are acknowledged.
    private func checkpoint(
        _ states: [V1TaskState], acknowledged: Int = 0, docker: Bool = true, kill: KillOrder? = nil
    ) -> AgentCheckpoint {
        let key = AgentConversation.key("t1")
        var checkpoint = AgentCheckpoint()
        checkpoint.apply(.agent(AgentConversation.agentID))
        checkpoint.apply(.framework(AgentConversation.frameworkInfo()))
        checkpoint.apply(
            .task(
                TaskRecord(
                    key: key, info: AgentConversation.info("t1", docker: docker), container: ContainerID("c1"),
                    containerizer: docker ? .docker : .process)))
        for (number, state) in states.enumerated() {
            let id = WireUUID(bytes: [UInt8](repeating: UInt8(number + 1), count: 16)) ?? .random()
            checkpoint.apply(
                .update(
                    StatusUpdate(
                        id: id, key: key, executor: ExecutorID("t1"), container: ContainerID("c1"), state: state,
                        source: .executor, timestamp: WallTime(nanoseconds: Int64(number)))))
            if number < acknowledged { checkpoint.apply(.acknowledgement(key, id)) }
        }
        if let kill { checkpoint.apply(.kill(key, ContainerID("c1"), kill)) }
        return checkpoint
    }

    private func found(_ condition: ObservedContainer.Condition?) -> Observation {
        .found(condition.map { [ObservedContainer(id: ContainerID("c1"), condition: $0)] } ?? [])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var states: [V1TaskState]
        var acknowledged = 0
        var containers: Observation
        var fate: RecoveryPlan.Fate
        var testDescription: String { "\(states.map(\.name)) \(containers) -> \(fate)" }
    }

    private static func found(_ condition: ObservedContainer.Condition) -> Observation {
        .found([ObservedContainer(id: ContainerID("c1"), condition: condition)])
    }

    static let table: [Row] = [
        Row(states: [], containers: .found([]), fate: .relaunch),
        Row(states: [], containers: .unavailable, fate: .relaunch),
        Row(states: [.taskStarting], containers: .found([]), fate: .lostBeforeStart),
        Row(states: [.taskStarting], containers: found(.created), fate: .lostBeforeStart),
        Row(states: [.taskStarting], containers: found(.running), fate: .reattach),
        Row(states: [.taskStarting], containers: found(.exited), fate: .reattach),
        Row(states: [.taskStarting], containers: .unavailable, fate: .reattach),
        Row(states: [.taskStarting, .taskRunning], containers: found(.running), fate: .reattach),
        Row(states: [.taskStarting, .taskRunning], containers: found(.exited), fate: .reattach),
        Row(states: [.taskStarting, .taskRunning], containers: .unavailable, fate: .reattach),
        Row(
            states: [.taskStarting, .taskRunning], containers: .found([]),
            fate: .vanished("no container is left of it")),
        Row(states: [.taskStarting, .taskRunning, .taskFailed], containers: found(.exited), fate: .ended),
        Row(states: [.taskKilled], containers: .found([]), fate: .ended),
        Row(states: [.taskStarting, .taskFinished], acknowledged: 1, containers: .found([]), fate: .ended),
        Row(states: [.taskStarting, .taskFinished], acknowledged: 2, containers: .found([]), fate: .retired),
    ]

    @Test(arguments: table)
    func `a recovered task meets the fate that its records and its container call for`(row: Row) {
        let docker = planRecovery(
            checkpoint: checkpoint(row.states, acknowledged: row.acknowledged), containers: row.containers,
            supervisors: .found([]))
        #expect(docker.tasks.map(\.fate) == [row.fate])
        let process = planRecovery(
            checkpoint: checkpoint(row.states, acknowledged: row.acknowledged, docker: false), containers: .found([]),
            supervisors: row.containers)
        #expect(process.tasks.map(\.fate) == [row.fate])
    }

    @Test func `containers of this agent that belong to no task are orphans, sorted`() {
        let containers = Observation.found(
            ["z", "c1", "b"].map { ObservedContainer(id: ContainerID($0), condition: .running) })
        let plan = planRecovery(
            checkpoint: checkpoint([.taskStarting]), containers: containers, supervisors: .found([]))
        #expect(plan.orphans == ["b", "z"].map { OrphanContainer(id: ContainerID($0), containerizer: .docker) })
        let agent = AgentConversation(recovering: plan)
        #expect(agent.effects.words == ["remove orphan", "remove orphan", "reattach"])
    }

    @Test func `a task that had not started is prepared again`() {
        let plan = planRecovery(checkpoint: checkpoint([]), containers: .found([]), supervisors: .found([]))
        #expect(AgentConversation(recovering: plan).effects.words == ["prepare"])
    }

    @Test func `a recovered container found running before TASK_RUNNING was recorded reports it now`() {
        let plan = planRecovery(
            checkpoint: checkpoint([.taskStarting]), containers: found(.running), supervisors: .found([]))
        var agent = AgentConversation(recovering: plan)
        agent.register()
        #expect(agent.happen(.containerStarted(ContainerID("c1"), StartedContainer())).words == ["write TASK_RUNNING"])
        agent.acknowledgeAll("t1")
        #expect(agent.effects.sentStates == [.taskStarting, .taskRunning])
    }

    @Test func `a recovered running task reports its end once`() {
        let plan = planRecovery(
            checkpoint: checkpoint([.taskStarting, .taskRunning], acknowledged: 2), containers: found(.running),
            supervisors: .found([]))
        var agent = AgentConversation(recovering: plan)
        agent.disk = checkpoint([.taskStarting, .taskRunning], acknowledged: 2)
        agent.register()
        #expect(agent.happen(.containerStarted(ContainerID("c1"), StartedContainer())).words == [])
        #expect(agent.happen(.containerExited(ContainerID("c1"), .exited(status: 4))).sentStates == [.taskFailed])
        agent.acknowledgeAll("t1")
        #expect(agent.core.tasks.isEmpty)
        #expect(agent.disk.tasks.isEmpty)
    }

    @Test func `a kill survives the restart`() {
        let plan = planRecovery(
            checkpoint: checkpoint(
                [.taskStarting, .taskRunning], acknowledged: 2, kill: KillOrder(grace: .seconds(9))),
            containers: found(.running), supervisors: .found([]))
        var agent = AgentConversation(recovering: plan)
        #expect(agent.effects.words == ["reattach", "stop container"])
        agent.register()
        #expect(agent.happen(.containerExited(ContainerID("c1"), .exited(status: 0))).sentStates == [.taskKilled])
    }

    @Test func `a task lost in the restart is dropped for frameworks that know the word and lost for others`() {
        var checkpoint = checkpoint([.taskStarting], acknowledged: 1)
        var agent = AgentConversation(
            recovering: planRecovery(checkpoint: checkpoint, containers: .found([]), supervisors: .found([])))
        #expect(agent.register().sentStates == [.taskLost])
        checkpoint.apply(.framework(AgentConversation.frameworkInfo([.partitionAware])))
        agent = AgentConversation(
            recovering: planRecovery(checkpoint: checkpoint, containers: .found([]), supervisors: .found([])))
        let update = agent.register().sentUpdates[0]
        #expect(update.state == .taskDropped)
        #expect(update.reason == .agentRestarted)
    }

    @Test func `pending updates are sent again after the restart with the ids they had`() {
        let before = checkpoint([.taskStarting, .taskRunning, .taskFinished], acknowledged: 1)
        let plan = planRecovery(checkpoint: before, containers: .found([]), supervisors: .found([]))
        var agent = AgentConversation(recovering: plan)
        agent.disk = before
        #expect(agent.effects.words == ["release"])
        agent.register()
        agent.acknowledgeAll("t1")
        let pending = before.tasks[AgentConversation.key("t1")]?.pending.map(\.id)
        #expect(agent.effects.sentUpdates.map(\.id) == pending)
    }

    @Test func `what was acknowledged before the crash is only cleaned up`() {
        let plan = planRecovery(
            checkpoint: checkpoint([.taskStarting, .taskFinished], acknowledged: 2), containers: found(.exited),
            supervisors: .found([]))
        let agent = AgentConversation(recovering: plan)
        #expect(agent.effects.words == ["release", "write retirement"])
        #expect(agent.core.tasks.isEmpty)
    }

    @Test func `an agent told to clean up ends what it finds and stops`() {
        var settings = AgentConversation.settings
        settings.cleansUp = true
        let plan = planRecovery(
            checkpoint: checkpoint([.taskStarting, .taskRunning], acknowledged: 2), containers: found(.running),
            supervisors: .found([]))
        var agent = AgentConversation(settings: settings, recovering: plan)
        #expect(agent.effects.words == ["reattach", "write kill", "stop container"])
        let end = agent.happen(.containerExited(ContainerID("c1"), .exited(status: 0)))
        #expect(end.words == ["write TASK_KILLED", "release", "stop agent"])
    }
}
