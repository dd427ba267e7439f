// Messages that wait for one receiver: at most so many, tried at most so often, later and later.
import Resources

/// Decides what of a receiver's messages is tried when. Whoever tries says what came of it.
public struct DeliveryQueue: Equatable, Sendable {
    public struct Message: Equatable, Sendable {
        public var number: UInt64
        public var news: [AlertNews]
        var attempts = 0
    }

    public enum Event: Equatable, Sendable {
        case added([AlertNews])
        case delivered(UInt64)
        case failed(UInt64, String)
        case retryDue(UInt64)
    }

    public enum Effect: Equatable, Sendable {
        case attempt(Message)
        case waitToRetry(UInt64, Duration)
        /// It is given up, for the reason.
        case drop(Message, String)
    }

    /// Messages that wait; beyond, the oldest is dropped.
    public static let messagesMax = 100
    public static let attemptsMax = 6
    /// After the first failure; five times as long after each further one: 2 s, 10 s, 50 s, 250 s, 15 minutes at most.
    public static let backoffMin = Duration.seconds(2)
    public static let backoffMax = Duration.seconds(900)

    private var waiting: [Message] = []
    private var lastNumber: UInt64 = 0
    /// Whether the first is being tried or waits for its next try.
    private var isBusy = false
    public private(set) var delivered = 0
    public private(set) var dropped = 0
    /// What was wrong with the last try; nil after one that went well.
    public private(set) var problem: String?

    public init() {}

    public var count: Int { waiting.count }

    public mutating func step(_ event: Event) -> [Effect] {
        switch event {
        case .added(let news):
            lastNumber += 1
            waiting.append(Message(number: lastNumber, news: news))
            var effects: [Effect] = []
            if waiting.count > Self.messagesMax {
                // The first may be on its way.
                let oldest = waiting.remove(at: isBusy ? 1 : 0)
                dropped += 1
                effects.append(.drop(oldest, "too many messages wait"))
            }
            return effects + next()
        case .delivered(let number):
            guard isBusy, waiting.first?.number == number else { return [] }
            waiting.removeFirst()
            delivered += 1
            problem = nil
            isBusy = false
            return next()
        case .failed(let number, let reason):
            guard isBusy, waiting.first?.number == number else { return [] }
            problem = reason
            if waiting[0].attempts >= Self.attemptsMax {
                let message = waiting.removeFirst()
                dropped += 1
                isBusy = false
                return [.drop(message, reason)] + next()
            }
            return [.waitToRetry(number, Self.backoff(after: waiting[0].attempts))]
        case .retryDue(let number):
            guard isBusy, waiting.first?.number == number else { return [] }
            isBusy = false
            return next()
        }
    }

    private mutating func next() -> [Effect] {
        guard !isBusy, !waiting.isEmpty else { return [] }
        isBusy = true
        waiting[0].attempts += 1
        return [.attempt(waiting[0])]
    }

    static func backoff(after attempts: Int) -> Duration {
        var wait = backoffMin
        for _ in 1..<max(1, attempts) where wait < backoffMax { wait = wait * 5 }
        return min(wait, backoffMax)
    }
}
