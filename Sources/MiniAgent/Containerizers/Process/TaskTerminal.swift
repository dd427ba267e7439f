// The terminal of a process task that asks for one, and the way to it through every life of the agent.

import Beneath
import CLinux
import Glibc
import MesosProtocol
import Processes

/// A terminal for a task that is about to be started.
///
/// Its outer end is held by the process that writes the task's output, so that it outlives the agent. Whoever wants to type
/// or to change the size of the window writes to one of two pipes, which have names beside the task's records.
struct TaskTerminal: Sendable {
    /// The task's standard streams.
    let inner: Descriptor
    let outer: Descriptor
    let input: Descriptor
    let window: Descriptor

    /// - Throws: ``LaunchFailure/start(_:)`` with the system's reason.
    init(_ size: SessionRequest.Terminal, _ run: RunPaths, owner: HostUser?) throws(LaunchFailure) {
        var (outer, inner): (Int32, Int32) = (-1, -1)
        let code = clinux_open_terminal(&outer, &inner)
        guard code == 0 else { throw .start("\(FileError("open", "a terminal", code: code))") }
        self.outer = Descriptor(outer)
        self.inner = Descriptor(inner)
        // Programs that open /dev/tty anew must be allowed to.
        if let owner { _ = fchown(inner, owner.user, owner.group) }
        if size.rows > 0, size.columns > 0 { _ = clinux_set_terminal_size(outer, size.rows, size.columns) }
        input = try Self.pipe(run.terminalInput)
        window = try Self.pipe(run.terminalWindow)
    }

    /// Opened for both directions, so that its reader sees no end when an agent lets go of it.
    private static func pipe(_ path: String) throws(LaunchFailure) -> Descriptor {
        guard mkfifo(path, 0o600) == 0 || errno == EEXIST else { throw .start("\(FileError("make", path))") }
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .start("\(FileError("open", path))") }
        return Descriptor(descriptor)
    }
}

extension Launch {
    /// The terminal that a process task asks for; `nil`: it gets none.
    var terminal: SessionRequest.Terminal? {
        guard record.containerizer == .process, record.info.container.hasTtyInfo else { return nil }
        let size = record.info.container.ttyInfo.windowSize
        return SessionRequest.Terminal(rows: UInt16(clamping: size.rows), columns: UInt16(clamping: size.columns))
    }
}

/// The way into the terminal of a task that runs.
struct TaskTerminalInput: SessionProcess {
    let pipe: SessionPipe
    private let window: String

    /// - Throws: If nobody holds the terminal's outer end any more.
    init(_ run: RunPaths) throws(SessionFailure) {
        let input = Glibc.open(run.terminalInput, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
        guard input >= 0 else {
            throw SessionFailure(description: "its terminal cannot be reached: \(String(cString: strerror(errno)))")
        }
        window = run.terminalWindow
        pipe = SessionPipe(sources: [], sink: input, inputEnd: .close)
    }

    func resize(_ terminal: SessionRequest.Terminal) async {
        let descriptor = Glibc.open(window, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = [terminal.rows, terminal.columns]
        size.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
    }

    /// The task has its own life: it is killed by its framework.
    func send(signal: Int32) async {}
    func end() async -> SessionEnd { .unknown("the task goes on") }
}
