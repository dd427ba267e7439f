// The directory a task may call its own.

import Glibc
import MesosProtocol
import Resources

enum Sandbox {
    /// Makes the sandbox of a run and points `runs/latest` to it.
    static func create(_ launch: Launch, owner: HostUser?) throws(LaunchFailure) {
        let run = launch.run
        do throws(FileError) {
            if let executorSandbox = run.executorSandbox {
                try GroupSandbox.create(executorSandbox, owner: owner)
            } else {
                try DurableFile.createDirectories(DurableFile.parent(of: run.sandbox))
            }
            // The task must not find anything of somebody else's in it.
            guard mkdir(run.sandbox, 0o750) == 0 || errno == EEXIST else {
                throw FileError("make directory", run.sandbox)
            }
            if let owner, lchown(run.sandbox, owner.user, owner.group) != 0 {
                throw FileError("give away", run.sandbox)
            }
            try DurableFile.relink(
                run.sandboxLatest, to: (launch.record.group?.executorRun ?? launch.record.container).value)
        } catch {
            throw .preparation("\(error)")
        }
    }

    /// Whom a task runs as: its command's user, else its framework's. `nil`: as the agent itself.
    static func owner(of launch: Launch, switchUser: Bool) throws(LaunchFailure) -> HostUser? {
        let command = launch.command
        let name = command.hasUser ? command.user : launch.framework.user
        guard switchUser, HostUser.isRoot, !name.isEmpty else { return nil }
        guard let user = HostUser.named(name) else {
            throw .preparation("Failed to get user information for '\(name)'")
        }
        return user
    }
}
