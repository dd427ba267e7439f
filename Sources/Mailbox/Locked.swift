// A value guarded by a lock that every tool, ThreadSanitizer included, can see.
import Glibc

/// A value that is read and changed only while holding a lock.
///
/// Built on `pthread_mutex` and not on `Synchronization.Mutex`, whose futex code lies in the uninstrumented runtime and
/// makes ThreadSanitizer report races that are none. Never await, block or call out to foreign code in `withLock`.
///
/// Inlinable, as is ``Mailbox``: each step of everything passes through them, and left generic they look types up at run time.
public final class Locked<Value>: @unchecked Sendable {
    // @unchecked: `value` is touched only between lock and unlock of `mutex`.
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline var value: Value

    public init(_ value: Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let code = pthread_mutex_init(mutex, nil)
        precondition(code == 0, "pthread_mutex_init failed with \(code)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    /// Runs `body` with exclusive access to the value. Not reentrant.
    @inlinable public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
