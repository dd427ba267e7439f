// May this group run on these offers? All of its tasks may, or none.
import MesosProtocol
import Resources

/// The rules for a LAUNCH_GROUP. The first that fails decides for every task of the group.
struct TaskGroupValidation {
    struct Need: Equatable {
        /// One for each task, in the group's order.
        var tasks: [Resources]
        /// Nil if the executor runs already.
        var executor: Resources?
    }

    enum Verdict: Equatable {
        case valid(Need)
        case invalid(String)
    }

    /// What the default executor needs for itself.
    static let cpusMin = Scalar(milli: 10)
    static let memoryMin = Scalar(units: 32)

    let rules: TaskValidation

    func judge(_ group: V1Offer.Operation.LaunchGroup) -> Verdict {
        let executor = group.executor
        let running = rules.running(executor)
        if let fault = ExecutorRules.fault(ofGroup: executor, rules.framework.id)
            ?? ExecutorRules.fault(
                of: executor, besides: running?.info, role: rules.role, rules.framework.id, on: rules.agent)
        {
            return .invalid(fault)
        }
        var need = Need(tasks: [])
        switch rules.parse(executor.resources) {
        case .invalid(let fault): return .invalid("Executor uses invalid resources: \(fault)")
        case .valid(let resources):
            if let fault = shortage(of: resources) { return .invalid(fault) }
            if running == nil { need.executor = resources }
        }
        var seen: Set<String> = []
        for task in group.taskGroup.tasks {
            switch rules.judgeAlone(task) {
            case .invalid(let fault): return .invalid("Task '\(task.taskID.value)' is invalid: \(fault)")
            case .valid(let resources): need.tasks.append(resources)
            }
            if !seen.insert(task.taskID.value).inserted {
                return .invalid("Task '\(task.taskID.value)' is invalid: Task has duplicate ID: \(task.taskID.value)")
            }
            if let fault = self.fault(in: task, under: executor) {
                return .invalid("Task '\(task.taskID.value)' is invalid: \(fault)")
            }
        }
        let sum = need.tasks.reduce(need.executor ?? Resources(), +)
        guard rules.available.contains(sum) else {
            let wanted = OfferedResources.text(sum, allocatedTo: rules.role)
            let offered = OfferedResources.text(rules.available, allocatedTo: rules.role)
            return .invalid(
                "Total resources \(wanted) required by task group and its executor are more than available \(offered)")
        }
        return .valid(need)
    }

    private func shortage(of resources: Resources) -> String? {
        if resources["cpus"] < Self.cpusMin {
            return "Executor's 'cpus' resource \(resources["cpus"]) is less than the minimum \(Self.cpusMin)"
        }
        if resources["mem"] < Self.memoryMin {
            return "Executor's 'mem' resource \(resources["mem"]) is less than the minimum \(Self.memoryMin)"
        }
        return resources["disk"].isZero ? "Executor uses no 'disk' resource" : nil
    }

    private func fault(in task: V1TaskInfo, under executor: V1ExecutorInfo) -> String? {
        if task.hasExecutor, task.executor != executor {
            return "The `ExecutorInfo` of the task is not the one of its group"
        }
        guard task.hasContainer else { return nil }
        if task.container.type == .docker { return "Docker ContainerInfo is not supported on the task" }
        let hasOwnNetwork = !task.container.networkInfos.isEmpty
        if hasOwnNetwork, task.hasHealthCheck, task.healthCheck.hasHTTP || task.healthCheck.hasTcp {
            return "HTTP and TCP health checks are not supported for nested containers not joining parent's network"
        }
        return nil
    }
}
