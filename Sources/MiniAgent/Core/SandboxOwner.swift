// As whom tasks run: what rules about looking at them are asked for.

import MesosProtocol
import Resources

extension AgentCore {
    /// The user of an executor; nil if this agent does not know it any more, and so cannot say who may look.
    func user(of executor: String, in framework: FrameworkID) -> String? {
        let live = tasks.values.map { ($0.record, $0.framework) }
        let ended = completed.map { ($0.record, $0.framework) }
        // A command task's executor bears its id.
        let found = (live + ended).first { record, _ in
            record.key.framework == framework
                && (record.info.hasExecutor ? record.info.executor.executorID.value : record.key.task.value) == executor
        }
        return found.map { $0.0.user(in: $0.1) }
    }

    /// A copy without the frameworks and tasks that somebody may not see.
    func leavingOut(
        frameworks isHidden: (_ user: String) -> Bool, tasks isHiddenTask: (_ user: String) -> Bool
    ) -> AgentCore {
        var copy = self
        copy.tasks = tasks.filter { _, life in
            !isHidden(life.framework.user) && !isHiddenTask(life.record.user(in: life.framework))
        }
        copy.completed.removeAll { isHidden($0.framework.user) || isHiddenTask($0.record.user(in: $0.framework)) }
        copy.frameworks = frameworks.filter { !isHidden($0.value.user) }
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
