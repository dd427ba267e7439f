// Where a process task's output goes: straight into its files, or through a small process that bounds them.

import Beneath
import CLinux
import Glibc
import Mailbox
import Processes

/// The standard output and error of a process task that is about to be started.
///
/// Without limits these are the files themselves, and nobody stands in between. With a limit they are pipes to a process
/// of the supervisor's program, which like the supervisor outlives the agent and ends with the last process of the task.
struct TaskOutput: Sendable {
    /// A terminal; `nil`: none at all.
    var standardInput: Descriptor?
    let standardOutput: Descriptor
    let standardError: Descriptor
    /// Who writes the files; `nil`: the task itself.
    let writer: ChildProcess?

    /// How long the writer may take for what is still in its pipes when the task has ended.
    static let drainMax: Duration = .seconds(2)

    /// - Parameter window: The size of the task's terminal; `nil`: it has none.
    static func open(
        _ run: RunPaths, limits: OutputLimits, window: SessionRequest.Terminal? = nil, supervisor: SupervisorProgram,
        owner: HostUser?, slice: ExecutorsSlice? = nil
    ) async throws(LaunchFailure) -> TaskOutput {
        let files = owner.map { (user: $0.user, group: $0.group) }
        guard let output = SandboxFile(run.standardOutput, owner: files),
            let error = SandboxFile(run.standardError, owner: files)
        else { throw .start("\(FileError("create stdout and stderr in", run.sandbox))") }
        if let window {
            let terminal = try TaskTerminal(window, run, owner: owner)
            let writer = try await startWriter(
                run, limits, supervisor, owner, slice, (terminal.outer, terminal.input, terminal.window))
            return TaskOutput(
                standardInput: terminal.inner, standardOutput: terminal.inner, standardError: terminal.inner,
                writer: writer)
        }
        guard limits != .none else {
            return TaskOutput(standardOutput: copy(of: output), standardError: copy(of: error), writer: nil)
        }
        let (outputReader, outputWriter) = try pipe()
        let (errorReader, errorWriter) = try pipe()
        let writer = try await startWriter(run, limits, supervisor, owner, slice, (outputReader, errorReader, nil))
        return TaskOutput(standardOutput: outputWriter, standardError: errorWriter, writer: writer)
    }

    /// - Parameter ends: Its standard streams, the third only with a terminal.
    private static func startWriter(
        _ run: RunPaths, _ limits: OutputLimits, _ supervisor: SupervisorProgram, _ owner: HostUser?,
        _ slice: ExecutorsSlice?, _ ends: (Descriptor, Descriptor, Descriptor?)
    ) async throws(LaunchFailure) -> ChildProcess {
        let kept = (limits.standardOutput ?? limits.standardError)?.keptMax ?? 1
        var request = SpawnRequest(
            program: supervisor.path,
            arguments: supervisor.prefix + [
                "log", String(limits.standardOutput?.bytesMax ?? 0), String(limits.standardError?.bytesMax ?? 0),
                String(kept),
            ] + (ends.2 == nil ? [] : ["terminal"]), environment: [])
        request.directory = run.sandbox
        request.cgroupProcsPaths = slice?.entrances ?? []
        request.standardInput = ends.0.number
        request.standardOutput = ends.1.number
        request.standardError = ends.2?.number
        if let owner {
            request.identity = SpawnRequest.Identity(user: owner.user, group: owner.group, groups: owner.groups)
        }
        do throws(SpawnError) {
            let writer = try await ChildProcess.spawn(request)
            withExtendedLifetime(ends) {}
            return writer
        } catch { throw .start("\(error)") }
    }

    private static func copy(of file: SandboxFile) -> Descriptor {
        Descriptor(fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0))
    }

    private static func pipe() throws(LaunchFailure) -> (reading: Descriptor, writing: Descriptor) {
        var (reading, writing): (Int32, Int32) = (-1, -1)
        let code = clinux_pipe(&reading, &writing)
        guard code == 0 else { throw .start("\(FileError("make", "a pipe for a task's output", code: code))") }
        return (Descriptor(reading), Descriptor(writing))
    }

    /// Waits until the writer is done with what an ended task has left, not longer than ``drainMax``.
    static func drain(_ writer: ChildProcess) async {
        let end = Latch<Void>()
        let patience = Timers.shared.scheduleOnce(after: drainMax) { end.open(()) }
        writer.onEnd { _ in end.open(()) }
        _ = await end.wait()
        patience.cancel()
    }
}
