// The shape of a simulated fleet, and the lines it is steered by.
import MesosProtocol
import Resources
import SwiftProtobuf
import Testing

@testable import LoadTest

struct FleetTests {
    @Test func `a fleet holds exactly the tasks it was given`() throws {
        let plan = FleetPlan(agents: 7, tasks: 100, frameworks: 3, firstAgent: 10, areKnown: true)
        let writer = RegistrationWriter(plan: plan)
        var ids: Set<String> = []
        for agent in 10..<17 {
            let id = RegistrationWriter.knownID(agent)
            let bytes = writer.call(agent: agent, id: id, tasks: writer.tasks(of: agent, id: id))
            let call = try LinkCall(serializedBytes: bytes)
            #expect(call.type == .register)
            #expect(call.register.agent.id.value == id.value)
            #expect(call.register.frameworks.count == 3)
            for task in call.register.tasks { ids.insert(task.info.taskID.value) }
        }
        #expect(ids.count == 100)
    }

    @Test func `figures survive the way from a worker`() {
        var figures = FleetFigures()
        figures.registered = 5
        figures.leaders = 2
        figures.turnedAt = 12.5
        figures.completeAt = 13.25
        figures.lastFault = "503 no leader"
        let line = WorkerLine.figures(figures, taskLoads: 1)
        let read = WorkerLine.figures(of: line[...].dropLast())
        #expect(read?.0 == figures)
        #expect(read?.taskLoads == 1)
    }

    @Test(arguments: [
        ("http://127.0.0.1:5050/master", "127.0.0.1:5050"), ("localhost:80", "localhost:80"),
        ("//10.0.0.1:1", "10.0.0.1:1"),
    ])
    func `addresses are read from urls`(url: String, shown: String) {
        #expect(MasterAddress(url: url)?.description == shown)
    }

    @Test(arguments: ["http://example.org:5050", "127.0.0.1", "127.0.0.1:0", ""])
    func `what the fleet cannot connect to is refused`(url: String) {
        #expect(MasterAddress(url: url) == nil)
    }

    @Test func `a slope is that of the line nearest to the points`() {
        #expect(SlopesBench.slope([(0, 10), (10, 30), (20, 50)]) == 2)
        #expect(SlopesBench.slope([(1, 1), (2, 3), (3, 2)]) == 1)
    }
}
