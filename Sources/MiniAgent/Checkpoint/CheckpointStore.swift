// Performs the core's durable steps on disk, several tasks at a time, each task's own in order.

import Dispatch
import Glibc
import Mailbox
import MesosProtocol
import Resources

/// Writes checkpoints. Calls return at once; the outcome comes through `onDone`.
///
/// Writes of one task go through one lane and keep their order. Lanes flush side by side, and the file system commits
/// them together, so that many short tasks do not queue for one disk.
package final class CheckpointStore: Sendable {
    private struct State {
        var agent: AgentID?
        var frameworks: [FrameworkID: V1FrameworkInfo] = [:]
        var runs: [TaskKey: Run] = [:]
    }

    /// Where a task's records lie.
    private struct Run {
        var container: ContainerID
        /// The custom executor that has the task.
        var host: ExecutorID?
    }

    private let paths: AgentPaths
    /// What is written beside the agent's id: the description that a later start is compared with.
    private let agentInfo: V1AgentInfo
    private let lanes: [DispatchQueue]
    private let state: Locked<State>
    private let resourceLane = DispatchQueue(label: "checkpoint-resources")
    /// What was in a destroyed volume is removed here; nothing waits for it, not even the end of the program.
    private let sweepLane = DispatchQueue(label: "checkpoint-sweep", qos: .background)
    private let onDone: @Sendable (CheckpointWrite.Token, FileError?) -> Void

    package init(
        paths: AgentPaths, agentInfo: V1AgentInfo, recovered: AgentCheckpoint,
        onDone: @escaping @Sendable (CheckpointWrite.Token, FileError?) -> Void
    ) {
        self.paths = paths
        self.agentInfo = agentInfo
        self.onDone = onDone
        lanes = (0..<8).map { DispatchQueue(label: "checkpoint-\($0)") }
        state = Locked(
            State(
                agent: recovered.agent, frameworks: recovered.frameworks,
                runs: recovered.tasks.mapValues { Run(container: $0.record.container, host: $0.record.host) }))
        // An earlier life of this agent may have been ended in the middle of it.
        sweepLane.async { VolumeDirectories(paths: paths).sweep() }
    }

    /// Starts a write. Call from one place only, in the order the core asked for.
    package func perform(_ write: CheckpointWrite) {
        if case .resources(let resources) = write { return perform(resources, token: write.token) }
        let (lane, work) = plan(write)
        lanes[lane].async { [onDone] in
            do throws(FileError) {
                try work()
                onDone(write.token, nil)
            } catch {
                onDone(write.token, error)
            }
        }
    }

    /// Waits for everything that was asked for. Blocks: for the end of the program and for tests.
    package func drain() { for lane in lanes + [resourceLane] { lane.sync {} } }

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

    /// An executor and all its tasks share a lane: their records come and go in order.
    private func lane(of key: TaskKey, host: ExecutorID?) -> Int {
        let name = TaskKey(framework: key.framework, task: host.map { TaskID($0.value) } ?? key.task)
        return Int(UInt(bitPattern: name.hashValue) % UInt(lanes.count))
    }

    private func lane(of key: ExecutorKey) -> Int {
        lane(of: TaskKey(framework: key.framework, task: TaskID(key.executor.value)), host: nil)
    }

    /// Chooses the lane and binds what the write needs to know now, before later writes change it.
    private func plan(_ write: CheckpointWrite) -> (lane: Int, work: @Sendable () throws(FileError) -> Void) {
        let paths = paths
        if case .agent(let id) = write {
            state.withLock { $0.agent = id }
            return (0, { [agentInfo] () throws(FileError) in try Self.writeAgent(id, agentInfo, paths) })
        }
        let (agent, frameworks) = state.withLock { ($0.agent, $0.frameworks) }
        guard let agent else { preconditionFailure("\(write.token) before the agent's own identity") }
        switch write {
        case .agent, .resources:
            preconditionFailure("handled above")
        case .cluster(let name):
            let path = paths.cluster(agent)
            return (0, { () throws(FileError) in try DurableFile.replace(path, with: Array(name.utf8)) })
        case .drain(let order):
            // An empty file says that there is no drain: removing it could be undone by a crash of the host.
            let path = paths.drainOrder(agent)
            let records: [CheckpointRecord] = order.map { [.drain($0)] } ?? []
            return (0, { () throws(FileError) in try DurableFile.replace(path, with: Self.file(records)) })
        case .framework(let info):
            let id = FrameworkID(info.id)
            state.withLock { $0.frameworks[id] = info }
            return (0, { () throws(FileError) in try Self.writeFramework(info, id, agent, paths) })
        case .task(let record):
            state.withLock { $0.runs[record.key] = Run(container: record.container, host: record.host) }
            let framework = frameworks[record.key.framework]
            let run = paths.run(agent, record.key, record.container, host: record.host)
            return (
                lane(of: record.key, host: record.host),
                { () throws(FileError) in try Self.writeTask(record, framework, run) }
            )
        case .update(let update):
            return append(.update(update.status(agent: agent)), update.key, agent)
        case .acknowledgement(let key, let id):
            return append(.acknowledgement(id), key, agent)
        case .kill(let key, _, let order):
            return append(.kill(order), key, agent)
        case .retirement(let key, let container):
            let host = state.withLock { state in
                guard let known = state.runs[key], known.container == container, known.host != nil else {
                    return nil as ExecutorID?
                }
                state.runs[key] = nil
                return known.host
            }
            let run = paths.run(agent, key, container, host: host)
            let lane = lane(of: key, host: host)
            if host != nil { return (lane, { () throws(FileError) in try Self.retireTask(run) }) }
            return (lane, { () throws(FileError) in try Self.retire(run) })
        case .executor(let record):
            let framework = frameworks[record.key.framework]
            let run = paths.run(agent, record.key, record.container)
            return (lane(of: record.key), { () throws(FileError) in try Self.writeExecutor(record, framework, run) })
        case .executorStep(let key, let container, let step):
            let path = paths.run(agent, key, container).executorSteps
            return (
                lane(of: key),
                { () throws(FileError) in
                    try DurableFile.append(
                        RecordFile.encode(CheckpointRecord.executorStep(step).encoded), to: path,
                        header: RecordFile.header)
                }
            )
        case .executorRetirement(let key, let container):
            let run = paths.run(agent, key, container)
            return (lane(of: key), { () throws(FileError) in try Self.retire(run) })
        }
    }

    private func append(
        _ record: CheckpointRecord, _ key: TaskKey, _ agent: AgentID
    ) -> (lane: Int, work: @Sendable () throws(FileError) -> Void) {
        guard let known = state.withLock({ $0.runs[key] }) else {
            preconditionFailure("a record of \(key), which was never written")
        }
        let path = paths.run(agent, key, known.container, host: known.host).taskUpdates
        return (
            lane(of: key, host: known.host),
            { () throws(FileError) in
                try DurableFile.append(RecordFile.encode(record.encoded), to: path, header: RecordFile.header)
            }
        )
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
        _ info: V1FrameworkInfo, _ id: FrameworkID, _ agent: AgentID, _ paths: AgentPaths
    ) throws(FileError) {
        try DurableFile.createDirectories(paths.metaFramework(agent, id))
        try DurableFile.replace(paths.frameworkInfo(agent, id), with: file([.framework(info)]))
    }

    /// The framework goes into the task's file as well, so that each task can be recovered by itself.
    private static func writeTask(
        _ record: TaskRecord, _ framework: V1FrameworkInfo?, _ run: RunPaths
    ) throws(FileError) {
        try DurableFile.createDirectories(run.taskDirectory)
        var records: [CheckpointRecord] = [.task(record.info), .placement(record.containerizer)]
        if let group = record.group { records.append(.group(group)) }
        if let framework { records.insert(.framework(framework), at: 0) }
        try DurableFile.replace(run.taskInfo, with: file(records))
        try DurableFile.relink(run.metaLatest, to: record.container.value)
    }

    private static func writeExecutor(
        _ record: ExecutorRecord, _ framework: V1FrameworkInfo?, _ run: RunPaths
    ) throws(FileError) {
        try DurableFile.createDirectories(run.meta)
        var records: [CheckpointRecord] = [.executor(record.info), .placement(record.containerizer)]
        if let framework { records.insert(.framework(framework), at: 0) }
        records += record.resources.map { .resource($0) }
        try DurableFile.replace(run.executorInfo, with: file(records))
        try DurableFile.relink(run.metaLatest, to: record.container.value)
    }

    /// A task of an executor: without its description it is nothing, whatever else is left of it.
    private static func retireTask(_ run: RunPaths) throws(FileError) {
        guard unlink(run.taskInfo) == 0 || errno == ENOENT else { throw FileError("remove", run.taskInfo) }
        DurableFile.remove(run.taskDirectory)
    }

    /// Half-removed records would look like a task that never started. So they first lose their name, all at once.
    private static func retire(_ run: RunPaths) throws(FileError) {
        let doomed = run.meta + retiredSuffix
        guard try DurableFile.move(run.meta, to: doomed) else { return }
        DurableFile.remove(doomed)
    }

    static let retiredSuffix = ".retired"

    private static func file(_ records: [CheckpointRecord]) -> [UInt8] {
        records.reduce(into: RecordFile.header) { $0 += RecordFile.encode($1.encoded) }
    }
}
