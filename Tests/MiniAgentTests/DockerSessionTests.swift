// Commands beside Docker tasks, with an engine that is not done with them yet.

import Glibc
import Logging
import MesosProtocol
import Processes
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1))) struct DockerSessionTests {
    /// A command says something before the engine has noted which process it is, and some answers get lost.
    @Test func `a command is ended although the engine does not know its process yet`() async throws {
        let child = try await ChildProcess.spawn(SpawnRequest(program: "sleep", arguments: ["1000"]))
        let launch = MappedTask.launch(AgentConversation.info("t1", docker: true))
        // Our own processes have this in the names of their control groups.
        func state(pid: pid_t) -> String { #"{"Running":true,"Pid":\#(pid),"ContainerID":":"}"# }
        let engine = try #require(
            PlayedEngine(
                [
                    "/version": #"{"Version":"20.10","ApiVersion":"1.41","MinAPIVersion":"1.12","Components":[]}"#,
                    "/containers/mesos-a1.c1/exec": #"{"Id":"e1"}"#, "/exec/e1/start": "",
                    "/exec/e1/json": #"{"Running":false,"ExitCode":137}"#,
                ], first: ["/exec/e1/json": [state(pid: 0), "not JSON", state(pid: 0), state(pid: child.pid)]]))
        var request = SessionRequest(launch: launch, command: .init(), hasInput: false)
        request.command.value = "sleep 1000"
        let session = try await DockerSessions(
            engine: DockerEngine(socketPath: engine.path), logger: Logger(label: "test")
        ).start(request)
        await session.send(signal: SIGKILL)
        child.send(signal: SIGTERM)
        #expect(await child.end() == .signaled(SIGKILL))
    }
}
