// Reads an agent's checkpoint from disk: the good tasks, and a list of what was not good.

import Glibc
import MesosProtocol
import Resources

/// Something on disk that is not as it was written.
package struct CheckpointProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The last record was cut short by a crash. Nobody was told of it, so nothing is lost.
        case torn(offsetBytes: Int)
        case corrupt(recordIndex: Int, offsetBytes: Int)
        case notACheckpoint
        case wrongVersion(found: Int)
        /// Whole, but not what belongs here; the text names what is missing.
        case unexpected(String)
        case unreadable(FileError)
    }

    package var path: String
    package var kind: Kind
    /// Where the bytes were put, if they were set aside.
    package var setAside: String?

    /// Whether it is an ordinary trace of a crash.
    package var isHarmless: Bool { if case .torn = kind { true } else { false } }

    package var description: String {
        let what =
            switch kind {
            case .torn(let offset): "its last record, at byte \(offset), was cut short by a crash"
            case .corrupt(let index, let offset): "record \(index), at byte \(offset), is corrupt"
            case .notACheckpoint: "is not a checkpoint file"
            case .wrongVersion(let found): "has version \(found); this agent reads versions up to \(RecordFile.version)"
            case .unexpected(let what): what
            case .unreadable(let error): "\(error)"
            }
        return "\(path): \(what)" + (setAside.map { "; set aside as \($0)" } ?? "")
    }
}

/// What was found below a work directory.
package struct LoadedCheckpoint: Sendable {
    package var checkpoint = AgentCheckpoint()
    /// How the agent described itself when it was registered; `nil` on a first start.
    package var agentInfo: V1AgentInfo?
    package var problems: [CheckpointProblem] = []
    /// Tasks whose records lie in folders of their own, as version 1 of the format kept them.
    package var inFolders: Set<ContainerID> = []
    /// Whether an agent of an earlier version would still take this work directory for its own, and miss tasks in it.
    package var isOfEarlierVersion = false
}

package struct CheckpointLoader: Sendable {
    package var paths: AgentPaths
    /// Whether bad files may be renamed and torn ends cut off. Without it the disk is left as it is.
    package var repairs: Bool

    package init(paths: AgentPaths, repairs: Bool) {
        self.paths = paths
        self.repairs = repairs
    }

    /// Reads everything. Never fails as a whole: what cannot be read is in `problems`.
    package func load() -> LoadedCheckpoint {
        var loaded = LoadedCheckpoint()
        readResources(&loaded)
        guard let agent = latestAgent() else { return loaded }
        guard let info = readAgent(agent, &loaded.problems) else { return loaded }
        loaded.agentInfo = info
        loaded.checkpoint.agent = agent
        if let bytes = try? DurableFile.read(paths.agentInfo(agent)), let version = RecordFile.version(of: bytes) {
            loaded.isOfEarlierVersion = version < RecordFile.version
        }
        loaded.checkpoint.cluster = readCluster(agent, &loaded.problems)
        for record in readWhole(paths.drainOrder(agent), &loaded.problems) ?? [] {
            if case .drain(let order) = record { loaded.checkpoint.drain = order }
        }
        for name in DurableFile.names(in: paths.metaFrameworks(agent)) {
            readFramework(agent, FrameworkID(name), &loaded)
            forgetIfEmpty(agent, FrameworkID(name), &loaded)
        }
        return loaded
    }

    /// Reservations and volumes belong to the host, whoever the agent is.
    private func readResources(_ loaded: inout LoadedCheckpoint) {
        guard let records = readWhole(paths.resourceState, &loaded.problems) else { return }
        guard let state = ResourceState(records) else {
            return setAside(paths.resourceState, .unexpected("holds more than resources"), &loaded.problems)
        }
        loaded.checkpoint.resources = state
    }

    private func latestAgent() -> AgentID? {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = readlink(paths.metaLatest, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return target.split(separator: "/").last.map { AgentID(String($0)) }
    }

    private func readAgent(_ agent: AgentID, _ problems: inout [CheckpointProblem]) -> V1AgentInfo? {
        for record in readWhole(paths.agentInfo(agent), &problems) ?? [] {
            if case .agent(let info) = record { return info }
        }
        if !problems.contains(where: { $0.path == paths.agentInfo(agent) }) {
            problems.append(
                CheckpointProblem(path: paths.agentInfo(agent), kind: .unexpected("holds no agent description")))
        }
        return nil
    }

    private func readCluster(_ agent: AgentID, _ problems: inout [CheckpointProblem]) -> String? {
        do throws(FileError) {
            guard let bytes = try DurableFile.read(paths.cluster(agent), bytesMax: 4096), !bytes.isEmpty else {
                return nil
            }
            return String(validating: bytes, as: UTF8.self)
        } catch {
            problems.append(CheckpointProblem(path: paths.cluster(agent), kind: .unreadable(error)))
            return nil
        }
    }

    private func readFramework(_ agent: AgentID, _ id: FrameworkID, _ loaded: inout LoadedCheckpoint) {
        for record in readWhole(paths.frameworkInfo(agent, id), &loaded.problems) ?? [] {
            if case .framework(let info) = record { loaded.checkpoint.frameworks[id] = info }
        }
        let executors = "\(paths.metaFramework(agent, id))/executors"
        for executor in DurableFile.names(in: executors) {
            for run in DurableFile.names(in: "\(executors)/\(executor)/runs") where run != "latest" {
                if run.hasSuffix(CheckpointStore.retiredSuffix) {
                    if repairs { DurableFile.remove("\(executors)/\(executor)/runs/\(run)") }
                    continue
                }
                readTasks(agent, ExecutorKey(framework: id, executor: ExecutorID(executor)), ContainerID(run), &loaded)
            }
        }
        readRuns(agent, id, &loaded)
    }

    /// The tasks that the agent runs itself: a file each.
    private func readRuns(_ agent: AgentID, _ framework: FrameworkID, _ loaded: inout LoadedCheckpoint) {
        let directory = paths.metaRuns(agent, framework)
        let names = DurableFile.names(in: directory)
        for name in names where name.hasSuffix(RunPaths.taskSuffix) {
            let container = ContainerID(String(name.dropLast(RunPaths.taskSuffix.utf8.count)))
            readTask("\(directory)/\(name)", framework, container, nil, updates: nil, &loaded)
        }
        if repairs { sweep(directory, names) }
    }

    /// Removes what is known of a framework that has no task here any more. Its next task brings it along.
    private func forgetIfEmpty(_ agent: AgentID, _ id: FrameworkID, _ loaded: inout LoadedCheckpoint) {
        let directory = paths.metaFramework(agent, id)
        let isEmpty = ["runs", "executors"].allSatisfy { DurableFile.names(in: "\(directory)/\($0)").isEmpty }
        guard repairs, isEmpty,
            Set(DurableFile.names(in: directory)).isSubset(of: ["framework.info", "runs", "executors"])
        else { return }
        loaded.checkpoint.frameworks[id] = nil
        DurableFile.remove(directory)
    }

    /// Removes what belongs to no task any more: companions of a file that is gone, and files that never got their name.
    private func sweep(_ directory: String, _ names: [String]) {
        for name in names {
            guard let suffix = (RunPaths.companionSuffixes + [".tmp"]).first(where: { name.hasSuffix($0) }) else {
                continue
            }
            let task = name.dropLast(suffix.utf8.count) + RunPaths.taskSuffix
            // One that was set aside keeps them, for whoever looks into it.
            if suffix == ".tmp" || !names.contains(where: { $0.hasPrefix(task) }) { unlink("\(directory)/\(name)") }
        }
    }

    /// One task that bears the executor's name; or a custom executor and its tasks.
    private func readTasks(
        _ agent: AgentID, _ executor: ExecutorKey, _ container: ContainerID, _ loaded: inout LoadedCheckpoint
    ) {
        let run = paths.run(agent, executor, container)
        let isCustom = readExecutor(run, executor, container, &loaded)
        for name in DurableFile.names(in: run.tasks) {
            let key = TaskKey(framework: executor.framework, task: TaskID(name))
            let host = isCustom || name != executor.executor.value ? executor.executor : nil
            let files = paths.run(agent, key, container, host: executor.executor)
            readTask(
                files.taskInfo, key.framework, container, host, updates: files.taskUpdates, &loaded, expecting: key.task
            )
            if host == nil, loaded.checkpoint.tasks[key]?.record.container == container {
                loaded.inFolders.insert(container)
            }
        }
    }

    /// - Returns: Whether there is one.
    private func readExecutor(
        _ run: RunPaths, _ key: ExecutorKey, _ container: ContainerID, _ loaded: inout LoadedCheckpoint
    ) -> Bool {
        guard let records = readWhole(run.executorInfo, &loaded.problems) else { return false }
        var info: V1ExecutorInfo?
        var kind: ContainerizerKind?
        var resources: [V1Resource] = []
        for record in records {
            switch record {
            case .framework(let framework):
                if loaded.checkpoint.frameworks[key.framework] == nil {
                    loaded.checkpoint.frameworks[key.framework] = framework
                }
            case .executor(let executor): info = executor
            case .placement(let placement): kind = placement
            case .resource(let resource): resources.append(resource)
            case .agent, .drain, .task, .group, .update, .acknowledgement, .kill, .operation, .destroyedVolume,
                .executorStep, .delivery:
                break
            }
        }
        guard let info, let kind else {
            setAside(run.executorInfo, .unexpected("holds no complete executor description"), &loaded.problems)
            return false
        }
        var executor = AgentCheckpoint.Executor(
            record: ExecutorRecord(
                key: key, info: info, container: container, containerizer: kind, resources: resources))
        for case .executorStep(let step) in readLog(run.executorSteps, &loaded.problems) { executor.steps.insert(step) }
        loaded.checkpoint.executors[container] = executor
        return true
    }

    /// - Parameters:
    ///   - path: Of the description.
    ///   - log: Of what became of the task; nil if that follows its description.
    ///   - task: Which task it must be; nil if only the file says so.
    private func readTask(
        _ path: String, _ framework: FrameworkID, _ container: ContainerID, _ host: ExecutorID?, updates log: String?,
        _ loaded: inout LoadedCheckpoint, expecting task: TaskID? = nil
    ) {
        let found = log == nil ? readTaskLog(path, &loaded.problems) : readWhole(path, &loaded.problems)
        guard let records = found else { return }
        var info: V1TaskInfo?
        var kind: ContainerizerKind?
        var group: GroupMembership?
        var awaitsDelivery = false
        for record in records {
            switch record {
            case .framework(let known):
                if loaded.checkpoint.frameworks[framework] == nil { loaded.checkpoint.frameworks[framework] = known }
            case .task(let task): info = task
            case .placement(let placement): kind = placement
            case .group(let membership): group = membership
            case .delivery(.awaited): awaitsDelivery = true
            case .agent, .drain, .update, .acknowledgement, .kill, .resource, .operation, .destroyedVolume,
                .executor, .executorStep, .delivery(.made):
                break
            }
        }
        guard let info, let kind else {
            setAside(path, .unexpected("holds no complete task description"), &loaded.problems)
            return
        }
        let key = TaskKey(framework: framework, task: task ?? TaskID(info.taskID))
        var taskRecord = TaskRecord(key: key, info: info, container: container, containerizer: kind, host: host)
        taskRecord.group = group
        taskRecord.awaitsDelivery = awaitsDelivery
        var task = AgentCheckpoint.Task(record: taskRecord)
        for record in log.map({ readLog($0, &loaded.problems) }) ?? records {
            switch record {
            case .update(let status):
                if let update = StatusUpdate(status, framework: framework) { task.add(update) }
            case .acknowledgement(let id): task.acknowledge(id)
            case .kill(let order): task.kill = order
            case .delivery(let delivery): task.delivery = delivery
            case .agent, .drain, .framework, .task, .placement, .group, .resource, .operation, .destroyedVolume,
                .executor,
                .executorStep:
                break
            }
        }
        loaded.checkpoint.tasks[key] = task
    }

    /// A file that began as a whole, with the task's description, and is appended to. Its beginning cannot be torn.
    ///
    /// - Returns: `nil` if there is none, or nothing of it can be used.
    private func readTaskLog(_ path: String, _ problems: inout [CheckpointProblem]) -> [CheckpointRecord]? {
        guard let (records, tail) = readFile(path, &problems) else { return nil }
        let isWhole = records.contains { if case .placement = $0 { true } else { false } }
        return isWhole
            ? mend(path, records, tail, &problems) : unlessDamaged(path, records, tail, &problems)
    }

    /// A file that is written as a whole: anything but whole is bad.
    ///
    /// - Returns: `nil` if there is none, or it is bad.
    private func readWhole(_ path: String, _ problems: inout [CheckpointProblem]) -> [CheckpointRecord]? {
        guard let (records, tail) = readFile(path, &problems) else { return nil }
        return unlessDamaged(path, records, tail, &problems)
    }

    /// - Returns: `nil` if the file is torn or corrupt; it is set aside then.
    private func unlessDamaged(
        _ path: String, _ records: [CheckpointRecord], _ tail: RecordFile.Tail, _ problems: inout [CheckpointProblem]
    ) -> [CheckpointRecord]? {
        switch tail {
        case .clean: return records
        case .torn(let offset):
            setAside(path, .corrupt(recordIndex: records.count, offsetBytes: offset), &problems)
        case .corrupt(let index, let offset):
            setAside(path, .corrupt(recordIndex: index, offsetBytes: offset), &problems)
        }
        return nil
    }

    /// A file that is appended to. A torn end is cut off; behind a corrupt record nothing can be trusted, so the good
    /// part is written anew and the old file kept beside it.
    private func readLog(_ path: String, _ problems: inout [CheckpointProblem]) -> [CheckpointRecord] {
        guard let (records, tail) = readFile(path, &problems) else { return [] }
        return mend(path, records, tail, &problems)
    }

    private func mend(
        _ path: String, _ records: [CheckpointRecord], _ tail: RecordFile.Tail, _ problems: inout [CheckpointProblem]
    ) -> [CheckpointRecord] {
        switch tail {
        case .clean:
            break
        case .torn(let offset):
            problems.append(CheckpointProblem(path: path, kind: .torn(offsetBytes: offset)))
            if repairs, truncate(path, offset) != 0 {
                problems.append(CheckpointProblem(path: path, kind: .unreadable(FileError("truncate", path))))
            }
        case .corrupt(let index, let offset):
            setAside(path, .corrupt(recordIndex: index, offsetBytes: offset), &problems)
            if repairs {
                let content = records.reduce(into: RecordFile.header) { $0 += RecordFile.encode($1.encoded) }
                do throws(FileError) { try DurableFile.replace(path, with: content) } catch {
                    problems.append(CheckpointProblem(path: path, kind: .unreadable(error)))
                }
            }
        }
        return records
    }

    private func readFile(
        _ path: String, _ problems: inout [CheckpointProblem]
    ) -> (records: [CheckpointRecord], tail: RecordFile.Tail)? {
        let bytes: [UInt8]
        do throws(FileError) {
            guard let content = try DurableFile.read(path) else { return nil }
            bytes = content
        } catch {
            problems.append(CheckpointProblem(path: path, kind: .unreadable(error)))
            return nil
        }
        do throws(RecordFile.HeaderError) {
            let (raw, tail) = try RecordFile.decode(bytes)
            var records: [CheckpointRecord] = []
            let mayHoldMore = RecordFile.isNewer(bytes)
            for (index, record) in raw.enumerated() {
                if mayHoldMore, !CheckpointRecord.knows(record.tag) { continue }
                guard let decoded = CheckpointRecord(record) else {
                    return (records, .corrupt(recordIndex: index, offsetBytes: RecordFile.headerBytes))
                }
                records.append(decoded)
            }
            return (records, tail)
        } catch {
            switch error {
            case .notACheckpoint: setAside(path, .notACheckpoint, &problems)
            case .wrongVersion(let found): setAside(path, .wrongVersion(found: found), &problems)
            }
            return nil
        }
    }

    private func setAside(
        _ path: String, _ kind: CheckpointProblem.Kind, _ problems: inout [CheckpointProblem]
    ) {
        var problem = CheckpointProblem(path: path, kind: kind)
        if repairs { problem.setAside = try? DurableFile.setAside(path, as: "corrupt") }
        problems.append(problem)
    }
}
