// Performs the core's durable steps on disk and waits for the disk once for all that are due.

import Dispatch
import Glibc
import Mailbox
import MesosProtocol
import Resources

/// Writes checkpoints. Calls return at once; the outcome comes through `onDone`.
///
/// One writer takes what ``CheckpointQueue`` gives it of what has been asked for meanwhile, performs it in that order and
/// waits for the disk once: see ``CheckpointCommit``. The answer to each write comes when all of its group are on disk.
package final class CheckpointStore: Sendable {
    private typealias Work = @Sendable (inout CheckpointCommit) throws(FileError) -> Void

    private struct State {
        var agent: AgentID?
        var frameworks: [FrameworkID: V1FrameworkInfo] = [:]
        /// As the disk has them, or will before anything that is asked for later.
        var written: [FrameworkID: V1FrameworkInfo] = [:]
        var runs: [TaskKey: Run] = [:]
        var waiting = CheckpointQueue<Waiting>()
        var isWriting = false
        /// What waits for company will be written without it.
        var hasAlarm = false
    }

    /// How soon a write must be done.
    private enum Urgency {
        /// Its answer waits for the disk.
        case flushed
        /// At once. Nobody waits for the disk: a crash of the host may undo it, a crash of the agent not.
        case written
        /// With the next write of any task, or after a moment. Until then a crash of the agent undoes it, too.
        case accompanied
    }

    private struct Waiting: Sendable {
        var token: CheckpointWrite.Token
        var work: Work
        var isFlushed: Bool
    }

    /// Where a task's records lie.
    private struct Run {
        var container: ContainerID
        /// The custom executor that has the task.
        var host: ExecutorID?
        /// Updates without an acknowledgement.
        var pending = 0
        /// Its terminal update is among them.
        var hasEnded = false
    }

    private let paths: AgentPaths
    /// What is written beside the agent's id: the description that a later start is compared with.
    private let agentInfo: V1AgentInfo
    private let writer = DispatchQueue(label: "checkpoint")
    private let state: Locked<State>
    private let resourceLane = DispatchQueue(label: "checkpoint-resources")
    /// What was in a destroyed volume is removed here; nothing waits for it, not even the end of the program.
    private let sweepLane = DispatchQueue(label: "checkpoint-sweep", qos: .background)
    private let patience: Duration
    private let onDone: @Sendable (CheckpointWrite.Token, FileError?) -> Void

    /// - Parameter patience: How long a write that nobody waits for may wait for another one.
    package init(
        paths: AgentPaths, agentInfo: V1AgentInfo, recovered: AgentCheckpoint, patience: Duration = .seconds(1),
        onDone: @escaping @Sendable (CheckpointWrite.Token, FileError?) -> Void
    ) {
        self.paths = paths
        self.agentInfo = agentInfo
        self.patience = patience
        self.onDone = onDone
        state = Locked(
            State(
                agent: recovered.agent, frameworks: recovered.frameworks,
                runs: recovered.tasks.mapValues {
                    Run(
                        container: $0.record.container, host: $0.record.host, pending: $0.pending.count,
                        hasEnded: $0.pending.contains { $0.state.isTerminal })
                }))
        // An earlier life of this agent may have been ended in the middle of it.
        sweepLane.async { VolumeDirectories(paths: paths).sweep() }
    }

    /// Starts a write. Call from one place only, in the order the core asked for: writes of one task are performed in it.
    package func perform(_ write: CheckpointWrite) {
        if case .resources(let resources) = write { return perform(resources, token: write.token) }
        let urgency = urgency(of: write)
        let isFlushed = urgency == .flushed
        let waiting = Waiting(token: write.token, work: plan(write, isFlushed: isFlushed), isFlushed: isFlushed)
        let (mustStart, mustWatch) = state.withLock { state in
            state.waiting.append(waiting, write.kind)
            if state.isWriting { return (false, false) }
            guard urgency == .accompanied else {
                state.isWriting = true
                return (true, false)
            }
            defer { state.hasAlarm = true }
            return (false, !state.hasAlarm)
        }
        if mustStart { writer.async { self.writeGroups() } }
        if mustWatch { Timers.shared.scheduleOnce(after: patience) { [weak self] in self?.writeWhatWaits() } }
    }

    private func writeWhatWaits() {
        let mustStart = state.withLock { state in
            state.hasAlarm = false
            if state.isWriting || state.waiting.isEmpty { return false }
            state.isWriting = true
            return true
        }
        if mustStart { writer.async { self.writeGroups() } }
    }

    /// An acknowledgement behind which another update waits decides what is sent next, and must not be undone: the framework
    /// would hear of an earlier state after a later one. Any other is flushed with the next update of its task; until then a
    /// crash only has the update told once more. The last one lets the task go, which should not wait.
    private func urgency(of write: CheckpointWrite) -> Urgency {
        state.withLock { state in
            switch write {
            case .update(let update):
                state.runs[update.key]?.pending += 1
                if update.state.isTerminal { state.runs[update.key]?.hasEnded = true }
                return .flushed
            case .acknowledgement(let key, _):
                guard let run = state.runs[key], run.pending > 0 else { return .flushed }
                state.runs[key]?.pending -= 1
                if run.pending > 1 { return .flushed }
                return run.hasEnded ? .written : .accompanied
            case .delivery:
                // A crash of the host ends the executor, too: nothing is given to it then.
                return .written
            default: return .flushed
            }
        }
    }

    /// Waits for everything that was asked for. Blocks: for the end of the program and for tests.
    package func drain() {
        writeWhatWaits()
        for lane in [writer, resourceLane] { lane.sync {} }
    }

    private func writeGroups() {
        while true {
            let group = state.withLock { state in
                let group = state.waiting.next()
                if group.isEmpty { state.isWriting = false }
                return group
            }
            if group.isEmpty { return }
            var commit = CheckpointCommit()
            var failures: [FileError?] = []
            for write in group {
                do throws(FileError) {
                    try write.work(&commit)
                    failures.append(nil)
                } catch {
                    failures.append(error)
                }
            }
            let isWaiting = !commit.isEmpty
            if isWaiting {
                for (write, failure) in zip(group, failures) where !write.isFlushed { onDone(write.token, failure) }
                do throws(FileError) { try commit.sync() } catch { failures = failures.map { $0 ?? error } }
            }
            for (write, failure) in zip(group, failures) where write.isFlushed || !isWaiting {
                onDone(write.token, failure)
            }
        }
    }

    private func perform(_ resources: ResourceState, token: CheckpointWrite.Token) {
        resourceLane.async { [paths, sweepLane, onDone] in
            let directories = VolumeDirectories(paths: paths)
            do throws(FileError) {
                try Self.writeResources(resources, paths)
                try directories.recover(resources)
                onDone(token, nil)
            } catch {
                onDone(token, error)
            }
            if !resources.destroyed.isEmpty { sweepLane.async { directories.sweep() } }
        }
    }

    private static func writeResources(_ resources: ResourceState, _ paths: AgentPaths) throws(FileError) {
        try DurableFile.createDirectories(DurableFile.parent(of: paths.resourceState))
        try DurableFile.replace(paths.resourceState, with: file(resources.records))
    }

    /// Binds what the write needs to know now, before later writes change it.
    private func plan(_ write: CheckpointWrite, isFlushed: Bool) -> Work {
        let paths = paths
        if case .agent(let id) = write {
            state.withLock { $0.agent = id }
            return { [agentInfo] (_) throws(FileError) in try Self.writeAgent(id, agentInfo, paths) }
        }
        let (agent, frameworks) = state.withLock { ($0.agent, $0.frameworks) }
        guard let agent else { preconditionFailure("\(write.token) before the agent's own identity") }
        switch write {
        case .agent, .resources:
            preconditionFailure("handled above")
        case .cluster(let name):
            let path = paths.cluster(agent)
            return { (commit) throws(FileError) in try commit.replace(path, with: Array(name.utf8)) }
        case .drain(let order):
            // An empty file says that there is no drain: removing it could be undone by a crash of the host.
            let path = paths.drainOrder(agent)
            let records: [CheckpointRecord] = order.map { [.drain($0)] } ?? []
            return { (commit) throws(FileError) in try commit.replace(path, with: Self.file(records)) }
        case .framework(let info):
            let id = FrameworkID(info.id)
            let isNew = state.withLock { state in
                state.frameworks[id] = info
                defer { state.written[id] = info }
                return state.written[id] != info
            }
            // With its last task the core forgets a framework; its next task brings it back as it was.
            guard isNew else { return { (_) throws(FileError) in } }
            return { (commit) throws(FileError) in try Self.writeFramework(info, id, agent, paths, &commit) }
        case .task(let record):
            state.withLock { $0.runs[record.key] = Run(container: record.container, host: record.host) }
            let framework = frameworks[record.key.framework]
            let run = paths.run(agent, record.key, record.container, host: record.host)
            return { (commit) throws(FileError) in try Self.writeTask(record, framework, run, &commit) }
        case .update(let update):
            return append(.update(update.status(agent: agent)), update.key, agent)
        case .acknowledgement(let key, let id):
            return append(.acknowledgement(id), key, agent, isFlushed: isFlushed)
        case .kill(let key, _, let order):
            return append(.kill(order), key, agent)
        case .retirement(let key, let container):
            let host = state.withLock { state in
                guard let known = state.runs[key], known.container == container else { return nil as ExecutorID? }
                state.runs[key] = nil
                return known.host
            }
            let run = paths.run(agent, key, container, host: host)
            if !run.isFolder { return { (commit) throws(FileError) in try Self.retireFile(run, &commit) } }
            if host == nil { return retire(run) }
            return { (commit) throws(FileError) in
                commit.abandon(below: run.taskDirectory)
                try Self.retireTask(run)
            }
        case .executor(let record):
            let framework = frameworks[record.key.framework]
            let run = paths.run(agent, record.key, record.container)
            return { (commit) throws(FileError) in try Self.writeExecutor(record, framework, run, &commit) }
        case .executorStep(let key, let container, let step):
            return Self.append(.executorStep(step), to: paths.run(agent, key, container).executorSteps)
        case .subscription(let key, let container, let waiting):
            let step = Self.append(.executorStep(.subscribed), to: paths.run(agent, key, container).executorSteps)
            // In this order: see ``TaskDelivery``.
            let notes = waiting.map { append(.delivery(.awaited), $0, agent) }
            return { (commit) throws(FileError) in
                for work in [step] + notes { try work(&commit) }
            }
        case .delivery(let key, _):
            return append(.delivery(.made), key, agent, isFlushed: isFlushed)
        case .executorRetirement(let key, let container):
            return retire(paths.run(agent, key, container))
        }
    }

    private func retire(_ run: RunPaths) -> Work {
        { [sweepLane, writer] (commit) throws(FileError) in
            commit.abandon(below: run.meta)
            guard let doomed = try Self.rename(run) else { return }
            sweepLane.async {
                Self.sweep(doomed)
                // Where directories are made, too, so that none goes that somebody is about to use.
                writer.async { Self.prune(above: run) }
            }
        }
    }

    private func append(
        _ record: CheckpointRecord, _ key: TaskKey, _ agent: AgentID, isFlushed: Bool = true
    ) -> Work {
        guard let known = state.withLock({ $0.runs[key] }) else {
            preconditionFailure("a record of \(key), which was never written")
        }
        return Self.append(
            record, to: paths.run(agent, key, known.container, host: known.host).taskUpdates, isFlushed: isFlushed)
    }

    private static func append(_ record: CheckpointRecord, to path: String, isFlushed: Bool = true) -> Work {
        { (commit) throws(FileError) in
            try commit.append(
                RecordFile.encode(record.encoded), to: path, header: RecordFile.header, isFlushed: isFlushed)
        }
    }

    static func writeAgent(_ id: AgentID, _ info: V1AgentInfo, _ paths: AgentPaths) throws(FileError) {
        var info = info
        info.id = V1AgentID(id)
        try DurableFile.createDirectories(paths.metaAgent(id))
        try DurableFile.replace(paths.agentInfo(id), with: file([.agent(info)]))
        try DurableFile.createDirectories(paths.sandboxes)
        try DurableFile.relink(paths.sandboxesLatest, to: id.value)
        try DurableFile.relink(paths.metaLatest, to: id.value)
        sync()  // Once in an agent's life: the link decides who this agent is.
    }

    private static func writeFramework(
        _ info: V1FrameworkInfo, _ id: FrameworkID, _ agent: AgentID, _ paths: AgentPaths,
        _ commit: inout CheckpointCommit
    ) throws(FileError) {
        try commit.createDirectories(paths.metaFramework(agent, id))
        try commit.replace(paths.frameworkInfo(agent, id), with: file([.framework(info)]))
    }

    /// The framework goes into the task's file as well, so that each task can be recovered by itself.
    private static func writeTask(
        _ record: TaskRecord, _ framework: V1FrameworkInfo?, _ run: RunPaths, _ commit: inout CheckpointCommit
    ) throws(FileError) {
        try commit.createDirectories(DurableFile.parent(of: run.taskInfo))
        var records: [CheckpointRecord] = [.task(record.info)]
        if let group = record.group { records.append(.group(group)) }
        if record.awaitsDelivery { records.append(.delivery(.awaited)) }
        if let framework { records.insert(.framework(framework), at: 0) }
        // It comes last: a description that ends before it is not whole.
        records.append(.placement(record.containerizer))
        try commit.replace(run.taskInfo, with: file(records))
    }

    private static func writeExecutor(
        _ record: ExecutorRecord, _ framework: V1FrameworkInfo?, _ run: RunPaths, _ commit: inout CheckpointCommit
    ) throws(FileError) {
        try commit.createDirectories(run.meta)
        var records: [CheckpointRecord] = [.executor(record.info), .placement(record.containerizer)]
        if let framework { records.insert(.framework(framework), at: 0) }
        records += record.resources.map { .resource($0) }
        try commit.replace(run.executorInfo, with: file(records))
    }

    /// A task with a file of its own: with it everything is gone at once. What is left beside it is swept at the next start.
    ///
    /// Nobody waits for this to be on disk: should a crash of the host undo it, the records say that the end of the task is
    /// acknowledged.
    private static func retireFile(_ run: RunPaths, _ commit: inout CheckpointCommit) throws(FileError) {
        commit.abandon(file: run.taskInfo)
        guard unlink(run.taskInfo) == 0 || errno == ENOENT else { throw FileError("remove", run.taskInfo) }
        for suffix in RunPaths.companionSuffixes { unlink(run.meta + suffix) }
    }

    /// A task of an executor: without its description it is nothing, whatever else is left of it.
    private static func retireTask(_ run: RunPaths) throws(FileError) {
        guard unlink(run.taskInfo) == 0 || errno == ENOENT else { throw FileError("remove", run.taskInfo) }
        DurableFile.remove(run.taskDirectory)
    }

    /// Half-removed records would look like a task that never started. So they first lose their name, all at once.
    ///
    /// Nobody waits for this to be on disk: should a crash of the host undo it, the records say that the end of the task is
    /// acknowledged.
    ///
    /// - Returns: The new name, for ``sweep(_:)``; `nil` if there was nothing.
    private static func rename(_ run: RunPaths) throws(FileError) -> String? {
        let doomed = run.meta + retiredSuffix
        guard Glibc.rename(run.meta, doomed) == 0 else {
            if errno == ENOENT { return nil }
            throw FileError("rename", run.meta)
        }
        return doomed
    }

    /// Removes retired records.
    private static func sweep(_ doomed: String) {
        // The new name must be on disk before what it covers is taken away.
        do throws(FileError) { try DurableFile.syncDirectory(DurableFile.parent(of: doomed)) } catch { return }
        DurableFile.remove(doomed)
    }

    /// Removes the directories above a run that have become empty.
    private static func prune(above run: RunPaths) {
        let runs = DurableFile.parent(of: run.meta)
        guard DurableFile.names(in: runs).allSatisfy({ $0 == "latest" }) else { return }
        unlink("\(runs)/latest")  // Version 1 of the format had it.
        if rmdir(runs) == 0 { rmdir(DurableFile.parent(of: runs)) }
    }

    static let retiredSuffix = ".retired"

    private static func file(_ records: [CheckpointRecord]) -> [UInt8] {
        records.reduce(into: RecordFile.header) { $0 += RecordFile.encode($1.encoded) }
    }
}
