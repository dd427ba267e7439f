// Sessions of Docker tasks: the engine runs a command in the task's container.

import Glibc
import Logging
import MesosProtocol
import Resources

struct DockerSessions: SessionRunner {
    let engine: DockerEngine
    let logger: Logger

    func start(_ request: SessionRequest) async throws(SessionFailure) -> any SessionProcess {
        let command = request.command.argumentVector
        guard !command.isEmpty else { throw SessionFailure(description: "the command names no program") }
        let name = DockerMapping.name(agent: request.launch.agent, container: request.launch.record.container)
        var variables = TaskEnvironment()
        variables.add(request.command)
        let hasTerminal = request.terminal != nil
        var exec = DockerExecRequest(command)
        exec.environment = variables.entries
        exec.user = request.command.hasUser ? request.command.user : nil
        exec.hasTerminal = hasTerminal
        exec.takesInput = request.hasInput
        let id: String
        let attachment: DockerAttachment
        do throws(DockerError) {
            id = try await engine.createExec(in: name, exec)
            attachment = try await engine.startExec(id, hasTerminal: hasTerminal)
        } catch {
            throw SessionFailure(description: "\(error)")
        }
        let session = DockerSession(
            engine: engine, id: id, attachment: attachment, hasTerminal: hasTerminal, hasInput: request.hasInput,
            logger: logger)
        if let terminal = request.terminal, terminal.rows > 0, terminal.columns > 0 { await session.resize(terminal) }
        return session
    }
}

extension DockerSessions {
    /// A container is launched with an open input by the parameter `interactive`.
    func attachInput(to launch: Launch) async throws(SessionFailure) -> (any SessionProcess)? {
        let name = DockerMapping.name(agent: launch.agent, container: launch.record.container)
        do throws(DockerError) {
            guard try await engine.inspect(name).isInputOpen else { return nil }
            return DockerTaskInput(engine, name, try await engine.attachInput(to: name), logger)
        } catch {
            throw SessionFailure(description: "\(error)")
        }
    }
}

/// The way into the standard input of a task's container.
private struct DockerTaskInput: SessionProcess {
    let pipe: SessionPipe
    private let engine: DockerEngine
    private let container: String
    private let logger: Logger

    init(_ engine: DockerEngine, _ container: String, _ attachment: DockerAttachment, _ logger: Logger) {
        self.engine = engine
        self.container = container
        self.logger = logger
        pipe = SessionPipe(sources: [], sink: attachment.descriptor, inputEnd: .shutdown)
    }

    func resize(_ terminal: SessionRequest.Terminal) async {
        do throws(DockerError) {
            try await engine.resize(container, rows: Int(terminal.rows), columns: Int(terminal.columns))
        } catch {
            logger.debug("resize: \(error)")
        }
    }

    /// The task has its own life: it is killed by its framework.
    func send(signal: Int32) async {}
    func end() async -> SessionEnd { .unknown("the task goes on") }
}

private final class DockerSession: SessionProcess {
    let pipe: SessionPipe
    private let engine: DockerEngine
    private let id: String
    private let logger: Logger

    init(
        engine: DockerEngine, id: String, attachment: DockerAttachment, hasTerminal: Bool, hasInput: Bool,
        logger: Logger
    ) {
        self.engine = engine
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
        do throws(DockerError) {
            try await engine.resizeExec(id, rows: Int(terminal.rows), columns: Int(terminal.columns))
        } catch {
            logger.debug("resize: \(error)")
        }
    }

    /// The engine has no call that ends a command, but says which process of this host it is: once it has noted that itself,
    /// which may be after the command's first output.
    func send(signal: Int32) async {
        var pause = Duration.milliseconds(50)
        for _ in 0..<40 {
            do throws(DockerError) {
                let description = try await engine.inspectExec(id)
                guard description.isRunning else { return }
                if description.pid > 0, !strike(description, signal) { return }
            } catch  where error.isNotFound {
                return
            } catch {
                logger.debug("looking for a command to end: \(error)")
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, .seconds(1))
        }
        logger.warning("a command beside a task could not be ended: the Docker engine does not say that it has")
    }

    /// - Returns: Whether it should be looked for again.
    private func strike(_ description: DockerExecState, _ signal: Int32) -> Bool {
        let pid = pid_t(clamping: description.pid)
        guard ProcessTree.isInControlGroup(pid, named: description.container) else {
            logger.warning("cannot end a command in container \(description.container): its process is not seen")
            return false
        }
        guard signal == SIGKILL else {
            kill(pid, signal)
            return false
        }
        for entry in ProcessTable.read().tree(of: pid) { kill(entry.pid, SIGKILL) }
        return true
    }

    func end() async -> SessionEnd {
        // The stream has ended; the engine may need a moment to know how the command did.
        var pause = Duration.milliseconds(10)
        for _ in 0..<12 {
            do throws(DockerError) {
                let description = try await engine.inspectExec(id)
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
