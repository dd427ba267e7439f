// One-shot timers: one thread sleeps on behalf of everybody.
import Glibc

/// Runs small actions after a delay on the monotonic clock. Actions run one after another on the timer thread: they hand
/// an event to a mailbox or an event loop and return; they never block.
public final class Timers: Sendable {
    /// The timers of this process. Its thread starts at first use and lives as long as the process.
    public static let shared = Timers()

    private let queue = TimerQueue()

    private init() {
        DedicatedThread.start(named: "timers") { [queue] in
            while true { queue.waitForDue()() }
        }
    }

    /// Runs `action` once, not before `delay` has passed.
    ///
    /// - Parameter delay: Zero or less means as soon as possible.
    /// - Returns: A token to cancel with. Letting go of the token does not cancel.
    @discardableResult
    public func scheduleOnce(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> TimerToken {
        TimerToken(queue: queue, id: queue.add(after: delay, action))
    }

    /// How many timers are waiting: a gauge for metrics.
    public var count: Int { queue.count }
}

/// One scheduled action.
public struct TimerToken: Sendable {
    fileprivate let queue: TimerQueue
    fileprivate let id: UInt64

    /// Takes the timer back.
    ///
    /// - Returns: Whether the action was still waiting; if not, it has run or is running just now.
    @discardableResult
    public func cancel() -> Bool { queue.remove(id) }
}

/// The actions by due time, and the condition on which the timer thread sleeps.
///
/// @unchecked: everything is touched only between lock and unlock of `mutex`, which must be visible to `pthread_cond_*`.
private final class TimerQueue: @unchecked Sendable {
    private struct Due: Comparable {
        let nanoseconds: Int64
        let id: UInt64  // Ascending, so that timers due together run in the order they were set.
        static func < (a: Due, b: Due) -> Bool { (a.nanoseconds, a.id) < (b.nanoseconds, b.id) }
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var heap: [Due] = []
    private var actions: [UInt64: @Sendable () -> Void] = [:]  // A heap entry without an action was cancelled.
    private var lastID: UInt64 = 0

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        changed = .allocate(capacity: 1)
        changed.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        changed.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    var count: Int { locked { actions.count } }

    func add(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        let due = Self.nowNanoseconds.addingClamped(delay.clampedNanoseconds)
        return locked {
            lastID += 1
            actions[lastID] = action
            push(Due(nanoseconds: due, id: lastID))
            if heap[0].id == lastID { pthread_cond_signal(changed) }
            return lastID
        }
    }

    func remove(_ id: UInt64) -> Bool {
        let action = locked { () -> (@Sendable () -> Void)? in
            let action = actions.removeValue(forKey: id)
            // Cancelled entries stay in the heap until due; when they are the majority they are swept out.
            if heap.count > 64 && heap.count > 2 * actions.count {
                heap.removeAll { actions[$0.id] == nil }
                heap.sort()  // A sorted array is a heap.
            }
            return action
        }
        return action != nil  // The closure, and what it holds, is released outside the lock.
    }

    /// Sleeps until an action is due and hands it out.
    func waitForDue() -> @Sendable () -> Void {
        locked {
            while true {
                while let first = heap.first, actions[first.id] == nil { pop() }
                guard let first = heap.first else {
                    pthread_cond_wait(changed, mutex)
                    continue
                }
                if first.nanoseconds <= Self.nowNanoseconds {
                    pop()
                    if let action = actions.removeValue(forKey: first.id) { return action }
                    continue
                }
                var until = timespec(
                    tv_sec: Int(first.nanoseconds / 1_000_000_000), tv_nsec: Int(first.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(changed, mutex, &until)
            }
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    private func push(_ due: Due) {
        heap.append(due)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private static var nowNanoseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds from 0 to about 146 years, so that adding it to a clock cannot overflow.
    fileprivate var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds > Int64.max / 2_000_000_000 { return Int64.max / 2 }
        return seconds * 1_000_000_000 + (attoseconds + 999_999_999) / 1_000_000_000
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
