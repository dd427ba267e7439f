// A persistent volume from its making to its end: data outlives the task, the agent and its restart, and goes with DESTROY.

import Foundation
import Glibc
import IntegrationSupport
import MesosProtocol
import Processes
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct VolumeTests {
    @Test func `a file in a volume is there for the next task, after the agent was killed, until DESTROY`() async throws
    {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, document in
            let disk = Self.disk(64)
            let volume = Self.volume("v1", 64)
            var writer = WantedTask(
                id: "writer", command: "echo kept > data/file", image: nil, cpus: 0.1, memory: 32)
            writer.extra = [volume]
            writer.before = [Self.operation(.reserve, disk), Self.operation(.create, volume)]
            let framework = try SmallFramework(master: document.masters[0].address, tasks: [writer], role: "qa")
            try await framework.run {
                try await eventually("the first task ends", within: .seconds(20)) { framework.endedCount == 1 }
                #expect(framework.states(of: "writer").last == .taskFinished, "\(framework.updates(of: "writer"))")
                let directory = "\(document.workDirectory)/agent-1/volumes/roles/qa/v1"
                #expect(Self.content("\(directory)/file") == "kept\n")

                let agent = document.agents[0]
                let commandLine = HostLook.arguments(of: agent.pid)
                kill(agent.pid, SIGKILL)
                try await eventually("the agent is gone") { !HostLook.isAlive(agent.pid) }
                // What is sent to it before the master has noticed is dropped, as it has to be.
                try await eventually("the master has noticed", within: .seconds(20)) {
                    try await MasterState.read(document.masters[0].url)?.slaves.map(\.active) == [false]
                }
                let second = try await startByHand(commandLine, logPath: "\(document.workDirectory)/second.log")
                try await eventually("the agent is registered again", within: .seconds(20)) {
                    try await MasterState.read(document.masters[0].url)?.slaves.map(\.active) == [true]
                }
                var reader = WantedTask(id: "reader", command: "grep kept data/file", image: nil, cpus: 0.1, memory: 32)
                reader.extra = [volume]
                framework.launch(reader)
                try await eventually("the second task ends", within: .seconds(20)) { framework.endedCount == 2 }
                #expect(framework.states(of: "reader").last == .taskFinished, "\(framework.updates(of: "reader"))")
                #expect(second.knownEnd == nil)

                framework.perform { offer in
                    offer.resources.contains { $0.disk.hasPersistence }
                        ? [Self.operation(.destroy, volume), Self.operation(.unreserve, disk)] : []
                }
                try await eventually("the volume is gone", within: .seconds(20)) {
                    access(directory, F_OK) != 0
                }
            }
        }
    }

    private static func disk(_ megabytes: Double) -> V1Resource {
        var resource = V1Resource()
        resource.name = "disk"
        resource.type = .scalar
        resource.scalar.value = megabytes
        var reservation = V1Resource.ReservationInfo()
        reservation.type = .dynamic
        reservation.role = "qa"
        resource.reservations = [reservation]
        return resource
    }

    private static func volume(_ id: String, _ megabytes: Double) -> V1Resource {
        var volume = disk(megabytes)
        volume.disk.persistence.id = id
        volume.disk.volume.containerPath = "data"
        volume.disk.volume.mode = .rw
        return volume
    }

    private static func operation(_ type: V1Offer.Operation.TypeEnum, _ resource: V1Resource) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = type
        switch type {
        case .reserve: operation.reserve.resources = [resource]
        case .unreserve: operation.unreserve.resources = [resource]
        case .create: operation.create.volumes = [resource]
        default: operation.destroy.volumes = [resource]
        }
        return operation
    }

    private static func content(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
