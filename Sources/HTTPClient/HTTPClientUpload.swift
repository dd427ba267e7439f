// A request body that is written while it is sent.
import Mailbox

/// The body of one request, written from any thread. A request that ends, for whatever reason, takes no more of it.
public final class HTTPClientUpload: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isFinished = false
        /// The transfer waits for something to send.
        var isPaused = false
        var resume: (@Sendable () -> Void)?
    }

    private let state = Locked(State())
    private let waitingBytesMax: Int

    /// - Parameter waitingBytesMax: How much may wait for the server.
    public init(waitingBytesMax: Int = 1 << 20) { self.waitingBytesMax = waitingBytesMax }

    /// Adds to the body.
    ///
    /// - Returns: `false` if so much waits for the server that nothing was added.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        change { state in
            guard !state.isFinished, state.waiting.count < waitingBytesMax else { return false }
            state.waiting += bytes
            return true
        }
    }

    /// Ends the body: what was written is still sent.
    public func finish() {
        _ = change { state in
            state.isFinished = true
            return true
        }
    }

    public var isFinished: Bool { state.withLock { $0.isFinished } }

    private func change(_ body: (inout State) -> Bool) -> Bool {
        let (isDone, resume) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            guard body(&state) else { return (false, nil) }
            defer { state.isPaused = false }
            return (true, state.isPaused ? state.resume : nil)
        }
        resume?()
        return isDone
    }

    // MARK: The loop's side

    func attach(resume: @escaping @Sendable () -> Void) { state.withLock { $0.resume = resume } }

    /// - Returns: How many bytes were put there, 0 at the end; nil to be asked again after `resume`.
    func take(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int? {
        state.withLock { state in
            if state.waiting.isEmpty {
                if state.isFinished { return 0 }
                state.isPaused = true
                return nil
            }
            let count = min(buffer.count, state.waiting.count)
            for index in 0..<count { buffer[index] = state.waiting[index] }
            state.waiting.removeFirst(count)
            return count
        }
    }
}
