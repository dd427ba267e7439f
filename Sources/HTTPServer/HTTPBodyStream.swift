// A request body that its handler reads while it comes in.
import Mailbox

/// One body, read by one task. What the task does not take holds the client up.
public final class HTTPBodyStream: Sendable {
    public enum Failure: Error, Hashable, Sendable {
        /// The client went away or broke the rules before the body's end, or the answer has been given.
        case truncated
        /// The reading task was cancelled.
        case cancelled
    }

    private typealias Waiter = CheckedContinuation<Result<[UInt8]?, Failure>, Never>

    private struct State {
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
        /// Nil inside: the body came whole.
        var end: Failure??
        var waiter: Waiter?
        /// Called when there is room again.
        var onRoom: (@Sendable () -> Void)?
    }

    /// At this many waiting bytes nothing more is read from the client.
    private static let waitingBytesMax = 64 << 10

    private let state = Locked(State())

    init() {}

    /// The next piece, of any size.
    ///
    /// - Returns: Nil at the body's end.
    public func next() async throws(Failure) -> [UInt8]? {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let (ready, onRoom) = state.withLock { state -> (Result<[UInt8]?, Failure>?, (@Sendable () -> Void)?) in
                    if let piece = state.waiting.first {
                        state.waiting.removeFirst()
                        let wasFull = state.waitingBytes >= Self.waitingBytesMax
                        state.waitingBytes -= piece.count
                        let hasRoom = wasFull && state.waitingBytes < Self.waitingBytesMax
                        return (.success(piece), hasRoom ? state.onRoom : nil)
                    }
                    if let end = state.end { return (end.map { .failure($0) } ?? .success(nil), nil) }
                    precondition(state.waiter == nil, "a request body has one reader, and it is already waiting")
                    state.waiter = waiter
                    return (nil, nil)
                }
                if let ready { waiter.resume(returning: ready) }
                onRoom?()
            }
        } onCancel: {
            end(.cancelled)
        }
        return try result.get()
    }

    /// Ends the reading from outside of the task that reads: it is told `.cancelled`, now or with its next look.
    public func abandon() { end(.cancelled) }

    // MARK: What the connection calls

    func attach(onRoom: @escaping @Sendable () -> Void) { state.withLock { $0.onRoom = onRoom } }

    var wantsMore: Bool { state.withLock { $0.waitingBytes < Self.waitingBytesMax } }

    func deliver(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        let waiter = state.withLock { state -> Waiter? in
            if state.end != nil { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            state.waiting.append(bytes)
            state.waitingBytes += bytes.count
            return nil
        }
        waiter?.resume(returning: .success(bytes))
    }

    /// - Parameter failure: Nil: the body is complete. Only the first end counts.
    func end(_ failure: Failure?) {
        let waiter = state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            state.end = .some(failure)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: failure.map { .failure($0) } ?? .success(nil))
    }
}
