// `/containers` and `/monitor/statistics`: each container once, with what it uses.

import HTTPServer
import MesosProtocol
import Resources

/// Prints the containers of a core as JSON.
struct ContainersView {
    struct Refusal: Error {
        var reason: String
    }

    let core: AgentCore
    let figures: UsageFigures
    /// Whether the containers of a user may be shown.
    let shows: (_ user: String) -> Bool

    /// One container, of a task or of an executor with its tasks.
    private struct Entry {
        var container: ContainerID
        var framework: FrameworkID
        var executor: ExecutorID
        var name: String
        var source: String
        var allowance: UsageAllowance
        var status: V1ContainerStatus
        var usage: ContainerUsage?
    }

    private var running: [Entry] {
        let tasks = core.tasks.sorted { $0.key < $1.key }.map(\.value).filter {
            !$0.isEnded && shows($0.framework, $0.record.info.command)
        }
        let executors = core.executors.sorted { $0.key < $1.key }.map(\.value).filter {
            !$0.isOver && shows($0.framework, $0.record.info.command)
        }
        return tasks.map { entry($0.record, $0.history.last, figures.running[$0.record.container]) }
            + executors.map(entry)
    }

    private var ended: [Entry] {
        core.completed.filter { shows($0.framework, $0.record.info.command) }.compactMap { task in
            figures.ended[task.record.container].map { entry(task.record, task.history.last, $0) }
        }
    }

    private func entry(_ record: TaskRecord, _ last: StatusUpdate?, _ usage: ContainerUsage?) -> Entry {
        let said = last?.status(agent: core.agent ?? AgentID(""))
        return Entry(
            container: record.container, framework: record.key.framework, executor: record.executor,
            name: AgentStateView.executorName(record.info), source: record.key.task.value,
            allowance: UsageAllowance(of: [record.info]), status: said?.containerStatus ?? V1ContainerStatus(),
            usage: usage)
    }

    private func entry(_ life: ExecutorLife) -> Entry {
        var status = V1ContainerStatus()
        status.networkInfos = life.networks
        return Entry(
            container: life.record.container, framework: life.record.key.framework, executor: life.record.key.executor,
            name: life.record.info.name, source: life.record.info.source,
            allowance: UsageAllowance(resources: life.used), status: status,
            usage: figures.running[life.record.container])
    }

    private func shows(_ framework: V1FrameworkInfo, _ command: V1CommandInfo) -> Bool {
        shows(command.hasUser ? command.user : framework.user)
    }

    /// `/containers`, all of them or those that the query names.
    func containers(_ request: HTTPRequest) -> Result<JSONValue, Refusal> {
        let container = request.query("container_id")
        let framework = request.query("framework_id")
        let executor = request.query("executor_id")
        if container != nil, framework != nil || executor != nil {
            return .failure(Refusal(reason: "Expecting 'container_id' alone, or 'framework_id' and 'executor_id'"))
        }
        if executor != nil, framework == nil {
            return .failure(Refusal(reason: "Expecting 'framework_id' beside 'executor_id'"))
        }
        let chosen = running.filter { entry in
            (container.map { $0 == entry.container.value } ?? true)
                && (framework.map { $0 == entry.framework.value } ?? true)
                && (executor.map { $0 == entry.executor.value } ?? true)
        }
        return .success(.array(chosen.map { json($0, isWhole: true) }))
    }

    /// `/monitor/statistics`. With `completed=true`, which Apache Mesos does not have: the final figures of the containers
    /// that have ended, as long as they are remembered.
    func statistics(_ request: HTTPRequest) -> JSONValue {
        let wantsEnded = request.query("completed") == "true"
        let list = (wantsEnded ? ended : running).filter { $0.usage != nil }
        return .array(list.map { json($0, isWhole: false, isEnded: wantsEnded) })
    }

    private func json(_ entry: Entry, isWhole: Bool, isEnded: Bool = false) -> JSONValue {
        var status = entry.status
        status.containerID.value = entry.container.value
        return .members([
            ("container_id", isWhole || isEnded ? .string(entry.container.value) : nil),
            ("executor_id", .string(entry.executor.value)),
            ("executor_name", .string(entry.name)),
            ("framework_id", .string(entry.framework.value)),
            ("source", .string(entry.source)),
            ("statistics", entry.usage.map { UsageStatistics.json($0, entry.allowance) }),
            ("status", isWhole ? .message(MesosJSON.encode(status)) : nil),
        ])
    }
}
