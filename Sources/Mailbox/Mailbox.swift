// The inbox of an event loop: many senders, one receiver, whole batches.

/// A queue that any thread may send to and one loop empties, a batch at a time.
///
/// Events of one sender arrive in the order sent. C callbacks, NIO handlers and timers call `send` directly. There is no
/// bound here: senders are bounded at the edges (connections, bodies, timers), and `depth` shows what waits.
///
/// ```swift
/// while case let batch = await mailbox.next(), !batch.isEmpty { ... }
/// ```
public final class Mailbox<Event: Sendable>: Sendable {
    @usableFromInline struct State {
        @usableFromInline var queue: [Event] = []
        @usableFromInline var receiver: CheckedContinuation<[Event], Never>?
        @usableFromInline var isFinished = false

        @usableFromInline init() {}
    }
    @usableFromInline let state = Locked(State())

    public init() {}

    /// Adds an event. After `finish()` it is dropped.
    @inlinable public func send(_ event: Event) {
        let receiver = state.withLock { state -> CheckedContinuation<[Event], Never>? in
            if state.isFinished { return nil }
            guard let receiver = state.receiver else {
                state.queue.append(event)
                return nil
            }
            state.receiver = nil
            return receiver
        }
        receiver?.resume(returning: [event])
    }

    /// Waits for events and takes all that have arrived.
    ///
    /// - Returns: At least one event; or none, at once and for ever, when the mailbox is finished and empty.
    /// - Precondition: One caller at a time.
    @inlinable public func next() async -> [Event] {
        await withCheckedContinuation { receiver in
            let ready = state.withLock { state -> [Event]? in
                precondition(state.receiver == nil, "a mailbox has one receiver, and it is already waiting")
                if state.queue.isEmpty && !state.isFinished {
                    state.receiver = receiver
                    return nil
                }
                let batch = state.queue
                state.queue = []
                return batch
            }
            if let ready { receiver.resume(returning: ready) }
        }
    }

    /// Ends the mailbox: what was sent before is still delivered, then `next()` returns nothing for ever.
    @inlinable public func finish() {
        let receiver = state.withLock { state -> CheckedContinuation<[Event], Never>? in
            state.isFinished = true
            defer { state.receiver = nil }
            return state.receiver
        }
        receiver?.resume(returning: [])
    }

    /// How many events wait to be taken: a gauge for metrics.
    @inlinable public var depth: Int { state.withLock { $0.queue.count } }
}
