// The mailbox and the thread of one libcurl multi handle.
import CLinux
import Glibc
import Mailbox

/// Everything about libcurl happens on this loop's own thread; others post commands.
final class CurlLoop: Sendable {
    typealias TransferID = UInt64

    enum Command: Sendable {
        case start(TransferID, HTTPClientRequest, Exchange)
        case cancel(TransferID)
        /// The reader has room again.
        case resume(TransferID)
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var lastID: TransferID = 0
        var isStopped = false
    }

    /// Turns readable when there are commands.
    let wakeup: Int32
    let tls: ClientTLS?
    private let state = Locked(State())

    private init(tls: ClientTLS?) {
        self.tls = tls
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeup >= 0, "no descriptors left for an HTTP client: error \(errno)")
    }

    deinit { close(wakeup) }

    static func start(tls: ClientTLS?) -> CurlLoop {
        let loop = CurlLoop(tls: tls)
        DedicatedThread.start(named: "http-client") { CurlEngine(loop: loop).run() }
        return loop
    }

    func nextTransferID() -> TransferID {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    func post(_ command: Command) {
        let isAccepted = state.withLock { state in
            if !state.isStopped { state.commands.append(command) }
            return !state.isStopped
        }
        if isAccepted {
            eventfd_write(wakeup, 1)
        } else if case .start(_, _, let exchange) = command {
            exchange.finish(.failure(.cancelled))
        }
    }

    func takeCommands() -> [Command] {
        var ignored: eventfd_t = 0
        eventfd_read(wakeup, &ignored)
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Ends the thread; all transfers end with `.cancelled`.
    func stop() {
        state.withLock { state in
            state.commands.append(.stop)
            state.isStopped = true
        }
        eventfd_write(wakeup, 1)
    }
}
