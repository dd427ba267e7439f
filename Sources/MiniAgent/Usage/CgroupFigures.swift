// The kernel's counters of a control group, version 1 and 2, as a container's usage.

enum CgroupFigures {
    /// The clock tick in which version 1 counts: 100 a second on every Linux that user space sees.
    static let ticksPerSecond = 100.0
    /// Version 1 says "no limit" with a number near 2^63.
    private static let unlimitedBytesMin: UInt64 = 1 << 60

    /// - Parameter detail: Whether to read what is expensive to count: the kinds of memory.
    static func read(
        _ place: CgroupPlace, into usage: inout ContainerUsage, detail: Bool, file: KernelFile
    ) {
        if let folder = place.unified { return readUnified(folder, &usage, detail, file) }
        if let folder = place.cpuacct, let stat = table(file("\(folder)/cpuacct.stat")) {
            usage.cpu = ContainerUsage.CPU(
                userSeconds: Double(stat["user"] ?? 0) / ticksPerSecond,
                systemSeconds: Double(stat["system"] ?? 0) / ticksPerSecond)
        }
        if let folder = place.cpu {
            if let stat = table(file("\(folder)/cpu.stat")), let periods = stat["nr_periods"] {
                usage.throttling = ContainerUsage.Throttling(
                    periods: periods, throttledPeriods: stat["nr_throttled"] ?? 0,
                    throttledSeconds: Double(stat["throttled_time"] ?? 0) / 1e9)
            }
            // -1: no quota.
            if let quota = number(file("\(folder)/cpu.cfs_quota_us")),
                let period = number(file("\(folder)/cpu.cfs_period_us")), period > 0
            {
                usage.cpuQuota = Double(quota) / Double(period)
            }
        }
        if let folder = place.memory { readMemory(folder, &usage, detail, file) }
        if let folder = place.blkio { usage.io = blockIO(folder, file) }
        if let folder = place.pids ?? place.memory ?? place.cpuacct {
            usage.processes = file("\(folder)/cgroup.procs").map(lineCount)
            usage.threads =
                number(file("\(folder)/pids.current")).map { Int(clamping: $0) }
                ?? file("\(folder)/tasks").map(lineCount)
        }
    }

    private static func readMemory(
        _ folder: String, _ usage: inout ContainerUsage, _ detail: Bool, _ file: KernelFile
    ) {
        usage.memory.totalBytes = number(file("\(folder)/memory.usage_in_bytes"))
        usage.memory.peakBytes = number(file("\(folder)/memory.max_usage_in_bytes"))
        if let limit = number(file("\(folder)/memory.limit_in_bytes")), limit < unlimitedBytesMin {
            usage.memory.limitBytes = limit
        }
        guard detail else { return }
        // Since Linux 4.13.
        usage.memory.kills = table(file("\(folder)/memory.oom_control"))?["oom_kill"]
        guard let stat = table(file("\(folder)/memory.stat")) else { return }
        // With everything below the group, as the limit counts.
        usage.memory.rssBytes = stat["total_rss"] ?? stat["rss"]
        usage.memory.cacheBytes = stat["total_cache"] ?? stat["cache"]
        usage.memory.mappedFileBytes = stat["total_mapped_file"] ?? stat["mapped_file"]
        usage.memory.swapBytes = stat["total_swap"] ?? stat["swap"]
        usage.memory.unevictableBytes = stat["total_unevictable"] ?? stat["unevictable"]
    }

    private static func readUnified(
        _ folder: String, _ usage: inout ContainerUsage, _ detail: Bool, _ file: KernelFile
    ) {
        if let stat = table(file("\(folder)/cpu.stat")) {
            if let user = stat["user_usec"], let system = stat["system_usec"] {
                usage.cpu = ContainerUsage.CPU(userSeconds: Double(user) / 1e6, systemSeconds: Double(system) / 1e6)
            }
            if let periods = stat["nr_periods"] {
                usage.throttling = ContainerUsage.Throttling(
                    periods: periods, throttledPeriods: stat["nr_throttled"] ?? 0,
                    throttledSeconds: Double(stat["throttled_usec"] ?? 0) / 1e6)
            }
        }
        if let limit = file("\(folder)/cpu.max").map(words), limit.count == 2, let quota = Double(limit[0]),
            let period = Double(limit[1]), period > 0
        {
            usage.cpuQuota = quota / period
        }
        usage.memory.totalBytes = number(file("\(folder)/memory.current"))
        usage.memory.peakBytes = number(file("\(folder)/memory.peak"))  // Since Linux 5.19.
        usage.memory.limitBytes = number(file("\(folder)/memory.max"))
        usage.memory.swapBytes = number(file("\(folder)/memory.swap.current"))
        if detail { usage.memory.kills = table(file("\(folder)/memory.events"))?["oom_kill"] }
        if detail, let stat = table(file("\(folder)/memory.stat")) {
            usage.memory.rssBytes = stat["anon"]
            usage.memory.cacheBytes = stat["file"]
            usage.memory.mappedFileBytes = stat["file_mapped"]
            usage.memory.unevictableBytes = stat["unevictable"]
        }
        if let stat = file("\(folder)/io.stat") { usage.io = unifiedIO(stat) }
        usage.processes = file("\(folder)/cgroup.procs").map(lineCount)
        usage.threads = number(file("\(folder)/pids.current")).map { Int(clamping: $0) }
    }

    // MARK: Block devices

    /// `8:0 Read 4096`, one line an operation, and a total at the end.
    private static func blockIO(_ folder: String, _ file: KernelFile) -> ContainerUsage.IO? {
        func sums(_ name: String) -> (reads: UInt64, writes: UInt64)? {
            let content = file("\(folder)/blkio.throttle.\(name)_recursive") ?? file("\(folder)/blkio.throttle.\(name)")
            guard let content else { return nil }
            var sums: (reads: UInt64, writes: UInt64) = (0, 0)
            for line in lines(content) {
                let fields = line.split(separator: " ")
                guard fields.count == 3, let value = UInt64(fields[2]) else { continue }
                if fields[1] == "Read" { sums.reads &+= value }
                if fields[1] == "Write" { sums.writes &+= value }
            }
            return sums
        }
        guard let bytes = sums("io_service_bytes") else { return nil }
        var io = ContainerUsage.IO()
        (io.readBytes, io.writtenBytes) = bytes
        if let operations = sums("io_serviced") { (io.reads, io.writes) = (operations.reads, operations.writes) }
        return io
    }

    /// `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`
    private static func unifiedIO(_ stat: [UInt8]) -> ContainerUsage.IO {
        var io = ContainerUsage.IO()
        (io.reads, io.writes) = (0, 0)
        for line in lines(stat) {
            for pair in line.split(separator: " ").dropFirst() {
                let parts = pair.split(separator: "=")
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                switch parts[0] {
                case "rbytes": io.readBytes &+= value
                case "wbytes": io.writtenBytes &+= value
                case "rios": io.reads = (io.reads ?? 0) &+ value
                case "wios": io.writes = (io.writes ?? 0) &+ value
                default: break
                }
            }
        }
        return io
    }

    // MARK: Text

    static func lines(_ content: [UInt8]) -> [Substring] {
        String(decoding: content, as: UTF8.self).split(separator: "\n")
    }

    private static func words(_ content: [UInt8]) -> [Substring] {
        String(decoding: content, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    }

    private static func lineCount(_ content: [UInt8]) -> Int { content.count { $0 == UInt8(ascii: "\n") } }

    /// Nil for `max`, for a negative number and for no number.
    private static func number(_ content: [UInt8]?) -> UInt64? {
        content.flatMap { words($0).first }.flatMap { UInt64($0) }
    }

    /// Lines of a name and a number.
    private static func table(_ content: [UInt8]?) -> [String: UInt64]? {
        guard let content else { return nil }
        var table: [String: UInt64] = [:]
        for line in lines(content) {
            let fields = line.split(separator: " ")
            if fields.count == 2, let value = UInt64(fields[1]) { table[String(fields[0])] = value }
        }
        return table
    }
}
