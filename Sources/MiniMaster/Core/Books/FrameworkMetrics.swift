// What is counted for each framework: its calls, the events it was sent, its offers, operations and ended tasks.
import MesosProtocol
import Resources

/// Counters of one framework, under the names of Apache Mesos.
package struct FrameworkMetrics: Equatable, Sendable {
    private var calls: [V1SchedulerCall.TypeEnum: UInt64] = [:]
    private var events: [V1SchedulerEvent.TypeEnum: UInt64] = [:]
    private var operations: [V1Offer.Operation.TypeEnum: UInt64] = [:]
    private var ended: [V1TaskState: UInt64] = [:]
    private var offersSent: UInt64 = 0
    private var offersAccepted: UInt64 = 0
    private var offersDeclined: UInt64 = 0
    private var offersRescinded: UInt64 = 0
    /// Offers it left unanswered until the offer timeout.
    package private(set) var offersExpired: UInt64 = 0

    mutating func count(_ call: V1SchedulerCall) {
        calls[call.type, default: 0] += 1
        switch call.type {
        case .accept:
            offersAccepted += UInt64(call.accept.offerIds.count)
            for operation in call.accept.operations { operations[operation.type, default: 0] += 1 }
        case .decline: offersDeclined += UInt64(call.decline.offerIds.count)
        default: break
        }
    }

    var callCount: UInt64 { calls.values.reduce(0, +) }

    mutating func countSubscription() { calls[.subscribe, default: 0] += 1 }

    mutating func count(_ event: V1SchedulerEvent) {
        events[event.type, default: 0] += 1
        switch event.type {
        case .offers: offersSent += UInt64(event.offers.offers.count)
        case .rescind: offersRescinded += 1
        default: break
        }
    }

    mutating func countExpiredOffer() { offersExpired += 1 }

    mutating func countEnd(in state: V1TaskState) { ended[state, default: 0] += 1 }

    /// Names below `master/frameworks/<name>/<id>/`, with their values.
    var all: [(name: String, value: UInt64)] {
        var all: [(name: String, value: UInt64)] = [
            ("offers/sent", offersSent), ("offers/accepted", offersAccepted), ("offers/declined", offersDeclined),
            ("offers/rescinded", offersRescinded), ("offers/expired", offersExpired), ("calls", callCount),
            ("events", events.values.reduce(0, +)), ("operations", operations.values.reduce(0, +)),
        ]
        for type in V1SchedulerCall.TypeEnum.allCases where type != .unknown {
            all.append(("calls/\(MetricWords.snakeCase("\(type)"))", calls[type] ?? 0))
        }
        for type in V1SchedulerEvent.TypeEnum.allCases where type != .unknown {
            all.append(("events/\(MetricWords.snakeCase("\(type)"))", events[type] ?? 0))
        }
        for type in V1Offer.Operation.TypeEnum.allCases where type != .unknown {
            all.append(("operations/\(MetricWords.snakeCase("\(type)"))", operations[type] ?? 0))
        }
        for state in V1TaskState.allCases where state.isTerminal {
            all.append(("tasks/terminal/\(state.name.lowercased())", ended[state] ?? 0))
        }
        return all
    }
}

/// The counters of all frameworks that are known or completed.
package struct FrameworkMetricsBook: Sendable {
    private var metrics: [FrameworkID: FrameworkMetrics] = [:]

    package init() {}

    package subscript(id: FrameworkID) -> FrameworkMetrics { metrics[id] ?? FrameworkMetrics() }

    mutating func update(_ id: FrameworkID, _ change: (inout FrameworkMetrics) -> Void) {
        change(&metrics[id, default: FrameworkMetrics()])
    }

    /// Forgets frameworks that nobody will ask for again.
    mutating func keep(only isKnown: (FrameworkID) -> Bool) { metrics = metrics.filter { isKnown($0.key) } }
}
