// Performs the core's container effects with the containerizers, and reports what becomes of them.

import Logging
import MesosProtocol
import Resources

/// One task at a time for each container; what happens becomes events.
struct ContainerRunner: Sendable {
    let containerizers: [ContainerizerKind: any Containerizer]
    let checks: CheckRunner
    let switchUser: Bool
    let fetcher: Fetcher
    let usage: UsageSampler
    let nested: NestedContainers
    let logger: Logger
    let report: @Sendable (AgentEvent) -> Void

    func prepare(_ launch: Launch) async {
        let container = launch.record.container
        do throws(LaunchFailure) {
            let containerizer = try containerizer(of: launch.record)
            let owner = try Sandbox.owner(of: launch, switchUser: switchUser)
            try Sandbox.create(launch, owner: owner)
            try await fetcher.fetch(launch.command.uris, for: launch, owner: owner)
            try PersistentVolume.prepare(launch, owner: owner)
            try SharedDirectory.prepare(launch, owner: owner)
            try await containerizer.prepare(launch)
            if !Task.isCancelled { report(.containerPrepared(container)) }
        } catch {
            if !Task.isCancelled { report(.containerFailed(container, error)) }
        }
    }

    /// - Returns: Whether it runs and is to be followed, best in a task of its own: what this one needed of memory it keeps
    ///   until it ends.
    func start(_ launch: Launch) async -> Bool {
        let container = launch.record.container
        do throws(LaunchFailure) {
            let containerizer = try containerizer(of: launch.record)
            let started = try await containerizer.start(launch)
            if Task.isCancelled { return false }
            report(.containerStarted(container, started))
            if let target = UsageTarget(launch, started) { await usage.began(target) }
            return true
        } catch {
            if !Task.isCancelled { report(.containerFailed(container, error)) }
            return false
        }
    }

    /// Stays with a container.
    ///
    /// - Returns: What it waits for, if there is nothing to do until then; nil at the end.
    func follow(_ launch: Launch, isRecovered: Bool) async -> WorkBag.Pause? {
        let container = launch.record.container
        guard let containerizer = containerizers[launch.record.containerizer] else {
            report(.containerExited(container, .unknown("its containerizer is no longer enabled")))
            return nil
        }
        let following = await containerizer.follow(launch, isRecovered: isRecovered) { started in
            report(.containerStarted(container, started))
            if let target = UsageTarget(launch, started) { Task { await usage.began(target) } }
        }
        return await take(following, of: container)
    }

    private func take(_ following: Following, of container: ContainerID) async -> WorkBag.Pause? {
        switch following {
        case .waiting(let until, let goOn):
            return WorkBag.Pause(until: until) { await take(await goOn(), of: container) }
        case .ended(let exit):
            await usage.ended(container)
            await nested.parentEnded(container)
            if !Task.isCancelled { report(.containerExited(container, exit)) }
        case .cancelled: break
        }
        return nil
    }

    func stop(_ launch: Launch, grace: Duration) async {
        await containerizers[launch.record.containerizer]?.stop(launch, grace: grace)
    }

    func kill(_ launch: Launch) async { await containerizers[launch.record.containerizer]?.kill(launch) }

    func signal(_ launch: Launch, _ signal: Int32) async {
        await containerizers[launch.record.containerizer]?.signal(launch, signal)
    }

    func check(_ run: CheckRun, of launch: Launch) async {
        guard let outcome = await checks.run(run, of: launch) else { return }
        if case .notRun(let reason) = outcome { logger.warning("\(launch.record.key) is not checked: \(reason)") }
        report(.checkFinished(run.id, outcome))
    }

    func update(_ launch: Launch) async { await containerizers[launch.record.containerizer]?.update(launch) }

    func release(_ launch: Launch) async {
        // From now on it grows old.
        Sandbox.touch(launch.run)
        await containerizers[launch.record.containerizer]?.release(launch)
    }

    func remove(_ orphan: OrphanContainer, agent: AgentID) async {
        await containerizers[orphan.containerizer]?.remove(orphan: orphan.id, agent: agent)
    }

    private func containerizer(of record: TaskRecord) throws(LaunchFailure) -> any Containerizer {
        guard let containerizer = containerizers[record.containerizer] else {
            throw .preparation("the \(record.containerizer.rawValue) containerizer is not enabled")
        }
        return containerizer
    }
}
