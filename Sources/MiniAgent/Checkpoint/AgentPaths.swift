// The tree below an agent's work directory, drawn once, with the code that builds its paths.

import Resources

/// Where everything lies below `--work_dir`. The sandbox part is Apache Mesos's, because scripts and tools know it.
///
/// ```
/// <work_dir>/
///   agent.lock                                   held while an agent runs here
///   slaves/latest -> <agent id>
///   slaves/<agent id>/frameworks/<framework id>/executors/<executor id>/runs/<container id>/   sandbox
///       stdout, stderr, ...
///   slaves/.../runs/latest -> <container id>
///   slaves/.../executors/<default executor id>/runs/<executor run>/tasks/<task id>/   sandbox of a task of a group
///   volumes/roles/<role>/<persistence id>/       persistent volumes; a slash in the role is a space here
///   volumes/condemned/<number>/                  destroyed volumes, on their way out
///   fetch/                                       fetched files that several tasks use
///   gc/                                          sandboxes on their way out
///   meta/resources/resources_and_operations.state
///   meta/sessions/<number>/                      supervisors of commands beside process tasks; with --runtime_dir there
///   meta/boot_id                                 the boot of the host in which the agent last ran
///   meta/slaves/latest -> <agent id>
///   meta/slaves/<agent id>/slave.info
///   meta/slaves/<agent id>/cluster               what the cluster is called that this agent belongs to
///   meta/slaves/<agent id>/frameworks/<framework id>/framework.info
///   meta/slaves/<agent id>/frameworks/<framework id>/runs/<container id>.task      a task's records
///   meta/slaves/<agent id>/frameworks/<framework id>/runs/<container id>.process   its supervisor's, if it is a process
///   meta/slaves/.../runs/<container id>.input, .window                             pipes to its terminal, if it has one
///   meta/slaves/.../executors/<executor id>/runs/<container id>/                   a custom executor with its tasks
///       executor.info, executor.steps
///       tasks/<task id>/task.info, task.updates
///       pids/forked.pid, status                  written by the supervisor of an executor that is a process
/// ```
///
/// Agents up to version 1 of the format kept every task in a folder like an executor's.
package struct AgentPaths: Hashable, Sendable {
    /// Absolute, links resolved, without a slash at its end.
    package let workDirectory: String
    /// Tasks of an agent of version 1 that are still there, in folders of their own.
    package var inFolders: Set<ContainerID> = []
    /// This agent's own folder below `--runtime_dir`; nil: what would be there is in the work directory.
    package var runtime: String?

    package init(workDirectory: String) { self.workDirectory = workDirectory }

    package var lock: String { "\(workDirectory)/agent.lock" }
    package var meta: String { "\(workDirectory)/meta" }
    package var bootID: String { "\(meta)/boot_id" }
    /// What commands beside process tasks leave; a folder each, gone with them.
    package var sessions: String { "\(runtime ?? meta)/sessions" }
    /// Where they were or are without `--runtime_dir`.
    package var sessionsInWorkDirectory: String { "\(meta)/sessions" }
    package var metaAgents: String { "\(meta)/slaves" }
    package var metaLatest: String { "\(metaAgents)/latest" }
    package var sandboxes: String { "\(workDirectory)/slaves" }
    package var sandboxesLatest: String { "\(sandboxes)/latest" }

    /// Outlives the agent's identity: reservations and volumes belong to the host.
    package var resourceState: String { "\(meta)/resources/resources_and_operations.state" }
    package var volumes: String { "\(workDirectory)/volumes/roles" }
    /// Where sandboxes go that are being removed.
    package var wasteBasket: String { "\(workDirectory)/gc" }
    package var condemnedVolumes: String { "\(workDirectory)/volumes/condemned" }
    package func volume(_ name: VolumeName) -> String {
        // No role has a space in its name, so `a/b` and a volume `b` of role `a` cannot meet.
        let role = String(name.role.value.map { $0 == "/" ? " " : $0 })
        return "\(volumes)/\(role)/\(name.id)"
    }

    package func metaAgent(_ agent: AgentID) -> String { "\(metaAgents)/\(agent)" }
    package func agentInfo(_ agent: AgentID) -> String { "\(metaAgent(agent))/slave.info" }
    package func cluster(_ agent: AgentID) -> String { "\(metaAgent(agent))/cluster" }
    package func drainOrder(_ agent: AgentID) -> String { "\(metaAgent(agent))/drain.config" }
    package func metaFrameworks(_ agent: AgentID) -> String { "\(metaAgent(agent))/frameworks" }
    package func metaFramework(_ agent: AgentID, _ framework: FrameworkID) -> String {
        "\(metaFrameworks(agent))/\(framework)"
    }
    /// Where the records of tasks lie that the agent runs itself.
    package func metaRuns(_ agent: AgentID, _ framework: FrameworkID) -> String {
        "\(metaFramework(agent, framework))/runs"
    }
    package func frameworkInfo(_ agent: AgentID, _ framework: FrameworkID) -> String {
        "\(metaFramework(agent, framework))/framework.info"
    }

    /// The records of one run of one task.
    ///
    /// - Parameter host: The custom executor that has the task.
    package func run(
        _ agent: AgentID, _ key: TaskKey, _ container: ContainerID, host: ExecutorID? = nil
    ) -> RunPaths {
        run(agent, key, container, executor: host, isInFolder: host != nil || inFolders.contains(container))
    }

    private func run(
        _ agent: AgentID, _ key: TaskKey, _ container: ContainerID, executor: ExecutorID?, isInFolder: Bool
    ) -> RunPaths {
        let tail = "\(agent)/frameworks/\(key.framework)/executors/\(executor?.value ?? key.task.value)/runs"
        let meta = isInFolder ? "\(metaAgents)/\(tail)" : metaRuns(agent, key.framework)
        return RunPaths(
            meta: "\(meta)/\(container)", isFolder: isInFolder,
            sandbox: "\(sandboxes)/\(tail)/\(container)", sandboxLatest: "\(sandboxes)/\(tail)/latest", task: key.task)
    }

    /// The same, where the sandbox of a task of a group lies in that of its executor.
    package func run(_ agent: AgentID, _ record: TaskRecord) -> RunPaths {
        let own = run(
            agent, record.key, record.container, executor: nil,
            isInFolder: record.isExecutorContainer || inFolders.contains(record.container))
        guard let group = record.group else { return own }
        let runs = "\(sandboxes)/\(agent)/frameworks/\(record.key.framework)/executors/\(record.executor)/runs"
        return RunPaths(
            meta: own.meta, isFolder: own.isFolder,
            sandbox: "\(runs)/\(group.executorRun)/tasks/\(record.key.task)", sandboxLatest: "\(runs)/latest",
            task: record.key.task, executorSandbox: "\(runs)/\(group.executorRun)")
    }
}

/// The paths of one run. A command task's executor bears the task's id.
package struct RunPaths: Hashable, Sendable {
    /// A folder of records; or what the names of a task's few files begin with.
    package let meta: String
    /// Whether ``meta`` is a folder: of a custom executor, or of a task from an agent of version 1.
    package let isFolder: Bool
    package let sandbox: String
    package let sandboxLatest: String
    let task: TaskID
    /// The sandbox around it, for a task of a group.
    package var executorSandbox: String?

    package var taskDirectory: String { "\(meta)/tasks/\(task)" }
    /// The task as the master gave it.
    package var taskInfo: String { isFolder ? "\(taskDirectory)/task.info" : meta + Self.taskSuffix }
    /// What became of it since; may be the same file.
    package var taskUpdates: String { isFolder ? "\(taskDirectory)/task.updates" : taskInfo }
    package var tasks: String { "\(meta)/tasks" }
    package var executorInfo: String { "\(meta)/executor.info" }
    package var executorSteps: String { "\(meta)/executor.steps" }
    /// Where the supervisor says which process it has started.
    package var pid: String { isFolder ? "\(meta)/pids/forked.pid" : meta + Self.processSuffix }
    /// Where the supervisor says how it ended; may be the same file.
    package var status: String { isFolder ? "\(meta)/status" : pid }
    /// The pipe through which the task's terminal is typed into.
    var terminalInput: String { isFolder ? "\(meta)/input" : meta + Self.inputSuffix }
    /// The pipe through which the task's terminal is told the size of its window.
    var terminalWindow: String { isFolder ? "\(meta)/window" : meta + Self.windowSuffix }
    package var standardOutput: String { "\(sandbox)/stdout" }
    package var standardError: String { "\(sandbox)/stderr" }

    /// Where it is remembered which byte of a task's output a file in the sandbox begins with.
    func beginning(of stream: SandboxLog.Stream) -> String {
        isFolder ? "\(meta)/\(stream.rawValue).begin" : meta + Self.suffix(of: stream)
    }

    static let taskSuffix = ".task"
    static let processSuffix = ".process"
    private static let inputSuffix = ".input"
    private static let windowSuffix = ".window"
    private static func suffix(of stream: SandboxLog.Stream) -> String { ".\(stream.rawValue).begin" }

    /// Everything beside a task's own file. Worth nothing without it.
    static let companionSuffixes =
        [processSuffix, inputSuffix, windowSuffix] + SandboxLog.Stream.allCases.map(suffix(of:))
}

extension AgentPaths {
    /// The records of one run of a custom executor.
    package func run(_ agent: AgentID, _ executor: ExecutorKey, _ container: ContainerID) -> RunPaths {
        run(
            agent, TaskKey(framework: executor.framework, task: TaskID(executor.executor.value)), container,
            host: executor.executor)
    }
}
