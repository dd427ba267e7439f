// A container's usage and limits as Apache Mesos's `ResourceStatistics`.

import MesosProtocol
import Resources

/// What a task may use, beside what it uses.
package struct UsageAllowance: Hashable, Sendable {
    package var resources: Resources
    /// Limits apart from what was requested; infinity: none.
    package var limits: [String: Double]

    package init(resources: Resources, limits: [String: Double] = [:]) {
        self.resources = resources
        self.limits = limits
    }

    /// The sum over the tasks of one container.
    init(of tasks: [V1TaskInfo]) {
        var resources = Resources()
        var limits: [String: Double] = [:]
        for task in tasks {
            guard let own = try? Resources(task.resources) else { continue }
            resources += own
            for name in ["cpus", "mem"] {
                limits[name, default: 0] += task.limits[name]?.value ?? own[name].doubleValue
            }
        }
        self.init(resources: resources, limits: limits)
    }
}

enum UsageStatistics {
    static func message(_ usage: ContainerUsage, _ allowance: UsageAllowance) -> V1ResourceStatistics {
        var statistics = V1ResourceStatistics()
        statistics.timestamp = usage.at.seconds
        setCPU(&statistics, usage, allowance)
        setMemory(&statistics, usage, allowance)
        let disk = allowance.resources["disk"].doubleValue
        if disk > 0 { statistics.diskLimitBytes = bytes(megabytes: disk) }
        if let processes = usage.processes { statistics.processes = UInt32(clamping: processes) }
        if let threads = usage.threads { statistics.threads = UInt32(clamping: threads) }
        if let network = usage.network {
            statistics.netRxBytes = network.received.bytes
            statistics.netRxPackets = network.received.packets
            statistics.netRxErrors = network.received.errors
            statistics.netRxDropped = network.received.dropped
            statistics.netTxBytes = network.sent.bytes
            statistics.netTxPackets = network.sent.packets
            statistics.netTxErrors = network.sent.errors
            statistics.netTxDropped = network.sent.dropped
        }
        return statistics
    }

    private static func setCPU(
        _ statistics: inout V1ResourceStatistics, _ usage: ContainerUsage, _ allowance: UsageAllowance
    ) {
        let request = allowance.resources["cpus"].doubleValue
        statistics.cpusSoftLimit = request
        let limit = allowance.limits["cpus"] ?? request
        // Consumers add this up, so it is always there: without a finite limit it is the quota, or else the request.
        statistics.cpusLimit = limit.isFinite ? limit : usage.cpuQuota ?? request
        if let cpu = usage.cpu {
            statistics.cpusUserTimeSecs = cpu.userSeconds
            statistics.cpusSystemTimeSecs = cpu.systemSeconds
        }
        if let throttling = usage.throttling {
            statistics.cpusNrPeriods = UInt32(clamping: throttling.periods)
            statistics.cpusNrThrottled = UInt32(clamping: throttling.throttledPeriods)
            statistics.cpusThrottledTimeSecs = throttling.throttledSeconds
        }
    }

    private static func setMemory(
        _ statistics: inout V1ResourceStatistics, _ usage: ContainerUsage, _ allowance: UsageAllowance
    ) {
        let memory = usage.memory
        let request = allowance.resources["mem"].doubleValue
        let limit = allowance.limits["mem"] ?? request
        statistics.memSoftLimitBytes = bytes(megabytes: request)
        statistics.memLimitBytes =
            limit.isFinite ? bytes(megabytes: limit) : memory.limitBytes ?? bytes(megabytes: request)
        if let rss = memory.rssBytes ?? memory.totalBytes { statistics.memRssBytes = rss }
        if let rss = memory.rssBytes, memory.totalBytes != nil { statistics.memAnonBytes = rss }
        if let total = memory.totalBytes ?? memory.rssBytes { statistics.memTotalBytes = total }
        if let cache = memory.cacheBytes {
            statistics.memCacheBytes = cache
            statistics.memFileBytes = cache
        }
        if let mapped = memory.mappedFileBytes { statistics.memMappedFileBytes = mapped }
        if let swap = memory.swapBytes { statistics.memSwapBytes = swap }
        if let unevictable = memory.unevictableBytes { statistics.memUnevictableBytes = unevictable }
    }

    private static func bytes(megabytes: Double) -> UInt64 {
        UInt64(exactly: (megabytes * 1_048_576).rounded()) ?? 0
    }

    /// As the legacy endpoints print it: sorted by name. `mem_peak_bytes` and `mem_oom_kills` are additions;
    /// `blkio_statistics` sums all devices in one entry that names none.
    static func json(_ usage: ContainerUsage, _ allowance: UsageAllowance) -> JSONValue {
        let message = message(usage, allowance)
        var members = (JSONValue.message(MesosJSON.encode(message)).objectValue ?? []).map { ($0.key, $0.value) }
        if let peak = usage.memory.peakBytes { members.append(("mem_peak_bytes", .integer(peak))) }
        if let kills = usage.memory.kills { members.append(("mem_oom_kills", .integer(kills))) }
        if let io = usage.io {
            let throttling = JSONValue.members([
                (
                    "io_serviced",
                    io.reads.flatMap { reads in io.writes.map { operations(read: reads, write: $0) } }
                ),
                ("io_service_bytes", operations(read: io.readBytes, write: io.writtenBytes)),
            ])
            members.append(("blkio_statistics", .members([("throttling", .array([throttling]))])))
        }
        members.sort { $0.0 < $1.0 }
        return .members(members)
    }

    private static func operations(read: UInt64, write: UInt64) -> JSONValue {
        .array(
            [("READ", read), ("WRITE", write), ("TOTAL", read &+ write)].map { name, value in
                .members([("op", .string(name)), ("value", .integer(value))])
            })
    }
}
