// One request and its response, between the loop's thread that feeds it and the tasks that wait for it.
import Mailbox

/// The status line and fields of a response.
struct ResponseHead: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
}

/// Shared by the loop and the caller. Every waiter is resumed exactly once, also at cancellation and shutdown.
final class Exchange: Sendable {
    typealias HeadWaiter = CheckedContinuation<Result<ResponseHead, HTTPClientError>, Never>
    typealias ChunkWaiter = CheckedContinuation<Result<[UInt8]?, HTTPClientError>, Never>

    /// Above `high` waiting bytes the sender is held up, below `low` it may go on.
    private static let waitingBytes = (low: 64 * 1024, high: 256 * 1024)

    private struct State {
        var id: CurlLoop.TransferID?
        var headWaiter: HeadWaiter?
        var chunkWaiter: ChunkWaiter?
        var waiting: [UInt8] = []
        var isPaused = false
        /// Set once: the body's end, or why it will not come.
        var end: Result<Void, HTTPClientError>?
    }

    private let loop: CurlLoop
    private let state = Locked(State())

    init(loop: CurlLoop) { self.loop = loop }

    // MARK: The caller's side

    func start(_ request: HTTPClientRequest, awaitingHead waiter: HeadWaiter) {
        let id = loop.nextTransferID()
        let alreadyEnded = state.withLock { state -> HTTPClientError? in
            if case .failure(let error) = state.end { return error }  // Cancelled before it began.
            state.id = id
            state.headWaiter = waiter
            return nil
        }
        if let alreadyEnded {
            waiter.resume(returning: .failure(alreadyEnded))
        } else {
            request.upload?.attach { [loop] in loop.post(.resume(id)) }
            loop.post(.start(id, request, self))
        }
    }

    func takeChunk(_ waiter: ChunkWaiter) {
        var resumed: CurlLoop.TransferID?
        let ready = state.withLock { state -> Result<[UInt8]?, HTTPClientError>? in
            if !state.waiting.isEmpty {
                if case .failure(.cancelled) = state.end { return .failure(.cancelled) }
                let chunk = state.waiting
                state.waiting = []
                if state.isPaused {
                    state.isPaused = false
                    resumed = state.id
                }
                return .success(chunk)
            }
            switch state.end {
            case .success: return .success(nil)
            case .failure(let error): return .failure(error)
            case nil:
                precondition(state.chunkWaiter == nil, "a response body has one reader, and it is already waiting")
                state.chunkWaiter = waiter
                return nil
            }
        }
        if let ready { waiter.resume(returning: ready) }
        if let resumed { loop.post(.resume(resumed)) }
    }

    /// Ends the exchange from the caller's side, unless it has ended.
    func end(_ error: HTTPClientError) {
        if let id = finish(.failure(error)) { loop.post(.cancel(id)) }
    }

    // MARK: The loop's side

    var hasEnded: Bool { state.withLock { $0.end != nil } }

    func deliver(_ head: ResponseHead) {
        let waiter = state.withLock { state in
            defer { state.headWaiter = nil }
            return state.headWaiter
        }
        waiter?.resume(returning: .success(head))
    }

    /// Takes bytes of the body.
    ///
    /// - Returns: `false` if too many wait already: the same bytes are to be offered again after `.resume`.
    func deliver(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var isTaken = true
        let waiter = state.withLock { state -> ChunkWaiter? in
            if state.end != nil { return nil }  // Nobody will read it; the loop is about to hear.
            if let waiter = state.chunkWaiter {
                state.chunkWaiter = nil
                return waiter
            }
            if state.waiting.count >= Self.waitingBytes.high {
                state.isPaused = true
                isTaken = false
            } else {
                state.waiting.append(contentsOf: bytes)
            }
            return nil
        }
        waiter?.resume(returning: .success(Array(bytes)))
        return isTaken
    }

    /// Ends the exchange with the transfer's result, unless the caller has ended it.
    ///
    /// - Returns: The transfer's id if this was the end.
    @discardableResult
    func finish(_ result: Result<Void, HTTPClientError>) -> CurlLoop.TransferID? {
        let (id, headWaiter, chunkWaiter) = state.withLock {
            state -> (CurlLoop.TransferID?, HeadWaiter?, ChunkWaiter?) in
            guard state.end == nil else { return (nil, nil, nil) }
            state.end = result
            defer { (state.headWaiter, state.chunkWaiter) = (nil, nil) }
            return (state.id, state.headWaiter, state.chunkWaiter)
        }
        switch result {
        case .success:
            headWaiter?.resume(returning: .failure(.closedEarly))  // An end without a head.
            chunkWaiter?.resume(returning: .success(nil))
        case .failure(let error):
            headWaiter?.resume(returning: .failure(error))
            chunkWaiter?.resume(returning: .failure(error))
        }
        return id
    }
}
