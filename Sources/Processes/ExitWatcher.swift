// One thread that waits for the end of every process we started or found again.
import CLinux
import Glibc
import Mailbox

/// Waits on pidfds with epoll, and starts processes: a death signal is tied to the *thread* that forked, and this one,
/// unlike those of the cooperative pool, never ends.
final class ExitWatcher: Sendable {
    static let shared = ExitWatcher()

    private enum Command: Sendable {
        case run(@Sendable () -> Void)
        case watch(pidfd: Int32, @Sendable () -> Void)
    }

    private let commands = Locked<[Command]>([])
    private let wakeup: Int32

    private init() {
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        let poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(wakeup >= 0 && poller >= 0, "no descriptors left to watch processes: error \(errno)")
        add(wakeup, to: poller, events: EPOLLIN.rawValue)
        DedicatedThread.start(named: "processes") { [self] in loop(poller) }
    }

    /// Runs `body` on the thread that never ends.
    func run(_ body: @escaping @Sendable () -> Void) { post(.run(body)) }

    /// Calls `onEnd` once, on the watcher's thread, when the process has ended. The pidfd must stay open until then.
    func watch(pidfd: Int32, onEnd: @escaping @Sendable () -> Void) { post(.watch(pidfd: pidfd, onEnd)) }

    private func post(_ command: Command) {
        commands.withLock { $0.append(command) }
        eventfd_write(wakeup, 1)
    }

    private func add(_ descriptor: Int32, to poller: Int32, events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = descriptor
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)
    }

    private func loop(_ poller: Int32) {
        var watched: [Int32: @Sendable () -> Void] = [:]
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(poller, &events, Int32(events.count), -1)
            for event in events.prefix(Int(max(count, 0))) {
                let descriptor = event.data.fd
                if descriptor == wakeup {
                    var ignored: eventfd_t = 0
                    eventfd_read(wakeup, &ignored)
                } else if let onEnd = watched.removeValue(forKey: descriptor) {
                    epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, nil)
                    onEnd()
                }
            }
            let posted = commands.withLock { commands in
                defer { commands = [] }
                return commands
            }
            for command in posted {
                switch command {
                case .run(let body):
                    body()
                case .watch(let pidfd, let onEnd):
                    watched[pidfd] = onEnd
                    add(pidfd, to: poller, events: EPOLLIN.rawValue)
                }
            }
        }
    }
}
