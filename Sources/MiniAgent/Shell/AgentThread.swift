// The thread on which the agent decides, and on which what it has started waits for its next step.

import CLinux
import Glibc
import Mailbox

/// Runs the agent's loop, its link to the master and the tasks that stay with containers, one job after another, and reads
/// the answers to their calls.
///
/// On the pool of the whole process each of their steps would wake a thread of its own. A container takes some forty steps,
/// milliseconds apart, and on a host that is busy with containers to wake a thread costs more than what it then does. Nothing
/// that runs here may block.
final class AgentThread: TaskExecutor, SerialExecutor {
    private let jobs: AgentJobs

    private init() { jobs = AgentJobs() }

    /// Whoever has something to run on it holds it: the shell, tasks, and who has calls read by it. With the last of them it
    /// ends.
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

    /// Waits a short time, without waking a thread for it if called here. Cannot be cancelled.
    func pause(for time: Duration) async {
        let end = ContinuousClock.now + time
        await withCheckedContinuation { sleeper in jobs.add(sleeper, until: end) }
    }

    /// Calls `onReady` on this thread whenever a descriptor has something to read, until it is forgotten.
    func serve(_ descriptor: Int32, _ onReady: @escaping @Sendable () -> Void) { jobs.serve(descriptor, onReady) }

    /// The descriptor is about to be closed.
    func forget(_ descriptor: Int32) { jobs.forget(descriptor) }
}

/// What the thread has to do.
private final class AgentJobs: Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var isAsleep = false
        var isStopped = false
        var served: [Int32: @Sendable () -> Void] = [:]
        /// Few, in no order.
        var sleepers: [(end: ContinuousClock.Instant, continuation: CheckedContinuation<Void, Never>)] = []
        /// How often jobs were taken since what is served was looked at.
        var rounds = 0
    }

    /// However much there is to do, answers are read now and then.
    private static let roundsMax = 16

    private let state = Locked(State())
    private let poller: Int32
    /// Written to when somebody has given a job to a thread that sleeps. Nobody reads it: each write is an event.
    private let wakeup: Int32

    init() {
        wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(wakeup >= 0 && poller >= 0, "no descriptors left for the agent's loop: error \(errno)")
        watch(wakeup, for: EPOLLIN.rawValue | EPOLLET.rawValue)
    }

    deinit {
        close(wakeup)
        close(poller)
    }

    func add(_ job: UnownedJob) { wake { $0.jobs.append(job) } }

    func add(_ sleeper: CheckedContinuation<Void, Never>, until end: ContinuousClock.Instant) {
        wake { $0.sleepers.append((end, sleeper)) }
    }

    func stop() { wake { $0.isStopped = true } }

    func serve(_ descriptor: Int32, _ onReady: @escaping @Sendable () -> Void) {
        state.withLock { $0.served[descriptor] = onReady }
        watch(descriptor, for: EPOLLIN.rawValue)
    }

    func forget(_ descriptor: Int32) {
        state.withLock { state in
            guard state.served.removeValue(forKey: descriptor) != nil else { return }
            epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, nil)
        }
    }

    private func watch(_ descriptor: Int32, for events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = descriptor
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)
    }

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
            let (jobs, isStopped, isDue) = state.withLock { state in
                defer {
                    state.isAsleep = state.jobs.isEmpty && !state.isStopped
                    state.jobs = []
                }
                state.rounds = state.jobs.isEmpty ? 0 : state.rounds + 1
                return (state.jobs, state.isStopped, state.rounds > Self.roundsMax)
            }
            if jobs.isEmpty, isStopped { return nil }
            if isDue || jobs.isEmpty { look(waiting: jobs.isEmpty) }
            if !jobs.isEmpty { return jobs }
        }
    }

    private func look(waiting: Bool) {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 8) { events in
            let limit = waiting ? state.withLock { Self.milliseconds(until: $0.sleepers.map(\.end).min()) } : 0
            let count = epoll_wait(poller, events.baseAddress, Int32(events.count), limit)
            let rested = state.withLock { state in
                state.isAsleep = false
                state.rounds = 0
                if state.sleepers.isEmpty { return state.sleepers }
                let now = ContinuousClock.now
                defer { state.sleepers.removeAll { $0.end <= now } }
                return state.sleepers.filter { $0.end <= now }
            }
            for sleeper in rested { sleeper.continuation.resume() }
            for event in events.prefix(Int(max(count, 0))) where event.data.fd != wakeup {
                state.withLock { $0.served[event.data.fd] }?()
            }
        }
    }

    /// - Returns: Rounded up; -1 without a moment to wait for.
    private static func milliseconds(until moment: ContinuousClock.Instant?) -> Int32 {
        guard let moment else { return -1 }
        let left = max(.zero, ContinuousClock.now.duration(to: moment))
        return Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
    }
}
