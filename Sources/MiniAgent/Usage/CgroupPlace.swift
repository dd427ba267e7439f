// Which control groups a process is in, and in which folders this host shows them.

/// Reads a small file of the kernel's; nil if it is not there.
package typealias KernelFile = (_ path: String) -> [UInt8]?

/// Where control groups are mounted, as `/proc/self/mountinfo` says.
package struct CgroupMounts: Hashable, Sendable {
    struct Mount: Hashable, Sendable {
        /// The group that the mount shows as its top.
        var root: String
        var folder: String

        /// The folder of a group; nil if the mount does not show it.
        func folder(of group: String) -> String? {
            if group.split(separator: "/").contains("..") { return nil }
            if root == "/" { return group == "/" ? folder : folder + group }
            if group == root { return folder }
            guard group.hasPrefix(root + "/") else { return nil }
            return folder + group.dropFirst(root.utf8.count)
        }
    }

    /// Version 1, by controller.
    private(set) var controllers: [String: Mount] = [:]
    /// Version 2.
    private(set) var unified: Mount?

    package init(mountInfo: [UInt8]) {
        for line in String(decoding: mountInfo, as: UTF8.self).split(separator: "\n") {
            // id parent device root folder options [optional ...] - type source superoptions
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count else { continue }
            let mount = Mount(root: String(fields[3]), folder: String(fields[4]))
            switch fields[dash + 1] {
            case "cgroup2" where unified == nil: unified = mount
            case "cgroup":
                guard dash + 3 < fields.count else { continue }
                for option in fields[dash + 3].split(separator: ",") where controllers[String(option)] == nil {
                    controllers[String(option)] = mount
                }
            default: continue
            }
        }
    }
}

/// The folders in which the kernel counts what a container uses.
package struct CgroupPlace: Hashable, Sendable {
    package var cpu: String?
    package var cpuacct: String?
    package var memory: String?
    package var blkio: String?
    package var pids: String?
    /// Version 2: one folder for everything. Nil if version 1 has the controllers.
    package var unified: String?

    package init() {}

    /// - Parameters:
    ///   - cgroupFile: The content of `/proc/PID/cgroup`.
    ///   - mark: What the group's name must hold. A pid may have come to mean another process.
    /// - Returns: Nil if the process is in no group of that name, or this host does not show it.
    package init?(cgroupFile: [UInt8], mounts: CgroupMounts, mark: String) {
        var found = false
        func place(_ group: Substring, _ mount: CgroupMounts.Mount?) -> String? {
            guard group.contains(mark), let folder = mount?.folder(of: String(group)) else { return nil }
            found = true
            return folder
        }
        var unifiedGroup: Substring?
        for line in String(decoding: cgroupFile, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty { unifiedGroup = fields[2] }
            for controller in fields[1].split(separator: ",") {
                let mount = mounts.controllers[String(controller)]
                switch controller {
                case "cpu": cpu = place(fields[2], mount)
                case "cpuacct": cpuacct = place(fields[2], mount)
                case "memory": memory = place(fields[2], mount)
                case "blkio": blkio = place(fields[2], mount)
                case "pids": pids = place(fields[2], mount)
                default: break
                }
            }
        }
        // A host that mounts both has the controllers in one of them.
        if !found, let unifiedGroup { unified = place(unifiedGroup, mounts.unified) }
        guard found else { return nil }
    }
}
