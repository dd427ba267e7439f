// Looks at what running containers use: when somebody asks, and now and then for the peaks and for the final figures.

import Glibc
import MesosProtocol
import Resources

/// Samples of all containers of an agent, at the times that ``UsageRounds`` gives: the one look into `/proc` that process
/// tasks need serves all of a round. Without containers nothing runs.
package actor UsageSampler {
    package struct Settings: Sendable {
        /// Time between two looks at a container that has been running for longer. Zero: only when somebody asks.
        package var interval = Duration.seconds(10)
        /// How old a sample may be that answers a request.
        package var freshFor = Duration.seconds(1)
        /// How many ended containers are remembered; the oldest are forgotten first.
        package var endedMax = 1000
        /// Called after a round in which no container was new: nothing else is done for a while.
        package var onQuietRound: @Sendable () -> Void = {}

        package init() {}
    }

    /// As an object: a dictionary has room for twice as many values as it holds, and these are large.
    private final class Entry {
        let target: UsageTarget
        var looked: Instant?
        var isDetailed = false
        var usage: ContainerUsage?

        init(target: UsageTarget) { self.target = target }
    }

    private let settings: Settings
    private let file: @Sendable (String) -> [UInt8]?
    private let table: @Sendable () -> ProcessTable
    private let now: @Sendable () -> Moment
    private let sleep: @Sendable (Duration) async throws -> Void
    private var meter = UsageMeter()
    private var rounds: UsageRounds
    private var isStopped = false
    private var waiting: (until: Instant, task: Task<Void, Never>)?
    private var entries: [ContainerID: Entry] = [:]
    private var ended: [ContainerID: ContainerUsage] = [:]
    private var endedOrder: [ContainerID] = []

    /// - Parameter sleep: Throws when the task that sleeps is cancelled.
    package init(
        settings: Settings = Settings(), file: @escaping @Sendable (String) -> [UInt8]? = { KernelFiles.read($0) },
        table: @escaping @Sendable () -> ProcessTable = { ProcessTable.read() },
        now: @escaping @Sendable () -> Moment = { HostClock.now },
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0, tolerance: .milliseconds(200))
        }
    ) {
        self.settings = settings
        self.file = file
        self.table = table
        self.now = now
        self.sleep = sleep
        rounds = UsageRounds(interval: settings.interval)
    }

    // MARK: What happens to containers

    /// A container runs, or was found running.
    package func began(_ target: UsageTarget) {
        guard entries[target.container] == nil else { return }
        entries[target.container] = Entry(target: target)
        let due = rounds.began(target.container, at: now().instant)
        // In a rush of launches the next round comes soon enough for each, and nobody looks through all containers for it.
        if let due, let waiting, waiting.until <= due { return }
        awaitRound()
    }

    /// A container has ended: what was seen last becomes its final figures, and for a process what its supervisor has
    /// counted. There is nothing left to look at.
    package func ended(_ container: ContainerID) {
        meter.forget(container)
        rounds.ended(container)
        guard let entry = entries.removeValue(forKey: container) else { return }
        var last = entry.usage
        if let final = meter.final(entry.target, at: now().wall, file: file) {
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
        isStopped = true
        waiting?.task.cancel()
        waiting = nil
    }

    // MARK: What is asked

    /// What the running containers use now, and what the ended ones had used.
    package func figures() -> UsageFigures {
        let now = now().instant
        let stale = entries.values.filter { entry in
            !entry.isDetailed || entry.looked.map { $0.duration(to: now) > settings.freshFor } ?? true
        }
        look(at: stale.map(\.target.container), detail: true)
        return UsageFigures(running: entries.compactMapValues(\.usage), ended: ended)
    }

    // MARK: Rounds

    /// Sees to it that the next round is not missed. One that is waited for already may be too late for a new container.
    private func awaitRound() {
        guard !isStopped, let next = rounds.next else { return }
        if let waiting, waiting.until <= next { return }
        waiting?.task.cancel()
        let pause = now().instant.duration(to: next)
        let task = Task { [weak self, sleep] in
            do { try await sleep(max(.zero, pause)) } catch { return }
            await self?.runRound()
        }
        waiting = (next, task)
    }

    private func runRound() {
        // Cancelled after its sleep: another one is waited for.
        if Task.isCancelled { return }
        waiting = nil
        let round = rounds.begin(at: now().instant)
        look(at: round.containers, detail: false)
        if round.isQuiet { settings.onQuietRound() }
        awaitRound()
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
            let now = now()
            if var usage = meter.measure(entry.target, table: table, detail: detail, at: now.wall, file: file) {
                if let earlier = entry.usage { usage.keepMost(of: earlier) }
                entry.usage = usage
            }
            entry.looked = now.instant
            entry.isDetailed = detail
            rounds.looked(at: container, at: now.instant)
        }
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
