// What a task runs in that says nothing of it: `--default_container_info`.

import MesosProtocol
import Resources

extension AgentSettings {
    /// The task as it is run: with the default container if it brings none of its own.
    ///
    /// As in Apache Mesos a container that is there is left as it is, and what others are told of the task does not change.
    /// The tasks of a group, which share what their executor has, get none.
    func withDefaultContainer(_ info: V1TaskInfo) -> V1TaskInfo {
        guard let defaultContainer, !info.hasContainer, !info.hasExecutor else { return info }
        var filled = info
        filled.container = defaultContainer
        return filled
    }

    /// The same for a record of a task or of an executor's container.
    package func withDefaultContainer(_ record: TaskRecord) -> TaskRecord {
        guard record.group == nil, !record.info.hasContainer, let defaultContainer,
            // It was launched with another default, or with none.
            (record.containerizer == .docker) == defaultContainer.needsDocker
        else { return record }
        var filled = record
        filled.info.container = defaultContainer
        return filled
    }
}

extension V1ContainerInfo {
    /// A container of type MESOS with a Docker image is run by Docker as well: this agent unpacks no images itself.
    var needsDocker: Bool { type == .docker || (hasMesos && mesos.hasImage) }
}
