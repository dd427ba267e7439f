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
}
