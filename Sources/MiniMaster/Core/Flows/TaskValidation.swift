// May this task run on these offers? One rule after another, in the order and words of Apache Mesos.
import MesosProtocol
import Resources

/// The rules for one task of a LAUNCH, and for the tasks of a LAUNCH_GROUP. The first that fails decides.
struct TaskValidation {
    /// What is to be taken from the offers.
    struct Need: Equatable {
        var task: Resources
        /// Nil without an executor, or if it runs already.
        var executor: Resources?

        var sum: Resources { executor.map { task + $0 } ?? task }
    }

    enum Verdict: Equatable {
        case valid(Need)
        case invalid(String)
    }

    enum Parsed: Equatable {
        case valid(Resources)
        case invalid(String)
    }

    let framework: Framework
    let role: RoleName
    let agent: AgentID
    let available: Resources
    let book: TaskBook
    let executors: ExecutorBook
    /// Whether the agent can hold tasks to limits above their requests.
    let takesLimits: Bool

    func judge(_ task: V1TaskInfo) -> Verdict {
        if let fault = identityFault(task) ?? timingFault(task) ?? checkFault(task) { return .invalid(fault) }
        let own: Resources
        switch resources(of: task) {
        case .valid(let sum): own = sum
        case .invalid(let fault): return .invalid(fault)
        }
        let need: Need
        switch withExecutor(task, own) {
        case .valid(let sum): need = sum
        case .invalid(let fault): return .invalid(fault)
        }
        if let fault = descriptionFault(task) ?? limitsFault(task) ?? executorFault(task) { return .invalid(fault) }
        guard available.contains(need.sum) else {
            let wanted = OfferedResources.text(need.sum, allocatedTo: role)
            let offered = OfferedResources.text(available, allocatedTo: role)
            return .invalid(
                "Total resources \(wanted) required by task and its executor is more than available \(offered)")
        }
        return .valid(need)
    }

    /// The rules that a task of a group shares with one that comes alone.
    ///
    /// - Returns: What it takes; the executor is the group's affair.
    func judgeAlone(_ task: V1TaskInfo) -> Parsed {
        if let fault = identityFault(task) ?? timingFault(task) ?? checkFault(task) { return .invalid(fault) }
        let parsed = resources(of: task)
        guard case .valid = parsed else { return parsed }
        if let fault = descriptionFault(task) ?? limitsFault(task) { return .invalid(fault) }
        return parsed
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

    private func resources(of task: V1TaskInfo) -> Parsed {
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
        guard task.hasExecutor, running(task.executor) == nil else { return .valid(Need(task: own)) }
        let executor: Resources
        switch parse(task.executor.resources) {
        case .valid(let parsed): executor = parsed
        case .invalid(let fault): return .invalid("Task and its executor use invalid resources: \(fault)")
        }
        if let id = doubledVolume(in: task.resources + task.executor.resources) {
            return .invalid("Task and its executor use duplicate persistence ID: \(id)")
        }
        if let name = mixedName(in: own + executor) {
            return .invalid("Task and its executor mix revocable and non-revocable resources: \(name)")
        }
        return .valid(Need(task: own, executor: executor))
    }

    func parse(_ messages: [V1Resource]) -> Parsed {
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
        if !takesLimits { return "Agent is not capable of handling task resource limits" }
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
        return ExecutorRules.fault(ofTask: task.executor, framework.id)
            ?? ExecutorRules.fault(
                of: task.executor, besides: running(task.executor)?.info, role: role, framework.id, on: agent)
    }

    /// What runs under the executor's id, if anything does.
    func running(_ executor: V1ExecutorInfo) -> ExecutorRecord? {
        executors[
            ExecutorRecord.Key(agent: agent, framework: framework.id, executor: ExecutorID(executor.executorID))]
    }
}
