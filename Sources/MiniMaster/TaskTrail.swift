// Lines about the life of tasks, so that one can be followed through the logs of framework, master and agent by its id.
import Logging
import MesosProtocol

/// Logs what a master sends down about tasks: launches and kills to agents, ends to frameworks.
struct TaskTrail: Sendable {
    let logger: Logger

    func sent(_ command: LinkCommand) {
        guard logger.logLevel <= .info else { return }
        switch command.type {
        case .runTask:
            launched(command.runTask.task, of: command.runTask.framework)
        case .runTaskGroup:
            for task in command.runTaskGroup.taskGroup.tasks { launched(task, of: command.runTaskGroup.framework) }
        case .killTask:
            logger.info("kill of a task sent", metadata: ["task_id": "\(command.killTask.taskID.value)"])
        default: break
        }
    }

    private func launched(_ task: V1TaskInfo, of framework: V1FrameworkInfo) {
        logger.info(
            "task launched",
            metadata: [
                "task_id": "\(task.taskID.value)", "agent_id": "\(task.agentID.value)",
                "framework_id": "\(framework.id.value)", "task_name": "\(task.name)",
            ])
    }

    func sent(_ event: V1SchedulerEvent) {
        guard event.type == .update, logger.logLevel <= .info else { return }
        let status = event.update.status
        // A task that runs on is in the books; only where it starts and how it ends is worth a line.
        guard status.state == .taskRunning || status.state.isTerminal || status.state == .taskUnreachable else {
            return
        }
        var metadata: Logger.Metadata = ["task_id": "\(status.taskID.value)", "state": "\(status.state.name)"]
        if status.hasAgentID { metadata["agent_id"] = "\(status.agentID.value)" }
        if status.hasReason { metadata["reason"] = "\(MetricWords.reason(status.reason))" }
        logger.info("task status told to its framework", metadata: metadata)
    }
}
