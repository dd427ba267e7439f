// The HTTP client: a thin face on one libcurl loop.

/// Sends HTTP/1.1 requests over TCP, TLS and unix sockets. Connections are kept and used again.
///
/// Proxies of the environment are not used. A kept connection that turns out to be dead is replaced and the request sent
/// again, as HTTP allows as long as no byte of a response has come.
public final class HTTPClient: Sendable {
    /// The client everybody may use.
    public static let shared = HTTPClient()

    /// How it behaves over TLS; nil: the system's authorities are trusted. Fixed for the client's life, because kept
    /// connections were made under it.
    public let tls: ClientTLS?
    private let loop: CurlLoop

    public init(tls: ClientTLS? = nil) {
        self.tls = tls
        loop = CurlLoop.start(tls: tls)
    }

    deinit { loop.stop() }

    /// Sends a request and waits for the head of the response. The body is read as the caller takes it; what it does not
    /// take holds the sender up.
    ///
    /// Cancelling the task ends the transfer.
    public func execute(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        let exchange = Exchange(loop: loop)
        let head = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.start(request, awaitingHead: continuation)
            }
        } onCancel: {
            exchange.end(.cancelled)
        }
        let response = try head.get()
        return HTTPClientResponse(
            status: response.status, headers: response.headers, body: HTTPClientBody(exchange: exchange))
    }

    /// Sends a request and collects the whole response.
    ///
    /// - Parameter bodyMax: More bytes than these throw `.bodyTooLarge`.
    public func fetch(
        _ request: HTTPClientRequest, bodyMax: Int = 16 * 1024 * 1024
    ) async throws(HTTPClientError) -> HTTPClientReply {
        let exchange = Exchange(loop: loop)
        let reply = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.start(request, bodyMax: bodyMax, awaitingReply: continuation)
            }
        } onCancel: {
            exchange.end(.cancelled)
        }
        return try reply.get()
    }
}

/// A response's body, chunk by chunk, to be read once. Chunks have nothing to do with those of the transfer encoding.
///
/// Reading throws when the transfer fails before the body's end. Cancelling the reading task ends the transfer, and so does
/// dropping the body and its iterators.
public struct HTTPClientBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = HTTPClientError

    /// Ends the transfer when the last copy of the body and its iterators is gone.
    fileprivate final class Lease: Sendable {
        let exchange: Exchange
        init(_ exchange: Exchange) { self.exchange = exchange }
        deinit { exchange.end(.cancelled) }
    }

    private let lease: Lease

    init(exchange: Exchange) { lease = Lease(exchange) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let lease: Lease

        public mutating func next() async throws(HTTPClientError) -> [UInt8]? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPClientError) -> [UInt8]? {
            let exchange = lease.exchange
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation(isolation: actor) { continuation in
                    exchange.takeChunk(continuation)
                }
            } onCancel: {
                exchange.end(.cancelled)
            }
            return try result.get()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

    /// Ends the transfer now. Readers get `.cancelled`.
    public func cancel() { lease.exchange.end(.cancelled) }
}
