// The one owner of a libzookeeper handle: lifetime, watch table, state and the evidence of contact.

import CZooKeeper
import Mailbox

/// Names a registered watch. An integer and not a retained object: the library hands every session event to every
/// watcher without consuming it, and never hands back a watch that does not fire.
struct WatchToken: Hashable, Sendable {
    var number: UInt
    var pointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number) }
}

final class SessionHandle: Sendable {
    /// The library's handle is thread-safe; the lock around it only keeps calls away from a closed one.
    private struct Native: @unchecked Sendable { var pointer: OpaquePointer }

    private struct State {
        var native: Native?
        var isClosing = false
        var session = SessionState.connecting
        var sessionID: Int64?
        var negotiatedTimeout: Duration?
        var lastContact: ContinuousClock.Instant?
        var watches: [WatchToken: @Sendable (WatchEvent) -> Void] = [:]
        var lastToken: UInt = 0
    }

    private let state = Locked(State())
    private let requestedTimeout: Duration
    private let onStateChange: @Sendable (SessionState) -> Void

    init(timeout: Duration, onStateChange: @escaping @Sendable (SessionState) -> Void) {
        requestedTimeout = timeout
        self.onStateChange = onStateChange
    }

    /// Creates the library's handle. Resolves host names, so it may block for as long as DNS does.
    func open(servers: String) throws(ZooKeeperError) {
        _ = Self.libraryIsSilent
        let context = Unmanaged.passRetained(self)
        let isOpen = state.withLock { state in
            // Under the lock, so that a callback which comes before this call returns finds the handle in place.
            guard
                let pointer = zookeeper_init2(
                    servers, Self.onEvent, Int32(clamping: requestedTimeout.milliseconds), nil, context.toOpaque(), 0,
                    { _ in })
            else { return false }
            state.native = Native(pointer: pointer)
            return true
        }
        guard isOpen else {
            context.release()
            throw .unresolvableServers(servers)
        }
    }

    /// Ends the session. Joins the library's threads, so it runs on a thread of its own; pending requests end with
    /// `.closing`. Further calls return at once.
    func close(whenDone: @escaping @Sendable () -> Void) {
        let native = state.withLock { state in
            defer { state.isClosing = true }
            return state.isClosing ? nil : state.native
        }
        guard let native else { return whenDone() }
        DedicatedThread.start(named: "zk-close") {
            zookeeper_close(native.pointer)
            self.state.withLock { state in
                state.native = nil
                state.watches = [:]
            }
            self.move(to: .closed)
            whenDone()
            Unmanaged.passUnretained(self).release()  // The library's context pointer.
        }
    }

    /// Hands the handle to a call of the library, none of which blocks.
    ///
    /// - Returns: What the library returned, or the code for a session that has ended.
    func call(_ body: (OpaquePointer) -> Int32) -> Int32 {
        state.withLock { state in
            guard let native = state.native, !state.isClosing else { return ZCLOSING.rawValue }
            switch state.session {
            case .expired: return ZSESSIONEXPIRED.rawValue
            case .authenticationFailed: return ZAUTHFAILED.rawValue
            case .closed: return ZCLOSING.rawValue
            case .connecting, .connected: return body(native.pointer)
            }
        }
    }

    // MARK: State

    var current: SessionState { state.withLock { $0.session } }
    var sessionID: Int64? { state.withLock { $0.sessionID } }
    var negotiatedTimeout: Duration { state.withLock { $0.negotiatedTimeout } ?? requestedTimeout }
    var lastContact: ContinuousClock.Instant? { state.withLock { $0.lastContact } }

    func noteContact(at instant: ContinuousClock.Instant) {
        state.withLock { state in state.lastContact = max(state.lastContact ?? instant, instant) }
    }

    private func move(to next: SessionState) {
        let isNews = state.withLock { state in
            guard state.session != next, next == .closed || !state.isClosing else { return false }
            state.session = next
            if case .connected(let id, let timeout) = next {
                state.sessionID = id
                state.negotiatedTimeout = timeout
            }
            return true
        }
        if isNews { onStateChange(next) }
    }

    // MARK: Watches

    func register(_ watch: @escaping @Sendable (WatchEvent) -> Void) -> WatchToken {
        state.withLock { state in
            state.lastToken += 1
            let token = WatchToken(number: state.lastToken)
            state.watches[token] = watch
            return token
        }
    }

    func forget(_ token: WatchToken) {
        _ = state.withLock { $0.watches.removeValue(forKey: token) }
    }

    static let onWatch: watcher_fn = { pointer, type, _, path, context in
        guard type != ZOO_SESSION_EVENT, let handle = SessionHandle.of(pointer), let context else { return }
        let token = WatchToken(number: UInt(bitPattern: context))
        let watch = handle.state.withLock { $0.watches.removeValue(forKey: token) }
        let kind: WatchEvent.Kind
        switch type {
        case ZOO_CREATED_EVENT: kind = .created
        case ZOO_DELETED_EVENT: kind = .deleted
        case ZOO_CHANGED_EVENT: kind = .dataChanged
        case ZOO_CHILD_EVENT: kind = .childrenChanged
        default: return
        }
        watch?(WatchEvent(kind: kind, path: path.map { String(cString: $0) } ?? ""))
    }

    // MARK: Session events

    private static let onEvent: watcher_fn = { pointer, type, nativeState, _, _ in
        guard type == ZOO_SESSION_EVENT, let handle = SessionHandle.of(pointer), let pointer else { return }
        switch nativeState {
        case ZOO_CONNECTED_STATE:
            let timeout = Duration.milliseconds(Int(zoo_recv_timeout(pointer)))
            handle.move(
                to: .connected(sessionID: zoo_client_id(pointer)?.pointee.client_id ?? 0, negotiatedTimeout: timeout))
            handle.probe()
        case ZOO_EXPIRED_SESSION_STATE: handle.move(to: .expired)
        case ZOO_AUTH_FAILED_STATE: handle.move(to: .authenticationFailed)
        default: handle.move(to: .connecting)
        }
    }

    private static func of(_ pointer: OpaquePointer?) -> SessionHandle? {
        guard let pointer, let context = zoo_get_context(pointer) else { return nil }
        return Unmanaged<SessionHandle>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: Evidence of contact

    /// Asks the ensemble's leader for a sign of life. Only the moment of sending is kept, when the answer comes.
    func probe() {
        PendingRequest<String>(handle: self) { _ in }.send { zoo_async($0, "/", Completion.string, $1) }
    }

    /// Probes six times per session timeout, until the session is closed.
    func keepProbing() {
        guard !state.withLock({ $0.isClosing }) else { return }
        if case .connected = current { probe() }
        Timers.shared.scheduleOnce(after: negotiatedTimeout / 6) { [weak self] in self?.keepProbing() }
    }

    /// While cut off the library would print about 130 lines a second; what they say arrives as states and errors.
    private static let libraryIsSilent: Void = zoo_set_debug_level(ZooLogLevel(rawValue: 0))
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
