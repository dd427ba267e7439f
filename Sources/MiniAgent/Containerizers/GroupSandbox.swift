// The sandbox of a default executor with those of its tasks inside, and the directories that tasks share.

import Glibc
import MesosProtocol
import Resources

/// What a volume with a source of type SANDBOX_PATH stands for.
package enum SharedDirectory {
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// The directory on the host.
    ///
    /// - Returns: nil if the volume is not of that kind.
    package static func path(of volume: V1Volume, in run: RunPaths) throws(Fault) -> String? {
        guard volume.hasSource, volume.source.type == .sandboxPath else { return nil }
        let source = volume.source.sandboxPath
        let parts = source.path.split(separator: "/")
        guard !source.path.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else {
            throw Fault(description: "Path '\(source.path)' of a SANDBOX_PATH volume is not inside the sandbox")
        }
        switch source.type {
        case .parent:
            guard let parent = run.executorSandbox else {
                throw Fault(
                    description: "PARENT type SANDBOX_PATH volumes are only supported for tasks in a task group")
            }
            return "\(parent)/\(parts.joined(separator: "/"))"
        case .self_, .unknown:
            return "\(run.sandbox)/\(parts.joined(separator: "/"))"
        }
    }

    /// Makes the directories behind a task's SANDBOX_PATH volumes and, for a process, links them into its sandbox.
    static func prepare(_ launch: Launch, owner: HostUser?) throws(LaunchFailure) {
        for volume in launch.record.info.container.volumes {
            let path: String
            do throws(Fault) {
                guard let found = try self.path(of: volume, in: launch.run) else { continue }
                path = found
            } catch { throw .preparation("\(error)") }
            let root = path.hasPrefix(launch.run.sandbox + "/") ? launch.run.sandbox : launch.run.executorSandbox
            do throws(FileError) {
                try makeDirectories(String(path.dropFirst((root ?? "").utf8.count + 1)), below: root ?? "", owner)
                guard launch.record.containerizer == .process else { continue }
                let parts = volume.containerPath.split(separator: "/").map(String.init)
                guard !volume.containerPath.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".")
                else { throw FileError("use as a place inside the sandbox", volume.containerPath, code: EINVAL) }
                let link = ([launch.run.sandbox] + parts).joined(separator: "/")
                if link == path { continue }
                try makeDirectories(parts.dropLast().joined(separator: "/"), below: launch.run.sandbox, owner)
                try DurableFile.relink(link, to: path)
            } catch {
                throw .preparation("\(error)")
            }
        }
    }

    /// Tasks write here: no link of theirs is followed.
    private static func makeDirectories(
        _ path: String, below root: String, _ owner: HostUser?
    ) throws(FileError) {
        var directory = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { throw FileError("open", root) }
        defer { close(directory) }
        for part in path.split(separator: "/").map(String.init) {
            let isNew = mkdirat(directory, part, 0o755) == 0
            guard isNew || errno == EEXIST else { throw FileError("make directory", "\(root)/\(path)") }
            let next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw FileError("open", "\(root)/\(path)") }
            close(directory)
            directory = next
            if isNew, let owner, fchown(directory, owner.user, owner.group) != 0 {
                throw FileError("give away", "\(root)/\(path)")
            }
        }
    }
}

enum GroupSandbox {
    /// Makes the executor's sandbox around a task's own.
    ///
    /// Tasks may write into it, but not put anything in the place of another task's sandbox: it stays the agent's, with
    /// the sticky bit, as `/tmp` is.
    static func create(_ executorSandbox: String, owner: HostUser?) throws(FileError) {
        try DurableFile.createDirectories(executorSandbox)
        if let owner {
            guard lchown(executorSandbox, 0, owner.group) == 0, chmod(executorSandbox, 0o1775) == 0 else {
                throw FileError("give away", executorSandbox)
            }
        }
        let tasks = "\(executorSandbox)/tasks"
        guard mkdir(tasks, 0o755) == 0 || errno == EEXIST else { throw FileError("make directory", tasks) }
    }
}
