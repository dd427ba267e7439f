// The control groups of process tasks: made before the task starts, killed with it, removed after it.

import Glibc
import Resources

/// Makes a control group for each container, with its limits. A group is found again by the container's id alone, so that
/// an agent that was started anew, even with other flags, still knows the groups of its tasks.
package struct CgroupIsolation: Sendable {
    package let hierarchy: CgroupHierarchy
    /// Whether cpus limit every task, and not only those that bring a limit.
    package var enforcesQuota = false
    /// Most processes and threads of one container; `nil`: as many as the host allows.
    package var pidsMax: Int?
    package var limitsSwap = false

    package init(_ hierarchy: CgroupHierarchy) { self.hierarchy = hierarchy }

    /// Makes the groups of a launch, with the limits of its task.
    ///
    /// - Returns: The files into which a process writes itself to enter them.
    func enter(_ launch: Launch) throws(FileError) -> [String] {
        let limits = CgroupLimits(
            launch.record.info, enforcesQuota: enforcesQuota, pidsMax: pidsMax, limitsSwap: limitsSwap)
        return try create(launch.record.container, limits)
    }

    /// The group of a container.
    package func group(_ controller: CgroupController, _ container: ContainerID) -> String? {
        hierarchy.folders[controller].map { "\($0)/\(container)" }
    }

    /// The files through which a process enters the groups that a container has; a task of an earlier life of this agent may
    /// have others than its flags would give it now.
    func entrances(_ container: ContainerID) -> [String] {
        groups(container).map { "\($0)/cgroup.procs" }.filter { access($0, W_OK) == 0 }
    }

    private func groups(_ container: ContainerID) -> [String] { hierarchy.roots.map { "\($0)/\(container)" } }

    /// Makes the groups of a container.
    ///
    /// - Returns: The files into which a process writes itself to enter them.
    /// - Throws: After removing what was made: a task that cannot be limited as promised does not start.
    package func create(_ container: ContainerID, _ limits: CgroupLimits) throws(FileError) -> [String] {
        do throws(FileError) {
            for group in groups(container) { try DurableFile.makeDirectories(group) }
            switch hierarchy.layout {
            case .separate: try limitSeparately(container, limits)
            case .unified: try limitTogether(container, limits)
            }
        } catch {
            remove(container)
            throw error
        }
        return groups(container).map { "\($0)/cgroup.procs" }
    }

    private func limitSeparately(_ container: ContainerID, _ limits: CgroupLimits) throws(FileError) {
        if let group = group(.cpu, container) {
            if let shares = limits.cpuShares { try CgroupFile.write("\(shares)", to: "\(group)/cpu.shares") }
            if let quota = limits.cpuQuotaMicroseconds {
                try CgroupFile.write("\(CgroupLimits.period)", to: "\(group)/cpu.cfs_period_us")
                try CgroupFile.write("\(quota)", to: "\(group)/cpu.cfs_quota_us")
            }
        }
        if let group = group(.memory, container) {
            if let bytes = limits.memoryReservationBytes ?? limits.memoryBytes {
                try CgroupFile.write("\(bytes)", to: "\(group)/memory.soft_limit_in_bytes")
            }
            if let bytes = limits.memoryBytes {
                try CgroupFile.write("\(bytes)", to: "\(group)/memory.limit_in_bytes")
                // Memory and swap together, so after the memory alone: it must not be less.
                if limits.limitsSwap { try CgroupFile.write("\(bytes)", to: "\(group)/memory.memsw.limit_in_bytes") }
            }
        }
        if let group = group(.pids, container), let most = limits.pidsMax {
            try CgroupFile.write("\(most)", to: "\(group)/pids.max")
        }
    }

    private func limitTogether(_ container: ContainerID, _ limits: CgroupLimits) throws(FileError) {
        if let group = group(.cpu, container) {
            if let weight = limits.cpuWeight { try CgroupFile.write("\(weight)", to: "\(group)/cpu.weight") }
            if let quota = limits.cpuQuotaMicroseconds {
                try CgroupFile.write("\(quota) \(CgroupLimits.period)", to: "\(group)/cpu.max")
            }
        }
        if let group = group(.memory, container) {
            if let bytes = limits.memoryReservationBytes {
                try CgroupFile.write("\(bytes)", to: "\(group)/memory.low")
            }
            if let bytes = limits.memoryBytes {
                try CgroupFile.write("\(bytes)", to: "\(group)/memory.max")
                if limits.limitsSwap { try CgroupFile.write("0", to: "\(group)/memory.swap.max") }
                // Half a task is of no use to anybody.
                try CgroupFile.write("1", to: "\(group)/memory.oom.group")
            }
        }
        if let group = group(.pids, container), let most = limits.pidsMax {
            try CgroupFile.write("\(most)", to: "\(group)/pids.max")
        }
    }

    // MARK: The end

    /// What the kernel did to the container for exceeding its memory; `nil` if it did nothing.
    package func memoryReport(_ container: ContainerID) -> String? {
        guard let group = group(.memory, container) else { return nil }
        let kills: Int64?
        let used: Int64?
        let limit: Int64?
        switch hierarchy.layout {
        case .separate:
            kills = CgroupFile.number("oom_kill", in: "\(group)/memory.oom_control")
            used = CgroupFile.number("\(group)/memory.max_usage_in_bytes")
            limit = CgroupFile.number("\(group)/memory.limit_in_bytes")
        case .unified:
            kills = CgroupFile.number("oom_kill", in: "\(group)/memory.events")
            used = CgroupFile.number("\(group)/memory.peak")
            limit = CgroupFile.number("\(group)/memory.max")
        }
        guard let kills, kills > 0 else { return nil }
        var text = "Memory limit exceeded: Requested: \(limit.map { "\($0 >> 20)MB" } ?? "unknown")"
        text += " Maximum Used: \((used ?? limit).map { "\($0 >> 20)MB" } ?? "unknown")"
        if let statistics = CgroupFile.read("\(group)/memory.stat") {
            // The whole is of interest to few, and goes into a status update.
            let lines = statistics.split(separator: "\n").prefix(40)
            text += "\n\nMEMORY STATISTICS: \n" + lines.joined(separator: "\n")
        }
        return text
    }

    /// Ends every process of the container's groups by force.
    package func kill(_ container: ContainerID) {
        switch hierarchy.layout {
        case .unified:
            for group in groups(container) {
                do throws(FileError) { try CgroupFile.write("1", to: "\(group)/cgroup.kill") } catch {
                    signalAll(group)  // A kernel before 5.14.
                }
            }
        case .separate:
            let freezer = group(.freezer, container)
            // What cannot run cannot fork away from its signal. It is carried out as soon as the group thaws.
            if let freezer { try? CgroupFile.write("FROZEN", to: "\(freezer)/freezer.state") }
            for group in groups(container) { signalAll(group) }
            if let freezer { try? CgroupFile.write("THAWED", to: "\(freezer)/freezer.state") }
        }
    }

    private func signalAll(_ group: String) {
        for line in (CgroupFile.read("\(group)/cgroup.procs") ?? "").split(separator: "\n") {
            if let pid = pid_t(line), pid > 1 { _ = Glibc.kill(pid, SIGKILL) }
        }
    }

    /// Removes the container's groups with those that it made below.
    ///
    /// - Returns: Whether nothing is left. The kernel keeps a group for a moment after its last process.
    @discardableResult
    package func remove(_ container: ContainerID) -> Bool {
        groups(container).reduce(true) { isGone, group in Self.removeTree(group) && isGone }
    }

    private static func removeTree(_ group: String) -> Bool {
        if rmdir(group) == 0 || errno == ENOENT { return true }
        for name in DurableFile.names(in: group) {
            var status = stat()
            let path = "\(group)/\(name)"
            if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { _ = removeTree(path) }
        }
        return rmdir(group) == 0 || errno == ENOENT
    }
}
