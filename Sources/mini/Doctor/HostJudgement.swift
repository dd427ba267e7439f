// What follows from the facts about a host itself: kernel, user, limits, folders, port, name.

extension HostFacts {
    /// Everything there is to say, in the order in which somebody would set a host up.
    var findings: [Finding] {
        [forwarding, controlGroups, kernelAge].compactMap { $0 } + userFindings + limitFindings
            + folders.flatMap(Self.findings(of:)) + (engine.map(engineFindings) ?? [])
            + [portFinding, nameFinding].compactMap { $0 }
            + zooKeeperFindings + masterFindings
    }

    // MARK: Kernel

    private var forwarding: Finding? {
        guard let forwardsIP else { return nil }
        if forwardsIP { return .fine("ip_forward", "net.ipv4.ip_forward is 1") }
        let text = "net.ipv4.ip_forward is 0: containers on a bridge network reach nobody beyond this host"
        let fix = "sysctl -w net.ipv4.ip_forward=1, and net.ipv4.ip_forward = 1 in /etc/sysctl.d/90-mini.conf"
        return engine == nil
            ? .warning("ip_forward", text, fix: fix) : .problem("ip_forward", text, fix: fix)
    }

    private var controlGroups: Finding? {
        guard let cgroups else { return nil }
        switch cgroups {
        case .v1: return .fine("cgroups", "version 1")
        case .v2: return .fine("cgroups", "version 2")
        case .hybrid:
            return .warning(
                "cgroups", "both versions are mounted (hybrid): limits may be set in one and counted in the other",
                fix: "boot with systemd.unified_cgroup_hierarchy=1 (version 2 alone)")
        case .none:
            return .problem(
                "cgroups", "no control groups are mounted: neither limits nor usage of tasks work",
                fix: "mount cgroup2, as systemd does, or install cgroupfs-mount")
        }
    }

    /// Kernels before 4.0 leak kernel memory accounts with each container, and a leaked network namespace blocks the next
    /// container for minutes ("unregister_netdevice: waiting for lo to become free").
    private var kernelAge: Finding? {
        guard let version = LooseVersion(kernel) else { return nil }
        guard version < LooseVersion(4, 0) else { return .fine("kernel", kernel) }
        return .warning(
            "kernel",
            "\(kernel): containers of this kernel leak kernel memory, and their network devices are known to hang the "
                + "engine (unregister_netdevice)", fix: "run a kernel of 4.19 or newer")
    }

    // MARK: User and limits

    private var userFindings: [Finding] {
        if user.id == 0 { return [.fine("user", "root")] }
        guard user.switchesUser, user.runsProcesses else { return [.fine("user", user.name)] }
        return [
            .problem(
                "user", "\(user.name) is not root, so process tasks cannot run as the users that frameworks name",
                fix: "run the agent as root, or start it with --no-switch_user")
        ]
    }

    static let filesWanted: UInt64 = 65_536
    static let pidsWanted: UInt64 = 32_768

    private var limitFindings: [Finding] {
        var findings: [Finding] = []
        if let most = limits.filesMax ?? limits.files {
            findings.append(
                most >= Self.filesWanted
                    ? .fine("open files", "up to \(most)")
                    : .warning(
                        "open files", "at most \(most): each task and each connection takes some",
                        fix: "LimitNOFILE=\(Self.filesWanted) in the service, or ulimit -n \(Self.filesWanted)"))
        }
        if let pids = limits.pids {
            findings.append(
                pids >= Self.pidsWanted
                    ? .fine("process ids", "up to \(pids)")
                    : .warning(
                        "process ids", "kernel.pid_max is \(pids)", fix: "sysctl -w kernel.pid_max=\(4 << 20)"))
        }
        if let group = limits.groupPids, group < Self.pidsWanted {
            findings.append(
                .warning(
                    "processes of the service",
                    "the agent's own control group allows \(group), with those of all process tasks",
                    fix: "TasksMax=infinity in the service"))
        }
        return findings
    }

    // MARK: Folders

    private static func findings(of folder: Folder) -> [Finding] {
        let check = "disk (\(folder.use.rawValue))"
        if let fault = folder.fault {
            return [
                .problem(
                    check, "\(folder.path): \(fault)",
                    fix: folder.use == .work
                        ? "create it for the agent's user, or choose another --work_dir" : "free or mount it")
            ]
        }
        var findings: [Finding] = []
        let percent = folder.totalBytes == 0 ? 100 : Int(folder.freeBytes * 100 / folder.totalBytes)
        let size = "\(folder.path): \(gigabytes(folder.freeBytes)) of \(gigabytes(folder.totalBytes)) are free"
        let files =
            folder.totalFiles == 0 ? 100 : Int(Double(folder.freeFiles) / Double(folder.totalFiles) * 100)
        switch (percent, folder.freeBytes) {
        case (..<5, _), (_, ..<(1 << 30)):
            findings.append(
                .problem(
                    check, size,
                    fix: folder.use == .engine
                        ? "docker system prune, or a larger disk" : "remove what is old, or a larger disk"))
        case (..<15, _):
            findings.append(.warning(check, size, fix: "a larger disk, or --gc_delay with fewer days"))
        default:
            let flush = folder.flush.map { "; a flush takes \(Self.milliseconds($0)) ms" } ?? ""
            findings.append(.fine(check, size + flush))
        }
        if files < 10 {
            findings.append(
                .warning(
                    check, "\(folder.path): only \(folder.freeFiles) more files fit (inodes), whatever their size",
                    fix: "remove old sandboxes, or make the file system with more inodes"))
        }
        if let flush = folder.flush, flush > slowFlush {
            let why =
                folder.use == .work
                ? "each state of a task is on disk before it is told"
                : "an engine flushes some forty times for each container that it starts"
            findings.append(
                .warning(
                    check, "\(folder.path): a flush takes \(Self.milliseconds(flush)) ms, and \(why)",
                    fix: "a faster disk, or one that others use less"))
        }
        if folder.use == .work, folder.isInMemory {
            findings.append(
                .warning(
                    check, "\(folder.path) is in memory: after a reboot the agent is another one",
                    fix: "choose a --work_dir on a disk"))
        }
        if folder.use == .work, !folder.allowsPrograms {
            findings.append(
                .problem(
                    check, "\(folder.path) is mounted noexec: no task can run what it fetched",
                    fix: "mount it without noexec, or choose another --work_dir"))
        }
        return findings
    }

    /// A disk of one's own takes less, a spinning one too.
    private static let slowFlush = Duration.milliseconds(20)

    private static func milliseconds(_ time: Duration) -> String {
        let tenths = Int((time / .microseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func gigabytes(_ bytes: UInt64) -> String {
        let tenths = (bytes * 10) >> 30
        return "\(tenths / 10).\(tenths % 10) GiB"
    }

    // MARK: Reached by others

    private var portFinding: Finding? {
        guard let port, port.number != 0 else { return nil }
        switch port.condition {
        case .free: return .fine("port", "\(port.number) is free")
        case .agent: return .fine("port", "an agent listens on \(port.number) already")
        case .taken:
            return .problem(
                "port", "something that is no agent listens on \(port.number)",
                fix: "stop it (ss -ltnp 'sport = :\(port.number)' names it), or choose another --port")
        case .denied:
            return .problem("port", "this user may not listen on \(port.number)", fix: "choose a --port above 1023")
        }
    }

    private var nameFinding: Finding? {
        guard let name else { return nil }
        if name.addresses.isEmpty {
            return .warning(
                "host name", "nobody knows '\(name.name)'",
                fix: "add it to DNS, or start the agent with --hostname=<address>")
        }
        let isLoopback = name.addresses.allSatisfy { $0.hasPrefix("127.") || $0 == "::1" }
        let isAlone = masters.allSatisfy {
            $0.url.contains("//127.") || $0.url.contains("//localhost") || $0.url.contains("[::1]")
        }
        if isLoopback, !isAlone {
            return .warning(
                "host name", "'\(name.name)' is \(name.addresses[0]) here: others are told an address that is theirs",
                fix: "take it out of the 127.0.1.1 line of /etc/hosts, or set --ip or --advertise_ip")
        }
        return .fine("host name", "\(name.name) is \(name.addresses.joined(separator: ", "))")
    }

    // MARK: Others reached

    private var zooKeeperFindings: [Finding] {
        let serving = zooKeepers.filter { server in
            switch server.answer {
            // It may well serve: it only does not say so.
            case .serving, .silent: true
            case .notServing, .unreachable: false
            }
        }
        return zooKeepers.map { server in
            let check = "ZooKeeper \(server.address)"
            switch server.answer {
            case .serving(let mode): return .fine(check, mode)
            case .silent: return .fine(check, "reachable; it does not answer srvr (4lw.commands.whitelist)")
            case .notServing:
                let fix = "see its log; start the other servers of its ensemble"
                let text = "it runs, and has no quorum"
                return serving.isEmpty ? .problem(check, text, fix: fix) : .warning(check, text, fix: fix)
            case .unreachable(let reason):
                let fix = "check name, port and firewall: nc -vz \(server.address.replacing(":", with: " "))"
                let text = "not reachable: \(reason)"
                return serving.isEmpty ? .problem(check, text, fix: fix) : .warning(check, text, fix: fix)
            }
        }
    }

    /// Beyond it, times of tasks and of logs cannot be compared any more.
    static let clockWarning = 2.0
    /// Beyond it, certificates and failover timeouts are judged wrongly.
    static let clockProblem = 60.0

    private var masterFindings: [Finding] {
        var findings: [Finding] = []
        if let leaderUnknown {
            findings.append(
                .problem(
                    "master", "no leading master is known: \(leaderUnknown)",
                    fix: "start the masters, and see that --master has their zk path"))
        }
        for master in masters {
            switch master.answer {
            case .answered(let status) where status < 500:
                findings.append(.fine("master \(master.url)", "answers (\(status))"))
            case .answered(let status):
                findings.append(
                    .problem(
                        "master \(master.url)", "answers \(status)",
                        fix: "see the master's log: it does not lead, or has no quorum"))
            case .unreachable(let reason):
                findings.append(
                    .problem(
                        "master \(master.url)", "not reachable: \(reason)",
                        fix: "open the way from here to the master's port"))
            }
        }
        if let ahead = masters.compactMap(\.clockAhead).max(by: { abs($0) < abs($1) }) {
            findings.append(Self.clock(ahead))
        }
        return findings
    }

    private static func clock(_ ahead: Double) -> Finding {
        let seconds = Int(abs(ahead).rounded())
        let text = "this clock is \(seconds) s \(ahead < 0 ? "behind" : "ahead of") the master's"
        let fix = "run chrony or systemd-timesyncd here and on the masters (timedatectl set-ntp true)"
        if abs(ahead) >= clockProblem { return .problem("clock", text, fix: fix) }
        return abs(ahead) >= clockWarning ? .warning("clock", text, fix: fix) : .fine("clock", "as the master's")
    }
}
