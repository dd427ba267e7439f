// As whom tasks run: what rules about looking at them are asked for.

import MesosProtocol
import Resources

extension AgentCore {
    /// The user of an executor; nil if this agent does not know it any more, and so cannot say who may look.
    func user(of executor: String, in framework: FrameworkID) -> String? {
        let live = tasks.values.map { ($0.record, $0.framework) }
        let ended = completed.map { ($0.record, $0.framework) }
        let custom =
            executors.values.map { ($0.record, $0.framework) } + completedExecutors.map { ($0.record, $0.framework) }
        if let found = custom.first(where: { record, _ in
            record.key == ExecutorKey(framework: framework, executor: ExecutorID(executor))
        }) {
            return found.0.containerRecord.user(in: found.1)
        }
        // A command task's executor bears its id.
        let found = (live + ended).first { record, _ in
            record.key.framework == framework
                && (record.info.hasExecutor ? record.info.executor.executorID.value : record.key.task.value) == executor
        }
        return found.map { $0.0.user(in: $0.1) }
    }

    /// The containers whose sandboxes must stay: their tasks have not been acknowledged as ended.
    package var containersInUse: Set<String> {
        tasks.values.reduce(into: Set(executorsByContainer.keys.map(\.value))) { names, life in
            names.insert(life.record.container.value)
            // The tasks of a group lie in the sandbox of their executor.
            if let group = life.record.group { names.insert(group.executorRun.value) }
        }
    }

    /// A copy without the frameworks and tasks that somebody may not see.
    func leavingOut(
        frameworks isHidden: (_ user: String) -> Bool, tasks isHiddenTask: (_ user: String) -> Bool
    ) -> AgentCore {
        var copy = self
        copy.tasks = tasks.filter { life in
            !isHidden(life.framework.user) && !isHiddenTask(life.record.user(in: life.framework))
        }
        copy.executors = executors.compactMapValues { life in
            guard !isHidden(life.framework.user) else { return nil }
            return life.leavingOut { isHiddenTask($0.user(in: life.framework)) }
        }
        copy.completedExecutors.removeAll { isHidden($0.framework.user) }
        copy.completed.removeAll { isHidden($0.framework.user) || isHiddenTask($0.record.user(in: $0.framework)) }
        copy.frameworks = frameworks.filter { !isHidden($0.value.user) }
        return copy
    }
}

extension ExecutorLife {
    fileprivate func leavingOut(_ isHidden: (TaskRecord) -> Bool) -> ExecutorLife {
        var copy = self
        copy.tasks = tasks.filter { !isHidden($0.value.record) }
        return copy
    }
}

extension TaskRecord {
    fileprivate func user(in framework: V1FrameworkInfo) -> String {
        if info.hasCommand, info.command.hasUser { return info.command.user }
        if info.hasExecutor, info.executor.hasCommand, info.executor.command.hasUser {
            return info.executor.command.user
        }
        return framework.user
    }
}
