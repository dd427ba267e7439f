// Lines about the life of tasks, so that one can be followed through the logs of framework, master and agent by its id.

import Logging
import MesosProtocol
import Resources

/// Logs what an agent has written down about tasks: that they are here, and how they stand.
struct TaskTrail: Sendable {
    let logger: Logger

    func note(_ write: CheckpointWrite) {
        guard logger.logLevel <= .info else { return }
        switch write {
        case .task(let record):
            logger.info(
                "task taken",
                metadata: ids(record.key).merging([
                    "container_id": "\(record.container)", "containerizer": "\(record.containerizer.rawValue)",
                ]) { $1 })
        case .update(let update):
            var metadata = ids(update.key)
            metadata["state"] = "\(update.state.name)"
            if let container = update.container { metadata["container_id"] = "\(container)" }
            if let reason = update.reason { metadata["reason"] = "\(reason)" }
            // What a task says of itself may hold anything; how it ended is for its framework.
            logger.info("task status", metadata: metadata)
        case .kill(let key, _, _): logger.info("kill of a task asked for", metadata: ids(key))
        default: break
        }
    }

    private func ids(_ key: TaskKey) -> Logger.Metadata {
        ["task_id": "\(key.task)", "framework_id": "\(key.framework)"]
    }
}
