// A persistent volume as a task sees it: a directory of the host at a place the task has chosen.

import Glibc
import MesosProtocol
import Resources

/// One volume among a task's resources.
package struct PersistentVolume: Hashable, Sendable {
    /// Its directory on the host.
    package var source: String
    /// Where the task wants it; relative to the sandbox unless it begins with a slash.
    package var containerPath: String

    package init(source: String, containerPath: String) {
        self.source = source
        self.containerPath = containerPath
    }

    /// The volumes of a task, in the order in which it names them.
    package static func all(of info: V1TaskInfo, _ paths: AgentPaths) -> [PersistentVolume] {
        info.resources.compactMap { message in
            guard message.hasDisk, message.disk.hasPersistence,
                let name = (try? Resources([message]))?.volumeNames.first
            else { return nil }
            return PersistentVolume(source: paths.volume(name), containerPath: message.disk.volume.containerPath)
        }
    }

    /// Gives the volumes to the task's user and, for a process, links them into the sandbox. Docker mounts them itself.
    static func prepare(_ launch: Launch, owner: HostUser?) throws(LaunchFailure) {
        for volume in launch.volumes {
            do throws(FileError) {
                guard access(volume.source, F_OK) == 0 else { throw FileError("find volume", volume.source) }
                if let owner, lchown(volume.source, owner.user, owner.group) != 0 {
                    throw FileError("give away", volume.source)
                }
                if launch.record.containerizer == .process { try volume.link(into: launch.run.sandbox) }
            } catch {
                throw .preparation("\(error)")
            }
        }
    }

    private func link(into sandbox: String) throws(FileError) {
        let parts = containerPath.split(separator: "/", omittingEmptySubsequences: true)
        guard !containerPath.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else {
            // A process sees the host's files: there is no other place for it than the sandbox.
            throw FileError("use as a place inside the sandbox", containerPath, code: EINVAL)
        }
        let path = ([sandbox] + parts.map(String.init)).joined(separator: "/")
        try DurableFile.createDirectories(DurableFile.parent(of: path))
        try DurableFile.relink(path, to: source)
    }
}
