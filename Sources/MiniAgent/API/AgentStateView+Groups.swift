// Default executors in `/state`, with the tasks of their groups.

import MesosProtocol
import Resources

extension AgentStateView {
    /// One entry for each life of a default executor that has tasks here.
    func defaultExecutors(of framework: FrameworkID) -> [JSONValue] {
        core.defaultExecutors.filter { $0.framework == framework }.map { executor($0) }
    }

    /// Those of which only ended and acknowledged tasks are left.
    func completedDefaultExecutors(of framework: FrameworkID) -> [JSONValue] {
        var seen = Set(core.defaultExecutors.map(\.run))
        return core.completed.compactMap { task in
            guard let executor = task.record.defaultExecutor, executor.framework == framework,
                seen.insert(executor.run).inserted
            else { return nil }
            return self.executor(executor)
        }
    }

    private func executor(_ executor: DefaultExecutor) -> JSONValue {
        let lives = core.tasks.sorted { $0.key < $1.key }.map(\.value).filter {
            $0.record.group?.executorRun == executor.run
        }
        let completed = core.completed.filter { $0.record.group?.executorRun == executor.run }
        let used = lives.filter { !$0.isEnded }.reduce(executor.resources) { $0 + $1.resources }
        let given = lives.filter { !$0.history.isEmpty }
        let waiting = lives.filter(\.history.isEmpty)
        let directory = core.agent.flatMap { agent in
            (lives.first?.record ?? completed.first?.record).flatMap { source.paths.run(agent, $0).executorSandbox }
        }
        return .members([
            ("id", .string(executor.id.value)),
            ("name", .string(executor.info.name)),
            ("source", .string(executor.info.source)),
            ("container", .string(executor.run.value)),
            ("directory", directory.map { .string($0) }),
            ("resources", Self.summary(used)),
            ("role", .string(Self.role(executor.info.resources))),
            (
                "labels",
                executor.info.hasLabels ? JSONValue.message(MesosJSON.encode(executor.info.labels))["labels"] : nil
            ),
            ("type", .string("DEFAULT")),
            ("tasks", .array(given.map { task($0.record, $0.history, $0.state, $0.resources) })),
            ("queued_tasks", .array(waiting.map { task($0.record, $0.history, $0.state, $0.resources) })),
            (
                "completed_tasks",
                .array(
                    completed.map { ended in
                        task(
                            ended.record, ended.history, ended.history.last?.state ?? .taskStaging,
                            (try? Resources(ended.record.info.resources)) ?? Resources())
                    })
            ),
        ])
    }
}
