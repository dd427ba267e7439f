// Custom executors in `/state`, with the tasks that were given to them.

import MesosProtocol
import Resources

extension AgentStateView {
    func customExecutors(of framework: FrameworkID) -> [JSONValue] {
        core.executors.filter { $0.key.framework == framework }.sorted { $0.key < $1.key }.map { _, life in
            executor(life.record, tasks: life.tasks.sorted { $0.key < $1.key }.map(\.value), used: life.used)
        }
    }

    func completedCustomExecutors(of framework: FrameworkID) -> [JSONValue] {
        core.completedExecutors.filter { $0.record.key.framework == framework }.map { completed in
            let resources = (try? Resources(completed.record.info.resources)) ?? Resources()
            return executor(completed.record, tasks: [], used: resources)
        }
    }

    private func executor(_ record: ExecutorRecord, tasks: [HostedTask], used: Resources) -> JSONValue {
        let waiting = tasks.filter { $0.phase == .recording || $0.phase == .queued }
        let given = tasks.filter { $0.phase == .launched || $0.phase == .ended }
        let completed = core.completed.filter { $0.record.container == record.container && $0.record.host != nil }
        return .members([
            ("id", .string(record.key.executor.value)),
            ("name", .string(record.info.name)),
            ("source", .string(record.info.source)),
            ("container", .string(record.container.value)),
            (
                "directory",
                core.agent.map { .string(source.paths.run($0, record.key, record.container).sandbox) }
            ),
            ("resources", Self.summary(used)),
            ("role", .string(Self.role(record.info.resources + record.resources))),
            ("labels", record.info.hasLabels ? JSONValue.message(MesosJSON.encode(record.info.labels))["labels"] : nil),
            ("type", record.info.hasType ? .string(record.info.type == .default ? "DEFAULT" : "CUSTOM") : nil),
            ("tasks", .array(given.map { task($0.record, $0.history, $0.state, $0.resources) })),
            ("queued_tasks", .array(waiting.map { task($0.record, $0.history, $0.state, $0.resources) })),
            (
                "completed_tasks",
                .array(
                    completed.map { ended in
                        let resources = (try? Resources(ended.record.info.resources)) ?? Resources()
                        return task(
                            ended.record, ended.history, ended.history.last?.state ?? .taskStaging, resources)
                    })
            ),
        ])
    }
}
