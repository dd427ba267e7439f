// Sessions of process tasks: a process with the task's sandbox, user, variables and control group, under a supervisor of
// its own, so that nothing of it outlives it.

import CLinux
import Glibc
import Logging
import Mailbox
import MesosProtocol
import Processes
import Resources

struct ProcessSessions: SessionRunner {
    let supervisor: SupervisorProgram
    let paths: AgentPaths
    let environment: ProcessEnvironment
    let switchUser: Bool

    /// Removes what sessions of an earlier life left behind, wherever that life kept it.
    static func clean(_ paths: AgentPaths) {
        for directory in Set([paths.sessions, paths.sessionsInWorkDirectory]).sorted() {
            for name in DurableFile.names(in: directory) { remove("\(directory)/\(name)") }
        }
    }

    /// Leaves nothing of this agent in a runtime directory. No session is running any more.
    static func leave(_ paths: AgentPaths) {
        guard let runtime = paths.runtime else { return }
        clean(paths)
        rmdir(paths.sessions)
        rmdir(runtime)
    }

    fileprivate static func remove(_ directory: String) {
        for name in DurableFile.names(in: directory) { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    func start(_ request: SessionRequest) async throws(SessionFailure) -> any SessionProcess {
        let command = request.command.argumentVector
        guard !command.isEmpty else { throw SessionFailure(description: "the command names no program") }
        var launch = request.launch
        if request.command.hasUser {
            launch.record.info.command.user = request.command.user
        }
        let owner: HostUser?
        do throws(LaunchFailure) { owner = try Sandbox.owner(of: launch, switchUser: switchUser) } catch {
            throw SessionFailure(description: "\(error)")
        }
        let files = SessionFiles(directory: "\(paths.sessions)/\(WireUUID.random())")
        do throws(FileError) { try DurableFile.makeDirectories(files.directory, mode: 0o700) } catch {
            throw SessionFailure(description: "\(error)")
        }
        do throws(SessionFailure) {
            return try await spawn(request, command, owner, files)
        } catch {
            Self.remove(files.directory)
            throw error
        }
    }

    func attachInput(to launch: Launch) async throws(SessionFailure) -> (any SessionProcess)? {
        launch.terminal == nil ? nil : try TaskTerminalInput(launch.run)
    }

    private func spawn(
        _ request: SessionRequest, _ command: [String], _ owner: HostUser?, _ files: SessionFiles
    ) async throws(SessionFailure) -> any SessionProcess {
        let streams = try SessionStreams.open(request, owner)
        var arguments = ["--status", files.status, "--pid", files.pid, "--cwd", request.launch.run.sandbox]
        if let owner {
            // The supervisor takes 64 groups.
            let groups = owner.groups.prefix(64).map(String.init).joined(separator: ",")
            arguments += ["--user", "\(owner.user):\(owner.group)" + (groups.isEmpty ? "" : ":\(groups)")]
        }
        for group in groups(of: request.launch) { arguments += ["--cgroup", group] }
        if request.terminal != nil { arguments += ["--terminal", "yes"] }
        var spawn = SpawnRequest(
            program: supervisor.path, arguments: supervisor.prefix + arguments + ["--"] + command,
            environment: variables(request))
        spawn.standardInput = streams.inner.input
        spawn.standardOutput = streams.inner.output
        spawn.standardError = streams.inner.error
        // The supervisor's word for "end the task by force": a session does not outlive the agent.
        spawn.deathSignal = SIGUSR1
        do throws(SpawnError) {
            let process = try await ChildProcess.spawn(spawn)
            streams.closeInner()
            return ProcessSession(process: process, files: files, streams: streams, program: command[0])
        } catch {
            streams.closeInner()
            streams.closeOuter()
            throw SessionFailure(description: "\(error)")
        }
    }

    /// The task's control groups, if it has any of its own.
    private func groups(of launch: Launch) -> [String] {
        let target = UsageTarget(container: launch.record.container, source: .process(pidFile: launch.run.pid))
        guard let pid = target.mainProcess({ KernelFiles.read($0) }),
            let groups = KernelFiles.read("/proc/\(pid)/cgroup"),
            let place = CgroupPlace(
                cgroupFile: groups, mounts: CgroupMounts(mountInfo: KernelFiles.read("/proc/self/mountinfo") ?? []),
                mark: launch.record.container.value)
        else { return [] }
        let folders = [place.cpu, place.cpuacct, place.memory, place.blkio, place.pids, place.unified]
        return Set(folders.compactMap { $0 }).sorted().map { "\($0)/cgroup.procs" }
    }

    private func variables(_ request: SessionRequest) -> [String] {
        var variables = TaskEnvironment()
        for entry in environment.entries(for: request.launch) {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables.set(String(parts[0]), String(parts[1])) }
        }
        if request.terminal != nil { variables.set("TERM", "xterm") }
        variables.add(request.command)
        return variables.entries
    }
}

/// What a session's supervisor writes, in a folder of its own.
private struct SessionFiles: Sendable {
    let directory: String
    var status: String { "\(directory)/status" }
    var pid: String { "\(directory)/pid" }
}

/// Both ends of a session's standard streams.
private struct SessionStreams: Sendable {
    struct Inner: Sendable {
        var input: Int32?
        var output: Int32
        var error: Int32
    }
    var inner: Inner
    var sources: [SessionPipe.Source]
    var sink: Int32?
    /// Nil: pipes.
    var terminal: Int32?

    static func open(_ request: SessionRequest, _ owner: HostUser?) throws(SessionFailure) -> SessionStreams {
        if let terminal = request.terminal { return try open(terminal, owner) }
        let output = try pipe()
        let error = try pipe()
        let input = request.hasInput ? try pipe() : nil
        return SessionStreams(
            inner: Inner(input: input?.read, output: output.write, error: error.write),
            sources: [
                SessionPipe.Source(descriptor: output.read, kind: .plain(.output)),
                SessionPipe.Source(descriptor: error.read, kind: .plain(.error)),
            ], sink: input?.write, terminal: nil)
    }

    private static func open(
        _ terminal: SessionRequest.Terminal, _ owner: HostUser?
    ) throws(SessionFailure) -> SessionStreams {
        var outer: Int32 = -1
        var inner: Int32 = -1
        let code = clinux_open_terminal(&outer, &inner)
        guard code == 0 else {
            throw SessionFailure(description: "cannot open a terminal: \(String(cString: strerror(code)))")
        }
        // Programs that open /dev/tty anew must be allowed to.
        if let owner { _ = fchown(inner, owner.user, owner.group) }
        if terminal.rows > 0, terminal.columns > 0 {
            _ = clinux_set_terminal_size(outer, terminal.rows, terminal.columns)
        }
        return SessionStreams(
            inner: Inner(input: inner, output: inner, error: inner),
            sources: [SessionPipe.Source(descriptor: outer, kind: .plain(.output))], sink: outer, terminal: outer)
    }

    private static func pipe() throws(SessionFailure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw SessionFailure(description: "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    func closeInner() {
        for descriptor in Set([inner.input, inner.output, inner.error].compactMap { $0 }) { close(descriptor) }
    }

    func closeOuter() {
        for descriptor in Set(sources.map(\.descriptor) + (sink.map { [$0] } ?? [])) { close(descriptor) }
    }
}

/// One session of a process task.
private final class ProcessSession: SessionProcess {
    let pipe: SessionPipe
    private let process: ChildProcess
    private let files: SessionFiles
    private let program: String
    /// A second descriptor of the terminal: the pipe closes its own. -1 once closed.
    private let terminal: Locked<Int32>

    init(process: ChildProcess, files: SessionFiles, streams: SessionStreams, program: String) {
        self.process = process
        self.files = files
        self.program = program
        terminal = Locked(streams.terminal.map { dup($0) } ?? -1)
        pipe = SessionPipe(
            sources: streams.sources, sink: streams.sink, inputEnd: streams.terminal == nil ? .close : .silence)
    }

    deinit { closeTerminal() }

    func resize(_ size: SessionRequest.Terminal) async {
        terminal.withLock { terminal in
            if terminal >= 0 { _ = clinux_set_terminal_size(terminal, size.rows, size.columns) }
        }
    }

    func send(signal: Int32) async {
        // Everything the supervisor keeps together goes with the task's main process.
        if signal == SIGKILL { return _ = process.send(signal: SIGUSR1) }
        let target = UsageTarget(container: ContainerID(""), source: .process(pidFile: files.pid))
        if let pid = target.mainProcess({ KernelFiles.read($0) }) { kill(pid, signal) }
    }

    func end() async -> SessionEnd {
        _ = await process.end()
        closeTerminal()
        defer { ProcessSessions.remove(files.directory) }
        guard let bytes = KernelFiles.read(files.status) else {
            return .unknown("its supervisor ended without leaving a status")
        }
        switch SupervisorStatus.parse(bytes, program: program) {
        case .exited(let status): return .exited(status)
        case .signaled(let signal, _): return .signaled(signal)
        case .notStarted(let reason):
            // As a shell reports it.
            return SessionEnd(waitStatus: 127 << 8, message: reason)
        case .memoryLimitExceeded(let message): return SessionEnd(waitStatus: SIGKILL, message: message)
        case .unknown(let reason): return .unknown(reason)
        case nil: return .unknown("its supervisor left an unreadable status")
        }
    }

    private func closeTerminal() {
        terminal.withLock { terminal in
            if terminal >= 0 { close(terminal) }
            terminal = -1
        }
    }
}
