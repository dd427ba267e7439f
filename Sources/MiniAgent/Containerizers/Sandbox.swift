// The directory a task may call its own.

import Glibc
import MesosProtocol
import Resources

enum Sandbox {
    /// Makes the sandbox of a run and points `runs/latest` to it.
    static func create(_ launch: Launch, owner: HostUser?) throws(LaunchFailure) {
        let run = launch.run
        do throws(FileError) {
            try createParent(of: run, owner)
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

    /// Garbage collection may be taking an empty parent away just now: then it is made once more.
    private static func createParent(of run: RunPaths, _ owner: HostUser?) throws(FileError) {
        for attempt in 0... {
            do throws(FileError) {
                guard let executorSandbox = run.executorSandbox else {
                    // A sandbox that a crash of the host undoes has no task that could miss it.
                    try DurableFile.makeDirectories(DurableFile.parent(of: run.sandbox))
                    return
                }
                return try GroupSandbox.create(executorSandbox, owner: owner)
            } catch {
                guard error.code == ENOENT, attempt < 3 else { throw error }
            }
        }
    }

    /// Marks that a run has ended now; its age counts from here.
    static func touch(_ run: RunPaths) {
        utimensat(AT_FDCWD, run.sandbox, nil, AT_SYMLINK_NOFOLLOW)
        if let around = run.executorSandbox { utimensat(AT_FDCWD, around, nil, AT_SYMLINK_NOFOLLOW) }
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
