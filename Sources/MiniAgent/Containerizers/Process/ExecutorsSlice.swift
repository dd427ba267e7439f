// Process tasks out of the agent's own unit of systemd: `--systemd_enable_support`.

import Glibc
import Logging
import Mailbox
import Processes

/// The slice in which the supervisors of process tasks run. What ends everything in the agent's control group, as systemd does
/// when it stops a unit that does not say `KillMode=process`, then ends no task.
///
/// As in Apache Mesos the slice is a unit in systemd's runtime directory, and a process enters it by its control group.
package struct ExecutorsSlice: Hashable, Sendable {
    package static let unit = "mesos_executors.slice"

    private static let content = """
        # Written by an agent with --systemd_enable_support. Limits set here hold for its process tasks together.
        [Unit]
        Description=Process tasks of Mesos agents

        """

    private let files: [String]

    /// - Parameters:
    ///   - mount: Where control groups are mounted.
    ///   - initGroups: Those of the host's first process, as in `/proc/1/cgroup`: systemd's own is `init.scope` beside ours.
    /// - Returns: `nil` if no process can enter the slice.
    package init?(mount: String, initGroups: String) {
        var found: [String] = []
        for line in initGroups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let trees: [String]
            switch parts[1] {
            // One tree for all, or beside those of the controllers one that only systemd uses.
            case "": trees = [mount, "\(mount)/unified"]
            case "name=systemd": trees = ["\(mount)/systemd"]
            default: continue
            }
            let scope = "/init.scope"
            let root = parts[2].hasSuffix(scope) ? parts[2].dropLast(scope.count) : parts[2] == "/" ? "" : parts[2]
            found += trees.map { "\($0)\(root)/\(Self.unit)/cgroup.procs" }.filter { access($0, W_OK) == 0 }
        }
        guard !found.isEmpty else { return nil }
        files = found
    }

    /// The files by which a process enters the slice; fewer if somebody has stopped it.
    var entrances: [String] { files.filter { access($0, W_OK) == 0 } }

    /// Starts the slice if the configuration wants it and this host is run by systemd. A host that does not allow it is no
    /// reason not to start: the agent's own unit leaves tasks alone.
    static func open(_ configuration: AgentConfiguration, logger: Logger) async -> ExecutorsSlice? {
        guard configuration.systemdSupport, configuration.containerizers.contains(.process), isHostRunBySystemd else {
            return nil
        }
        do throws(Fault) {
            guard geteuid() == 0 else { throw Fault(description: "the agent is not root") }
            if try writeUnit(in: configuration.systemdRuntimeDirectory) { try await systemctl("daemon-reload") }
            try await systemctl("start", unit)
            let groups = KernelFiles.read("/proc/1/cgroup").map { String(decoding: $0, as: UTF8.self) } ?? ""
            guard let slice = ExecutorsSlice(mount: configuration.cgroupsHierarchy, initGroups: groups) else {
                throw Fault(description: "no control group of \(unit) below \(configuration.cgroupsHierarchy)")
            }
            logger.info("process tasks run in \(unit), apart from this agent's own unit")
            return slice
        } catch {
            logger.warning("process tasks stay in this agent's own unit, despite systemd_enable_support: \(error)")
            return nil
        }
    }

    /// Whether the host's first process is systemd, as sd_booted(3) and Apache Mesos ask.
    private static var isHostRunBySystemd: Bool {
        KernelFiles.read("/proc/1/comm").map { String(decoding: $0, as: UTF8.self) } == "systemd\n"
            && access("/run/systemd/system", F_OK) == 0
    }

    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// - Returns: Whether it was not there. One that is there may hold an operator's limits.
    package static func writeUnit(in directory: String) throws(Fault) -> Bool {
        let path = "\(directory)/\(unit)"
        if access(path, F_OK) == 0 { return false }
        do throws(FileError) {
            try DurableFile.makeDirectories(directory)
            try DurableFile.replace(path, with: Array(content.utf8))
        } catch { throw Fault(description: "\(error)") }
        return true
    }

    private static func systemctl(_ arguments: String...) async throws(Fault) {
        let command = "systemctl \(arguments.joined(separator: " "))"
        var request = SpawnRequest(program: "systemctl", arguments: ["--no-ask-password", "--quiet"] + arguments)
        request.deathSignal = SIGKILL
        let process: ChildProcess
        do throws(SpawnError) { process = try await ChildProcess.spawn(request) } catch {
            throw Fault(description: "\(error)")
        }
        let deadline = Timers.shared.scheduleOnce(after: .seconds(20)) { process.send(signal: SIGKILL) }
        let end = await process.end()
        deadline.cancel()
        guard end == .exited(0) else { throw Fault(description: "'\(command)' \(end)") }
    }
}
