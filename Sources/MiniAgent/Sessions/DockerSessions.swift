// Sessions of Docker tasks: the engine runs a command in the task's container.

import Glibc
import Logging
import MesosProtocol
import Resources

struct DockerSessions: SessionRunner {
    let exec: EngineExec
    let logger: Logger

    func start(_ request: SessionRequest) async throws(SessionFailure) -> any SessionProcess {
        let command = request.command.argumentVector
        guard !command.isEmpty else { throw SessionFailure(description: "the command names no program") }
        let name = DockerMapping.name(agent: request.launch.agent, container: request.launch.record.container)
        var variables = TaskEnvironment()
        variables.add(request.command)
        let hasTerminal = request.terminal != nil
        let id = try await exec.create(
            container: name,
            body: .members([
                ("AttachStdin", .bool(request.hasInput)), ("AttachStdout", .bool(true)), ("AttachStderr", .bool(true)),
                ("Tty", .bool(hasTerminal)), ("Cmd", .strings(command)),
                ("Env", variables.entries.isEmpty ? nil : .strings(variables.entries)),
                ("User", request.command.hasUser ? .string(request.command.user) : nil),
            ]))
        let attachment = try await exec.start(id, terminal: hasTerminal)
        let session = DockerSession(
            exec: exec, id: id, attachment: attachment, hasTerminal: hasTerminal, hasInput: request.hasInput,
            logger: logger)
        if let terminal = request.terminal, terminal.rows > 0, terminal.columns > 0 { await session.resize(terminal) }
        return session
    }
}

private final class DockerSession: SessionProcess {
    let pipe: SessionPipe
    private let exec: EngineExec
    private let id: String
    private let logger: Logger

    init(
        exec: EngineExec, id: String, attachment: EngineExec.Attachment, hasTerminal: Bool, hasInput: Bool,
        logger: Logger
    ) {
        self.exec = exec
        self.id = id
        self.logger = logger
        pipe = SessionPipe(
            sources: [
                SessionPipe.Source(
                    descriptor: attachment.descriptor, kind: hasTerminal ? .plain(.output) : .framed)
            ],
            sink: hasInput ? attachment.descriptor : nil,
            inputEnd: hasTerminal ? .silence : .shutdown, received: attachment.received)
    }

    func resize(_ terminal: SessionRequest.Terminal) async {
        // The command may be over; then there is nothing to see.
        do throws(SessionFailure) { try await exec.resize(id, terminal) } catch { logger.debug("resize: \(error)") }
    }

    /// The engine has no call that ends a command, but says which process of this host it is.
    func send(signal: Int32) async {
        for _ in 0..<20 {
            guard let description = try? await exec.inspect(id), description.isRunning, description.pid > 0 else {
                return
            }
            let group = KernelFiles.read("/proc/\(description.pid)/cgroup").map { String(decoding: $0, as: UTF8.self) }
            guard let group, group.contains(description.container) else {
                return logger.warning(
                    "cannot end a command in container \(description.container): its process is not seen")
            }
            guard signal == SIGKILL else { return _ = kill(description.pid, signal) }
            for entry in ProcessTable.read().tree(of: description.pid) { kill(entry.pid, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    func end() async -> SessionEnd {
        // The stream has ended; the engine may need a moment to know how the command did.
        var pause = Duration.milliseconds(10)
        for _ in 0..<12 {
            do throws(SessionFailure) {
                let description = try await exec.inspect(id)
                if !description.isRunning, let code = description.exitCode { return .exited(code) }
            } catch {
                return .unknown(error.description)
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
        return .unknown("the Docker engine does not say how it ended")
    }
}
