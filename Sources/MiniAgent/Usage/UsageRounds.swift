// When running containers are looked at.

import MesosProtocol
import Resources

/// The times at which an agent looks at its running containers.
///
/// A container is looked at soon after its start, after pauses as long as its age, and from then on once in every interval,
/// together with all others: what a look costs is mostly the same for one and for all.
package struct UsageRounds: Sendable {
    private struct Pace {
        var since: Instant
        var due: Instant
    }

    /// From a container's start to the first look at it, and the least there is between two rounds. Many short tasks share
    /// one round.
    private static let pauseMin = Duration.seconds(1)
    /// What is due so soon after a round is taken along.
    private static let slack = Duration.milliseconds(250)

    private let interval: Duration
    private var paces: [ContainerID: Pace] = [:]
    private var last: Instant?

    /// - Parameter interval: Between two looks at an old container. Zero or less: there are no rounds.
    package init(interval: Duration) { self.interval = interval }

    /// - Returns: When the container is to be looked at first; nil if there are no rounds.
    @discardableResult
    package mutating func began(_ container: ContainerID, at now: Instant) -> Instant? {
        guard interval > .zero else { return nil }
        let due = now + Self.pauseMin
        paces[container] = Pace(since: now, due: due)
        return due
    }

    package mutating func ended(_ container: ContainerID) { paces[container] = nil }

    /// When the next round is; nil while there is nothing to look at.
    package var next: Instant? {
        guard let due = paces.values.lazy.map(\.due).min() else { return nil }
        guard let last else { return due }
        return max(due, last + Self.pauseMin)
    }

    /// Begins a round.
    ///
    /// - Returns: Whom to look at, and whether nobody is new, so that nothing else will be done for a while.
    package mutating func begin(at now: Instant) -> (containers: [ContainerID], isQuiet: Bool) {
        last = now
        let until = now + Self.slack
        let due = paces.filter { $0.value.due <= until }.map(\.key)
        return (due, !paces.isEmpty && paces.values.allSatisfy { $0.since.duration(to: now) >= interval })
    }

    /// A container has been looked at, in a round or because somebody asked.
    package mutating func looked(at container: ContainerID, at now: Instant) {
        guard let since = paces[container]?.since else { return }
        paces[container] = Pace(since: since, due: due(after: now, since: since))
    }

    /// Old containers share their times, so that one round serves them all.
    private func due(after now: Instant, since: Instant) -> Instant {
        let age = since.duration(to: now)
        if age < interval { return now + max(Self.pauseMin, age) }
        let length = max(1, interval.clampedNanoseconds)
        let (start, overflow) = (now.nanoseconds / length).multipliedReportingOverflow(by: length)
        return overflow ? .distantFuture : Instant(nanoseconds: start) + interval
    }
}
