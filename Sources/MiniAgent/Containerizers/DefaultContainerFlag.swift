// The text of `--default_container_info`, read and judged when the agent starts.

import MesosProtocol

/// Why a default container makes no sense. Names the member.
package struct DefaultContainerError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
}

extension V1ContainerInfo {
    /// Reads the JSON of a ContainerInfo that tasks are to run in by default.
    ///
    /// What a task's own container may not have would make every task fail that has none, so it is refused here.
    package init(defaultContainer text: String) throws(DefaultContainerError) {
        do { self = try MediaType.json.decode(from: Array(text.utf8)) } catch {
            throw DefaultContainerError(description: "not the JSON of a ContainerInfo: \(error)")
        }
        if type == .docker, docker.image.isEmpty {
            throw DefaultContainerError(description: "a container of type DOCKER needs 'docker.image'")
        }
        if type == .mesos, hasMesos, mesos.hasImage, mesos.image.docker.name.isEmpty {
            throw DefaultContainerError(description: "'mesos.image' needs 'docker.name': no other images are known")
        }
        for (index, volume) in volumes.enumerated() where volume.containerPath.isEmpty {
            throw DefaultContainerError(description: "'volumes[\(index)].container_path' is empty")
        }
        do throws(ResourceLimit.Fault) { _ = try ResourceLimit.all(of: self) } catch {
            throw DefaultContainerError(description: "'rlimit_info': \(error)")
        }
    }
}
