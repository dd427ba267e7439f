// Somebody else in the process, whose descriptors are nobody's business.

import Glibc
import Mailbox

/// Opens and closes files on another thread while `body` runs.
///
/// - Returns: How many of them were not its own any more when it came to close them: `body` has closed them.
public func descriptorsLost(during body: () throws -> Void) rethrows -> Int {
    let state = Locked((isOver: false, lost: 0))
    let hasEnded = Locked(false)
    DedicatedThread.start(named: "bystander") {
        while !state.withLock({ $0.isOver }) {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            // For as long as it takes somebody to close what is closed already.
            for _ in 0..<20 { _ = fcntl(descriptor, F_GETFD) }
            if close(descriptor) != 0 { state.withLock { $0.lost += 1 } }
        }
        hasEnded.withLock { $0 = true }
    }
    defer {
        state.withLock { $0.isOver = true }
        while !hasEnded.withLock({ $0 }) { sched_yield() }
    }
    try body()
    return state.withLock { $0.lost }
}
