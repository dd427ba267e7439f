// What a container may do and what it shares with the host, as `linux_info` asks; and its terminal, as `tty_info` does.

import MesosProtocol

extension DockerMapping {
    mutating func addLinuxInfo() throws(DockerOptionsError) {
        let linux = launch.record.info.container.linuxInfo
        if linux.hasShmSize { options.set("ShmSize", .integer(Int64(linux.shmSize) << 20)) }
        addCapabilities(linux)
        if linux.seccomp.hasProfileName {
            throw DockerOptionsError(
                "Seccomp profile '\(linux.seccomp.profileName)' is not known: this agent has no seccomp_config_dir")
        }
        if linux.seccomp.unconfined { options.append(.string("seccomp=unconfined"), to: "SecurityOpt") }
        // What has the network of its group shares the rest with the group, too.
        let parent = options.networkMode.hasPrefix("container:") ? options.networkMode : "host"
        if linux.hasIpcMode {
            switch linux.ipcMode {
            case .private: options.set("IpcMode", .string("private"))
            case .shareParent: options.set("IpcMode", .string(parent))
            case .unknown: throw DockerOptionsError("IPC mode \(linux.ipcMode) is not known")
            }
        }
        if linux.sharePidNamespace { options.set("PidMode", .string(parent)) }
    }

    /// A task with a terminal is one that somebody may type into.
    mutating func addTerminal() {
        let container = launch.record.info.container
        guard container.hasTtyInfo else { return }
        options.hasTerminal = true
        options.keepsInputOpen = true
        guard container.ttyInfo.hasWindowSize else { return }
        let size = container.ttyInfo.windowSize
        options.set("ConsoleSize", .array([.integer(Int64(size.rows)), .integer(Int64(size.columns))]))
    }

    /// The engine knows one set, which is both the bound and what a container starts with.
    private mutating func addCapabilities(_ linux: V1LinuxInfo) {
        let set: V1CapabilityInfo
        if linux.hasEffectiveCapabilities {
            set = linux.effectiveCapabilities
        } else if linux.hasBoundingCapabilities {
            set = linux.boundingCapabilities
        } else if linux.hasCapabilityInfo {
            set = linux.capabilityInfo
        } else {
            return
        }
        options.append(.string("ALL"), to: "CapDrop")
        for capability in set.capabilities where capability != .unknown {
            options.append(.string(Self.name(of: capability)), to: "CapAdd")
        }
    }

    /// `netBindService` is `NET_BIND_SERVICE` to the kernel.
    private static func name(of capability: V1CapabilityInfo.Capability) -> String {
        "\(capability)".reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
    }
}
