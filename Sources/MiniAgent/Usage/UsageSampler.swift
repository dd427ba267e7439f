// Looks at what running containers use: when somebody asks, and now and then for the peaks and for the final figures.

import Glibc
import MesosProtocol
import Resources

/// Samples of all containers of an agent.
///
/// A container is looked at soon after its start, after pauses as long as its age, and from then on once in every interval,
/// together with all others: the one look into `/proc` that process tasks need serves all of them. Without containers
/// nothing runs.
package actor UsageSampler {
    package struct Settings: Sendable {
        /// Time between two looks at a container that has been running for longer. Zero: only when somebody asks.
        package var interval = Duration.seconds(10)
        /// How old a sample may be that answers a request.
        package var freshFor = Duration.seconds(1)
        /// How many ended containers are remembered; the oldest are forgotten first.
        package var endedMax = 1000
        /// Called after a round in which all containers were old: nothing else is done for a while.
        package var onQuietRound: @Sendable () -> Void = {}

        package init() {}
    }

    /// As an object: a dictionary has room for twice as many values as it holds, and these are large.
    private final class Entry {
        let target: UsageTarget
        let since: ContinuousClock.Instant
        var due: ContinuousClock.Instant
        var looked: ContinuousClock.Instant?
        var isDetailed = false
        var usage: ContainerUsage?

        init(target: UsageTarget, since: ContinuousClock.Instant, due: ContinuousClock.Instant) {
            self.target = target
            self.since = since
            self.due = due
        }
    }

    /// The pause after a container's first look, and the least there is between two rounds.
    private static let pauseMin = Duration.seconds(1)

    private let settings: Settings
    private let file: @Sendable (String) -> [UInt8]?
    private let table: @Sendable () -> ProcessTable
    private let clock = ContinuousClock()
    private let start = ContinuousClock.now
    private var meter = UsageMeter()
    private var entries: [ContainerID: Entry] = [:]
    private var ended: [ContainerID: ContainerUsage] = [:]
    private var endedOrder: [ContainerID] = []
    private var rounds: Task<Void, Never>?

    package init(
        settings: Settings = Settings(), file: @escaping @Sendable (String) -> [UInt8]? = { KernelFiles.read($0) },
        table: @escaping @Sendable () -> ProcessTable = { ProcessTable.read() }
    ) {
        self.settings = settings
        self.file = file
        self.table = table
    }

    // MARK: What happens to containers

    /// A container runs, or was found running.
    package func began(_ target: UsageTarget) {
        guard entries[target.container] == nil else { return }
        let now = clock.now
        // Not at once: many short tasks share one round.
        entries[target.container] = Entry(target: target, since: now, due: now + .milliseconds(250))
        guard settings.interval > .zero else { return }
        if rounds == nil { rounds = Task { [weak self] in await self?.runRounds() } }
    }

    /// A container has ended: what was seen last becomes its final figures, and for a process what its supervisor has
    /// counted. There is nothing left to look at.
    package func ended(_ container: ContainerID) {
        meter.forget(container)
        guard let entry = entries.removeValue(forKey: container) else { return }
        var last = entry.usage
        if let final = meter.final(entry.target, at: HostClock.now.wall, file: file) {
            last = last ?? final
            last?.keepMost(of: final)
            last?.at = final.at
        }
        guard let usage = last else { return }
        if ended.updateValue(usage, forKey: container) == nil { endedOrder.append(container) }
        if endedOrder.count > settings.endedMax {
            for old in endedOrder.prefix(endedOrder.count - settings.endedMax) { ended[old] = nil }
            endedOrder.removeFirst(endedOrder.count - settings.endedMax)
        }
    }

    package func stop() {
        rounds?.cancel()
        rounds = nil
    }

    // MARK: What is asked

    /// What the running containers use now, and what the ended ones had used.
    package func figures() -> UsageFigures {
        let now = clock.now
        let stale = entries.values.filter { entry in
            !entry.isDetailed || entry.looked.map { $0.duration(to: now) > settings.freshFor } ?? true
        }
        look(at: stale.map(\.target.container), detail: true)
        return UsageFigures(running: entries.compactMapValues(\.usage), ended: ended)
    }

    // MARK: Rounds

    private func runRounds() async {
        while let next = entries.values.map(\.due).min() {
            let pause = max(clock.now.duration(to: next), Self.pauseMin)
            do { try await Task.sleep(for: pause, tolerance: .milliseconds(200)) } catch { break }
            // What is due soon is taken along.
            let until = clock.now + .milliseconds(250)
            look(at: entries.values.filter { $0.due <= until }.map(\.target.container), detail: false)
            if pause >= settings.interval / 2 { settings.onQuietRound() }
        }
        rounds = nil
    }

    private func look(at containers: [ContainerID], detail: Bool) {
        guard !containers.isEmpty else { return }
        var once: ProcessTable?
        let table: () -> ProcessTable = { [table] in
            if let once { return once }
            let read = table()
            once = read
            return read
        }
        for container in containers.sorted() {
            guard let entry = entries[container] else { continue }
            let now = clock.now
            if var usage = meter.measure(
                entry.target, table: table, detail: detail, at: HostClock.now.wall, file: file)
            {
                if let earlier = entry.usage { usage.keepMost(of: earlier) }
                entry.usage = usage
            }
            entry.looked = now
            entry.isDetailed = detail
            entry.due = due(after: now, since: entry.since)
        }
    }

    /// Old containers share their times, so that one round serves them all.
    private func due(after now: ContinuousClock.Instant, since: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard settings.interval > .zero else { return now }  // There are no rounds.
        let age = since.duration(to: now)
        if age < settings.interval { return now + max(Self.pauseMin, age) }
        let ticks = Int64((start.duration(to: now) / settings.interval).rounded(.down)) + 1
        return start + settings.interval * Double(ticks)
    }
}

/// Samples of all containers at one moment.
package struct UsageFigures: Hashable, Sendable {
    package var running: [ContainerID: ContainerUsage] = [:]
    /// The final figures of containers that this agent has seen end.
    package var ended: [ContainerID: ContainerUsage] = [:]

    package init(running: [ContainerID: ContainerUsage] = [:], ended: [ContainerID: ContainerUsage] = [:]) {
        self.running = running
        self.ended = ended
    }
}
