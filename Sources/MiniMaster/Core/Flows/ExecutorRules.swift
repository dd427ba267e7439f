// May this executor start, or does it fit the one that runs? The rules that LAUNCH and LAUNCH_GROUP share.
import MesosProtocol
import Resources

enum ExecutorRules {
    /// What is wrong with the executor of a task of a LAUNCH (rows 20 and 21).
    static func fault(ofTask executor: V1ExecutorInfo, _ framework: FrameworkID) -> String? {
        if executor.hasType, executor.type != .custom { return "'ExecutorInfo.type' must be 'CUSTOM'" }
        if !executor.hasCommand { return "'ExecutorInfo.command' must be set" }
        return fault(in: executor, framework)
    }

    /// What is wrong with the executor of a group.
    static func fault(ofGroup executor: V1ExecutorInfo, _ framework: FrameworkID) -> String? {
        guard executor.hasType, executor.type != .unknown else {
            return "'ExecutorInfo.type' must be set to 'DEFAULT' or 'CUSTOM'"
        }
        switch executor.type {
        case .default:
            if executor.hasCommand { return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor" }
            if executor.hasContainer, executor.container.type == .docker {
                return "Docker ContainerInfo is not supported on the executor"
            }
        case .custom:
            if !executor.hasCommand { return "'ExecutorInfo.command' must be set for 'CUSTOM' executor" }
        case .unknown: break
        }
        if executor.hasContainer, executor.container.type == .docker {
            return "Docker ContainerInfo is not supported on the executor"
        }
        return fault(in: executor, framework)
    }

    private static func fault(in executor: V1ExecutorInfo, _ framework: FrameworkID) -> String? {
        if let fault = IdentifierRules.fault(in: executor.executorID.value) { return fault }
        if executor.hasFrameworkID, executor.frameworkID.value != framework.value {
            return "ExecutorInfo has an invalid FrameworkID (Actual: \(executor.frameworkID.value) vs Expected: "
                + "\(framework))"
        }
        if executor.hasShutdownGracePeriod, executor.shutdownGracePeriod.nanoseconds < 0 {
            return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
        }
        if executor.hasCommand, let fault = CommandRules.fault(in: executor.command) {
            return "Executor's `CommandInfo` is invalid: \(fault)"
        }
        if executor.hasContainer, let fault = ContainerRules.fault(in: executor.container) {
            return "Executor's `ContainerInfo` is invalid: \(fault)"
        }
        return nil
    }

    /// An executor id names one executor (row 22): a second description of it must say the same.
    static func fault(
        of executor: V1ExecutorInfo, besides running: V1ExecutorInfo?, role: RoleName, _ framework: FrameworkID,
        on agent: AgentID
    ) -> String? {
        guard let running else { return nil }
        let wanted = completed(executor, framework, role)
        if wanted == running { return nil }
        return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID "
            + "'\(executor.executorID.value)' on agent \(agent): existing \(text(running)), new \(text(wanted))"
    }

    /// The description as the agent gets it.
    static func completed(_ executor: V1ExecutorInfo, _ framework: FrameworkID, _ role: RoleName) -> V1ExecutorInfo {
        var completed = executor
        completed.frameworkID = V1FrameworkID(framework)
        if !completed.hasType { completed.type = .custom }
        completed.resources = completed.resources.map { LaunchedTask.allocated($0, to: role) }
        return completed
    }

    private static func text(_ executor: V1ExecutorInfo) -> String {
        let resources = (try? Resources(executor.resources))?.description ?? "unreadable"
        let command = executor.hasCommand ? "command '\(executor.command.value.prefix(100))', " : ""
        return "(name '\(executor.name.prefix(100))', \(command)resources \(resources))"
    }
}
