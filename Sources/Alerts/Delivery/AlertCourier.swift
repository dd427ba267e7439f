// Takes messages to receivers. Each has a queue and a try of its own: one that hangs holds up nobody.
import FoundationEssentials
import HTTPClient
import Logging
import Mailbox
import Resources

/// One try at one receiver.
public enum AlertDelivery {
    /// A try takes no longer than this.
    public static let timeLimit = Duration.seconds(10)

    /// - Returns: What was wrong; nil if the receiver has taken it.
    public static func attempt(
        _ message: AlertMessage, at receiver: AlertReceiver, client: HTTPClient = .shared,
        within limit: Duration = timeLimit
    ) async -> String? {
        switch receiver.way {
        case .mail(let server, let sender, let recipients):
            do throws(MailFailure) {
                try await MailClient.send(
                    message.mail(from: sender, to: recipients), from: sender, to: recipients, through: server,
                    within: limit)
                return nil
            } catch { return error.description }
        case .webhook(let url, let token):
            var request = HTTPClientRequest(
                method: "POST", url: url, headers: [("Content-Type", "application/json")], body: message.json,
                connectTimeout: limit, totalTimeout: limit)
            if let token { request.headers.append(("Authorization", "Bearer \(token)")) }
            do throws(HTTPClientError) {
                let reply = try await client.fetch(request, bodyMax: 1 << 20)
                return (200..<300).contains(reply.status) ? nil : "answered \(reply.status)"
            } catch { return error.description }
        }
    }
}

/// How deliveries to a receiver stand.
public struct DeliveryStanding: Equatable, Sendable {
    public var receiver: String
    public var waiting: Int
    public var delivered: Int
    public var dropped: Int
    public var problem: String?
}

/// Delivers to all receivers.
public final class AlertCourier: Sendable {
    private struct Slot {
        let receiver: AlertReceiver
        var queue = DeliveryQueue()
    }
    private let slots: [Locked<Slot>]
    private let cluster: String
    private let logger: Logger

    public init(_ receivers: [AlertReceiver], cluster: String, logger: Logger) {
        slots = receivers.map { Locked(Slot(receiver: $0)) }
        self.cluster = cluster
        self.logger = logger
    }

    /// Returns at once.
    public func tell(_ news: [AlertNews]) {
        for slot in slots { step(slot, .added(news)) }
    }

    public var standings: [DeliveryStanding] {
        slots.map { slot in
            slot.withLock {
                DeliveryStanding(
                    receiver: $0.receiver.name, waiting: $0.queue.count, delivered: $0.queue.delivered,
                    dropped: $0.queue.dropped, problem: $0.queue.problem)
            }
        }
    }

    private func step(_ slot: Locked<Slot>, _ event: DeliveryQueue.Event) {
        let (receiver, effects) = slot.withLock { ($0.receiver, $0.queue.step(event)) }
        if case .failed(_, let reason) = event {
            logger.warning(
                "alerts: \(receiver.name) was not reached: \(reason)", metadata: ["receiver": "\(receiver.name)"])
        }
        for effect in effects {
            switch effect {
            case .attempt(let message):
                Task { [weak self, cluster] in
                    let problem = await AlertDelivery.attempt(
                        AlertMessage(cluster: cluster, news: message.news), at: receiver)
                    self?.step(slot, problem.map { .failed(message.number, $0) } ?? .delivered(message.number))
                }
            case .waitToRetry(let number, let wait):
                Timers.shared.scheduleOnce(after: wait) { [weak self] in self?.step(slot, .retryDue(number)) }
            case .drop(let message, let reason):
                logger.error(
                    "alerts: a message about \(message.news.count) alerts is given up: \(reason)",
                    metadata: ["receiver": "\(receiver.name)"])
            }
        }
    }
}
