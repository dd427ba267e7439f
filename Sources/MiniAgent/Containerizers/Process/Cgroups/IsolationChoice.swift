// What the flags ask for to keep process tasks apart, and what of it this host grants.

/// The choice of isolation, from `--isolation` and `--launcher`.
package struct IsolationChoice: Hashable, Sendable {
    package var controllers: Set<CgroupController> = []
    /// Asked for, and not to be had from this agent.
    package var unknown: [String] = []

    /// - Parameters:
    ///   - isolation: Names of isolators as Apache Mesos has them, for instance `cgroups/cpu`.
    ///   - launcher: `posix` or `linux`; the latter keeps the processes of a task together in a group of their own.
    package init(isolation: [String], launcher: String) {
        for name in isolation {
            switch name {
            case "cgroups/cpu": controllers.insert(.cpu)
            case "cgroups/mem": controllers.insert(.memory)
            case "cgroups/pids": controllers.insert(.pids)
            case "cgroups/all": controllers.formUnion([.cpu, .memory, .pids])
            // What every task gets anyway, or what isolates nothing.
            case "posix", "posix/cpu", "posix/mem", "filesystem/posix", "process": break
            // Decides what is offered; the engine hands the devices to containers.
            case "gpu/nvidia": break
            case "cgroups": controllers.formUnion([.cpu, .memory])
            default: unknown.append(name)
            }
        }
        if launcher == "linux" || !controllers.isEmpty { controllers.insert(.freezer) }
    }

    /// For the log and `/state`: for each of cpu, memory and pids whether and how tasks are held to it.
    package func report(_ hierarchy: CgroupHierarchy?) -> [(name: String, text: String)] {
        [CgroupController.cpu, .memory, .pids].map { controller in
            guard controllers.contains(controller) else { return (controller.rawValue, "not isolated") }
            if let refusal = hierarchy?.refusals[controller] {
                return (controller.rawValue, "not isolated: \(refusal)")
            }
            return (controller.rawValue, "cgroups \(hierarchy?.layout.rawValue ?? "")")
        }
    }
}
