// A response body that is written over time, from any thread.
import Mailbox

/// Why a stream ended.
public enum HTTPStreamEnd: Hashable, Sendable {
    /// The client went away, or the server stopped or never got to send the response.
    case peerClosed
    /// `close()` was called and everything before it was handed to the kernel.
    case closedByUs
    /// More bytes waited for the client than allowed, and it was cut off.
    case tooSlow
    /// All streams of its budget together held more bytes than allowed, this one the most, and it was cut off.
    case crowdedOut
}

/// A response body that is written over time. Create it, hand it to the response, and write from any thread, before or
/// after it is attached to the connection. Each `write` becomes one chunk and is sent at once.
public final class HTTPStream: Sendable {
    private struct State {
        var pending: [[UInt8]] = []
        var pendingBytes = 0
        /// Bytes that may wait on top of the bound.
        var allowance = 0
        var inFlightBytes = 0
        /// What the budget counts for this stream: everything that waits, until it has ended.
        var chargedBytes = 0
        var isClosed = false
        var isDrainRequested = false
        var end: HTTPStreamEnd?
        var observers: [@Sendable (HTTPStreamEnd) -> Void] = []
        var connection: (any HTTPStreamConnection)?
        /// Whoever waits for the client to read.
        var room: CheckedContinuation<Bool, Never>?

        /// Takes the waiter if its wait is over.
        mutating func takeWaiter(below bytes: Int) -> (CheckedContinuation<Bool, Never>, isOpen: Bool)? {
            guard let waiter = room, end != nil || pendingBytes + inFlightBytes <= bytes else { return nil }
            room = nil
            return (waiter, end == nil)
        }
    }

    /// What a connection takes from the stream in one go.
    struct Batch {
        var chunks: [[UInt8]]
        var isLast: Bool
    }

    private let bufferedBytesMax: Int
    private let budget: HTTPStreamBudget?
    private let state = Locked(State())

    /// - Parameter bufferedBytesMax: How many bytes may wait for the client. A write beyond it ends the stream with
    ///   `.tooSlow`, unless nothing waits: one chunk may be of any size.
    /// - Parameter budget: What this stream shares with others.
    public init(bufferedBytesMax: Int, budget: HTTPStreamBudget? = nil) {
        self.bufferedBytesMax = bufferedBytesMax
        self.budget = budget
        budget?.enroll(self)
    }

    deinit {
        guard let budget else { return }
        budget.leave(ObjectIdentifier(self))
        _ = budget.change(by: -chargedBytes)
    }

    var chargedBytes: Int { state.withLock { $0.chargedBytes } }

    /// Settles with the budget what changed in the state. Never under the lock of a stream.
    private func settle(_ bytes: Int) {
        guard let budget, bytes != 0 else { return }
        if budget.change(by: bytes) { budget.cutWorst() }
    }

    /// Ends the stream because all of them together hold too much.
    func crowdOut() { end(because: .crowdedOut) }

    private func end(because end: HTTPStreamEnd) {
        var freed = 0
        change { state in
            if state.end == nil { state.end = end }
            state.pending = []
            state.pendingBytes = 0
            freed = state.chargedBytes
            state.chargedBytes = 0
            return true
        }
        settle(-freed)
        wakeWaiter()
    }

    /// Sends a chunk. Does nothing once the stream has ended or was closed, or if `bytes` is empty.
    public func write(_ bytes: [UInt8]) { write(bytes, allowance: 0) }

    /// Sends a first chunk, of any size, that does not count: as many bytes more may wait from now on.
    public func write(opening bytes: [UInt8]) { write(bytes, allowance: bytes.count) }

    private func write(_ bytes: [UInt8], allowance: Int) {
        if bytes.isEmpty { return }
        var charged = 0
        change { state in
            guard state.end == nil, !state.isClosed else { return false }
            state.allowance += allowance
            let buffered = state.pendingBytes + state.inFlightBytes
            if buffered > 0 && buffered + bytes.count > bufferedBytesMax + state.allowance {
                state.end = .tooSlow
                state.pending = []
                state.pendingBytes = 0
                charged = -state.chargedBytes
            } else {
                state.pending.append(bytes)
                state.pendingBytes += bytes.count
                charged = bytes.count
            }
            state.chargedBytes += charged
            return true
        }
        settle(charged)
    }

    /// Sends a chunk as soon as little enough waits for the client, so that a document of any size passes through a small
    /// buffer. One caller at a time.
    ///
    /// - Parameter patience: How long the client may take to read what waits; then the stream ends with `.tooSlow`.
    /// - Returns: Whether the stream is still open.
    public func send(_ bytes: [UInt8], patience: Duration = .seconds(60)) async -> Bool {
        let alarm = Timers.shared.scheduleOnce(after: patience) { [weak self] in self?.cutOff() }
        let isOpen = await withCheckedContinuation { continuation in
            let waiter = state.withLock { state in
                state.room = continuation
                return state.takeWaiter(below: bufferedBytesMax / 2)
            }
            if let waiter { waiter.0.resume(returning: waiter.isOpen) }
        }
        alarm.cancel()
        if isOpen { write(bytes) }
        return isOpen
    }

    private func cutOff() {
        guard state.withLock({ $0.room != nil }) else { return }
        end(because: .tooSlow)
    }

    private func wakeWaiter() {
        let waiter = state.withLock { $0.takeWaiter(below: bufferedBytesMax / 2) }
        if let waiter { waiter.0.resume(returning: waiter.isOpen) }
    }

    /// Breaks the connection off: the client sees that the body is not complete.
    public func abort() { end(because: .tooSlow) }

    /// Ends the body in good order: what was written is still sent.
    public func close() {
        change { state in
            state.isClosed = true
            return state.end == nil
        }
    }

    /// Calls `body` once, with the reason, when the stream has ended; soon, if it has. The call comes on the connection's
    /// event loop, never from inside `write` or `close`: post an event from it and return. A stream that is never handed
    /// to a response never ends.
    public func onClose(_ body: @escaping @Sendable (HTTPStreamEnd) -> Void) {
        change { state in
            state.observers.append(body)
            return state.end != nil
        }
    }

    /// Bytes written here that the kernel has not yet taken.
    public var bufferedBytes: Int { state.withLock { $0.pendingBytes + $0.inFlightBytes } }

    /// Changes the state. If `body` says there is something to do for the connection, wakes it, unless there is none yet or
    /// it is already on its way.
    private func change(_ body: (inout State) -> Bool) {
        let connection = state.withLock { state -> (any HTTPStreamConnection)? in
            guard body(&state), !state.isDrainRequested, let connection = state.connection else { return nil }
            state.isDrainRequested = true
            return connection
        }
        connection?.requestDrain(of: self)
    }

    // MARK: What the connection calls, on its event loop.

    func attach(to connection: any HTTPStreamConnection) {
        change { state in
            state.connection = connection
            return true
        }
    }

    /// Ends a stream that no byte of will be sent. The connection still tells observers that come later.
    func end(unsentThrough connection: any HTTPStreamConnection) {
        attach(to: connection)
        finish(.peerClosed)
    }

    /// Takes what is to be sent. `nil` when the stream has ended, for which the observers are now told.
    func takeBatch() -> Batch? {
        let (batch, end, observers) = state.withLock { state in
            state.isDrainRequested = false
            if let end = state.end {
                defer { state.observers = [] }
                return (nil as Batch?, end as HTTPStreamEnd?, state.observers)
            }
            let batch = Batch(chunks: state.pending, isLast: state.isClosed)
            state.inFlightBytes += state.pendingBytes
            state.pending = []
            state.pendingBytes = 0
            return (batch, nil, [])
        }
        if let end { for observer in observers { observer(end) } }
        return batch
    }

    /// The kernel has taken these bytes.
    func confirm(bytes: Int) {
        let isCharged = state.withLock { state in
            state.inFlightBytes -= bytes
            guard state.end == nil else { return false }
            state.chargedBytes -= bytes
            return true
        }
        if isCharged { settle(-bytes) }
        wakeWaiter()
    }

    /// Ends the stream, unless it has ended, and tells the observers.
    func finish(_ end: HTTPStreamEnd) {
        let freed = state.withLock { state in
            if state.end == nil { state.end = end }
            state.pending = []
            state.pendingBytes = 0
            defer { state.chargedBytes = 0 }
            return state.chargedBytes
        }
        settle(-freed)
        _ = takeBatch()
        wakeWaiter()
    }

    var end: HTTPStreamEnd? { state.withLock { $0.end } }
}

/// The connection a stream writes to.
protocol HTTPStreamConnection: Sendable {
    /// Has the connection take a batch from the stream, soon, on its event loop. Called from any thread.
    func requestDrain(of stream: HTTPStream)
}
