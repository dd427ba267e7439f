// An agent that comes back to its tasks with another description of its host.

import Foundation
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct ReconfigurationTests {
    @Test func `a host that has grown is told to the master, and its tasks go on`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("t", "sleep 1000"))
            _ = try await host.master.update("t", .taskRunning)
            await host.stop()
            var grown = host.configuration
            grown.resources = "cpus:8;mem:4096;disk:10000;ports:[31000-31200];gpus:1"
            grown.attributes = "rack:r1;zone:z1"
            grown.reconfigurationPolicy = .additive
            try await host.start(grown)
            let registration = try #require(host.master.registrations.last)
            #expect(registration.agent.id.value == host.master.agentID)
            #expect(try Resources(registration.agent.resources)["cpus"] == Scalar(milli: 8000))
            #expect(registration.agent.attributes.map(\.name) == ["rack", "zone"])
            #expect(registration.tasks.map(\.state) == [.taskRunning])
            await host.stop()
            // What was accepted is what the next start is compared with.
            grown.reconfigurationPolicy = .equal
            try await host.start(grown)
            #expect(host.master.registrations.last?.tasks.map(\.state) == [.taskRunning])
        }
    }

    @Test func `a host that has shrunk is refused with the difference, and with the old flags nothing is lost`()
        async throws
    {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("t", "sleep 1000"))
            _ = try await host.master.update("t", .taskRunning)
            await host.stop()
            for (policy, words) in [
                (ReconfigurationPolicy.equal, "resources were 'cpus:4;"),
                (.additive, "resources may only grow: 'cpus:4' before, 'cpus:2' now"),
            ] {
                var shrunk = host.configuration
                shrunk.resources = "cpus:2;mem:4096;disk:10000;ports:[31000-31100]"
                shrunk.reconfigurationPolicy = policy
                do {
                    try await host.start(shrunk)
                    Issue.record("it was accepted")
                } catch let error as AgentStartError {
                    #expect("\(error)".contains(words), "\(error)")
                    #expect("\(error)".contains("Start with the old flags"))
                }
            }
            try await host.start()
            #expect(host.master.registrations.last?.tasks.map(\.state) == [.taskRunning])
            #expect(host.master.states(of: "t") == [.taskStarting, .taskRunning])
        }
    }
}
