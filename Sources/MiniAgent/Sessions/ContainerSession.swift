// A command that runs beside a task, in the task's container: what is asked for, what comes of it, and why it may not.

import MesosProtocol
import Resources

/// A command to run in a container that exists.
struct SessionRequest: Sendable {
    struct Terminal: Hashable, Sendable {
        /// Zero: the program's own idea of a size.
        var rows: UInt16 = 0
        var columns: UInt16 = 0
    }

    /// How the container was started.
    var launch: Launch
    var command: V1CommandInfo
    /// Nil: the command's streams are pipes.
    var terminal: Terminal?
    /// Whether somebody may type.
    var hasInput: Bool
}

/// How a command ended, in the form of `waitpid`: the exit status times 256, or the number of a signal.
struct SessionEnd: Hashable, Sendable {
    var waitStatus: Int32?
    /// What is known beside it.
    var message: String?

    static func exited(_ status: Int) -> SessionEnd { SessionEnd(waitStatus: Int32(clamping: status & 0xFF) << 8) }
    static func signaled(_ signal: Int) -> SessionEnd { SessionEnd(waitStatus: Int32(clamping: signal & 0x7F)) }
    static func unknown(_ reason: String) -> SessionEnd { SessionEnd(message: reason) }

    var isSuccess: Bool { waitStatus == 0 }
}

/// Why a command could not be started. One line.
struct SessionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
}

/// A command that runs.
protocol SessionProcess: Sendable {
    var pipe: SessionPipe { get }
    func resize(_ terminal: SessionRequest.Terminal) async
    /// Sends a signal to the command; SIGKILL goes to everything it has started, too.
    func send(signal: Int32) async
    /// Waits for the end, and removes what was kept of it. Called once.
    func end() async -> SessionEnd
}

/// Starts commands in one kind of containers.
protocol SessionRunner: Sendable {
    func start(_ request: SessionRequest) async throws(SessionFailure) -> any SessionProcess

    /// The standard input of a container itself.
    ///
    /// - Returns: Nil if it has none: it was not launched to be typed into.
    func attachInput(to launch: Launch) async throws(SessionFailure) -> (any SessionProcess)?
}

extension V1CommandInfo {
    /// What is executed, its own name first; empty if there is nothing to execute.
    var argumentVector: [String] {
        if shell { return value.isEmpty ? [] : ["/bin/sh", "-c", value] }
        // Without a shell, `value` is the program and `arguments` its whole argv, its own name included.
        if hasValue { return [value] + arguments.dropFirst() }
        return arguments
    }
}
