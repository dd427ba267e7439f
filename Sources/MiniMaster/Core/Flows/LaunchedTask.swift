// A task's description as the agent gets it: what the framework may leave out is filled in.
import MesosProtocol
import Resources

enum LaunchedTask {
    static func completed(_ info: V1TaskInfo, _ framework: FrameworkID, _ role: RoleName) -> V1TaskInfo {
        var task = info
        task.resources = task.resources.map { allocated($0, to: role) }
        if task.hasExecutor { task.executor = ExecutorRules.completed(task.executor, framework, role) }
        if task.hasHealthCheck, !task.healthCheck.hasType {
            if task.healthCheck.hasCommand { task.healthCheck.type = .command }
            if task.healthCheck.hasHTTP { task.healthCheck.type = .http }
        }
        return task
    }

    static func allocated(_ resource: V1Resource, to role: RoleName) -> V1Resource {
        var allocated = resource
        if !allocated.hasAllocationInfo { allocated.allocationInfo.role = role.value }
        return allocated
    }
}
