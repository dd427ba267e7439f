// What the cluster simulation found in the agent, each as a short conversation.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct AgentSimulationFindingsTests {
    /// The registration that the agent sends after its link broke.
    private func registrationAfterLoss(_ agent: inout AgentConversation) -> Registration? {
        agent.happen(.linkLost(agent.openLink, reason: "the connection broke"))
        for effect in agent.happen(.timerFired(.register(agent.openLink))) {
            if case .register(_, _, let registration) = effect { return registration }
        }
        return nil
    }

    @Test func `an agent does not register with a state that is not on disk`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.holdsDisk = true
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        let task = registrationAfterLoss(&agent)?.tasks.first
        #expect(task?.state == .taskRunning)
        #expect(task?.history.map(\.state) == [.taskStarting, .taskRunning])
        #expect(task?.pending?.state == .taskStarting)
    }

    @Test func `an agent asks again only when its identity is on disk, and as the one it was told to be`() {
        var agent = AgentConversation()
        agent.holdsDisk = true
        agent.register()
        #expect(registrationAfterLoss(&agent) == nil)
        agent.flush()
        let effects = agent.happen(.timerFired(.register(agent.openLink)))
        guard case .register(_, _, let registration)? = effects.first else {
            Issue.record("no registration: \(effects)")
            return
        }
        #expect(registration.agent == AgentConversation.agentID)
    }

    @Test func `a task whose last acknowledgement is on its way to disk is not reported`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        let key = AgentConversation.key("t1")
        for state in [V1TaskState.taskStarting, .taskRunning, .taskFinished] {
            guard let head = agent.core.tasks[key]?.stream.head, head.state == state else {
                Issue.record("\(state) is not next")
                return
            }
            agent.holdsDisk = state == .taskFinished
            agent.command(.acknowledge(key, head.id))
        }
        #expect(registrationAfterLoss(&agent)?.tasks.isEmpty == true)
        agent.flush()
        #expect(agent.core.tasks.isEmpty)
    }
}
