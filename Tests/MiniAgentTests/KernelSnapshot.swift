// Files of the kernel's as a container's control groups show them, for tests that need no container.

import Glibc
import Mailbox
import MiniAgent

struct KernelSnapshot: Sendable {
    var files: [String: String]

    var read: @Sendable (String) -> [UInt8]? {
        { [files] path in files[path].map { Array($0.utf8) } }
    }

    static let unifiedMount =
        "24 18 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    static let unifiedFolder = "/sys/fs/cgroup/system.slice/docker-\(UsageTests.engineID).scope"

    /// Docker 28 with the systemd driver.
    static let version2 = KernelSnapshot(files: [
        "/proc/self/mountinfo": unifiedMount,
        "/proc/4711/cgroup": "0::/system.slice/docker-\(UsageTests.engineID).scope\n",
        "\(unifiedFolder)/cpu.stat": """
        usage_usec 3000000
        user_usec 2500000
        system_usec 500000
        nice_usec 0
        core_sched.force_idle_usec 0
        nr_periods 40
        nr_throttled 7
        throttled_usec 1250000
        nr_bursts 0
        burst_usec 0

        """,
        "\(unifiedFolder)/cpu.max": "150000 100000\n",
        "\(unifiedFolder)/memory.current": "10485760\n",
        "\(unifiedFolder)/memory.peak": "20971520\n",
        "\(unifiedFolder)/memory.max": "max\n",
        "\(unifiedFolder)/memory.swap.current": "0\n",
        "\(unifiedFolder)/memory.stat": """
        anon 4194304
        file 6291456
        kernel 131072
        file_mapped 524288
        unevictable 0

        """,
        "\(unifiedFolder)/memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n",
        "\(unifiedFolder)/io.stat": """
        8:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=0 dios=0
        254:0 rbytes=100 wbytes=12288 rios=1 wios=3 dbytes=0 dios=0

        """,
        "\(unifiedFolder)/cgroup.procs": "4711\n",
        "\(unifiedFolder)/pids.current": "3\n",
    ])

    /// Docker 20.10 with the cgroupfs driver, on a host that mounts version 2 beside it.
    static let version1: KernelSnapshot = {
        let group = "/docker/\(UsageTests.engineID)"
        var files: [String: String] = [:]
        var mounts = ""
        var groups = ""
        for (number, controllers) in ["cpu,cpuacct", "memory", "blkio", "pids", "devices"].enumerated() {
            mounts +=
                "3\(number) 24 0:2\(number) / /sys/fs/cgroup/\(controllers) rw,nosuid shared:1 - cgroup cgroup rw,"
            mounts += "\(controllers)\n"
            groups += "\(number + 1):\(controllers):\(group)\n"
        }
        files["/proc/self/mountinfo"] =
            mounts + "41 24 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
        files["/proc/4711/cgroup"] = groups + "9:name=systemd:\(group)\n0::\(group)\n"
        let cpu = "/sys/fs/cgroup/cpu,cpuacct\(group)"
        files["\(cpu)/cpuacct.stat"] = "user 105\nsystem 25\n"
        files["\(cpu)/cpu.stat"] =
            "nr_periods 22\nnr_throttled 20\nthrottled_time 669206229\nnr_bursts 0\nburst_time 0\n"
        files["\(cpu)/cpu.cfs_quota_us"] = "50000\n"
        files["\(cpu)/cpu.cfs_period_us"] = "100000\n"
        let memory = "/sys/fs/cgroup/memory\(group)"
        files["\(memory)/memory.usage_in_bytes"] = "6762496\n"
        files["\(memory)/memory.max_usage_in_bytes"] = "8122368\n"
        files["\(memory)/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
        files["\(memory)/memory.limit_in_bytes"] = "67108864\n"
        files["\(memory)/memory.stat"] = """
            cache 1
            rss 2
            hierarchical_memory_limit 67108864
            total_cache 6254592
            total_rss 65536
            total_mapped_file 700416
            total_swap 0
            total_unevictable 0

            """
        let blkio = "/sys/fs/cgroup/blkio\(group)"
        files["\(blkio)/blkio.throttle.io_service_bytes_recursive"] =
            "8:0 Read 4096\n8:0 Write 12288\n8:0 Sync 0\n8:0 Async 16384\n8:0 Total 16384\nTotal 16384\n"
        files["\(blkio)/blkio.throttle.io_serviced_recursive"] = "8:0 Read 1\n8:0 Write 3\n8:0 Total 4\nTotal 4\n"
        let pids = "/sys/fs/cgroup/pids\(group)"
        files["\(pids)/cgroup.procs"] = "4711\n4712\n"
        files["\(pids)/pids.current"] = "5\n"
        return KernelSnapshot(files: files)
    }()
}

/// Files that go away while somebody reads them.
final class ChangingFiles: Sendable {
    private let files: Locked<[String: String]>

    init(_ files: [String: String]) { self.files = Locked(files) }

    func read(_ path: String) -> [UInt8]? { files.withLock { $0[path].map { Array($0.utf8) } } }

    func removeAll(below folder: String) {
        files.withLock { files in files = files.filter { !$0.key.hasPrefix(folder + "/") } }
    }
}
