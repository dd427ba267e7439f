// Finds the directories below a work directory that nobody uses any more.

import Glibc
import Resources

/// One look at the tree of sandboxes.
///
/// In use is a run that the core knows, or that still has records among the checkpoints. Everything below the directory
/// of another agent id is of the past: that agent will not come back.
struct SandboxScan: Sendable {
    let paths: AgentPaths
    let agent: AgentID
    /// Containers the core knows.
    let inUse: Set<String>

    func candidates() -> [GarbageCandidate] { oldAgents() + runs() }

    private func oldAgents() -> [GarbageCandidate] {
        [paths.sandboxes, paths.metaAgents].flatMap { root in
            DurableFile.names(in: root).filter { $0 != "latest" && $0 != agent.value }
                .compactMap { candidate("\(root)/\($0)", alsoLook: []) }
        }
    }

    private func runs() -> [GarbageCandidate] {
        let frameworks = "\(paths.sandboxes)/\(agent)/frameworks"
        return DurableFile.names(in: frameworks).flatMap { framework -> [GarbageCandidate] in
            let executors = "\(frameworks)/\(framework)/executors"
            return DurableFile.names(in: executors).flatMap { executor -> [GarbageCandidate] in
                let runs = "\(executors)/\(executor)/runs"
                let meta = "\(paths.metaFrameworks(agent))/\(framework)/executors/\(executor)/runs"
                return DurableFile.names(in: runs).filter { $0 != "latest" && $0 != "latest.tmp" }.compactMap { run in
                    if inUse.contains(run) || access("\(meta)/\(run)", F_OK) == 0 { return nil }
                    // A crash can come between a task's end and the mark of it; its output shows it as well.
                    return candidate("\(runs)/\(run)", alsoLook: ["stdout", "stderr"])
                }
            }
        }
    }

    private func candidate(_ path: String, alsoLook names: [String]) -> GarbageCandidate? {
        guard var newest = Self.modified(path) else { return nil }
        for name in names { newest = max(newest, Self.modified("\(path)/\(name)") ?? newest) }
        return GarbageCandidate(path: path, modified: newest)
    }

    private static func modified(_ path: String) -> WallTime? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let (seconds, overflow) = Int64(status.st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        // A task can date its files as it likes. The future is not older than anything.
        return overflow ? WallTime(nanoseconds: .max) : WallTime(nanoseconds: seconds)
    }
}
