// One request on its way to the ensemble: whoever comes first, the answer or the deadline, ends the caller's wait.

import CZooKeeper
import Mailbox

/// The bridge between a C completion and the one who waits for it.
///
/// The library calls a completion exactly once for every request it accepted, so the request is handed to it as a
/// retained pointer which the completion releases. The caller may have given up by then.
final class PendingRequest<Answer: Sendable>: Sendable {
    typealias Outcome = Result<Answer, ZooKeeperError>

    private struct Wait {
        var deliver: (@Sendable (Outcome) -> Void)?
        var deadline: TimerToken?
    }

    private let wait: Locked<Wait>
    private let handle: SessionHandle
    private let watch: WatchToken?
    private let transaction: Transaction?
    private let sentAt: ContinuousClock.Instant

    /// - Parameters:
    ///   - watch: Forgotten if the request fails, because then the library has not set it.
    ///   - transaction: C memory that the library may write to until the completion, even when the caller has given up.
    init(
        handle: SessionHandle, watch: WatchToken? = nil, transaction: Transaction? = nil,
        deliver: @escaping @Sendable (Outcome) -> Void
    ) {
        wait = Locked(Wait(deliver: deliver))
        self.handle = handle
        self.watch = watch
        self.transaction = transaction
        sentAt = .now
    }

    /// Hands the request to the library, or fails it at once with the code the library answered.
    func send(_ body: (OpaquePointer, UnsafeRawPointer) -> Int32) {
        let retained = Unmanaged.passRetained(self)
        let code = handle.call { body($0, UnsafeRawPointer(retained.toOpaque())) }
        guard code != ZOK.rawValue else { return }
        retained.release()  // The library did not take it.
        fail(ZooKeeperError(code: code))
    }

    /// Gives up after `duration`. The request itself cannot be taken back and may still be executed.
    func expire(after duration: Duration) {
        let timer = Timers.shared.scheduleOnce(after: duration) { self.fail(.operationTimeout) }
        let isAnswered = wait.withLock { wait in
            if wait.deliver != nil { wait.deadline = timer }
            return wait.deliver == nil
        }
        if isAnswered { timer.cancel() }
    }

    /// Ends the wait without an answer, and with it the watch the request might still set.
    func fail(_ error: ZooKeeperError) {
        if let watch { handle.forget(watch) }
        finish(.failure(error))
    }

    /// Called by the C completions, on the library's own thread.
    ///
    /// - Parameter answer: Reads the library's buffers, which are gone when the completion returns.
    static func completed(_ context: UnsafeRawPointer?, _ code: Int32, _ answer: (Int32) -> Outcome) {
        guard let context else { return }
        let request = Unmanaged<PendingRequest<Answer>>.fromOpaque(context).takeRetainedValue()
        if isServerAnswer(code) { request.handle.noteContact(at: request.sentAt) }
        let outcome = answer(code)
        if case .failure = outcome, let watch = request.watch { request.handle.forget(watch) }
        request.finish(outcome)
    }

    private func finish(_ outcome: Outcome) {
        let (deliver, deadline) = wait.withLock { wait in
            defer { wait = Wait() }
            return (wait.deliver, wait.deadline)
        }
        _ = deadline?.cancel()
        deliver?(outcome)
    }
}

/// Whether a result code came from a server, as opposed to the client library.
private func isServerAnswer(_ code: Int32) -> Bool {
    switch ZOO_ERRORS(rawValue: code) {
    case ZOK: true
    case ZSESSIONEXPIRED, ZINVALIDCALLBACK, ZAUTHFAILED, ZCLOSING, ZNOTHING: false
    default: code < ZAPIERROR.rawValue
    }
}

/// The C functions the library calls with an answer.
enum Completion {
    static let void: void_completion_t = { code, context in
        PendingRequest<Void>.completed(context, code) { code in
            code == ZOK.rawValue ? .success(()) : .failure(ZooKeeperError(code: code))
        }
    }

    static let string: string_completion_t = { code, value, context in
        PendingRequest<String>.completed(context, code) { code in
            guard code == ZOK.rawValue else { return .failure(ZooKeeperError(code: code)) }
            return .success(value.map { String(cString: $0) } ?? "")
        }
    }

    static let strings: strings_completion_t = { code, strings, context in
        PendingRequest<[String]>.completed(context, code) { code in
            guard code == ZOK.rawValue else { return .failure(ZooKeeperError(code: code)) }
            guard let list = strings?.pointee, let names = list.data else { return .success([]) }
            return .success((0..<Int(list.count)).compactMap { names[$0].map { String(cString: $0) } })
        }
    }

    static let stat: stat_completion_t = { code, stat, context in
        PendingRequest<ZNodeStat>.completed(context, code) { code in
            guard code == ZOK.rawValue, let stat else { return .failure(ZooKeeperError(code: code)) }
            return .success(ZNodeStat(stat.pointee))
        }
    }

    /// Absence is an answer here, and one that sets the watch.
    static let existence: stat_completion_t = { code, stat, context in
        PendingRequest<ZNodeStat?>.completed(context, code) { code in
            if code == ZNONODE.rawValue { return .success(nil) }
            guard code == ZOK.rawValue, let stat else { return .failure(ZooKeeperError(code: code)) }
            return .success(ZNodeStat(stat.pointee))
        }
    }

    static let data: data_completion_t = { code, value, count, stat, context in
        PendingRequest<ZNode>.completed(context, code) { code in
            guard code == ZOK.rawValue, let stat else { return .failure(ZooKeeperError(code: code)) }
            // A znode may have no data at all (count -1), which is not told apart from empty data.
            let bytes = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : max(0, Int(count)))
            return .success(ZNode(data: [UInt8](bytes), stat: ZNodeStat(stat.pointee)))
        }
    }

    static let multi: void_completion_t = { code, context in
        // What the transaction's steps yielded lies in the buffers which the waiting call owns.
        PendingRequest<Int32>.completed(context, code) { .success($0) }
    }
}

/// Data and metadata of one znode, as of one moment.
struct ZNode: Sendable {
    var data: [UInt8]
    var stat: ZNodeStat
}
