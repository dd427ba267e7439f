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
    typealias ReplyWaiter = CheckedContinuation<Result<HTTPClientReply, HTTPClientError>, Never>

    /// Above `high` waiting bytes the sender is held up, below `low` it may go on.
    private static let waitingBytes = (low: 64 * 1024, high: 256 * 1024)

    /// Somebody who wants the whole response: waking them for each of its parts would cost more than the parts.
    private struct Collection {
        var waiter: ReplyWaiter
        let bodyMax: Int
        var head: ResponseHead?
    }

    private struct State {
        var id: CurlLoop.TransferID?
        var collection: Collection?
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
        if let error = start(request, { $0.headWaiter = waiter }) { waiter.resume(returning: .failure(error)) }
    }

    /// Waits for all of the response. The waiter hears of it once.
    func start(_ request: HTTPClientRequest, bodyMax: Int, awaitingReply waiter: ReplyWaiter) {
        let error = start(request) { $0.collection = Collection(waiter: waiter, bodyMax: bodyMax) }
        if let error { waiter.resume(returning: .failure(error)) }
    }

    /// - Returns: Why it has ended before it began.
    private func start(_ request: HTTPClientRequest, _ setWaiter: (inout State) -> Void) -> HTTPClientError? {
        let id = loop.nextTransferID()
        let alreadyEnded = state.withLock { state -> HTTPClientError? in
            if case .failure(let error) = state.end { return error }  // Cancelled before it began.
            state.id = id
            setWaiter(&state)
            return nil
        }
        if let alreadyEnded { return alreadyEnded }
        request.upload?.attach { [loop] in loop.post(.resume(id)) }
        loop.post(.start(id, request, self))
        return nil
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
        let waiter = state.withLock { state -> HeadWaiter? in
            state.collection?.head = head
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
        var isTooLarge = false
        let waiter = state.withLock { state -> ChunkWaiter? in
            if state.end != nil { return nil }  // Nobody will read it; the loop is about to hear.
            if let collection = state.collection {
                isTooLarge = state.waiting.count + bytes.count > collection.bodyMax
                if !isTooLarge { state.waiting.append(contentsOf: bytes) }
                return nil
            }
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
        if isTooLarge { end(.bodyTooLarge) }
        return isTaken
    }

    /// Ends the exchange with the transfer's result, unless the caller has ended it.
    ///
    /// - Returns: The transfer's id if this was the end.
    @discardableResult
    func finish(_ result: Result<Void, HTTPClientError>) -> CurlLoop.TransferID? {
        let ended = state.withLock { state -> State? in
            guard state.end == nil else { return nil }
            state.end = result
            defer {
                (state.headWaiter, state.chunkWaiter) = (nil, nil)
                if state.collection != nil { (state.collection, state.waiting) = (nil, []) }
            }
            return state
        }
        guard let ended else { return nil }
        switch result {
        case .success:
            ended.headWaiter?.resume(returning: .failure(.closedEarly))  // An end without a head.
            ended.chunkWaiter?.resume(returning: .success(nil))
            ended.collection?.waiter.resume(
                returning: ended.collection?.head.map { head in
                    .success(HTTPClientReply(status: head.status, headers: head.headers, body: ended.waiting))
                } ?? .failure(.closedEarly))
        case .failure(let error):
            ended.headWaiter?.resume(returning: .failure(error))
            ended.chunkWaiter?.resume(returning: .failure(error))
            ended.collection?.waiter.resume(returning: .failure(error))
        }
        return ended.id
    }
}
