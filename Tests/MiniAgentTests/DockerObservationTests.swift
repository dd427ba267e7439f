// What an agent that starts finds of its containers.

import Logging
import Resources
import Testing

@testable import MiniAgent

struct DockerObservationTests {
    private let version = #"{"Version":"20.10","ApiVersion":"1.41","MinAPIVersion":"1.12","Components":[]}"#

    private func observe(_ engine: PlayedEngine) async -> Observation {
        let settings = DockerContainerizer.Settings(workDirectory: "/nowhere", agentIP: "127.0.0.1")
        return await DockerContainerizer(socketPath: engine.path, settings: settings, logger: Logger(label: "test"))
            .observe(agent: "a")
    }

    private func entry(_ id: String, _ state: String) -> String {
        #"{"Labels":{"\#(DockerMapping.containerLabel)":"\#(id)"},"State":"\#(state)"}"#
    }

    /// The agent before asked for the start and was killed; the engine is still at it when the list is made.
    @Test func `a container that is being started is what it becomes`() async throws {
        let names = ["c1", "c2", "c3", "c4"].map { DockerMapping.name(agent: "a", container: ContainerID($0)) }
        let engine = try #require(
            PlayedEngine([
                "/version": version,
                "/containers/json":
                    "[\(entry("c1", "created")),\(entry("c2", "created")),\(entry("c3", "created")),\(entry("c4", "created")),"
                    + "\(entry("c5", "running")),\(entry("c6", "exited"))]",
                "/containers/\(names[0])/json": #"{"State":{"Status":"running","Pid":7}}"#,
                "/containers/\(names[1])/json": #"{"State":{"Status":"exited","ExitCode":3}}"#,
                "/containers/\(names[2])/json": #"{"State":{"Status":"created"}}"#,
            ]))
        #expect(
            await observe(engine)
                == .found([
                    ObservedContainer(id: "c1", condition: .running), ObservedContainer(id: "c2", condition: .exited),
                    ObservedContainer(id: "c3", condition: .created), ObservedContainer(id: "c5", condition: .running),
                    ObservedContainer(id: "c6", condition: .exited),
                ]))
    }

    @Test func `an engine that does not say what becomes of a start has not been looked at`() async throws {
        let engine = try #require(
            PlayedEngine([
                "/version": version, "/containers/json": "[\(entry("c1", "created"))]",
                "/containers/\(DockerMapping.name(agent: "a", container: "c1"))/json": "?",
            ]))
        #expect(await observe(engine) == .unavailable)
    }
}
