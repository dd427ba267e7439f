// Drives libcurl's multi interface with epoll.
import CCurl
import CLinux
import Glibc

/// Lives on the loop's thread only.
final class CurlEngine {
    private let loop: CurlLoop
    private let poller: Int32
    private let multi: UnsafeMutableRawPointer
    private var transfers: [CurlLoop.TransferID: CurlTransfer] = [:]
    /// When libcurl wants to be called without an event on a socket.
    private var curlDeadline: ContinuousClock.Instant?
    /// No transfer's silence is too long before this.
    private var nextIdleCheck: ContinuousClock.Instant?
    private var isStopped = false

    private static let globalInit: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(loop: CurlLoop) {
        self.loop = loop
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard Self.globalInit, poller >= 0, let multi = curl_multi_init() else {
            preconditionFailure("libcurl cannot start: no memory or no descriptors")
        }
        self.multi = multi
    }

    deinit {
        curl_multi_cleanup(multi)
        close(poller)
    }

    func run() {
        let context = Unmanaged.passUnretained(self).toOpaque()  // The multi handle does not outlive self.
        ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        ccurl_multi_set_socket_callback(multi, onSocketChange)
        ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        ccurl_multi_set_timer_callback(multi, onTimerChange)
        watch(loop.wakeup, for: EPOLLIN.rawValue)

        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !isStopped {
            let count = epoll_wait(poller, &events, Int32(events.count), waitMilliseconds())
            for event in events.prefix(Int(max(count, 0))) where event.data.fd != loop.wakeup {
                act(on: event.data.fd, curlMask(event.events))
            }
            if let due = curlDeadline, due <= .now {
                curlDeadline = nil
                act(on: CURL_SOCKET_TIMEOUT, 0)
            }
            for command in loop.takeCommands() { perform(command) }
            collectFinished()
            endSilentTransfers()
        }
        for (id, _) in transfers { finish(id, .failure(.cancelled)) }
        for case .start(_, _, let exchange) in loop.takeCommands() { exchange.finish(.failure(.cancelled)) }
    }

    private func perform(_ command: CurlLoop.Command) {
        switch command {
        case .start(let id, let request, let exchange):
            if exchange.hasEnded { return }  // Cancelled on its way here.
            guard let transfer = CurlTransfer(id: id, request: request, tls: loop.tls, exchange: exchange) else {
                exchange.finish(.failure(.invalidURL))
                return
            }
            transfers[id] = transfer
            curl_multi_add_handle(multi, transfer.easy)
            noteIdleDeadline(of: transfer)
        case .cancel(let id):
            finish(id, .failure(.cancelled))
        case .resume(let id):
            guard let transfer = transfers[id] else { return }
            transfer.resume()
            noteIdleDeadline(of: transfer)
            act(on: CURL_SOCKET_TIMEOUT, 0)
        case .stop:
            isStopped = true
        }
    }

    private func act(on socket: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, socket, mask, &running)
    }

    private func collectFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = ccurl_message_result(message)
            guard let transfer = CurlTransfer.of(easy) else { continue }
            finish(transfer.id, transfer.result(code))
        }
    }

    private func finish(_ id: CurlLoop.TransferID, _ result: Result<Void, HTTPClientError>) {
        guard let transfer = transfers.removeValue(forKey: id) else { return }
        curl_multi_remove_handle(multi, transfer.easy)
        transfer.exchange.finish(result)
    }

    // MARK: Time

    private func waitMilliseconds() -> Int32 {
        guard let next = [curlDeadline, nextIdleCheck].compactMap({ $0 }).min() else { return -1 }
        let wait = ContinuousClock.now.duration(to: next)
        if wait <= .zero { return 0 }
        // Rounded up: waking before the deadline would only spin.
        return Int32(clamping: Int64((wait / .milliseconds(1)).rounded(.up)))
    }

    fileprivate func setTimer(milliseconds: Int) {
        curlDeadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }

    private func noteIdleDeadline(of transfer: CurlTransfer) {
        guard let deadline = transfer.idleDeadline else { return }
        nextIdleCheck = min(deadline, nextIdleCheck ?? deadline)
    }

    /// Deadlines only move into the future by themselves, so all are looked at only when the nearest known one is due.
    private func endSilentTransfers() {
        guard let due = nextIdleCheck, due <= .now else { return }
        nextIdleCheck = nil
        for (id, transfer) in transfers {
            guard let deadline = transfer.idleDeadline else { continue }
            if deadline <= .now {
                finish(id, .failure(.timedOut("no byte came for \(transfer.idleTimeout ?? .zero)")))
            } else {
                noteIdleDeadline(of: transfer)
            }
        }
    }

    // MARK: Sockets

    fileprivate func watch(_ socket: Int32, for events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = socket
        if epoll_ctl(poller, EPOLL_CTL_MOD, socket, &event) != 0 { epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) }
    }

    fileprivate func unwatch(_ socket: Int32) {
        epoll_ctl(poller, EPOLL_CTL_DEL, socket, nil)  // Fails if libcurl has closed it already; then nothing is left.
    }

    private func curlMask(_ events: UInt32) -> Int32 {
        var mask: Int32 = 0
        if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_IN }
        if events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
        if events & EPOLLERR.rawValue != 0 { mask |= CURL_CSELECT_ERR }
        return mask
    }
}

private let onSocketChange: ccurl_socket_callback = { _, socket, what, context, _ in
    guard let context else { return 0 }
    let engine = Unmanaged<CurlEngine>.fromOpaque(context).takeUnretainedValue()
    switch what {
    case CURL_POLL_REMOVE: engine.unwatch(socket)
    case CURL_POLL_IN: engine.watch(socket, for: EPOLLIN.rawValue)
    case CURL_POLL_OUT: engine.watch(socket, for: EPOLLOUT.rawValue)
    default: engine.watch(socket, for: EPOLLIN.rawValue | EPOLLOUT.rawValue)
    }
    return 0
}

private let onTimerChange: ccurl_timer_callback = { _, milliseconds, context in
    guard let context else { return 0 }
    Unmanaged<CurlEngine>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds: milliseconds)
    return 0
}
