// What follows from the facts about a Docker Engine: whether it answers, how it stores, who else may command it.

extension HostFacts {
    /// The oldest engine that can be told to give up on a full pool, and the first with the fix for containers that
    /// overwrite the host's runc (CVE-2019-5736).
    static let engineMin = LooseVersion(17, 3)
    static let engineSafe = LooseVersion(18, 9, 2)

    func engineFindings(_ engine: Engine) -> [Finding] {
        switch engine.condition {
        case .answers: break
        case .absent:
            return [
                .problem(
                    "engine", "nothing listens on \(engine.socket)",
                    fix:
                        "systemctl start docker, or name another --docker_socket, or take docker out of --containerizers"
                )
            ]
        case .denied:
            return [
                .problem(
                    "engine", "\(user.name) may not use \(engine.socket)",
                    fix: "run the agent as root, or usermod -aG docker \(user.name)")
            ]
        case .silent(let seconds):
            return [
                .problem(
                    "engine", "\(engine.socket) accepts and does not answer for \(seconds) s: the engine hangs",
                    fix: "see its log and dmesg (full pool? xfs? dead containerd?), then systemctl restart docker")
            ]
        case .failing(let reason):
            return [.problem("engine", "\(engine.socket): \(reason)", fix: "see the engine's log")]
        }
        return versionFindings(engine) + storageFindings(engine) + exposureFindings(engine)
            + [controlGroupFinding(engine), restartFinding(engine)].compactMap { $0 }
            + engine.warnings.map { .warning("engine says", $0, fix: "see the engine's documentation of this warning") }
    }

    private func versionFindings(_ engine: Engine) -> [Finding] {
        let name = engine.isPodman ? "podman" : "Docker Engine"
        guard !engine.isPodman, let version = LooseVersion(engine.version) else {
            return [.fine("engine", "\(name) \(engine.version)")]
        }
        if version < Self.engineMin {
            return [
                .problem(
                    "engine", "\(name) \(engine.version) is known to hang for good when its pool is full",
                    fix: "install Docker Engine 20.10 or newer")
            ]
        }
        if version < Self.engineSafe {
            return [
                .warning(
                    "engine", "\(name) \(engine.version): a container can take over the host (CVE-2019-5736)",
                    fix: "install Docker Engine 20.10 or newer")
            ]
        }
        return [.fine("engine", "\(name) \(engine.version)")]
    }

    // MARK: Storage

    private func storageFindings(_ engine: Engine) -> [Finding] {
        let check = "storage driver"
        switch engine.storageDriver {
        case "devicemapper": return poolFindings(engine)
        case "vfs":
            return [
                .warning(
                    check, "vfs copies every layer of every container",
                    fix: "\"storage-driver\": \"overlay2\" in /etc/docker/daemon.json")
            ]
        case "aufs", "overlay":
            return [
                .warning(
                    check, "\(engine.storageDriver) is no longer maintained",
                    fix: "\"storage-driver\": \"overlay2\" in /etc/docker/daemon.json")
            ]
        case "overlay2":
            guard engine.storage["Supports d_type"] == "false" else { return [.fine(check, "overlay2")] }
            return [
                .problem(
                    check,
                    "overlay2 on \(engine.storage["Backing Filesystem"] ?? "a file system") without d_type: files "
                        + "of images vanish or stay", fix: "make the xfs anew with -n ftype=1")
            ]
        default: return [.fine(check, engine.storageDriver)]
        }
    }

    private func poolFindings(_ engine: Engine) -> [Finding] {
        let check = "thin pool"
        var findings: [Finding] = []
        if engine.storage["Data loop file"] != nil {
            findings.append(
                .problem(
                    check, "devicemapper on a loopback file: slow, and known to hang the engine under load",
                    fix: "direct-lvm (dm.thinpooldev), or \"storage-driver\": \"overlay2\" in /etc/docker/daemon.json"))
        } else {
            findings.append(
                .warning(
                    "storage driver", "devicemapper is no longer maintained",
                    fix: "\"storage-driver\": \"overlay2\" in /etc/docker/daemon.json"))
        }
        for part in ["Data", "Metadata"] {
            guard let free = Self.bytes(engine.storage["\(part) Space Available"]),
                let total = Self.bytes(engine.storage["\(part) Space Total"]), total > 0
            else { continue }
            let percent = Int(free / total * 100)
            let text =
                "\(percent) % of the \(part.lowercased()) space of \(engine.storage["Pool Name"] ?? "the pool") is free"
            let fix = "docker system prune, lvextend the pool, and thin_pool_autoextend_threshold below 100 in lvm.conf"
            switch percent {
            case ..<10: findings.append(.problem(check, text, fix: fix))
            case ..<25: findings.append(.warning(check, text, fix: fix))
            default: findings.append(.fine(check, text))
            }
        }
        // With xfs in a full pool a write is tried for ever, and whoever waits for it cannot be killed.
        if engine.storage["Backing Filesystem"] == "xfs", engine.xfsRetries != 0 {
            findings.append(
                .problem(
                    check, "xfs tries a write into a full pool again for ever, and the engine hangs with it",
                    fix: "\"storage-opts\": [\"dm.xfs_nospace_max_retries=0\"] in /etc/docker/daemon.json"))
        }
        return findings
    }

    /// As /info writes sizes: `10.5GB`, `1.07 GB`, `512kB`.
    static func bytes(_ text: String?) -> Double? {
        guard let text else { return nil }
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(digits) else { return nil }
        let unit = text.dropFirst(digits.count).filter { !$0.isWhitespace }.lowercased()
        switch unit {
        case "", "b": return value
        case "kb", "kib": return value * 1e3
        case "mb", "mib": return value * 1e6
        case "gb", "gib": return value * 1e9
        case "tb", "tib": return value * 1e12
        default: return nil
        }
    }

    // MARK: Access

    private func exposureFindings(_ engine: Engine) -> [Finding] {
        if engine.openAddresses.isEmpty {
            return [.fine("engine's access", "\(engine.socket) only, or with certificates")]
        }
        return engine.openAddresses.map { address in
            .problem(
                "engine's access",
                "the engine listens on \(address) without certificates: whoever reaches it is root here",
                fix: "remove that -H or \"hosts\" entry, or add --tlsverify; `mini exec TASK -- sh` needs no such port")
        }
    }

    private func controlGroupFinding(_ engine: Engine) -> Finding? {
        guard cgroups == .v2, engine.cgroupDriver == "cgroupfs" else { return nil }
        return .warning(
            "cgroups", "the engine drives version 2 by itself (cgroupfs) beside systemd",
            fix: "\"exec-opts\": [\"native.cgroupdriver=systemd\"] in /etc/docker/daemon.json")
    }

    private func restartFinding(_ engine: Engine) -> Finding? {
        guard let liveRestore = engine.liveRestore, !engine.isPodman else { return nil }
        // As engines come: worth knowing, and no fault.
        return .fine(
            "engine's restart",
            liveRestore
                ? "containers outlive it (live restore)"
                : "it ends every container; \"live-restore\": true in /etc/docker/daemon.json would keep them")
    }
}
