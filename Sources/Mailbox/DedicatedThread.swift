// A thread of its own for work that blocks: event loops over C libraries, timers, joins.
import Glibc

/// Starts threads that do not belong to Swift's cooperative pool, which has only as many threads as cores.
public enum DedicatedThread {
    /// Runs `body` on a new detached thread with all signals blocked, so that they reach the threads meant for them and a
    /// broken pipe is an error code.
    ///
    /// - Parameter name: Shown by `ps -L` and debuggers; the kernel keeps 15 bytes.
    public static func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        withAllSignalsBlocked {  // A new thread inherits the mask of the one that creates it.
            var thread = pthread_t()
            let context = Unmanaged.passRetained(ThreadStart(name: name, body: body)).toOpaque()
            let code = pthread_create(&thread, nil, runThread, context)
            precondition(code == 0, "no thread for \(name): the system refused it with error \(code)")
            pthread_detach(thread)
        }
    }

    private static func withAllSignalsBlocked(_ body: () -> Void) {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        body()
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
    nameThisThread(start.name)
    start.body()
    return nil
}

// The Glibc module does not show pthread_setname_np; this file is what it writes to. A thread without a name works, too.
private func nameThisThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
}
