// The event streams of operators: the state first, however long it takes to write, and every event behind it in order.
import HTTPServer
import Logging
import Mailbox
import MesosProtocol

/// Encodes and sends what operators watch, away from the master's loop.
final class OperatorBroadcast: Sendable {
    private enum Work: Sendable {
        case event([StreamID], V1OperatorEvent)
        case close(StreamID, reason: String)
    }

    private final class Subscriber: Sendable {
        struct State {
            /// Encoded events that wait for the state to be written. Nil once it is.
            var held: [[UInt8]]? = []
            var heldBytes = 0
        }
        let stream: HTTPStream
        let media: MediaType
        let state = Locked(State())

        init(stream: HTTPStream, media: MediaType) {
            self.stream = stream
            self.media = media
        }
    }

    /// A subscriber may be behind by as many bytes besides the state it was sent first.
    static let streamBytesMax = 64 << 20
    /// So many events may wait to be encoded; if the master cannot keep up, its watchers go before its cluster does.
    static let backlogMax = 200_000

    private let subscribers = Locked<[StreamID: Subscriber]>([:])
    private let work = Mailbox<Work>()
    private let logger: Logger

    private let budget: HTTPStreamBudget

    init(logger: Logger, budget: HTTPStreamBudget) {
        self.logger = logger
        self.budget = budget
    }

    var count: Int { subscribers.withLock { $0.count } }

    /// Encodes until `finish`.
    func run() async {
        while true {
            let batch = await work.next()
            if batch.isEmpty { return }
            for item in batch {
                switch item {
                case .event(let ids, let event): send(event, to: ids)
                case .close(let id, let reason): end(id, reason)
                }
            }
        }
    }

    func finish() {
        work.finish()
        closeAll()
    }

    // MARK: Subscribers

    /// Opens a stream. Events that come before `begin` has written the state wait behind it.
    func open(
        _ id: StreamID, _ media: MediaType, onClose: @escaping @Sendable (HTTPStreamEnd) -> Void
    ) -> HTTPResponse {
        let stream = HTTPStream(bufferedBytesMax: Self.streamBytesMax, budget: budget)
        let subscriber = Subscriber(stream: stream, media: media)
        subscribers.withLock { $0[id] = subscriber }
        stream.onClose { [self] end in
            subscribers.withLock { _ = $0.removeValue(forKey: id) }
            onClose(end)
        }
        return .stream(200, stream, contentType: media.rawValue)
    }

    /// Writes the first record of a stream, then what came meanwhile.
    ///
    /// - Parameter render: Makes the record's bytes; called on another thread than the caller's.
    func begin(_ id: StreamID, _ render: @escaping @Sendable (MediaType) -> [UInt8]) {
        guard let subscriber = subscribers.withLock({ $0[id] }) else { return }
        Task {
            let record = RecordIO.encode(render(subscriber.media))
            subscriber.stream.write(opening: record)
            let isBehind = subscriber.state.withLock { state in
                for event in state.held ?? [] { subscriber.stream.write(event) }
                state.held = nil
                return state.heldBytes > Self.streamBytesMax
            }
            if isBehind { end(id, "its first record took too long to write") }
        }
    }

    func broadcast(_ ids: [StreamID], _ event: V1OperatorEvent) {
        if work.depth > Self.backlogMax {
            logger.error("the master changes faster than it can tell operators; their streams are closed")
            return closeAll()
        }
        work.send(.event(ids, event))
    }

    /// Ends a stream after what was sent on it.
    func close(_ id: StreamID, reason: String) { work.send(.close(id, reason: reason)) }

    func closeAll() {
        let all = subscribers.withLock { subscribers in
            defer { subscribers = [:] }
            return subscribers.values.map { $0 }
        }
        for subscriber in all { subscriber.stream.close() }
    }

    private func end(_ id: StreamID, _ reason: String) {
        guard let subscriber = subscribers.withLock({ $0.removeValue(forKey: id) }) else { return }
        logger.warning("closed an operator's event stream: \(reason)", metadata: ["stream": "\(id)"])
        subscriber.stream.close()
    }

    private func send(_ event: V1OperatorEvent, to ids: [StreamID]) {
        var encoded: [MediaType: [UInt8]] = [:]
        for id in ids {
            guard let subscriber = subscribers.withLock({ $0[id] }) else { continue }
            let record = encoded[subscriber.media] ?? RecordIO.encode(subscriber.media.encode(event))
            encoded[subscriber.media] = record
            let isBehind = subscriber.state.withLock { state in
                guard state.held != nil else {
                    subscriber.stream.write(record)
                    return false
                }
                state.held?.append(record)
                state.heldBytes += record.count
                return state.heldBytes > Self.streamBytesMax
            }
            if isBehind { end(id, "too much happened while its first record was being written") }
        }
    }
}
