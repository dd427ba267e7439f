// Tasks as `mesos-execute` sees them: where they fit, what is said of them, when it ends.

import Foundation
import MesosProtocol
import Resources
import Testing

@testable import TaskRun

@Suite struct ExecuteMachineTests {
    private func resource(_ name: String, _ value: Double, role: String? = nil) -> V1Resource {
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = value
        if let role {
            var reservation = V1Resource.ReservationInfo()
            reservation.role = role
            resource.reservations = [reservation]
        }
        return resource
    }

    private func ports(_ ranges: ClosedRange<UInt64>...) -> V1Resource {
        var resource = V1Resource()
        resource.name = "ports"
        resource.type = .ranges
        resource.ranges.range = ranges.map { bounds in
            var range = V1Value.Range()
            range.begin = bounds.lowerBound
            range.end = bounds.upperBound
            return range
        }
        return resource
    }

    private func task(_ name: String, _ resources: [V1Resource]) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = name
        task.taskID.value = name
        task.resources = resources
        return task
    }

    private func offer(_ id: String, _ resources: [V1Resource]) -> V1Offer {
        var offer = V1Offer()
        offer.id.value = id
        offer.agentID.value = "agent"
        offer.resources = resources
        return offer
    }

    private func status(_ state: V1TaskState, _ task: String = "t") -> V1TaskStatus {
        var status = V1TaskStatus()
        status.taskID.value = task
        status.state = state
        status.uuid = Data(repeating: 1, count: 16)
        return status
    }

    @Test func `a task goes to the first offer with room, the other offers are declined`() {
        var machine = ExecuteMachine(ExecuteRequest(tasks: [task("t", [resource("cpus", 1)])]))
        #expect(machine.step(.subscribed(FrameworkID("f"))) == [.say("Subscribed with ID f")])
        let effects = machine.step(
            .offered([offer("small", [resource("cpus", 0.5)]), offer("big", [resource("cpus", 2)])]))
        guard case .accept(let id, let operation) = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(id == OfferID("big"))
        #expect(operation.launch.taskInfos[0].agentID.value == "agent")
        #expect(operation.launch.taskInfos[0].resources == [resource("cpus", 1)])
        #expect(
            Array(effects.dropFirst()) == [
                .say("Submitted task 't' to agent 'agent'"), .decline([OfferID("small")]), .suppress,
            ])
        #expect(machine.step(.offered([offer("late", [])])) == [.decline([OfferID("late")])])
    }

    @Test func `it ends when the task has ended, however it did`() {
        var machine = ExecuteMachine(
            ExecuteRequest(tasks: [task("t", [resource("cpus", 1)])], killAfter: .seconds(3)))
        _ = machine.step(.subscribed(FrameworkID("f")))
        _ = machine.step(.offered([offer("o", [resource("cpus", 2)])]))
        let running = status(.taskRunning)
        #expect(
            machine.step(.updated(running)) == [
                .report(running), .acknowledge(running), .scheduleKill(TaskID("t"), after: .seconds(3)),
            ])
        #expect(machine.step(.updated(running)) == [.report(running), .acknowledge(running)])
        #expect(
            machine.step(.killDue(TaskID("t"))) == [
                .say("Asked to kill task 't' on agent 'agent'"), .kill(TaskID("t"), AgentID("agent")),
            ])
        let killed = status(.taskKilled)
        #expect(machine.step(.updated(killed)) == [.report(killed), .acknowledge(killed), .finish(status: 0)])
    }

    @Test func `a group is launched whole, with an executor, and ends with its last task`() {
        let tasks = [task("a", [resource("cpus", 1)]), task("b", [resource("cpus", 1)])]
        var machine = ExecuteMachine(ExecuteRequest(tasks: tasks, isGroup: true))
        _ = machine.step(.subscribed(FrameworkID("f")))
        let short = [resource("cpus", 2), resource("mem", 32), resource("disk", 32)]
        #expect(machine.step(.offered([offer("short", short)])) == [.decline([OfferID("short")])])
        let enough = [resource("cpus", 2.1), resource("mem", 32), resource("disk", 32)]
        let effects = machine.step(.offered([offer("enough", enough)]))
        guard case .accept(_, let operation) = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(operation.type == .launchGroup)
        #expect(operation.launchGroup.executor.type == .default)
        #expect(operation.launchGroup.taskGroup.tasks.count == 2)
        #expect(effects.contains(.say("Submitted task group with tasks [ a, b ] to agent 'agent'")))
        #expect(!machine.step(.updated(status(.taskFinished, "a"))).contains(.finish(status: 0)))
        #expect(machine.step(.updated(status(.taskFailed, "b"))).contains(.finish(status: 0)))
    }

    @Test func `reserved resources are used before free ones, and ranges are cut out of the offer's`() {
        var pool = OfferedPool(
            offer("o", [resource("cpus", 1), resource("cpus", 0.5, role: "eng"), ports(10...20, 30...40)]))
        #expect(
            pool.take([resource("cpus", 0.75)]) == [resource("cpus", 0.5, role: "eng"), resource("cpus", 0.25)])
        #expect(pool.take([resource("cpus", 1)]) == nil)
        #expect(pool.take([ports(12...13, 30...40)]) == [ports(12...13, 30...40)])
        #expect(pool.take([ports(13...14)]) == nil)
        #expect(pool.take([ports(14...20)]) == [ports(14...20)])
    }

    @Test func `a refusal is an error, an interruption ends it`() {
        var machine = ExecuteMachine(ExecuteRequest(tasks: [task("t", [])]))
        #expect(machine.step(.refused("no")) == [.say("Received an ERROR event: no"), .finish(status: 1)])
        #expect(machine.step(.interrupted) == [.finish(status: 130)])
    }
}

extension ExecuteMachine {
    fileprivate mutating func step(_ happening: FrameworkHappening) -> [Effect] { step(.happened(happening)) }
}
