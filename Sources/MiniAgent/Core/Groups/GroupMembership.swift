// What the tasks of a group have in common, remembered with each of them.

import MesosProtocol
import Resources

/// A task's place in a group.
///
/// A custom executor is given all tasks of a group at once. A default executor is no process: the agent itself keeps the
/// group together. What a framework sees of that executor is its id, its resources, its sandbox with those of the tasks
/// inside, and its end.
package struct GroupMembership: Hashable, Sendable {
    /// The same for all tasks that came in one launch, and for no others.
    package var group: WireUUID
    /// All tasks of the launch, in its order.
    package var tasks: [TaskID]
    /// Names this life of the executor: its sandbox bears it.
    package var executorRun: ContainerID

    package init(group: WireUUID, tasks: [TaskID], executorRun: ContainerID) {
        self.group = group
        self.tasks = tasks
        self.executorRun = executorRun
    }

    /// One line for each; ids have no line breaks in them.
    package var text: String { ([group.description, executorRun.value] + tasks.map(\.value)).joined(separator: "\n") }

    package init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3, let group = WireUUID(text: lines[0]), lines.dropFirst().allSatisfy({ !$0.isEmpty })
        else {
            return nil
        }
        self.init(group: group, tasks: lines.dropFirst(2).map { TaskID($0) }, executorRun: ContainerID(lines[1]))
    }
}

/// A default executor that has tasks here.
package struct DefaultExecutor: Hashable, Sendable {
    package var framework: FrameworkID
    package var info: V1ExecutorInfo
    package var run: ContainerID

    package var id: ExecutorID { ExecutorID(info.executorID) }
    package var resources: Resources { (try? Resources(info.resources)) ?? Resources() }
}

extension TaskRecord {
    /// The network that the containers of the task's group share; nil if that is the host's.
    package var groupNetwork: V1NetworkInfo? {
        guard group != nil, host == nil, containerizer == .docker else { return nil }
        return info.executor.container.networkInfos.first { !$0.name.isEmpty }
    }

    /// The default executor that the task belongs to; nil unless it came in a group for one.
    package var defaultExecutor: DefaultExecutor? {
        host != nil
            ? nil : group.map { DefaultExecutor(framework: key.framework, info: info.executor, run: $0.executorRun) }
    }
}
