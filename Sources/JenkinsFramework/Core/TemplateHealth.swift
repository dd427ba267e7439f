// Keeps a template that fails from being tried without end: a broken image must not occupy the cluster.
import Resources

/// Counts failures in a row and says how long to wait. Used for each template, and for node creation on the controller.
package struct TemplateHealth: Equatable, Sendable {
    static let failuresBeforeBackoff = 3

    private(set) var failuresInARow = 0
    private(set) var backsOffUntil: Instant?
    private(set) var lastReason = ""
    private var lastBackoffBegan: Instant?
    private let backoffMin: Duration
    private let backoffMax: Duration
    private let failuresAllowed: Int

    init(
        backoffMin: Duration = .seconds(30), backoffMax: Duration = .seconds(600),
        failuresAllowed: Int = failuresBeforeBackoff
    ) {
        self.backoffMin = backoffMin
        self.backoffMax = backoffMax
        self.failuresAllowed = failuresAllowed
    }

    mutating func succeeded() {
        failuresInARow = 0
        backsOffUntil = nil
        lastBackoffBegan = nil
    }

    /// - Parameter begunAt: When what failed was begun. Failures of things begun before the current backoff are echoes of
    ///   the same cause and do not lengthen it.
    mutating func failed(because reason: String, begunAt: Instant, at now: Instant) {
        lastReason = reason
        if let lastBackoffBegan, begunAt <= lastBackoffBegan { return }
        failuresInARow += 1
        guard failuresInARow >= failuresAllowed else { return }
        let doublings = min(failuresInARow - failuresAllowed, 16)
        lastBackoffBegan = now
        backsOffUntil = now.advanced(by: min(backoffMin * (1 << doublings), backoffMax))
    }

    func backsOff(at now: Instant) -> Bool { backsOffUntil.map { now < $0 } ?? false }

    /// After a backoff one try at a time, until one succeeds.
    var isProbing: Bool { failuresInARow >= failuresAllowed }
}
