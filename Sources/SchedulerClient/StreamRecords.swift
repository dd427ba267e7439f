// What a v1 event means for staying subscribed.
import MesosProtocol
import Resources

extension SubscriptionMachine.Record {
    init(_ event: V1SchedulerEvent) {
        switch event.type {
        case .subscribed:
            let seconds = event.subscribed.heartbeatIntervalSeconds
            let isUsable = event.subscribed.hasHeartbeatIntervalSeconds && seconds > 0 && seconds < 86_400
            self = .subscribed(
                FrameworkID(event.subscribed.frameworkID),
                heartbeatInterval: isUsable ? .milliseconds(Int64(seconds * 1_000)) : nil)
        case .heartbeat:
            self = .heartbeat
        case .error:
            self = .error(event.error.message)
        case .unknown, .offers, .inverseOffers, .rescind, .rescindInverseOffer, .update, .updateOperationStatus,
            .message, .failure:
            self = .other
        }
    }
}
