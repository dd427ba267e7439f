// Takes a whole cluster off this host, whatever state it is in: processes, containers, files.

import Glibc
import HTTPClient

/// Removes everything that one cluster left on this host.
///
/// It needs no list of what was started. A process belongs to the cluster if it carries the cluster's mark in its
/// environment or names the cluster's folder in its arguments (a master that somebody restarted by hand does), or if it
/// descends from such a process. A container belongs to it if its label names a work directory below that folder.
public struct ClusterTeardown: Sendable {
    /// Environment variable that every process of a cluster inherits.
    public static let environmentMark = "MINI_CLUSTER_ID"
    /// Label with which agents name their work directory on each container.
    public static let containerLabel = "org.mini-mesos.work_dir"

    /// The value of ``environmentMark``.
    public var clusterID: String
    /// The folder under which the cluster keeps everything; removed as a whole.
    public var directory: String
    public var dockerSocket: String

    public init(clusterID: String, directory: String, dockerSocket: String) {
        self.clusterID = clusterID
        self.directory = directory
        self.dockerSocket = dockerSocket
    }

    /// Ends the cluster's processes, removes its containers and its folder.
    ///
    /// - Parameter deadline: How long to go on while something is still there.
    /// - Returns: One line for each thing that could not be removed; empty when nothing is left.
    public func run(deadline: Duration = .seconds(30)) async -> [String] {
        let end = ContinuousClock.now + deadline
        var remaining: [String] = []
        repeat {
            remaining = killProcesses()
            // Containers after processes: a live agent would start further ones.
            if remaining.isEmpty { remaining = await removeContainers() }
            if remaining.isEmpty { remaining = await NetworkPlan.remove(clusterID: clusterID) }
            if remaining.isEmpty { remaining = removeDirectory() }
            if remaining.isEmpty { return [] }
            try? await Task.sleep(for: .milliseconds(50))
        } while ContinuousClock.now < end
        return remaining
    }

    /// Whether a process was started by this cluster or works in its folder.
    func owns(_ process: RunningProcess) -> Bool {
        process.environment.split(separator: "\n").contains("\(Self.environmentMark)=\(clusterID)")
            || process.commandLine.contains("\(directory)/")
    }

    private func killProcesses() -> [String] {
        let ourselves = lineage(of: getpid())
        let doomed = ProcessTable.read().trees { process in
            owns(process) && !ourselves.contains(process.pid)
        }.filter { !ourselves.contains($0.pid) }
        for process in doomed { kill(process.pid, SIGKILL) }
        return doomed.map { "process \($0.pid): \($0.commandLine.replacing("\n", with: " ").prefix(120))" }
    }

    /// This process and its ancestors, which may name the folder in their own arguments.
    private func lineage(of pid: Int32) -> Set<Int32> {
        var result: Set<Int32> = []
        var next = pid
        while next > 1, !result.contains(next) {
            result.insert(next)
            next = ProcessTable.read(pid: next)?.parent ?? 0
        }
        return result
    }

    func removeContainers() async -> [String] {
        guard access(dockerSocket, F_OK) == 0 else { return [] }
        let engine = DockerCleaner(socketPath: dockerSocket)
        do {
            var remaining: [String] = []
            for container in try await engine.containers(labelled: Self.containerLabel) {
                guard container.labelValue == directory || container.labelValue.hasPrefix("\(directory)/") else {
                    continue
                }
                do { try await engine.remove(container.id) } catch {
                    remaining.append("container \(container.id): \(error)")
                }
            }
            return remaining
        } catch { return ["containers of \(directory): \(error)"] }
    }

    private func removeDirectory() -> [String] {
        guard access(directory, F_OK) == 0 else { return [] }
        return DirectoryTree.remove(directory) ? [] : ["directory \(directory)"]
    }
}
