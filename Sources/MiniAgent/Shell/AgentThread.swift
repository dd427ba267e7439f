// The thread on which the agent decides, and on which what it has started waits for its next step.

import CLinux
import Glibc
import Mailbox

/// Runs the agent's loop, its link to the master and the tasks that stay with containers, one job after another.
///
/// On the pool of the whole process each of their steps would wake a thread of its own. A container takes some forty steps,
/// milliseconds apart, and on a host that is busy with containers to wake a thread costs more than what it then does. Nothing
/// that runs here may block.
final class AgentThread: TaskExecutor, SerialExecutor {
    private let jobs: AgentJobs

    private init() { jobs = AgentJobs() }

    /// Whoever has something to run on it holds it: the shell, and tasks. With the last of them it ends.
    deinit { jobs.stop() }

    static func start() -> AgentThread {
        let thread = AgentThread()
        DedicatedThread.start(named: "agent") { [weak thread, jobs = thread.jobs] in
            while let batch = jobs.take() {
                guard let thread else { return }
                for job in batch {
                    job.runSynchronously(
                        isolatedTo: thread.asUnownedSerialExecutor(), taskExecutor: thread.asUnownedTaskExecutor())
                }
            }
        }
        return thread
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.add(UnownedJob(job)) }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

/// What the thread has to do.
private final class AgentJobs: Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var isAsleep = false
        var isStopped = false
    }

    private let state = Locked(State())
    /// Turns readable when somebody has given a job to a thread that sleeps.
    private let wakeup: Int32

    init() {
        wakeup = eventfd(0, Int32(EFD_CLOEXEC))
        precondition(wakeup >= 0, "no descriptors left for the agent's loop: error \(errno)")
    }

    deinit { close(wakeup) }

    func add(_ job: UnownedJob) { wake { $0.jobs.append(job) } }

    func stop() { wake { $0.isStopped = true } }

    private func wake(_ change: (inout State) -> Void) {
        let mustWake = state.withLock { state in
            change(&state)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { eventfd_write(wakeup, 1) }
    }

    /// - Returns: What is to be done, waiting for it; nil at the end.
    func take() -> [UnownedJob]? {
        while true {
            let (jobs, isStopped) = state.withLock { state in
                defer {
                    state.isAsleep = state.jobs.isEmpty && !state.isStopped
                    state.jobs = []
                }
                return (state.jobs, state.isStopped)
            }
            if !jobs.isEmpty { return jobs }
            if isStopped { return nil }
            var ignored: eventfd_t = 0
            eventfd_read(wakeup, &ignored)
        }
    }
}
