// May this task run on these offers? One rule after another, in the order and words of Apache Mesos.
import MesosProtocol
import Resources

/// The rules for one task of a LAUNCH. The first that fails decides.
struct TaskValidation {
    enum Verdict: Equatable {
        /// What it takes from the offers, executor included.
        case valid(Resources)
        case invalid(String)
    }

    let framework: Framework
    let role: RoleName
    let agent: AgentID
    let available: Resources
    let book: TaskBook

    func judge(_ task: V1TaskInfo) -> Verdict {
        if let fault = identityFault(task) ?? timingFault(task) ?? checkFault(task) { return .invalid(fault) }
        let own: Resources
        switch resources(of: task) {
        case .valid(let sum): own = sum
        case .invalid(let fault): return .invalid(fault)
        }
        let whole: Resources
        switch withExecutor(task, own) {
        case .valid(let sum): whole = sum
        case .invalid(let fault): return .invalid(fault)
        }
        if let fault = descriptionFault(task) ?? limitsFault(task) ?? executorFault(task) { return .invalid(fault) }
        guard available.contains(whole) else {
            let wanted = OfferedResources.text(whole, allocatedTo: role)
            let offered = OfferedResources.text(available, allocatedTo: role)
            return .invalid(
                "Total resources \(wanted) required by task and its executor is more than available \(offered)")
        }
        return .valid(whole)
    }

    // MARK: Who and where

    private func identityFault(_ task: V1TaskInfo) -> String? {
        let id = task.taskID.value
        if let fault = IdentifierRules.fault(in: id) { return fault }
        if let known = book[TaskKey(framework: framework.id, task: TaskID(id))] {
            return known.isUnreachable
                ? "Task reuses the ID of an unreachable task: \(id)" : "Task has duplicate ID: \(id)"
        }
        guard task.agentID.value == agent.value else {
            return "Task uses invalid agent \(task.agentID.value) while agent \(agent) is expected"
        }
        return nil
    }

    private func timingFault(_ task: V1TaskInfo) -> String? {
        if task.hasKillPolicy, task.killPolicy.hasGracePeriod, task.killPolicy.gracePeriod.nanoseconds < 0 {
            return "Task's 'kill_policy.grace_period' must be non-negative"
        }
        if task.hasMaxCompletionTime, task.maxCompletionTime.nanoseconds < 0 {
            return "Task's `max_completion_time` must be non-negative"
        }
        return nil
    }

    private func checkFault(_ task: V1TaskInfo) -> String? {
        if task.hasCheck, let fault = CheckRules.fault(in: task.check) { return "Task uses invalid check: \(fault)" }
        if task.hasHealthCheck, let fault = CheckRules.fault(in: task.healthCheck) {
            return "Task uses invalid health check: \(fault)"
        }
        return nil
    }

    // MARK: Resources

    private func resources(of task: V1TaskInfo) -> Verdict {
        if task.resources.isEmpty { return .invalid("Task uses no resources") }
        let sum: Resources
        switch parse(task.resources) {
        case .valid(let parsed): sum = parsed
        case .invalid(let fault): return .invalid("Task uses invalid resources: \(fault)")
        }
        if let id = doubledVolume(in: task.resources) { return .invalid("Task uses duplicate persistence ID: \(id)") }
        if let fault = roleFault(in: task.resources) { return .invalid("Invalid task resources: \(fault)") }
        if let name = mixedName(in: sum) {
            return .invalid("Task mixes revocable and non-revocable resources: \(name)")
        }
        return .valid(sum)
    }

    private func withExecutor(_ task: V1TaskInfo, _ own: Resources) -> Verdict {
        guard task.hasExecutor, !isExecutorRunning(task.executor) else { return .valid(own) }
        let sum: Resources
        switch parse(task.executor.resources) {
        case .valid(let parsed): sum = own + parsed
        case .invalid(let fault): return .invalid("Task and its executor use invalid resources: \(fault)")
        }
        if let id = doubledVolume(in: task.resources + task.executor.resources) {
            return .invalid("Task and its executor use duplicate persistence ID: \(id)")
        }
        if let name = mixedName(in: sum) {
            return .invalid("Task and its executor mix revocable and non-revocable resources: \(name)")
        }
        return .valid(sum)
    }

    private func parse(_ messages: [V1Resource]) -> Verdict {
        for message in messages where message.name == "gpus" && message.scalar.value.rounded() != message.scalar.value {
            return .invalid("The 'gpus' resource must be an unsigned integer")
        }
        do throws(ResourceConversionError) {
            return .valid(try Resources(messages))
        } catch {
            return .invalid("\(error)")
        }
    }

    private func doubledVolume(in messages: [V1Resource]) -> String? {
        var seen: Set<String> = []
        for message in messages where message.disk.hasPersistence {
            let id = message.disk.persistence.id
            if !seen.insert("\(message.reservations.last?.role ?? message.role) \(id)").inserted { return id }
        }
        return nil
    }

    private func roleFault(in messages: [V1Resource]) -> String? {
        let roles = Set(messages.map { $0.hasAllocationInfo ? $0.allocationInfo.role : role.value })
        if roles.count > 1 {
            return "The resources have multiple allocation roles ('\(roles.sorted().joined(separator: "', '"))')"
        }
        guard let only = roles.first, only != role.value else { return nil }
        return "Resources are allocated to role '\(only)' while the offers are allocated to role '\(role)'"
    }

    private func mixedName(in resources: Resources) -> String? {
        let revocable = Set(resources.entries.filter(\.isRevocable).map(\.name))
        return resources.entries.first { !$0.isRevocable && revocable.contains($0.name) }?.name
    }

    private func isExecutorRunning(_ executor: V1ExecutorInfo) -> Bool {
        book.tasks(on: agent).contains {
            $0.key.framework == framework.id && $0.executor == executor.executorID.value && !$0.isTerminal
        }
    }

    // MARK: Description

    private func descriptionFault(_ task: V1TaskInfo) -> String? {
        if task.hasCommand, let fault = CommandRules.fault(in: task.command) {
            return "Task's `CommandInfo` is invalid: \(fault)"
        }
        if task.hasContainer, let fault = ContainerRules.fault(in: task.container) {
            return "Task's `ContainerInfo` is invalid: \(fault)"
        }
        return nil
    }

    private func limitsFault(_ task: V1TaskInfo) -> String? {
        if task.limits.isEmpty { return nil }
        if task.limits.keys.contains(where: { $0 != "cpus" && $0 != "mem" }) {
            return "Only cpus and mem may be included in a task's resource limits"
        }
        for (name, label) in [("cpus", "CPU"), ("mem", "memory")] {
            guard let limit = task.limits[name]?.value else { continue }
            let requested = task.resources.filter { $0.name == name }.reduce(0) { $0 + $1.scalar.value }
            if requested <= 0 { return "When a \(label) limit is specified, a \(label) request must also be specified" }
            let word = name == "cpus" ? "cpu" : "memory"
            if limit < requested { return "The \(word) limit must be greater than or equal to the \(word) request" }
        }
        return nil
    }

    private func executorFault(_ task: V1TaskInfo) -> String? {
        if task.hasContainer, task.container.hasLinuxInfo, task.container.linuxInfo.hasShareCgroups,
            !task.container.linuxInfo.shareCgroups
        {
            return "Only tasks in a task group may have 'share_cgroups' set to 'false'"
        }
        guard task.hasExecutor != task.hasCommand else {
            return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
        }
        guard task.hasExecutor else { return nil }
        let executor = task.executor
        if executor.hasType, executor.type != .custom { return "'ExecutorInfo.type' must be 'CUSTOM'" }
        if !executor.hasCommand { return "'ExecutorInfo.command' must be set" }
        if let fault = IdentifierRules.fault(in: executor.executorID.value) { return fault }
        if executor.hasFrameworkID, executor.frameworkID.value != framework.id.value {
            return "ExecutorInfo has an invalid FrameworkID (Actual: \(executor.frameworkID.value) vs Expected: "
                + "\(framework.id))"
        }
        if executor.hasShutdownGracePeriod, executor.shutdownGracePeriod.nanoseconds < 0 {
            return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
        }
        return nil
    }
}
