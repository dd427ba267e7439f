// A running process and how it ends.
import CLinux
import Glibc
import Mailbox

/// How a process ended.
public enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
    /// It exited with this status, 0 to 255.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)
    /// It is gone, but was not our child: the system told its own parent how.
    case unknown

    public var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signaled(let signal): "ended by signal \(signal)"
        case .unknown: "ended, nobody knows how"
        }
    }
}

/// A process, held by a pidfd, so that its number cannot come to mean another process.
public final class ChildProcess: Sendable {
    private enum Watch {
        case running(waiters: [@Sendable (ProcessEnd) -> Void])
        case ended(ProcessEnd)
    }

    public let pid: pid_t
    /// When it started, in clock ticks since boot; with the pid it names the process across restarts of ours.
    public let startTimeTicks: UInt64
    private let pidfd: Int32
    private let watch = Locked(Watch.running(waiters: []))

    private init(pid: pid_t, pidfd: Int32, startTimeTicks: UInt64) {
        self.pid = pid
        self.pidfd = pidfd
        self.startTimeTicks = startTimeTicks
        ExitWatcher.shared.watch(pidfd: pidfd) { self.collect() }  // Keeps self, and the pidfd open, until the end.
    }

    deinit { close(pidfd) }

    /// Starts a process. It is reaped when it ends, whether or not anybody waits.
    public static func spawn(_ request: SpawnRequest) async throws(SpawnError) -> ChildProcess {
        let result = await withCheckedContinuation { continuation in
            ExitWatcher.shared.run { continuation.resume(returning: startChild(request)) }
        }
        return try result.get()
    }

    /// Finds a process again that was started by another life of ours.
    ///
    /// - Returns: `nil` if it has ended, also if its pid now belongs to a process with another start time.
    public static func attach(pid: pid_t, startTimeTicks: UInt64) -> ChildProcess? {
        guard pid > 0 else { return nil }
        let pidfd = pidfd_open(pid, 0)
        guard pidfd >= 0 else { return nil }
        // Checked after the pidfd holds the process: before, the pid could change hands in between.
        guard processStartTime(of: pid) == startTimeTicks else {
            close(pidfd)
            return nil
        }
        return ChildProcess(pid: pid, pidfd: pidfd, startTimeTicks: startTimeTicks)
    }

    /// Waits for the end. There is no deadline here: a task runs as long as it likes. Not cancellable; a caller with a
    /// deadline sends a signal.
    public func end() async -> ProcessEnd {
        await withCheckedContinuation { continuation in onEnd { continuation.resume(returning: $0) } }
    }

    /// Calls `body` once the process has ended: at once if it has, otherwise on the thread that watches processes, which it
    /// must not block.
    public func onEnd(_ body: @escaping @Sendable (ProcessEnd) -> Void) {
        let end = watch.withLock { watch -> ProcessEnd? in
            switch watch {
            case .ended(let end): return end
            case .running(let waiters):
                watch = .running(waiters: waiters + [body])
                return nil
            }
        }
        if let end { body(end) }
    }

    /// How it ended; `nil` while it runs.
    public var knownEnd: ProcessEnd? {
        watch.withLock { if case .ended(let end) = $0 { end } else { nil } }
    }

    /// Sends a signal to the process.
    ///
    /// - Returns: 0, or the system's error number; `ESRCH` if it has ended.
    @discardableResult
    public func send(signal: Int32) -> Int32 {
        pidfd_send_signal(pidfd, signal, nil, 0) == 0 ? 0 : errno
    }

    /// Sends a signal to the process group the process leads. Only for one started with a group or session of its own.
    ///
    /// - Returns: 0, or the system's error number; `ESRCH` if the process has ended.
    @discardableResult
    public func sendToGroup(signal: Int32) -> Int32 {
        // Once the leader is reaped its number may be used again, so the group is signalled only before.
        watch.withLock { watch in
            guard case .running = watch else { return ESRCH }
            return kill(-pid, signal) == 0 ? 0 : errno
        }
    }

    private static func startChild(_ request: SpawnRequest) -> Result<ChildProcess, SpawnError> {
        Result { () throws(SpawnError) in
            let (pid, pidfd) = try request.start()
            // A child that has already ended is a zombie without a start time anyone will ask for.
            return ChildProcess(pid: pid, pidfd: pidfd, startTimeTicks: processStartTime(of: pid) ?? 0)
        }
    }

    private func collect() {
        let waiters = watch.withLock { watch -> [@Sendable (ProcessEnd) -> Void] in
            guard case .running(let waiters) = watch else { return [] }
            watch = .ended(pollEnd())
            return waiters
        }
        guard let end = knownEnd else { return }
        for waiter in waiters { waiter(end) }
    }

    private func pollEnd() -> ProcessEnd {
        var code: Int32 = 0
        var value: Int32 = 0
        guard clinux_poll_pidfd(pidfd, &code, &value) == 0 else { return .unknown }
        return switch code {
        case Int32(CLD_EXITED): .exited(value)
        case 0: .unknown
        default: .signaled(value)
        }
    }
}

/// When the process started, in clock ticks since boot; `nil` if there is none or it has ended.
public func processStartTime(of pid: pid_t) -> UInt64? {
    var ticks: UInt64 = 0
    return clinux_process_start_time(pid, &ticks) == 0 ? ticks : nil
}
