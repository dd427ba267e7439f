// A drained agent: what it ends, what it refuses, what it remembers, and what frameworks read of it.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct AgentDrainTests {
    private func registered() -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        return agent
    }

    private func config(graceSeconds: Int64? = nil, marksGone: Bool = false) -> V1DrainConfig {
        var config = V1DrainConfig()
        if let graceSeconds { config.maxGracePeriod.nanoseconds = graceSeconds * 1_000_000_000 }
        config.markGone = marksGone
        return config
    }

    @Test func `tasks are ended once the drain is on disk, and are told why`() {
        var agent = registered()
        agent.run("t1", capabilities: [.taskKillingState])
        agent.acknowledgeAll("t1")
        agent.holdsDisk = true
        agent.command(.drain(config()))
        #expect(!agent.effects.words.contains("stop container"))
        agent.flush()
        #expect(agent.disk.drain != nil)
        agent.acknowledgeAll("t1")
        #expect(agent.effects.words.contains("stop container"))
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 143)))
        agent.acknowledgeAll("t1")
        let last = agent.effects.sentUpdates.suffix(2)
        #expect(last.map(\.state) == [.taskKilling, .taskKilled])
        #expect(last.map(\.reason) == [.agentDraining, .agentDraining])
        #expect(last.map(\.source) == [.agent, .agent])
    }

    @Test func `the smaller of the task's grace and the drain's counts`() {
        var agent = registered()
        agent.run("t1", docker: true)
        agent.run("t2")
        let effects = agent.command(.drain(config(graceSeconds: 4)))
        let graces = effects.compactMap { effect -> Duration? in
            if case .stopContainer(_, let grace) = effect { grace } else { nil }
        }
        #expect(graces == [.seconds(4), .seconds(3)])
    }

    @Test func `a task that had a kill of its own keeps that for its reason`() {
        var agent = registered()
        agent.run("t1")
        agent.command(.killTask(AgentConversation.key("t1"), grace: .seconds(60)))
        let effects = agent.command(.drain(config(graceSeconds: 1)))
        #expect(effects.contains { if case .stopContainer(_, .seconds(1)) = $0 { true } else { false } })
        agent.acknowledgeAll("t1")
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 143)))
        #expect(agent.effects.sentUpdates.last?.state == .taskKilled)
        #expect(agent.effects.sentUpdates.last?.reason == nil)
    }

    @Test func `with mark_gone a framework that knows partitions reads that the operator ended it`() {
        for (capabilities, state) in [
            ([V1FrameworkInfo.Capability.TypeEnum.partitionAware], V1TaskState.taskGoneByOperator), ([], .taskKilled),
        ] {
            var agent = registered()
            agent.run("t1", capabilities: capabilities)
            agent.acknowledgeAll("t1")
            agent.command(.drain(config(marksGone: true)))
            agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
            #expect(agent.effects.sentUpdates.last?.state == state)
            #expect(agent.effects.sentUpdates.last?.reason == .agentDraining)
        }
    }

    @Test func `a task that ended by itself is told as it ended`() {
        var agent = registered()
        agent.run("t1")
        agent.acknowledgeAll("t1")
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 1)))
        agent.command(.drain(config()))
        #expect(agent.effects.sentUpdates.last?.state == .taskFailed)
        #expect(agent.core.drain == nil)
    }

    @Test func `no task is taken in while others still end`() {
        var agent = registered()
        agent.run("t1")
        agent.command(.drain(config()))
        let effects = agent.launch("t2", capabilities: [.partitionAware])
        #expect(effects.sentStates == [.taskDropped])
        #expect(effects.sentUpdates[0].reason == .agentDraining)
        #expect(agent.core.tasks.count == 1)
    }

    @Test func `a task that was not started yet is killed, too`() {
        var agent = registered()
        agent.launch("t1", docker: true)
        agent.command(.drain(config()))
        #expect(agent.effects.words.contains("cancel"))
        #expect(agent.effects.sentUpdates.last?.reason == .agentDraining)
    }

    @Test func `an agent with nothing to end forgets the drain at once, the others when the last task has ended`() {
        var agent = registered()
        #expect(agent.command(.drain(config())).words.isEmpty)
        #expect(agent.core.drain == nil)
        agent.run("t1")
        agent.command(.drain(config()))
        #expect(agent.core.drain != nil)
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(agent.core.drain == nil)
        #expect(agent.disk.drain == nil)
    }

    @Test func `a drain that is called off is forgotten, but kills under way go on`() {
        var agent = registered()
        agent.run("t1")
        agent.command(.drain(config()))
        agent.command(.endDrain)
        #expect(agent.disk.drain == nil)
        #expect(agent.launch("t2").words.contains("write task"))
        agent.acknowledgeAll("t1")
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(agent.effects.sentUpdates.last { $0.key == AgentConversation.key("t1") }?.reason == .agentDraining)
    }

    @Test func `an agent that restarts goes on with the drain and says so when it registers`() {
        var first = registered()
        first.run("t1")
        first.holdsDisk = true
        first.command(.drain(config(graceSeconds: 2)))
        // The order reached the disk, the kill that follows it did not.
        for write in first.heldWrites { first.disk.apply(write) }
        #expect(first.disk.tasks[AgentConversation.key("t1")]?.kill == nil)
        let container = first.container("t1")
        let plan = planRecovery(
            checkpoint: first.disk, containers: .found([]),
            supervisors: .found([ObservedContainer(id: container, condition: .running)]))
        var second = AgentConversation(recovering: plan)
        #expect(second.core.drain?.maxGrace == .seconds(2))
        second.happen(.containerStarted(container, StartedContainer()))
        #expect(second.effects.words.contains("stop container"))
        second.register()
        let registration = second.effects.compactMap { effect -> Registration? in
            if case .register(_, _, let registration) = effect { registration } else { nil }
        }
        #expect(registration.first?.drain?.maxGrace == .seconds(2))
    }
}
